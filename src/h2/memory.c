/* SPDX-License-Identifier: Apache-2.0 */
/* nghttp2's memory. Its functions do not say how large a block was, the library's allocator wants
 * to know: each block is led by its size. Thread class: as the allocator. */
#include <stdalign.h>
#include <string.h>

#include "base/alloc.h"
#include "h2/internal.h"

enum { LEAD_BYTES = alignof(max_align_t) };

static const struct cflight_allocator *allocator_of(void *user_data)
{
    return user_data;
}

static size_t block_size(const uint8_t *block)
{
    size_t size_bytes = 0;
    memcpy(&size_bytes, block, sizeof size_bytes);
    return size_bytes;
}

static void *mark(uint8_t *block, size_t size_bytes)
{
    if (block == NULL) {
        return NULL;
    }
    memcpy(block, &size_bytes, sizeof size_bytes);
    return block + LEAD_BYTES;
}

static void *mem_malloc(size_t size_bytes, void *user_data)
{
    if (size_bytes > SIZE_MAX - LEAD_BYTES) {
        return NULL;
    }
    size_bytes += LEAD_BYTES;
    return mark(cfl_alloc(allocator_of(user_data), size_bytes), size_bytes);
}

static void mem_free(void *memory, void *user_data)
{
    if (memory != NULL) {
        uint8_t *block = (uint8_t *)memory - LEAD_BYTES;
        cfl_free(allocator_of(user_data), block, block_size(block));
    }
}

static void *mem_calloc(size_t count, size_t element_bytes, void *user_data)
{
    size_t size_bytes = 0;
    if (__builtin_mul_overflow(count, element_bytes, &size_bytes)) {
        return NULL;
    }
    void *memory = mem_malloc(size_bytes, user_data);
    if (memory != NULL) {
        memset(memory, 0, size_bytes);
    }
    return memory;
}

static void *mem_realloc(void *memory, size_t size_bytes, void *user_data)
{
    if (memory == NULL) {
        return mem_malloc(size_bytes, user_data);
    }
    if (size_bytes > SIZE_MAX - LEAD_BYTES) {
        return NULL;
    }
    size_bytes += LEAD_BYTES;
    uint8_t *block = (uint8_t *)memory - LEAD_BYTES;
    return mark(cfl_realloc(allocator_of(user_data), block, block_size(block), size_bytes),
                size_bytes);
}

void cfl_h2_mem_init(nghttp2_mem *mem, const struct cflight_allocator *alloc)
{
    mem->mem_user_data = (void *)(uintptr_t)alloc;
    mem->malloc = mem_malloc;
    mem->free = mem_free;
    mem->calloc = mem_calloc;
    mem->realloc = mem_realloc;
}
