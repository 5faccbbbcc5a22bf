/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_SERVER_H
#define CFLIGHT_SERVER_H

#include "cflight/auth.h"
#include "cflight/call.h"
#include "cflight/metrics.h"
#include "cflight/middleware.h"
#include "cflight/service.h"
#include "cflight/stream.h"
#include "cflight/tls.h"
#include "cflight/types.h"

/// @file
/// The server: a table of handlers, a location to listen on, and a pool of threads that grows to a
/// limit.
///
/// Handlers run on library threads, many at once, and may block; none runs under a lock of the
/// library. Short ones of one connection run one after another on one thread, and their answers go
/// out together; one that takes longer than a millisecond or two goes on alone, and the others are
/// taken over by another thread. A handler that waits for its client, or for a server that it calls
/// through the library, does not count among those that run. A handler answers through the object
/// it was given and returns a status; with a status other than OK it may leave an error in
/// `reterr`, which travels to the client. A NULL entry answers CFLIGHT_UNIMPLEMENTED. The library
/// installs no signal handler; where handlers run the signals are blocked that were blocked where
/// the server was made, but for those of faults.
///
/// After fork() the server goes on in the parent alone. In the child it counts as shut down, and
/// cflight_server_free() closes the child's copy of the listening sockets.
///
///     struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
///     handlers.do_get = my_do_get;
///     cflight_server *server = NULL;
///     if (cflight_server_new("grpc://localhost:0", &handlers, NULL, &server, &error) != 0) { ... }
///     printf("listening on port %d\n", cflight_server_port(server));
///     cflight_server_wait(server);
///     cflight_server_free(server);
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cflight_server cflight_server;

/// Takes the answers of a handler. Each function below fits certain methods; another gives
/// CFLIGHT_FAILED_PRECONDITION. They block while the client is slow, and fail once the call is
/// over.
typedef struct cflight_response cflight_response;

/// GetFlightInfo (once) and ListFlights (any number).
CFLIGHT_CHECKED cflight_status
cflight_response_info(cflight_response *response, const struct cflight_info *info,
                      cflight_error **reterr);
/// PollFlightInfo, once. `poll_info` is borrowed.
CFLIGHT_CHECKED cflight_status
cflight_response_poll_info(cflight_response *response, const struct cflight_poll_info *poll_info,
                           cflight_error **reterr);
/// GetSchema, once: an encapsulated schema message (cflight_ipc_schema_serialize()).
CFLIGHT_CHECKED cflight_status
cflight_response_schema(cflight_response *response, struct cflight_bytes schema,
                        cflight_error **reterr);
/// DoAction, any number.
CFLIGHT_CHECKED cflight_status
cflight_response_result(cflight_response *response, struct cflight_bytes body,
                        cflight_error **reterr);
/// ListActions, any number.
CFLIGHT_CHECKED cflight_status
cflight_response_action_type(cflight_response *response,
                             const struct cflight_action_type *action_type, cflight_error **reterr);

/// The handlers. Copied; `user_data` is given to each and must outlive the server. `context` and
/// everything else handed in is borrowed and valid until the handler returns; `context`, when it
/// hands a stream over, until that stream is released (cflight_writer_hand_over()).
struct cflight_server_handlers {
    size_t struct_size;
    void *user_data;
    cflight_status (*list_flights)(void *user_data, cflight_server_context *context,
                                   struct cflight_bytes criteria, cflight_response *response,
                                   cflight_error **reterr);
    /// Returning OK without an answer is CFLIGHT_NOT_FOUND ("Flight not found"), here and in the
    /// next two.
    cflight_status (*get_flight_info)(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr);
    cflight_status (*poll_flight_info)(void *user_data, cflight_server_context *context,
                                       const struct cflight_descriptor *descriptor,
                                       cflight_response *response, cflight_error **reterr);
    cflight_status (*get_schema)(void *user_data, cflight_server_context *context,
                                 const struct cflight_descriptor *descriptor,
                                 cflight_response *response, cflight_error **reterr);
    /// Writes the stream: cflight_writer_begin() and cflight_writer_write(), or
    /// cflight_writer_write_stream(). One that returns CFLIGHT_OK and began nothing is answered
    /// with CFLIGHT_NOT_FOUND, "No data in this flight".
    cflight_status (*do_get)(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr);
    /// Reads the upload; cflight_reader_descriptor() names it. May return before the end: the
    /// status is sent at once.
    cflight_status (*do_put)(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr);
    cflight_status (*do_exchange)(void *user_data, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_reader *reader, cflight_writer *writer,
                                  cflight_error **reterr);
    cflight_status (*do_action)(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr);
    cflight_status (*list_actions)(void *user_data, cflight_server_context *context,
                                   cflight_response *response, cflight_error **reterr);
};

