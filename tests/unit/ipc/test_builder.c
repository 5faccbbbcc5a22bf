/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas from fields, and batches row by row. */
#include <stdio.h>

#include "cflight/builder.h"
#include "cflight/ipc.h"
#include "test.h"

static void make_schema(const struct cflight_field *fields, size_t field_count,
                        struct ArrowSchema *ret_schema)
{
    cflight_error *error = NULL;
    CHECK_OK(cflight_schema_new(fields, field_count, ret_schema, &error), error);
}

static cflight_builder *make_builder(const struct ArrowSchema *schema)
{
    cflight_error *error = NULL;
    cflight_builder *builder = NULL;
    CHECK_OK(cflight_builder_new(schema, NULL, &builder, &error), error);
    return builder;
}

/* Takes the batch, and has the library look at it as at a stranger's. */
static void finish(cflight_builder *builder, const struct ArrowSchema *schema,
                   struct ArrowArray *ret_batch)
{
    cflight_error *error = NULL;
    CHECK_OK(cflight_builder_finish(builder, ret_batch, &error), error);
    CHECK_OK(cflight_array_validate(schema, ret_batch, &error), error);
}

static bool is_null(const struct ArrowArray *array, int64_t row)
{
    const uint8_t *bits = array->buffers[0];
    return bits != NULL && (bits[row / 8] >> (row % 8) & 1) == 0;
}

/* Goal: every type that is built holds the values that were appended, and nulls. Method: a column
 * of each, of nine rows, so that bitmaps have more than a byte; the fourth is null. */
TEST(ipc_builder, builds_each_type_of_fixed_size)
{
    static const struct cflight_field FIELDS[] = {
        {.name = "c", .format = "c"},   {.name = "C", .format = "C"},
        {.name = "s", .format = "s"},   {.name = "S", .format = "S"},
        {.name = "i", .format = "i"},   {.name = "I", .format = "I"},
        {.name = "l", .format = "l"},   {.name = "L", .format = "L"},
        {.name = "d", .format = "tdD"}, {.name = "t", .format = "tsu:UTC"},
        {.name = "D", .format = "tDn"}, {.name = "m", .format = "tiM"},
        {.name = "T", .format = "tts"},
    };
    enum { FIELD_COUNT = sizeof FIELDS / sizeof FIELDS[0], ROW_COUNT = 9, NULL_ROW = 3 };
    static const int WIDTHS[FIELD_COUNT] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 8, 4, 4};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    make_schema(FIELDS, FIELD_COUNT, &schema);
    cflight_builder *builder = make_builder(&schema);
    for (int row = 0; row < ROW_COUNT; row++) {
        for (size_t i = 0; i < FIELD_COUNT; i++) {
            cflight_column *column = cflight_builder_column(builder, i);
            if (row == NULL_ROW) {
                cflight_append_null(column);
            } else if (row % 2 == 0) {
                cflight_append_int(column, 10 + row);
            } else {
                cflight_append_uint(column, 10 + (uint64_t)row);
            }
        }
        cflight_builder_end_row(builder);
    }
    assert_int_equal(cflight_builder_row_count(builder), ROW_COUNT);
    assert_in_range(cflight_builder_bytes(builder), 9 * 58, 9 * 58);
    finish(builder, &schema, &batch);
    assert_int_equal(cflight_builder_row_count(builder), 0);
    cflight_builder_free(builder); /* the batch outlives it */
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct ArrowArray *column = batch.children[i];
        const uint8_t *values = column->buffers[1];
        assert_int_equal(column->null_count, 1);
        for (int row = 0; row < ROW_COUNT; row++) {
            assert_int_equal(is_null(column, row), row == NULL_ROW);
            assert_int_equal(values[row * WIDTHS[i]], row == NULL_ROW ? 0 : 10 + row);
        }
    }
    batch.release(&batch);
    schema.release(&schema);
}

