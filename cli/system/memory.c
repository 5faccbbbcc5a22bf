/* SPDX-License-Identifier: Apache-2.0 */
/* The program's door to memory: the only file of cli/ that names malloc. Owner of nothing. Thread
 * class: free. */
#include "cli/system/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
#include <malloc.h>
#if __GLIBC_PREREQ(2, 33)
#define HAS_MALLOC_TRIM
#endif
#endif

enum { FIRST_CAPACITY = 8 };

void *cli_alloc_array(size_t count, size_t element_bytes)
{
    if (count == 0) {
        return NULL;
    }
    return calloc(count, element_bytes);
}

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

char *cli_strndup(const char *text, size_t len_bytes)
{
    if ((text == NULL && len_bytes > 0) || len_bytes == SIZE_MAX) {
        return NULL;
    }
    char *copy = malloc(len_bytes + 1);
    if (copy != NULL) {
        if (len_bytes > 0) {
            memcpy(copy, text, len_bytes);
        }
        copy[len_bytes] = '\0';
    }
    return copy;
}

char *cli_strdup(const char *text)
{
    return text == NULL ? NULL : cli_strndup(text, strlen(text));
}

void cli_free(void *memory)
{
    free(memory);
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
