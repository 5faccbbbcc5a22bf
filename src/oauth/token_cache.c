/* SPDX-License-Identifier: Apache-2.0 */
/* A token that expires, for many calls at once.
 *
 * One thread fetches at a time, under no lock. While it does, the others go on with the token that
 * there is, if that is still good; if not, they wait, and fail as the fetch fails: a token server
 * that is down is asked once for all of them. A fetch ahead of the end that fails is tried again
 * after a few seconds, and the token serves to its end. Thread class: free. */
#include "oauth/token_cache.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/blocking.h"
#include "base/condition.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/refcount.h"

#define REFRESH_AHEAD_NS (60 * CFL_NS_PER_S)
#define RETRY_NS (5 * CFL_NS_PER_S) /* from a renewal that failed to the next */

struct cflight_token_cache {
    struct cfl_refcount refs;
    struct cflight_token_source source;
    const struct cfl_clock *clock;
    pthread_mutex_t mutex;
    pthread_cond_t fetched;
    struct {
        cflight_buffer *token; /* NULL until there is one */
        int64_t end_ns;
        int64_t renew_ns; /* from then on it is replaced */
        bool is_fetching;
        uint64_t fetch_count;   /* that are over */
        cflight_error *failure; /* of the last one; NULL when it went well */
    } locked;
};

cflight_status cfl_token_cache_new(const struct cflight_token_source *source,
                                   const struct cfl_clock *clock, cflight_token_cache **ret_cache,
                                   cflight_error **reterr)
{
    struct cflight_token_source loaded;
    cflight_status status = cfl_options_load(&loaded, sizeof loaded, source, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (loaded.fetch == NULL) {
        return cfl_error_null_argument(reterr, "source->fetch");
    }
    cflight_token_cache *cache = cfl_alloc_zeroed(loaded.allocator, sizeof *cache);
    if (cache == NULL) {
        return cfl_error_no_memory(reterr);
    }
    if (pthread_mutex_init(&cache->mutex, NULL) != 0) {
        cfl_free(loaded.allocator, cache, sizeof *cache);
        return cfl_error_no_memory(reterr);
    }
    cfl_condition_init(&cache->fetched);
    cfl_refcount_init(&cache->refs);
    cache->source = loaded;
    cache->clock = clock;
    *ret_cache = cache;
    return CFLIGHT_OK;
}

cflight_status cflight_token_cache_new(const struct cflight_token_source *source,
                                       cflight_token_cache **ret_cache, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(source), CFL_ARG(ret_cache));
    return status == CFLIGHT_OK ? cfl_token_cache_new(source, NULL, ret_cache, reterr) : status;
}

cflight_token_cache *cflight_token_cache_ref(cflight_token_cache *cache)
{
    if (cache != NULL) {
        cfl_refcount_up(&cache->refs);
    }
    return cache;
}

void cflight_token_cache_unref(cflight_token_cache *cache)
{
    if (cache == NULL || !cfl_refcount_down(&cache->refs)) {
        return;
    }
    if (cache->source.release != NULL) {
        cache->source.release(cache->source.user_data);
    }
    cflight_buffer_unref(cache->locked.token);
    cflight_error_free(cache->locked.failure);
    (void)pthread_cond_destroy(&cache->fetched);
    (void)pthread_mutex_destroy(&cache->mutex);
    cfl_free(cache->source.allocator, cache, sizeof *cache);
}

static bool is_good_locked(const cflight_token_cache *cache, struct cflight_bytes refused,
                           int64_t now_ns)
{
    return cache->locked.token != NULL && now_ns < cache->locked.end_ns &&
           (refused.len_bytes == 0 ||
            !cflight_bytes_equal(refused, cflight_buffer_bytes(cache->locked.token)));
}

/* Takes a token that was fetched. */
static void keep_locked(cflight_token_cache *cache, cflight_buffer *token, int64_t lifetime_ms)
{
    int64_t now_ns = cfl_clock_now_ns(cache->clock);
    int64_t lifetime_ns = cfl_duration_from_ms(lifetime_ms);
    int64_t ahead_ns = cache->source.refresh_ahead_ms > 0
                           ? cfl_duration_from_ms(cache->source.refresh_ahead_ms)
                           : REFRESH_AHEAD_NS;
    cflight_buffer_unref(cache->locked.token);
    cache->locked.token = token;
    cache->locked.end_ns = cfl_deadline_after_ns(now_ns, lifetime_ns);
    cache->locked.renew_ns = CFL_TIME_NEVER;
    if (cache->locked.end_ns != CFL_TIME_NEVER) {
        int64_t half_ns = lifetime_ns / 2;
        cache->locked.renew_ns = cache->locked.end_ns - (ahead_ns < half_ns ? ahead_ns : half_ns);
    }
}

