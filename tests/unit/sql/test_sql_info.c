/* SPDX-License-Identifier: Apache-2.0 */
/* SqlInfo: codes, sets, their rows, and rows of others. */
#include <stdlib.h>

#include "cflight/builder.h"
#include "cflight/ipc.h"
#include "cflight/sql_info.h"
#include "sql_support.h"

static cflight_sql_info *make_info(void)
{
    cflight_error *error = NULL;
    cflight_sql_info *info = NULL;
    CHECK_OK(cflight_sql_info_new(&info, &error), error);
    return info;
}

/* A value of each kind, and one of an application. */
static cflight_sql_info *make_full_info(void)
{
    static const int32_t TO_CHAR[] = {CFLIGHT_SQL_CONVERT_CHAR, CFLIGHT_SQL_CONVERT_VARCHAR};
    static const struct cflight_sql_info_entry ENTRIES[] = {
        {CFLIGHT_SQL_CONVERT_BIGINT, TO_CHAR, 2}, {CFLIGHT_SQL_CONVERT_DATE, NULL, 0}};
    const struct cflight_bytes keywords[] = {t_text("ANALYZE"), t_text("")};
    const struct cflight_sql_info_value convert = {.code = CFLIGHT_SQL_INFO_SUPPORTS_CONVERT,
                                                   .kind = CFLIGHT_SQL_INFO_KIND_MAP,
                                                   .entries = ENTRIES,
                                                   .entry_count = 2};
    cflight_sql_info *info = make_info();
    cflight_error *error = NULL;
    CHECK_OK(cflight_sql_info_set_text(info, CFLIGHT_SQL_INFO_SERVER_NAME, t_text("db"), &error),
             error);
    CHECK_OK(cflight_sql_info_set_text(info, CFLIGHT_SQL_INFO_CATALOG_TERM, t_text(""), &error),
             error);
    CHECK_OK(cflight_sql_info_set_bool(info, CFLIGHT_SQL_INFO_SERVER_READ_ONLY, false, &error),
             error);
    CHECK_OK(cflight_sql_info_set_number(info, CFLIGHT_SQL_INFO_SERVER_TRANSACTION, 2, &error),
             error);
    CHECK_OK(cflight_sql_info_set_number(info, CFLIGHT_SQL_INFO_IDENTIFIER_CASE,
                                         CFLIGHT_SQL_CASE_LOWER, &error),
             error);
    CHECK_OK(cflight_sql_info_set_texts(info, CFLIGHT_SQL_INFO_KEYWORDS, keywords, 2, &error),
             error);
    CHECK_OK(cflight_sql_info_set(info, &convert, &error), error);
    CHECK_OK(cflight_sql_info_set_number(info, CFLIGHT_SQL_INFO_OWN, INT64_MAX, &error), error);
    return info;
}

static void check_full_info(const cflight_sql_info *info, bool with_own)
{
    const struct cflight_sql_info_value *value = NULL;
    assert_int_equal(cflight_sql_info_count(info), with_own ? 8 : 7);
    assert_true(cflight_bytes_equal(cflight_sql_info_text(info, CFLIGHT_SQL_INFO_SERVER_NAME),
                                    t_text("db")));
    assert_non_null(cflight_sql_info_text(info, CFLIGHT_SQL_INFO_CATALOG_TERM).data);
    assert_null(cflight_sql_info_text(info, CFLIGHT_SQL_INFO_SERVER_VERSION).data);
    assert_false(cflight_sql_info_bool(info, CFLIGHT_SQL_INFO_SERVER_READ_ONLY, true));
    assert_true(cflight_sql_info_bool(info, CFLIGHT_SQL_INFO_SERVER_SQL, true));
    assert_int_equal(cflight_sql_info_number(info, CFLIGHT_SQL_INFO_SERVER_TRANSACTION, -1), 2);
    assert_int_equal(cflight_sql_info_number(info, CFLIGHT_SQL_INFO_IDENTIFIER_CASE, -1), 3);
    assert_int_equal(cflight_sql_info_number(info, CFLIGHT_SQL_INFO_NULL_ORDERING, -1), -1);
    value = cflight_sql_info_find(info, CFLIGHT_SQL_INFO_KEYWORDS);
    assert_int_equal(value->text_count, 2);
    assert_true(cflight_bytes_equal(value->texts[0], t_text("ANALYZE")));
    value = cflight_sql_info_find(info, CFLIGHT_SQL_INFO_SUPPORTS_CONVERT);
    assert_int_equal(value->entry_count, 2);
    assert_int_equal(value->entries[0].value_count, 2);
    assert_int_equal(value->entries[0].values[1], CFLIGHT_SQL_CONVERT_VARCHAR);
    assert_int_equal(value->entries[1].key, CFLIGHT_SQL_CONVERT_DATE);
    assert_int_equal(value->entries[1].value_count, 0);
}

