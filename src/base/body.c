/* SPDX-License-Identifier: Apache-2.0 */
/* Message bodies and their pool.
 *
 * Idle blocks are kept in size classes of four steps to each power of two, so that a block serves
 * lengths up to a quarter smaller than itself. The pool's lock covers the classes only; memory is
 * mapped and freed outside it. Owner: whoever holds a reference. Thread class: free. */
#include "base/body.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/process.h"
#include "base/refcount.h"

enum {
    ALIGNMENT_BYTES = 64, /* Arrow columnar: Buffer Alignment and Padding */
    HUGE_PAGE_BYTES = 2 << 20,
    POOLED_BYTES_MIN = 32 << 10,
    WHOLE_BYTES_MAX = 8 << 10, /* up to here, a body and its data are one block */
    CLASS_COUNT = 256,
};

struct cflight_buffer {
    struct cfl_refcount refs;
    struct cfl_pool *pool;
    const struct cflight_allocator *alloc;
    uint8_t *data;
    size_t len_bytes;
    size_t capacity_bytes; /* 0 for wrapped memory */
    void (*release)(void *user_data);
    void *user_data;
    cflight_buffer *next_idle;
};

struct cfl_pool {
    struct cfl_refcount refs;
    const struct cflight_allocator *alloc;
    size_t cap_bytes;
    pid_t pid; /* in a child of fork() the lock may be held by a thread that it does not have */
    atomic_size_t live_bytes;
    pthread_mutex_t mutex;
    size_t idle_bytes;                 /* locked */
    cflight_buffer *idle[CLASS_COUNT]; /* locked */
};

/* Rounds up to the next of four steps between powers of two and tells its class. */
static size_t class_size(size_t len_bytes, size_t *ret_class)
{
    size_t size_bytes = len_bytes < POOLED_BYTES_MIN ? POOLED_BYTES_MIN : len_bytes;
    unsigned int top_bit = (unsigned int)(63 - __builtin_clzll(size_bytes));
    size_t step_bytes = (size_t)1 << (top_bit - 2);
    size_t rounded = (size_bytes + step_bytes - 1) & ~(step_bytes - 1);
    top_bit = (unsigned int)(63 - __builtin_clzll(rounded));
    *ret_class = (size_t)top_bit * 4 + ((rounded >> (top_bit - 2)) & 3);
    return rounded;
}

struct cfl_pool *cfl_pool_new(const struct cflight_allocator *alloc, size_t cap_bytes)
{
    struct cfl_pool *pool = cfl_alloc_zeroed(alloc, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&pool->mutex, NULL) != 0) {
        cfl_free(alloc, pool, sizeof *pool);
        return NULL;
    }
    cfl_refcount_init(&pool->refs);
    atomic_init(&pool->live_bytes, 0);
    pool->alloc = alloc;
    pool->cap_bytes = cap_bytes;
    pool->pid = cfl_process_id();
    return pool;
}

struct cfl_pool *cfl_pool_ref(struct cfl_pool *pool)
{
    cfl_refcount_up(&pool->refs);
    return pool;
}

/* Of a body that is one block: room to align its data is counted in. */
static size_t whole_size(size_t capacity_bytes)
{
    return sizeof(cflight_buffer) + ALIGNMENT_BYTES + capacity_bytes;
}

static void free_block(cflight_buffer *body)
{
    if (body->capacity_bytes <= WHOLE_BYTES_MAX) {
        cfl_free(body->alloc, body, whole_size(body->capacity_bytes));
        return;
    }
    cfl_free(body->alloc, body->data, body->capacity_bytes);
    cfl_free(body->alloc, body, sizeof *body);
}

void cfl_pool_unref(struct cfl_pool *pool)
{
    if (pool == NULL || !cfl_refcount_down(&pool->refs)) {
        return;
    }
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        while (pool->idle[i] != NULL) {
            cflight_buffer *body = pool->idle[i];
            pool->idle[i] = body->next_idle;
            free_block(body);
        }
    }
    (void)pthread_mutex_destroy(&pool->mutex);
    cfl_free(pool->alloc, pool, sizeof *pool);
}

size_t cfl_pool_live_bytes(const struct cfl_pool *pool)
{
    return atomic_load(&pool->live_bytes);
}

