/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of an upload as an Arrow stream. What the client sends is read as fast as the engine
 * takes it. Owner: the handler's frame. Thread class: one at a time. */
#include "sql/server/parameters.h"

#include <errno.h>
#include <string.h>

cflight_status cfl_sql_upload_begin(struct cfl_sql_upload *upload, cflight_reader *reader,
                                    cflight_error **reterr)
{
    memset(upload, 0, sizeof *upload);
    upload->reader = reader;
    cflight_error *error = NULL;
    cflight_status status = cflight_reader_schema(reader, &upload->schema, &error);
    if (status == CFLIGHT_FAILED_PRECONDITION) {
        cflight_error_free(error);
        return cfl_sql_upload_drain(upload, reterr);
    }
    if (status != CFLIGHT_OK) {
        if (reterr != NULL) {
            *reterr = error;
        } else {
            cflight_error_free(error);
        }
        return status;
    }
    upload->has_columns = upload->schema.n_children > 0;
    return CFLIGHT_OK;
}

/* The next batch; a released one at the end. */
static cflight_status next(struct cfl_sql_upload *upload, struct ArrowArray *ret_batch)
{
    memset(ret_batch, 0, sizeof *ret_batch);
    while (upload->status == CFLIGHT_OK && !upload->is_over) {
        struct cflight_chunk chunk;
        upload->status = cflight_reader_next(upload->reader, &chunk, &upload->error);
        if (upload->status != CFLIGHT_OK) {
            break;
        }
        upload->is_over = chunk.is_end;
        if (chunk.has_batch) {
            *ret_batch = chunk.batch;
            chunk.batch.release = NULL;
            upload->row_count += ret_batch->length;
        }
        bool has_batch = chunk.has_batch;
        cflight_chunk_release(&chunk);
        if (has_batch) {
            break;
        }
    }
    return upload->status;
}

cflight_status cfl_sql_upload_drain(struct cfl_sql_upload *upload, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK && !upload->is_over) {
        struct ArrowArray batch;
        status = next(upload, &batch);
        if (batch.release != NULL) {
            batch.release(&batch);
        }
    }
    return cfl_sql_upload_failure(upload, status, reterr);
}

cflight_status cfl_sql_upload_failure(struct cfl_sql_upload *upload, cflight_status status,
                                      cflight_error **reterr)
{
    if (status == CFLIGHT_OK || upload->status == CFLIGHT_OK) {
        return status;
    }
    if (reterr != NULL && upload->error != NULL) {
        cflight_error_free(*reterr);
        *reterr = upload->error;
        upload->error = NULL;
    }
    return upload->status;
}

void cfl_sql_upload_done(struct cfl_sql_upload *upload)
{
    if (upload->schema.release != NULL) {
        upload->schema.release(&upload->schema);
    }
    cflight_error_free(upload->error);
    upload->error = NULL;
}

/* ---- the stream ---- */

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    const struct cfl_sql_upload *upload = stream->private_data;
    return cflight_schema_copy(&upload->schema, ret_schema, NULL) == CFLIGHT_OK ? 0 : ENOMEM;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    return next(stream->private_data, ret_batch) == CFLIGHT_OK ? 0 : EIO;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    const struct cfl_sql_upload *upload = stream->private_data;
    return upload->error == NULL ? NULL : cflight_error_message(upload->error);
}

static void release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

void cfl_sql_upload_stream(struct cfl_sql_upload *upload, struct ArrowArrayStream *ret_stream)
{
    ret_stream->get_schema = get_schema;
    ret_stream->get_next = get_next;
    ret_stream->get_last_error = get_last_error;
    ret_stream->release = release;
    ret_stream->private_data = upload;
}
