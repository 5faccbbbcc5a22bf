/* SPDX-License-Identifier: Apache-2.0 */
/* Hand-made arrays of every layout. Values are small and fixed, so tests can state bytes. */
#include "fixture.h"

#include <string.h>

int64_t t_int64_values[6] = {10, 11, 12, 13, 14, 15};
const char t_text_data[] = "zeroonetwothreefour";
char t_dictionary_data[] = "redgreen";

static const uint8_t int64_bits[1] = {0x2E}; /* rows 1, 2, 3 and 5 of 6 are there */
static const int32_t text_offsets[7] = {0, 4, 7, 10, 15, 19, 19};
static const int32_t list_offsets[5] = {0, 2, 2, 3, 5};
static const int8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t bools[1] = {0x0A};
static const uint8_t struct_bits[1] = {0x07};
static const int8_t indices[4] = {0, 1, 1, 0};
static const int32_t dictionary_offsets[3] = {0, 3, 8};
static const int8_t dense_ids[6] = {5, 7, 5, 7, 7, 5};
static const int32_t dense_offsets[6] = {0, 0, 1, 1, 2, 2};
static const int32_t ints[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static const int8_t sparse_ids[4] = {0, 1, 1, 0};
static const float floats[4] = {0.5F, 1.5F, 2.5F, 3.5F};
static const int32_t run_ends[4] = {2, 3, 6, 9};
static const int16_t run_values[4] = {100, 101, 102, 103};
static const char view_data[] = "unused, unused, unused, a text that is longer than a view";
static const int64_t view_data_len[1] = {sizeof view_data - 1};
static uint8_t views[6][16];
static const int32_t view_offsets[6] = {7, 0, 3, 4, 5, 1};
static const int32_t view_sizes[6] = {1, 2, 0, 3, 1, 1};

void t_single_init(struct t_single *single, struct ArrowSchema *field, struct ArrowArray *column)
{
    memset(single, 0, sizeof *single);
    single->fields[0] = field;
    single->schema = t_nested_field("", "+s", single->fields, 1);
    single->columns[0] = column;
    single->batch = t_nested_array(column->length, single->buffers, 1, single->columns, 1);
}

/* Hands out the storage of one t_layouts. */
struct maker {
    struct t_layouts *batch;
    size_t buffer_count;
    size_t child_count;
};

static const void **take_buffers(struct maker *maker, const void *first, const void *second,
                                 const void *third, const void *fourth)
{
    const void **buffers = &maker->batch->buffers[maker->buffer_count];
    buffers[0] = first;
    buffers[1] = second;
    buffers[2] = third;
    buffers[3] = fourth;
    maker->buffer_count += 4;
    return buffers;
}

/* Adds a child without nulls; children of one parent are added one after the other. */
static size_t add_child(struct maker *maker, const char *format, int64_t length, const void *second,
                        const void *third)
{
    struct t_layouts *batch = maker->batch;
    size_t index = maker->child_count++;
    const void **buffers = take_buffers(maker, NULL, second, third, NULL);

    batch->child_fields[index] = t_field("child", format);
    batch->child_field_pointers[index] = &batch->child_fields[index];
    batch->children[index] = t_array(length, buffers, third == NULL ? 2 : 3);
    batch->child_pointers[index] = &batch->children[index];
    return index;
}

static void set_column(struct maker *maker, int column, const char *format, const void **buffers,
                       int64_t buffer_count, size_t first_child, int64_t child_count)
{
    struct t_layouts *batch = maker->batch;

    batch->fields[column] =
        t_nested_field("column", format, &batch->child_field_pointers[first_child], child_count);
    batch->columns[column] =
        t_nested_array(4, buffers, buffer_count, &batch->child_pointers[first_child], child_count);
    batch->columns[column].null_count = 0;
}

static void make_simple(struct maker *maker)
{
    struct t_layouts *batch = maker->batch;

    set_column(maker, T_INT64, "l", take_buffers(maker, int64_bits, t_int64_values, NULL, NULL), 2,
               0, 0);
    batch->columns[T_INT64].offset = 1;
    batch->columns[T_INT64].null_count = -1;
    set_column(maker, T_TEXT, "u", take_buffers(maker, NULL, text_offsets, t_text_data, NULL), 3, 0,
               0);
    batch->columns[T_TEXT].offset = 2;
    set_column(maker, T_NULL, "n", NULL, 0, 0, 0);
    batch->columns[T_NULL].null_count = 4;
    set_column(maker, T_DICTIONARY, "c", take_buffers(maker, NULL, indices, NULL, NULL), 2, 0, 0);
    batch->dictionary_field = t_field("", "u");
    batch->dictionary =
        t_array(2, take_buffers(maker, NULL, dictionary_offsets, t_dictionary_data, NULL), 3);
    batch->fields[T_DICTIONARY].dictionary = &batch->dictionary_field;
    batch->columns[T_DICTIONARY].dictionary = &batch->dictionary;
}

static void make_lists(struct maker *maker)
{
    struct t_layouts *batch = maker->batch;

    size_t child = add_child(maker, "c", 5, bytes, NULL);
    set_column(maker, T_LIST, "+l", take_buffers(maker, NULL, list_offsets, NULL, NULL), 2, child,
               1);
    child = add_child(maker, "b", 4, bools, NULL);
    set_column(maker, T_STRUCT, "+s", take_buffers(maker, struct_bits, NULL, NULL, NULL), 1, child,
               1);
    batch->columns[T_STRUCT].null_count = 1;
    child = add_child(maker, "c", 8, bytes, NULL);
    set_column(maker, T_LIST_VIEW, "+vl", take_buffers(maker, NULL, view_offsets, view_sizes, NULL),
               3, child, 1);
    batch->columns[T_LIST_VIEW].offset = 2;
    child = add_child(maker, "c", 8, bytes, NULL);
    set_column(maker, T_FIXED_LIST, "+w:2", take_buffers(maker, NULL, NULL, NULL, NULL), 1, child,
               1);
}

static void make_encoded(struct maker *maker)
{
    struct t_layouts *batch = maker->batch;

    size_t child = add_child(maker, "i", 3, ints, NULL);
    (void)add_child(maker, "u", 3, text_offsets, t_text_data);
    set_column(maker, T_DENSE, "+ud:5,7", take_buffers(maker, dense_ids, dense_offsets, NULL, NULL),
               2, child, 2);
    batch->columns[T_DENSE].offset = 2;
    child = add_child(maker, "i", 4, ints, NULL);
    (void)add_child(maker, "f", 4, floats, NULL);
    set_column(maker, T_SPARSE, "+us:0,1", take_buffers(maker, sparse_ids, NULL, NULL, NULL), 1,
               child, 2);
    child = add_child(maker, "i", 4, run_ends, NULL);
    (void)add_child(maker, "s", 4, run_values, NULL);
    set_column(maker, T_RUNS, "+r", NULL, 0, child, 2);
    batch->columns[T_RUNS].offset = 2;
    memset(views, 0, sizeof views);
    const int32_t long_view[4] = {33, 0, 0, 24};
    memcpy(views[3], long_view, sizeof long_view);
    memcpy(views[3] + 4, view_data + 24, 4);
    set_column(maker, T_VIEW, "vu", take_buffers(maker, NULL, views, view_data, view_data_len), 4,
               0, 0);
    batch->columns[T_VIEW].offset = 1;
    batch->columns[T_VIEW].length = 5;
}

void t_layouts_init(struct t_layouts *batch)
{
    struct maker maker = {batch, 0, 0};

    memset(batch, 0, sizeof *batch);
    make_simple(&maker);
    make_lists(&maker);
    make_encoded(&maker);
    for (size_t i = 0; i < T_COLUMN_COUNT; i++) {
        batch->field_pointers[i] = &batch->fields[i];
        batch->column_pointers[i] = &batch->columns[i];
    }
    batch->schema = t_nested_field("", "+s", batch->field_pointers, T_COLUMN_COUNT);
    batch->batch = t_nested_array(4, batch->no_buffer, 1, batch->column_pointers, T_COLUMN_COUNT);
}
