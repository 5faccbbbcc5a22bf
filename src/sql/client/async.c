/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for an event loop, on their way.
 *
 * An upload is a call first, then rows that leave one batch a turn, so that others have theirs, and
 * a stream of answers at last: it is waited for in three places; the user is told of the end alone.
 * The first answer counts, and the status of the call wins. Rows that fail end the call, so that
 * the server keeps nothing. Thread class: loop only. */
#include "sql/client/async.h"

#include "base/alloc.h"
#include "base/error.h"
#include "cflight/ipc.h"
#include "cflight/loop.h"
#include "sql/client/upload.h"

/* The next answer of the call or stream. */
static cflight_status try_next(cflight_sql_async *async, bool *ret_is_ready,
                               cflight_buffer **ret_answer, cflight_error **reterr)
{
    return async->metadata == NULL
               ? cflight_async_try_next(async->call, ret_is_ready, ret_answer, reterr)
               : cflight_metadata_reader_try_next(async->metadata, 0, ret_is_ready, ret_answer,
                                                  reterr);
}

/* ---- rows ---- */

/* Turns an upload that is on its way into its streams. */
static cflight_status begin_upload(cflight_sql_async *async, cflight_error **reterr)
{
    cflight_status status = cflight_async_take_put(async->call, &async->schema, &async->writer,
                                                   &async->metadata, reterr);
    async->is_writing = status == CFLIGHT_OK;
    if (async->is_writing && async->rows.release == NULL && cfl_sql_needs_batch(async->type)) {
        async->batch = cfl_sql_no_rows();
    }
    return status;
}

/* The next batch; none at the end, which is said. */
static cflight_status pull(cflight_sql_async *async, cflight_error **reterr)
{
    if (async->rows.release != NULL) {
        int code = async->rows.get_next(&async->rows, &async->batch);
        if (code != 0) {
            async->batch.release = NULL;
            return cfl_sql_rows_failure(&async->rows, code, reterr);
        }
        if (async->batch.release != NULL) {
            return CFLIGHT_OK;
        }
        async->rows.release(&async->rows);
    }
    async->is_writing = false;
    return cflight_writer_done_writing(async->writer, reterr);
}

static void drop_batch(cflight_sql_async *async)
{
    if (async->batch.release != NULL) {
        async->batch.release(&async->batch);
        async->batch.release = NULL;
    }
}

/* One batch, or what is left of it. Where one of no rows cannot be written the answers tell why. */
static cflight_status write_batch(cflight_sql_async *async, cflight_error **reterr)
{
    bool is_sent = false;
    bool has_rows = async->rows.release != NULL;
    cflight_status status = async->batch.release == NULL ? pull(async, reterr) : CFLIGHT_OK;
    if (status == CFLIGHT_OK && async->is_writing) {
        status = cflight_writer_try_write(async->writer, &async->batch, NULL, &is_sent,
                                          has_rows ? reterr : NULL);
    }
    if (status != CFLIGHT_OK && !has_rows && async->batch.release != NULL) {
        drop_batch(async);
        async->is_writing = false;
        return CFLIGHT_OK;
    }
    if (status != CFLIGHT_OK) {
        cflight_writer_cancel(async->writer);
        async->is_writing = false;
    }
    if (status != CFLIGHT_OK || is_sent) {
        drop_batch(async);
    }
    return status;
}

/* ---- answers ---- */

static cflight_status read_schema(struct cflight_bytes bytes, struct ArrowSchema *ret_schema,
                                  cflight_error **reterr)
{
    cflight_buffer *schema = NULL;
    cflight_status status = cflight_schema_result_parse(bytes, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_schema_parse(cflight_buffer_bytes(schema), ret_schema, reterr);
    }
    cflight_buffer_unref(schema);
    return status;
}

/* Reads the answer that has come. */
static cflight_status read_answer(cflight_sql_async *async, cflight_error **reterr)
{
    struct cflight_bytes bytes = cflight_buffer_bytes(async->first);
    cflight_buffer *body = NULL;
    if (async->first == NULL) {
        bool is_needed = async->method == CFLIGHT_METHOD_DO_ACTION
                             ? async->answer_type != CFLIGHT_SQL_NONE
                             : async->method != CFLIGHT_METHOD_DO_PUT;
        return is_needed ? cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                                     "the server sent no result")
                         : CFLIGHT_OK;
    }
    if (async->method == CFLIGHT_METHOD_GET_FLIGHT_INFO) {
        return cflight_info_parse(bytes, &async->answer.info, reterr);
    }
    if (async->method == CFLIGHT_METHOD_POLL_FLIGHT_INFO) {
        return cflight_poll_info_parse(bytes, &async->answer.poll_info, reterr);
    }
    if (async->method == CFLIGHT_METHOD_GET_SCHEMA) {
        return read_schema(bytes, &async->answer.schema, reterr);
    }
    if (async->answer_type == CFLIGHT_SQL_NONE) {
        return CFLIGHT_OK;
    }
    cflight_status status = CFLIGHT_OK;
    if (async->method == CFLIGHT_METHOD_DO_ACTION) {
        status = cflight_result_parse(bytes, &body, reterr);
        bytes = cflight_buffer_bytes(body);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_answer_read(async->answer_type, bytes, &async->answer.message, reterr);
    }
    cflight_buffer_unref(body);
    return status;
}