static void make_schema(struct ArrowSchema *ret_schema)
{
    const struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_SQL_INFO};
    cflight_error *error = NULL;
    CHECK_OK(cflight_sql_result_schema(&command, ret_schema, &error), error);
}

/* Makes rows, and has the library look at them as at a stranger's. */
static void make_rows(const cflight_sql_info *info, const uint32_t *codes, size_t code_count,
                      struct ArrowArray *ret_batch)
{
    struct ArrowSchema schema;
    cflight_error *error = NULL;
    make_schema(&schema);
    CHECK_OK(cflight_sql_info_batch(info, codes, code_count, ret_batch, &error), error);
    CHECK_OK(cflight_array_validate(&schema, ret_batch, &error), error);
    schema.release(&schema);
}

static void check_codes(const struct ArrowArray *batch, const uint32_t *codes, size_t code_count)
{
    assert_int_equal(batch->length, code_count);
    assert_memory_equal(batch->children[0]->buffers[1], codes, code_count * sizeof *codes);
}

/* Goal: the table has the codes of the standard, and each name has its own kind. */
TEST(sql_info, knows_the_codes_of_the_standard)
{
    enum cflight_sql_info_kind kind = CFLIGHT_SQL_INFO_KIND_TEXT;
    size_t known_count = 0;
    for (uint32_t code = 0; code < 20000; code++) {
        bool is_known = cflight_sql_info_kind_of(code, &kind);
        assert_int_equal(is_known, cflight_sql_info_name(code) != NULL);
        known_count += is_known ? 1 : 0;
    }
    assert_int_equal(known_count, 12 + 2 + 77);
    assert_string_equal(cflight_sql_info_name(CFLIGHT_SQL_INFO_SERVER_NAME),
                        "FLIGHT_SQL_SERVER_NAME");
    assert_string_equal(cflight_sql_info_name(576),
                        "SQL_STORED_FUNCTIONS_USING_CALL_SYNTAX_SUPPORTED");
    static const struct {
        uint32_t code;
        enum cflight_sql_info_kind kind;
    } KINDS[] = {
        {8, CFLIGHT_SQL_INFO_KIND_INT32},   {100, CFLIGHT_SQL_INFO_KIND_INT32},
        {503, CFLIGHT_SQL_INFO_KIND_INT64}, {507, CFLIGHT_SQL_INFO_KIND_INT64},
        {502, CFLIGHT_SQL_INFO_KIND_BOOL},  {517, CFLIGHT_SQL_INFO_KIND_MAP},
        {508, CFLIGHT_SQL_INFO_KIND_TEXTS}, {528, CFLIGHT_SQL_INFO_KIND_INT32},
        {541, CFLIGHT_SQL_INFO_KIND_INT64}, {556, CFLIGHT_SQL_INFO_KIND_BOOL},
        {562, CFLIGHT_SQL_INFO_KIND_INT64}, {571, CFLIGHT_SQL_INFO_KIND_INT32},
    };
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        assert_true(cflight_sql_info_kind_of(KINDS[i].code, &kind));
        assert_int_equal(kind, KINDS[i].kind);
    }
}

/* Goal: rows come in the branch of their code, in the order that was asked for, each once; own
 * codes only when they are named. */
TEST(sql_info, gives_the_rows_that_were_asked_for)
{
    static const uint32_t ALL[] = {0, 3, 8, 503, 508, 517, 531};
    static const uint32_t ASKED[] = {10000, 508, 3, 999, 3, 508, 1, 0};
    static const uint32_t GIVEN[] = {10000, 508, 3, 0};
    static const uint8_t ALL_IDS[] = {0, 1, 3, 2, 4, 5, 0};
    static const uint32_t UNKNOWN[] = {1, 99999};
    struct ArrowArray batch;
    cflight_sql_info *info = make_full_info();
    check_full_info(info, true);
    make_rows(info, NULL, 0, &batch);
    check_codes(&batch, ALL, sizeof ALL / sizeof ALL[0]);
    assert_memory_equal(batch.children[1]->buffers[0], ALL_IDS, sizeof ALL_IDS);
    batch.release(&batch);
    make_rows(info, ASKED, sizeof ASKED / sizeof ASKED[0], &batch);
    check_codes(&batch, GIVEN, sizeof GIVEN / sizeof GIVEN[0]);
    batch.release(&batch);
    make_rows(info, UNKNOWN, 2, &batch);
    assert_int_equal(batch.length, 0);
    batch.release(&batch);
    cflight_sql_info_free(info);
}

