/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: made, filled, sealed, found, copied, mapped. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/segment.h"
#include "quiet_fork.h"
#include "test.h"

static cflight_segment *make(uint64_t capacity_bytes)
{
    cflight_segment *segment = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_segment_new(capacity_bytes, &segment, &error), error);
    return segment;
}

static void seal(cflight_segment *segment)
{
    cflight_error *error = NULL;
    CHECK_OK(cflight_segment_seal(segment, &error), error);
}

/* Goal: what was written stays where it is, and nothing is written after the seal. Method: sizes
 * around those of pages and huge pages; a child of fork() that writes dies. */
TEST(segment, memory_stays_and_cannot_be_written_once_it_is_sealed)
{
    static const size_t SIZES[] = {1, 4096, 4097, 2 << 20, (2 << 20) + 1, 5 << 20};
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        cflight_segment *segment = make(SIZES[i] + 128);
        uint8_t *first = cflight_segment_alloc(segment, 1);
        uint8_t *second = cflight_segment_alloc(segment, SIZES[i]);
        assert_non_null(second);
        assert_int_equal((uintptr_t)second % 64, 0);
        assert_int_equal(second[SIZES[i] - 1], 0);
        *first = 1;
        memset(second, 2, SIZES[i]);
        seal(segment);
        seal(segment);
        assert_int_equal(*first, 1);
        for (size_t at = 0; at < SIZES[i]; at++) {
            assert_int_equal(second[at], 2);
        }
        assert_null(cflight_segment_alloc(segment, 1));
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)signal(SIGSEGV, SIG_DFL);
            *(volatile uint8_t *)first = 3;
            _exit(0);
        }
        int ended = 0;
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGSEGV);
        assert_int_equal(*first, 1);
        cflight_segment_unref(segment);
    }
}

/* Goal: no more is given out than there is. */
TEST(segment, room_has_an_end)
{
    cflight_segment *segment = make(4096);
    cflight_segment *none = NULL;
    assert_non_null(cflight_segment_alloc(segment, 0));
    assert_null(cflight_segment_alloc(segment, 4097));
    assert_null(cflight_segment_alloc(segment, SIZE_MAX));
    assert_non_null(cflight_segment_alloc(segment, 4096));
    assert_null(cflight_segment_alloc(segment, 1));
    cflight_segment_unref(segment);
    CHECK_STATUS(cflight_segment_new(0, &none, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_segment_new(UINT64_MAX, &none, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_segment_seal(NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    assert_null(none);
    cflight_segment_unref(NULL);
    assert_null(cflight_segment_ref(NULL));
}

/* Goal: a sealed segment is found by any run of it and by nothing else, until it is gone. */
TEST(segment, sealed_ones_are_found_by_address)
{
    enum { COUNT = 20 };
    cflight_segment *segments[COUNT];
    uint8_t *memory[COUNT];
    uint8_t elsewhere = 0;
    for (int i = 0; i < COUNT; i++) {
        segments[i] = make(8192);
        memory[i] = cflight_segment_alloc(segments[i], 8192);
        assert_null(cfl_segment_find(memory[i], 1));
        seal(segments[i]);
    }
    assert_true(cfl_segment_is_any());
    for (int i = 0; i < COUNT; i++) {
        cflight_segment *found = cfl_segment_find(memory[i] + 100, 8092);
        assert_ptr_equal(found, segments[i]);
        cflight_segment_unref(found);
        assert_null(cfl_segment_find(memory[i] + 100, 8093));
    }
    assert_null(cfl_segment_find(&elsewhere, 1));
    for (int i = 0; i < COUNT; i += 2) {
        cflight_segment_unref(segments[i]);
    }
    for (int i = 1; i < COUNT; i += 2) {
        cflight_segment *found = cfl_segment_find(memory[i], 1);
        assert_ptr_equal(found, segments[i]);
        cflight_segment_unref(found);
        cflight_segment_unref(segments[i]);
    }
    assert_false(cfl_segment_is_any());
}

static void find_it(void *user_data)
{
    struct cflight_bytes bytes = cfl_segment_bytes(user_data);
    cflight_segment_unref(cfl_segment_find(bytes.data, bytes.len_bytes));
}

static void let_go(void *user_data)
{
    cflight_segment_unref(user_data);
    cflight_segment *segment = make(4096);
    seal(segment);
    cflight_segment_unref(segment);
}

/* Goal: a child of fork() can let go of segments, and make its own. Method: fork while a thread
 * looks in the table. */
TEST(segment, a_child_of_fork_lets_go_of_it)
{
    cflight_segment *segment = make(4096);
    seal(segment);
    t_fork_beside(find_it, let_go, segment);
    cflight_segment_unref(segment);
}
