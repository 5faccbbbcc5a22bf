/* SPDX-License-Identifier: Apache-2.0 */
/* What users read from format strings. */
#include "cflight/schema.h"

#include <stdio.h>

#include "test.h"

/* One of each type: size of a value, precision and scale, items, unit. */
static const struct {
    const char *format;
    struct cflight_type type;
} TYPES[] = {
    {"n", {.id = CFLIGHT_TYPE_NULL}},
    {"b", {.id = CFLIGHT_TYPE_BOOL}},
    {"c", {.id = CFLIGHT_TYPE_INT8, .value_bytes = 1}},
    {"C", {.id = CFLIGHT_TYPE_UINT8, .value_bytes = 1}},
    {"s", {.id = CFLIGHT_TYPE_INT16, .value_bytes = 2}},
    {"S", {.id = CFLIGHT_TYPE_UINT16, .value_bytes = 2}},
    {"i", {.id = CFLIGHT_TYPE_INT32, .value_bytes = 4}},
    {"I", {.id = CFLIGHT_TYPE_UINT32, .value_bytes = 4}},
    {"l", {.id = CFLIGHT_TYPE_INT64, .value_bytes = 8}},
    {"L", {.id = CFLIGHT_TYPE_UINT64, .value_bytes = 8}},
    {"e", {.id = CFLIGHT_TYPE_FLOAT16, .value_bytes = 2}},
    {"f", {.id = CFLIGHT_TYPE_FLOAT32, .value_bytes = 4}},
    {"g", {.id = CFLIGHT_TYPE_FLOAT64, .value_bytes = 8}},
    {"d:5,2", {.id = CFLIGHT_TYPE_DECIMAL, .value_bytes = 16, .precision = 5, .scale = 2}},
    {"d:9,-2,32", {.id = CFLIGHT_TYPE_DECIMAL, .value_bytes = 4, .precision = 9, .scale = -2}},
    {"d:18,0,64", {.id = CFLIGHT_TYPE_DECIMAL, .value_bytes = 8, .precision = 18}},
    {"d:76,3,256", {.id = CFLIGHT_TYPE_DECIMAL, .value_bytes = 32, .precision = 76, .scale = 3}},
    {"z", {.id = CFLIGHT_TYPE_BINARY}},
    {"Z", {.id = CFLIGHT_TYPE_LARGE_BINARY}},
    {"vz", {.id = CFLIGHT_TYPE_BINARY_VIEW}},
    {"w:42", {.id = CFLIGHT_TYPE_FIXED_SIZE_BINARY, .value_bytes = 42}},
    {"u", {.id = CFLIGHT_TYPE_UTF8}},
    {"U", {.id = CFLIGHT_TYPE_LARGE_UTF8}},
    {"vu", {.id = CFLIGHT_TYPE_UTF8_VIEW}},
    {"tdD", {.id = CFLIGHT_TYPE_DATE32, .value_bytes = 4}},
    {"tdm", {.id = CFLIGHT_TYPE_DATE64, .value_bytes = 8, .unit = CFLIGHT_TIME_UNIT_MILLISECOND}},
    {"tts", {.id = CFLIGHT_TYPE_TIME32, .value_bytes = 4}},
    {"ttm", {.id = CFLIGHT_TYPE_TIME32, .value_bytes = 4, .unit = CFLIGHT_TIME_UNIT_MILLISECOND}},
    {"ttu", {.id = CFLIGHT_TYPE_TIME64, .value_bytes = 8, .unit = CFLIGHT_TIME_UNIT_MICROSECOND}},
    {"ttn", {.id = CFLIGHT_TYPE_TIME64, .value_bytes = 8, .unit = CFLIGHT_TIME_UNIT_NANOSECOND}},
    {"tss:", {.id = CFLIGHT_TYPE_TIMESTAMP, .value_bytes = 8}},
    {"tsm:",
     {.id = CFLIGHT_TYPE_TIMESTAMP, .value_bytes = 8, .unit = CFLIGHT_TIME_UNIT_MILLISECOND}},
    {"tsu:",
     {.id = CFLIGHT_TYPE_TIMESTAMP, .value_bytes = 8, .unit = CFLIGHT_TIME_UNIT_MICROSECOND}},
    {"tsn:",
     {.id = CFLIGHT_TYPE_TIMESTAMP, .value_bytes = 8, .unit = CFLIGHT_TIME_UNIT_NANOSECOND}},
    {"tDs", {.id = CFLIGHT_TYPE_DURATION, .value_bytes = 8}},
    {"tDn", {.id = CFLIGHT_TYPE_DURATION, .value_bytes = 8, .unit = CFLIGHT_TIME_UNIT_NANOSECOND}},
    {"tiM", {.id = CFLIGHT_TYPE_INTERVAL_MONTHS, .value_bytes = 4}},
    {"tiD",
     {.id = CFLIGHT_TYPE_INTERVAL_DAY_TIME,
      .value_bytes = 8,
      .unit = CFLIGHT_TIME_UNIT_MILLISECOND}},
    {"tin",
     {.id = CFLIGHT_TYPE_INTERVAL_MONTH_DAY_NANO,
      .value_bytes = 16,
      .unit = CFLIGHT_TIME_UNIT_NANOSECOND}},
    {"+l", {.id = CFLIGHT_TYPE_LIST}},
    {"+L", {.id = CFLIGHT_TYPE_LARGE_LIST}},
    {"+vl", {.id = CFLIGHT_TYPE_LIST_VIEW}},
    {"+vL", {.id = CFLIGHT_TYPE_LARGE_LIST_VIEW}},
    {"+w:3", {.id = CFLIGHT_TYPE_FIXED_SIZE_LIST, .list_size = 3}},
    {"+s", {.id = CFLIGHT_TYPE_STRUCT}},
    {"+m", {.id = CFLIGHT_TYPE_MAP}},
    {"+r", {.id = CFLIGHT_TYPE_RUN_END_ENCODED}},
};

