/* SPDX-License-Identifier: Apache-2.0 */
/* Values in one block: a header that remembers how to free it, the value, and the pieces behind it.
 *
 * Both passes go through take(), so they cannot disagree about sizes as long as the layout function
 * asks for the same pieces; the second pass asserts that it ends where the first did. Thread class:
 * one at a time. */
#include "base/block.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "base/alloc.h"

struct block_header {
    const struct cflight_allocator *alloc;
    size_t size_bytes; /* with this header */
};

enum {
    ALIGNMENT_BYTES = alignof(max_align_t),
    HEADER_BYTES =
        (sizeof(struct block_header) + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES,
};

/* Advances by `size_bytes`, aligned; NULL while measuring. */
static void *take(struct cfl_block *block, size_t size_bytes, size_t alignment_bytes)
{
    size_t padding_bytes =
        (alignment_bytes - block->used_bytes % alignment_bytes) % alignment_bytes;
    size_t start = 0;
    size_t end = 0;
    if (__builtin_add_overflow(block->used_bytes, padding_bytes, &start) ||
        __builtin_add_overflow(start, size_bytes, &end)) {
        block->has_overflowed = true;
        return NULL;
    }
    block->used_bytes = end;
    if (block->memory == NULL) {
        return NULL;
    }
    assert(end <= block->size_bytes);
    return block->memory + start;
}

void *cfl_block_array(struct cfl_block *block, size_t count, size_t element_bytes)
{
    size_t size_bytes = 0;
    if (count == 0) {
        return NULL;
    }
    if (__builtin_mul_overflow(count, element_bytes, &size_bytes)) {
        block->has_overflowed = true;
        return NULL;
    }
    void *array = take(block, size_bytes, ALIGNMENT_BYTES);
    if (array != NULL) {
        memset(array, 0, size_bytes);
    }
    return array;
}

struct cflight_bytes cfl_block_bytes(struct cfl_block *block, struct cflight_bytes bytes)
{
    if (bytes.len_bytes == 0) {
        return cflight_bytes_make(NULL, 0);
    }
    void *copy = take(block, bytes.len_bytes, 1);
    if (copy != NULL) {
        memcpy(copy, bytes.data, bytes.len_bytes);
    }
    return cflight_bytes_make(copy, bytes.len_bytes);
}

const char *cfl_block_text(struct cfl_block *block, struct cflight_bytes text)
{
    char *copy = take(block, text.len_bytes, 1);
    char *end = take(block, 1, 1);
    if (end == NULL) {
        return NULL;
    }
    if (text.len_bytes > 0) {
        memcpy(copy, text.data, text.len_bytes);
    }
    *end = '\0';
    return copy;
}

const struct cflight_bytes *cfl_block_bytes_array(struct cfl_block *block,
                                                  const struct cflight_bytes *items, size_t count)
{
    struct cflight_bytes *copies = cfl_block_array(block, count, sizeof *copies);
    for (size_t i = 0; i < count; i++) {
        struct cflight_bytes copy = cfl_block_bytes(block, items[i]);
        if (copies != NULL) {
            copies[i] = copy;
        }
    }
    return copies;
}

void *cfl_block_copy(const struct cflight_allocator *alloc, const void *value, size_t value_bytes,
                     cfl_block_layout_fn layout)
{
    struct cfl_block block = {.used_bytes = HEADER_BYTES};
    alignas(max_align_t) uint8_t scratch[CFL_BLOCK_VALUE_BYTES_MAX];
    assert(value_bytes <= sizeof scratch);

    (void)take(&block, value_bytes, ALIGNMENT_BYTES);
    layout(&block, value, scratch);
    uint8_t *memory = block.has_overflowed ? NULL : cfl_alloc(alloc, block.used_bytes);
    if (memory == NULL) {
        return NULL;
    }
    block.memory = memory;
    block.size_bytes = block.used_bytes;
    block.used_bytes = HEADER_BYTES;
    struct block_header header = {alloc, block.size_bytes};
    memcpy(memory, &header, sizeof header);
    void *copy = take(&block, value_bytes, ALIGNMENT_BYTES);
    layout(&block, value, copy);
    assert(block.used_bytes == block.size_bytes);
    return copy;
}

size_t cfl_block_size(const void *value)
{
    struct block_header header = {NULL, 0};
    if (value != NULL) {
        memcpy(&header, (const uint8_t *)value - HEADER_BYTES, sizeof header);
    }
    return header.size_bytes;
}

static void free_block(void *value, bool with_wipe)
{
    if (value == NULL) {
        return;
    }
    struct block_header header;
    uint8_t *memory = (uint8_t *)value - HEADER_BYTES;
    memcpy(&header, memory, sizeof header);
    if (with_wipe) {
        explicit_bzero(memory, header.size_bytes);
    }
    cfl_free(header.alloc, memory, header.size_bytes);
}

void cfl_block_free(void *value)
{
    free_block(value, false);
}

void cfl_block_wipe_and_free(void *value)
{
    free_block(value, true);
}
