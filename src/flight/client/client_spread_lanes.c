/* SPDX-License-Identifier: Apache-2.0 */
/* The lanes of a client that takes turns between addresses: what they are in, and how one is found.
 * Thread class: free, under the client's mutex. */
#include "base/alloc.h"
#include "flight/client/client_spread_internal.h"

struct cfl_spread *cfl_spread_new(const struct cflight_allocator *alloc, int64_t connect_timeout_ms)
{
    struct cfl_spread *spread = cfl_alloc_zeroed(alloc, sizeof *spread);
    if (spread != NULL) {
        spread->alloc = alloc;
        spread->patience_ns = cfl_deadline_after_ms(0, connect_timeout_ms);
    }
    return spread;
}

void cfl_spread_free(struct cfl_spread *spread)
{
    if (spread != NULL) {
        cfl_resolve_free(spread->resolve);
        cfl_free_array(spread->alloc, spread->tickets, CFL_SPREAD_TICKETS, sizeof *spread->tickets);
        cfl_free(spread->alloc, spread, sizeof *spread);
    }
}

struct cfl_connection *cfl_spread_take_locked(struct cfl_spread *spread)
{
    for (size_t i = 0; i < spread->count; i++) {
        struct cfl_connection *connection = spread->lanes[i].connection;
        if (connection != NULL) {
            spread->lanes[i].connection = NULL;
            return connection;
        }
    }
    return NULL;
}

struct cfl_connection *cfl_spread_any_locked(const struct cfl_spread *spread)
{
    for (size_t i = 0; i < spread->count; i++) {
        if (spread->lanes[i].connection != NULL) {
            return spread->lanes[i].connection;
        }
    }
    return NULL;
}

struct cfl_lane *cfl_spread_lane_locked(struct cfl_spread *spread, uint32_t id)
{
    for (size_t i = 0; i < spread->count; i++) {
        if (spread->lanes[i].id == id) {
            return &spread->lanes[i];
        }
    }
    return NULL;
}
