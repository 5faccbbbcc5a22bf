/* SPDX-License-Identifier: Apache-2.0 */
/* Bitmaps, against one bit at a time. */
#include "ipc/bitmap.h"
#include "test.h"

enum { BITS = 300 };

/* Bits without a pattern of eight or of sixty-four. */
static void fill(uint8_t *bits, size_t len_bytes)
{
    uint32_t state = 12345;
    for (size_t i = 0; i < len_bytes; i++) {
        state = state * 1103515245 + 12345;
        bits[i] = (uint8_t)(state >> 16);
    }
}

/* Goal: counting, copying and comparing are right at every position and length.
 * Method: compare with one bit at a time. The source ends exactly where the last bit does. */
TEST(bitmap, all_positions_and_lengths)
{
    uint8_t bits[(BITS + 7) / 8];
    uint8_t copy[(BITS + 7) / 8];
    fill(bits, sizeof bits);

    for (int64_t first = 0; first < 75; first++) {
        for (int64_t length = 0; first + length <= BITS; length++) {
            int64_t expected = 0;
            memset(copy, 0xFF, sizeof copy);
            cfl_bitmap_copy(copy, bits, first, length);
            for (int64_t i = 0; i < length; i++) {
                expected += cfl_bitmap_get(bits, first + i);
                assert_int_equal(cfl_bitmap_get(copy, i), cfl_bitmap_get(bits, first + i));
            }
            assert_int_equal(cfl_bitmap_count(bits, first, length), expected);
            for (int64_t i = length; i < (int64_t)cfl_bitmap_bytes(length) * 8; i++) {
                assert_false(cfl_bitmap_get(copy, i));
            }
        }
    }
}

/* Goal: no byte behind the last bit is read. Method: bitmaps on the heap, for the sanitizer. */
TEST(bitmap, nothing_behind_the_last_bit_is_read)
{
    for (int64_t first = 0; first < 9; first++) {
        for (int64_t length = 1; length < 80; length++) {
            size_t len_bytes = (size_t)cfl_bitmap_bytes(first + length);
            uint8_t *bits = test_malloc(len_bytes);
            uint8_t copy[16];
            memset(bits, 0xFF, len_bytes);
            cfl_bitmap_copy(copy, bits, first, length);
            assert_int_equal(cfl_bitmap_count(bits, first, length), length);
            assert_int_equal(cfl_bitmap_count(copy, 0, length), length);
            test_free(bits);
        }
    }
}