/* Fetches with the lock given back meanwhile; the others wait or go on. */
static cflight_status fetch_locked(cflight_token_cache *cache)
{
    cflight_buffer *token = NULL;
    cflight_error *failure = NULL;
    int64_t lifetime_ms = -1;
    cache->locked.is_fetching = true;
    (void)pthread_mutex_unlock(&cache->mutex);
    cfl_blocking_begin();
    cflight_status status =
        cache->source.fetch(cache->source.user_data, &token, &lifetime_ms, &failure);
    cfl_blocking_end();
    if (status == CFLIGHT_OK && token == NULL) {
        status = CFLIGHT_INTERNAL;
    }
    if (status != CFLIGHT_OK && failure == NULL) {
        (void)cflight_error_set_message(&failure, status, "the source of tokens gave none");
    }
    (void)pthread_mutex_lock(&cache->mutex);
    cflight_error_free(cache->locked.failure);
    cache->locked.failure = failure;
    cache->locked.is_fetching = false;
    cache->locked.fetch_count++;
    if (status == CFLIGHT_OK) {
        keep_locked(cache, token, lifetime_ms);
    }
    (void)pthread_cond_broadcast(&cache->fetched);
    return status;
}

/* Waits for the fetch of another thread. */
static void wait_locked(cflight_token_cache *cache)
{
    uint64_t before = cache->locked.fetch_count;
    (void)pthread_mutex_unlock(&cache->mutex);
    cfl_blocking_begin();
    (void)pthread_mutex_lock(&cache->mutex);
    while (cache->locked.fetch_count == before) {
        (void)cfl_condition_wait_until(&cache->fetched, &cache->mutex, CFL_TIME_NEVER);
    }
    (void)pthread_mutex_unlock(&cache->mutex);
    cfl_blocking_end();
    (void)pthread_mutex_lock(&cache->mutex);
}

/* As the fetch that was over last; OK when that went well. */
static cflight_status last_failure_locked(const cflight_token_cache *cache, cflight_error **reterr)
{
    const cflight_error *failure = cache->locked.failure;
    if (failure == NULL) {
        return CFLIGHT_OK;
    }
    if (reterr != NULL) {
        *reterr = cfl_error_copy(failure);
    }
    return cflight_error_status(failure);
}

/* The token is good, and its end is near. */
static void renew_locked(cflight_token_cache *cache)
{
    if (fetch_locked(cache) != CFLIGHT_OK) {
        cache->locked.renew_ns = cfl_deadline_after_ns(cfl_clock_now_ns(cache->clock), RETRY_NS);
        CFL_LOG(CFLIGHT_LOG_WARN, "oauth", "a token that ends soon could not be replaced: %s",
                cflight_error_message(cache->locked.failure));
    }
}

static cflight_status get_locked(cflight_token_cache *cache, struct cflight_bytes refused,
                                 cflight_error **reterr)
{
    for (;;) {
        int64_t now_ns = cfl_clock_now_ns(cache->clock);
        if (is_good_locked(cache, refused, now_ns)) {
            if (now_ns >= cache->locked.renew_ns && !cache->locked.is_fetching) {
                renew_locked(cache);
            }
            return CFLIGHT_OK;
        }
        if (!cache->locked.is_fetching) {
            return fetch_locked(cache) == CFLIGHT_OK ? CFLIGHT_OK
                                                     : last_failure_locked(cache, reterr);
        }
        wait_locked(cache);
        cflight_status status = last_failure_locked(cache, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}

cflight_status cflight_token_cache_get(cflight_token_cache *cache, struct cflight_bytes refused,
                                       cflight_buffer **ret_token, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(cache), CFL_ARG(ret_token));
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&cache->mutex);
    status = get_locked(cache, refused, reterr);
    if (status == CFLIGHT_OK) {
        *ret_token = cflight_buffer_ref(cache->locked.token);
    }
    (void)pthread_mutex_unlock(&cache->mutex);
    return status;
}

/* ---- the provider ---- */

static cflight_status provider_get(void *user_data, struct cflight_bytes refused,
                                   cflight_buffer **ret_token, cflight_error **reterr)
{
    return cflight_token_cache_get(user_data, refused, ret_token, reterr);
}

static void provider_release(void *user_data)
{
    cflight_token_cache_unref(user_data);
}

void cflight_token_cache_provider(cflight_token_cache *cache,
                                  struct cflight_token_provider *ret_provider)
{
    *ret_provider = (struct cflight_token_provider)CFLIGHT_TOKEN_PROVIDER_INIT;
    ret_provider->user_data = cflight_token_cache_ref(cache);
    ret_provider->get = provider_get;
    ret_provider->release = provider_release;
}
