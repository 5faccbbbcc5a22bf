/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of clients: who calls, in which session, and whether somebody still waits for the answer.
 *
 * A client that sends its cookie has an engine session for as long as its Flight session lasts; one
 * that does not gets a fresh one, which ends with the last that holds it. The first call of a
 * client has no cookie either: what it prepares shows, when it is run with the cookie, that its
 * session is the client's. Owner: the handler's frame, or a stream that was handed over. Thread
 * class: one at a time, but for is_cancelled. */
#include <string.h>

#include "cflight/bearer_auth.h"
#include "sql/server/kit.h"

void *cflight_sql_call_session(const cflight_sql_call *call)
{
    return call->session == NULL ? NULL : call->session->engine;
}

struct cflight_bytes cflight_sql_call_identity(const cflight_sql_call *call)
{
    return call->identity;
}

bool cflight_sql_call_keeps_session(const cflight_sql_call *call)
{
    return call->keeps_session;
}

bool cflight_sql_call_is_in_transaction(const cflight_sql_call *call)
{
    return call->is_in_transaction;
}

bool cflight_sql_call_is_cancelled(const cflight_sql_call *call)
{
    return atomic_load(&call->is_cancelled);
}

cflight_server_context *cflight_sql_call_context(const cflight_sql_call *call)
{
    return call->context;
}

void cfl_sql_call_begin(cflight_sql_call *call, cflight_sql_server *server,
                        cflight_server_context *context)
{
    memset(call, 0, sizeof *call);
    call->server = server;
    call->context = context;
    call->identity = cflight_server_context_peer_identity(context);
    if (call->identity.len_bytes == 0) {
        call->identity = cflight_bearer_auth_identity(context);
    }
    call->keeps_session = cflight_session_is_kept(context);
    atomic_init(&call->is_cancelled, false);
}

struct cflight_bytes cfl_sql_call_address(const cflight_sql_call *call)
{
    const char *peer = cflight_server_context_peer(call->context);
    const char *port = strrchr(peer, ':');
    return port == NULL || port == peer ? cflight_bytes_from_text(peer)
                                        : cflight_bytes_make(peer, (size_t)(port - peer));
}

static void on_cancel(void *user_data)
{
    cflight_sql_call *call = user_data;
    atomic_store(&call->is_cancelled, true);
    cfl_sql_session_wake(call->session);
}

static void release_session(void *data)
{
    cfl_sql_session_unref(data);
}

/* Gives a session the options that its client has set before. */
static cflight_status apply_options(cflight_sql_call *call, cflight_session *flight_session,
                                    struct cfl_sql_session *session, cflight_error **reterr)
{
    const struct cflight_sql_handlers *handlers = &call->server->handlers;
    struct cflight_session_options *options = NULL;
    if (handlers->set_option == NULL || flight_session == NULL) {
        return CFLIGHT_OK;
    }
    cflight_status status = cflight_session_get_options(flight_session, &options, reterr);
    for (size_t i = 0; status == CFLIGHT_OK && i < options->count; i++) {
        enum cflight_session_error_code code =
            handlers->set_option(handlers->user_data, session->engine, &options->options[i]);
        if (code != CFLIGHT_SESSION_ERROR_UNSPECIFIED) {
            status = cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                                       "The session option \"%.*s\" cannot be set any more",
                                       (int)options->options[i].name.len_bytes,
                                       (const char *)options->options[i].name.data);
        }
    }
    cflight_session_options_free(options);
    return status;
}

cflight_status cfl_sql_session_open_like(cflight_sql_call *call,
                                         struct cfl_sql_session **ret_session,
                                         cflight_error **reterr)
{
    struct cfl_sql_session *session = NULL;
    cflight_status status = cfl_sql_session_open(call, &session, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = apply_options(call, cflight_session_of(call->context), session, reterr);
    if (status != CFLIGHT_OK) {
        cfl_sql_session_unref(session);
        return status;
    }
    *ret_session = session;
    return CFLIGHT_OK;
}

/* The engine session of the client's Flight session, with a reference; a fresh one for a client
 * without. */
static cflight_status find_session(cflight_sql_call *call, struct cfl_sql_session **ret_session,
                                   cflight_error **reterr)
{
    cflight_session *flight_session = cflight_session_of(call->context);
    struct cfl_sql_session *session =
        call->keeps_session ? cflight_session_data(flight_session) : NULL;
    if (session != NULL) {
        *ret_session = cfl_sql_session_ref(session);
        return CFLIGHT_OK;
    }
    cflight_status status = cfl_sql_session_open_like(call, &session, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (call->keeps_session) {
        if (cflight_session_set_data(flight_session, session, release_session)) {
            (void)cfl_sql_session_ref(session);
        } else { /* another call was first */
            cfl_sql_session_unref(session);
            session = cfl_sql_session_ref(cflight_session_data(flight_session));
        }
    }
    *ret_session = session;
    return CFLIGHT_OK;
}

void cfl_sql_call_adopt(cflight_sql_call *call, struct cfl_sql_session *session,
                        const char *flight_session_id)
{
    cflight_session *flight_session = cflight_session_of(call->context);
    if (call->keeps_session && strcmp(cflight_session_id(flight_session), flight_session_id) == 0 &&
        cflight_session_set_data(flight_session, session, release_session)) {
        (void)cfl_sql_session_ref(session);
    }
}

cflight_status cfl_sql_call_attach(cflight_sql_call *call, struct cfl_sql_session *session,
                                   cflight_error **reterr)
{
    struct cfl_sql_session *found = cfl_sql_session_ref(session);
    cflight_status status = CFLIGHT_OK;
    if (found == NULL) {
        status = find_session(call, &found, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    call->session = found;
    call->is_watched = true;
    cflight_server_context_on_cancel(call->context, on_cancel, call);
    return CFLIGHT_OK;
}

cflight_status cfl_sql_call_enter(cflight_sql_call *call, struct cfl_sql_session *session,
                                  cflight_error **reterr)
{
    cflight_status status =
        call->session == NULL ? cfl_sql_call_attach(call, session, reterr) : CFLIGHT_OK;
    if (status == CFLIGHT_OK) {
        status = cfl_sql_session_take(call->session, call, reterr);
    }
    call->has_turn = status == CFLIGHT_OK;
    return status;
}

void cfl_sql_call_pause(cflight_sql_call *call)
{
    if (call->has_turn) {
        call->has_turn = false;
        cfl_sql_session_give(call->session);
    }
}

static void unwatch(cflight_sql_call *call)
{
    if (call->is_watched) {
        call->is_watched = false;
        cflight_server_context_on_cancel(call->context, NULL, NULL);
    }
}

void cfl_sql_call_detach(cflight_sql_call *call)
{
    unwatch(call);
    call->context = NULL;
}

void cfl_sql_call_end(cflight_sql_call *call)
{
    unwatch(call);
    cfl_sql_call_pause(call);
    cfl_sql_session_unref(call->session);
    call->session = NULL;
}