/* Goal: texts, bytes, booleans, floats, decimals and the null type. */
TEST(ipc_builder, builds_texts_and_the_rest)
{
    static const struct cflight_field FIELDS[] = {
        {.name = "u", .format = "u"},     {.name = "U", .format = "U"},
        {.name = "z", .format = "z"},     {.name = "w", .format = "w:3"},
        {.name = "b", .format = "b"},     {.name = "f", .format = "f"},
        {.name = "g", .format = "g"},     {.name = "n", .format = "n"},
        {.name = "d", .format = "d:9,2"},
    };
    enum { FIELD_COUNT = sizeof FIELDS / sizeof FIELDS[0] };
    static const uint8_t DECIMAL[16] = {42};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    make_schema(FIELDS, FIELD_COUNT, &schema);
    cflight_builder *builder = make_builder(&schema);
    cflight_append_text(cflight_builder_column(builder, 0), "Oslo");
    cflight_append_text(cflight_builder_column(builder, 1), "");
    cflight_append_bytes(cflight_builder_column(builder, 2), cflight_bytes_make("\xff\x00", 2));
    cflight_append_bytes(cflight_builder_column(builder, 3), t_text("abc"));
    cflight_append_bool(cflight_builder_column(builder, 4), true);
    cflight_append_double(cflight_builder_column(builder, 5), 0.5);
    cflight_append_double(cflight_builder_column(builder, 6), -2.25);
    cflight_append_null(cflight_builder_column(builder, 7));
    cflight_append_bytes(cflight_builder_column(builder, 8), cflight_bytes_make(DECIMAL, 16));
    cflight_builder_end_row(builder);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        cflight_append_text(cflight_builder_column(builder, i), NULL);
    }
    cflight_builder_end_row(builder);
    finish(builder, &schema, &batch);
    const int32_t *offsets = batch.children[0]->buffers[1];
    assert_int_equal(offsets[1], 4);
    assert_int_equal(offsets[2], 4);
    assert_memory_equal(batch.children[0]->buffers[2], "Oslo", 4);
    assert_memory_equal(batch.children[3]->buffers[1], "abc\0\0\0", 6);
    assert_int_equal(*(const uint8_t *)batch.children[4]->buffers[1], 1);
    assert_true(*(const float *)batch.children[5]->buffers[1] == 0.5f);
    assert_true(*(const double *)batch.children[6]->buffers[1] == -2.25);
    assert_int_equal(batch.children[7]->null_count, 2);
    assert_int_equal(*(const uint8_t *)batch.children[8]->buffers[1], 42);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        assert_true(i == 7 || is_null(batch.children[i], 1));
    }
    batch.release(&batch);
    cflight_builder_free(builder);
    schema.release(&schema);
}

/* A list of integers, a struct with a required member, a map, pairs, and a union. */
static const struct cflight_field ITEM[] = {{.name = "item", .format = "i"}};
static const struct cflight_field MEMBERS[] = {
    {.name = "x", .format = "l", .is_required = true},
    {.name = "y", .format = "u"},
};
static const struct cflight_field ENTRY[] = {
    {.name = "key", .format = "u", .is_required = true},
    {.name = "value", .format = "+l", .children = ITEM, .child_count = 1},
};
static const struct cflight_field ENTRIES[] = {
    {.name = "entries", .format = "+s", .is_required = true, .children = ENTRY, .child_count = 2}};
static const struct cflight_field CHOICE[] = {
    {.name = "text", .format = "u", .is_required = true},
    {.name = "number", .format = "l", .is_required = true},
};
static const struct cflight_field NESTED[] = {
    {.name = "list", .format = "+l", .children = ITEM, .child_count = 1},
    {.name = "large", .format = "+L", .children = ITEM, .child_count = 1},
    {.name = "struct", .format = "+s", .children = MEMBERS, .child_count = 2},
    {.name = "map", .format = "+m", .children = ENTRIES, .child_count = 1},
    {.name = "pair", .format = "+w:2", .children = ITEM, .child_count = 1},
    {.name = "union",
     .format = "+ud:5,9",
     .is_required = true,
     .children = CHOICE,
     .child_count = 2},
};
enum { NESTED_COUNT = sizeof NESTED / sizeof NESTED[0] };

static void append_nested_row(cflight_builder *builder, int number)
{
    cflight_column *columns[NESTED_COUNT];
    for (size_t i = 0; i < NESTED_COUNT; i++) {
        columns[i] = cflight_builder_column(builder, i);
    }
    for (int i = 0; i < number; i++) {
        cflight_append_int(cflight_column_child(columns[0], 0), i);
        cflight_append_int(cflight_column_child(columns[1], 0), i);
    }
    cflight_append_nested(columns[0]);
    cflight_append_nested(columns[1]);
    cflight_append_int(cflight_column_child(columns[2], 0), number);
    cflight_append_text(cflight_column_child(columns[2], 1), number % 2 == 0 ? NULL : "odd");
    cflight_append_nested(columns[2]);
    cflight_column *entries = cflight_column_child(columns[3], 0);
    cflight_append_text(cflight_column_child(entries, 0), "k");
    cflight_append_int(cflight_column_child(cflight_column_child(entries, 1), 0), number);
    cflight_append_nested(cflight_column_child(entries, 1));
    cflight_append_nested(entries);
    cflight_append_nested(columns[3]);
    cflight_append_int(cflight_column_child(columns[4], 0), number);
    cflight_append_int(cflight_column_child(columns[4], 0), -number);
    cflight_append_nested(columns[4]);
    size_t member = (size_t)number % 2;
    if (member == 0) {
        cflight_append_text(cflight_column_child(columns[5], 0), "even");
    } else {
        cflight_append_int(cflight_column_child(columns[5], 1), number);
    }
    cflight_append_union(columns[5], member);
    cflight_builder_end_row(builder);
}

