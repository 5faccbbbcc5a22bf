/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_SEARCH_H
#define CFL_BASE_SEARCH_H

#include "cflight/bytes.h"

/* Orders by the bytes, a shorter one first: negative, 0 or positive. */
static inline int cfl_bytes_compare(struct cflight_bytes a, struct cflight_bytes b)
{
    size_t common_bytes = a.len_bytes < b.len_bytes ? a.len_bytes : b.len_bytes;
    int order = common_bytes == 0 ? 0 : memcmp(a.data, b.data, common_bytes);
    return order != 0 ? order : (a.len_bytes > b.len_bytes) - (a.len_bytes < b.len_bytes);
}

/* Binary search in a sorted array. `compare` is negative when the element sorts before the key, and
 * 0 for the one that is sought. *ret_index is where the key is, or, when it returns false, where it
 * would go. Thread class: free. */
static inline bool cfl_search(const void *elements, size_t count, size_t element_bytes,
                              const void *key, int (*compare)(const void *element, const void *key),
                              size_t *ret_index)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare((const char *)elements + middle * element_bytes, key);
        if (order == 0) {
            *ret_index = middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_index = low;
    return false;
}

#endif /* CFL_BASE_SEARCH_H */
