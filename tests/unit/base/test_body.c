/* SPDX-License-Identifier: Apache-2.0 */
/* Message bodies and their pool: alignment, reuse, the cap, and lifetimes across threads. */
#include "base/body.h"

#include <pthread.h>
#include <stdatomic.h>

#include "quiet_fork.h"
#include "test.h"

enum { KIB = 1024, MIB = 1024 * KIB };

/* Goal: every body is aligned for Arrow and whole, whatever its length; 0 has data too.
 * Method: lengths around the pool's smallest block and the huge page size, every byte written. */
TEST(body, a_body_is_aligned_and_as_long_as_asked)
{
    static const size_t LENGTHS[] = {
        0, 1, 63, 32 * KIB - 1, 32 * KIB, 32 * KIB + 1, 2 * MIB, 2 * MIB + 1, 5 * MIB};
    struct t_alloc counting;
    t_alloc_init(&counting, SIZE_MAX);
    struct cfl_pool *pool = cfl_pool_new(&counting.allocator, 64 * MIB);
    assert_non_null(pool);
    for (size_t i = 0; i < sizeof LENGTHS / sizeof LENGTHS[0]; i++) {
        struct cfl_pool *pools[] = {NULL, pool};
        for (size_t j = 0; j < 2; j++) {
            cflight_buffer *body = cfl_body_new(pools[j], &counting.allocator, LENGTHS[i]);
            assert_non_null(body);
            assert_non_null(cfl_body_data(body));
            assert_int_equal((uintptr_t)cfl_body_data(body) % 64, 0);
            assert_int_equal(cfl_body_len(body), LENGTHS[i]);
            memset(cfl_body_data(body), 0x5A, LENGTHS[i]);
            cflight_buffer_unref(body);
        }
    }
    cfl_pool_unref(pool);
    assert_int_equal(counting.live_count, 0);
}

/* Goal: a returned block serves the next body of about its size, so that steady traffic allocates
 * nothing. Method: the same length again, a slightly smaller one, and one of another class. */
TEST(body, a_returned_block_is_used_again)
{
    struct t_alloc counting;
    t_alloc_init(&counting, SIZE_MAX);
    struct cfl_pool *pool = cfl_pool_new(&counting.allocator, 64 * MIB);
    cflight_buffer *body = cfl_body_new(pool, NULL, 1000000);
    uint8_t *data = cfl_body_data(body);
    cflight_buffer_unref(body);
    size_t calls = counting.call_count;

    body = cfl_body_new(pool, NULL, 1000000);
    assert_ptr_equal(cfl_body_data(body), data);
    cflight_buffer_unref(body);
    body = cfl_body_new(pool, NULL, 920000);
    assert_ptr_equal(cfl_body_data(body), data);
    assert_int_equal(cfl_body_len(body), 920000);
    assert_int_equal(counting.call_count, calls);
    cflight_buffer *other = cfl_body_new(pool, NULL, 1000000);
    assert_ptr_not_equal(cfl_body_data(other), data);
    assert_int_equal(counting.call_count, calls + 2);
    cflight_buffer_unref(other);
    cflight_buffer_unref(body);
    cfl_pool_unref(pool);
    assert_int_equal(counting.live_count, 0);
}

/* Goal: idle memory never passes the cap. Method: two blocks whose sum is one over it, and at it.
 */
TEST(body, idle_memory_is_capped)
{
    struct t_alloc counting;
    for (size_t extra = 0; extra < 2; extra++) {
        t_alloc_init(&counting, SIZE_MAX);
        struct cfl_pool *pool = cfl_pool_new(&counting.allocator, 2 * MIB - extra);
        cflight_buffer *a = cfl_body_new(pool, NULL, MIB);
        cflight_buffer *b = cfl_body_new(pool, NULL, MIB);
        assert_int_equal(cfl_pool_live_bytes(pool), 2 * MIB);
        size_t live = counting.live_count;
        cflight_buffer_unref(a);
        assert_int_equal(counting.live_count, live);
        cflight_buffer_unref(b);
        assert_int_equal(counting.live_count, live - 2 * extra);
        assert_int_equal(cfl_pool_live_bytes(pool), 0);
        cfl_pool_unref(pool);
        assert_int_equal(counting.live_count, 0);
    }
}

/* Goal: a body outlives the last hold on its pool. Method: unref the pool first, then write. */
TEST(body, a_body_keeps_its_pool_alive)
{
    struct t_alloc counting;
    t_alloc_init(&counting, SIZE_MAX);
    struct cfl_pool *pool = cfl_pool_new(&counting.allocator, MIB);
    assert_ptr_equal(cfl_pool_ref(pool), pool);
    cflight_buffer *body = cfl_body_new(pool, NULL, 100 * KIB);
    cfl_pool_unref(pool);
    cfl_pool_unref(pool);
    memset(cfl_body_data(body), 1, 100 * KIB);
    cflight_buffer_unref(body);
    cfl_pool_unref(NULL);
    assert_int_equal(counting.live_count, 0);
}

static void count_release(void *user_data)
{
    (*(int *)user_data)++;
}

/* Goal: wrapped memory is released once, with the last reference, and never written or pooled.
 * Method: count the calls. */
TEST(body, wrapped_memory_is_released_with_the_last_reference)
{
    static const uint8_t memory[] = "constant";
    int released = 0;
    cflight_buffer *body = cfl_body_wrap(NULL, memory, sizeof memory, count_release, &released);
    assert_ptr_equal(cflight_buffer_bytes(body).data, memory);
    assert_ptr_equal(cflight_buffer_ref(body), body);
    cflight_buffer_unref(body);
    assert_int_equal(released, 0);
    cflight_buffer_unref(body);
    assert_int_equal(released, 1);
    cflight_buffer_unref(cfl_body_wrap(NULL, memory, sizeof memory, NULL, NULL));
}

