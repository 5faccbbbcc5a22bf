/* SPDX-License-Identifier: Apache-2.0 */
/* A batch whose columns share one value. */
#include <stdlib.h>
#include <string.h>

#include "growth.h"

static const int64_t value = 42;
static const void *column_buffers[2] = {NULL, &value};
static const void *no_buffer[1];

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

void batch_init(struct batch *batch, int64_t column_count)
{
    size_t count = (size_t)column_count;
    memset(batch, 0, sizeof *batch);
    batch->fields = calloc(count, sizeof *batch->fields);
    batch->columns = calloc(count, sizeof *batch->columns);
    batch->field_places = calloc(count, sizeof *batch->field_places);
    batch->column_places = calloc(count, sizeof *batch->column_places);
    must_have(batch->fields);
    must_have(batch->columns);
    must_have(batch->field_places);
    must_have(batch->column_places);
    for (size_t i = 0; i < count; i++) {
        batch->fields[i] =
            (struct ArrowSchema){.format = "l", .name = "n", .release = release_schema};
        batch->columns[i] = (struct ArrowArray){
            .length = 1, .n_buffers = 2, .buffers = column_buffers, .release = release_array};
        batch->field_places[i] = &batch->fields[i];
        batch->column_places[i] = &batch->columns[i];
    }
    batch->schema = (struct ArrowSchema){.format = "+s",
                                         .name = "",
                                         .n_children = column_count,
                                         .children = batch->field_places,
                                         .release = release_schema};
    batch->array = (struct ArrowArray){.length = 1,
                                       .n_buffers = 1,
                                       .buffers = no_buffer,
                                       .n_children = column_count,
                                       .children = batch->column_places,
                                       .release = release_array};
}

void batch_done(struct batch *batch)
{
    free(batch->fields);
    free(batch->columns);
    free(batch->field_places);
    free(batch->column_places);
}
