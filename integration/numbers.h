/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_NUMBERS_H
#define CFLIGHT_INTEGRATION_NUMBERS_H

#include "cflight/cflight.h"

/* One column of 32-bit integers, not null: the data of most scenarios. Owns nothing; must not move
 * while its schema or batch is in use. Thread class: one at a time. */
struct itg_numbers {
    struct ArrowSchema schema; /* "+s" */
    struct ArrowArray batch;
    struct ArrowSchema field;
    struct ArrowSchema *fields[1];
    struct ArrowArray column;
    struct ArrowArray *columns[1];
    const void *column_buffers[2];
    const void *batch_buffers[1];
};

/* `format` is "i" (int32) or "I" (uint32). `values` is borrowed; all names are constants. */
void itg_numbers_init(struct itg_numbers *numbers, const char *name, const char *format,
                      const int32_t *values, int64_t row_count);

/* A schema without columns. */
void itg_empty_schema_init(struct ArrowSchema *ret_schema);

/* The handler's part of a DoGet: begins and writes one batch. */
cflight_status itg_numbers_write(const struct itg_numbers *numbers, cflight_writer *writer,
                                 cflight_error **reterr);

#endif /* CFLIGHT_INTEGRATION_NUMBERS_H */
