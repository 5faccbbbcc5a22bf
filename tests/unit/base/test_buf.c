/* SPDX-License-Identifier: Apache-2.0 */
/* The growable buffer: what is appended, what a failure leaves, reservations, varints. */
#include "base/buf.h"

#include "base/cursor.h"
#include "test.h"

/* Goal: integers are laid out in the byte order that their names say. Method: compare every byte.
 */
TEST(buf, integers_are_written_in_their_byte_order)
{
    struct cfl_buf buf;
    cfl_buf_init(&buf, NULL);
    assert_true(cfl_buf_append_u8(&buf, 0x01));
    assert_true(cfl_buf_append_u16le(&buf, 0x0203));
    assert_true(cfl_buf_append_u32le(&buf, 0x04050607));
    static const uint8_t expected[] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04};
    assert_int_equal(buf.len_bytes, sizeof expected);
    assert_memory_equal(buf.data, expected, sizeof expected);
    cfl_buf_done(&buf);
    assert_null(buf.data);
}

/* Goal: bytes, text, formats and zeros arrive whole, across growth.
 * Method: append pieces of growing length and compare with the same text made by hand. */
TEST(buf, appended_content_survives_growth)
{
    struct cfl_buf buf;
    cfl_buf_init(&buf, NULL);
    for (int i = 0; i < 1000; i++) {
        assert_true(cfl_buf_append_format(&buf, "%d,", i));
    }
    assert_true(cfl_buf_append_zeros(&buf, 3));
    assert_true(cfl_buf_append_text(&buf, "end"));
    assert_true(cfl_buf_append_bytes(&buf, cflight_bytes_from_text("!")));
    assert_int_equal(buf.len_bytes, 10 * 2 + 90 * 3 + 900 * 4 + 3 + 4);
    assert_memory_equal(buf.data, "0,1,2,", 6);
    assert_memory_equal(buf.data + buf.len_bytes - 11, "999,\0\0\0end!", 11);
    cfl_buf_done(&buf);
}

/* Goal: appending nothing works on every buffer and allocates nothing. Method: count. */
TEST(buf, appending_nothing_allocates_nothing)
{
    struct t_alloc counting;
    t_alloc_init(&counting, SIZE_MAX);
    struct cfl_buf buf;
    cfl_buf_init(&buf, &counting.allocator);
    assert_true(cfl_buf_append(&buf, NULL, 0));
    assert_true(cfl_buf_append_zeros(&buf, 0));
    assert_true(cfl_buf_append_text(&buf, ""));
    assert_int_equal(counting.call_count, 0);
    assert_non_null(cfl_buf_space(&buf, 0));
    cfl_buf_done(&buf);
    cfl_buf_done(&buf);
    assert_int_equal(counting.live_count, 0);
}

/* Goal: a writer may append freely and look once: after a failure nothing more is added and what
 * was there stays, until clear. Method: fail the first growth past 8 bytes. */
TEST(buf, a_failed_buffer_ignores_later_appends)
{
    struct t_alloc counting;
    t_alloc_init(&counting, 1);
    struct cfl_buf buf;
    cfl_buf_init(&buf, &counting.allocator);
    assert_true(cfl_buf_append_text(&buf, "12345678"));
    assert_false(cfl_buf_append_u8(&buf, '9'));
    assert_true(buf.failed);
    assert_false(cfl_buf_append_u8(&buf, '9'));
    assert_false(cfl_buf_append(&buf, NULL, 0));
    assert_false(cfl_buf_append_zeros(&buf, 0));
    assert_false(cfl_buf_append_format(&buf, "%s", "x"));
    assert_int_equal(cfl_buf_reserve(&buf, 4), SIZE_MAX);
    assert_null(cfl_buf_space(&buf, 1));
    cfl_buf_put_u8(&buf, SIZE_MAX, 1);
    cfl_buf_put_u32le(&buf, SIZE_MAX, 1);
    assert_int_equal(buf.len_bytes, 8);
    assert_memory_equal(buf.data, "12345678", 8);

    cfl_buf_clear(&buf);
    assert_false(buf.failed);
    assert_true(cfl_buf_append_u8(&buf, 'x'));
    cfl_buf_done(&buf);
    assert_int_equal(counting.live_count, 0);
}

