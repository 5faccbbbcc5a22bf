/* SPDX-License-Identifier: Apache-2.0 */
/* A dataset in memory. Batches share the memory of the messages they came in. Thread class: one at
 * a time to change, free to read. */
#include "integration/batches.h"

#include <stdlib.h>
#include <string.h>

#include "integration/scenario.h"

static cflight_status grow(struct itg_batches *batches, cflight_error **reterr)
{
    size_t capacity = batches->capacity == 0 ? 8 : batches->capacity * 2;

    if (batches->count < batches->capacity) {
        return CFLIGHT_OK;
    }
    struct ArrowArray *items = NULL;
    if (capacity <= SIZE_MAX / sizeof *items) {
        items = realloc(batches->items, capacity * sizeof *items);
    }
    if (items == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
    }
    batches->items = items;
    batches->capacity = capacity;
    return CFLIGHT_OK;
}

cflight_status itg_batches_add(struct itg_batches *batches, struct ArrowArray *batch,
                               cflight_error **reterr)
{
    cflight_status status = grow(batches, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    batches->items[batches->count] = *batch;
    batches->count++;
    batch->release = NULL;
    return CFLIGHT_OK;
}

static cflight_status stream_failure(struct ArrowArrayStream *stream, const char *what,
                                     cflight_error **reterr)
{
    const char *message = stream->get_last_error(stream);
    return cflight_error_set(reterr, CFLIGHT_DATA_LOSS, "%s: %s", what,
                             message == NULL ? "cannot be read" : message);
}

cflight_status itg_batches_read_stream(struct itg_batches *batches, struct ArrowArrayStream *stream,
                                       const char *what, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;

    if (stream->get_schema(stream, &batches->schema) != 0) {
        return stream_failure(stream, what, reterr);
    }
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct ArrowArray batch = {0};
        if (stream->get_next(stream, &batch) != 0) {
            return stream_failure(stream, what, reterr);
        }
        is_end = batch.release == NULL;
        if (!is_end) {
            status = itg_batches_add(batches, &batch, reterr);
        }
        if (batch.release != NULL) {
            batch.release(&batch);
        }
    }
    return status;
}

cflight_status itg_batches_read_file(struct itg_batches *batches, const char *path,
                                     cflight_error **reterr)
{
    struct ArrowArrayStream stream = {0};

    cflight_status status = cflight_ipc_open_file(path, NULL, &stream, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = itg_batches_read_stream(batches, &stream, path, reterr);
    stream.release(&stream);
    return status;
}

cflight_status itg_check_schema(cflight_reader *reader, const struct ArrowSchema *expected,
                                bool with_metadata, cflight_error **reterr)
{
    struct ArrowSchema schema;

    cflight_status status = cflight_reader_schema(reader, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!cflight_schema_equal(&schema, expected, with_metadata)) {
        status = cflight_error_set_message(reterr, ITG_MISMATCH, "the schema came back changed");
    }
    schema.release(&schema);
    return status;
}

int64_t itg_batches_row_count(const struct itg_batches *batches)
{
    int64_t row_count = 0;

    for (size_t i = 0; i < batches->count; i++) {
        row_count += batches->items[i].length;
    }
    return row_count;
}

void itg_batches_done(struct itg_batches *batches)
{
    for (size_t i = 0; i < batches->count; i++) {
        batches->items[i].release(&batches->items[i]);
    }
    free(batches->items);
    if (batches->schema.release != NULL) {
        batches->schema.release(&batches->schema);
    }
    memset(batches, 0, sizeof *batches);
}
