/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_IPC_FIXTURE_H
#define CFLIGHT_TESTS_IPC_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "cflight/arrow_abi.h"

/* Schemas and arrays made by hand, for tests of the encoder. Nothing is owned: release only marks.
 */

#define F_COUNT(array) ((int64_t)(sizeof(array) / sizeof(array)[0]))

struct ArrowSchema f_schema(const char *name, const char *format);
struct ArrowSchema f_nested_schema(const char *name, const char *format,
                                   struct ArrowSchema **children, int64_t child_count);
/* An array without nulls. */
struct ArrowArray f_array(int64_t length, const void **buffers, int64_t buffer_count);
struct ArrowArray f_nested_array(int64_t length, const void **buffers, int64_t buffer_count,
                                 struct ArrowArray **children, int64_t child_count);

/* A batch of one column. */
struct f_single {
    struct ArrowSchema *fields[1];
    struct ArrowSchema schema;
    struct ArrowArray *columns[1];
    const void *buffers[1];
    struct ArrowArray batch;
};
void f_single_init(struct f_single *single, struct ArrowSchema *field, struct ArrowArray *column);

/* A batch of 4 rows with one column for each kind of layout, some of them slices. The structures
 * are the caller's to change, all point into this one. */
enum {
    F_INT64,      /* offset 1, with nulls: a bitmap that must be shifted */
    F_TEXT,       /* offset 2: offsets that must be rebased */
    F_LIST,       /* of int8 */
    F_STRUCT,     /* of bool */
    F_DICTIONARY, /* int8 indices of texts */
    F_DENSE,      /* union of int32 and text, sliced */
    F_SPARSE,     /* union of int32 and float */
    F_RUNS,       /* int32 run ends, sliced, int16 values */
    F_VIEW,       /* text views, sliced */
    F_LIST_VIEW,  /* of int8, sliced */
    F_FIXED_LIST, /* of 2 int8 */
    F_NULL,
    F_COLUMN_COUNT,
};

struct f_batch {
    struct ArrowSchema schema;
    struct ArrowSchema fields[F_COLUMN_COUNT];
    struct ArrowSchema *field_pointers[F_COLUMN_COUNT];
    struct ArrowSchema child_fields[16];
    struct ArrowSchema *child_field_pointers[16];
    struct ArrowSchema dictionary_field;
    struct ArrowArray batch;
    struct ArrowArray columns[F_COLUMN_COUNT];
    struct ArrowArray *column_pointers[F_COLUMN_COUNT];
    struct ArrowArray children[16];
    struct ArrowArray *child_pointers[16];
    struct ArrowArray dictionary;
    const void *buffers[96]; /* four for each array */
    const void *no_buffer[1];
};

void f_batch_init(struct f_batch *batch);
/* What the columns hold; not const so that a test can change a value. */
extern int64_t f_int64_values[6];
extern const char f_text_data[];
extern char f_dictionary_data[];

#endif /* CFLIGHT_TESTS_IPC_FIXTURE_H */
