/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_HASH_H
#define CFL_BASE_HASH_H

#include "cflight/bytes.h"

/* FNV-1a: for tables where two texts with one hash do no harm, since a peer can make them. Thread
 * class: free. */
static inline uint64_t cfl_hash(struct cflight_bytes bytes)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < bytes.len_bytes; i++) {
        hash = (hash ^ bytes.data[i]) * 0x100000001b3u;
    }
    return hash;
}

#endif /* CFL_BASE_HASH_H */
