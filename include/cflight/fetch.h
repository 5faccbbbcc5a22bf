/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_FETCH_H
#define CFLIGHT_FETCH_H

#include "cflight/client.h"

/// @file
/// Fetching a whole dataset: one call that turns a FlightInfo into one Arrow stream.
///
/// A fetch waits as any other thread does: other threads, other fetches and an event loop may use
/// the client at the same time. Endpoints are read in their order; several are open at once, so
/// that their servers work while the first is read, and each holds at most one flow-control window
/// of data that nobody took yet. An endpoint's locations are replicas: when one fails before it
/// delivered anything, the next is tried. An endpoint without locations, or with the location
/// CFLIGHT_LOCATION_REUSE_CONNECTION, is read over the client that gave the info. Other locations
/// get clients of their own, one for each, for as long as the stream lives.
///
///     struct ArrowArrayStream stream;
///     if (cflight_fetch(client, info, NULL, &stream, &error) == CFLIGHT_OK) { ...;
///     stream.release(&stream); }
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// How a dataset is fetched. What it points at is borrowed until the stream is released, but for
/// the call options' cancel handle, which is counted.
struct cflight_fetch_options {
    size_t struct_size;
    /// For each DoGet. Its total timeout counts from the start of each.
    const struct cflight_call_options *call_options;
    /// For clients of other locations: TLS, auth, middleware; NULL for defaults.
    const struct cflight_client_options *client_options;
    /// Endpoints that are open at once; 0 is 4.
    uint32_t parallel_max;
    /// Times that an endpoint is tried over all its locations before it counts as failed; 0 is 3.
    /// Only CFLIGHT_UNAVAILABLE is tried again at the same location.
    uint32_t attempts_max;
    /// True gives batches as they come, whichever endpoint they are from; an info that is `ordered`
    /// keeps its order.
    bool any_order;
    /// Replaces a location before it is used: returns the one to use, valid until the next call, or
    /// NULL to skip it. May be NULL. Called from within the stream's functions.
    const char *(*rewrite_location)(void *user_data, const char *location);
    void *user_data;
    /// Whether a location may have the credentials: the call options' headers, and of
    /// `client_options` middleware, auth and tokens. Without it, and where it returns false, only
    /// the host of the client's own location may, unless that would go from TLS to plain text;
    /// what lies elsewhere is read without credentials. Client certificates are used everywhere.
    /// Called from within the stream's functions.
    bool (*location_is_trusted)(void *user_data, const char *location);
    /// Told of each failed attempt at an endpoint that is followed by another. May be NULL. Called
    /// from within the stream's functions; `error` is borrowed.
    void (*on_attempt_failed)(void *user_data, const cflight_error *error);
    /// Limit for everything, from the start of the fetch; 0 is none.
    int64_t timeout_ms;
};

#define CFLIGHT_FETCH_OPTIONS_INIT                          \
    {                                                       \
        .struct_size = sizeof(struct cflight_fetch_options) \
    }

/// Starts to fetch all endpoints of an info.
///
/// Blocks until the schema of the first endpoint arrived (an info without endpoints gives a stream
/// without batches, of the info's own schema). The stream's get_next blocks as the call options
/// allow; its failures are EINVAL, EIO, ETIMEDOUT, ECANCELED or ENOMEM with a text that names the
/// endpoint and the location. Every endpoint must have the schema of the first; one that differs
/// ends the stream with an error.
///
/// @param client      Kept alive by the stream.
/// @param info        Copied.
/// @param ret_stream  Caller's storage; release it, at any time, to drop the rest. One thread at a
/// time.
/// @return CFLIGHT_OK; CFLIGHT_FAILED_PRECONDITION (an endpoint has expired, and says when);
/// CFLIGHT_UNIMPLEMENTED (no
///         location has a scheme that can be read: they are named); any status of the calls
CFLIGHT_CHECKED cflight_status
cflight_fetch(cflight_client *client, const struct cflight_info *info,
              const struct cflight_fetch_options *options, struct ArrowArrayStream *ret_stream,
              cflight_error **reterr);

/// Gives the next message of a fetch as it is, in place of the stream's get_next, for those who
/// pass the data on: the schema once, then the dictionaries and batches of each endpoint in turn,
/// whatever `any_order` says. Each endpoint brings its own dictionaries, which replace those of the
/// one before. Metadata is dropped. Blocks as get_next.
///
/// @param check        CFLIGHT_MESSAGE_CHECK_STRUCTURE at least.
/// @param ret_message  Release it with cflight_message_release(); look at `is_end`.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT when the stream is not from cflight_fetch(); as
///         cflight_reader_next_message(), naming the endpoint
CFLIGHT_CHECKED cflight_status
cflight_fetch_next_message(struct ArrowArrayStream *stream, enum cflight_message_check check,
                           struct cflight_message *ret_message, cflight_error **reterr);

/// Why a fetch failed, with status, peer and advice on trying again: more than the stream's errno
/// and text. A copy; free it with cflight_error_free().
/// @return NULL when its last function did not fail, or the stream is not from cflight_fetch()
CFLIGHT_CHECKED cflight_error *
cflight_fetch_error(const struct ArrowArrayStream *stream);

/// How far a fetch is.
struct cflight_fetch_counts {
    uint64_t batch_count; ///< handed over, as are the next two
    uint64_t row_count;
    uint64_t body_bytes; ///< as they came over the network
    uint64_t endpoints_done;
    uint64_t endpoint_count;
    int64_t total_records; ///< as the info says; -1 is unknown
    int64_t total_bytes;
};

/// Tells how far a fetch is. Any thread, also while another reads the stream.
/// @return false when the stream is not from cflight_fetch()
CFLIGHT_EXPORT bool
cflight_fetch_progress(const struct ArrowArrayStream *stream,
                       struct cflight_fetch_counts *ret_counts);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_FETCH_H */
