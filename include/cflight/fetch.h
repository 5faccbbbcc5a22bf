/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_FETCH_H
#define CFLIGHT_FETCH_H

#include "cflight/client.h"

/// @file
/// Fetching a whole dataset: one call that turns a FlightInfo into one Arrow stream.
///
/// Endpoints are read in their order; several are open at once, so that their servers work while
/// the first is read, and each holds at most one flow-control window of data that nobody took yet.
/// An endpoint's locations are replicas: when one fails before it delivered anything, the next is
/// tried. An endpoint without locations, or with the location CFLIGHT_LOCATION_REUSE_CONNECTION, is
/// read over the client that gave the info. Other locations get clients of their own, one for each,
/// for as long as the stream lives.
///
///     struct ArrowArrayStream stream;
///     if (cflight_fetch(client, info, NULL, &stream, &error) == CFLIGHT_OK) { ...;
///     stream.release(&stream); }

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
/// @since 0.1
CFLIGHT_EXPORT CFLIGHT_NODISCARD cflight_status
cflight_fetch(cflight_client *client, const struct cflight_info *info,
              const struct cflight_fetch_options *options, struct ArrowArrayStream *ret_stream,
              cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_FETCH_H */