#define CFLIGHT_SERVER_HANDLERS_INIT CFLIGHT_SIZED_INIT(struct cflight_server_handlers)

/// One certificate with its key, PEM.
struct cflight_tls_key_pair {
    struct cflight_bytes cert_chain;
    struct cflight_bytes private_key;
};

enum cflight_client_certificate {
    CFLIGHT_CLIENT_CERTIFICATE_IGNORED = 0,
    CFLIGHT_CLIENT_CERTIFICATE_OPTIONAL = 1,
    CFLIGHT_CLIENT_CERTIFICATE_REQUIRED = 2,
};

/// TLS at a server; used for grpc+tls locations. Copied.
struct cflight_server_tls {
    /// The first is the default, others are chosen by server name.
    const struct cflight_tls_key_pair *key_pairs;
    size_t key_pair_count;
    enum cflight_client_certificate client_certificate;
    struct cflight_bytes client_root_certs;
    struct cflight_tls_policy policy;
};

/// A stream socket of IPv4, IPv6 or Unix that listens already, given to the process by a service
/// manager or by its predecessor. The server uses a copy of the descriptor: closing it stays with
/// the caller, connections that wait when the server shuts down are left to whoever listens on the
/// socket next, and the file of a Unix socket is not removed.
struct cflight_server_socket {
    int fd;
    bool is_tls; ///< not of Unix sockets
};

/// What `split_batch_bytes` is when it is 0: 4 MiB less 64 KiB.
#define CFLIGHT_SPLIT_BATCH_BYTES_DEFAULT ((UINT64_C(4) << 20) - (UINT64_C(64) << 10))

