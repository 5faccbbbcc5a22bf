/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TRACE_H
#define CFLIGHT_TRACE_H

#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"
#include "cflight/middleware.h"
#include "cflight/server.h"

/// @file
/// Knowing what a server does: trace context passed from call to call (W3C Trace Context), and a
/// log of requests. Nothing here sends anything anywhere by itself.
///
/// Thread class of all functions: free.
///
///     struct cflight_trace trace;
///     struct cflight_trace child;
///     char text[CFLIGHT_TRACEPARENT_BYTES + 1];
///     struct cflight_header headers[2];
///     if (cflight_trace_of(context, &trace) && cflight_trace_child(&trace, &child, &error) ==
///     CFLIGHT_OK) {
///         call_options.headers = headers; // for a call to the next server
///         call_options.header_count = cflight_trace_headers(&child, text, headers);
///     }
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// Length of a `traceparent` value that the library writes.
#define CFLIGHT_TRACEPARENT_BYTES 55

/// Where a call stands in a trace.
struct cflight_trace {
    uint8_t trace_id[16];
    uint8_t span_id[8];         ///< "parent-id" in the header: the span that made the call
    uint8_t flags;              ///< bit 0: sampled
    struct cflight_bytes state; ///< `tracestate`, opaque; borrowed, may be empty
};

/// Reads a `traceparent` value; false when it is none, and then nothing is written. `state` becomes
/// empty.
CFLIGHT_EXPORT bool
cflight_trace_parse(struct cflight_bytes traceparent, struct cflight_trace *ret_trace);
/// Reads the trace context of the call in hand; false when it carries none. `state` is valid until
/// the handler returns.
CFLIGHT_EXPORT bool
cflight_trace_of(const cflight_server_context *context, struct cflight_trace *ret_trace);
/// Makes the context for a span below `parent`: same trace, flags and state, a fresh span id. NULL
/// begins a new trace that is not sampled.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_INTERNAL (no random numbers)
CFLIGHT_CHECKED cflight_status
cflight_trace_child(const struct cflight_trace *parent, struct cflight_trace *ret_child,
                    cflight_error **reterr);
/// Gives the headers that carry a context onward, one or two.
///
/// @param text         Room for the value of `traceparent`, which the headers point at.
/// @param ret_headers  Two headers, valid as long as `text` and `trace->state`.
/// @return how many were filled in
CFLIGHT_EXPORT size_t
cflight_trace_headers(const struct cflight_trace *trace, char text[CFLIGHT_TRACEPARENT_BYTES + 1],
                      struct cflight_header ret_headers[2]);

/// A log of requests: one line for each call of a server, when it is over. Texts of clients are
/// escaped, and no header, token or payload is in a line. Who calls is what authentication has
/// named; what a call is about its handler says (cflight_server_context_set_subject()).
///
///     DoGet ipv4:127.0.0.1:40112 NOT_FOUND 0.412 ms, sent 0 messages 0 bytes, received 1 messages
///     9 bytes, about 'prices', user 'alice', trace 4bf92f3577b34da6a3ce929d0e0e4736: no such table
///
/// As JSON, an object in a line, with `time` when the call was over (UTC, RFC 3339), `method`,
/// `peer`, `status`, `duration_ms`, `messages_sent`, `bytes_sent`, `messages_received`,
/// `bytes_received`, and where there is one `subject`, `user`, `trace_id` and `error`.
struct cflight_request_log {
    size_t struct_size;
    /// Receives a line, terminated, without a line end. On the thread of the call, several at once.
    /// NULL sends lines to the library's log (cflight_log_set()) at level INFO.
    void (*write)(void *user_data, const char *line);
    void *user_data;
    bool as_json;
};

#define CFLIGHT_REQUEST_LOG_INIT CFLIGHT_SIZED_INIT(struct cflight_request_log)

/// Fills a middleware table that writes to the log. Put it first: what later middleware refuses is
/// logged too.
///
/// @param log  Borrowed: must outlive the server.
CFLIGHT_EXPORT void
cflight_request_log_middleware(const struct cflight_request_log *log,
                               struct cflight_server_middleware *ret_table);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_TRACE_H */
