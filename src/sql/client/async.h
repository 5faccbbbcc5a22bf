/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_CLIENT_ASYNC_H
#define CFL_SQL_CLIENT_ASYNC_H

#include "sql/client/request.h"

/* A request of an event loop. Thread class: loop only. */
struct cflight_sql_async {
    enum cflight_sql_type type;
    enum cflight_sql_type answer_type; /* NONE: an info, a schema, a state, or no answer */
    enum cflight_method method;
    const char *name; /* for errors */
    cflight_async *call;
    struct ArrowSchema schema;    /* of the rows of an upload; of no fields without rows */
    struct ArrowArrayStream rows; /* of an upload, until they have left; released without */
    struct ArrowArray batch;      /* which is leaving; released where none is */
    cflight_writer *writer;       /* of an upload that is on its way, as is the next */
    cflight_metadata_reader *metadata;
    bool is_writing;       /* rows are leaving: the writer is waited for */
    cflight_buffer *first; /* answer; NULL until it comes */
    bool is_done;
    cflight_status status; /* when it is done, as are the next two */
    cflight_error *error;
    struct cflight_sql_answer answer;
    cflight_ready_fn on_ready;
    void *user_data;
};

#endif /* CFL_SQL_CLIENT_ASYNC_H */