struct cflight_server_options {
    size_t struct_size;
    const struct cflight_allocator *allocator; ///< NULL: the C library
    struct cflight_server_tls tls;
    const struct cflight_server_auth *auth;
    const struct cflight_server_middleware *middleware;
    size_t middleware_count;
    /// Most handlers that run at once, those that wait for a client or another server not counted
    /// (`waiting_max`); streams that were handed over have as many again to be pulled. More calls
    /// wait; 0 is 64.
    uint32_t handlers_max;
    /// Calls that may wait for a handler, from their headers on. When that many do, a connection
    /// that has more than its share of them is answered CFLIGHT_UNAVAILABLE; 0 is 1024.
    uint32_t queue_max;
    /// Most connections; further ones are closed at once; 0 is 10000.
    uint32_t connections_max;
    /// Most calls at once on one connection; 0 is 2048.
    uint32_t calls_per_connection_max;
    /// Bytes of one upload that may wait unread before the client is held back; 0 is 4 MiB.
    uint32_t stream_window_bytes;
    /// Largest message accepted; 0 is 4 GiB - 1.
    uint64_t message_bytes_max;
    /// Largest block of request headers; 0 is 64 KiB.
    uint32_t metadata_bytes_max;
    /// Idle memory kept for message bodies; 0 is 64 MiB.
    uint64_t pool_bytes_max;
    /// Batches whose encoded size is larger are sent as several, so that peers with a receive limit
    /// of 4 MiB take them; batches with metadata never are. 0 is 4 MiB less 64 KiB; `split_is_off`
    /// sends them whole.
    uint64_t split_batch_bytes;
    bool split_is_off;
    const struct cflight_ipc_write_options *write_options;
    const struct cflight_ipc_read_options *read_options;
    /// Keepalive pings to clients; 0 is off.
    int64_t keepalive_interval_ms;
    int64_t keepalive_timeout_ms;
    /// Limit on any single wait for the client, for the next message or for what was written to be
    /// taken, without a byte having moved; past it the call ends with CFLIGHT_DEADLINE_EXCEEDED.
    /// 0 is 10 minutes; negative is none: a client may then hold a handler that waits, and its
    /// thread, as long as its connection lives.
    int64_t idle_timeout_ms;
    /// Bytes that all uploads and other requests together may hold before handlers take them,
    /// headers included, and the descriptors and actions that handlers have; a call beyond it ends
    /// with CFLIGHT_UNAVAILABLE. It bounds what many
    /// clients can do together, as `stream_window_bytes` does for one call; a message that is
    /// larger than that window counts as it arrives. One connection may have half of it; callers
    /// that nobody has identified yet have a quarter together, and a sixteenth each. 0 is half of
    /// the machine's memory: where the process may use less, set it.
    uint64_t unread_bytes_max;
    /// Most handlers that wait at once, for their clients or for servers that they call through the
    /// library, and logins; each has a thread. Beyond it calls of methods that stream are answered
    /// CFLIGHT_UNAVAILABLE. Streams that were handed over are not among them. 0 is 4096.
    uint32_t waiting_max;
    /// Limit from a call's headers to its first message; past it CFLIGHT_DEADLINE_EXCEEDED. 0 is 30
    /// seconds; negative is none.
    int64_t message_timeout_ms;
    /// What `idle_timeout_ms` is while other calls are refused because `waiting_max` handlers wait.
    /// 0 is a minute; negative is none.
    int64_t contended_timeout_ms;
    /// A connection without calls is closed, in good order, after so long. 0 is 30 minutes;
    /// negative is never.
    int64_t connection_idle_ms;
    /// Methods of other gRPC services, such as health checks. Copied.
    const struct cflight_service_method *service_methods;
    size_t service_method_count;
    /// Locations to listen on beside the one that cflight_server_new() is given, of any scheme. All
    /// lead to the same handlers, and have the limits together. Copied.
    const char *const *more_locations;
    size_t more_location_count;
    /// Sockets to listen on that the process was given.
    const struct cflight_server_socket *sockets;
    size_t socket_count;
    /// Where the server counts; NULL: nowhere. Kept.
    cflight_metrics *metrics;
    /// Batches never go through memory that is shared with the other process. By default those in
    /// segments do over grpc+unix, between processes of the same user (segment.h).
    bool shared_bodies_are_off;
    /// Most connections from one address, or from one network of 64 bits in IPv6; further ones are
    /// closed at once, so that who opens all he can keeps nobody else out. 0 is no such limit:
    /// behind a proxy all clients have one address. Unix sockets have none.
    uint32_t connections_per_address_max;
};

#define CFLIGHT_SERVER_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_server_options)

/// What gives the chunks of a stream that a handler hands over, on threads of the library, one call
/// at a time, and under none of its locks.
struct cflight_source {
    size_t struct_size;
    void *user_data;
    /// Gives the next batch, with or without metadata, or metadata alone, or says that this is the
    /// end. `ret_chunk` is zeroed; what is put into it is the library's. May block. A failure is
    /// the call's status.
    cflight_status (*next)(void *user_data, struct cflight_chunk *ret_chunk,
                           cflight_error **reterr);
    /// The last call, at the end or when the client has gone; may be NULL. Until it returns the
    /// handler's context may be used.
    void (*release)(void *user_data);
    /// In place of `next`: gives the next message, the schema first, or says that this is the end.
    /// `ret_message` is zeroed; what is put into it is the library's. May block. A failure is the
    /// call's status.
    cflight_status (*next_message)(void *user_data, struct cflight_message *ret_message,
                                   cflight_error **reterr);
};

