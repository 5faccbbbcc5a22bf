/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_ROWS_H
#define CFL_SQL_SERVER_ROWS_H

#include "base/arena.h"
#include "sql/server/kit.h"

/* A value of a row: as the type of its column says. */
struct cfl_sql_cell {
    bool has_value;
    int64_t number;
    struct cflight_bytes bytes;
    const struct cflight_bytes *items;
    size_t item_count;
};

enum { CFL_SQL_COLUMNS_MAX = 19 };

struct cfl_sql_row {
    const cflight_sql_rows *rows;
    uint32_t rank; /* before all else: names that are those of a pattern, letter by letter */
    struct cfl_sql_cell cells[];
};

struct cflight_sql_rows {
    cflight_sql_server *server;
    const struct cflight_sql_message *command;
    struct ArrowSchema schema;
    size_t column_count;
    struct cfl_sql_row **rows;
    size_t row_count;
    size_t row_capacity;
    struct cfl_arena arena;
};

cflight_status cfl_sql_rows_begin(cflight_sql_rows *rows, cflight_sql_server *server,
                                  const struct cflight_sql_message *command,
                                  cflight_error **reterr);
void cfl_sql_rows_done(cflight_sql_rows *rows);
/* Adds a row, copied; FAILED_PRECONDITION when it is not for this listing. */
cflight_status cfl_sql_rows_add(cflight_sql_rows *rows, const struct cfl_sql_cell *cells,
                                uint32_t rank, cflight_error **reterr);
/* Sorts them, drops doubles, and gives them as a stream. */
cflight_status cfl_sql_rows_stream(cflight_sql_rows *rows, struct ArrowArrayStream *ret_stream,
                                   cflight_error **reterr);

/* A metadata command, answered: with the turn of the call's session. */
cflight_status cfl_sql_listing_stream(cflight_sql_call *call,
                                      const struct cflight_sql_message *command,
                                      struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/* UNIMPLEMENTED when the application has no function for it. */
cflight_status cfl_sql_listing_check(const cflight_sql_server *server,
                                     const struct cflight_sql_message *command,
                                     cflight_error **reterr);
bool cfl_sql_is_listing(enum cflight_sql_type type);

#endif /* CFL_SQL_SERVER_ROWS_H */
