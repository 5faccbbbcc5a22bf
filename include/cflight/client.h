/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLIENT_H
#define CFLIGHT_CLIENT_H

#include "cflight/auth.h"
#include "cflight/call.h"
#include "cflight/metrics.h"
#include "cflight/middleware.h"
#include "cflight/stream.h"
#include "cflight/tls.h"
#include "cflight/types.h"

/// @file
/// The client: one service, reached over one connection that is made when it is first needed and
/// made again after it was lost. Any number of threads may make calls at once. The threads that
/// wait for answers do the I/O; on connections that nobody waits for, one quiet thread of the
/// library, for all clients of the process, answers pings, hears a GOAWAY or the end, and sends
/// keepalive. It starts when a connection is first left alone, blocks all signals but those of
/// faults, calls nothing of the application but the allocator and the log, and ends with the last
/// client. `idle_watch_is_off` does without it.
///
/// A call of one request that the server certainly did not process (its stream was refused, or lies
/// above the id of a GOAWAY: RFC 9113, sections 8.7 and 6.8) is sent again, up to three times, on a
/// new connection if need be; nothing else is. cflight_error_retry() tells about the rest.
///
/// After fork() a client of the parent is unusable in the child: calls fail with
/// CFLIGHT_FAILED_PRECONDITION and say so. Every blocking function here and in stream.h returns
/// when one of the call's limits passes or its cancel handle is triggered. All calls can return
/// CFLIGHT_UNAVAILABLE (no connection, naming the address), CFLIGHT_DEADLINE_EXCEEDED (naming the
/// limit), CFLIGHT_CANCELLED, CFLIGHT_RESOURCE_EXHAUSTED, CFLIGHT_INVALID_ARGUMENT (misuse; nothing
/// was sent) and any status the server chose.
///
///     cflight_client *client = NULL;
///     cflight_error *error = NULL;
///     if (cflight_client_new("grpc://localhost:32010", NULL, &client, &error) != 0) { ... }
///     cflight_reader *reader = NULL;
///     struct cflight_bytes ticket = cflight_bytes_from_text("airports");
///     if (cflight_client_do_get(client, ticket, NULL, &reader, &error) == CFLIGHT_OK) { ... }
///     cflight_reader_free(reader);
///     cflight_client_free(client);
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cflight_client cflight_client;

/// TLS at a client; used for grpc+tls locations. With another, and certificates, a key or a name
/// here, each call is refused with CFLIGHT_INVALID_ARGUMENT before it connects: nobody who gives
/// them expects plain text. PEM texts are copied.
struct cflight_client_tls {
    /// Empty: the file that the variable GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names, or else the
    /// system's trust store.
    struct cflight_bytes root_certs;
    struct cflight_bytes cert_chain;  ///< for mutual TLS
    struct cflight_bytes private_key; ///< for mutual TLS
    const char *override_hostname; ///< name to verify instead of the location's host; NULL for none
    bool skip_verification;        ///< no check of chain or name at all; logs a warning
    bool allow_common_name;        ///< accept the CN of a certificate that has no SAN
    struct cflight_tls_policy policy;
};

/// How a client uses the addresses of its location's name.
enum cflight_balance {
    /// One connection, to the first address that works.
    CFLIGHT_BALANCE_STICKY = 0,
    /// A connection to each address (32 at most), made when it is first needed. ListFlights,
    /// GetFlightInfo, GetSchema and ListActions go to one after another; DoGet goes to the server
    /// that gave the ticket, of which the newest 4096 are remembered. All other calls go to one of
    /// the connections, the client's own, and once there is a session (a handshake, a cookie of the
    /// server, an action about sessions) so do all. An address that fails is left out, for a second
    /// at first and up to two minutes; when a connection ends the name is looked up again. With an
    /// HTTP proxy, and for Unix sockets, there is one connection.
    CFLIGHT_BALANCE_ROUND_ROBIN = 1,
};