/* Goal: what was made is read back the same, from a slice too. */
TEST(sql_info, reads_what_it_makes)
{
    static const uint32_t CODES[] = {10000, 0, 3, 8, 503, 508, 517, 531};
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_error *error = NULL;
    cflight_sql_info *info = make_full_info();
    cflight_sql_info *read = make_info();
    make_schema(&schema);
    make_rows(info, CODES, 8, &batch);
    CHECK_OK(cflight_sql_info_add_batch(read, &schema, &batch, &error), error);
    check_full_info(read, true);
    assert_int_equal(cflight_sql_info_number(read, 10000, 0), INT64_MAX);
    cflight_sql_info_free(read);
    read = make_info();
    batch.offset = 1;
    batch.length = 7;
    CHECK_OK(cflight_sql_info_add_batch(read, &schema, &batch, &error), error);
    check_full_info(read, false);
    batch.offset = 0;
    batch.release(&batch);
    cflight_sql_info_free(read);
    cflight_sql_info_free(info);
    schema.release(&schema);
}

/* Goal: values are replaced and taken away. */
TEST(sql_info, changes_its_values)
{
    cflight_error *error = NULL;
    cflight_sql_info *info = make_full_info();
    CHECK_OK(cflight_sql_info_set_text(info, CFLIGHT_SQL_INFO_SERVER_NAME, t_text("x"), &error),
             error);
    assert_int_equal(cflight_sql_info_count(info), 8);
    assert_true(cflight_bytes_equal(cflight_sql_info_text(info, CFLIGHT_SQL_INFO_SERVER_NAME),
                                    t_text("x")));
    cflight_sql_info_remove(info, CFLIGHT_SQL_INFO_SERVER_NAME);
    cflight_sql_info_remove(info, CFLIGHT_SQL_INFO_SERVER_NAME);
    assert_int_equal(cflight_sql_info_count(info), 7);
    assert_null(cflight_sql_info_find(info, CFLIGHT_SQL_INFO_SERVER_NAME));
    assert_int_equal(cflight_sql_info_at(info, 0)->code, CFLIGHT_SQL_INFO_SERVER_READ_ONLY);
    assert_null(cflight_sql_info_at(info, 7));
    cflight_sql_info_free(info);
    cflight_sql_info_free(NULL);
}

/* Goal: a value that the standard does not have is refused, with its name. */
TEST(sql_info, refuses_what_the_standard_does_not_have)
{
    static const struct cflight_sql_info_entry BROKEN[] = {{1, NULL, 2}};
    const struct cflight_bytes no_text[] = {t_text("\xff")};
    const struct cflight_sql_info_value values[] = {
        {.code = 0, .kind = CFLIGHT_SQL_INFO_KIND_BOOL},
        {.code = 3, .kind = CFLIGHT_SQL_INFO_KIND_INT64, .number = 1},
        {.code = 8, .kind = CFLIGHT_SQL_INFO_KIND_INT64, .number = (int64_t)1 << 40},
        {.code = 0, .kind = CFLIGHT_SQL_INFO_KIND_TEXT, .text = t_text("\xff")},
        {.code = 508, .kind = CFLIGHT_SQL_INFO_KIND_TEXTS, .texts = no_text, .text_count = 1},
        {.code = 508, .kind = CFLIGHT_SQL_INFO_KIND_TEXTS, .text_count = 1},
        {.code = 517, .kind = CFLIGHT_SQL_INFO_KIND_MAP, .entries = BROKEN, .entry_count = 1},
        {.code = 20000, .kind = CFLIGHT_SQL_INFO_KIND_INT32, .number = (int64_t)1 << 40},
        {.code = 20000, .kind = (enum cflight_sql_info_kind)6},
    };
    cflight_sql_info *info = make_info();
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        cflight_error *error = NULL;
        if (cflight_sql_info_set(info, &values[i], &error) != CFLIGHT_INVALID_ARGUMENT) {
            fail_msg("case %zu", i);
        }
        assert_memory_equal(cflight_error_message(error), "SqlInfo ", 8);
        cflight_error_free(error);
    }
    assert_int_equal(cflight_sql_info_count(info), 0);
    cflight_sql_info_free(info);
}

