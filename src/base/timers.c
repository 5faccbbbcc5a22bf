/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap of connections' deadlines. Lock: its own, a leaf. Thread class: free. */
#include "base/timers.h"

#include "base/alloc.h"

void cfl_timers_init(struct cfl_timers *timers, const struct cflight_allocator *alloc)
{
    timers->alloc = alloc;
    (void)pthread_mutex_init(&timers->mutex, NULL);
}

void cfl_timers_done(struct cfl_timers *timers)
{
    cfl_free_array(timers->alloc, timers->heap, timers->capacity, sizeof(struct cfl_timer *));
    (void)pthread_mutex_destroy(&timers->mutex);
}

void cfl_timer_init(struct cfl_timer *timer, uint64_t tag)
{
    timer->tag = tag;
    atomic_init(&timer->at_ns, CFL_TIME_NEVER);
    timer->index = 0;
}

bool cfl_timers_reserve(struct cfl_timers *timers, size_t timer_count)
{
    (void)pthread_mutex_lock(&timers->mutex);
    bool has_room = cfl_grow_array(timers->alloc, (void **)&timers->heap, &timers->capacity,
                                   timer_count, sizeof(struct cfl_timer *));
    (void)pthread_mutex_unlock(&timers->mutex);
    return has_room;
}

static int64_t at(const struct cfl_timer *timer)
{
    return atomic_load_explicit(&timer->at_ns, memory_order_relaxed);
}

static void put_locked(struct cfl_timers *timers, size_t index, struct cfl_timer *timer)
{
    timers->heap[index] = timer;
    timer->index = index;
}

static void sift_up_locked(struct cfl_timers *timers, size_t index, struct cfl_timer *timer)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (at(timers->heap[parent]) <= at(timer)) {
            break;
        }
        put_locked(timers, index, timers->heap[parent]);
        index = parent;
    }
    put_locked(timers, index, timer);
}

static void sift_down_locked(struct cfl_timers *timers, size_t index, struct cfl_timer *timer)
{
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= timers->count) {
            break;
        }
        if (child + 1 < timers->count && at(timers->heap[child + 1]) < at(timers->heap[child])) {
            child++;
        }
        if (at(timer) <= at(timers->heap[child])) {
            break;
        }
        put_locked(timers, index, timers->heap[child]);
        index = child;
    }
    put_locked(timers, index, timer);
}

static void take_out_locked(struct cfl_timers *timers, struct cfl_timer *timer)
{
    size_t index = timer->index;
    timers->count--;
    struct cfl_timer *last = timers->heap[timers->count];
    atomic_store_explicit(&timer->at_ns, CFL_TIME_NEVER, memory_order_relaxed);
    if (last == timer) {
        return;
    }
    if (index > 0 && at(last) < at(timers->heap[(index - 1) / 2])) {
        sift_up_locked(timers, index, last);
    } else {
        sift_down_locked(timers, index, last);
    }
}

bool cfl_timer_move_up(struct cfl_timers *timers, struct cfl_timer *timer, int64_t at_ns)
{
    if (at_ns >= at(timer)) {
        return false;
    }
    (void)pthread_mutex_lock(&timers->mutex);
    int64_t former_ns = at(timer);
    if (at_ns < former_ns) {
        size_t index = former_ns == CFL_TIME_NEVER ? timers->count++ : timer->index;
        atomic_store_explicit(&timer->at_ns, at_ns, memory_order_relaxed);
        sift_up_locked(timers, index, timer);
    }
    bool is_first = timers->heap[0] == timer;
    (void)pthread_mutex_unlock(&timers->mutex);
    return is_first;
}

void cfl_timer_remove(struct cfl_timers *timers, struct cfl_timer *timer)
{
    (void)pthread_mutex_lock(&timers->mutex);
    if (at(timer) != CFL_TIME_NEVER) {
        take_out_locked(timers, timer);
    }
    (void)pthread_mutex_unlock(&timers->mutex);
}

bool cfl_timers_pop(struct cfl_timers *timers, int64_t now_ns, uint64_t *ret_tag)
{
    (void)pthread_mutex_lock(&timers->mutex);
    bool is_due = timers->count > 0 && at(timers->heap[0]) <= now_ns;
    if (is_due) {
        *ret_tag = timers->heap[0]->tag;
        take_out_locked(timers, timers->heap[0]);
    }
    (void)pthread_mutex_unlock(&timers->mutex);
    return is_due;
}

int64_t cfl_timers_first_ns(struct cfl_timers *timers)
{
    (void)pthread_mutex_lock(&timers->mutex);
    int64_t first_ns = timers->count == 0 ? CFL_TIME_NEVER : at(timers->heap[0]);
    (void)pthread_mutex_unlock(&timers->mutex);
    return first_ns;
}
