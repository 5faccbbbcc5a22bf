/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a result: those that came with its description, or those of its endpoints.
 *
 * A server that has few rows puts them, as an Arrow IPC stream with its end, behind a mark into the
 * metadata of the only endpoint. They are looked through once before anybody gets them, so that
 * damage is told where the query is made; a stream that is longer than what any request asks for is
 * damage too. Spec: docs/internals/sql.md, rows with the first answer. Thread class: one at a time.
 */
#include "sql/client/rows.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "cflight/ipc.h"

static const char HEADER[] = "cflight-inline-max";
static const char MARK[] = "CFINLN01";
static const uint8_t END[] = {0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0};
enum { MARK_BYTES = sizeof MARK - 1, INLINE_BYTES_MAX = 4 << 20, INLINE_BYTES_DEFAULT = 64 << 10 };

cflight_status cfl_sql_rows_ask_inline(const struct cfl_sql_request *request,
                                       char text[CFL_SQL_INLINE_TEXT_BYTES],
                                       struct cflight_header **ret_headers, cflight_error **reterr)
{
    const struct cflight_call_options *call = &request->call_options;
    uint32_t bytes_max = request->options.inline_bytes_max;
    struct cflight_header *headers = cfl_alloc_array(NULL, call->header_count + 1, sizeof *headers);
    if (headers == NULL) {
        return cfl_error_no_memory(reterr);
    }
    if (call->header_count > 0) {
        memcpy(headers, call->headers, call->header_count * sizeof *headers);
    }
    (void)snprintf(text, CFL_SQL_INLINE_TEXT_BYTES, "%" PRIu32,
                   bytes_max == 0 ? INLINE_BYTES_DEFAULT : bytes_max);
    headers[call->header_count].name = cflight_bytes_from_text(HEADER);
    headers[call->header_count].value = cflight_bytes_from_text(text);
    *ret_headers = headers;
    return CFLIGHT_OK;
}

static cflight_status refuse(cflight_error **reterr, const char *what)
{
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "the rows with the first answer: %s", what);
}

/* Whatever is wrong with them is damage, but for a lack of memory. Takes the cause. */
static cflight_status refuse_for(cflight_status status, cflight_error *cause,
                                 cflight_error **reterr)
{
    if (status == CFLIGHT_RESOURCE_EXHAUSTED) {
        (void)cflight_error_set_message(reterr, status, cflight_error_message(cause));
    } else if (status != CFLIGHT_OK) {
        status = refuse(reterr, cflight_error_message(cause));
    }
    cflight_error_free(cause);
    return status;
}

/* The stream behind the mark; false when there is none. */
static bool find_inline(const struct cflight_info *info, struct cflight_bytes *ret_stream)
{
    if (info->endpoint_count != 1) {
        return false;
    }
    struct cflight_bytes metadata = info->endpoints[0].app_metadata;
    if (metadata.len_bytes < MARK_BYTES || memcmp(metadata.data, MARK, MARK_BYTES) != 0) {
        return false;
    }
    *ret_stream = cflight_bytes_make(metadata.data + MARK_BYTES, metadata.len_bytes - MARK_BYTES);
    return true;
}

static cflight_status skip_batch(void *user_data, const struct ArrowSchema *schema,
                                 const struct ArrowArray *batch, cflight_error **reterr)
{
    (void)user_data;
    (void)schema;
    (void)batch;
    (void)reterr;
    return CFLIGHT_OK;
}

/* Reads all of it, without keeping anything. */
static cflight_status look_through(cflight_ipc_file *file, cflight_error **reterr)
{
    struct ArrowArrayStream stream;
    cflight_error *cause = NULL;
    if (cflight_ipc_file_batch_count(file) >= 0) {
        return refuse(reterr, "a file of Arrow instead of a stream");
    }
    cflight_status status = cflight_ipc_file_stream(file, &stream, &cause);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_rows_each(&stream, skip_batch, NULL, &cause);
    }
    return refuse_for(status, cause, reterr);
}

