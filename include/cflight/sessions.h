/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_SESSIONS_H
#define CFLIGHT_SESSIONS_H

#include "cflight/alloc.h"
#include "cflight/error.h"
#include "cflight/export.h"
#include "cflight/middleware.h"
#include "cflight/server.h"
#include "cflight/types.h"

/// @file
/// Sessions for servers: options that stay with a client from call to call, kept by a cookie.
///
/// The store is a middleware. A call without the cookie begins a session, whose id goes out in
/// `set-cookie`; a call with it continues one; an id that is unknown or has ended fails with
/// CFLIGHT_INVALID_ARGUMENT, and the client is told to forget it. Ids are 128 random bits. A
/// session belongs to whoever began it: the caller that authentication has named
/// (cflight_server_context_peer_identity(), else cflight_bearer_auth_identity()), or the address of
/// the client without its port (in IPv6 the network of 64 bits) where nobody has; to others its id
/// is unknown. Sessions live in this process only and end when they were idle for too long. They
/// are bounded in number and in memory, for each owner and in all: of an owner with too many those
/// without options go first, then those not used for longest; of too many in all those without
/// options, then those of the owner that has most. Thread class of both types: free.
///
///     cflight_session_store *store = NULL;
///     struct cflight_server_middleware middleware;
///     if (cflight_session_store_new(NULL, &store, &error) != CFLIGHT_OK) { ... }
///     cflight_session_store_middleware(store, &middleware);
///     // in do_action: SetSessionOptions, GetSessionOptions and CloseSession
///     status = cflight_session_answer(context, action, response, &is_answered, reterr);
///     if (status != CFLIGHT_OK || is_answered) {
///         return status;
///     }
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// Name of the cookie that holds the id.
#define CFLIGHT_SESSION_COOKIE "arrow_flight_session_id"

typedef struct cflight_session_store cflight_session_store;
/// One session. What the functions below hand out is valid until the handler returns.
typedef struct cflight_session cflight_session;

struct cflight_session_store_options {
    size_t struct_size;
    const struct cflight_allocator *allocator; ///< NULL: the C library
    uint32_t sessions_max;                     ///< 0 is 10000
    uint32_t options_max;                      ///< options of one session; 0 is 256
    uint32_t session_bytes_max;                ///< names and values of one session; 0 is 65536
    int64_t idle_timeout_ms;                   ///< 0 is one hour, negative is without end
    /// Judges an option before it is set: CFLIGHT_SESSION_ERROR_UNSPECIFIED accepts it, any other
    /// code is what the client is told. May be NULL. Runs on the thread of the call, several at
    /// once.
    enum cflight_session_error_code (*check)(void *user_data,
                                             const struct cflight_session_option *option);
    void *user_data;                 ///< for `check`; must outlive the store
    uint32_t sessions_per_owner_max; ///< 0 is 64
    /// All sessions together, names, values and what it takes to keep them; 0 is 64 MiB. An option
    /// for which other sessions could not make room is refused with CFLIGHT_SESSION_ERROR_ERROR.
    uint64_t bytes_max;
};

#define CFLIGHT_SESSION_STORE_OPTIONS_INIT CFLIGHT_SIZED_INIT(struct cflight_session_store_options)

/// Makes an empty store with one reference.
/// @param options  NULL for defaults.
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_session_store_new(const struct cflight_session_store_options *options,
                          cflight_session_store **ret_store, cflight_error **reterr);
/// Adds a reference and returns `store`; NULL gives NULL.
CFLIGHT_EXPORT cflight_session_store *
cflight_session_store_ref(cflight_session_store *store);
/// Drops a reference; the last one ends all sessions. NULL is ignored.
CFLIGHT_EXPORT void
cflight_session_store_unref(cflight_session_store *store);
/// Fills a middleware table. The store must outlive the server. Put authentication before it.
CFLIGHT_EXPORT void
cflight_session_store_middleware(cflight_session_store *store,
                                 struct cflight_server_middleware *ret_table);
/// Returns the number of sessions, those not counted that have been idle for too long.
CFLIGHT_EXPORT size_t
cflight_session_store_count(cflight_session_store *store);

/// Ends all sessions of a caller whom authentication has named: a user who was removed, for
/// instance. Returns how many there were.
CFLIGHT_EXPORT size_t
cflight_session_store_end_identity(cflight_session_store *store, struct cflight_bytes identity);

/// Returns the session of the call in hand; NULL when the server has no store.
CFLIGHT_EXPORT cflight_session *
cflight_session_of(const cflight_server_context *context);
/// Tells whether the call in hand began its session: the client had no cookie of one.
CFLIGHT_EXPORT bool
cflight_session_is_new(const cflight_server_context *context);
/// Tells whether the client of the call in hand comes back to its session: it came with the cookie
/// of one, or says that it keeps cookies, as those of cflight/cookies.h do.
CFLIGHT_EXPORT bool
cflight_session_is_kept(const cflight_server_context *context);
/// Ties something of the application's to a session, once: a connection to a database, for
/// instance. A session with such data counts among those with options when too many are there.
/// @param data     Taken on success; not NULL.
/// @param release  Runs when the session has ended and no call has it any more, on any thread and
///                 under no lock, within a function that ends sessions or the end of a call. May be
///                 NULL.
/// @return false when the session has data already, or `data` is NULL
CFLIGHT_EXPORT bool
cflight_session_set_data(cflight_session *session, void *data, void (*release)(void *data));
/// The data of a session, or NULL. Valid until the handler returns.
CFLIGHT_EXPORT void *
cflight_session_data(cflight_session *session);
/// Returns the id as it is in the cookie: a secret of the client; do not log it.
CFLIGHT_EXPORT const char *
cflight_session_id(const cflight_session *session);
/// Sets options; a value of type NONE removes one. Each is set or refused by itself.
///
/// @param ret_errors  The options that were refused, with reasons; free it with
///                    cflight_session_errors_free(). NULL when nobody wants to know.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT; CFLIGHT_RESOURCE_EXHAUSTED (some may have been
/// set)
CFLIGHT_CHECKED cflight_status
cflight_session_set_options(cflight_session *session, const struct cflight_session_options *options,
                            struct cflight_session_errors **ret_errors, cflight_error **reterr);
/// Gives a copy of all options; free it with cflight_session_options_free().
/// @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_session_get_options(cflight_session *session, struct cflight_session_options **ret_options,
                            cflight_error **reterr);
/// Ends the session: its id is unknown from now on. Safe to repeat.
CFLIGHT_EXPORT void
cflight_session_close(cflight_session *session);

/// Answers the standard actions of sessions; for a do_action handler.
///
/// @param ret_is_answered  False when the action is another one; then nothing was done.
/// @return CFLIGHT_OK; CFLIGHT_FAILED_PRECONDITION (the server has no store); what parsing and
/// answering
///         can fail with
CFLIGHT_CHECKED cflight_status
cflight_session_answer(cflight_server_context *context, const struct cflight_action *action,
                       cflight_response *response, bool *ret_is_answered, cflight_error **reterr);
/// Lists those actions; for a list_actions handler.
CFLIGHT_CHECKED cflight_status
cflight_session_list_actions(cflight_response *response, cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_SESSIONS_H */
