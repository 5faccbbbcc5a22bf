/* SPDX-License-Identifier: Apache-2.0 */
/* Listening on connections that nobody drives.
 *
 * Who stops driving a connection only puts it on a list. The thread looks at what is listed some
 * 25 ms later: a connection that is driven again leaves the list, one that was used meanwhile stays
 * on it, and the others are armed in a poller. So a busy connection costs no system call per call:
 * one to wake the thread and one to disarm are paid after idleness only, at most once in 25 ms.
 * With nothing on the list the thread sleeps until a socket or a deadline wakes it.
 *
 * It also sends the small batches that a connection held back for a millisecond, if nobody did
 * before (call_gather.c); whether the connection is driven does not matter for that.
 *
 * An entry belongs to its connection, whose lock guards what is not marked otherwise, and is freed
 * by the thread, which may hold the poller's tag of it. The thread holds no reference: the last
 * unref waits until the thread is done with the connection, so nothing of a client is touched, and
 * its allocator not used, once it is gone.
 *
 * fork() waits for the end of a step (`step`), so the child finds no lock held by a thread that it
 * does not have, OpenSSL's and the log's included; it starts anew, and the serial number makes all
 * it inherited stale. At exit no step begins any more. Lock order: a connection's mutex, then
 * `step`, then `mutex`. Thread class: free. */
#define _GNU_SOURCE /* pthread_setname_np */
#include "flight/client/idle_watch.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/condition.h"
#include "base/error.h"
#include "base/thread.h"
#include "base/timers.h"

enum {
    LOOK_MS = 25,
    STACK_BYTES = 512 << 10, /* TLS and sanitizers included; pages that are not used cost nothing */
};

struct entry {
    struct cfl_list node;              /* in one of the watch's lists; under its mutex */
    struct cfl_timer timer;            /* set while it is armed; under the watch's mutex */
    struct cfl_connection *connection; /* NULL: gone; under the watch's mutex */
    unsigned int serial;               /* the watch's when it was listed */
    int fd;                            /* in the poller; -1 is none */
    unsigned int polled;               /* what the poller looks for */
    bool is_listed;                    /* to be looked at */
    bool has_moved;                    /* since the last look */
    bool is_visited;                   /* the thread is at it, and arms it afterwards */
    struct cfl_list holding_node;      /* in the list of those that hold batches back; likewise */
    bool is_holding;                   /* the thread was told of that */
};

/* The process's. */
static struct {
    pthread_once_t once;
    pthread_mutex_t step; /* held while the thread reads, writes or decrypts */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    atomic_uint serial;
    atomic_bool is_quiet; /* the process exits */
    /* Under the mutex. */
    size_t client_count;
    size_t entry_count;
    bool is_running;
    bool must_end;
    bool is_ending;
    pthread_t thread;
    struct cfl_poller *poller;
    struct cfl_list listed;
    struct cfl_list due; /* taken from `listed`, or their deadline passed */
    struct cfl_list armed;
    struct cfl_list holding;     /* connections that hold batches back */
    struct cfl_list holding_due; /* taken from there: their time has come */
    struct cfl_list gone;        /* to be freed */
    struct cfl_timers timers;    /* of those that are armed; with room for all entries */
    struct entry *current;
    int64_t look_ns;    /* when to look at what is listed */
    int64_t holding_ns; /* when to look at those that hold batches back */
    int64_t sleeps_until_ns;
} watch = {
    .once = PTHREAD_ONCE_INIT,
    .step = PTHREAD_MUTEX_INITIALIZER,
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .changed = PTHREAD_COND_INITIALIZER,
    .serial = 1,
    .look_ns = CFL_TIME_NEVER,
    .holding_ns = CFL_TIME_NEVER,
};

static void lock(void)
{
    (void)pthread_mutex_lock(&watch.mutex);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&watch.mutex);
}

static void free_gone(void)
{
    for (struct cfl_list *node = NULL; (node = cfl_list_take_first(&watch.gone)) != NULL;) {
        cfl_free(NULL, CFL_LIST_ENTRY(node, struct entry, node), sizeof(struct entry));
    }
}

static void take_off(struct entry *entry)
{
    cfl_list_remove(&entry->node);
    cfl_timer_remove(&watch.timers, &entry->timer);
}