struct cflight_client_options {
    size_t struct_size;
    /// NULL: the C library. Must outlive the client and all arrays read with it.
    const struct cflight_allocator *allocator;
    /// Limit for connecting, from the lookup of the name over proxy and TLS to the server's first
    /// words (its SETTINGS); 0 is 20000.
    int64_t connect_timeout_ms;
    struct cflight_client_tls tls;
    /// NULL for none. cflight_client_authenticate() runs it.
    const struct cflight_client_auth *auth;
    const struct cflight_client_middleware *middleware;
    size_t middleware_count;
    /// Keepalive pings; 0 interval is off. A server that does not allow them would close the
    /// connection, so unless `keepalive_is_agreed` they are at least 10 s apart, and after two
    /// that the server answered with nothing but acknowledgements, 5 minutes (2 hours without
    /// calls).
    int64_t keepalive_interval_ms;
    int64_t keepalive_timeout_ms; ///< 0 is 20000
    bool keepalive_without_calls;
    bool keepalive_is_agreed;
    /// Largest message accepted, 0 is 4 GiB - 1; and largest sent, 0 is no limit of our own.
    uint64_t message_bytes_max;
    uint64_t write_size_limit_bytes;
    /// Idle memory kept for message bodies; 0 is 64 MiB.
    uint64_t pool_bytes_max;
    /// Bytes of one stream that may wait unread before the server is held back; 0 is 4 MiB.
    uint32_t stream_window_bytes;
    /// Largest block of response headers or trailers, in bytes; 0 is 64 KiB.
    uint32_t metadata_bytes_max;
    /// Put before the library's own user agent; NULL for none.
    const char *user_agent;
    /// Sent as `:authority` instead of host and port; NULL for none.
    const char *authority;
    /// Source of bearer tokens; NULL for none.
    const struct cflight_token_provider *token_provider;
    /// No thread listens on the connection while no call waits: pings of the server go unanswered
    /// then, a GOAWAY and keepalive have to wait for the next call, and a server that shuts down
    /// may wait for this client. Clients that an event loop drives need no thread and get none.
    bool idle_watch_is_off;
    /// The HTTP proxy that leads to the server, http://USER:PASSWORD@HOST:PORT (without a port:
    /// 443). NULL: as the first of the variables grpc_proxy, https_proxy and http_proxy says;
    /// empty: none. Hosts in no_grpc_proxy, or else no_proxy, are reached directly: ends of names,
    /// addresses, blocks (10.0.0.0/8), or "*". Unix sockets are, too. The variables are read when
    /// the client is made.
    const char *proxy;
    /// Where the client counts; NULL: nowhere. Kept.
    cflight_metrics *metrics;
    enum cflight_balance balance;
    /// Batches never go through memory that is shared with the other process. By default those in
    /// segments do over grpc+unix, between processes of the same user (segment.h).
    bool shared_bodies_are_off;
};

#define CFLIGHT_CLIENT_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_client_options)

/// Makes a client. Nothing is sent: connection errors appear with the first call.
///
/// @param location  grpc://, grpc+tcp://, grpc+tls:// or grpc+unix:// (a path, or an abstract name
///                  after '@').
/// @param options   NULL for defaults. Borrowed; what it points at is copied.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (URI, options, PEM); CFLIGHT_NOT_FOUND (a
///         scheme that is not Flight over gRPC: "No client transport implementation for s3");
///         CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_client_new(const char *location, const struct cflight_client_options *options,
                   cflight_client **ret_client, cflight_error **reterr);
/// Connects now, if there is no connection. Calls do it by themselves.
CFLIGHT_CHECKED cflight_status
cflight_client_connect(cflight_client *client, const struct cflight_call_options *options,
                       cflight_error **reterr);
/// Ends the connection and all calls on it (CFLIGHT_UNAVAILABLE); later calls fail with
/// CFLIGHT_FAILED_PRECONDITION ("FlightClient is closed"). Safe to repeat.
CFLIGHT_EXPORT void
cflight_client_close(cflight_client *client);
/// Replaces what the client trusts and shows, for connections made from now on; the one that exists
/// stays. `override_hostname` is ignored: it stays as it was. Nothing changes on failure. Thread
/// class: free.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (PEM, ciphers, or a client without TLS);
///         CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_client_reload_tls(cflight_client *client, const struct cflight_client_tls *tls,
                          cflight_error **reterr);
