/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CALL_H
#define CFLIGHT_CALL_H

#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"
#include "cflight/ipc.h"

/// @file
/// What a single call may carry: time limits, headers, IPC options, size limits, and a handle that
/// cancels it from any thread.
///
///     cflight_cancel *cancel = NULL;
///     if (cflight_cancel_new(&cancel, &error) != CFLIGHT_OK) { ... }
///     struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
///     options.timeout_ms = 30000;
///     options.idle_timeout_ms = 2000;
///     options.cancel = cancel;      // another thread: cflight_cancel_trigger(cancel);
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// The methods of the Flight service.
enum cflight_method {
    CFLIGHT_METHOD_INVALID = 0,
    CFLIGHT_METHOD_HANDSHAKE = 1,
    CFLIGHT_METHOD_LIST_FLIGHTS = 2,
    CFLIGHT_METHOD_GET_FLIGHT_INFO = 3,
    CFLIGHT_METHOD_GET_SCHEMA = 4,
    CFLIGHT_METHOD_DO_GET = 5,
    CFLIGHT_METHOD_DO_PUT = 6,
    CFLIGHT_METHOD_DO_ACTION = 7,
    CFLIGHT_METHOD_LIST_ACTIONS = 8,
    CFLIGHT_METHOD_DO_EXCHANGE = 9,
    CFLIGHT_METHOD_POLL_FLIGHT_INFO = 10,
    CFLIGHT_METHOD_SERVICE = 11, ///< at a server: of another gRPC service (cflight/service.h)
};

/// Returns "DoGet" and so on; "Invalid" for INVALID or any other number. Static storage. Thread
/// class: free.
CFLIGHT_EXPORT const char *
cflight_method_name(enum cflight_method method);

/// Cancels calls. Counted; thread class: free. One handle may be given to several calls: all end.
/// Once triggered it stays so, and a call started with it ends at once.
typedef struct cflight_cancel cflight_cancel;

/// Makes a handle that is not triggered, with one reference that the caller owns.
/// @return CFLIGHT_OK, CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_cancel_new(cflight_cancel **ret_cancel, cflight_error **reterr);
/// Adds a reference and returns `cancel`.
CFLIGHT_EXPORT cflight_cancel *
cflight_cancel_ref(cflight_cancel *cancel);
/// NULL is ignored.
CFLIGHT_EXPORT void
cflight_cancel_unref(cflight_cancel *cancel);
/// Ends every call that has this handle, now: a thread blocked in one returns CFLIGHT_CANCELLED,
/// before the first byte, in the middle, or while connecting; the server is told. Never blocks; may
/// be called from a signal-handling thread, but not from a signal handler. Safe to repeat.
CFLIGHT_EXPORT void
cflight_cancel_trigger(cflight_cancel *cancel);
/// Tells whether cflight_cancel_trigger() was called.
CFLIGHT_EXPORT bool
cflight_cancel_is_triggered(const cflight_cancel *cancel);

/// Options of one call. Everything is borrowed while the function that takes it runs, but for
/// `cancel`, which is counted.
struct cflight_call_options {
    size_t struct_size;
    /// Limit on the whole call, streaming included, in milliseconds; 0 is none. Sent to the server
    /// (`grpc-timeout`). `timeout_is_set` makes a `timeout_ms` of 0 mean "now".
    int64_t timeout_ms;
    bool timeout_is_set;
    /// Limit from the start of the call to the first byte of the answer; 0 is none.
    int64_t first_byte_timeout_ms;
    /// Limit on any single wait: for the next message, or for the peer to take what is written; 0
    /// is none.
    int64_t idle_timeout_ms;
    /// Request headers, text and `-bin`.
    const struct cflight_header *headers;
    size_t header_count;
    cflight_cancel *cancel;
    /// How batches are written (DoPut, DoExchange) and read (DoGet, DoExchange); NULL for defaults.
    const struct cflight_ipc_write_options *write_options;
    const struct cflight_ipc_read_options *read_options;
    /// Largest message accepted from the peer, in bytes; 0 is the client's setting. A larger one
    /// ends the call with CFLIGHT_RESOURCE_EXHAUSTED, and the error carries both numbers
    /// (cflight_error_size_limit()).
    uint64_t message_bytes_max;
    /// Largest message sent, in bytes: more is refused with CFLIGHT_INVALID_ARGUMENT, carrying both
    /// numbers, before anything is sent, and the stream stays usable. 0 is the client's setting.
    uint64_t write_size_limit_bytes;
    /// Batches whose encoded size is larger are sent as several; batches with metadata never are. 0
    /// is no splitting at a client. See also the server's setting.
    uint64_t split_batch_bytes;
    /// With CFLIGHT_BALANCE_ROUND_ROBIN: the call goes to the client's own connection, as it needs
    /// what an earlier one left at a server.
    bool is_sticky;
};

#define CFLIGHT_CALL_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_call_options)

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_CALL_H */