static void drop_all(struct cfl_list *head)
{
    while (cfl_list_take_first(head) != NULL) {
    }
}

/* Nothing is watched. What entries say about the poller holds no more. */
static void reset(void)
{
    drop_all(&watch.listed);
    drop_all(&watch.due);
    while (!cfl_list_is_empty(&watch.armed)) {
        take_off(CFL_LIST_ENTRY(watch.armed.next, struct entry, node));
    }
    drop_all(&watch.holding);
    drop_all(&watch.holding_due);
    free_gone();
    atomic_fetch_add(&watch.serial, 1);
    cfl_poller_free(watch.poller);
    watch.poller = NULL;
    watch.current = NULL;
    watch.is_running = false;
    watch.must_end = false;
    watch.look_ns = CFL_TIME_NEVER;
    watch.holding_ns = CFL_TIME_NEVER;
}

/* ---- fork and exit ---- */

static void before_fork(void)
{
    (void)pthread_mutex_lock(&watch.step);
    lock();
}

static void after_fork_in_parent(void)
{
    unlock();
    (void)pthread_mutex_unlock(&watch.step);
}

static void after_fork_in_child(void)
{
    static const pthread_cond_t fresh = PTHREAD_COND_INITIALIZER;
    reset(); /* closes the child's copies of descriptors; the parent's poller is untouched */
    watch.client_count = 0;
    watch.is_ending = false;
    watch.changed = fresh;
    after_fork_in_parent();
}

/* Libraries that a step uses are taken down at exit. */
static void at_exit(void)
{
    atomic_store(&watch.is_quiet, true);
    (void)pthread_mutex_lock(&watch.step);
    (void)pthread_mutex_unlock(&watch.step);
}

static void prepare_once(void)
{
    cfl_list_init(&watch.listed);
    cfl_list_init(&watch.due);
    cfl_list_init(&watch.armed);
    cfl_list_init(&watch.holding);
    cfl_list_init(&watch.holding_due);
    cfl_list_init(&watch.gone);
    cfl_timers_init(&watch.timers, NULL);
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static void prepare_exit_once(void)
{
    (void)atexit(at_exit);
}

/* Handlers run in the reverse of their order: ours has to come after that of OpenSSL, which is
 * there when a TLS connection is. */
static void prepare_exit(const struct cfl_connection *connection)
{
    static pthread_once_t plain_once = PTHREAD_ONCE_INIT;
    static pthread_once_t tls_once = PTHREAD_ONCE_INIT;
    bool is_tls = cfl_transport_peer(connection->transport)->is_tls;
    (void)pthread_once(is_tls ? &tls_once : &plain_once, prepare_exit_once);
}

/* ---- the thread ---- */

/* Has the poller look at the connection, which nobody drives. Without memory for that it is looked
 * at again. */
static void arm_now_locked(struct entry *entry)
{
    struct cfl_connection *connection = entry->connection;
    unsigned int wanted = cfl_connection_wanted_locked(connection);
    int fd = cfl_transport_fd(connection->transport);
    bool is_armed = true;
    lock();
    if (entry->fd >= 0) {
        cfl_poller_arm(watch.poller, fd, wanted, entry);
    } else {
        is_armed = cfl_poller_add(watch.poller, fd, wanted, entry, NULL) == CFLIGHT_OK;
        entry->fd = is_armed ? fd : -1;
    }
    entry->polled = is_armed ? wanted : CFL_READY_NONE;
    entry->is_listed = !is_armed;
    take_off(entry);
    if (is_armed) {
        cfl_list_append(&watch.armed, &entry->node);
        (void)cfl_timer_move_up(&watch.timers, &entry->timer,
                                cfl_connection_deadline_locked(connection));
    } else {
        cfl_list_append(&watch.listed, &entry->node);
        watch.look_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), LOOK_MS);
    }
    unlock();
    connection->locked.armed = wanted;
}

static void disarm_locked(struct entry *entry)
{
    lock();
    if (entry->serial == atomic_load(&watch.serial)) {
        cfl_poller_arm(watch.poller, entry->fd, CFL_READY_NONE, entry);
        take_off(entry);
    }
    entry->polled = CFL_READY_NONE;
    unlock();
}