/* Goal: a length that cannot be is a failure, not a wrap-around. Method: SIZE_MAX after one byte.
 */
TEST(buf, an_impossible_length_fails)
{
    struct cfl_buf buf;
    cfl_buf_init(&buf, NULL);
    assert_true(cfl_buf_append_u8(&buf, 1));
    assert_null(cfl_buf_space(&buf, SIZE_MAX));
    assert_true(buf.failed);
    cfl_buf_done(&buf);
}

/* Goal: a reservation is filled in after the buffer moved in memory. Method: reserve, grow, put. */
TEST(buf, a_reservation_survives_growth)
{
    struct cfl_buf buf;
    cfl_buf_init(&buf, NULL);
    size_t at_u8 = cfl_buf_reserve(&buf, 1);
    size_t at_le = cfl_buf_reserve(&buf, 4);
    assert_true(cfl_buf_append_zeros(&buf, 100000));
    cfl_buf_put_u8(&buf, at_u8, 0x7F);
    cfl_buf_put_u32le(&buf, at_le, 0x01020304);
    assert_memory_equal(buf.data, "\x7F\x04\x03\x02\x01", 5);
    cfl_buf_done(&buf);
}

/* Goal: space is taken in two steps, dropped from the front, and moved away.
 * Method: write into the space, add, drop part, move. */
TEST(buf, space_is_added_dropped_and_moved)
{
    struct cfl_buf buf;
    cfl_buf_init(&buf, NULL);
    uint8_t *space = cfl_buf_space(&buf, 6);
    assert_non_null(space);
    assert_int_equal(buf.len_bytes, 0);
    memcpy(space, "abcdef", 6);
    cfl_buf_add_len(&buf, 6);
    cfl_buf_drop_front(&buf, 0);
    cfl_buf_drop_front(&buf, 2);
    assert_true(cflight_bytes_equal(cfl_buf_bytes(&buf), cflight_bytes_from_text("cdef")));

    struct cfl_buf moved = cfl_buf_move(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.len_bytes, 0);
    assert_int_equal(moved.len_bytes, 4);
    cfl_buf_drop_front(&moved, 4);
    assert_int_equal(moved.len_bytes, 0);
    cfl_buf_done(&moved);
    cfl_buf_done(&buf);
}

/* Goal: a varint is as long as the protobuf encoding says and reads back.
 * Method: both sides of every 7-bit boundary. */
TEST(buf, varints_take_the_expected_length_and_read_back)
{
    for (unsigned int bits = 0; bits < 64; bits++) {
        uint64_t top = UINT64_C(1) << bits;
        uint64_t values[] = {top - 1, top, top | 1, top | (top - 1)};
        for (size_t i = 0; i < 4; i++) {
            uint8_t bytes[10];
            size_t len_bytes = cfl_varint_write(bytes, values[i]);
            size_t significant_bits = values[i] == 0 ? 1 : 64 - (size_t)__builtin_clzll(values[i]);
            assert_int_equal(len_bytes, (significant_bits + 6) / 7);

            struct cfl_cursor cursor = cfl_cursor_make(cflight_bytes_make(bytes, len_bytes));
            uint64_t value = ~values[i];
            assert_int_equal(cfl_cursor_varint(&cursor, &value), CFL_VARINT_OK);
            assert_true(value == values[i]);
            assert_int_equal(cfl_cursor_left(&cursor), 0);
        }
    }
}

/* Goal: every failure of memory is marked and leaks nothing. Method: fail each allocation in turn.
 */
TEST(buf, every_allocation_failure_is_marked)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_buf buf;
        cfl_buf_init(&buf, &alloc->allocator);
        for (uint64_t i = 0; i < 40; i++) {
            (void)cfl_buf_append_varint(&buf, i << i);
        }
        assert_int_equal(buf.failed, alloc->did_fail);
        cfl_buf_done(&buf);
    }
}
