/* SPDX-License-Identifier: Apache-2.0 */
/* Names and values of one call: a chain of blocks that are filled in order. A text that is larger
 * than a block gets one of its own. Thread class: one at a time. */
#include "grpc/texts.h"

#include <string.h>

#include "base/alloc.h"

enum { BLOCK_BYTES = 256 };

struct cfl_texts_block {
    struct cfl_texts_block *next;
    size_t size_bytes; /* of data */
    size_t used_bytes;
    uint8_t data[];
};

void cfl_texts_init(struct cfl_texts *texts, const struct cflight_allocator *alloc)
{
    texts->alloc = alloc;
    texts->blocks = NULL;
}

void cfl_texts_done(struct cfl_texts *texts)
{
    while (texts->blocks != NULL) {
        struct cfl_texts_block *block = texts->blocks;
        texts->blocks = block->next;
        /* Passwords and tokens are among them. */
        explicit_bzero(block->data, block->used_bytes);
        cfl_free(texts->alloc, block, sizeof *block + block->size_bytes);
    }
}

uint8_t *cfl_texts_space(struct cfl_texts *texts, size_t len_bytes)
{
    struct cfl_texts_block *block = texts->blocks;
    if (block == NULL || len_bytes > block->size_bytes - block->used_bytes) {
        size_t size_bytes = len_bytes < BLOCK_BYTES ? BLOCK_BYTES : len_bytes;
        if (size_bytes > SIZE_MAX - sizeof *block) {
            return NULL;
        }
        block = cfl_alloc(texts->alloc, sizeof *block + size_bytes);
        if (block == NULL) {
            return NULL;
        }
        block->next = texts->blocks;
        block->size_bytes = size_bytes;
        block->used_bytes = 0;
        texts->blocks = block;
    }
    uint8_t *space = block->data + block->used_bytes;
    block->used_bytes += len_bytes;
    return space;
}

char *cfl_texts_copy(struct cfl_texts *texts, struct cflight_bytes text)
{
    if (text.len_bytes == SIZE_MAX) {
        return NULL;
    }
    char *copy = (char *)cfl_texts_space(texts, text.len_bytes + 1);
    if (copy == NULL) {
        return NULL;
    }
    if (text.len_bytes > 0) {
        memcpy(copy, text.data, text.len_bytes);
    }
    copy[text.len_bytes] = '\0';
    return copy;
}
