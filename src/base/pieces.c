/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of borrowed memory, and the counters that prove they stay borrowed. Thread class: a list,
 * one at a time; the counters, free. */
#include "base/pieces.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"

_Alignas(CFL_ZEROS_BYTES) const uint8_t cfl_zeros[CFL_ZEROS_BYTES] = {0};

static _Atomic uint64_t sent_bytes;
static _Atomic uint64_t sent_copied_bytes;
static _Atomic uint64_t received_bytes;
static _Atomic uint64_t received_copied_bytes;

void cfl_pieces_init(struct cfl_pieces *pieces, const struct cflight_allocator *alloc)
{
    memset(pieces, 0, sizeof *pieces);
    pieces->alloc = alloc;
}

void cfl_pieces_done(struct cfl_pieces *pieces)
{
    cfl_free_array(pieces->alloc, pieces->items, pieces->capacity, sizeof *pieces->items);
    cfl_pieces_init(pieces, pieces->alloc);
}

void cfl_pieces_clear(struct cfl_pieces *pieces)
{
    pieces->count = 0;
    pieces->len_bytes = 0;
    pieces->failed = false;
}

bool cfl_pieces_append(struct cfl_pieces *pieces, const void *data, size_t len_bytes)
{
    if (len_bytes == 0) {
        return !pieces->failed;
    }
    struct cflight_bytes *last = pieces->count == 0 ? NULL : &pieces->items[pieces->count - 1];
    if (last != NULL && last->data + last->len_bytes == (const uint8_t *)data &&
        data != cfl_zeros) {
        last->len_bytes += len_bytes;
        pieces->len_bytes += len_bytes;
        return !pieces->failed;
    }
    if (pieces->failed || !cfl_grow_array(pieces->alloc, (void **)&pieces->items, &pieces->capacity,
                                          pieces->count + 1, sizeof *pieces->items)) {
        pieces->failed = true;
        return false;
    }
    pieces->items[pieces->count++] = cflight_bytes_make(data, len_bytes);
    pieces->len_bytes += len_bytes;
    return true;
}

bool cfl_pieces_append_zeros(struct cfl_pieces *pieces, size_t len_bytes)
{
    while (len_bytes > 0) {
        size_t step_bytes = len_bytes < CFL_ZEROS_BYTES ? len_bytes : CFL_ZEROS_BYTES;
        if (!cfl_pieces_append(pieces, cfl_zeros, step_bytes)) {
            return false;
        }
        len_bytes -= step_bytes;
    }
    return !pieces->failed;
}

void cfl_copy_count_sent(uint64_t body_bytes, uint64_t copied_bytes)
{
    atomic_fetch_add_explicit(&sent_bytes, body_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&sent_copied_bytes, copied_bytes, memory_order_relaxed);
}

void cfl_copy_count_received(uint64_t body_bytes, uint64_t copied_bytes)
{
    atomic_fetch_add_explicit(&received_bytes, body_bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&received_copied_bytes, copied_bytes, memory_order_relaxed);
}

struct cfl_copy_counters cfl_copy_counters(void)
{
    struct cfl_copy_counters counters = {
        .sent_copied_bytes = atomic_load(&sent_copied_bytes),
        .received_copied_bytes = atomic_load(&received_copied_bytes),
        .sent_bytes = atomic_load(&sent_bytes),
        .received_bytes = atomic_load(&received_bytes),
    };
    return counters;
}