static void finish(cflight_sql_async *async, cflight_status status)
{
    async->is_done = true;
    if (status == CFLIGHT_OK) {
        status = read_answer(async, &async->error);
    }
    async->status = status;
    if (status != CFLIGHT_OK) {
        (void)cfl_error_prefix(&async->error, status, "%s", async->name);
    }
}

/* Does all that can be done without waiting, but for rows: of these one batch. */
static void advance(cflight_sql_async *async)
{
    bool is_ready = true;
    while (!async->is_done && is_ready) {
        cflight_buffer *answer = NULL;
        if (async->is_writing) {
            cflight_status failure = write_batch(async, &async->error);
            if (failure != CFLIGHT_OK) {
                finish(async, failure);
            }
            is_ready = !async->is_writing;
            continue;
        }
        cflight_status status = try_next(async, &is_ready, &answer, &async->error);
        if (status == CFLIGHT_OK && !is_ready) {
            return;
        }
        if (status == CFLIGHT_OK && answer != NULL) {
            cflight_buffer_unref(async->first == NULL ? NULL : answer);
            async->first = async->first == NULL ? answer : async->first;
            continue;
        }
        if (status == CFLIGHT_OK && async->method == CFLIGHT_METHOD_DO_PUT &&
            async->metadata == NULL) {
            status = begin_upload(async, &async->error);
            if (status == CFLIGHT_OK) {
                continue;
            }
        }
        finish(async, status);
    }
}

/* ---- being told ---- */

static void on_step(void *user_data);

/* Waits in the place that the request has reached. An upload that is on its way already has nothing
 * to wait for before its streams are taken. */
static void rearm(cflight_sql_async *async)
{
    cflight_ready_fn on_ready = async->on_ready == NULL ? NULL : on_step;
    if (async->metadata == NULL) {
        cflight_async_notify(async->call, on_ready, async);
        return;
    }
    cflight_writer_notify(async->writer, async->is_writing ? on_ready : NULL, async);
    cflight_metadata_reader_notify(async->metadata, async->is_writing ? NULL : on_ready, async);
}

static void on_step(void *user_data)
{
    cflight_sql_async *async = user_data;
    advance(async);
    if (!async->is_done) {
        rearm(async);
        return;
    }
    cflight_ready_fn on_ready = async->on_ready;
    async->on_ready = NULL;
    if (on_ready != NULL) {
        on_ready(async->user_data); /* may free it */
    }
}

void cflight_sql_async_notify(cflight_sql_async *async, cflight_ready_fn on_ready, void *user_data)
{
    async->on_ready = on_ready;
    async->user_data = user_data;
    rearm(async);
}

/* ---- the end ---- */

cflight_status cflight_sql_async_try_finish(cflight_sql_async *async, bool *ret_is_ready,
                                            struct cflight_sql_answer *ret_answer,
                                            cflight_error **reterr)
{
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(async), CFL_ARG(ret_is_ready), CFL_ARG(ret_answer));
    if (status != CFLIGHT_OK) {
        return status;
    }
    advance(async);
    rearm(async);
    if (async->is_done && async->status != CFLIGHT_OK) {
        if (reterr != NULL) {
            *reterr = cfl_error_copy(async->error);
        }
        return async->status;
    }
    *ret_is_ready = async->is_done;
    if (async->is_done) {
        *ret_answer = async->answer;
        async->answer = (struct cflight_sql_answer){.info = NULL};
    }
    return CFLIGHT_OK;
}

void cflight_sql_answer_done(struct cflight_sql_answer *answer)
{
    cflight_info_free(answer->info);
    cflight_poll_info_free(answer->poll_info);
    cflight_sql_message_free(answer->message);
    if (answer->schema.release != NULL) {
        answer->schema.release(&answer->schema);
    }
    *answer = (struct cflight_sql_answer){.info = NULL};
}

void cflight_sql_async_free(cflight_sql_async *async)
{
    if (async == NULL) {
        return;
    }
    cflight_metadata_reader_free(async->metadata);
    cflight_writer_free(async->writer);
    cflight_async_free(async->call);
    drop_batch(async);
    if (async->rows.release != NULL) {
        async->rows.release(&async->rows);
    }
    if (async->schema.release != NULL) {
        async->schema.release(&async->schema);
    }
    cflight_buffer_unref(async->first);
    cflight_error_free(async->error);
    cflight_sql_answer_done(&async->answer);
    cfl_free(NULL, async, sizeof *async);
}
