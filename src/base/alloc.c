/* SPDX-License-Identifier: Apache-2.0 */
/* The door to memory.
 *
 * Every allocation of the library passes here, so that a user's allocator sees all of them and a
 * test can fail any of them. Array sizes are checked for overflow in this file only. Thread class:
 * free. */
#include "base/alloc.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "cflight/bytes.h"

enum { FIRST_ARRAY_CAPACITY = 8, CALLOC_BYTES_MIN = 1024 };

void *cfl_alloc_aligned(const struct cflight_allocator *alloc, size_t size_bytes,
                        size_t alignment_bytes)
{
    if (size_bytes == 0) {
        return NULL;
    }
    if (alloc != NULL) {
        return alloc->allocate(alloc->user_data, size_bytes, alignment_bytes);
    }
    if (alignment_bytes <= alignof(max_align_t)) {
        return malloc(size_bytes);
    }
    void *memory = NULL;
    if (posix_memalign(&memory, alignment_bytes, size_bytes) != 0) {
        return NULL;
    }
    return memory;
}

void *cfl_alloc(const struct cflight_allocator *alloc, size_t size_bytes)
{
    return cfl_alloc_aligned(alloc, size_bytes, alignof(max_align_t));
}

void *cfl_alloc_zeroed(const struct cflight_allocator *alloc, size_t size_bytes)
{
    /* Large blocks may be zero already. glibc's calloc() passes over the small ones that a thread
     * freed last, which malloc() takes first. */
    if (alloc == NULL && size_bytes >= CALLOC_BYTES_MIN) {
        return calloc(1, size_bytes);
    }
    void *memory = cfl_alloc(alloc, size_bytes);
    if (memory != NULL) {
        memset(memory, 0, size_bytes);
    }
    return memory;
}

void *cfl_alloc_array(const struct cflight_allocator *alloc, size_t count, size_t element_bytes)
{
    size_t size_bytes = 0;
    if (__builtin_mul_overflow(count, element_bytes, &size_bytes)) {
        return NULL;
    }
    return cfl_alloc_zeroed(alloc, size_bytes);
}

void *cfl_realloc(const struct cflight_allocator *alloc, void *memory, size_t old_size_bytes,
                  size_t new_size_bytes)
{
    if (memory == NULL) {
        return cfl_alloc(alloc, new_size_bytes);
    }
    if (new_size_bytes == 0) {
        cfl_free(alloc, memory, old_size_bytes);
        return NULL;
    }
    if (alloc == NULL) {
        return realloc(memory, new_size_bytes);
    }
    return alloc->reallocate(alloc->user_data, memory, old_size_bytes, new_size_bytes);
}

bool cfl_grow_full_array(const struct cflight_allocator *alloc, void **array, size_t *capacity,
                         size_t needed, size_t element_bytes)
{
    size_t grown = *capacity == 0 ? FIRST_ARRAY_CAPACITY : *capacity;
    while (grown < needed) {
        if (__builtin_mul_overflow(grown, (size_t)2, &grown)) {
            return false;
        }
    }
    size_t size_bytes = 0;
    if (__builtin_mul_overflow(grown, element_bytes, &size_bytes)) {
        return false;
    }
    void *memory = cfl_realloc(alloc, *array, *capacity * element_bytes, size_bytes);
    if (memory == NULL) {
        return false;
    }
    *array = memory;
    *capacity = grown;
    return true;
}

void cfl_free(const struct cflight_allocator *alloc, void *memory, size_t size_bytes)
{
    if (memory == NULL) {
        return;
    }
    if (alloc == NULL) {
        free(memory);
        return;
    }
    alloc->release(alloc->user_data, memory, size_bytes);
}

void cfl_free_array(const struct cflight_allocator *alloc, void *array, size_t count,
                    size_t element_bytes)
{
    cfl_free(alloc, array, count * element_bytes);
}

char *cfl_strndup(const struct cflight_allocator *alloc, const char *text, size_t len_bytes)
{
    if (len_bytes == SIZE_MAX) {
        return NULL;
    }
    char *copy = cfl_alloc(alloc, len_bytes + 1);
    if (copy == NULL) {
        return NULL;
    }
    if (len_bytes > 0) {
        memcpy(copy, text, len_bytes);
    }
    copy[len_bytes] = '\0';
    return copy;
}

void cfl_strfree(const struct cflight_allocator *alloc, char *text)
{
    if (text != NULL) {
        cfl_free(alloc, text, strlen(text) + 1);
    }
}

void cflight_text_free(char *text)
{
    cfl_strfree(NULL, text);
}