/// Adds a hold, for an object of one's own that keeps the client, and returns `client`; NULL gives
/// NULL. Each hold is dropped with cflight_client_free().
CFLIGHT_EXPORT cflight_client *
cflight_client_ref(cflight_client *client);
/// Drops a hold. Streams that are open keep what they need. The last one ends the connection; a
/// connect that an event loop began is abandoned. NULL is ignored.
CFLIGHT_EXPORT void
cflight_client_free(cflight_client *client);

/// Flights, as they come: the server is held back while nobody reads. One at a time.
typedef struct cflight_info_stream cflight_info_stream;

/// @param criteria  Opaque; may be empty.
CFLIGHT_CHECKED cflight_status
cflight_client_list_flights(cflight_client *client, struct cflight_bytes criteria,
                            const struct cflight_call_options *options,
                            cflight_info_stream **ret_stream, cflight_error **reterr);
/// @param ret_info  NULL at the end, otherwise to be freed with cflight_info_free().
CFLIGHT_CHECKED cflight_status
cflight_info_stream_next(cflight_info_stream *stream, struct cflight_info **ret_info,
                         cflight_error **reterr);
/// Cancels the call if it runs. NULL is ignored.
CFLIGHT_EXPORT void
cflight_info_stream_free(cflight_info_stream *stream);

/// Asks for the description of a dataset.
/// @param ret_info  Free it with cflight_info_free().
CFLIGHT_CHECKED cflight_status
cflight_client_get_flight_info(cflight_client *client, const struct cflight_descriptor *descriptor,
                               const struct cflight_call_options *options,
                               struct cflight_info **ret_info, cflight_error **reterr);
/// Starts or polls a long query.
/// @param ret_poll_info  Free it with cflight_poll_info_free().
CFLIGHT_CHECKED cflight_status
cflight_client_poll_flight_info(cflight_client *client, const struct cflight_descriptor *descriptor,
                                const struct cflight_call_options *options,
                                struct cflight_poll_info **ret_poll_info, cflight_error **reterr);
/// @param ret_schema  The encapsulated schema message; cflight_ipc_schema_parse() takes it. Unref
///                    it.
CFLIGHT_CHECKED cflight_status
cflight_client_get_schema(cflight_client *client, const struct cflight_descriptor *descriptor,
                          const struct cflight_call_options *options, cflight_buffer **ret_schema,
                          cflight_error **reterr);

/// Starts a DoGet. Returns when the request is on its way; cflight_reader_schema() and
/// cflight_reader_next() wait.
CFLIGHT_CHECKED cflight_status
cflight_client_do_get(cflight_client *client, struct cflight_bytes ticket,
                      const struct cflight_call_options *options, cflight_reader **ret_reader,
                      cflight_error **reterr);
/// Starts a DoPut and sends the descriptor with the schema. cflight_writer_close() gives the
/// server's verdict.
/// @param schema  NULL for who passes messages on: the descriptor goes with the first that is
///                written.
/// @param ret_metadata  The server's answers while data flows. Both handles are to be freed.
CFLIGHT_CHECKED cflight_status
cflight_client_do_put(cflight_client *client, const struct cflight_descriptor *descriptor,
                      const struct ArrowSchema *schema, const struct cflight_call_options *options,
                      cflight_writer **ret_writer, cflight_metadata_reader **ret_metadata,
                      cflight_error **reterr);
/// Starts a DoExchange and sends the descriptor; cflight_writer_begin() comes later, metadata may
/// come first.
CFLIGHT_CHECKED cflight_status
cflight_client_do_exchange(cflight_client *client, const struct cflight_descriptor *descriptor,
                           const struct cflight_call_options *options, cflight_writer **ret_writer,
                           cflight_reader **ret_reader, cflight_error **reterr);

/// Results of an action, as they come. One at a time.
typedef struct cflight_result_stream cflight_result_stream;

/// Starts an action. Returns when the request is on its way.
CFLIGHT_CHECKED cflight_status
cflight_client_do_action(cflight_client *client, const struct cflight_action *action,
                         const struct cflight_call_options *options,
                         cflight_result_stream **ret_stream, cflight_error **reterr);
