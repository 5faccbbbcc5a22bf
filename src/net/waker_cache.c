/* SPDX-License-Identifier: Apache-2.0 */
/* Wakers that are lent to threads which poll. Those that come back are kept, up to a number, for
 * the next. Thread class: free. */
#include <pthread.h>

#include "base/alloc.h"
#include "base/list.h"
#include "net/poller.h"

enum { KEPT_MAX = 16 };

struct lent_waker {
    struct cfl_waker waker; /* first: what the borrower sees */
    struct cfl_list node;
};

struct cfl_waker_cache {
    const struct cflight_allocator *alloc;
    pthread_mutex_t mutex;
    struct cfl_list idle; /* under the mutex, as is the count */
    size_t idle_count;
};

static void waker_free(struct cfl_waker_cache *cache, struct lent_waker *lent)
{
    cfl_waker_done(&lent->waker);
    cfl_free(cache->alloc, lent, sizeof *lent);
}

struct cfl_waker_cache *cfl_waker_cache_new(const struct cflight_allocator *alloc)
{
    struct cfl_waker_cache *cache = cfl_alloc_zeroed(alloc, sizeof *cache);
    if (cache != NULL) {
        cache->alloc = alloc;
        (void)pthread_mutex_init(&cache->mutex, NULL);
        cfl_list_init(&cache->idle);
    }
    return cache;
}

void cfl_waker_cache_free(struct cfl_waker_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (struct cfl_list *node = NULL; (node = cfl_list_take_first(&cache->idle)) != NULL;) {
        waker_free(cache, CFL_LIST_ENTRY(node, struct lent_waker, node));
    }
    (void)pthread_mutex_destroy(&cache->mutex);
    cfl_free(cache->alloc, cache, sizeof *cache);
}

struct cfl_waker *cfl_waker_borrow(struct cfl_waker_cache *cache)
{
    (void)pthread_mutex_lock(&cache->mutex);
    struct cfl_list *node = cfl_list_take_first(&cache->idle);
    cache->idle_count -= node == NULL ? 0 : 1;
    (void)pthread_mutex_unlock(&cache->mutex);
    if (node != NULL) {
        return &CFL_LIST_ENTRY(node, struct lent_waker, node)->waker;
    }
    struct lent_waker *lent = cfl_alloc_zeroed(cache->alloc, sizeof *lent);
    if (lent == NULL) {
        return NULL;
    }
    if (cfl_waker_init(&lent->waker, NULL) != CFLIGHT_OK) {
        cfl_free(cache->alloc, lent, sizeof *lent);
        return NULL;
    }
    return &lent->waker;
}

void cfl_waker_give_back(struct cfl_waker_cache *cache, struct cfl_waker *waker, bool was_set)
{
    if (waker == NULL) {
        return;
    }
    struct lent_waker *lent = CFL_LIST_ENTRY(waker, struct lent_waker, waker);
    if (was_set) {
        cfl_waker_clear(waker);
    }
    (void)pthread_mutex_lock(&cache->mutex);
    bool is_kept = cache->idle_count < KEPT_MAX;
    if (is_kept) {
        cfl_list_append(&cache->idle, &lent->node);
        cache->idle_count++;
    }
    (void)pthread_mutex_unlock(&cache->mutex);
    if (!is_kept) {
        waker_free(cache, lent);
    }
}