static void append_null_row(cflight_builder *builder)
{
    for (size_t i = 0; i + 1 < NESTED_COUNT; i++) {
        cflight_append_null(cflight_builder_column(builder, i));
    }
    cflight_append_int(cflight_column_child(cflight_builder_column(builder, 5), 1), 7);
    cflight_append_union(cflight_builder_column(builder, 5), 1);
    cflight_builder_end_row(builder);
}

/* Goal: nested values have the right offsets, nulls of structs give their members something, and
 * type ids are those of the format. */
TEST(ipc_builder, builds_nested_types)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    make_schema(NESTED, NESTED_COUNT, &schema);
    cflight_builder *builder = make_builder(&schema);
    for (int round = 0; round < 2; round++) { /* the second batch begins anew */
        for (int number = 0; number < 4; number++) {
            append_nested_row(builder, number);
            append_null_row(builder);
        }
        finish(builder, &schema, &batch);
        assert_int_equal(batch.length, 8);
        const int32_t *offsets = batch.children[0]->buffers[1];
        static const int32_t EXPECTED[] = {0, 0, 0, 1, 1, 3, 3, 6, 6};
        assert_memory_equal(offsets, EXPECTED, sizeof EXPECTED);
        assert_int_equal(batch.children[2]->null_count, 4);
        assert_int_equal(batch.children[2]->children[0]->null_count, 0);
        assert_int_equal(batch.children[2]->children[1]->null_count, 6);
        assert_int_equal(batch.children[4]->children[0]->length, 16);
        const uint8_t *type_ids = batch.children[5]->buffers[0];
        const int32_t *places = batch.children[5]->buffers[1];
        static const uint8_t IDS[] = {5, 9, 9, 9, 5, 9, 9, 9};
        static const int32_t PLACES[] = {0, 0, 1, 2, 1, 3, 4, 5};
        assert_memory_equal(type_ids, IDS, sizeof IDS);
        assert_memory_equal(places, PLACES, sizeof PLACES);
        batch.release(&batch);
    }
    cflight_builder_free(builder);
    schema.release(&schema);
}

/* Goal: a batch without rows is valid for every type. */
TEST(ipc_builder, builds_batches_without_rows)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    make_schema(NESTED, NESTED_COUNT, &schema);
    cflight_builder *builder = make_builder(&schema);
    finish(builder, &schema, &batch);
    assert_int_equal(batch.length, 0);
    batch.release(&batch);
    cflight_builder_free(builder);
    schema.release(&schema);
}

static void check_failure(cflight_builder *builder, cflight_status expected, const char *part)
{
    cflight_error *error = NULL;
    struct ArrowArray batch = {.release = NULL};
    CHECK_STATUS(cflight_builder_finish(builder, &batch, &error), expected);
    if (strstr(cflight_error_message(error), part) == NULL) {
        fail_msg("'%s' has no '%s'", cflight_error_message(error), part);
    }
    cflight_error_free(error);
    CHECK_OK(cflight_builder_finish(builder, &batch, &error), error); /* and begins anew */
    assert_int_equal(batch.length, 0);
    batch.release(&batch);
}

