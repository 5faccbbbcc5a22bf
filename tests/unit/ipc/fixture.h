/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_IPC_FIXTURE_H
#define CFLIGHT_TESTS_IPC_FIXTURE_H

#include "arrays.h"

/* Batches made by hand, for tests of the encoder. Nothing is owned: release only marks. */

/* A batch of one column. */
struct t_single {
    struct ArrowSchema *fields[1];
    struct ArrowSchema schema;
    struct ArrowArray *columns[1];
    const void *buffers[1];
    struct ArrowArray batch;
};
void t_single_init(struct t_single *single, struct ArrowSchema *field, struct ArrowArray *column);

/* A batch of 4 rows with one column for each kind of layout, some of them slices. The structures
 * are the caller's to change, all point into this one. */
enum {
    T_INT64,      /* offset 1, with nulls: a bitmap that must be shifted */
    T_TEXT,       /* offset 2: offsets that must be rebased */
    T_LIST,       /* of int8 */
    T_STRUCT,     /* of bool */
    T_DICTIONARY, /* int8 indices of texts */
    T_DENSE,      /* union of int32 and text, sliced */
    T_SPARSE,     /* union of int32 and float */
    T_RUNS,       /* int32 run ends, sliced, int16 values */
    T_VIEW,       /* text views, sliced */
    T_LIST_VIEW,  /* of int8, sliced */
    T_FIXED_LIST, /* of 2 int8 */
    T_NULL,
    T_COLUMN_COUNT,
};

struct t_layouts {
    struct ArrowSchema schema;
    struct ArrowSchema fields[T_COLUMN_COUNT];
    struct ArrowSchema *field_pointers[T_COLUMN_COUNT];
    struct ArrowSchema child_fields[16];
    struct ArrowSchema *child_field_pointers[16];
    struct ArrowSchema dictionary_field;
    struct ArrowArray batch;
    struct ArrowArray columns[T_COLUMN_COUNT];
    struct ArrowArray *column_pointers[T_COLUMN_COUNT];
    struct ArrowArray children[16];
    struct ArrowArray *child_pointers[16];
    struct ArrowArray dictionary;
    const void *buffers[96]; /* four for each array */
    const void *no_buffer[1];
};

void t_layouts_init(struct t_layouts *batch);
/* What the columns hold; not const so that a test can change a value. */
extern int64_t t_int64_values[6];
extern const char t_text_data[];
extern char t_dictionary_data[];

#endif /* CFLIGHT_TESTS_IPC_FIXTURE_H */
