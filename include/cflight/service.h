/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_SERVICE_H
#define CFLIGHT_SERVICE_H

#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"
#include "cflight/auth.h"

/// @file
/// Methods of other gRPC services that a Flight server answers: health checks, reflection
/// (cflight/health.h, cflight/reflection.h), or services of yours. Messages are bytes, whatever
/// they are encoded with.
///
///     static cflight_status echo(void *user_data, cflight_server_context *context,
///                                cflight_service_call *call, cflight_error **reterr)
///     {
///         cflight_buffer *message = NULL;
///         cflight_status status = cflight_service_call_read(call, &message, reterr);
///         if (status == CFLIGHT_OK) {
///             status = cflight_service_call_write(call, cflight_buffer_bytes(message), reterr);
///         }
///         cflight_buffer_unref(message);
///         return status;
///     }
///     ...
///     struct cflight_service_method method = CFLIGHT_SERVICE_METHOD_INIT;
///     method.path = "/example.Echo/Say";
///     method.handler = echo;
///     options.service_methods = &method;
///     options.service_method_count = 1;
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// One call, in its handler. Thread class: one at a time; reading and writing may be on two
/// threads.
typedef struct cflight_service_call cflight_service_call;

/// Waits for the next message of the client.
///
/// @param ret_message  NULL when the client has sent its last; else the caller's. Where the client
///                     does not stream there is one, and the first reading gives it.
/// @return CFLIGHT_OK; CFLIGHT_INTERNAL (no message came where one must); the end of the call
///         otherwise: CFLIGHT_CANCELLED, CFLIGHT_DEADLINE_EXCEEDED, CFLIGHT_UNAVAILABLE,
///         CFLIGHT_RESOURCE_EXHAUSTED (larger than `message_bytes_max`)
CFLIGHT_CHECKED cflight_status
cflight_service_call_read(cflight_service_call *call, cflight_buffer **ret_message,
                          cflight_error **reterr);
/// Sends a message; waits while the client takes too little. Of a method that does not stream its
/// answer there must be one when the handler returns CFLIGHT_OK.
/// @return CFLIGHT_OK; CFLIGHT_FAILED_PRECONDITION (a second one of a method that does not stream);
///         the end of the call otherwise
CFLIGHT_CHECKED cflight_status
cflight_service_call_write(cflight_service_call *call, struct cflight_bytes message,
                           cflight_error **reterr);

/// A method. Copied; `user_data` must outlive the server.
struct cflight_service_method {
    size_t struct_size;
    const char *path;    ///< "/package.Service/Method"; not one of Flight's
    bool client_streams; ///< any number of messages from the client; otherwise one
    bool server_streams; ///< any number of answers; otherwise one
    /// For anybody: neither authentication nor middleware is asked. The handler then runs when the
    /// first message is there, also where the client streams; otherwise it may speak first there.
    bool is_open;
    uint64_t message_bytes_max; ///< of one message of the client; 0: as of the server
    /// Runs as other handlers do, on a thread of the server, and may block.
    cflight_status (*handler)(void *user_data, cflight_server_context *context,
                              cflight_service_call *call, cflight_error **reterr);
    /// The server begins to shut down: handlers that wait for something else than their clients end
    /// now. May be NULL. Called once, on the thread that shuts down, under no lock.
    void (*on_shutdown)(void *user_data);
    void *user_data;
};

#define CFLIGHT_SERVICE_METHOD_INIT CFLIGHT_SIZED_INIT(struct cflight_service_method)

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_SERVICE_H */
