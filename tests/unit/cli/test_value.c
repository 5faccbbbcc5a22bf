/* SPDX-License-Identifier: Apache-2.0 */
/* Values of every layout, found in hand-made arrays. */
#include "arrays.h"
#include "cli/values/value.h"
#include "test.h"

/* Prints all values as JSON, and as plain text, each joined by '|', and compares. NULL skips a
 * comparison. */
static void check_values(const struct ArrowSchema *schema, const struct ArrowArray *array,
                         const char *json, const char *plain)
{
    struct cli_column column;
    struct cli_text json_text = CLI_TEXT_INIT;
    struct cli_text plain_text = CLI_TEXT_INIT;
    cflight_error *error = NULL;
    CHECK_OK(cli_column_init(&column, schema, &error), error);
    for (int64_t i = 0; i < array->length; i++) {
        cli_text_append_string(&json_text, i > 0 ? "|" : "");
        cli_text_append_string(&plain_text, i > 0 ? "|" : "");
        cli_value_append_json(&json_text, &column, array, i);
        cli_value_append_plain(&plain_text, &column, array, i);
    }
    assert_string_equal(cli_text_terminated(&json_text), json);
    if (plain != NULL) {
        assert_string_equal(cli_text_terminated(&plain_text), plain);
    }
    cli_text_done(&json_text);
    cli_text_done(&plain_text);
    cli_column_done(&column);
}

/* Goal: every fixed-width number is read with its own width and sign.
 * Method: one buffer of bytes seen as each type. */
TEST(cli_value, numbers_are_read_with_their_width)
{
    static const uint64_t data[] = {0xFFFFFFFFFFFFFFFEu, 0x4045000000000000u};
    static const char *const expected[][2] = {
        {"c", "-2|-1"},
        {"C", "254|255"},
        {"s", "-2|-1"},
        {"S", "65534|65535"},
        {"i", "-2|-1"},
        {"I", "4294967294|4294967295"},
        {"l", "-2|4631107791820423168"},
        {"L", "18446744073709551614|4631107791820423168"},
        {"g", "\"NaN\"|42.0"},
        {"b", "false|true"},
    };
    struct ArrowArray array = t_array(2, T_BUFFERS(NULL, data), 2);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct ArrowSchema schema = t_field("x", expected[i][0]);
        check_values(&schema, &array, expected[i][1], NULL);
    }
}

/* Goal: null is null, and the array's offset shifts bitmap and values alike.
 * Method: a bitmap with a hole, once from 0 and once from 1. */
TEST(cli_value, nulls_and_offsets_are_respected)
{
    static const int32_t data[] = {10, 20, 30, 40};
    static const uint8_t bitmap[] = {0x0D};
    struct ArrowSchema schema = t_field("x", "i");
    struct ArrowArray array = t_array(4, T_BUFFERS(bitmap, data), 2);
    check_values(&schema, &array, "10|null|30|40", "10||30|40");
    array.offset = 1;
    array.length = 3;
    check_values(&schema, &array, "null|30|40", "|30|40");
    struct ArrowSchema null_schema = t_field("n", "n");
    struct ArrowArray nulls = {.length = 2, .null_count = 2};
    check_values(&null_schema, &nulls, "null|null", "|");
}

/* Goal: texts and bytes of all layouts are found.
 * Method: 32-bit and 64-bit offsets, views inside and outside, fixed size. */
TEST(cli_value, texts_and_bytes_of_all_layouts)
{
    static const int32_t offsets[] = {0, 1, 1, 3};
    static const int64_t large_offsets[] = {0, 1, 1, 3};
    static const char data[] = "a\"bcdefghijklmnop";
    struct {
        int32_t len_bytes;
        char inlined[12];
    } views[2] = {{2, "hi"}, {14, ""}};
    int32_t place[3] = {0, 0, 3};
    memcpy(views[1].inlined, place, sizeof place);
    int64_t sizes[] = {17};

    struct ArrowSchema schema = t_field("x", "u");
    struct ArrowArray array = t_array(3, T_BUFFERS(NULL, offsets, data), 3);
    check_values(&schema, &array, "\"a\"|\"\"|\"\\\"b\"", "a||\"b");
    schema = t_field("x", "z");
    check_values(&schema, &array, "\"YQ==\"|\"\"|\"ImI=\"", "61||2262");
    array = t_array(3, T_BUFFERS(NULL, large_offsets, data), 3);
    schema = t_field("x", "U");
    check_values(&schema, &array, "\"a\"|\"\"|\"\\\"b\"", "a||\"b");
    schema = t_field("x", "Z");
    check_values(&schema, &array, "\"YQ==\"|\"\"|\"ImI=\"", NULL);
    array = t_array(2, T_BUFFERS(NULL, views, data, sizes), 4);
    schema = t_field("x", "vu");
    check_values(&schema, &array, "\"hi\"|\"cdefghijklmnop\"", "hi|cdefghijklmnop");
    array = t_array(2, T_BUFFERS(NULL, data), 2);
    schema = t_field("x", "w:2");
    check_values(&schema, &array, "\"YSI=\"|\"YmM=\"", "6122|6263");
}