#define CFLIGHT_SOURCE_INIT CFLIGHT_SIZED_INIT(struct cflight_source)

/// For a handler of DoGet: the library goes on with the stream after the handler has returned
/// CFLIGHT_OK. Until a batch has left no other is asked for, and meanwhile the call needs no
/// thread, however slow its client is. The stream must have begun (cflight_writer_begin()), unless
/// the source gives messages; the writer is not to be used any more.
///
/// @param source  Taken on success: its `release` is called in any case, also when the handler
/// fails.
/// @return CFLIGHT_OK; CFLIGHT_FAILED_PRECONDITION (not begun, handed over before, another method);
///         CFLIGHT_INVALID_ARGUMENT
CFLIGHT_CHECKED cflight_status
cflight_writer_hand_over(cflight_writer *writer, const struct cflight_source *source,
                         cflight_error **reterr);
/// As cflight_writer_hand_over(), for an Arrow C stream, which is moved on success; it begins with
/// the stream's schema unless the handler did.
/// @return as cflight_writer_hand_over(), or CFLIGHT_INTERNAL (the stream's own failure)
CFLIGHT_CHECKED cflight_status
cflight_writer_hand_over_stream(cflight_writer *writer, struct ArrowArrayStream *stream,
                                cflight_error **reterr);

/// Starts a server: when this returns it is listening, and its threads run.
///
/// @param location  grpc://, grpc+tcp://, grpc+tls:// or grpc+unix://; port 0 picks a free one. May
/// be NULL where the options have `more_locations` or `sockets`.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT; CFLIGHT_NOT_FOUND (scheme); CFLIGHT_ALREADY_EXISTS
///         (the address is in use); CFLIGHT_UNAVAILABLE (any other bind failure);
///         CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_server_new(const char *location, const struct cflight_server_handlers *handlers,
                   const struct cflight_server_options *options, cflight_server **ret_server,
                   cflight_error **reterr);
/// The bound port of the first location; -1 for Unix sockets.
CFLIGHT_EXPORT int
cflight_server_port(const cflight_server *server);
/// The first location with the bound port, as clients can use it. Borrowed.
CFLIGHT_EXPORT const char *
cflight_server_location(const cflight_server *server);
/// All locations that the server listens on: that of cflight_server_new(), `more_locations`, those
/// of `sockets`. Borrowed. @return how many
CFLIGHT_EXPORT size_t
cflight_server_locations(const cflight_server *server, const char *const **ret_locations);
/// Begins to shut down and returns at once: no new connections, no new calls; running calls go on
/// for `grace_ms` (negative: without limit), then they are cancelled. Safe to repeat: a shorter
/// grace wins. Must not be called from a signal handler.
CFLIGHT_EXPORT void
cflight_server_shutdown(cflight_server *server, int64_t grace_ms);
/// Blocks until the server has shut down: every handler has returned. Not from a handler.
CFLIGHT_EXPORT void
cflight_server_wait(cflight_server *server);
/// As cflight_server_wait(), for at most `timeout_ms`; tells whether the server has shut down.
CFLIGHT_EXPORT bool
cflight_server_wait_for(cflight_server *server, int64_t timeout_ms);
/// Shuts down without grace, waits, and frees. Not from a handler. NULL is ignored.
CFLIGHT_EXPORT void
cflight_server_free(cflight_server *server);
/// Replaces certificates and roots for connections made from now on; on failure the old ones stay.
CFLIGHT_CHECKED cflight_status
cflight_server_reload_tls(cflight_server *server, const struct cflight_server_tls *tls,
                          cflight_error **reterr);

