/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as an Arrow IPC stream in memory: exact in size, independent of whoever made the arrays, and
 * what a client takes with the first answer. Owner: results, prepared statements. Thread class: one
 * at a time. */
#include "sql/server/kept_rows.h"

#include <errno.h>

static int write_bytes(void *user_data, const struct cflight_bytes *views, size_t count)
{
    struct cfl_sql_kept_rows *kept = user_data;
    uint64_t sum_bytes = kept->buf.len_bytes;
    for (size_t i = 0; i < count; i++) {
        sum_bytes += views[i].len_bytes;
    }
    if (sum_bytes > kept->bytes_max) {
        kept->is_full = true;
        return EFBIG;
    }
    for (size_t i = 0; i < count; i++) {
        (void)cfl_buf_append_bytes(&kept->buf, views[i]);
    }
    return kept->buf.failed ? ENOMEM : 0;
}

/* Full is no failure. */
static cflight_status take(struct cfl_sql_kept_rows *kept, cflight_status status,
                           cflight_error *error, cflight_error **reterr)
{
    if (status == CFLIGHT_OK || kept->is_full) {
        cflight_error_free(error);
        return CFLIGHT_OK;
    }
    if (reterr != NULL) {
        *reterr = error;
    } else {
        cflight_error_free(error);
    }
    return status;
}

cflight_status cfl_sql_kept_rows_begin(struct cfl_sql_kept_rows *kept,
                                       const struct cflight_allocator *alloc, uint64_t bytes_max,
                                       const struct ArrowSchema *schema, cflight_error **reterr)
{
    cflight_error *error = NULL;
    cfl_buf_init(&kept->buf, alloc);
    kept->bytes_max = bytes_max;
    kept->is_full = false;
    kept->row_count = 0;
    kept->writer = NULL;
    cflight_status status = cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_STREAM, schema, write_bytes,
                                                   kept, NULL, &kept->writer, &error);
    return take(kept, status, error, reterr);
}

cflight_status cfl_sql_kept_rows_add(struct cfl_sql_kept_rows *kept, const struct ArrowArray *batch,
                                     cflight_error **reterr)
{
    cflight_error *error = NULL;
    kept->row_count += batch->length;
    if (kept->is_full) {
        return CFLIGHT_OK;
    }
    cflight_status status = cflight_ipc_writer_write(kept->writer, batch, &error);
    return take(kept, status, error, reterr);
}

cflight_status cfl_sql_kept_rows_end(struct cfl_sql_kept_rows *kept, cflight_buffer **ret_rows,
                                     cflight_error **reterr)
{
    cflight_error *error = NULL;
    *ret_rows = NULL;
    cflight_status status =
        kept->is_full ? CFLIGHT_OK : cflight_ipc_writer_close(kept->writer, &error);
    status = take(kept, status, error, reterr);
    if (status != CFLIGHT_OK || kept->is_full) {
        return status;
    }
    return cflight_buffer_new_copy(cfl_buf_bytes(&kept->buf), ret_rows, reterr);
}

void cfl_sql_kept_rows_done(struct cfl_sql_kept_rows *kept)
{
    cflight_ipc_writer_free(kept->writer);
    cfl_buf_done(&kept->buf);
}

cflight_status cfl_sql_kept_rows_stream(cflight_buffer *rows, struct ArrowArrayStream *ret_stream,
                                        cflight_error **reterr)
{
    struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    cflight_ipc_file *file = NULL;
    options.validation = CFLIGHT_VALIDATION_BOUNDS;
    cflight_status status = cflight_ipc_file_open_buffer(rows, &options, &file, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_file_stream(file, ret_stream, reterr);
    }
    cflight_ipc_file_free(file);
    return status;
}

bool cfl_sql_bytes_reserve(atomic_uint_fast64_t *used, uint64_t bytes, uint64_t bytes_max)
{
    uint_fast64_t before = atomic_fetch_add(used, bytes);
    if (bytes <= bytes_max && before <= bytes_max - bytes) {
        return true;
    }
    atomic_fetch_sub(used, bytes);
    return false;
}