/* Goal: lengths that no machine has are refused before any arithmetic. Method: the largest. */
TEST(body, an_impossible_length_is_refused)
{
    struct cfl_pool *pool = cfl_pool_new(NULL, MIB);
    assert_null(cfl_body_new(NULL, NULL, SIZE_MAX));
    assert_null(cfl_body_new(pool, NULL, SIZE_MAX / 4 + 1));
    cfl_pool_unref(pool);
}

/* Goal: the public copy is checked, holds the bytes, and ignores NULL where it says so.
 * Method: misuse, empty, and a copy whose source changes afterwards. */
TEST(body, a_public_buffer_is_a_copy)
{
    cflight_error *error = NULL;
    cflight_buffer *buffer = NULL;
    struct cflight_bytes none = {NULL, 3};
    CHECK_STATUS(cflight_buffer_new_copy(none, &buffer, &error), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_buffer_new_copy(cflight_bytes_from_text("x"), NULL, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    cflight_error_free(error);
    assert_null(buffer);

    char text[] = "abc";
    CHECK_OK(cflight_buffer_new_copy(cflight_bytes_from_text(text), &buffer, NULL), NULL);
    text[0] = 'X';
    assert_memory_equal(cflight_buffer_bytes(buffer).data, "abc", 3);
    cflight_buffer_unref(buffer);

    CHECK_OK(cflight_buffer_new_copy(cflight_bytes_from_text(NULL), &buffer, NULL), NULL);
    assert_int_equal(cflight_buffer_bytes(buffer).len_bytes, 0);
    cflight_buffer_unref(buffer);
    cflight_buffer_unref(NULL);
    assert_null(cflight_buffer_ref(NULL));
    assert_null(cflight_buffer_bytes(NULL).data);
}

/* Goal: no failure of memory leaks or crashes. Method: fail each allocation of pool and bodies. */
TEST(body, every_allocation_failure_gives_null)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_pool *pool = cfl_pool_new(&alloc->allocator, MIB);
        cflight_buffer *pooled =
            pool == NULL ? NULL : cfl_body_new(pool, &alloc->allocator, 64 * KIB);
        cflight_buffer *direct = cfl_body_new(NULL, &alloc->allocator, 10);
        cflight_buffer *wrapped = cfl_body_wrap(&alloc->allocator, "x", 1, NULL, NULL);
        bool all_there = pooled != NULL && direct != NULL && wrapped != NULL;
        assert_int_equal(all_there, !alloc->did_fail);
        cflight_buffer_unref(wrapped);
        cflight_buffer_unref(direct);
        cflight_buffer_unref(pooled);
        cfl_pool_unref(pool);
    }
}

struct handed {
    struct cfl_pool *pool;
    cflight_buffer *shared;
};

static void *use_bodies(void *argument)
{
    struct handed *handed = argument;
    for (size_t i = 0; i < 500; i++) {
        size_t len_bytes = 32 * KIB + (i % 7) * 4000;
        cflight_buffer *body = cfl_body_new(handed->pool, NULL, len_bytes);
        memset(cfl_body_data(body), (int)i, len_bytes);
        cflight_buffer_unref(body);
        cflight_buffer_unref(cflight_buffer_ref(handed->shared));
    }
    cflight_buffer_unref(handed->shared);
    return NULL;
}

/* Goal: bodies are made, shared and dropped by any thread. Method: four threads on one pool and one
 * shared body, the last of them frees it; ThreadSanitizer is the judge. */
TEST(body, threads_share_a_pool_and_a_body)
{
    struct t_alloc counting;
    t_alloc_init(&counting, SIZE_MAX);
    struct handed handed = {cfl_pool_new(&counting.allocator, 300 * KIB), NULL};
    handed.shared = cfl_body_new(handed.pool, NULL, 40 * KIB);
    memset(cfl_body_data(handed.shared), 7, 40 * KIB);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        (void)cflight_buffer_ref(handed.shared);
        assert_int_equal(pthread_create(&threads[i], NULL, use_bodies, &handed), 0);
    }
    cflight_buffer_unref(handed.shared);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(cfl_pool_live_bytes(handed.pool), 0);
    cfl_pool_unref(handed.pool);
    assert_int_equal(counting.live_count, 0);
}

struct shared_pool {
    struct cfl_pool *pool;
    cflight_buffer *body;
};

static void use_pool(void *user_data)
{
    struct shared_pool *shared = user_data;
    cflight_buffer_unref(cfl_body_new(shared->pool, NULL, 64 * KIB));
}

static void drop_body(void *user_data)
{
    cflight_buffer_unref(((struct shared_pool *)user_data)->body);
}

/* Goal: a child of fork() can let go of what it inherited, whatever its parent's threads did to the
 * pool. Method: fork while a thread takes blocks and gives them back. */
TEST(body, a_child_of_fork_lets_go_of_a_body)
{
    struct shared_pool shared = {cfl_pool_new(NULL, 64 * MIB), NULL};
    assert_non_null(shared.pool);
    shared.body = cfl_body_new(shared.pool, NULL, 64 * KIB);
    use_pool(&shared);
    t_fork_beside(use_pool, drop_body, &shared);
    cflight_buffer_unref(shared.body);
    cfl_pool_unref(shared.pool);
}