/* Goal: the bounds on codes and bytes hold. */
TEST(sql_info, keeps_to_its_bounds)
{
    enum { LARGE_BYTES = CFLIGHT_SQL_INFO_BYTES_MAX / 2 };
    cflight_error *error = NULL;
    cflight_sql_info *info = make_info();
    char *large = calloc(1, LARGE_BYTES);
    assert_non_null(large);
    const struct cflight_bytes text = cflight_bytes_make(large, LARGE_BYTES);
    CHECK_OK(cflight_sql_info_set_text(info, 20000, text, &error), error);
    CHECK_STATUS(cflight_sql_info_set_text(info, 20001, text, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    cflight_error_free(error);
    error = NULL;
    CHECK_OK(cflight_sql_info_set_text(info, 20000, text, &error), error); /* in its own place */
    cflight_sql_info_remove(info, 20000);
    for (uint32_t i = 0; i < CFLIGHT_SQL_INFO_CODES_MAX; i++) {
        CHECK_OK(cflight_sql_info_set_number(info, 20000 + i, 1, &error), error);
    }
    CHECK_STATUS(cflight_sql_info_set_number(info, 1000000, 1, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    cflight_error_free(error);
    free(large);
    cflight_sql_info_free(info);
}

static const struct cflight_field TEXT_ITEM[] = {{.name = "x", .format = "u"}};
static const struct cflight_field NUMBER_ITEM[] = {{.name = "x", .format = "i"}};
static const struct cflight_field ENTRY[] = {
    {.name = "k", .format = "i", .is_required = true},
    {.name = "v", .format = "+l", .children = NUMBER_ITEM, .child_count = 1}};
static const struct cflight_field ENTRIES[] = {
    {.name = "e", .format = "+s", .is_required = true, .children = ENTRY, .child_count = 2}};
static const struct cflight_field MEMBERS[] = {
    {.name = "a", .format = "u"},
    {.name = "b", .format = "b"},
    {.name = "c", .format = "l"},
    {.name = "d", .format = "i"},
    {.name = "e", .format = "+l", .children = TEXT_ITEM, .child_count = 1},
    {.name = "f", .format = "+m", .children = ENTRIES, .child_count = 1},
};

/* Goal: others may have other ids, names and orders of columns, nulls, and numbers in the other
 * branch. Method: rows as no implementation has them, but as the format allows. */
TEST(sql_info, reads_rows_of_others)
{
    static const struct cflight_field FIELDS[] = {
        {.name = "more", .format = "u"},
        {.name = "value", .format = "+ud:9,8,7,6,5,4", .children = MEMBERS, .child_count = 6},
        {.name = "info_name", .format = "I"},
    };
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cflight_error *error = NULL;
    cflight_builder *builder = NULL;
    cflight_sql_info *info = make_info();
    CHECK_OK(cflight_schema_new(FIELDS, 3, &schema, &error), error);
    CHECK_OK(cflight_builder_new(&schema, NULL, &builder, &error), error);
    cflight_column *values = cflight_builder_column(builder, 1);
    static const struct {
        uint32_t code;
        size_t member;
        int64_t number;
    } ROWS[] = {{503, 3, 2}, {8, 2, 1}, {562, 2, 4}, {502, 3, 1}, {8, 2, (int64_t)1 << 40}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        cflight_append_null(cflight_builder_column(builder, 0));
        cflight_append_uint(cflight_builder_column(builder, 2), ROWS[i].code);
        cflight_append_int(cflight_column_child(values, ROWS[i].member), ROWS[i].number);
        cflight_append_union(values, ROWS[i].member);
        cflight_builder_end_row(builder);
    }
    cflight_append_text(cflight_builder_column(builder, 0), "x");
    cflight_append_uint(cflight_builder_column(builder, 2), 0);
    cflight_append_null(cflight_column_child(values, 0)); /* null is not there */
    cflight_append_union(values, 0);
    cflight_builder_end_row(builder);
    CHECK_OK(cflight_builder_finish(builder, &batch, &error), error);
    CHECK_OK(cflight_sql_info_add_batch(info, &schema, &batch, &error), error);
    assert_int_equal(cflight_sql_info_number(info, 503, -1), 2);
    assert_int_equal(cflight_sql_info_find(info, 503)->kind, CFLIGHT_SQL_INFO_KIND_INT64);
    assert_int_equal(cflight_sql_info_number(info, 8, -1), (int64_t)1 << 40); /* the last */
    assert_int_equal(cflight_sql_info_number(info, 562, -1), 4);
    assert_false(cflight_sql_info_bool(info, 502, false)); /* of another kind */
    assert_int_equal(cflight_sql_info_number(info, 502, -1), 1);
    assert_null(cflight_sql_info_find(info, 0));
    batch.release(&batch);
    cflight_builder_free(builder);
    schema.release(&schema);
    cflight_sql_info_free(info);
}

/* Goal: a sparse union, which DuckDB's driver had before 2.0, says the same. Method: a value for
 * each row in each member, as a sparse union has them, with the row in front cut off. */
TEST(sql_info, reads_sparse_unions)
{
    static const struct cflight_field FIELDS[] = {
        {.name = "info_name", .format = "I"},
        {.name = "value", .format = "+us:0,1,2,3,4,5", .children = MEMBERS, .child_count = 6},
    };
    static const int8_t IDS[3] = {0};
    struct cflight_field whole[2] = {FIELDS[0], FIELDS[1]};
    struct ArrowSchema schema;
    struct ArrowSchema built;
    struct ArrowArray batch;
    cflight_error *error = NULL;
    cflight_builder *builder = NULL;
    cflight_sql_info *info = make_info();
    whole[1].format = "+s";
    CHECK_OK(cflight_schema_new(FIELDS, 2, &schema, &error), error);
    CHECK_OK(cflight_schema_new(whole, 2, &built, &error), error);
    CHECK_OK(cflight_builder_new(&built, NULL, &builder, &error), error);
    cflight_column *values = cflight_builder_column(builder, 1);
    for (uint32_t row = 0; row < 3; row++) {
        for (size_t member = 1; member < 6; member++) {
            cflight_append_null(cflight_column_child(values, member));
        }
        cflight_append_text(cflight_column_child(values, 0), row == 1 ? "goose" : "duck");
        cflight_append_uint(cflight_builder_column(builder, 0), row);
        cflight_append_nested(values);
        cflight_builder_end_row(builder);
    }
    CHECK_OK(cflight_builder_finish(builder, &batch, &error), error);
    batch.children[1]->buffers[0] = IDS;
    batch.children[0]->offset = batch.children[1]->offset = 1;
    batch.children[0]->length = batch.children[1]->length = batch.length = 2;
    CHECK_OK(cflight_sql_info_add_batch(info, &schema, &batch, &error), error);
    assert_int_equal(cflight_sql_info_count(info), 2);
    assert_true(cflight_bytes_equal(cflight_sql_info_text(info, 1), t_text("goose")));
    assert_true(cflight_bytes_equal(cflight_sql_info_text(info, 2), t_text("duck")));
    batch.release(&batch);
    cflight_builder_free(builder);
    built.release(&built);
    schema.release(&schema);
    cflight_sql_info_free(info);
}

/* Goal: what is no SqlInfo is refused, and says what is missing. */
TEST(sql_info, refuses_rows_of_something_else)
{
    static const struct cflight_field CASES[][2] = {
        {{.name = "x", .format = "I"}, {.name = "value", .format = "u"}},
        {{.name = "info_name", .format = "i"}, {.name = "value", .format = "u"}},
        {{.name = "info_name", .format = "I"}, {.name = "value", .format = "u"}},
        {{.name = "info_name", .format = "I"},
         {.name = "value", .format = "+ud:0,1,2,3,4", .children = MEMBERS, .child_count = 5}},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ArrowSchema schema;
        struct ArrowArray batch;
        cflight_error *error = NULL;
        cflight_builder *builder = NULL;
        cflight_sql_info *info = make_info();
        CHECK_OK(cflight_schema_new(CASES[i], 2, &schema, &error), error);
        CHECK_OK(cflight_builder_new(&schema, NULL, &builder, &error), error);
        CHECK_OK(cflight_builder_finish(builder, &batch, &error), error);
        CHECK_STATUS(cflight_sql_info_add_batch(info, &schema, &batch, &error), CFLIGHT_DATA_LOSS);
        assert_memory_equal(cflight_error_message(error), "not rows of SqlInfo", 19);
        batch.release(&batch);
        cflight_error_free(error);
        cflight_builder_free(builder);
        schema.release(&schema);
        cflight_sql_info_free(info);
    }
}
