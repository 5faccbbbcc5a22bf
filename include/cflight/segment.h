/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_SEGMENT_H
#define CFLIGHT_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "cflight/error.h"

/// @file
/// Segments: memory in which a producer builds arrays that another process of the same machine and
/// user can read without a copy (grpc+unix, guide/shared-memory.md).
///
/// A segment is made, filled by one thread, and sealed; from then on nobody can change it, neither
/// this process nor one that it was passed to. A writer (cflight_writer_write(), a stream that was
/// handed over) recognises batches whose buffers all lie in one sealed segment, and passes the
/// segment instead of the bytes where the peer can take it; else the batch is sent as any other. A
/// peer that is given one batch of a segment can read all of the segment, so what is not for the
/// same peers does not belong into one.
///
/// Arrays do not hold the segment by themselves: their `release` drops a hold that was taken for
/// them. Thread class: one at a time until it is sealed, then free. Linux only; elsewhere a segment
/// cannot be made.
///
///     cflight_segment *segment = NULL;
///     if (cflight_segment_new(rows * 8, &segment, &error) == CFLIGHT_OK) {
///         int64_t *values = cflight_segment_alloc(segment, rows * 8);
///         ... fill values ...
///         if (cflight_segment_seal(segment, &error) == CFLIGHT_OK) { ... write arrays ... }
///     }
///     cflight_segment_unref(segment);
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cflight_segment cflight_segment;

/// Makes a segment with room for `capacity_bytes`, more than 0. What is never allocated from it
/// takes no memory.
///
/// @param ret_segment  Receives it, with one hold. Untouched on failure.
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT; CFLIGHT_RESOURCE_EXHAUSTED (memory, descriptors);
///         CFLIGHT_UNIMPLEMENTED (the system has no memory that can be sealed)
CFLIGHT_CHECKED cflight_status
cflight_segment_new(uint64_t capacity_bytes, cflight_segment **ret_segment, cflight_error **reterr);
/// Takes `len_bytes` from the segment: 64-byte aligned, zeroed, writable until the segment is
/// sealed. NULL when there is not so much room, or when it is sealed. A length of 0 gives memory
/// that must not be touched.
CFLIGHT_EXPORT void *
cflight_segment_alloc(cflight_segment *segment, size_t len_bytes);
/// Ends writing: pointers into the segment stay valid and can only be read from now on. No other
/// thread may use its memory meanwhile. A segment that is sealed already stays as it is. After a
/// failure its memory must not be touched any more.
///
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (NULL); CFLIGHT_FAILED_PRECONDITION (somebody else
///         can still write to it, or sealing failed before); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_segment_seal(cflight_segment *segment, cflight_error **reterr);
/// Adds a hold, for an array that points into the segment, and returns `segment`; NULL gives NULL.
/// Thread class: free.
CFLIGHT_EXPORT cflight_segment *
cflight_segment_ref(cflight_segment *segment);
/// Drops a hold; the last one takes the memory away from this process. It lives on for as long as a
/// peer has arrays in it. NULL is ignored. Thread class: free.
CFLIGHT_EXPORT void
cflight_segment_unref(cflight_segment *segment);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_SEGMENT_H */