/* Goal: times, decimals and intervals go through with their parameters.
 * Method: one value of each. */
TEST(cli_value, temporal_types_and_decimals_are_quoted_in_json)
{
    static const int64_t one[] = {86400000, 0};
    static const int32_t month_day[] = {1, 2, 3, 0};
    struct ArrowArray array = t_array(1, T_BUFFERS(NULL, one), 2);
    static const char *const cases[][2] = {
        {"tdm", "1970-01-02"},
        {"ttm", "24:00:00.000"},
        {"tsm:", "1970-01-02T00:00:00.000"},
        {"tsm:Europe/Paris", "1970-01-02T00:00:00.000Z"},
        {"tDm", "PT86400.000S"},
        {"tDn", "PT0.086400000S"},
        {"ttu", "00:01:26.400000"},
        {"d:10,2", "864000.00"},
        {"d:5,1,32", "8640000.0"},
        {"d:9,0,64", "86400000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ArrowSchema schema = t_field("x", cases[i][0]);
        struct cli_text quoted = CLI_TEXT_INIT;
        cli_text_append_format(&quoted, "\"%s\"", cases[i][1]);
        check_values(&schema, &array, cli_text_terminated(&quoted), cases[i][1]);
        cli_text_done(&quoted);
    }
    array = t_array(1, T_BUFFERS(NULL, month_day), 2);
    struct ArrowSchema schema = t_field("x", "tin");
    check_values(&schema, &array, "\"P1M2DT0.000000003S\"", NULL);
    schema = t_field("x", "tiD");
    check_values(&schema, &array, "\"P1DT0.002S\"", NULL);
    schema = t_field("x", "tiM");
    check_values(&schema, &array, "\"P1M\"", NULL);
    schema = t_field("x", "tdD");
    check_values(&schema, &array, "\"1970-01-02\"", "1970-01-02");
}

/* Goal: lists of every layout, structs and maps print as JSON, with the offsets of parent and
 * child. Method: the same items seen through each. */
TEST(cli_value, nested_layouts_print_as_json)
{
    static const int8_t items[] = {1, 2, 3, 4, 5, 6};
    static const int32_t offsets[] = {0, 2, 2, 5};
    static const int64_t large_offsets[] = {0, 2, 2, 5};
    static const int32_t view_offsets[] = {4, 0, 1};
    static const int32_t view_sizes[] = {1, 0, 3};
    static const uint8_t bitmap[] = {0x05};
    struct ArrowSchema item = t_field("item", "c");
    struct ArrowSchema *item_children[] = {&item};
    struct ArrowArray item_array = t_array(6, T_BUFFERS(NULL, items), 2);
    struct ArrowArray *item_arrays[] = {&item_array};

    struct ArrowSchema schema = t_nested_field("x", "+l", item_children, 1);
    struct ArrowArray array = t_nested_array(3, T_BUFFERS(bitmap, offsets), 2, item_arrays, 1);
    check_values(&schema, &array, "[1,2]|null|[3,4,5]", "[1,2]||[3,4,5]");
    schema = t_nested_field("x", "+L", item_children, 1);
    array = t_nested_array(3, T_BUFFERS(NULL, large_offsets), 2, item_arrays, 1);
    check_values(&schema, &array, "[1,2]|[]|[3,4,5]", NULL);
    schema = t_nested_field("x", "+vl", item_children, 1);
    array = t_nested_array(3, T_BUFFERS(NULL, view_offsets, view_sizes), 3, item_arrays, 1);
    check_values(&schema, &array, "[5]|[]|[2,3,4]", NULL);
    schema = t_nested_field("x", "+w:2", item_children, 1);
    array = t_nested_array(2, T_BUFFERS(NULL), 1, item_arrays, 1);
    array.offset = 1;
    check_values(&schema, &array, "[3,4]|[5,6]", NULL);

    struct ArrowSchema *pair[] = {&item, &item};
    struct ArrowArray *pair_arrays[] = {&item_array, &item_array};
    struct ArrowSchema entries = t_nested_field("entries", "+s", pair, 2);
    struct ArrowArray entry_array = t_nested_array(6, T_BUFFERS(NULL), 1, pair_arrays, 2);
    check_values(&entries, &entry_array,
                 "{\"item\":1,\"item_2\":1}|{\"item\":2,\"item_2\":2}|{\"item\":3,\"item_2\":3}|"
                 "{\"item\":4,\"item_2\":4}|{\"item\":5,\"item_2\":5}|{\"item\":6,\"item_2\":6}",
                 NULL);
    struct ArrowSchema *entry_children[] = {&entries};
    struct ArrowArray *entry_arrays[] = {&entry_array};
    schema = t_nested_field("x", "+m", entry_children, 1);
    array = t_nested_array(2, T_BUFFERS(NULL, offsets), 2, entry_arrays, 1);
    check_values(&schema, &array, "[{\"key\":1,\"value\":1},{\"key\":2,\"value\":2}]|[]", NULL);
}

/* Goal: unions, dictionaries and runs show the value they stand for, and its nullness.
 * Method: small arrays of each, with an offset for the runs. */
TEST(cli_value, indirect_layouts_show_the_value_behind)
{
    static const int8_t numbers[] = {7, 8, 9};
    static const uint8_t bitmap[] = {0x05};
    static const int32_t text_offsets[] = {0, 1, 2, 3};
    static const int8_t type_ids[] = {5, 2, 5};
    static const int32_t dense_offsets[] = {2, 0, 1};
    static const uint8_t codes[] = {2, 1, 0};
    static const int16_t run_ends[] = {2, 3, 6};
    struct ArrowSchema number = t_field("n", "c");
    struct ArrowSchema letter = t_field("t", "u");
    struct ArrowArray number_array = t_array(3, T_BUFFERS(bitmap, numbers), 2);
    struct ArrowArray letter_array = t_array(3, T_BUFFERS(NULL, text_offsets, "abc"), 3);
    struct ArrowSchema *children[] = {&letter, &number};
    struct ArrowArray *arrays[] = {&letter_array, &number_array};

    struct ArrowSchema schema = t_nested_field("x", "+us:2,5", children, 2);
    struct ArrowArray array = t_nested_array(3, T_BUFFERS(type_ids), 1, arrays, 2);
    array.null_count = 0;
    check_values(&schema, &array, "7|\"b\"|9", "7|b|9");
    schema = t_nested_field("x", "+ud:2,5", children, 2);
    array = t_nested_array(3, T_BUFFERS(type_ids, dense_offsets), 2, arrays, 2);
    check_values(&schema, &array, "9|\"a\"|null", "9|a|");

    schema = t_field("x", "C");
    schema.dictionary = &number;
    array = t_array(3, T_BUFFERS(NULL, codes), 2);
    array.dictionary = &number_array;
    check_values(&schema, &array, "9|null|7", "9||7");

    struct ArrowSchema ends = t_field("run_ends", "s");
    struct ArrowArray ends_array = t_array(3, T_BUFFERS(NULL, run_ends), 2);
    struct ArrowSchema *run_children[] = {&ends, &number};
    struct ArrowArray *run_arrays[] = {&ends_array, &number_array};
    schema = t_nested_field("x", "+r", run_children, 2);
    array = t_nested_array(5, NULL, 0, run_arrays, 2);
    array.offset = 1;
    check_values(&schema, &array, "7|null|9|9|9", "7||9|9|9");
}

/* Goal: formats this program does not know, and schemas that cannot be, are refused.
 * Method: one of each. */
TEST(cli_column, strange_schemas_are_refused)
{
    static const char *const formats[] = {"",        "?",   "tdX",      "w:", "w:x",     "w:-1",
                                          "d:",      "d:1", "d:5,1,33", "+q", "+ud:1,1", "+us:-1",
                                          "+us:128", "+w:", "ts",       "+l"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct cli_column column;
        cflight_error *error = NULL;
        struct ArrowSchema schema = t_field("x", formats[i]);
        assert_int_not_equal(cli_column_init(&column, &schema, &error), CFLIGHT_OK);
        assert_non_null(strstr(cflight_error_message(error), "'x'"));
        cflight_error_free(error);
    }
}

/* Goal: sizes for progress count what is there.
 * Method: known columns. */
TEST(cli_column, array_bytes_count_buffers)
{
    static const int32_t offsets[] = {0, 5, 9};
    struct ArrowSchema text = t_field("t", "u");
    struct ArrowSchema number = t_field("n", "l");
    struct ArrowSchema *children[] = {&text, &number};
    struct ArrowArray text_array = t_array(2, T_BUFFERS(NULL, offsets, "abcdefghi"), 3);
    struct ArrowArray number_array = t_array(2, T_BUFFERS(NULL, offsets), 2);
    struct ArrowArray *arrays[] = {&text_array, &number_array};
    struct ArrowSchema schema = t_nested_field("", "+s", children, 2);
    struct ArrowArray array = t_nested_array(2, T_BUFFERS(NULL), 1, arrays, 2);
    struct cli_column column;
    cflight_error *error = NULL;
    CHECK_OK(cli_column_init(&column, &schema, &error), error);
    assert_int_equal(cli_array_bytes(&column, &array), 8 + 9 + 16);
    array.length = 1;
    assert_int_equal(cli_array_bytes(&column, &array), 4 + 5 + 8);
    array.offset = 1;
    assert_int_equal(cli_array_bytes(&column, &array), 4 + 4 + 8);
    cli_column_done(&column);
}
