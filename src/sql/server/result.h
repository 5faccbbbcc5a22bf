/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_RESULT_H
#define CFL_SQL_SERVER_RESULT_H

#include "sql/server/execution.h"
#include "sql/server/kept_rows.h"
#include "sql/server/statement.h"

/* An open stream of the application, with what was read of it ahead, and what it stands on. */
struct cfl_sql_cursor {
    struct cfl_sql_garbage garbage;
    struct cfl_sql_open_stream open; /* once a client reads it */
    struct cfl_sql_session *session; /* a reference */
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray *ahead;
    size_t ahead_count;
    size_t ahead_capacity;
    size_t ahead_next;
    bool is_over;
    struct cfl_sql_plan *plan;
    struct cfl_sql_statement *statement; /* who lent it: a reference, or NULL */
    struct cfl_sql_result *result;       /* whose it is, while it waits: the server's lock */
    struct cfl_list node;
    int64_t open_until_ns;
};

/* NULL is ignored. */
void cfl_sql_cursor_end(struct cfl_sql_cursor *cursor);
/* A client reads it from now on, by a call that is not over before the cursor ends. */
void cfl_sql_cursor_open_to(struct cfl_sql_cursor *cursor, const cflight_sql_call *reader);
/* The next batch, released at the end. */
cflight_status cfl_sql_cursor_next(struct cfl_sql_cursor *cursor, cflight_sql_call *call,
                                   struct ArrowArray *ret_batch, cflight_error **reterr);

/* What a statement has given, until its ticket ends. Constant, but for what the server's lock
 * protects. */
struct cfl_sql_result {
    struct cfl_sql_handle handle;
    cflight_buffer *schema; /* serialised */
    cflight_buffer *rows;   /* all of them, or NULL */
    int64_t total_rows;
    int64_t total_bytes;
    struct cfl_sql_partition *partitions;
    size_t partition_count;
    size_t partition_capacity;
    bool may_run_again;
    bool has_nothing;   /* of an update: neither rows nor partitions */
    bool is_of_ticket;  /* which carries the statement: there for its reading alone */
    bool keeps_session; /* of who asked */
    struct cfl_sql_source *source;
    struct cfl_sql_bound *bound;
    struct cfl_sql_statement *statement; /* references, or NULL */
    struct cfl_sql_transaction *transaction;
    struct cfl_sql_session *session; /* of partitions */
    struct {
        struct cfl_sql_cursor *cursor; /* nobody has fetched yet */
        size_t taken_count;            /* of the partitions */
        bool is_cancelled;
        bool is_running; /* while its client polls: what is constant later is not yet there */
        double progress; /* negative: not known */
        cflight_status failure;
        cflight_error *error;
        struct cfl_list readers;
    } locked;
};

/* What a statement runs in, and of. */
struct cfl_sql_origin {
    struct cfl_sql_source *source;
    struct cfl_sql_plan *plan;           /* or NULL: it is to be planned; taken */
    struct cfl_sql_statement *statement; /* of the two one may be there */
    struct cfl_sql_transaction *transaction;
};

/* Runs a statement for its rows, with the turn of the call's session, and lists what it gives. The
 * caller has a reference. */
cflight_status cfl_sql_result_new(cflight_sql_call *call, const struct cfl_sql_origin *origin,
                                  struct cfl_sql_result **ret_result, cflight_error **reterr);
/* Lists a statement whose client is to poll. In use; to be put back. */
cflight_status cfl_sql_result_polled(cflight_sql_call *call, const struct cfl_sql_origin *origin,
                                     struct cfl_sql_result **ret_result, cflight_error **reterr);
/* Runs it. `plan` may be NULL, and is taken. */
cflight_status cfl_sql_result_run(struct cfl_sql_result *result, cflight_sql_call *call,
                                  struct cfl_sql_plan *plan, cflight_error **reterr);
/* FAILED_PRECONDITION while it runs. */
cflight_status cfl_sql_result_check_ready(struct cfl_sql_result *result, cflight_error **reterr);
/* Lists a statement that has not run, for one reading of a ticket that carries it; `id` is that of
 * the ticket. In use; to be put back. Takes `bound`. */
cflight_status cfl_sql_result_of_ticket(cflight_sql_call *call, const uint8_t *id,
                                        struct cfl_sql_source *source, cflight_buffer *bound,
                                        struct cfl_sql_result **ret_result, cflight_error **reterr);
/* Runs it again. With the turn. */
cflight_status cfl_sql_result_run_again(struct cfl_sql_result *result, cflight_sql_call *call,
                                        struct cfl_sql_cursor **ret_cursor, cflight_error **reterr);
/* Finds the result, and the part of it, that a ticket names. To be put back. */
cflight_status cfl_sql_result_find(const cflight_sql_call *call, struct cflight_bytes id,
                                   struct cfl_sql_result **ret_result, size_t *ret_partition,
                                   cflight_error **reterr);
/* A client has it, or that part of it: what is taken whole makes room where there are too many. */
void cfl_sql_result_set_taken(struct cfl_sql_result *result, size_t partition);
/* The stream that waits, or NULL; it is the caller's then. */
struct cfl_sql_cursor *cfl_sql_result_take_cursor(struct cfl_sql_result *result);

/* Who reads a result at the moment, so that it can be cancelled. */
struct cfl_sql_result_reader {
    struct cfl_list node;
    cflight_sql_call *call;
};
/* CANCELLED when the result has been. */
cflight_status cfl_sql_result_add_reader(struct cfl_sql_result *result,
                                         struct cfl_sql_result_reader *reader,
                                         cflight_error **reterr);
void cfl_sql_result_remove_reader(struct cfl_sql_result *result,
                                  struct cfl_sql_result_reader *reader);
void cfl_sql_result_cancel(struct cfl_sql_result *result);
/* Ends streams that wait for too long; returns when the next is due. */
int64_t cfl_sql_results_sweep(cflight_sql_server *server);

#endif /* CFL_SQL_SERVER_RESULT_H */
