/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_KEPT_ROWS_H
#define CFL_SQL_SERVER_KEPT_ROWS_H

#include "base/buf.h"
#include "cflight/ipc.h"
#include "sql/server/kit.h"

/* Rows that are kept, as an Arrow IPC stream in memory: small results, and rows that clients bind.
 * Thread class: one at a time. */
struct cfl_sql_kept_rows {
    struct cfl_buf buf;
    uint64_t bytes_max;
    bool is_full; /* more than bytes_max came: nothing is kept any more */
    int64_t row_count;
    cflight_ipc_writer *writer;
};

cflight_status cfl_sql_kept_rows_begin(struct cfl_sql_kept_rows *kept,
                                       const struct cflight_allocator *alloc, uint64_t bytes_max,
                                       const struct ArrowSchema *schema, cflight_error **reterr);
/* Does nothing once it is full. */
cflight_status cfl_sql_kept_rows_add(struct cfl_sql_kept_rows *kept, const struct ArrowArray *batch,
                                     cflight_error **reterr);
/* Gives the stream with its end; NULL when it is full. */
cflight_status cfl_sql_kept_rows_end(struct cfl_sql_kept_rows *kept, cflight_buffer **ret_rows,
                                     cflight_error **reterr);
void cfl_sql_kept_rows_done(struct cfl_sql_kept_rows *kept);
/* A stream over such bytes, which were checked when they came. */
cflight_status cfl_sql_kept_rows_stream(cflight_buffer *rows, struct ArrowArrayStream *ret_stream,
                                        cflight_error **reterr);
/* Counts bytes while there is room. */
bool cfl_sql_bytes_reserve(atomic_uint_fast64_t *used, uint64_t bytes, uint64_t bytes_max);

#endif /* CFL_SQL_SERVER_KEPT_ROWS_H */
