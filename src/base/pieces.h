/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_PIECES_H
#define CFL_BASE_PIECES_H

#include "cflight/alloc.h"
#include "cflight/bytes.h"

/* A list of borrowed runs of memory that together are one message body: what lets a record batch go
 * from the caller's Arrow buffers to the socket without a copy. The list owns only its array of
 * views. Padding points at a static block of zeros. Thread class: one at a time. */
struct cfl_pieces {
    const struct cflight_allocator *alloc;
    struct cflight_bytes *items;
    size_t count;
    size_t capacity;
    uint64_t len_bytes; /* sum over items */
    bool failed;        /* memory ran out; later appends do nothing */
};

/* Zeros for padding; the most that one piece may take from here. */
#define CFL_ZEROS_BYTES 64
extern const uint8_t cfl_zeros[CFL_ZEROS_BYTES];

void cfl_pieces_init(struct cfl_pieces *pieces, const struct cflight_allocator *alloc);
void cfl_pieces_done(struct cfl_pieces *pieces);
void cfl_pieces_clear(struct cfl_pieces *pieces);
/* Adds a view; an empty one is skipped. Runs that touch in memory are joined. */
bool cfl_pieces_append(struct cfl_pieces *pieces, const void *data, size_t len_bytes);
/* Adds `len_bytes` (any number) of zeros. */
bool cfl_pieces_append_zeros(struct cfl_pieces *pieces, size_t len_bytes);

/* Body bytes that the library copied in user space since the process started, and bytes of bodies
 * in all; sending and receiving apart. For tests and benchmarks: the data path is meant to copy
 * none. */
struct cfl_copy_counters {
    uint64_t sent_copied_bytes;
    uint64_t received_copied_bytes;
    uint64_t sent_bytes;
    uint64_t received_bytes;
};
void cfl_copy_count_sent(uint64_t body_bytes, uint64_t copied_bytes);
void cfl_copy_count_received(uint64_t body_bytes, uint64_t copied_bytes);
struct cfl_copy_counters cfl_copy_counters(void);

#endif /* CFL_BASE_PIECES_H */
