/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_SEGMENT_H
#define CFL_BASE_SEGMENT_H

#include <stdbool.h>

#include "cflight/alloc.h"
#include "cflight/bytes.h"
#include "cflight/segment.h"

/* Sealed memory that processes share (docs/internals/shared-bodies.md).
 *
 * A producer's segment is filled through a mapping; then it is sealed against writing and against
 * changes of its size. Sealed ones are in a table of the process, so
 * that a writer can tell by an address that a buffer lies in one. What a peer passed is checked for
 * its seals and its memory before it is mapped. Thread class: free. */

enum { CFL_SEGMENT_ALIGNMENT_BYTES = 64, CFL_HUGE_PAGE_BYTES = 2 << 20 };

/* Addresses that are kept free for a mapping, which begins at `start`. */
struct cfl_segment_place {
    void *reserved;
    size_t reserved_bytes;
    void *start;
};
/* Finds a place where huge pages fit for what begins at `offset` of the memory. */
bool cfl_segment_reserve(size_t len_bytes, uint64_t offset, struct cfl_segment_place *ret_place);
/* Unmaps what is there. */
void cfl_segment_unreserve(struct cfl_segment_place *place);

/* Whether the process has a sealed segment at all. */
bool cfl_segment_is_any(void);
/* The sealed segment in which the run lies, with a hold; NULL for none. */
cflight_segment *cfl_segment_find(const void *data, size_t len_bytes);
struct cflight_bytes cfl_segment_bytes(const cflight_segment *segment);
int cfl_segment_fd(const cflight_segment *segment);
/* Of all segments that the process ever made, this one. */
uint64_t cfl_segment_id(const cflight_segment *segment);

/* Checks what a peer passed and maps a run of it, which the buffer unmaps; then `release` is
 * called. `size_bytes` is what the peer said of the whole. The descriptor stays the caller's. The
 * peer's faults are DATA_LOSS. */
cflight_status cfl_segment_map(const struct cflight_allocator *alloc, int fd, uint64_t size_bytes,
                               uint64_t offset, uint64_t len_bytes,
                               void (*release)(void *user_data), void *user_data,
                               cflight_buffer **ret_buffer, cflight_error **reterr);

#endif /* CFL_BASE_SEGMENT_H */