/* Looks again later. */
static void list_again_locked(struct entry *entry)
{
    lock();
    entry->is_listed = true;
    cfl_list_append(&watch.listed, &entry->node);
    watch.look_ns =
        cfl_deadline_earlier(watch.look_ns, cfl_deadline_after_ms(cfl_clock_now_ns(NULL), LOOK_MS));
    unlock();
}

/* The I/O that is due. */
static void step_locked(struct entry *entry)
{
    (void)pthread_mutex_lock(&watch.step);
    if (!atomic_load(&watch.is_quiet)) {
        cfl_connection_process_locked(entry->connection);
    }
    (void)pthread_mutex_unlock(&watch.step);
}

/* Whether somebody else does the I/O, now or as soon as this thread lets go of the lock. */
static bool is_cared_for_locked(const struct cfl_connection *connection)
{
    return connection->locked.is_driven || cfl_loop_fd_is_open(&connection->locked.loop) ||
           !cfl_list_is_empty(&connection->locked.waiters);
}

/* One connection: a look at one that was listed, or a step of one that is ready or whose deadline
 * passed. Who drives it meanwhile lists it afterwards. */
static void visit(struct entry *entry, bool is_ready)
{
    struct cfl_connection *connection = entry->connection;
    cfl_connection_lock(connection);
    bool is_look = entry->is_listed && !is_ready;
    entry->is_visited = true;
    entry->is_listed = false;
    entry->polled = is_ready ? CFL_READY_NONE : entry->polled;
    if (!is_look && !is_cared_for_locked(connection)) {
        step_locked(entry);
    }
    if (connection->locked.is_closed || is_cared_for_locked(connection)) {
        if (entry->polled != CFL_READY_NONE) {
            disarm_locked(entry);
        }
        connection->locked.armed = CFL_READY_NONE;
    } else if (is_look && entry->has_moved) {
        list_again_locked(entry);
    } else {
        arm_now_locked(entry);
    }
    entry->has_moved = false;
    entry->is_visited = false;
    cfl_connection_unlock(connection);
}

/* Moves those whose time has come to the list of those that are due. */
static void collect_due(int64_t now_ns)
{
    uint64_t tag = 0;
    if (now_ns >= watch.look_ns) {
        watch.look_ns = CFL_TIME_NEVER;
        for (struct cfl_list *node = NULL; (node = cfl_list_take_first(&watch.listed)) != NULL;) {
            cfl_list_append(&watch.due, node);
        }
    }
    while (cfl_timers_pop(&watch.timers, now_ns, &tag)) {
        struct entry *entry = (struct entry *)(uintptr_t)tag;
        cfl_list_remove(&entry->node);
        cfl_list_append(&watch.due, &entry->node);
    }
}

/* What is done with a connection under its lock, and not the watch's. */
enum errand { ERRAND_LOOK, ERRAND_READY, ERRAND_HOLDING };

static void send_held_back(struct entry *entry);

/* With the mutex held on entry and exit, which is let go of meanwhile. */
static void visit_unlocked(struct entry *entry, enum errand errand)
{
    watch.current = entry;
    unlock();
    if (errand == ERRAND_HOLDING) {
        send_held_back(entry);
    } else {
        visit(entry, errand == ERRAND_READY);
    }
    lock();
    watch.current = NULL;
    (void)pthread_cond_broadcast(&watch.changed);
}

static void visit_due(void)
{
    collect_due(cfl_clock_now_ns(NULL));
    for (struct cfl_list *node = NULL; (node = cfl_list_take_first(&watch.due)) != NULL;) {
        visit_unlocked(CFL_LIST_ENTRY(node, struct entry, node), ERRAND_LOOK);
    }
}

static void visit_holding(void)
{
    if (cfl_clock_now_ns(NULL) < watch.holding_ns) {
        return;
    }
    watch.holding_ns = CFL_TIME_NEVER;
    struct cfl_list *node = NULL;
    while ((node = cfl_list_take_first(&watch.holding)) != NULL) {
        cfl_list_append(&watch.holding_due, node);
    }
    while ((node = cfl_list_take_first(&watch.holding_due)) != NULL) {
        visit_unlocked(CFL_LIST_ENTRY(node, struct entry, holding_node), ERRAND_HOLDING);
    }
}