/* Goal: each format string says what the specification says. Method: one of each type, with its
 * parameters. */
TEST(format, each_type_is_read)
{
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        const struct cflight_type *expected = &TYPES[i].type;
        struct cflight_type type;
        CHECK_STATUS(cflight_type_parse(TYPES[i].format, &type, NULL), CFLIGHT_OK);
        assert_int_equal(type.id, expected->id);
        assert_int_equal(type.value_bytes, expected->value_bytes);
        assert_int_equal(type.precision, expected->precision);
        assert_int_equal(type.scale, expected->scale);
        assert_int_equal(type.list_size, expected->list_size);
        assert_int_equal(type.unit, expected->unit);
        assert_null(type.timezone);
        assert_int_equal(type.union_child_count, 0);
    }
}

/* Goal: a time zone is a part of the format. */
TEST(format, a_time_zone_is_borrowed)
{
    const char *format = "tsu:Europe/Paris";
    struct cflight_type type;
    CHECK_STATUS(cflight_type_parse(format, &type, NULL), CFLIGHT_OK);
    assert_ptr_equal(type.timezone, format + 4);
}

/* Goal: children of unions are found by their ids. Method: both kinds, ids out of order. */
TEST(format, type_ids_of_unions_lead_to_children)
{
    struct cflight_type type;
    CHECK_STATUS(cflight_type_parse("+us:", &type, NULL), CFLIGHT_OK);
    assert_int_equal(type.id, CFLIGHT_TYPE_SPARSE_UNION);
    assert_int_equal(type.union_child_count, 0);
    CHECK_STATUS(cflight_type_parse("+ud:5,127,0", &type, NULL), CFLIGHT_OK);
    assert_int_equal(type.id, CFLIGHT_TYPE_DENSE_UNION);
    assert_int_equal(type.union_child_count, 3);
    assert_int_equal(type.union_child[5], 0);
    assert_int_equal(type.union_child[127], 1);
    assert_int_equal(type.union_child[0], 2);
    assert_int_equal(type.union_child[1], -1);
}

/* Goal: what the specification does not have is refused, and what was given is told. Method:
 * unknown formats, and known ones with parameters that cannot be. */
TEST(format, others_are_refused)
{
    static const char *const FORMATS[] = {
        "",         "x",     "ii",      "ts",     "tsx:",       "tsu",
        "d:",       "d:5",   "d:5,",    "d:5,2,", "d:5,2,128x", "d:39,0",
        "d:5,2,96", "d:0,0", "w:",      "w:-1",   "w:4x",       "w:99999999999",
        "+w:-1",    "+w:",   "+us:128", "+us:-1", "+ud:1,1",    "+ud:1,",
        "+ud:,1",   "+u:",   "+ud:a",   "d: 5,2",
    };
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++) {
        struct cflight_type type;
        cflight_error *error = NULL;
        CHECK_STATUS(cflight_type_parse(FORMATS[i], &type, &error), CFLIGHT_INVALID_ARGUMENT);
        char quoted[64];
        (void)snprintf(quoted, sizeof quoted, "\"%s\"", FORMATS[i]);
        assert_non_null(strstr(cflight_error_message(error), quoted));
        cflight_error_free(error);
    }
    struct cflight_type type;
    CHECK_STATUS(cflight_type_parse(NULL, &type, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_type_parse("i", NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
}
