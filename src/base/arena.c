/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: a chain of chunks, each twice as large as the one before, from which pieces are cut in
 * order.
 *
 * Pieces are rounded up to the strictest alignment, so any type fits, and the rounded sizes are
 * what counts against the limit. A piece that is larger than the next chunk would be gets a chunk
 * of its own. Owner: the function that converts. Thread class: one at a time. */
#include "base/arena.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

enum { PIECE_ALIGNMENT_BYTES = alignof(max_align_t), FIRST_CHUNK_BYTES = 8192 };
static const size_t CHUNK_BYTES_MAX = (size_t)1 << 20;

struct cfl_arena_chunk {
    struct cfl_arena_chunk *next;
    size_t size_bytes; /* with this header */
};

enum {
    CHUNK_HEADER_BYTES = (sizeof(struct cfl_arena_chunk) + PIECE_ALIGNMENT_BYTES - 1) /
                         PIECE_ALIGNMENT_BYTES * PIECE_ALIGNMENT_BYTES
};

void cfl_arena_init(struct cfl_arena *arena, const struct cflight_allocator *alloc,
                    size_t limit_bytes)
{
    arena->alloc = alloc;
    arena->chunks = NULL;
    arena->next = arena->inline_bytes;
    arena->left_bytes = sizeof arena->inline_bytes;
    arena->used_bytes = 0;
    arena->limit_bytes =
        limit_bytes < SIZE_MAX / 2 ? limit_bytes : SIZE_MAX / 2; /* no sum overflows */
    arena->budget = NULL;
    arena->has_failed = false;
    arena->is_over_limit = false;
    arena->is_over_budget = false;
    arena->is_secret = false;
}

void cfl_arena_done(struct cfl_arena *arena)
{
    while (arena->chunks != NULL) {
        struct cfl_arena_chunk *chunk = arena->chunks;
        size_t size_bytes = chunk->size_bytes;
        arena->chunks = chunk->next;
        if (arena->is_secret) {
            explicit_bzero(chunk, size_bytes);
        }
        cfl_free(arena->alloc, chunk, size_bytes);
        cfl_budget_give_back(arena->budget, size_bytes);
    }
    if (arena->is_secret) {
        explicit_bzero(arena->inline_bytes, sizeof arena->inline_bytes);
    }
    cfl_arena_init(arena, arena->alloc, arena->limit_bytes);
}

static bool add_chunk(struct cfl_arena *arena, size_t piece_bytes)
{
    size_t size_bytes = arena->chunks == NULL ? FIRST_CHUNK_BYTES : arena->chunks->size_bytes;
    if (arena->chunks != NULL && size_bytes < CHUNK_BYTES_MAX) {
        size_bytes *= 2;
    }
    if (size_bytes > CHUNK_BYTES_MAX) {
        size_bytes = CHUNK_BYTES_MAX;
    }
    if (size_bytes < piece_bytes + CHUNK_HEADER_BYTES) {
        size_bytes = piece_bytes + CHUNK_HEADER_BYTES;
    }
    if (!cfl_budget_take(arena->budget, size_bytes)) {
        arena->is_over_budget = true;
        return false;
    }
    struct cfl_arena_chunk *chunk = cfl_alloc(arena->alloc, size_bytes);
    if (chunk == NULL) {
        cfl_budget_give_back(arena->budget, size_bytes);
        return false;
    }
    chunk->next = arena->chunks;
    chunk->size_bytes = size_bytes;
    arena->chunks = chunk;
    arena->next = (uint8_t *)chunk + CHUNK_HEADER_BYTES;
    arena->left_bytes = size_bytes - CHUNK_HEADER_BYTES;
    return true;
}

void *cfl_arena_alloc(struct cfl_arena *arena, size_t size_bytes)
{
    if (size_bytes > arena->limit_bytes - arena->used_bytes ||
        arena->limit_bytes - arena->used_bytes - size_bytes < PIECE_ALIGNMENT_BYTES) {
        arena->has_failed = true;
        arena->is_over_limit = true;
        return NULL;
    }
    size_t piece_bytes = (size_bytes / PIECE_ALIGNMENT_BYTES + 1) * PIECE_ALIGNMENT_BYTES;
    if (size_bytes > 0 && size_bytes % PIECE_ALIGNMENT_BYTES == 0) {
        piece_bytes = size_bytes;
    }
    if (piece_bytes > arena->left_bytes && !add_chunk(arena, piece_bytes)) {
        arena->has_failed = true;
        return NULL;
    }
    void *piece = arena->next;
    arena->next += piece_bytes;
    arena->left_bytes -= piece_bytes;
    arena->used_bytes += piece_bytes;
    return piece;
}

void *cfl_arena_array(struct cfl_arena *arena, size_t count, size_t element_bytes)
{
    size_t size_bytes = 0;
    if (__builtin_mul_overflow(count, element_bytes, &size_bytes)) {
        arena->has_failed = true;
        arena->is_over_limit = true;
        return NULL;
    }
    void *array = cfl_arena_alloc(arena, size_bytes);
    if (array != NULL) {
        memset(array, 0, size_bytes);
    }
    return array;
}

cflight_status cfl_arena_budget_error(const struct cfl_budget *budget, const char *what,
                                      cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_UNAVAILABLE,
                             "%s needs more memory than callers may hold together (%" PRIu64
                             " bytes, those of one connection %" PRIu64
                             "), which is in use; try again later",
                             what, cfl_budget_whole(budget)->max_bytes, budget->max_bytes);
}

cflight_status cfl_arena_error(const struct cfl_arena *arena, const char *what,
                               cflight_error **reterr)
{
    if (arena->is_over_budget) {
        return cfl_arena_budget_error(arena->budget, what, reterr);
    }
    if (!arena->is_over_limit) {
        return cfl_error_no_memory(reterr);
    }
    return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                             "%s takes more than %zu bytes of memory", what, arena->limit_bytes);
}