/// Returns the method that was called.
CFLIGHT_EXPORT enum cflight_method
cflight_server_context_method(const cflight_server_context *context);
/// Returns its path, "/arrow.flight.protocol.FlightService/DoGet" or that of another service's
/// method. Borrowed.
CFLIGHT_EXPORT const char *
cflight_server_context_path(const cflight_server_context *context);
/// The client's address: "ipv4:127.0.0.1:41234", "ipv6:[::1]:41234" or "unix:". Borrowed.
CFLIGHT_EXPORT const char *
cflight_server_context_peer(const cflight_server_context *context);
/// What is_valid returned; without an auth table the first identity of the client's verified
/// certificate, a DNS or URI name or else the common name, as the certificate has it; else empty.
/// Escape it before it goes into a log.
CFLIGHT_EXPORT struct cflight_bytes
cflight_server_context_peer_identity(const cflight_server_context *context);
/// Subject of the client's verified certificate, or "".
CFLIGHT_EXPORT const char *
cflight_server_context_tls_subject(const cflight_server_context *context);
/// Subject alternative names of it ("DNS:...", "URI:..."). @return how many
CFLIGHT_EXPORT size_t
cflight_server_context_tls_sans(const cflight_server_context *context,
                                const char *const **ret_sans);
/// The request's headers, in order. @return how many
CFLIGHT_EXPORT size_t
cflight_server_context_headers(const cflight_server_context *context,
                               const struct cflight_header **ret_headers);
/// First value under a lower-case name; an empty view with NULL data when there is none.
CFLIGHT_EXPORT struct cflight_bytes
cflight_server_context_header(const cflight_server_context *context, const char *name);
/// Milliseconds until the client's deadline, 0 when it passed; -1 when there is none.
CFLIGHT_EXPORT int64_t
cflight_server_context_remaining_ms(const cflight_server_context *context);
/// The client cancelled, its deadline passed, its connection broke, or the server's grace ended.
/// Thread class: free.
CFLIGHT_EXPORT bool
cflight_server_context_is_cancelled(const cflight_server_context *context);
/// Has `on_cancel` called once when that happens, or soon if it has happened, on another thread of
/// the library and under none of its locks. It must be quick, and may take the handler's own locks.
/// NULL takes it back: when this returns it is not running and will not be called, so hold no lock
/// here that `on_cancel` takes. The same holds when the call has been answered.
CFLIGHT_EXPORT void
cflight_server_context_on_cancel(cflight_server_context *context,
                                 void (*on_cancel)(void *user_data), void *user_data);
/// Says in a few words what the call is about, a flight or a table, for logs. Copied; of more than
/// 160 bytes the rest is left out. It does not travel.
CFLIGHT_EXPORT void
cflight_server_context_set_subject(cflight_server_context *context, struct cflight_bytes subject);
/// What was said; empty when nothing was.
CFLIGHT_EXPORT struct cflight_bytes
cflight_server_context_subject(const cflight_server_context *context);
/// Adds a response header. @return CFLIGHT_OK; CFLIGHT_FAILED_PRECONDITION after the first message
/// was sent; CFLIGHT_INVALID_ARGUMENT (name or value)
CFLIGHT_EXPORT cflight_status
cflight_server_context_add_header(cflight_server_context *context, struct cflight_bytes name,
                                  struct cflight_bytes value, cflight_error **reterr);
/// Adds a trailer.
CFLIGHT_EXPORT cflight_status
cflight_server_context_add_trailer(cflight_server_context *context, struct cflight_bytes name,
                                   struct cflight_bytes value, cflight_error **reterr);
/// The instance that the middleware with this key made for the call, or NULL.
CFLIGHT_EXPORT void *
cflight_server_context_middleware(const cflight_server_context *context, const char *key);
/// Tells whether the server has a middleware with this key, whether or not it has run already.
CFLIGHT_EXPORT bool
cflight_server_context_has_middleware(const cflight_server_context *context, const char *key);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_SERVER_H */
