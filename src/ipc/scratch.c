/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder's scratch memory: a list of blocks, of which only the newest has room left.
 * Thread class: one at a time. */
#include "ipc/scratch.h"

#include <string.h>

#include "base/alloc.h"

enum {
    ALIGNMENT_BYTES = 16,
    BLOCK_BYTES_MIN = 4096,
    KEPT_BYTES_MAX = 64 << 20,
};

struct cfl_scratch_block {
    struct cfl_scratch_block *next;
    uint8_t *data;
    size_t capacity_bytes;
    size_t used_bytes;
};

static void free_blocks(struct cfl_scratch *scratch)
{
    while (scratch->blocks != NULL) {
        struct cfl_scratch_block *block = scratch->blocks;
        scratch->blocks = block->next;
        cfl_free(scratch->alloc, block->data, block->capacity_bytes);
        cfl_free(scratch->alloc, block, sizeof *block);
    }
}

void cfl_scratch_init(struct cfl_scratch *scratch, const struct cflight_allocator *alloc)
{
    memset(scratch, 0, sizeof *scratch);
    scratch->alloc = alloc;
}

void cfl_scratch_done(struct cfl_scratch *scratch)
{
    free_blocks(scratch);
    cfl_scratch_init(scratch, scratch->alloc);
}

static struct cfl_scratch_block *add_block(struct cfl_scratch *scratch, size_t capacity_bytes)
{
    struct cfl_scratch_block *block = cfl_alloc_zeroed(scratch->alloc, sizeof *block);

    if (block == NULL) {
        return NULL;
    }
    block->data = cfl_alloc_aligned(scratch->alloc, capacity_bytes, ALIGNMENT_BYTES);
    if (block->data == NULL) {
        cfl_free(scratch->alloc, block, sizeof *block);
        return NULL;
    }
    block->capacity_bytes = capacity_bytes;
    block->next = scratch->blocks;
    scratch->blocks = block;
    return block;
}

/* Several blocks are replaced by one that would have held everything. Should that fail, the next
 * take tries again. */
void cfl_scratch_reset(struct cfl_scratch *scratch)
{
    size_t wanted_bytes = scratch->used_bytes;
    struct cfl_scratch_block *block = scratch->blocks;

    scratch->used_bytes = 0;
    if (block == NULL) {
        return;
    }
    if (block->next == NULL && block->capacity_bytes <= KEPT_BYTES_MAX) {
        block->used_bytes = 0;
        return;
    }
    free_blocks(scratch);
    (void)add_block(scratch, wanted_bytes < KEPT_BYTES_MAX ? wanted_bytes : KEPT_BYTES_MAX);
}

uint8_t *cfl_scratch_take(struct cfl_scratch *scratch, uint64_t len_bytes)
{
    struct cfl_scratch_block *block = scratch->blocks;

    if (len_bytes > SIZE_MAX / 4) {
        return NULL;
    }
    size_t rounded_bytes =
        ((size_t)len_bytes + ALIGNMENT_BYTES - 1) & ~(size_t)(ALIGNMENT_BYTES - 1);
    if (block == NULL || rounded_bytes > block->capacity_bytes - block->used_bytes) {
        size_t doubled_bytes = block == NULL ? BLOCK_BYTES_MIN : block->capacity_bytes;
        block = add_block(scratch, rounded_bytes > doubled_bytes ? rounded_bytes : doubled_bytes);
    }
    if (block == NULL) {
        return NULL;
    }
    uint8_t *taken = block->data + block->used_bytes;
    block->used_bytes += rounded_bytes;
    scratch->used_bytes += rounded_bytes;
    return taken;
}
