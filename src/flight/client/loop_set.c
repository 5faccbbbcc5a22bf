/* SPDX-License-Identifier: Apache-2.0 */
/* What an event loop drives for one client.
 *
 * A connection that may not take new calls (GOAWAY, or the client was closed) still has calls that
 * somebody waits for, so a loop may have several at a time. Each has a poller of its own, whose
 * descriptor is watched by the set's: the loop has one descriptor that never changes. Members are
 * appended by whoever connects and removed by the loop, so the loop may walk the list with the
 * mutex taken for single steps. Thread class: loop only; adding is free. */
#include "flight/client/loop_set.h"

#include "base/alloc.h"
#include "flight/call/call.h"

enum { RETRY_MS = 10 /* when a descriptor could not be watched */ };

struct member {
    struct cfl_list node;
    struct cfl_connection *connection;
    int fd;        /* in the poller; -1 is none */
    bool is_armed; /* else the poller is silent about it */
};

struct cfl_loop_set {
    const struct cflight_allocator *alloc;
    pthread_mutex_t *mutex;
    struct cfl_poller *poller;
    struct cfl_list members; /* under the mutex */
    int extra_fd;
    bool extra_is_armed;
    bool is_processing; /* members stay: the walk is in the middle of the list */
};

struct cfl_loop_set *cfl_loop_set_new(const struct cflight_allocator *alloc, pthread_mutex_t *mutex)
{
    struct cfl_loop_set *set = cfl_alloc_zeroed(alloc, sizeof *set);
    if (set == NULL) {
        return NULL;
    }
    set->alloc = alloc;
    set->mutex = mutex;
    set->extra_fd = -1;
    cfl_list_init(&set->members);
    if (cfl_poller_new(alloc, &set->poller, NULL) != CFLIGHT_OK) {
        cfl_free(alloc, set, sizeof *set);
        return NULL;
    }
    return set;
}

static void drop(struct cfl_loop_set *set, struct member *member)
{
    if (member->fd >= 0) {
        cfl_poller_remove(set->poller, member->fd);
    }
    (void)pthread_mutex_lock(set->mutex);
    cfl_list_remove(&member->node);
    (void)pthread_mutex_unlock(set->mutex);
    cfl_connection_unref(member->connection);
    cfl_free(set->alloc, member, sizeof *member);
}

/* The member behind this one, or the first for NULL; NULL at the end. */
static struct member *next_of(struct cfl_loop_set *set, struct member *member)
{
    struct member *next = NULL;
    (void)pthread_mutex_lock(set->mutex);
    struct cfl_list *node = member == NULL ? set->members.next : member->node.next;
    if (node != &set->members) {
        next = CFL_LIST_ENTRY(node, struct member, node);
    }
    (void)pthread_mutex_unlock(set->mutex);
    return next;
}

void cfl_loop_set_free(struct cfl_loop_set *set)
{
    if (set == NULL) {
        return;
    }
    for (struct member *member = NULL; (member = next_of(set, NULL)) != NULL;) {
        drop(set, member);
    }
    cfl_poller_free(set->poller);
    cfl_free(set->alloc, set, sizeof *set);
}

bool cfl_loop_set_add(struct cfl_loop_set *set, struct cfl_connection *connection)
{
    for (struct cfl_list *node = set->members.next; node != &set->members; node = node->next) {
        if (CFL_LIST_ENTRY(node, struct member, node)->connection == connection) {
            return true;
        }
    }
    struct member *member = cfl_alloc_zeroed(set->alloc, sizeof *member);
    if (member == NULL) {
        return false;
    }
    member->connection = cfl_connection_ref(connection);
    member->fd = -1;
    cfl_list_append(&set->members, &member->node);
    return true;
}

void cfl_loop_set_watch(struct cfl_loop_set *set, int fd)
{
    if (fd == set->extra_fd) {
        if (fd >= 0 && !set->extra_is_armed) {
            cfl_poller_arm(set->poller, fd, CFL_READY_READ, set);
            set->extra_is_armed = true;
        }
        return;
    }
    if (set->extra_fd >= 0) {
        cfl_poller_remove(set->poller, set->extra_fd);
    }
    set->extra_fd = -1;
    if (fd >= 0 && cfl_poller_add(set->poller, fd, CFL_READY_READ, set, NULL) == CFLIGHT_OK) {
        set->extra_fd = fd;
        set->extra_is_armed = true;
    }
}

/* Has the poller look at the connection's descriptor, which changes once: when it is closed. */
static bool arm(struct cfl_loop_set *set, struct member *member, int fd)
{
    if (fd != member->fd && member->fd >= 0) {
        cfl_poller_remove(set->poller, member->fd);
        member->fd = -1;
    }
    if (fd >= 0 && member->fd < 0) {
        if (cfl_poller_add(set->poller, fd, CFL_READY_READ, member, NULL) != CFLIGHT_OK) {
            return false;
        }
        member->fd = fd;
    } else if (fd >= 0 && !member->is_armed) {
        cfl_poller_arm(set->poller, fd, CFL_READY_READ, member);
    }
    member->is_armed = true;
    return true;
}

static int64_t prepare(struct cfl_loop_set *set, struct member *member, int64_t now_ns)
{
    struct cfl_connection *connection = member->connection;
    cfl_connection_lock(connection);
    int64_t deadline_ns = cfl_deadline_earlier(cfl_connection_deadline_locked(connection),
                                               cfl_call_watch_deadline_locked(connection, now_ns));
    bool is_closed = connection->locked.is_closed;
    int fd = is_closed ? -1 : cfl_connection_loop_fd_locked(connection);
    cfl_connection_unlock(connection);
    bool is_watched = (is_closed || fd >= 0) && arm(set, member, fd);
    return is_watched ? deadline_ns
                      : cfl_deadline_earlier(deadline_ns, cfl_deadline_after_ms(now_ns, RETRY_MS));
}

int64_t cfl_loop_set_prepare(struct cfl_loop_set *set, const struct cfl_connection *current,
                             int64_t now_ns)
{
    int64_t deadline_ns = CFL_TIME_NEVER;
    struct member *next = NULL;
    for (struct member *member = next_of(set, NULL); member != NULL; member = next) {
        next = next_of(set, member);
        bool is_used = member->connection == current || set->is_processing ||
                       !cfl_refcount_is_one(&member->connection->refs);
        if (is_used) {
            deadline_ns = cfl_deadline_earlier(deadline_ns, prepare(set, member, now_ns));
        } else {
            drop(set, member);
        }
    }
    return deadline_ns;
}

void cfl_loop_set_drain(struct cfl_loop_set *set)
{
    void *tag = NULL;
    unsigned int ready = 0;
    while (cfl_poller_wait(set->poller, 0, &tag, &ready)) {
        if (tag == set) {
            set->extra_is_armed = false;
        } else {
            ((struct member *)tag)->is_armed = false;
        }
    }
}

void cfl_loop_set_process(struct cfl_loop_set *set)
{
    bool is_nested = set->is_processing;
    set->is_processing = true;
    for (struct member *member = next_of(set, NULL); member != NULL;
         member = next_of(set, member)) {
        cfl_connection_process(member->connection);
        cfl_call_run_watches(member->connection);
    }
    set->is_processing = is_nested;
}

int cfl_loop_set_fd(const struct cfl_loop_set *set)
{
    return cfl_poller_fd(set->poller);
}
