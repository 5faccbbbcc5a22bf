/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_BODY_H
#define CFL_BASE_BODY_H

#include "cflight/alloc.h"
#include "cflight/bytes.h"

/* Message bodies and their pool.
 *
 * A body is a counted, 64-byte aligned run of memory that the socket is read into and that decoded
 * arrays point at. It is the public `cflight_buffer`: one type, so metadata and bodies are handed
 * to users without a copy. Freed bodies go back to the pool they came from, which keeps them up to
 * a cap: fresh pages cost more than the copy they save. Large ones ask for huge pages. A pool is
 * counted too and lives until its last body is gone. Thread class: free (the bytes themselves: one
 * writer, before the buffer is shared). */

struct cfl_pool;

/* Keeps at most `cap_bytes` of idle memory. */
struct cfl_pool *cfl_pool_new(const struct cflight_allocator *alloc, size_t cap_bytes);
struct cfl_pool *cfl_pool_ref(struct cfl_pool *pool);
void cfl_pool_unref(struct cfl_pool *pool);
/* Bytes handed out and not returned yet, for tests and statistics. */
size_t cfl_pool_live_bytes(const struct cfl_pool *pool);

/* A buffer of `len_bytes` bytes, content undefined. `pool` NULL allocates with `alloc` and frees
 * directly. NULL when memory ran out. A length of 0 gives a buffer whose data is not NULL. */
cflight_buffer *cfl_body_new(struct cfl_pool *pool, const struct cflight_allocator *alloc,
                             size_t len_bytes);
/* A buffer around foreign memory (a memory map); `release` runs with the last reference. */
cflight_buffer *cfl_body_wrap(const struct cflight_allocator *alloc, const void *data,
                              size_t len_bytes, void (*release)(void *user_data), void *user_data);
uint8_t *cfl_body_data(cflight_buffer *body);
size_t cfl_body_len(const cflight_buffer *body);

#endif /* CFL_BASE_BODY_H */
