/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of borrowed memory. */
#include "base/pieces.h"

#include "test.h"

/* Goal: nothing is copied: views point at the caller's memory, touching runs are joined, empty ones
 * skipped. Method: append parts of one array and compare pointers. */
TEST(pieces, views_point_at_the_callers_memory)
{
    static const uint8_t memory[100];
    struct cfl_pieces pieces;
    cfl_pieces_init(&pieces, NULL);
    assert_true(cfl_pieces_append(&pieces, memory, 10));
    assert_true(cfl_pieces_append(&pieces, memory + 10, 10));
    assert_true(cfl_pieces_append(&pieces, memory + 50, 0));
    assert_true(cfl_pieces_append(&pieces, memory + 30, 5));
    assert_int_equal(pieces.count, 2);
    assert_int_equal(pieces.len_bytes, 25);
    assert_ptr_equal(pieces.items[0].data, memory);
    assert_int_equal(pieces.items[0].len_bytes, 20);
    assert_ptr_equal(pieces.items[1].data, memory + 30);
    cfl_pieces_clear(&pieces);
    assert_int_equal(pieces.count, 0);
    assert_int_equal(pieces.len_bytes, 0);
    cfl_pieces_done(&pieces);
    cfl_pieces_done(&pieces);
}

/* Goal: padding of any length stays inside the static block of zeros.
 * Method: lengths around multiples of the block, each piece checked. */
TEST(pieces, padding_never_leaves_the_block_of_zeros)
{
    for (size_t len_bytes = 0; len_bytes <= 3 * CFL_ZEROS_BYTES + 1; len_bytes++) {
        struct cfl_pieces pieces;
        cfl_pieces_init(&pieces, NULL);
        assert_true(cfl_pieces_append_zeros(&pieces, len_bytes));
        assert_int_equal(pieces.len_bytes, len_bytes);
        size_t sum_bytes = 0;
        for (size_t i = 0; i < pieces.count; i++) {
            const struct cflight_bytes *piece = &pieces.items[i];
            assert_true(piece->data >= cfl_zeros);
            assert_true(piece->data + piece->len_bytes <= cfl_zeros + CFL_ZEROS_BYTES);
            sum_bytes += piece->len_bytes;
        }
        assert_int_equal(sum_bytes, len_bytes);
        cfl_pieces_done(&pieces);
    }
}

/* Goal: a list that ran out of memory says so and adds nothing more.
 * Method: fail each allocation in turn while twenty runs that do not touch are appended. */
TEST(pieces, every_allocation_failure_is_marked)
{
    static const uint8_t memory[100];
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_pieces pieces;
        cfl_pieces_init(&pieces, &alloc->allocator);
        for (size_t i = 0; i < 20; i++) {
            (void)cfl_pieces_append(&pieces, memory + 3 * i, 2);
        }
        assert_int_equal(pieces.failed, alloc->did_fail);
        assert_int_equal(cfl_pieces_append(&pieces, memory, 0), !alloc->did_fail);
        assert_int_equal(pieces.len_bytes, 2 * pieces.count);
        assert_true(alloc->did_fail || pieces.count == 20);
        cfl_pieces_done(&pieces);
    }
}

/* Goal: the copy counters add up, each direction apart. Method: differences. */
TEST(pieces, copy_counters_add_up)
{
    struct cfl_copy_counters before = cfl_copy_counters();
    cfl_copy_count_sent(100, 1);
    cfl_copy_count_sent(10, 2);
    cfl_copy_count_received(1000, 30);
    struct cfl_copy_counters after = cfl_copy_counters();
    assert_int_equal(after.sent_bytes - before.sent_bytes, 110);
    assert_int_equal(after.sent_copied_bytes - before.sent_copied_bytes, 3);
    assert_int_equal(after.received_bytes - before.received_bytes, 1000);
    assert_int_equal(after.received_copied_bytes - before.received_copied_bytes, 30);
}
