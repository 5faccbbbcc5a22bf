/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of tokens: when it fetches, and for how many. */
#include <pthread.h>
#include <stdio.h>

#include "base/body.h"
#include "clock.h"
#include "oauth/token_cache.h"
#include "test.h"

enum { CALLER_COUNT = 8 };

/* Gives "t-1", "t-2" and so on. */
struct issuer {
    struct t_clock clock;
    cflight_token_cache *cache;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int fetch_count;
    int64_t lifetime_ms;
    cflight_status failure;
    bool gives_nothing;
    bool is_held; /* fetches wait until it is false */
    bool is_fetching;
    int release_count;
};

static cflight_status issuer_fetch(void *user_data, cflight_buffer **ret_token,
                                   int64_t *ret_lifetime_ms, cflight_error **reterr)
{
    struct issuer *issuer = user_data;
    char token[32];
    cflight_status status = CFLIGHT_OK;
    (void)pthread_mutex_lock(&issuer->mutex);
    assert_false(issuer->is_fetching); /* one at a time */
    issuer->is_fetching = true;
    (void)pthread_cond_broadcast(&issuer->changed);
    while (issuer->is_held) {
        (void)pthread_cond_wait(&issuer->changed, &issuer->mutex);
    }
    issuer->is_fetching = false;
    issuer->fetch_count++;
    (void)snprintf(token, sizeof token, "t-%d", issuer->fetch_count);
    if (issuer->failure != CFLIGHT_OK) {
        status = cflight_error_set_message(reterr, issuer->failure, "down");
    } else if (!issuer->gives_nothing) {
        status = cflight_buffer_new_copy(t_text(token), ret_token, reterr);
        *ret_lifetime_ms = issuer->lifetime_ms;
    }
    (void)pthread_mutex_unlock(&issuer->mutex);
    return status;
}

static void issuer_release(void *user_data)
{
    ((struct issuer *)user_data)->release_count++;
}

static void issuer_start(struct issuer *issuer)
{
    cflight_error *error = NULL;
    struct cflight_token_source source = CFLIGHT_TOKEN_SOURCE_INIT;
    memset(issuer, 0, sizeof *issuer);
    t_clock_init(&issuer->clock);
    (void)pthread_mutex_init(&issuer->mutex, NULL);
    (void)pthread_cond_init(&issuer->changed, NULL);
    issuer->lifetime_ms = 3600000;
    source.user_data = issuer;
    source.fetch = issuer_fetch;
    source.release = issuer_release;
    CHECK_OK(cfl_token_cache_new(&source, &issuer->clock.clock, &issuer->cache, &error), error);
}

static void issuer_end(struct issuer *issuer)
{
    cflight_token_cache_unref(issuer->cache);
    assert_int_equal(issuer->release_count, 1);
    (void)pthread_cond_destroy(&issuer->changed);
    (void)pthread_mutex_destroy(&issuer->mutex);
}

static void issuer_hold(struct issuer *issuer, bool is_held)
{
    (void)pthread_mutex_lock(&issuer->mutex);
    issuer->is_held = is_held;
    (void)pthread_cond_broadcast(&issuer->changed);
    (void)pthread_mutex_unlock(&issuer->mutex);
}

static void check_token(struct issuer *issuer, const char *refused, const char *expected)
{
    cflight_error *error = NULL;
    cflight_buffer *token = NULL;
    CHECK_OK(cflight_token_cache_get(issuer->cache, t_text(refused), &token, &error), error);
    assert_true(t_is_text(cflight_buffer_bytes(token), expected));
    cflight_buffer_unref(token);
}

static void pass_s(struct issuer *issuer, int64_t seconds)
{
    issuer->clock.now_ns += seconds * CFL_NS_PER_S;
}

/* Goal: a token serves until a minute before its end, then another is fetched; one of a short life
 * for half of it. Method: look before and behind those times. */
TEST(token_cache, a_token_is_replaced_before_its_end)
{
    struct issuer issuer;
    issuer_start(&issuer);
    check_token(&issuer, "", "t-1");
    pass_s(&issuer, 3539);
    check_token(&issuer, "", "t-1");
    pass_s(&issuer, 1);
    issuer.lifetime_ms = 40000;
    check_token(&issuer, "", "t-2");
    pass_s(&issuer, 19);
    check_token(&issuer, "", "t-2");
    pass_s(&issuer, 1);
    check_token(&issuer, "", "t-3");
    issuer_end(&issuer);
}

/* Goal: a token whose end is not told serves until a server refuses it; a refusal of an older one
 * does not matter. Method: a negative lifetime, years later. */
TEST(token_cache, a_refused_token_is_replaced_once)
{
    struct issuer issuer;
    issuer_start(&issuer);
    issuer.lifetime_ms = -1;
    check_token(&issuer, "", "t-1");
    pass_s(&issuer, 100000000);
    check_token(&issuer, "", "t-1");
    check_token(&issuer, "t-1", "t-2");
    check_token(&issuer, "t-1", "t-2");
    check_token(&issuer, "", "t-2");
    assert_int_equal(issuer.fetch_count, 2);
    issuer_end(&issuer);
}

/* Goal: while the token server is down, a token serves to its end, with few questions; behind its
 * end the failure is the call's. Method: fail from the time of the renewal on. */
