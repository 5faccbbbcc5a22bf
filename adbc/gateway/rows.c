/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that a driver gives, on their way to a client.
 *
 * A driver is foreign code: what it gives is validated as a peer's data would be, before anything
 * reads it. An array says nothing of the size of its memory, so a driver that lies about that is
 * not found out. Owner: the kit, for as long as the stream is open. Thread class: one at a time,
 * with the turn of the session. Arrow C stream interface. */
#include "adbc/gateway/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cflight/builder.h"
#include "cflight/ipc.h"
#include "cflight/schema.h"

struct rows {
    struct gateway_session *session;
    struct gateway_statement *statement;
    struct ArrowArrayStream inner;
    struct ArrowSchema schema;
    int64_t left_ms;
    uint64_t row_count;
    cflight_error *error; /* of the last pull */
};

static cflight_status blame_driver(const char *what, cflight_error *cause, cflight_error **reterr)
{
    cflight_status status = cflight_error_set(
        reterr, CFLIGHT_INTERNAL, "the driver of this database has given %s that is wrong: %s",
        what, cflight_error_message(cause));
    cflight_error_free(cause);
    return status;
}

cflight_status gateway_stream_schema(const struct gateway *gateway, struct ArrowArrayStream *stream,
                                     struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    struct ArrowSchema schema;
    cflight_buffer *written = NULL;
    cflight_error *cause = NULL;
    memset(&schema, 0, sizeof schema);
    if (stream->release == NULL || stream->get_schema == NULL || stream->get_next == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                         "the driver of this database has given no stream");
    }
    int code = stream->get_schema(stream, &schema);
    if (code != 0) {
        return gateway_fail_stream(&gateway->driver, stream, code, reterr);
    }
    if (schema.release == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                         "the driver of this database has given no schema");
    }
    /* Writing it looks at all of it; a copy does not. */
    cflight_status status = cflight_ipc_schema_serialize(&schema, &written, &cause);
    cflight_buffer_unref(written);
    if (status == CFLIGHT_OK) {
        status = cflight_schema_copy(&schema, ret_schema, &cause);
    }
    schema.release(&schema);
    return status == CFLIGHT_OK ? status : blame_driver("a schema", cause, reterr);
}

cflight_status gateway_stream_next(const struct gateway *gateway, struct ArrowArrayStream *stream,
                                   const struct ArrowSchema *schema, struct ArrowArray *ret_batch,
                                   cflight_error **reterr)
{
    cflight_error *cause = NULL;
    memset(ret_batch, 0, sizeof *ret_batch);
    int code = stream->get_next(stream, ret_batch);
    if (code != 0) {
        if (gateway->vendor != NULL && gateway->vendor->leaves_failed_rows &&
            ret_batch->release != NULL) {
            ret_batch->release(ret_batch);
        }
        return gateway_fail_stream(&gateway->driver, stream, code, reterr);
    }
    if (ret_batch->release == NULL ||
        cflight_array_validate(schema, ret_batch, &cause) == CFLIGHT_OK) {
        return CFLIGHT_OK;
    }
    ret_batch->release(ret_batch);
    ret_batch->release = NULL;
    return blame_driver("rows", cause, reterr);
}

static int rows_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct rows *rows = stream->private_data;
    return cflight_schema_copy(&rows->schema, ret_schema, NULL) == CFLIGHT_OK ? 0 : ENOMEM;
}

/* Takes the time of a pull from what is left. */
static cflight_status pull(struct rows *rows, struct ArrowArray *ret_batch)
{
    struct gateway *gateway = rows->session->gateway;
    struct gateway_run run;
    int64_t begin_ms = gateway_now_ms();
    gateway_run_begin(&run, rows->session, rows->statement == NULL ? NULL : &rows->statement->adbc,
                      rows->left_ms);
    cflight_status status =
        gateway_stream_next(gateway, &rows->inner, &rows->schema, ret_batch, &rows->error);
    bool is_late = gateway_run_end(&run);
    if (rows->left_ms >= 0) {
        int64_t left_ms = rows->left_ms - (gateway_now_ms() - begin_ms);
        rows->left_ms = left_ms < 0 ? 0 : left_ms;
    }
    if (is_late && (status != CFLIGHT_OK || ret_batch->release != NULL)) {
        if (status == CFLIGHT_OK) {
            ret_batch->release(ret_batch);
        }
        cflight_error_free(rows->error);
        rows->error = NULL;
        return gateway_fail_late(gateway, &rows->error);
    }
    return status;
}