/* Goal: what does not fit is told with column and row, the first thing only. */
TEST(ipc_builder, tells_the_first_thing_that_does_not_fit)
{
    static const struct cflight_field FIELDS[] = {
        {.name = "id", .format = "c", .is_required = true},
        {.name = "name", .format = "u"},
        {.name = "list", .format = "+l", .children = ITEM, .child_count = 1},
        {.name = "f2", .format = "w:2"},
        {.name = "s", .format = "+s", .children = MEMBERS, .child_count = 2},
    };
    struct ArrowSchema schema;
    make_schema(FIELDS, 5, &schema);
    cflight_builder *builder = make_builder(&schema);
    cflight_column *columns[5];
    for (size_t i = 0; i < 5; i++) {
        columns[i] = cflight_builder_column(builder, i);
    }
    cflight_append_int(columns[0], 128);
    cflight_append_bool(columns[0], true);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "column 'id', row 0: 128 is out of the range");
    cflight_append_int(columns[0], -129);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "-129 is out of the range");
    cflight_append_uint(columns[0], UINT64_MAX);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "18446744073709551615 is out of the range");
    cflight_append_null(columns[0]);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "null, in a field that is required");
    cflight_append_text(columns[1], "\xff");
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "'name', row 0: a text is not UTF-8");
    cflight_append_double(columns[1], 1);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "a floating point number does not fit");
    cflight_append_text(columns[3], "abc");
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "3 bytes, but a value of the type has 2");
    cflight_append_int(cflight_column_child(columns[2], 0), 1);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "'list.item', row 0: 1 values belong to no");
    cflight_append_int(cflight_column_child(columns[4], 0), 1);
    cflight_append_nested(columns[4]);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "'s.y', row 0: 0 values for one");
    cflight_append_int(cflight_column_child(columns[4], 0), 1);
    cflight_append_null(columns[4]);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "'s.x', row 0: 1 values for one");
    cflight_append_nested(columns[1]);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "a nested value does not fit");
    cflight_append_union(columns[1], 0);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "a value of a union does not fit");
    cflight_append_int(columns[0], 1);
    cflight_builder_end_row(builder);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "'name', row 0: the row ends");
    cflight_append_int(columns[0], 1);
    check_failure(builder, CFLIGHT_INVALID_ARGUMENT, "'id', row 0: 1 values belong to no row");
    cflight_append_int(NULL, 1); /* ignored */
    cflight_builder_free(builder);
    cflight_builder_free(NULL);
    schema.release(&schema);
}

/* Goal: the bound on bytes holds at its value and one beyond. */
TEST(ipc_builder, keeps_to_its_bound)
{
    static const struct cflight_field FIELDS[] = {{.name = "u", .format = "u"}};
    struct cflight_builder_options options = CFLIGHT_BUILDER_OPTIONS_INIT;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_error *error = NULL;
    cflight_builder *builder = NULL;
    options.bytes_max = 14;
    make_schema(FIELDS, 1, &schema);
    CHECK_OK(cflight_builder_new(&schema, &options, &builder, &error), error);
    cflight_append_text(cflight_builder_column(builder, 0), "0123456789");
    cflight_builder_end_row(builder);
    finish(builder, &schema, &batch);
    batch.release(&batch);
    cflight_append_text(cflight_builder_column(builder, 0), "0123456789x");
    check_failure(builder, CFLIGHT_RESOURCE_EXHAUSTED, "more than 14 bytes");
    cflight_builder_free(builder);
    schema.release(&schema);
}

/* Goal: types that are not built here are refused, with their column. */
TEST(ipc_builder, refuses_types_that_it_does_not_build)
{
    static const struct cflight_field RUN[] = {
        {.name = "run_ends", .format = "i", .is_required = true},
        {.name = "values", .format = "l"}};
    static const struct cflight_field FIELDS[] = {
        {.name = "column", .format = "vu"},
        {.name = "column", .format = "+vl", .children = ITEM, .child_count = 1},
        {.name = "column", .format = "+us:0", .children = ITEM, .child_count = 1},
        {.name = "column", .format = "+r", .children = RUN, .child_count = 2},
    };
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        struct ArrowSchema schema;
        cflight_error *error = NULL;
        cflight_builder *builder = NULL;
        make_schema(&FIELDS[i], 1, &schema);
        CHECK_STATUS(cflight_builder_new(&schema, NULL, &builder, &error), CFLIGHT_UNIMPLEMENTED);
        assert_non_null(strstr(cflight_error_message(error), "'column'"));
        cflight_error_free(error);
        schema.release(&schema);
    }
}

/* Goal: no failing allocation does more than give RESOURCE_EXHAUSTED. */
TEST(ipc_builder, survives_each_allocation_failure)
{
    struct ArrowSchema schema;
    make_schema(NESTED, NESTED_COUNT, &schema);
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cflight_builder_options options = CFLIGHT_BUILDER_OPTIONS_INIT;
        cflight_error *error = NULL;
        cflight_builder *builder = NULL;
        struct ArrowArray batch = {.release = NULL};
        options.allocator = &alloc->allocator;
        cflight_status status = cflight_builder_new(&schema, &options, &builder, &error);
        if (status == CFLIGHT_OK) {
            append_nested_row(builder, 3);
            append_null_row(builder);
            status = cflight_builder_finish(builder, &batch, &error);
        }
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        if (batch.release != NULL) {
            batch.release(&batch);
        }
        cflight_builder_free(builder);
        cflight_error_free(error);
    }
    schema.release(&schema);
}

