/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_EXECUTION_H
#define CFL_SQL_SERVER_EXECUTION_H

#include "sql/server/parameters.h"
#include "sql/server/plan.h"

/* A part of a result, as the application has named it. */
struct cfl_sql_partition {
    cflight_buffer *name;
    char **locations;
    size_t location_count;
    bool is_taken; /* a client has fetched it: the server's lock */
};

/* What is made of what an execution gives. */
enum cfl_sql_wanted {
    CFL_SQL_WANTS_COUNT,
    CFL_SQL_WANTS_ROWS,
    CFL_SQL_WANTS_STREAM, /* rows, but no partitions */
};

struct cflight_sql_execution {
    cflight_sql_call *call;
    enum cfl_sql_wanted wanted;
    struct ArrowArrayStream stream; /* released when there is none */
    int64_t row_count;              /* of an update */
    int64_t total_rows;
    int64_t total_bytes;
    struct ArrowSchema schema; /* of partitions */
    struct cfl_sql_partition *partitions;
    size_t partition_count;
    size_t partition_capacity;
};

/* Runs a statement, with the turn of the call's session. */
cflight_status cfl_sql_execution_run(struct cflight_sql_execution *execution,
                                     cflight_sql_call *call, const struct cfl_sql_plan *plan,
                                     struct cflight_sql_parameters *parameters,
                                     enum cfl_sql_wanted wanted, cflight_error **reterr);
/* With the turn. */
void cfl_sql_execution_done(struct cflight_sql_execution *execution);
/* Reads what the application has given when a count is wanted. With the turn. */
cflight_status cfl_sql_execution_count(struct cflight_sql_execution *execution,
                                       int64_t *ret_row_count, cflight_error **reterr);

/* The next batch of an application's stream, released at the end. With the turn of the call. */
cflight_status cfl_sql_pull(struct ArrowArrayStream *stream, const cflight_sql_call *call,
                            struct ArrowArray *ret_batch, cflight_error **reterr);
void cfl_sql_partitions_free(const struct cflight_allocator *alloc,
                             struct cfl_sql_partition *partitions, size_t count, size_t capacity);

#endif /* CFL_SQL_SERVER_EXECUTION_H */
