/* SPDX-License-Identifier: Apache-2.0 */
/* Reading small results. Thread class: one at a time. */
#include "integration/fetch.h"

#include <inttypes.h>
#include <string.h>

#include "integration/numbers.h"
#include "integration/scenario.h"

enum { VALUES_MAX = sizeof((struct itg_values *)NULL)->items / sizeof(int32_t) };

static cflight_status check_schema(cflight_reader *reader, const char *name, const char *format,
                                   cflight_error **reterr)
{
    struct itg_numbers expected;
    struct ArrowSchema schema;

    cflight_status status = cflight_reader_schema(reader, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    itg_numbers_init(&expected, name, format, NULL, 0);
    if (!cflight_schema_equal(&schema, &expected.schema, false)) {
        status = cflight_error_set(reterr, ITG_MISMATCH,
                                   "the schema is not one column '%s' of format %s, not null", name,
                                   format);
    }
    schema.release(&schema);
    return status;
}

static cflight_status append(struct itg_values *values, const struct ArrowArray *batch,
                             cflight_error **reterr)
{
    const struct ArrowArray *column = batch->children[0];

    if (column->length > (int64_t)(VALUES_MAX - values->count)) {
        return cflight_error_set(reterr, ITG_MISMATCH, "more than %d rows", VALUES_MAX);
    }
    if (column->length > 0) {
        const int32_t *items = column->buffers[1];
        memcpy(values->items + values->count, items + column->offset,
               (size_t)column->length * sizeof *items);
        values->count += (size_t)column->length;
    }
    return CFLIGHT_OK;
}

cflight_status itg_fetch_numbers(cflight_client *client, const struct cflight_endpoint *endpoint,
                                 const char *name, const char *format, struct itg_values *values,
                                 cflight_error **reterr)
{
    cflight_reader *reader = NULL;

    if (endpoint->location_count != 0) {
        return cflight_error_set(reterr, ITG_MISMATCH,
                                 "an endpoint has %zu locations, expected none",
                                 endpoint->location_count);
    }
    cflight_status status = cflight_client_do_get(client, endpoint->ticket, NULL, &reader, reterr);
    if (status == CFLIGHT_OK) {
        status = check_schema(reader, name, format, reterr);
    }
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            is_end = chunk.is_end;
            if (chunk.has_batch) {
                status = append(values, &chunk.batch, reterr);
            }
            cflight_chunk_release(&chunk);
        }
    }
    cflight_reader_free(reader);
    return status;
}

cflight_status itg_values_check(const struct itg_values *values, const int32_t *expected,
                                size_t expected_count, cflight_error **reterr)
{
    if (values->count != expected_count) {
        return cflight_error_set(reterr, ITG_MISMATCH, "%zu rows came, expected %zu", values->count,
                                 expected_count);
    }
    for (size_t i = 0; i < expected_count; i++) {
        if (values->items[i] != expected[i]) {
            return cflight_error_set(reterr, ITG_MISMATCH,
                                     "row %zu is %" PRId32 ", expected %" PRId32, i,
                                     values->items[i], expected[i]);
        }
    }
    return CFLIGHT_OK;
}
