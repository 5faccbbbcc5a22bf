/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TRACE_H
#define CFLIGHT_TRACE_H

#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"
#include "cflight/middleware.h"
#include "cflight/server.h"

/// @file
/// Knowing what a server does: trace context passed from call to call (W3C Trace Context), hooks
/// for a tracing SDK, and a log of requests. Nothing here sends anything anywhere by itself.
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

/// A call as a tracer sees it: a span of OpenTelemetry's, of kind server or client.
struct cflight_trace_span {
    const char *name;        ///< "arrow.flight.protocol.FlightService/DoGet"
    const char *rpc_service; ///< the part before the slash
    const char *rpc_method;  ///< the part after it
    const char *peer;        ///< of a server: as cflight_server_context_peer(); else NULL
    bool is_server;
    bool has_parent;
    /// At a server what the client sent, if it did; at a client what `start` puts here.
    struct cflight_trace parent;
    /// Of this call: what travels onward, and what handlers get. Zero at a client until `start`
    /// has run.
    struct cflight_trace trace;
};

/// What a tracing SDK hooks in by. Both functions run on the thread of the call, several at once.
struct cflight_tracer {
    size_t struct_size;
    void *user_data;
    /// A call begins. May change `span->trace`, to the ids of the SDK's own span, or, at a client,
    /// set `span->parent` and `has_parent`, from which `trace` is made unless it is set too;
    /// without any of that a new trace begins, which is not sampled. `*ret_instance` is given to
    /// `end`. May be NULL.
    void (*start)(void *user_data, struct cflight_trace_span *span, void **ret_instance);
    /// It is over. May be NULL.
    void (*end)(void *user_data, void *instance, const struct cflight_trace_span *span,
                const struct cflight_call_summary *summary);
};

#define CFLIGHT_TRACER_INIT CFLIGHT_SIZED_INIT(struct cflight_tracer)

/// Fills a middleware table that makes a span of each call of a server.
/// @param tracer  Borrowed: must outlive the server; as must the next one's the client.
CFLIGHT_EXPORT void
cflight_tracer_server_middleware(const struct cflight_tracer *tracer,
                                 struct cflight_server_middleware *ret_table);
/// Fills one that makes a span of each call of a client and sends its context with it. A call whose
/// options have the header already sends both: leave that to one of the two.
CFLIGHT_EXPORT void
cflight_tracer_client_middleware(const struct cflight_tracer *tracer,
                                 struct cflight_client_middleware *ret_table);
/// Gives the span of the call in hand, for a handler of a server with a tracer: the parent of what
/// it calls. False when there is none.
CFLIGHT_EXPORT bool
cflight_trace_current(const cflight_server_context *context, struct cflight_trace *ret_trace);

/// How OpenTelemetry's semantic conventions name what is known of a call.
enum cflight_trace_convention {
    CFLIGHT_TRACE_RPC_1_30 = 0, ///< rpc.service, rpc.method, rpc.grpc.status_code
    CFLIGHT_TRACE_RPC_1_39 = 1, ///< rpc.method with the service, rpc.response.status_code
};

struct cflight_trace_attribute {
    const char *name;
    const char *text; ///< NULL: it is a number
    int64_t number;
};

/// Most attributes of a span.
#define CFLIGHT_TRACE_ATTRIBUTES_MAX 8

/// Gives the attributes of a span.
///
/// @param summary         NULL while the call runs.
/// @param address         Room for the peer's address, which an attribute points at.
/// @param ret_attributes  Valid as long as the span and `address`.
/// @return how many were filled in
CFLIGHT_EXPORT size_t
cflight_trace_attributes(
    const struct cflight_trace_span *span, const struct cflight_call_summary *summary,
    enum cflight_trace_convention convention, char address[64],
    struct cflight_trace_attribute ret_attributes[CFLIGHT_TRACE_ATTRIBUTES_MAX]);

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

/// Fills a middleware table that writes to the log. Put it first, or after a tracer, so that traces
/// which begin here are named: what later middleware refuses is logged too.
///
/// @param log  Borrowed: must outlive the server.
CFLIGHT_EXPORT void
cflight_request_log_middleware(const struct cflight_request_log *log,
                               struct cflight_server_middleware *ret_table);

/// A file that a log's lines are appended to, by a thread of its own: calls do not wait for the
/// disk. A line is in the file a fifth of a second later; what a process that is killed had not
/// written is lost. Pipes, sockets and terminals, which may have a reader that stops, are not
/// waited for: when 256 KiB have gathered, lines are left out until it goes on.
typedef struct cflight_log_file cflight_log_file;

/// Opens the file, or makes it, for its owner and group.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT; CFLIGHT_PERMISSION_DENIED, CFLIGHT_NOT_FOUND or
///         CFLIGHT_UNKNOWN (the system's reason); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_log_file_new(const char *path, cflight_log_file **ret_file, cflight_error **reterr);
/// As cflight_log_file_new(), for a descriptor such as that of standard error. A copy of it is
/// used; lines are not gathered for longer than writing takes.
CFLIGHT_CHECKED cflight_status
cflight_log_file_new_fd(int fd, cflight_log_file **ret_file, cflight_error **reterr);
/// Lines that were left out, or could not be written, since the log began.
CFLIGHT_EXPORT uint64_t
cflight_log_file_lost(const cflight_log_file *file);
/// Appends a line; `file` is a cflight_log_file, so that this is the `write` of a
/// cflight_request_log.
CFLIGHT_EXPORT void
cflight_log_file_write(void *file, const char *line);
/// Opens the path again, for what renames logs; on failure the old file goes on. What was appended
/// before is in the old one.
CFLIGHT_CHECKED cflight_status
cflight_log_file_reopen(cflight_log_file *file, cflight_error **reterr);
/// Writes what is left, which takes a second at most where nobody reads, and closes it. NULL is
/// ignored.
CFLIGHT_EXPORT void
cflight_log_file_free(cflight_log_file *file);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_TRACE_H */
