/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_MIDDLEWARE_H
#define CFLIGHT_MIDDLEWARE_H

#include "cflight/auth.h"
#include "cflight/bytes.h"
#include "cflight/call.h"
#include "cflight/error.h"
#include "cflight/export.h"

/// @file
/// Middleware: functions around every call, on both sides. A table is a factory: `start_call` may
/// make an instance for a call, and the other functions are then called with it. Tables are copied;
/// `user_data` must outlive the client or server. All functions run on the thread of the call,
/// several calls at once, never under a lock of the library.
///
/// Order at a client: start_call, sending_headers, [the call], received_headers (for initial
/// metadata if there is any, then always for the trailers), call_completed. Order at a server:
/// is_valid of the auth table, start_call of each factory in turn (the first failure ends the call
/// with that status), sending_headers, [the handler], call_completed.
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// Collects header fields. Belongs to the library; valid inside the function it was given to.
typedef struct cflight_header_sink cflight_header_sink;

/// Adds a field; name (lower-cased) and value are copied. @return CFLIGHT_OK,
/// CFLIGHT_INVALID_ARGUMENT (illegal or reserved name, control characters in a text value),
/// CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_EXPORT cflight_status
cflight_header_sink_add(cflight_header_sink *sink, struct cflight_bytes name,
                        struct cflight_bytes value, cflight_error **reterr);

/// What a middleware learns when a call is over.
struct cflight_call_summary {
    enum cflight_method method;
    cflight_status status;
    const cflight_error *error; ///< NULL when OK; borrowed
    uint64_t messages_sent;
    uint64_t messages_received;
    uint64_t bytes_sent; ///< message bytes, without HTTP/2 framing
    uint64_t bytes_received;
    int64_t duration_ns;
};

struct cflight_client_middleware {
    size_t struct_size;
    void *user_data;
    /// May set `*ret_instance`; leaving it NULL skips the other functions for this call. A failure
    /// fails the call.
    cflight_status (*start_call)(void *user_data, enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr);
    void (*sending_headers)(void *user_data, void *instance, cflight_header_sink *headers);
    void (*received_headers)(void *user_data, void *instance, const struct cflight_header *headers,
                             size_t header_count);
    /// The last call for the instance: free it here.
    void (*call_completed)(void *user_data, void *instance,
                           const struct cflight_call_summary *summary);
    /// May be NULL. Runs when the client lets go of the table.
    void (*release)(void *user_data);
};

#define CFLIGHT_CLIENT_MIDDLEWARE_INIT CFLIGHT_SIZED_INIT(struct cflight_client_middleware)

struct cflight_server_middleware {
    size_t struct_size;
    void *user_data;
    /// Name under which handlers find the instance: cflight_server_context_middleware(). Copied.
    const char *key;
    /// As for clients, with the request's headers (cflight_server_context_headers()). A failure
    /// rejects the call.
    cflight_status (*start_call)(void *user_data, cflight_server_context *context,
                                 enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr);
    void (*sending_headers)(void *user_data, void *instance, cflight_header_sink *headers);
    /// The last call for the instance: free it here.
    void (*call_completed)(void *user_data, void *instance,
                           const struct cflight_call_summary *summary);
};

#define CFLIGHT_SERVER_MIDDLEWARE_INIT CFLIGHT_SIZED_INIT(struct cflight_server_middleware)

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_MIDDLEWARE_H */