static void *run(void *unused)
{
    (void)unused;
    lock();
    while (!watch.must_end && !atomic_load(&watch.is_quiet)) {
        void *tag = NULL;
        unsigned int ready = 0;
        visit_due();
        visit_holding();
        free_gone(); /* the poller tells of none of them any more */
        int64_t until_ns = cfl_deadline_earlier(watch.look_ns, cfl_timers_first_ns(&watch.timers));
        until_ns = cfl_deadline_earlier(until_ns, watch.holding_ns);
        int64_t timeout_ns = -1;
        if (until_ns != CFL_TIME_NEVER) {
            int64_t now_ns = cfl_clock_now_ns(NULL);
            timeout_ns = until_ns > now_ns ? until_ns - now_ns : 0;
        }
        watch.sleeps_until_ns = until_ns;
        unlock();
        bool is_ready = cfl_poller_wait(watch.poller, timeout_ns, &tag, &ready);
        lock();
        watch.sleeps_until_ns = 0;
        struct entry *entry = tag;
        if (is_ready && entry->connection != NULL) {
            take_off(entry);
            visit_unlocked(entry, ERRAND_READY);
        }
    }
    unlock();
    return NULL;
}

static bool start_thread(void)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int code = cfl_thread_start(&watch.thread, &attributes, NULL, run, NULL);
    (void)pthread_attr_destroy(&attributes);
    if (code == 0) {
        (void)pthread_setname_np(watch.thread, "cflight-idle");
    }
    return code == 0;
}

static bool ensure_thread(void)
{
    if (watch.is_running) {
        return true;
    }
    if (watch.poller == NULL && cfl_poller_new(NULL, &watch.poller, NULL) != CFLIGHT_OK) {
        return false;
    }
    watch.is_running = start_thread();
    return watch.is_running;
}

/* With the mutex held on entry and exit, which is let go of meanwhile. */
static void end_thread(void)
{
    if (watch.is_running) {
        watch.is_ending = true;
        watch.must_end = true;
        cfl_poller_wake(watch.poller);
        unlock();
        (void)pthread_join(watch.thread, NULL);
        lock();
        watch.is_ending = false;
        (void)pthread_cond_broadcast(&watch.changed);
    }
    reset();
}

/* ---- the connection's owner ---- */

/* The thread is to come no later than at this moment. */
static void hurry(int64_t until_ns)
{
    if (until_ns < watch.sleeps_until_ns) {
        watch.sleeps_until_ns = 0;
        cfl_poller_wake(watch.poller);
    }
}

/* What the entry says about another life of the watch holds no more. */
static void forget_past(struct entry *entry)
{
    if (entry->serial != atomic_load(&watch.serial)) {
        entry->fd = -1;
        entry->polled = CFL_READY_NONE;
        entry->is_listed = false;
        entry->is_holding = false;
    }
}

/* With the mutex held: the entry is the watch's from now on. */
static void adopt(struct entry *entry, struct cfl_connection *connection)
{
    if (entry->connection == NULL) {
        entry->connection = connection;
    }
    entry->serial = atomic_load(&watch.serial);
}

/* Puts the connection on the list, to be looked at. Without a thread it stays as deaf as with the
 * option that turns the watch off, until it is used again. */
static void list_locked(struct entry *entry, struct cfl_connection *connection)
{
    lock();
    adopt(entry, connection);
    if (watch.client_count > 0 && ensure_thread()) {
        entry->is_listed = true;
        take_off(entry);
        cfl_list_append(&watch.listed, &entry->node);
        if (watch.look_ns == CFL_TIME_NEVER) {
            watch.look_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), LOOK_MS);
        }
        hurry(watch.look_ns);
    }
    unlock();
    entry->has_moved = false;
}

static void on_armed(void *user_data, struct cfl_connection *connection, unsigned int wanted)
{
    struct entry *entry = user_data;
    if (entry->is_visited) {
        return;
    }
    forget_past(entry);
    entry->has_moved = true;
    if (entry->polled != wanted && entry->polled != CFL_READY_NONE) {
        disarm_locked(entry);
    }
    if (wanted != CFL_READY_NONE && entry->polled != wanted && !entry->is_listed) {
        prepare_exit(connection);
        list_locked(entry, connection);
    }
}

