/* SPDX-License-Identifier: Apache-2.0 */
/* Bound rows and what they count. Thread class: free. */
#include "sql/server/bound.h"

#include "sql/server/kept_rows.h"

static uint64_t size_of(cflight_buffer *rows)
{
    return cflight_buffer_bytes(rows).len_bytes;
}

cflight_status cfl_sql_bound_new(cflight_sql_server *server, cflight_buffer *rows,
                                 struct cfl_sql_bound **ret_bound, cflight_error **reterr)
{
    uint64_t bytes_max = server->options.bound_bytes_total_max;
    struct cfl_sql_bound *bound = cfl_alloc_zeroed(server->alloc, sizeof *bound);
    if (bound == NULL) {
        cflight_buffer_unref(rows);
        return cfl_error_no_memory(reterr);
    }
    if (!cfl_sql_bytes_reserve(&server->bound_bytes, size_of(rows), bytes_max)) {
        cflight_buffer_unref(rows);
        cfl_free(server->alloc, bound, sizeof *bound);
        return cfl_sql_limit(reterr, "bound_bytes_total_max", bytes_max,
                             "The rows that all clients have bound are too many");
    }
    cfl_refcount_init(&bound->refs);
    bound->server = server;
    bound->rows = rows;
    *ret_bound = bound;
    return CFLIGHT_OK;
}

struct cfl_sql_bound *cfl_sql_bound_ref(struct cfl_sql_bound *bound)
{
    if (bound != NULL) {
        cfl_refcount_up(&bound->refs);
    }
    return bound;
}

void cfl_sql_bound_unref(struct cfl_sql_bound *bound)
{
    if (bound != NULL && cfl_refcount_down(&bound->refs)) {
        atomic_fetch_sub(&bound->server->bound_bytes, size_of(bound->rows));
        cflight_buffer_unref(bound->rows);
        cfl_free(bound->server->alloc, bound, sizeof *bound);
    }
}
