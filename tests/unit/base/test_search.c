/* SPDX-License-Identifier: Apache-2.0 */
/* Binary search. */
#include "base/search.h"

#include "test.h"

static int compare(const void *element, const void *key)
{
    int32_t a = *(const int32_t *)element;
    int32_t b = *(const int32_t *)key;
    return (a > b) - (a < b);
}

/* Goal: every element is found, and what is not there has its one place.
 * Method: the even numbers below every count up to nine; all keys from before the first to behind
 * the last. */
TEST(search, a_key_is_found_or_has_a_place)
{
    const int32_t elements[] = {0, 2, 4, 6, 8, 10, 12, 14, 16};
    for (size_t count = 0; count <= sizeof elements / sizeof elements[0]; count++) {
        for (int32_t key = -1; key <= 2 * (int32_t)count; key++) {
            size_t index = SIZE_MAX;
            bool is_there = key >= 0 && key % 2 == 0 && (size_t)key / 2 < count;
            size_t place = key < 0 ? 0 : (size_t)(key + 1) / 2;
            place = place < count ? place : count;
            assert_int_equal(cfl_search(elements, count, sizeof elements[0], &key, compare, &index),
                             is_there);
            assert_int_equal(index, place);
        }
    }
    size_t index = SIZE_MAX;
    assert_false(cfl_search(NULL, 0, sizeof elements[0], elements, compare, &index));
    assert_int_equal(index, 0);
}