TEST(token_cache, a_token_serves_while_it_cannot_be_replaced)
{
    struct issuer issuer;
    cflight_error *error = NULL;
    cflight_buffer *token = NULL;
    issuer_start(&issuer);
    check_token(&issuer, "", "t-1");
    pass_s(&issuer, 3540);
    issuer.failure = CFLIGHT_UNAVAILABLE;
    check_token(&issuer, "", "t-1");
    check_token(&issuer, "", "t-1");
    assert_int_equal(issuer.fetch_count, 2);
    pass_s(&issuer, 5);
    check_token(&issuer, "", "t-1");
    assert_int_equal(issuer.fetch_count, 3);
    pass_s(&issuer, 55);
    CHECK_STATUS(cflight_token_cache_get(issuer.cache, t_text(""), &token, &error),
                 CFLIGHT_UNAVAILABLE);
    assert_string_equal(cflight_error_message(error), "down");
    cflight_error_free(error);
    issuer.failure = CFLIGHT_OK;
    check_token(&issuer, "", "t-5");
    issuer_end(&issuer);
}

/* Goal: a source that gives nothing is a failure that says so. Method: success without a token. */
TEST(token_cache, a_source_must_give_a_token)
{
    struct issuer issuer;
    cflight_error *error = NULL;
    cflight_buffer *token = NULL;
    issuer_start(&issuer);
    issuer.gives_nothing = true;
    CHECK_STATUS(cflight_token_cache_get(issuer.cache, t_text(""), &token, &error),
                 CFLIGHT_INTERNAL);
    assert_non_null(strstr(cflight_error_message(error), "gave none"));
    cflight_error_free(error);
    issuer_end(&issuer);
}

struct caller {
    struct issuer *issuer;
    const char *refused;
    cflight_status status;
    char token[32];
};

static void *caller_main(void *user_data)
{
    struct caller *caller = user_data;
    cflight_buffer *token = NULL;
    caller->status =
        cflight_token_cache_get(caller->issuer->cache, t_text(caller->refused), &token, NULL);
    struct cflight_bytes bytes = cflight_buffer_bytes(token);
    (void)snprintf(caller->token, sizeof caller->token, "%.*s", (int)bytes.len_bytes,
                   bytes.data == NULL ? "" : (const char *)bytes.data);
    cflight_buffer_unref(token);
    return NULL;
}

/* Runs callers while one fetch is held, and gives how many fetches there were. */
static int fetches_of_a_crowd(struct issuer *issuer, const char *refused, struct caller *callers)
{
    pthread_t threads[CALLER_COUNT];
    int before = issuer->fetch_count;
    issuer_hold(issuer, true);
    for (size_t i = 0; i < CALLER_COUNT; i++) {
        callers[i] = (struct caller){.issuer = issuer, .refused = refused};
        assert_int_equal(pthread_create(&threads[i], NULL, caller_main, &callers[i]), 0);
    }
    (void)pthread_mutex_lock(&issuer->mutex);
    while (!issuer->is_fetching) {
        (void)pthread_cond_wait(&issuer->changed, &issuer->mutex);
    }
    (void)pthread_mutex_unlock(&issuer->mutex);
    issuer_hold(issuer, false);
    for (size_t i = 0; i < CALLER_COUNT; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return issuer->fetch_count - before;
}

/* Goal: many calls that need a token at once are served by one fetch. Method: hold the fetch until
 * it has begun; whoever comes behind it finds the token. */
TEST(token_cache, one_fetch_serves_many)
{
    struct issuer issuer;
    struct caller callers[CALLER_COUNT];
    issuer_start(&issuer);
    assert_int_equal(fetches_of_a_crowd(&issuer, "", callers), 1);
    for (size_t i = 0; i < CALLER_COUNT; i++) {
        assert_string_equal(callers[i].token, "t-1");
    }
    assert_int_equal(fetches_of_a_crowd(&issuer, "t-1", callers), 1);
    for (size_t i = 0; i < CALLER_COUNT; i++) {
        assert_string_equal(callers[i].token, "t-2");
    }
    issuer_end(&issuer);
}

/* Goal: those who wait for a fetch that fails fail with it. Method: a failure that is held; whoever
 * comes behind it asks for himself, so there are as many fetches as callers at most. */
TEST(token_cache, a_failure_is_that_of_all_who_wait)
{
    struct issuer issuer;
    struct caller callers[CALLER_COUNT];
    issuer_start(&issuer);
    issuer.failure = CFLIGHT_UNAVAILABLE;
    assert_in_range(fetches_of_a_crowd(&issuer, "", callers), 1, CALLER_COUNT);
    for (size_t i = 0; i < CALLER_COUNT; i++) {
        CHECK_STATUS(callers[i].status, CFLIGHT_UNAVAILABLE);
    }
    issuer_end(&issuer);
}

/* Goal: providers hold the cache, and a source without a function is refused. Method: drop the
 * cache before the provider. */
TEST(token_cache, a_provider_holds_its_cache)
{
    struct issuer issuer;
    struct cflight_token_provider provider;
    cflight_error *error = NULL;
    cflight_buffer *token = NULL;
    struct cflight_token_source empty = CFLIGHT_TOKEN_SOURCE_INIT;
    issuer_start(&issuer);
    cflight_token_cache_provider(issuer.cache, &provider);
    cflight_token_cache_unref(issuer.cache);
    assert_int_equal(issuer.release_count, 0);
    CHECK_OK(provider.get(provider.user_data, t_text(""), &token, &error), error);
    cflight_buffer_unref(token);
    issuer.cache = cflight_token_cache_ref(provider.user_data);
    provider.release(provider.user_data);
    CHECK_STATUS(cflight_token_cache_new(&empty, &issuer.cache, NULL), CFLIGHT_INVALID_ARGUMENT);
    issuer_end(&issuer);
}
