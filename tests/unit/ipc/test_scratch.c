/* SPDX-License-Identifier: Apache-2.0 */
/* Scratch memory: what it keeps, and for how long. */
#include "ipc/scratch.h"
#include "test.h"

/* Goal: what was taken stays where it is and apart from the rest, aligned.
 * Method: many sizes, each filled with its own byte; look again at the end. */
TEST(scratch, memory_does_not_move_or_overlap)
{
    enum { COUNT = 200 };
    uint8_t *taken[COUNT];
    struct cfl_scratch scratch;
    cfl_scratch_init(&scratch, NULL);

    for (size_t i = 0; i < COUNT; i++) {
        taken[i] = cfl_scratch_take(&scratch, i * 37 + 1);
        assert_non_null(taken[i]);
        assert_int_equal((uintptr_t)taken[i] % 16, 0);
        memset(taken[i], (int)i, i * 37 + 1);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(taken[i][0], (uint8_t)i);
        assert_int_equal(taken[i][i * 37], (uint8_t)i);
    }
    cfl_scratch_done(&scratch);
}

/* Goal: a steady load allocates once. Method: the same takes after each reset, counted. */
TEST(scratch, memory_is_kept_between_resets)
{
    struct t_alloc alloc;
    struct cfl_scratch scratch;
    t_alloc_init(&alloc, SIZE_MAX);
    cfl_scratch_init(&scratch, &alloc.allocator);

    for (size_t i = 0; i < 10; i++) {
        size_t calls_before = alloc.call_count;
        for (size_t take = 0; take < 10; take++) {
            assert_non_null(cfl_scratch_take(&scratch, 5000));
        }
        assert_true(i < 2 || alloc.call_count == calls_before);
        cfl_scratch_reset(&scratch);
    }
    cfl_scratch_done(&scratch);
    assert_int_equal(alloc.live_count, 0);
}

/* Goal: one huge batch does not keep its memory for ever, and impossible sizes fail cleanly.
 * Method: more than the cap, reset, look at what is live; then a size that no machine has. */
TEST(scratch, huge_takes_are_given_back)
{
    struct cfl_scratch scratch;
    cfl_scratch_init(&scratch, NULL);

    assert_null(cfl_scratch_take(&scratch, UINT64_MAX));
    assert_null(cfl_scratch_take(&scratch, UINT64_MAX / 2));
    assert_non_null(cfl_scratch_take(&scratch, 80 << 20));
    uint8_t *huge = cfl_scratch_take(&scratch, 1);
    assert_non_null(huge);
    cfl_scratch_reset(&scratch);
    assert_int_equal(scratch.used_bytes, 0);
    assert_non_null(cfl_scratch_take(&scratch, 1));
    cfl_scratch_done(&scratch);
}

/* Goal: allocation failures give NULL and leave scratch usable. Method: fail each allocation. */
TEST(scratch, every_allocation_failure_is_survived)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_scratch scratch;
        cfl_scratch_init(&scratch, &alloc->allocator);
        for (size_t i = 0; i < 4; i++) {
            (void)cfl_scratch_take(&scratch, 5000);
        }
        cfl_scratch_reset(&scratch);
        (void)cfl_scratch_take(&scratch, 5000);
        cfl_scratch_done(&scratch);
    }
}
