/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of memory, found by address. */
#include "base/runs.h"

#include "test.h"

enum { COUNT = 20, RUN_BYTES = 100, STEP_BYTES = 150 };

/* Goal: a run is found by each address within it, as far as it goes, and by none beside it; an
 * empty table keeps no memory. Method: runs with gaps, added from both ends, removed from the
 * middle. */
TEST(runs, are_found_by_address_until_they_are_removed)
{
    static uint8_t memory[COUNT * STEP_BYTES];
    int owners[COUNT];
    struct cfl_runs runs = {0};
    assert_null(cfl_runs_find(&runs, memory, 0));
    for (int i = 0; i < COUNT; i++) {
        int place = i % 2 == 0 ? i / 2 : COUNT - 1 - i / 2;
        assert_true(cfl_runs_add(&runs, memory + place * STEP_BYTES, RUN_BYTES, &owners[place]));
    }
    for (int i = 0; i < COUNT; i++) {
        const uint8_t *run = memory + i * STEP_BYTES;
        assert_ptr_equal(cfl_runs_find(&runs, run, RUN_BYTES)->owner, &owners[i]);
        assert_ptr_equal(cfl_runs_find(&runs, run + 60, 40)->owner, &owners[i]);
        assert_null(cfl_runs_find(&runs, run + 60, 41));
        assert_null(cfl_runs_find(&runs, run + RUN_BYTES + 1, 0));
        assert_null(cfl_runs_find(&runs, run, SIZE_MAX));
    }
    for (int i = 0; i < COUNT; i++) {
        int place = (i + COUNT / 2) % COUNT;
        cfl_runs_remove(&runs, memory + place * STEP_BYTES);
        assert_null(cfl_runs_find(&runs, memory + place * STEP_BYTES, 1));
        int next = (place + 1) % COUNT;
        assert_int_equal(cfl_runs_find(&runs, memory + next * STEP_BYTES, 1) != NULL,
                         i < COUNT - 1);
    }
    assert_null(runs.items);
}
