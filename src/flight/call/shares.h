/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_SHARES_H
#define CFL_FLIGHT_CALL_SHARES_H

#include "base/body.h"
#include "base/limits.h"
#include "cflight/error.h"

/* The channel of a connection through which descriptors of shared memory go, both ways
 * (docs/internals/shared-bodies.md).
 *
 * What this side passed counts until the peer releases it: when a limit is reached, or anything is
 * wrong with the channel, nothing is passed any more, and bodies go over the socket. What the peer
 * passed waits until a message claims it. A fault of the peer ends the channel, never the
 * connection. Counted: each body that is mapped holds it, to release its number. Thread class:
 * free; its mutex is a leaf. */

struct cfl_shares;

/* What a message says of its body. */
struct cfl_share_name {
    uint64_t number;
    uint64_t offset;
    uint64_t len_bytes;
};

enum { CFL_SHARE_NAME_BYTES = 24 };
void cfl_share_name_write(const struct cfl_share_name *name, uint8_t target[CFL_SHARE_NAME_BYTES]);
/* False when the value has another length. */
bool cfl_share_name_read(struct cflight_bytes value, struct cfl_share_name *ret_name);

/* Memory that a message has claimed: to be mapped or dropped. */
struct cfl_share {
    struct cfl_shares *shares; /* NULL: none */
    uint64_t number;
    uint64_t size_bytes;
    int fd;
};

/* Client: makes a channel; `*ret_peer_fd` is what goes to the server. */
cflight_status cfl_shares_offer(const struct cflight_allocator *alloc,
                                const struct cfl_limits *limits, struct cfl_shares **ret_shares,
                                int *ret_peer_fd, cflight_error **reterr);
/* Server: answers a channel that a client offered; takes the descriptor. NULL when it is none, or
 * memory ran out. */
struct cfl_shares *cfl_shares_accept(const struct cflight_allocator *alloc,
                                     const struct cfl_limits *limits, int fd);
struct cfl_shares *cfl_shares_ref(struct cfl_shares *shares);
void cfl_shares_unref(struct cfl_shares *shares);
/* Nothing more goes through the channel. */
void cfl_shares_close(struct cfl_shares *shares);

/* Whether the peer has agreed. */
bool cfl_shares_is_agreed(struct cfl_shares *shares);

/* What is passed. The descriptor stays the caller's. */
struct cfl_shared_memory {
    uint64_t id; /* the same for the same memory */
    int fd;
    uint64_t size_bytes;
};

/* Passes memory for a message of an HTTP/2 stream that is sent afterwards. False: the message has
 * to go another way. Memory that the peer has under another number counts once. */
bool cfl_shares_pass(struct cfl_shares *shares, const struct cfl_shared_memory *memory,
                     uint32_t stream_id, uint64_t *ret_number);
/* Whether it can be passed once the peer has released something, and waiting for that is likely to
 * help; and that wait, for as long at most as the socket would take. The channel must not be closed
 * meanwhile; a connection closes it when it has no calls. */
bool cfl_shares_is_full(struct cfl_shares *shares, const struct cfl_shared_memory *memory);
void cfl_shares_wait(struct cfl_shares *shares, const struct cfl_shared_memory *memory);

/* Finds what the peer passed under a number. INTERNAL when it did not; RESOURCE_EXHAUSTED when this
 * process had no descriptor left for it. */
cflight_status cfl_shares_claim(struct cfl_shares *shares, uint64_t number,
                                struct cfl_share *ret_share, cflight_error **reterr);
/* Maps a run of it; the share is empty afterwards, also on failure. */
cflight_status cfl_share_map(struct cfl_share *share, const struct cflight_allocator *alloc,
                             const struct cfl_share_name *name, cflight_buffer **ret_body,
                             cflight_error **reterr);
void cfl_share_drop(struct cfl_share *share);
/* Releases what was passed for streams of which no message will come any more. */
void cfl_shares_drop_dead(struct cfl_shares *shares,
                          bool (*is_awaited)(void *user_data, uint32_t stream_id), void *user_data);

/* Bodies that went through channels since the process started; for tests and benchmarks. */
struct cfl_share_counters {
    uint64_t passed;
    uint64_t mapped;
    uint64_t live_bytes; /* passed and not released, of all connections */
};
struct cfl_share_counters cfl_share_counters(void);

#endif /* CFL_FLIGHT_CALL_SHARES_H */
