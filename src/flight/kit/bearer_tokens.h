/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_KIT_BEARER_TOKENS_H
#define CFL_FLIGHT_KIT_BEARER_TOKENS_H

#include <pthread.h>

#include "base/clock.h"
#include "cflight/bytes.h"

/* Bearer tokens that were given out, and for whom. Thread class: free. */

enum {
    CFL_TOKEN_ID_BYTES = 8,
    CFL_TOKEN_SECRET_BYTES = 24,
    CFL_TOKEN_TEXT_BYTES = 2 * (CFL_TOKEN_ID_BYTES + CFL_TOKEN_SECRET_BYTES),
    CFL_REVOCATIONS_KEPT = 64,
};

struct cfl_token;

struct cfl_token_limits {
    int64_t lifetime_ms; /* negative: none */
    bool use_extends_lifetime;
    size_t tokens_max;
    size_t tokens_per_identity_max;
};

struct cfl_token_table {
    const struct cflight_allocator *alloc;
    const struct cfl_clock *clock;
    struct cfl_token_limits limits;
    pthread_mutex_t mutex;
    struct {
        struct cfl_token **tokens; /* in the order of their ids */
        size_t count;
        size_t capacity;
        uint64_t next_order;
        uint64_t revocation_count;
        uint64_t revocations[CFL_REVOCATIONS_KEPT]; /* hashes of the last identities; a ring */
    } locked;
};

/* False when there is no mutex. The clock must outlive the table; NULL is the operating system's.
 */
bool cfl_token_table_init(struct cfl_token_table *table, const struct cflight_allocator *alloc,
                          const struct cfl_clock *clock, const struct cfl_token_limits *limits);
void cfl_token_table_done(struct cfl_token_table *table);
/* A point in time for cfl_token_table_issue(). */
uint64_t cfl_token_table_mark(struct cfl_token_table *table);
/* Writes the terminated text of a new token. The identity is counted. `mark` is from before it was
 * established: @return CFLIGHT_UNAUTHENTICATED when its tokens were revoked since */
cflight_status cfl_token_table_issue(struct cfl_token_table *table, cflight_buffer *identity,
                                     uint64_t mark, char ret_text[CFL_TOKEN_TEXT_BYTES + 1],
                                     cflight_error **reterr);
/* The identity of a valid token, with a reference for the caller; NULL for any other text. */
cflight_buffer *cfl_token_table_find(struct cfl_token_table *table, struct cflight_bytes text);
bool cfl_token_table_revoke(struct cfl_token_table *table, struct cflight_bytes text);
size_t cfl_token_table_revoke_identity(struct cfl_token_table *table,
                                       struct cflight_bytes identity);

#endif /* CFL_FLIGHT_KIT_BEARER_TOKENS_H */
