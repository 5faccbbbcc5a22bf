/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ALLOC_H
#define CFLIGHT_ALLOC_H

#include <stddef.h>

#include "cflight/export.h"

/// @file
/// The allocator that a client or server is made with. NULL wherever one is asked for means the C
/// library's. All three functions may be called from any thread at once. A failing `allocate` or
/// `reallocate` returns NULL and the operation in hand ends as CFLIGHT_RESOURCE_EXHAUSTED; nothing
/// crashes and nothing leaks.
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// Three functions and what they share. Must outlive everything made with it, arrays handed out
/// included.
struct cflight_allocator {
    /// Given back as the first argument.
    void *user_data;
    /// Returns `size_bytes` (> 0) bytes aligned to `alignment_bytes` (a power of two), or NULL.
    void *(*allocate)(void *user_data, size_t size_bytes, size_t alignment_bytes);
    /// Grows or shrinks; the first `min(old, new)` bytes are kept. Alignment is that of
    /// `max_align_t`.
    void *(*reallocate)(void *user_data, void *memory, size_t old_size_bytes,
                        size_t new_size_bytes);
    /// Frees what `allocate` or `reallocate` returned, with the size asked for last.
    void (*release)(void *user_data, void *memory, size_t size_bytes);
};

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_ALLOC_H */
