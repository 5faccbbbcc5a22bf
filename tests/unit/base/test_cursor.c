/* SPDX-License-Identifier: Apache-2.0 */
/* The read cursor: it cannot pass its end, and a read that fails changes nothing. */
#include "base/cursor.h"

#include "test.h"

static const uint8_t BYTES[] = {1, 2, 3, 4, 5, 6, 7, 8};

/* Goal: integers are read in the byte order their names say. Method: read known bytes each way. */
TEST(cursor, integers_are_read_in_their_byte_order)
{
    uint8_t u8 = 0;
    uint16_t u16 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    struct cfl_cursor cursor = cfl_cursor_make(cflight_bytes_make(BYTES, sizeof BYTES));
    assert_true(cfl_cursor_u64le(&cursor, &u64));
    assert_true(u64 == UINT64_C(0x0807060504030201));
    cursor.offset = 0;
    assert_true(cfl_cursor_u8(&cursor, &u8));
    assert_int_equal(u8, 1);
    assert_true(cfl_cursor_u16le(&cursor, &u16));
    assert_int_equal(u16, 0x0302);
    assert_true(cfl_cursor_u32le(&cursor, &u32));
    assert_int_equal(u32, 0x07060504);
    assert_int_equal(cfl_cursor_left(&cursor), 1);
}

/* Goal: a read past the end returns false, writes nothing and does not move.
 * Method: every read at one byte less than it needs. */
TEST(cursor, a_short_read_changes_nothing)
{
    uint8_t u8 = 0xEE;
    uint16_t u16 = 0xEEEE;
    uint32_t u32 = 0xEEEEEEEE;
    uint64_t u64 = UINT64_C(0xEEEEEEEEEEEEEEEE);
    struct cflight_bytes bytes = {BYTES, 99};
    struct cfl_cursor cursor = cfl_cursor_make(cflight_bytes_make(BYTES, 7));
    assert_false(cfl_cursor_u64le(&cursor, &u64));
    assert_false(cfl_cursor_bytes(&cursor, 8, &bytes));
    assert_false(cfl_cursor_bytes(&cursor, SIZE_MAX, &bytes));
    assert_false(cfl_cursor_skip(&cursor, SIZE_MAX));
    assert_true(cfl_cursor_skip(&cursor, 4));
    assert_false(cfl_cursor_u32le(&cursor, &u32));
    assert_true(cfl_cursor_skip(&cursor, 2));
    assert_false(cfl_cursor_u16le(&cursor, &u16));
    assert_true(cfl_cursor_skip(&cursor, 1));
    assert_false(cfl_cursor_u8(&cursor, &u8));
    assert_int_equal(cursor.offset, 7);
    assert_int_equal(u8, 0xEE);
    assert_int_equal(u16, 0xEEEE);
    assert_int_equal(u32, 0xEEEEEEEE);
    assert_true(u64 == UINT64_C(0xEEEEEEEEEEEEEEEE));
    assert_int_equal(bytes.len_bytes, 99);
}

/* Goal: an empty read works anywhere, an empty cursor included. Method: NULL data, length 0. */
TEST(cursor, an_empty_read_always_succeeds)
{
    struct cfl_cursor cursor = cfl_cursor_make(cflight_bytes_make(NULL, 0));
    struct cflight_bytes bytes = {BYTES, 99};
    assert_true(cfl_cursor_bytes(&cursor, 0, &bytes));
    assert_int_equal(bytes.len_bytes, 0);
    assert_true(cfl_cursor_skip(&cursor, 0));
}

struct varint_case {
    const char *bytes;
    size_t len_bytes;
    enum cfl_varint_result result;
    uint64_t value;
};

/* Goal: varints are read up to 64 bits; longer or cut ones are told apart and move nothing.
 * Method: a table at the limit and one past it. An over-long zero is valid protobuf. */
TEST(cursor, varints_are_limited_to_ten_bytes_and_64_bits)
{
    static const struct varint_case CASES[] = {
        {"", 0, CFL_VARINT_SHORT, 0},
        {"\x00", 1, CFL_VARINT_OK, 0},
        {"\x7F", 1, CFL_VARINT_OK, 127},
        {"\x80", 1, CFL_VARINT_SHORT, 0},
        {"\x80\x01", 2, CFL_VARINT_OK, 128},
        {"\x80\x00", 2, CFL_VARINT_OK, 0},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9, CFL_VARINT_SHORT, 0},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 9, CFL_VARINT_OK, INT64_MAX},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 10, CFL_VARINT_OK, UINT64_MAX},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10, CFL_VARINT_OK, 0},
        {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 10, CFL_VARINT_INVALID, 0},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 10, CFL_VARINT_INVALID, 0},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, CFL_VARINT_INVALID, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct cfl_cursor cursor =
            cfl_cursor_make(cflight_bytes_make(CASES[i].bytes, CASES[i].len_bytes));
        uint64_t value = 12345;
        assert_int_equal(cfl_cursor_varint(&cursor, &value), CASES[i].result);
        bool is_ok = CASES[i].result == CFL_VARINT_OK;
        assert_true(value == (is_ok ? CASES[i].value : 12345));
        assert_int_equal(cursor.offset, is_ok ? CASES[i].len_bytes : 0);
    }
}
