/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of one column, on the caller's stack. release only marks, since nothing is owned. Thread
 * class: one at a time. */
#include "integration/numbers.h"

#include <string.h>

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

void itg_empty_schema_init(struct ArrowSchema *ret_schema)
{
    memset(ret_schema, 0, sizeof *ret_schema);
    ret_schema->format = "+s";
    ret_schema->release = release_schema;
}

void itg_numbers_init(struct itg_numbers *numbers, const char *name, const char *format,
                      const int32_t *values, int64_t row_count)
{
    memset(numbers, 0, sizeof *numbers);
    numbers->field.name = name;
    numbers->field.format = format;
    numbers->field.release = release_schema;
    numbers->fields[0] = &numbers->field;
    itg_empty_schema_init(&numbers->schema);
    numbers->schema.n_children = 1;
    numbers->schema.children = numbers->fields;

    numbers->column_buffers[1] = values;
    numbers->column.length = row_count;
    numbers->column.n_buffers = 2;
    numbers->column.buffers = numbers->column_buffers;
    numbers->column.release = release_array;
    numbers->columns[0] = &numbers->column;
    numbers->batch.length = row_count;
    numbers->batch.n_buffers = 1;
    numbers->batch.buffers = numbers->batch_buffers;
    numbers->batch.n_children = 1;
    numbers->batch.children = numbers->columns;
    numbers->batch.release = release_array;
}

cflight_status itg_numbers_write(const struct itg_numbers *numbers, cflight_writer *writer,
                                 cflight_error **reterr)
{
    cflight_status status = cflight_writer_begin(writer, &numbers->schema, NULL, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return cflight_writer_write(writer, &numbers->batch, NULL, reterr);
}
