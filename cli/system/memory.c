/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that grow, and memory that is given back. Thread class: free. */
#include "cli/system/memory.h"

#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>
#if __GLIBC_PREREQ(2, 33)
#define HAS_MALLOC_TRIM
#endif
#endif

enum { FIRST_CAPACITY = 8 };

bool cli_grow_array(void **array, size_t *capacity, size_t needed_count, size_t element_bytes)
{
    if (needed_count <= *capacity) {
        return true;
    }
    size_t grown = *capacity == 0 ? FIRST_CAPACITY : *capacity;
    while (grown < needed_count) {
        if (__builtin_mul_overflow(grown, (size_t)2, &grown)) {
            return false;
        }
    }
    size_t size_bytes = 0;
    if (__builtin_mul_overflow(grown, element_bytes, &size_bytes)) {
        return false;
    }
    void *memory = realloc(*array, size_bytes);
    if (memory == NULL) {
        return false;
    }
    *array = memory;
    *capacity = grown;
    return true;
}

void cli_memory_trim(size_t *free_bytes)
{
#ifdef HAS_MALLOC_TRIM
    size_t now_free_bytes = mallinfo2().fordblks;
    if (now_free_bytes != *free_bytes) {
        (void)malloc_trim(0);
        *free_bytes = now_free_bytes;
    }
#else
    (void)free_bytes;
#endif
}
