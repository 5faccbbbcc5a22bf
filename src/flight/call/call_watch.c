/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks for event loops: which calls have something to tell, found after each step.
 *
 * A watch is in one of the connection's lists, then among those that are due, then gone; taking it
 * back works in either place. A step looks at those whose call has changed (`stirred_watches`), and
 * at all of them only when the earliest deadline has passed. An armed watch holds a reference on
 * its call, and stands for a thread that waits: a message's bytes are credited as they arrive.
 * Thread class: loop only. */
#include "flight/call/call_internal.h"

static struct cfl_watch *watch_of(struct cfl_call *call, bool is_write)
{
    return is_write ? &call->sent_watch : &call->inbound_watch;
}

static void set_deadline_locked(struct cfl_watch *watch, int64_t now_ns)
{
    struct cfl_call *call = watch->call;
    watch->progress_bytes = cfl_call_progress_locked(call, watch->is_write);
    watch->deadline_ns = call->limits.idle_timeout_ms > 0
                             ? cfl_deadline_after_ms(now_ns, call->limits.idle_timeout_ms)
                             : CFL_TIME_NEVER;
    if (!call->locked.has_answer && !watch->is_write) {
        watch->deadline_ns = cfl_deadline_earlier(watch->deadline_ns, call->limits.first_byte_ns);
    }
    call->connection->locked.watch_deadline_ns =
        cfl_deadline_earlier(call->connection->locked.watch_deadline_ns, watch->deadline_ns);
}

static bool is_ready_locked(const struct cfl_watch *watch)
{
    return watch->is_write ? cfl_call_has_sent_locked(watch->call)
                           : cfl_call_has_inbound_locked(watch->call);
}

static bool is_due_locked(struct cfl_watch_base *base)
{
    return is_ready_locked(CFL_LIST_ENTRY(base, struct cfl_watch, base));
}

void cfl_call_notify(struct cfl_call *call, bool is_write, void (*on_ready)(void *user_data),
                     void *user_data)
{
    struct cfl_watch *watch = watch_of(call, is_write);
    if (!cfl_call_is_ours(call)) {
        return;
    }
    cfl_connection_lock(call->connection);
    bool was_armed = watch->on_ready != NULL;
    watch->on_ready = on_ready;
    watch->user_data = user_data;
    if (on_ready != NULL) {
        watch->call = call;
        watch->is_write = is_write;
        watch->base.is_due = is_due_locked;
        cfl_list_remove(&watch->base.node);
        cfl_list_append(&call->connection->locked.stirred_watches, &watch->base.node);
        set_deadline_locked(watch, cfl_clock_now_ns(NULL));
    } else {
        cfl_list_remove(&watch->base.node);
    }
    if (!is_write) {
        cfl_call_want_message_locked(call, on_ready != NULL);
    }
    cfl_connection_unlock(call->connection);
    if (on_ready != NULL && !was_armed) {
        (void)cfl_call_ref(call);
    } else if (on_ready == NULL && was_armed) {
        cfl_call_unref(call);
    }
}

void cfl_call_take_notify(struct cfl_call *call, void (**ret_on_ready)(void *user_data),
                          void **ret_user_data)
{
    cfl_connection_lock(call->connection);
    *ret_on_ready = call->inbound_watch.on_ready;
    *ret_user_data = call->inbound_watch.user_data;
    cfl_connection_unlock(call->connection);
    cfl_call_notify(call, false, NULL, NULL);
}

/* Ends the call when its limit passed without a byte having moved. */
static void check_limit_locked(struct cfl_watch *watch, int64_t now_ns)
{
    if (now_ns < watch->deadline_ns || watch->call->locked.is_over) {
        return;
    }
    if (cfl_call_progress_locked(watch->call, watch->is_write) != watch->progress_bytes) {
        set_deadline_locked(watch, now_ns);
    } else {
        cfl_call_expire_locked(watch->call, now_ns, watch->is_write);
    }
}

static void move_all(struct cfl_list *from, struct cfl_list *to)
{
    for (struct cfl_list *node = NULL; (node = cfl_list_take_first(from)) != NULL;) {
        cfl_list_append(to, node);
    }
}

/* Ends calls whose limit passed, and finds the next limit. */
static void check_limits_locked(struct cfl_connection *connection, int64_t now_ns)
{
    struct cfl_list all;
    cfl_list_init(&all);
    move_all(&connection->locked.watches, &all);
    move_all(&connection->locked.stirred_watches, &all);
    connection->locked.watch_deadline_ns = CFL_TIME_NEVER;
    for (struct cfl_list *node = NULL; (node = cfl_list_take_first(&all)) != NULL;) {
        struct cfl_watch *watch = CFL_LIST_ENTRY(node, struct cfl_watch, base.node);
        cfl_list_append(&connection->locked.stirred_watches, node);
        check_limit_locked(watch, now_ns);
        connection->locked.watch_deadline_ns =
            cfl_deadline_earlier(connection->locked.watch_deadline_ns,
                                 watch->call->locked.is_over ? CFL_TIME_NEVER : watch->deadline_ns);
    }
}

static void collect_locked(struct cfl_connection *connection, struct cfl_list *due, int64_t now_ns)
{
    if (now_ns >= connection->locked.watch_deadline_ns) {
        check_limits_locked(connection, now_ns);
    }
    struct cfl_list *stirred = &connection->locked.stirred_watches;
    for (struct cfl_list *node = NULL; (node = cfl_list_take_first(stirred)) != NULL;) {
        bool is_ready = is_ready_locked(CFL_LIST_ENTRY(node, struct cfl_watch, base.node));
        cfl_list_append(is_ready ? due : &connection->locked.watches, node);
    }
}

/* The request goes on another connection if one is at hand, and the watch with it; it is due again
 * when that fails. */
static void restart(struct cfl_watch *watch)
{
    struct cfl_call *call = watch->call;
    (void)cfl_call_restart(call, false, CFL_TIME_NEVER);
    cfl_connection_lock(call->connection);
    cfl_list_append(&call->connection->locked.stirred_watches, &watch->base.node);
    set_deadline_locked(watch, cfl_clock_now_ns(NULL));
    cfl_connection_unlock(call->connection);
}

void cfl_call_run_watches(struct cfl_connection *connection)
{
    struct cfl_list due;
    cfl_list_init(&due);
    cfl_connection_lock(connection);
    collect_locked(connection, &due, cfl_clock_now_ns(NULL));
    for (struct cfl_list *node = NULL; (node = cfl_list_take_first(&due)) != NULL;) {
        struct cfl_watch *watch = CFL_LIST_ENTRY(node, struct cfl_watch, base.node);
        struct cfl_call *call = watch->call;
        if (call->locked.needs_connection) {
            cfl_connection_unlock(connection);
            restart(watch);
            cfl_connection_lock(connection);
            continue;
        }
        void (*on_ready)(void *user_data) = watch->on_ready;
        watch->on_ready = NULL;
        cfl_connection_unlock(connection);
        on_ready(watch->user_data);
        cfl_call_unref(call);
        cfl_connection_lock(connection);
    }
    cfl_connection_unlock(connection);
}

int64_t cfl_call_watch_deadline_locked(struct cfl_connection *connection, int64_t now_ns)
{
    struct cfl_list *head = &connection->locked.stirred_watches;
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        if (is_ready_locked(CFL_LIST_ENTRY(node, struct cfl_watch, base.node))) {
            return now_ns;
        }
    }
    return connection->locked.watch_deadline_ns;
}
