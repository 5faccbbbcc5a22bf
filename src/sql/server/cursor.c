/* SPDX-License-Identifier: Apache-2.0 */
/* Open streams of the application: each pull takes the turn of the session for itself.
 *
 * Owner: a result, until a client fetches it, then the stream that was handed over. Thread class:
 * one at a time. */
#include "sql/server/result.h"

/* With the turn. */
static void run_end(struct cfl_sql_session *session, struct cfl_sql_garbage *garbage)
{
    struct cfl_sql_cursor *cursor = CFL_LIST_ENTRY(garbage, struct cfl_sql_cursor, garbage);
    const struct cflight_allocator *alloc = session->server->alloc;
    for (size_t i = cursor->ahead_next; i < cursor->ahead_count; i++) {
        cursor->ahead[i].release(&cursor->ahead[i]);
    }
    cfl_free_array(alloc, cursor->ahead, cursor->ahead_capacity, sizeof *cursor->ahead);
    if (cursor->stream.release != NULL) {
        cursor->stream.release(&cursor->stream);
    }
    if (cursor->schema.release != NULL) {
        cursor->schema.release(&cursor->schema);
    }
    cfl_sql_statement_return(cursor->statement, cursor->plan);
    if (cursor->statement != NULL) {
        cfl_sql_handle_unref(&cursor->statement->handle);
    }
    cfl_free(alloc, cursor, sizeof *cursor);
}

void cfl_sql_cursor_end(struct cfl_sql_cursor *cursor)
{
    if (cursor != NULL) {
        struct cfl_sql_session *session = cursor->session;
        cursor->garbage.run = run_end;
        cfl_sql_session_defer_stream(session, &cursor->open, &cursor->garbage);
        cfl_sql_session_unref(session);
    }
}

static void cut(struct cfl_sql_open_stream *open)
{
    struct cfl_sql_cursor *cursor = CFL_LIST_ENTRY(open, struct cfl_sql_cursor, open);
    if (cursor->stream.release != NULL) {
        cursor->stream.release(&cursor->stream);
    }
}

void cfl_sql_cursor_open_to(struct cfl_sql_cursor *cursor, const cflight_sql_call *reader)
{
    cursor->open.reader = reader;
    cursor->open.cut = cut;
    cfl_sql_session_add_stream(cursor->session, &cursor->open);
}

cflight_status cfl_sql_cursor_next(struct cfl_sql_cursor *cursor, cflight_sql_call *call,
                                   struct ArrowArray *ret_batch, cflight_error **reterr)
{
    ret_batch->release = NULL;
    if (cursor->ahead_next < cursor->ahead_count) {
        *ret_batch = cursor->ahead[cursor->ahead_next++];
        return CFLIGHT_OK;
    }
    if (cursor->is_over) {
        return CFLIGHT_OK;
    }
    bool had_turn = call->has_turn;
    cflight_status status =
        had_turn ? CFLIGHT_OK : cfl_sql_call_enter(call, cursor->session, reterr);
    if (status == CFLIGHT_OK && cursor->stream.release == NULL) {
        status =
            cflight_error_set_message(reterr, CFLIGHT_CANCELLED, "The statement was cancelled");
    } else if (status == CFLIGHT_OK) {
        status = cfl_sql_pull(&cursor->stream, call, ret_batch, reterr);
        cursor->is_over = status != CFLIGHT_OK || ret_batch->release == NULL;
    }
    if (!had_turn) {
        cfl_sql_call_pause(call);
    }
    return status;
}