static void on_deadline(void *user_data, int64_t deadline_ns)
{
    struct entry *entry = user_data;
    if (entry->is_visited || entry->polled == CFL_READY_NONE) {
        return;
    }
    lock();
    if (entry->serial == atomic_load(&watch.serial) &&
        cfl_timer_move_up(&watch.timers, &entry->timer, deadline_ns)) {
        hurry(deadline_ns);
    }
    unlock();
}

/* Has the thread look at what the connection holds back. Without a thread nothing stays: false. */
static bool hold(struct entry *entry, struct cfl_connection *connection, int64_t until_ns)
{
    forget_past(entry);
    prepare_exit(connection);
    lock();
    adopt(entry, connection);
    entry->is_holding = watch.client_count > 0 && ensure_thread();
    if (entry->is_holding) {
        cfl_list_remove(&entry->holding_node);
        cfl_list_append(&watch.holding, &entry->holding_node);
        watch.holding_ns = cfl_deadline_earlier(watch.holding_ns, until_ns);
        hurry(until_ns);
    }
    unlock();
    return entry->is_holding;
}

static void on_held_back(void *user_data, struct cfl_connection *connection, int64_t until_ns)
{
    struct entry *entry = user_data;
    bool is_told = entry->is_holding && entry->serial == atomic_load(&watch.serial);
    if (!is_told && !hold(entry, connection, until_ns)) {
        cfl_connection_flush_locked(connection);
    }
}

static void send_held_back(struct entry *entry)
{
    struct cfl_connection *connection = entry->connection;
    cfl_connection_lock(connection);
    (void)pthread_mutex_lock(&watch.step);
    int64_t next_ns = CFL_TIME_NEVER;
    if (!atomic_load(&watch.is_quiet)) {
        next_ns = cfl_connection_flush_held_back_locked(connection, cfl_clock_now_ns(NULL));
    }
    (void)pthread_mutex_unlock(&watch.step);
    entry->is_holding = false;
    if (next_ns != CFL_TIME_NEVER) {
        (void)hold(entry, connection, next_ns);
    }
    cfl_connection_unlock(connection);
}

/* The connection's last reference is gone. */
static void on_gone(void *user_data)
{
    struct entry *entry = user_data;
    bool is_ours = true;
    lock();
    if (entry->serial == atomic_load(&watch.serial)) {
        while (watch.current == entry) {
            (void)pthread_cond_wait(&watch.changed, &watch.mutex);
        }
        take_off(entry);
        cfl_list_remove(&entry->holding_node);
        if (entry->fd >= 0) {
            cfl_poller_remove(watch.poller, entry->fd);
        }
        entry->connection = NULL;
        cfl_list_append(&watch.gone, &entry->node);
        is_ours = false;
    }
    watch.entry_count--;
    unlock();
    if (is_ours) {
        cfl_free(NULL, entry, sizeof *entry);
    }
}

cflight_status cfl_idle_watch_owner(struct cfl_connection_owner *ret_owner, cflight_error **reterr)
{
    struct entry *entry = cfl_alloc_zeroed(NULL, sizeof *entry);
    (void)pthread_once(&watch.once, prepare_once);
    lock();
    bool has_room = entry != NULL && cfl_timers_reserve(&watch.timers, watch.entry_count + 1);
    watch.entry_count += has_room ? 1 : 0;
    unlock();
    if (!has_room) {
        cfl_free(NULL, entry, sizeof *entry);
        return cfl_error_no_memory(reterr);
    }
    cfl_timer_init(&entry->timer, (uintptr_t)entry);
    entry->fd = -1;
    *ret_owner = (struct cfl_connection_owner){
        .arm = on_armed,
        .on_deadline = on_deadline,
        .on_held_back = on_held_back,
        .on_gone = on_gone,
        .user_data = entry,
    };
    return CFLIGHT_OK;
}

void cfl_idle_watch_discard(struct cfl_connection_owner *owner)
{
    if (owner->user_data != NULL) {
        on_gone(owner->user_data);
    }
}

void cfl_idle_watch_join(void)
{
    (void)pthread_once(&watch.once, prepare_once);
    lock();
    while (watch.is_ending) {
        (void)pthread_cond_wait(&watch.changed, &watch.mutex);
    }
    watch.client_count++;
    unlock();
}

void cfl_idle_watch_leave(void)
{
    lock();
    watch.client_count--;
    if (watch.client_count == 0) {
        end_thread();
    }
    unlock();
}
