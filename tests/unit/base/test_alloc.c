/* SPDX-License-Identifier: Apache-2.0 */
/* The door to memory: sizes, overflow, growth, and that a user's allocator sees everything. */
#include "base/alloc.h"

#include <stdalign.h>

#include "test.h"

/* Goal: a size of 0 is no allocation and no failure, with both kinds of allocator.
 * Method: ask for 0 in every way and count what the allocator saw. */
TEST(alloc, a_size_of_zero_gives_null_and_allocates_nothing)
{
    struct t_alloc counting;
    t_alloc_init(&counting, SIZE_MAX);
    const struct cflight_allocator *allocators[] = {NULL, &counting.allocator};
    for (size_t i = 0; i < 2; i++) {
        assert_null(cfl_alloc(allocators[i], 0));
        assert_null(cfl_alloc_zeroed(allocators[i], 0));
        assert_null(cfl_alloc_aligned(allocators[i], 0, 64));
        assert_null(cfl_alloc_array(allocators[i], 0, 8));
        assert_null(cfl_alloc_array(allocators[i], 8, 0));
        assert_null(cfl_realloc(allocators[i], NULL, 0, 0));
        cfl_free(allocators[i], NULL, 0);
        cfl_free_array(allocators[i], NULL, 0, 8);
    }
    assert_int_equal(counting.call_count, 0);
}

/* Goal: no product of sizes wraps around.
 * Method: ask for counts whose size in bytes is one past what size_t holds, and for more. */
TEST(alloc, an_array_size_that_overflows_is_refused)
{
    assert_null(cfl_alloc_array(NULL, SIZE_MAX / 8 + 1, 8));
    assert_null(cfl_alloc_array(NULL, SIZE_MAX, SIZE_MAX));
    assert_null(cfl_alloc_array(NULL, 2, SIZE_MAX / 2 + 1));
}

/* Goal: arrays and zeroed memory are zero although the allocator hands out dirty memory.
 * Method: the counting allocator fills with 0xA5. */
TEST(alloc, zeroed_memory_is_zero_with_a_users_allocator)
{
    struct t_alloc counting;
    t_alloc_init(&counting, SIZE_MAX);
    uint8_t *memory = cfl_alloc_array(&counting.allocator, 25, 4);
    assert_non_null(memory);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(memory[i], 0);
    }
    cfl_free_array(&counting.allocator, memory, 25, 4);
    assert_int_equal(counting.live_count, 0);
}

/* Goal: alignment is honoured. Method: every power of two to 4 KiB, both allocators. */
TEST(alloc, aligned_memory_is_aligned)
{
    struct t_alloc counting;
    t_alloc_init(&counting, SIZE_MAX);
    const struct cflight_allocator *allocators[] = {NULL, &counting.allocator};
    for (size_t i = 0; i < 2; i++) {
        for (size_t alignment_bytes = 1; alignment_bytes <= 4096; alignment_bytes *= 2) {
            void *memory = cfl_alloc_aligned(allocators[i], 100, alignment_bytes);
            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % alignment_bytes, 0);
            cfl_free(allocators[i], memory, 100);
        }
        void *memory = cfl_alloc(allocators[i], 1);
        assert_int_equal((uintptr_t)memory % alignof(max_align_t), 0);
        cfl_free(allocators[i], memory, 1);
    }
    assert_int_equal(counting.live_count, 0);
}

/* Goal: growing keeps the content, and growing to 0 frees. Method: write, grow, compare, drop. */
TEST(alloc, reallocation_keeps_content_and_zero_frees)
{
    struct t_alloc counting;
    t_alloc_init(&counting, SIZE_MAX);
    const struct cflight_allocator *allocators[] = {NULL, &counting.allocator};
    for (size_t i = 0; i < 2; i++) {
        char *text = cfl_realloc(allocators[i], NULL, 0, 4);
        assert_non_null(text);
        memcpy(text, "abc", 4);
        text = cfl_realloc(allocators[i], text, 4, 4000);
        assert_string_equal(text, "abc");
        text = cfl_realloc(allocators[i], text, 4000, 2);
        assert_memory_equal(text, "ab", 2);
        assert_null(cfl_realloc(allocators[i], text, 2, 0));
    }
    assert_int_equal(counting.live_count, 0);
}

/* Goal: growth doubles, so that n appends cost O(n), and a big request is met at once.
 * Method: watch the capacity. */
TEST(alloc, an_array_grows_by_doubling)
{
    uint32_t *array = NULL;
    size_t capacity = 0;
    assert_true(cfl_grow_array(NULL, (void **)&array, &capacity, 1, sizeof *array));
    assert_int_equal(capacity, 8);
    array[7] = 77;
    assert_true(cfl_grow_array(NULL, (void **)&array, &capacity, 8, sizeof *array));
    assert_int_equal(capacity, 8);
    assert_true(cfl_grow_array(NULL, (void **)&array, &capacity, 9, sizeof *array));
    assert_int_equal(capacity, 16);
    assert_true(cfl_grow_array(NULL, (void **)&array, &capacity, 1000, sizeof *array));
    assert_int_equal(capacity, 1024);
    assert_int_equal(array[7], 77);
    cfl_free_array(NULL, array, capacity, sizeof *array);
}

/* Goal: an array that cannot grow stays as it was.
 * Method: sizes that overflow in elements and in bytes, then an allocator that refuses. */
TEST(alloc, an_array_that_cannot_grow_is_untouched)
{
    struct t_alloc counting;
    t_alloc_init(&counting, 1);
    void *array = NULL;
    size_t capacity = 0;
    assert_true(cfl_grow_array(&counting.allocator, &array, &capacity, 1, 4));
    void *before = array;
    assert_false(cfl_grow_array(&counting.allocator, &array, &capacity, SIZE_MAX, 4));
    assert_false(cfl_grow_array(&counting.allocator, &array, &capacity, SIZE_MAX / 2, 4));
    assert_false(counting.did_fail);
    assert_false(cfl_grow_array(&counting.allocator, &array, &capacity, 9, 4));
    assert_true(counting.did_fail);
    assert_ptr_equal(array, before);
    assert_int_equal(capacity, 8);
    cfl_free_array(&counting.allocator, array, capacity, 4);
    assert_int_equal(counting.live_count, 0);
}

/* Goal: strings are copied with their end, whatever their bytes. Method: empty, cut, with NULL. */
TEST(alloc, strings_are_copied_and_terminated)
{
    char *cut = cfl_strndup(NULL, "abcdef", 3);
    assert_string_equal(cut, "abc");
    char *empty = cfl_strndup(NULL, NULL, 0);
    assert_string_equal(empty, "");
    assert_null(cfl_strndup(NULL, "x", SIZE_MAX));
    cfl_strfree(NULL, cut);
    cfl_strfree(NULL, empty);
    cfl_strfree(NULL, NULL);
}
