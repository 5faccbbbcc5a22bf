/* SPDX-License-Identifier: Apache-2.0 */
/* Engine sessions, and whose turn it is in them.
 *
 * One function of the application runs in a session at a time: whoever calls one has the turn, and
 * no lock. What can only be ended with the turn (a stream, a planned statement, a transaction that
 * was left behind) is put aside and ended by whoever gives the turn back, so that nobody who only
 * lets go of something waits for a statement that runs. The stream of a client that has just gone
 * may not have been put aside yet, or not ended, and an engine may have no second one: who takes
 * the turn ends it. The turn is not given back while an `interrupt` is under way, so one never hits
 * the statement of another call. Owner: whoever has a reference. Thread class: free. */
#include "base/blocking.h"
#include "base/condition.h"
#include "sql/server/kit.h"

/* Takes the latest that is idle; NULL when there is none. */
static struct cfl_sql_session *take_idle(cflight_sql_server *server)
{
    struct cfl_sql_session *session = NULL;
    (void)pthread_mutex_lock(&server->mutex);
    if (!cfl_list_is_empty(&server->locked.idle_sessions)) {
        struct cfl_list *node = server->locked.idle_sessions.prev;
        cfl_list_remove(node);
        server->locked.idle_count--;
        session = CFL_LIST_ENTRY(node, struct cfl_sql_session, node);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (session != NULL) {
        cfl_refcount_init(&session->refs);
    }
    return session;
}

cflight_status cfl_sql_session_open(cflight_sql_call *call, struct cfl_sql_session **ret_session,
                                    cflight_error **reterr)
{
    cflight_sql_server *server = call->server;
    struct cfl_sql_session *session = take_idle(server);
    if (session != NULL) {
        *ret_session = session;
        return CFLIGHT_OK;
    }
    void *engine = NULL;
    cflight_status status = CFLIGHT_OK;
    if (server->handlers.open_session != NULL) {
        status = server->handlers.open_session(server->handlers.user_data, call, &engine, reterr);
        status = cfl_sql_failure(status, call, "open_session", reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    session = cfl_alloc_zeroed(server->alloc, sizeof *session);
    if (session == NULL || pthread_mutex_init(&session->mutex, NULL) != 0) {
        cfl_free(server->alloc, session, sizeof *session);
        if (server->handlers.close_session != NULL) {
            server->handlers.close_session(server->handlers.user_data, engine);
        }
        return cfl_error_no_memory(reterr);
    }
    cfl_condition_init(&session->changed);
    cfl_refcount_init(&session->refs);
    cfl_list_init(&session->locked.garbage);
    cfl_list_init(&session->locked.open_streams);
    session->server = server;
    session->engine = engine;
    atomic_fetch_add(&server->session_count, 1);
    *ret_session = session;
    return CFLIGHT_OK;
}

struct cfl_sql_session *cfl_sql_session_ref(struct cfl_sql_session *session)
{
    if (session != NULL) {
        cfl_refcount_up(&session->refs);
    }
    return session;
}

static void close_session(struct cfl_sql_session *session)
{
    cflight_sql_server *server = session->server;
    if (server->handlers.close_session != NULL) {
        server->handlers.close_session(server->handlers.user_data, session->engine);
    }
    (void)pthread_cond_destroy(&session->changed);
    (void)pthread_mutex_destroy(&session->mutex);
    atomic_fetch_sub(&server->session_count, 1);
    cfl_free(server->alloc, session, sizeof *session);
}

/* Tells whether it is kept. */
static bool keep_idle(struct cfl_sql_session *session)
{
    cflight_sql_server *server = session->server;
    if (server->handlers.reset_session == NULL ||
        !server->handlers.reset_session(server->handlers.user_data, session->engine)) {
        return false;
    }
    (void)pthread_mutex_lock(&server->mutex);
    bool has_room =
        !server->locked.is_over && server->locked.idle_count < server->options.idle_sessions_max;
    if (has_room) {
        server->locked.idle_count++;
        cfl_list_append(&server->locked.idle_sessions, &session->node);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    return has_room;
}

void cfl_sql_session_unref(struct cfl_sql_session *session)
{
    if (session != NULL && cfl_refcount_down(&session->refs) && !keep_idle(session)) {
        close_session(session);
    }
}

void cfl_sql_sessions_close_idle(cflight_sql_server *server)
{
    struct cfl_sql_session *session = NULL;
    while ((session = take_idle(server)) != NULL) {
        close_session(session);
    }
}

/* ---- the turn ---- */

static int64_t turn_deadline_ns(const cflight_sql_server *server, const cflight_sql_call *call)
{
    int64_t now_ns = cfl_clock_now_ns(NULL);
    int64_t deadline_ns = cfl_deadline_after_ms(now_ns, server->options.session_wait_ms);
    int64_t left_ms =
        call->context == NULL ? -1 : cflight_server_context_remaining_ms(call->context);
    return left_ms < 0 ? deadline_ns
                       : cfl_deadline_earlier(deadline_ns, cfl_deadline_after_ms(now_ns, left_ms));
}

static cflight_status wait_for_turn(struct cfl_sql_session *session, cflight_sql_call *call,
                                    cflight_error **reterr)
{
    int64_t deadline_ns = turn_deadline_ns(session->server, call);
    bool is_late = false;
    cfl_blocking_begin();
    (void)pthread_mutex_lock(&session->mutex);
    while (session->locked.is_taken && !is_late && !atomic_load(&call->is_cancelled)) {
        is_late = !cfl_condition_wait_until(&session->changed, &session->mutex, deadline_ns);
    }
    bool has_turn = !session->locked.is_taken;
    if (has_turn) {
        session->locked.is_taken = true;
        session->locked.running = call;
    }
    (void)pthread_mutex_unlock(&session->mutex);
    cfl_blocking_end();
    if (has_turn) {
        return CFLIGHT_OK;
    }
    return atomic_load(&call->is_cancelled)
               ? cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "The statement was cancelled")
               : cflight_error_set(reterr, CFLIGHT_DEADLINE_EXCEEDED,
                                   "The session was busy with another call for longer than the "
                                   "call, or session_wait_ms (%lld), allows",
                                   (long long)session->server->options.session_wait_ms);
}

/* With the turn and the lock, which is let go of meanwhile: ends what was put aside first. */
static void end_one_locked(struct cfl_sql_session *session)
{
    struct cfl_list *node = cfl_list_take_first(&session->locked.garbage);
    (void)pthread_mutex_unlock(&session->mutex);
    struct cfl_sql_garbage *garbage = CFL_LIST_ENTRY(node, struct cfl_sql_garbage, node);
    garbage->run(session, garbage);
    cfl_sql_session_unref(session); /* not the last one */
    (void)pthread_mutex_lock(&session->mutex);
}

/* With the turn: ends streams whose clients have gone, whether they were put aside already or not.
 * A context tells under its connection's lock whether its client has gone, so it is asked under no
 * other; who removes it waits for that long. */
static void end_cancelled_streams(struct cfl_sql_session *session)
{
    struct cfl_list seen;
    cfl_list_init(&seen);
    (void)pthread_mutex_lock(&session->mutex);
    while (!cfl_list_is_empty(&session->locked.open_streams)) {
        struct cfl_list *node = cfl_list_take_first(&session->locked.open_streams);
        struct cfl_sql_open_stream *open = CFL_LIST_ENTRY(node, struct cfl_sql_open_stream, node);
        cfl_list_append(&seen, node);
        session->locked.looked_at = open;
        (void)pthread_mutex_unlock(&session->mutex);
        bool is_cancelled = atomic_load(&open->reader->is_cancelled) ||
                            cflight_server_context_is_cancelled(open->reader->context);
        (void)pthread_mutex_lock(&session->mutex);
        session->locked.looked_at = NULL;
        (void)pthread_cond_broadcast(&session->changed);
        if (is_cancelled) {
            cfl_list_remove(node);
            (void)pthread_mutex_unlock(&session->mutex);
            open->cut(open); /* it is ended with the turn, so it is still there */
            (void)pthread_mutex_lock(&session->mutex);
        }
    }
    while (!cfl_list_is_empty(&seen)) {
        cfl_list_append(&session->locked.open_streams, cfl_list_take_first(&seen));
    }
    while (!cfl_list_is_empty(&session->locked.garbage)) {
        end_one_locked(session);
    }
    (void)pthread_mutex_unlock(&session->mutex);
}

void cfl_sql_session_add_stream(struct cfl_sql_session *session, struct cfl_sql_open_stream *open)
{
    (void)pthread_mutex_lock(&session->mutex);
    cfl_list_append(&session->locked.open_streams, &open->node);
    (void)pthread_mutex_unlock(&session->mutex);
}

cflight_status cfl_sql_session_take(struct cfl_sql_session *session, cflight_sql_call *call,
                                    cflight_error **reterr)
{
    (void)pthread_mutex_lock(&session->mutex);
    bool has_turn = !session->locked.is_taken;
    if (has_turn) {
        session->locked.is_taken = true;
        session->locked.running = call;
    }
    (void)pthread_mutex_unlock(&session->mutex);
    cflight_status status = has_turn ? CFLIGHT_OK : wait_for_turn(session, call, reterr);
    if (status == CFLIGHT_OK) {
        atomic_fetch_add(&session->server->running_count, 1);
        end_cancelled_streams(session);
    }
    return status;
}

/* With the turn: ends what was put aside, until there is nothing, then gives the turn back. The
 * caller has a reference of its own. */
static void clean_and_give(struct cfl_sql_session *session)
{
    (void)pthread_mutex_lock(&session->mutex);
    session->locked.running = NULL;
    while (session->locked.interrupting_count > 0 || !cfl_list_is_empty(&session->locked.garbage)) {
        if (session->locked.interrupting_count > 0) {
            (void)pthread_cond_wait(&session->changed, &session->mutex);
        } else {
            end_one_locked(session);
        }
    }
    session->locked.is_taken = false;
    (void)pthread_cond_broadcast(&session->changed);
    (void)pthread_mutex_unlock(&session->mutex);
}

void cfl_sql_session_give(struct cfl_sql_session *session)
{
    atomic_fetch_sub(&session->server->running_count, 1);
    clean_and_give(session);
}

/* With the lock, which is let go of: who has the turn ends it, or this function when nobody has. */
static void put_aside_locked(struct cfl_sql_session *session, struct cfl_sql_garbage *garbage)
{
    cfl_refcount_up(&session->refs); /* this function's */
    cfl_refcount_up(&session->refs); /* that of the garbage */
    cfl_list_append(&session->locked.garbage, &garbage->node);
    bool has_turn = !session->locked.is_taken;
    session->locked.is_taken = true;
    (void)pthread_mutex_unlock(&session->mutex);
    if (has_turn) {
        clean_and_give(session);
    }
    cfl_sql_session_unref(session);
}

void cfl_sql_session_defer(struct cfl_sql_session *session, struct cfl_sql_garbage *garbage)
{
    (void)pthread_mutex_lock(&session->mutex);
    put_aside_locked(session, garbage);
}

void cfl_sql_session_defer_stream(struct cfl_sql_session *session, struct cfl_sql_open_stream *open,
                                  struct cfl_sql_garbage *garbage)
{
    (void)pthread_mutex_lock(&session->mutex);
    while (session->locked.looked_at == open) {
        (void)pthread_cond_wait(&session->changed, &session->mutex);
    }
    if (cfl_list_is_linked(&open->node)) {
        cfl_list_remove(&open->node);
    }
    put_aside_locked(session, garbage);
}

void cfl_sql_session_wake(struct cfl_sql_session *session)
{
    const struct cflight_sql_handlers *handlers = &session->server->handlers;
    (void)pthread_mutex_lock(&session->mutex);
    const cflight_sql_call *running = session->locked.running;
    bool is_hit =
        handlers->interrupt != NULL && running != NULL && atomic_load(&running->is_cancelled);
    session->locked.interrupting_count += is_hit ? 1 : 0;
    (void)pthread_cond_broadcast(&session->changed);
    (void)pthread_mutex_unlock(&session->mutex);
    if (is_hit) {
        handlers->interrupt(handlers->user_data, session->engine);
        (void)pthread_mutex_lock(&session->mutex);
        session->locked.interrupting_count--;
        (void)pthread_cond_broadcast(&session->changed);
        (void)pthread_mutex_unlock(&session->mutex);
    }
}