/// Waits until the server has answered with headers or a status, without taking a result: side
/// effects have begun.
CFLIGHT_CHECKED cflight_status
cflight_result_stream_wait(cflight_result_stream *stream, cflight_error **reterr);
/// @param ret_body  NULL at the end, otherwise a buffer to unref.
CFLIGHT_CHECKED cflight_status
cflight_result_stream_next(cflight_result_stream *stream, cflight_buffer **ret_body,
                           cflight_error **reterr);
/// Cancels the call if it runs. NULL is ignored.
CFLIGHT_EXPORT void
cflight_result_stream_free(cflight_result_stream *stream);

/// Action types, as they come. One at a time.
typedef struct cflight_action_type_stream cflight_action_type_stream;

/// Starts a listing of the actions that the server offers.
CFLIGHT_CHECKED cflight_status
cflight_client_list_actions(cflight_client *client, const struct cflight_call_options *options,
                            cflight_action_type_stream **ret_stream, cflight_error **reterr);
/// @param ret_action_type  NULL at the end, otherwise to be freed with cflight_action_type_free().
CFLIGHT_CHECKED cflight_status
cflight_action_type_stream_next(cflight_action_type_stream *stream,
                                struct cflight_action_type **ret_action_type,
                                cflight_error **reterr);
/// Cancels the call if it runs. NULL is ignored.
CFLIGHT_EXPORT void
cflight_action_type_stream_free(cflight_action_type_stream *stream);

/// Runs a handshake with `auth` (NULL: the client's own) and keeps the table for the tokens of
/// later calls, even when the handshake fails. The table is taken in any case; the one that it
/// replaces is let go of when the last call that uses it has done so.
CFLIGHT_CHECKED cflight_status
cflight_client_authenticate(cflight_client *client, const struct cflight_client_auth *auth,
                            const struct cflight_call_options *options, cflight_error **reterr);
/// Sends `authorization: Basic ...` with an empty handshake and returns the bearer value the server
/// answered with, from its trailers or headers ("Bearer ..."); NULL when it sent none. Add it to
/// later calls as `authorization`, or give it from a token provider. `username` must not contain a
/// colon (RFC 7617).
CFLIGHT_CHECKED cflight_status
cflight_client_authenticate_basic(cflight_client *client, struct cflight_bytes username,
                                  struct cflight_bytes password,
                                  const struct cflight_call_options *options,
                                  cflight_buffer **ret_bearer, cflight_error **reterr);

/// The standard actions.
CFLIGHT_CHECKED cflight_status
cflight_client_cancel_flight_info(cflight_client *client, const struct cflight_info *info,
                                  const struct cflight_call_options *options,
                                  enum cflight_cancel_status *ret_cancel_status,
                                  cflight_error **reterr);
/// Asks for a later expiration.
/// @param ret_endpoint  Free it with cflight_endpoint_free().
CFLIGHT_CHECKED cflight_status
cflight_client_renew_flight_endpoint(cflight_client *client,
                                     const struct cflight_endpoint *endpoint,
                                     const struct cflight_call_options *options,
                                     struct cflight_endpoint **ret_endpoint,
                                     cflight_error **reterr);
/// Sets options of the session.
/// @param ret_errors  The options that were refused; free it with
///                    cflight_session_errors_free().
CFLIGHT_CHECKED cflight_status
cflight_client_set_session_options(cflight_client *client,
                                   const struct cflight_session_options *session_options,
                                   const struct cflight_call_options *options,
                                   struct cflight_session_errors **ret_errors,
                                   cflight_error **reterr);
/// Reads the options of the session. Free them with cflight_session_options_free().
CFLIGHT_CHECKED cflight_status
cflight_client_get_session_options(cflight_client *client,
                                   const struct cflight_call_options *options,
                                   struct cflight_session_options **ret_session_options,
                                   cflight_error **reterr);
/// Asks the server to end the session.
CFLIGHT_CHECKED cflight_status
cflight_client_close_session(cflight_client *client, const struct cflight_call_options *options,
                             enum cflight_close_session_status *ret_close_status,
                             cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_CLIENT_H */
