/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of SqlInfo from any bytes: an Arrow IPC stream, as a server sends it. What is read makes
 * rows that are read the same. */
#include <stdlib.h>
#include <string.h>

#include "cflight/ipc.h"
#include "cflight/sql.h"
#include "cflight/sql_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static int64_t read_bytes(void *user_data, void *target, size_t len_bytes)
{
    struct cflight_bytes *left = user_data;
    size_t taken_bytes = len_bytes < left->len_bytes ? len_bytes : left->len_bytes;
    if (taken_bytes > 0) {
        memcpy(target, left->data, taken_bytes);
        left->data += taken_bytes;
        left->len_bytes -= taken_bytes;
    }
    return (int64_t)taken_bytes;
}

static void add_batches(cflight_sql_info *info, struct ArrowArrayStream *stream)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    if (stream->get_schema(stream, &schema) != 0) {
        return;
    }
    while (stream->get_next(stream, &batch) == 0 && batch.release != NULL) {
        cflight_status status = cflight_sql_info_add_batch(info, &schema, &batch, NULL);
        require(status != CFLIGHT_INVALID_ARGUMENT); /* the reader has checked it */
        batch.release(&batch);
    }
    schema.release(&schema);
}

/* All that a set has, own codes included, comes back from its rows. */
static void round_trip(const cflight_sql_info *info)
{
    const struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_SQL_INFO};
    size_t count = cflight_sql_info_count(info);
    uint32_t *codes = malloc((count + 1) * sizeof *codes);
    cflight_sql_info *again = NULL;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    require(codes != NULL);
    for (size_t i = 0; i < count; i++) {
        codes[i] = cflight_sql_info_at(info, i)->code;
    }
    require(cflight_sql_result_schema(&command, &schema, NULL) == CFLIGHT_OK);
    require(cflight_sql_info_new(&again, NULL) == CFLIGHT_OK);
    if (count > 0 && cflight_sql_info_batch(info, codes, count, &batch, NULL) == CFLIGHT_OK) {
        require((size_t)batch.length == count);
        require(cflight_sql_info_add_batch(again, &schema, &batch, NULL) == CFLIGHT_OK);
        require(cflight_sql_info_count(again) == count);
        batch.release(&batch);
    }
    for (size_t i = 0; i < cflight_sql_info_count(again); i++) {
        require(cflight_sql_info_at(again, i)->kind == cflight_sql_info_at(info, i)->kind);
    }
    cflight_sql_info_free(again);
    schema.release(&schema);
    free(codes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
    struct cflight_bytes left = cflight_bytes_make(data, len_bytes);
    struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    cflight_sql_info *info = NULL;
    options.message_bytes_max = (uint64_t)1 << 20;
    options.unpacked_bytes_max = (uint64_t)1 << 24;
    options.dictionary_bytes_max = (uint64_t)1 << 24;
    if (cflight_ipc_open_reader(read_bytes, NULL, &left, &options, &stream, NULL) != CFLIGHT_OK) {
        return 0;
    }
    require(cflight_sql_info_new(&info, NULL) == CFLIGHT_OK);
    add_batches(info, &stream);
    round_trip(info);
    cflight_sql_info_free(info);
    stream.release(&stream);
    return 0;
}