static cflight_status count(struct rows *rows, struct ArrowArray *batch)
{
    uint64_t row_count_max = rows->session->gateway->result_rows_max;
    rows->row_count += (uint64_t)batch->length;
    if (row_count_max == 0 || rows->row_count <= row_count_max) {
        return CFLIGHT_OK;
    }
    batch->release(batch);
    return cflight_error_set(&rows->error, CFLIGHT_RESOURCE_EXHAUSTED,
                             "the result has more than %llu rows (--result-rows-max)",
                             (unsigned long long)row_count_max);
}

static int os_code_of(cflight_status status)
{
    switch ((int)status) {
    case CFLIGHT_OK:
        return 0;
    case CFLIGHT_CANCELLED:
        return ECANCELED;
    case CFLIGHT_DEADLINE_EXCEEDED:
        return ETIMEDOUT;
    case CFLIGHT_RESOURCE_EXHAUSTED:
        return ENOBUFS;
    default:
        return EIO;
    }
}

static int rows_get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    struct rows *rows = stream->private_data;
    cflight_error_free(rows->error);
    rows->error = NULL;
    cflight_status status = pull(rows, ret_batch);
    if (status == CFLIGHT_OK && ret_batch->release != NULL) {
        status = count(rows, ret_batch);
    }
    if (status != CFLIGHT_OK) {
        memset(ret_batch, 0, sizeof *ret_batch);
    }
    return os_code_of(status);
}

static const char *rows_get_last_error(struct ArrowArrayStream *stream)
{
    const struct rows *rows = stream->private_data;
    return rows->error == NULL ? NULL : cflight_error_message(rows->error);
}

static void rows_release(struct ArrowArrayStream *stream)
{
    struct rows *rows = stream->private_data;
    rows->inner.release(&rows->inner);
    rows->schema.release(&rows->schema);
    cflight_error_free(rows->error);
    gateway_statement_free(rows->statement);
    gateway_session_drop(rows->session);
    free(rows);
    stream->release = NULL;
}

cflight_status gateway_rows_error(void *user_data, struct ArrowArrayStream *stream,
                                  cflight_error **reterr)
{
    (void)user_data;
    if (stream->release != rows_release) {
        return CFLIGHT_OK;
    }
    struct rows *rows = stream->private_data;
    cflight_status status = cflight_error_status(rows->error);
    if (reterr != NULL) {
        *reterr = rows->error;
        rows->error = NULL;
    }
    return status;
}

cflight_status gateway_rows_wrap(struct gateway_session *session,
                                 struct gateway_statement *statement,
                                 struct ArrowArrayStream *inner, struct ArrowSchema *schema,
                                 int64_t left_ms, struct ArrowArrayStream *ret_stream,
                                 cflight_error **reterr)
{
    struct rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL) {
        return gateway_no_memory(reterr);
    }
    cflight_status status = gateway_session_hold(session, reterr);
    if (status != CFLIGHT_OK) {
        free(rows);
        return status;
    }
    rows->session = session;
    rows->statement = statement;
    rows->inner = *inner;
    rows->schema = *schema;
    rows->left_ms = left_ms;
    inner->release = NULL;
    schema->release = NULL;
    memset(ret_stream, 0, sizeof *ret_stream);
    ret_stream->get_schema = rows_get_schema;
    ret_stream->get_next = rows_get_next;
    ret_stream->get_last_error = rows_get_last_error;
    ret_stream->release = rows_release;
    ret_stream->private_data = rows;
    return CFLIGHT_OK;
}
