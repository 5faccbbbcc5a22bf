/* SPDX-License-Identifier: Apache-2.0 */
/* Byte order. */
#include "ipc/byteswap.h"
#include "test.h"

static void check_swap(enum cfl_swap swap, const char *source, const char *expected,
                       size_t len_bytes)
{
    uint8_t apart[64];
    uint8_t in_place[64];
    memcpy(in_place, source, len_bytes);
    cfl_swap_bytes(swap, apart, (const uint8_t *)source, len_bytes);
    cfl_swap_bytes(swap, in_place, in_place, len_bytes);
    assert_memory_equal(apart, expected, len_bytes);
    assert_memory_equal(in_place, expected, len_bytes);
}

/* Goal: every width is turned, in place and from one memory to another; what is left over is kept.
 * Method: bytes written out by hand. */
TEST(ipc_byteswap, turns_every_width)
{
    check_swap(CFL_SWAP_NONE, "abcde", "abcde", 5);
    check_swap(CFL_SWAP_16, "abcde", "badce", 5);
    check_swap(CFL_SWAP_32, "abcdefghi", "dcbahgfei", 9);
    check_swap(CFL_SWAP_64, "abcdefghijk", "hgfedcbaijk", 11);
    check_swap(CFL_SWAP_128, "abcdefghijklmnopq", "ponmlkjihgfedcbaq", 17);
    check_swap(CFL_SWAP_256, "abcdefghijklmnopABCDEFGHIJKLMNOP", "PONMLKJIHGFEDCBAponmlkjihgfedcba",
               32);
    check_swap(CFL_SWAP_MONTH_DAY_NANO, "abcdefghijklmnop", "dcbahgfeponmlkji", 16);
}

/* Goal: of a view, numbers are turned and text is not, inline or not.
 * Method: a long and a short view of a big-endian writer. */
TEST(ipc_byteswap, turns_the_numbers_of_views_only)
{
    check_swap(CFL_SWAP_VIEW, "\0\0\0\015pref\0\0\0\001\0\0\001\0",
               "\015\0\0\0pref\001\0\0\0\0\001\0\0", 16);
    check_swap(CFL_SWAP_VIEW, "\0\0\0\014twelve bytes", "\014\0\0\0twelve bytes", 16);
}

/* Goal: each type gets the right treatment. Method: one of each kind. */
TEST(ipc_byteswap, knows_the_types)
{
    const struct cfl_type bytes = {.id = CFL_TYPE_FIXED_SIZE_BINARY, .width_bytes = 8};
    const struct cfl_type int8 = {.id = CFL_TYPE_INT, .width_bytes = 1};
    const struct cfl_type decimal = {.id = CFL_TYPE_DECIMAL, .width_bytes = 32};
    const struct cfl_type days = {.id = CFL_TYPE_INTERVAL, .unit = 1, .width_bytes = 8};
    const struct cfl_type nanos = {.id = CFL_TYPE_INTERVAL, .unit = 2, .width_bytes = 16};
    assert_int_equal(cfl_swap_of(&bytes), CFL_SWAP_NONE);
    assert_int_equal(cfl_swap_of(&int8), CFL_SWAP_NONE);
    assert_int_equal(cfl_swap_of(&decimal), CFL_SWAP_256);
    assert_int_equal(cfl_swap_of(&days), CFL_SWAP_32);
    assert_int_equal(cfl_swap_of(&nanos), CFL_SWAP_MONTH_DAY_NANO);
}