/* Goal: batches go through a stream as they are, and those that nobody took are released. */
TEST(ipc_builder, gives_batches_as_a_stream)
{
    static const struct cflight_field FIELDS[] = {{.name = "n", .format = "l"}};
    struct ArrowSchema schema;
    struct ArrowSchema read;
    struct ArrowArray batches[3];
    struct ArrowArray batch;
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    make_schema(FIELDS, 1, &schema);
    cflight_builder *builder = make_builder(&schema);
    for (int i = 0; i < 3; i++) {
        cflight_append_int(cflight_builder_column(builder, 0), i);
        cflight_builder_end_row(builder);
        finish(builder, &schema, &batches[i]);
    }
    CHECK_OK(cflight_batches_to_stream(&schema, batches, 3, &stream, &error), error);
    assert_null(batches[0].release);
    assert_int_equal(stream.get_schema(&stream, &read), 0);
    assert_true(cflight_schema_equal(&schema, &read, true));
    read.release(&read);
    for (int64_t i = 0; i < 2; i++) {
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        assert_int_equal(*(const int64_t *)batch.children[0]->buffers[1], i);
        batch.release(&batch);
    }
    stream.release(&stream);
    CHECK_OK(cflight_batches_to_stream(&schema, NULL, 0, &stream, &error), error);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_null(batch.release);
    stream.release(&stream);
    cflight_builder_free(builder);
    schema.release(&schema);
}

/* Goal: a schema that makes no sense is refused, whatever level it is on. */
TEST(ipc_builder, refuses_schemas_that_make_no_sense)
{
    static const struct cflight_field BAD_ITEM[] = {{.name = "item", .format = "?"}};
    static const struct cflight_field FIELDS[] = {
        {.name = "a", .format = "what"},
        {.name = "a", .format = NULL},
        {.name = "a", .format = "+l"},
        {.name = "a", .format = "+l", .child_count = 1},
        {.name = "a", .format = "+l", .children = BAD_ITEM, .child_count = 1},
        {.name = "a", .format = "i", .children = ITEM, .child_count = 1},
    };
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        struct ArrowSchema schema;
        cflight_error *error = NULL;
        if (cflight_schema_new(&FIELDS[i], 1, &schema, &error) != CFLIGHT_INVALID_ARGUMENT) {
            fail_msg("case %zu", i);
        }
        cflight_error_free(error);
    }
}

static void check_metadata(const struct ArrowSchema *schema, const char *key, const char *value)
{
    struct cflight_bytes found = cflight_schema_metadata(schema, t_text(key));
    assert_true(cflight_bytes_equal(found, t_text(value)));
    assert_int_equal(found.data == NULL, value == NULL);
}

/* Goal: keys are set in their place, added at the end, and taken away; empty is not absent. */
TEST(ipc_builder, sets_metadata)
{
    static const struct cflight_field FIELDS[] = {{.name = "n", .format = "l"}};
    const struct cflight_metadata first[] = {
        {t_text("a"), t_text("1")}, {t_text("b"), t_text("")}, {t_text("c"), t_text("3")}};
    const struct cflight_metadata second[] = {{t_text("b"), t_text("2")},
                                              {t_text("a"), {NULL, 0}},
                                              {t_text("d"), t_text("4")},
                                              {t_text("e"), {NULL, 0}}};
    cflight_error *error = NULL;
    struct ArrowSchema schema;
    struct ArrowSchema one;
    struct ArrowSchema two;
    make_schema(FIELDS, 1, &schema);
    check_metadata(&schema, "a", NULL);
    check_metadata(NULL, "a", NULL);
    CHECK_OK(cflight_schema_set_metadata(&schema, first, 3, &one, &error), error);
    check_metadata(&one, "a", "1");
    check_metadata(&one, "b", "");
    CHECK_OK(cflight_schema_set_metadata(&one, second, 4, &two, &error), error);
    check_metadata(&two, "a", NULL);
    check_metadata(&two, "b", "2");
    check_metadata(&two, "c", "3");
    check_metadata(&two, "d", "4");
    check_metadata(&two, "e", NULL);
    static const char EXPECTED[] =
        "\3\0\0\0\1\0\0\0b\1\0\0\0002\1\0\0\0c\1\0\0\0003\1\0\0\0d\1\0\0\0004";
    assert_memory_equal(two.metadata, EXPECTED,
                        sizeof EXPECTED - 1); /* on little-endian machines */
    two.release(&two);
    one.release(&one);
    schema.release(&schema);
}