static cflight_buffer *take_idle(struct cfl_pool *pool, size_t class_index, size_t size_bytes)
{
    if (pool->pid != cfl_process_id()) {
        return NULL;
    }
    (void)pthread_mutex_lock(&pool->mutex);
    cflight_buffer *body = pool->idle[class_index];
    if (body != NULL) {
        pool->idle[class_index] = body->next_idle;
        pool->idle_bytes -= size_bytes;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    return body;
}

/* Returns false when the pool is full, or another process's; the caller then frees the block. */
static bool put_idle(struct cfl_pool *pool, cflight_buffer *body)
{
    size_t class_index = 0;
    size_t size_bytes = class_size(body->capacity_bytes, &class_index);
    if (pool->pid != cfl_process_id()) {
        return false;
    }
    (void)pthread_mutex_lock(&pool->mutex);
    bool has_room = size_bytes <= pool->cap_bytes - pool->idle_bytes;
    if (has_room) {
        body->next_idle = pool->idle[class_index];
        pool->idle[class_index] = body;
        pool->idle_bytes += size_bytes;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    return has_room;
}

static cflight_buffer *new_whole(const struct cflight_allocator *alloc, size_t capacity_bytes)
{
    cflight_buffer *body = cfl_alloc(alloc, whole_size(capacity_bytes));
    if (body == NULL) {
        return NULL;
    }
    memset(body, 0, sizeof *body);
    uintptr_t data = (uintptr_t)(body + 1) + ALIGNMENT_BYTES - 1;
    body->data = (uint8_t *)(data & ~(uintptr_t)(ALIGNMENT_BYTES - 1));
    body->alloc = alloc;
    body->capacity_bytes = capacity_bytes;
    return body;
}

static cflight_buffer *new_block(const struct cflight_allocator *alloc, size_t capacity_bytes)
{
    if (capacity_bytes <= WHOLE_BYTES_MAX) {
        return new_whole(alloc, capacity_bytes);
    }
    cflight_buffer *body = cfl_alloc_zeroed(alloc, sizeof *body);
    if (body == NULL) {
        return NULL;
    }
    size_t alignment_bytes = capacity_bytes >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : ALIGNMENT_BYTES;
    body->data = cfl_alloc_aligned(alloc, capacity_bytes, alignment_bytes);
    if (body->data == NULL) {
        cfl_free(alloc, body, sizeof *body);
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    if (alignment_bytes == HUGE_PAGE_BYTES) {
        (void)madvise(body->data, capacity_bytes & ~(size_t)(HUGE_PAGE_BYTES - 1), MADV_HUGEPAGE);
    }
#endif
    body->alloc = alloc;
    body->capacity_bytes = capacity_bytes;
    return body;
}

cflight_buffer *cfl_body_new(struct cfl_pool *pool, const struct cflight_allocator *alloc,
                             size_t len_bytes)
{
    if (len_bytes > SIZE_MAX / 4) {
        return NULL;
    }
    bool is_pooled = pool != NULL && len_bytes >= POOLED_BYTES_MIN;
    size_t class_index = 0;
    size_t capacity_bytes = len_bytes == 0 ? 1 : len_bytes;
    cflight_buffer *body = NULL;
    if (is_pooled) {
        capacity_bytes = class_size(len_bytes, &class_index);
        body = take_idle(pool, class_index, capacity_bytes);
    }
    if (body == NULL) {
        body = new_block(pool == NULL ? alloc : pool->alloc, capacity_bytes);
    }
    if (body == NULL) {
        return NULL;
    }
    cfl_refcount_init(&body->refs);
    body->len_bytes = len_bytes;
    body->next_idle = NULL;
    if (is_pooled) {
        body->pool = cfl_pool_ref(pool);
        atomic_fetch_add(&pool->live_bytes, capacity_bytes);
    }
    return body;
}

cflight_buffer *cfl_body_wrap(const struct cflight_allocator *alloc, const void *data,
                              size_t len_bytes, void (*release)(void *user_data), void *user_data)
{
    cflight_buffer *body = cfl_alloc_zeroed(alloc, sizeof *body);
    if (body == NULL) {
        return NULL;
    }
    cfl_refcount_init(&body->refs);
    body->alloc = alloc;
    body->data = (uint8_t *)(uintptr_t)data;
    body->len_bytes = len_bytes;
    body->release = release;
    body->user_data = user_data;
    return body;
}

uint8_t *cfl_body_data(cflight_buffer *body)
{
    return body->data;
}

size_t cfl_body_len(const cflight_buffer *body)
{
    return body->len_bytes;
}

cflight_status cflight_buffer_new_copy(struct cflight_bytes bytes, cflight_buffer **ret_buffer,
                                       cflight_error **reterr)
{
    if (ret_buffer == NULL || (bytes.data == NULL && bytes.len_bytes > 0)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a buffer needs bytes to copy and a place for the result");
    }
    cflight_buffer *buffer = cfl_body_new(NULL, NULL, bytes.len_bytes);
    if (buffer == NULL) {
        return cfl_error_no_memory(reterr);
    }
    if (bytes.len_bytes > 0) {
        memcpy(buffer->data, bytes.data, bytes.len_bytes);
    }
    *ret_buffer = buffer;
    return CFLIGHT_OK;
}

struct cflight_bytes cflight_buffer_bytes(const cflight_buffer *buffer)
{
    if (buffer == NULL) {
        return cflight_bytes_make(NULL, 0);
    }
    return cflight_bytes_make(buffer->data, buffer->len_bytes);
}

cflight_buffer *cflight_buffer_ref(cflight_buffer *buffer)
{
    if (buffer != NULL) {
        cfl_refcount_up(&buffer->refs);
    }
    return buffer;
}

void cflight_buffer_unref(cflight_buffer *buffer)
{
    if (buffer == NULL || !cfl_refcount_down(&buffer->refs)) {
        return;
    }
    struct cfl_pool *pool = buffer->pool;
    if (buffer->capacity_bytes == 0) {
        if (buffer->release != NULL) {
            buffer->release(buffer->user_data);
        }
        cfl_free(buffer->alloc, buffer, sizeof *buffer);
        return;
    }
    if (pool == NULL) {
        free_block(buffer);
        return;
    }
    buffer->pool = NULL;
    atomic_fetch_sub(&pool->live_bytes, buffer->capacity_bytes);
    if (!put_idle(pool, buffer)) {
        free_block(buffer);
    }
    cfl_pool_unref(pool);
}