static cflight_status open_inline(struct cflight_bytes bytes,
                                  const struct cflight_ipc_read_options *read_options,
                                  struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    cflight_buffer *buffer = NULL;
    cflight_ipc_file *file = NULL;
    if (bytes.len_bytes > INLINE_BYTES_MAX) {
        return refuse(reterr, "more than 4 MiB");
    }
    if (bytes.len_bytes < sizeof END ||
        memcmp(bytes.data + bytes.len_bytes - sizeof END, END, sizeof END) != 0) {
        return refuse(reterr, "they have no end");
    }
    cflight_status status = cflight_buffer_new_copy(bytes, &buffer, reterr);
    if (status == CFLIGHT_OK) {
        cflight_error *cause = NULL;
        status = cflight_ipc_file_open_buffer(buffer, read_options, &file, &cause);
        status = refuse_for(status, cause, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = look_through(file, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_file_stream(file, ret_stream, reterr);
    }
    cflight_ipc_file_free(file);
    cflight_buffer_unref(buffer);
    return status;
}

cflight_status cflight_sql_inline_rows(const struct cflight_info *info,
                                       const struct cflight_ipc_read_options *read_options,
                                       bool *ret_has_rows, struct ArrowArrayStream *ret_stream,
                                       cflight_error **reterr)
{
    struct cflight_bytes bytes = {NULL, 0};
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(info), CFL_ARG(ret_has_rows), CFL_ARG(ret_stream));
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool has_rows = find_inline(info, &bytes);
    if (has_rows) {
        status = open_inline(bytes, read_options, ret_stream, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_has_rows = has_rows;
    }
    return status;
}

/* ---- fetching ---- */

static cflight_status fetch(const struct cfl_sql_request *request, const struct cflight_info *info,
                            struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct cflight_fetch_options options;
    if (info->endpoint_count == 0 && info->schema.len_bytes == 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                         "the server gave neither endpoints nor a schema");
    }
    cflight_status status =
        cfl_options_load(&options, sizeof options, request->options.fetch_options, reterr);
    if (status == CFLIGHT_OK) {
        if (options.call_options == NULL) {
            options.call_options = request->options.call_options;
        }
        status = cflight_fetch(request->client, info, &options, ret_stream, reterr);
    }
    return status;
}

cflight_status cfl_sql_rows_open(const struct cfl_sql_request *request,
                                 const struct cflight_info *info,
                                 struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct cflight_bytes bytes = {NULL, 0};
    if (!request->options.inline_is_off && find_inline(info, &bytes)) {
        return open_inline(bytes, request->call_options.read_options, ret_stream, reterr);
    }
    return fetch(request, info, ret_stream, reterr);
}

/* ---- all batches ---- */

static cflight_status explain(struct ArrowArrayStream *stream, cflight_error **reterr)
{
    cflight_error *error = cflight_fetch_error(stream);
    if (error == NULL) {
        const char *text = stream->get_last_error(stream);
        return cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                         text == NULL ? "the stream gave no reason" : text);
    }
    cflight_status status = cflight_error_status(error);
    if (reterr != NULL) {
        *reterr = error;
    } else {
        cflight_error_free(error);
    }
    return status;
}

cflight_status cfl_sql_rows_each(struct ArrowArrayStream *stream, cfl_sql_batch_fn take,
                                 void *user_data, cflight_error **reterr)
{
    struct ArrowSchema schema = {.release = NULL};
    bool is_end = false;
    cflight_status status =
        stream->get_schema(stream, &schema) == 0 ? CFLIGHT_OK : explain(stream, reterr);
    while (status == CFLIGHT_OK && !is_end) {
        struct ArrowArray batch = {.release = NULL};
        if (stream->get_next(stream, &batch) != 0) {
            status = explain(stream, reterr);
        } else if (batch.release == NULL) {
            is_end = true;
        } else {
            status = take(user_data, &schema, &batch, reterr);
            batch.release(&batch);
        }
    }
    if (schema.release != NULL) {
        schema.release(&schema);
    }
    stream->release(stream);
    return status;
}
