/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, decimals, times and bytes as text. */
#include <float.h>
#include <stdio.h>
#include <math.h>
#include <stdlib.h>

#include "cli/values/value.h"
#include "test.h"

static void check_text(struct cli_text *text, const char *expected)
{
    assert_string_equal(cli_text_terminated(text), expected);
    cli_text_clear(text);
}

/* Goal: integers print exactly over their whole range.
 * Method: the ends and zero. */
TEST(cli_value_number, integers_print_over_their_whole_range)
{
    struct cli_text text = CLI_TEXT_INIT;
    cli_number_append_int64(&text, INT64_MIN);
    check_text(&text, "-9223372036854775808");
    cli_number_append_int64(&text, INT64_MAX);
    check_text(&text, "9223372036854775807");
    cli_number_append_int64(&text, 0);
    check_text(&text, "0");
    cli_number_append_uint64(&text, UINT64_MAX);
    check_text(&text, "18446744073709551615");
    cli_text_done(&text);
}

/* Goal: floats print as the shortest text that reads back, and always look like floats.
 * Method: known shortest texts. */
TEST(cli_value_number, floats_print_the_shortest_text)
{
    static const struct {
        double value;
        const char *expected;
    } cases[] = {
        {0.0, "0.0"},
        {1200000.0, "1200000.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {1e22, "1e+22"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {5e-324, "5e-324"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {NAN, "NaN"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
    };
    struct cli_text text = CLI_TEXT_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_number_append_float64(&text, cases[i].value);
        check_text(&text, cases[i].expected);
    }
    cli_number_append_float32(&text, 0.1f);
    check_text(&text, "0.1");
    cli_number_append_float32(&text, 16777216.0f);
    check_text(&text, "16777216.0");
    cli_number_append_float32(&text, FLT_MAX);
    check_text(&text, "3.4028235e+38");
    cli_text_done(&text);
}

/* The digits of a number's text, without those zeros that only tell its size. */
static void take_digits(const char *text, char digits[40])
{
    size_t count = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text != '-' && *text != '.' && (count > 0 || *text != '0')) {
            digits[count++] = *text;
        }
    }
    while (count > 0 && digits[count - 1] == '0') {
        count--;
    }
    digits[count] = '\0';
}

/* Fails unless the text of a double reads back, and is what the C library prints with the fewest
 * digits that read back, or shorter: next to a power of two the nearest number of so many digits
 * may be too far away, and another not. */
static void check_shortest(struct cli_text *text, double value)
{
    char expected[40];
    char found_digits[40];
    char expected_digits[40];
    cli_text_clear(text);
    cli_number_append_float64(text, value);
    const char *shown = cli_text_terminated(text);
    if (strtod(shown, NULL) != value) {
        fail_msg("%s does not read back as %.17g", shown, value);
    }
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(expected, sizeof expected, "%.*e", digits - 1, value);
        if (strtod(expected, NULL) == value) {
            break;
        }
    }
    take_digits(shown, found_digits);
    take_digits(expected, expected_digits);
    if (strlen(found_digits) >= strlen(expected_digits)) {
        assert_string_equal(found_digits, expected_digits);
    }
}

/* Goal: any double is printed with the fewest digits that read back, the nearest of them.
 * Method: bit patterns from a fixed linear generator; all powers of two and of ten with their
 * neighbours, where spacing changes; the smallest numbers. The C library, precision by precision,
 * tells what is shortest. */
TEST(cli_value_number, every_double_has_its_shortest_text)
{
    struct cli_text text = CLI_TEXT_INIT;
    uint64_t bits = 1;
    for (int i = 0; i < 20000; i++) {
        double value = 0;
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) {
            check_shortest(&text, value);
        }
    }
    for (int exponent = -1074; exponent < 1024; exponent++) {
        double power = ldexp(1.0, exponent);
        check_shortest(&text, power);
        check_shortest(&text, nextafter(power, INFINITY));
        check_shortest(&text, nextafter(power, -INFINITY) == 0 ? power : nextafter(power, 0));
    }
    for (int exponent = -323; exponent < 309; exponent++) {
        char power[16];
        (void)snprintf(power, sizeof power, "1e%d", exponent);
        check_shortest(&text, strtod(power, NULL));
        check_shortest(&text, nextafter(strtod(power, NULL), INFINITY));
    }
    for (int i = 1; i < 2000; i++) {
        check_shortest(&text, i * 5e-324);
    }
    cli_text_done(&text);
}

/* Goal: the same for floats. Method: every 4099th of all bit patterns. */
TEST(cli_value_number, every_float_reads_back_from_as_few_digits)
{
    struct cli_text text = CLI_TEXT_INIT;
    for (uint64_t bits = 1; bits < UINT64_C(0x7F800000); bits += 4099) {
        uint32_t pattern = (uint32_t)bits;
        float value = 0;
        char shorter[40];
        memcpy(&value, &pattern, sizeof value);
        cli_text_clear(&text);
        cli_number_append_float32(&text, value);
        const char *shown = cli_text_terminated(&text);
        assert_true(strtof(shown, NULL) == value);
        size_t digits = strcspn(shown, "e") - (strchr(shown, '.') != NULL ? 1 : 0);
        if (strchr(shown, 'e') != NULL && digits > 1) {
            (void)snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, (double)value);
            assert_false(strtof(shorter, NULL) == value);
        }
    }
    cli_text_done(&text);
}

/* Goal: half floats print the shortest text too.
 * Method: smallest, one third, one, largest, specials. */
TEST(cli_value_number, half_floats_print_the_shortest_text)
{
    static const struct {
        uint16_t bits;
        const char *expected;
    } cases[] = {
        {0x0000, "0.0"},   {0x8000, "-0.0"},    {0x3C00, "1.0"},      {0x3555, "0.3333"},
        {0x0001, "6e-08"}, {0x7BFF, "65504.0"}, {0x7C00, "Infinity"}, {0xFC00, "-Infinity"},
        {0x7E00, "NaN"},   {0xC000, "-2.0"},
    };
    struct cli_text text = CLI_TEXT_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_number_append_float16(&text, cases[i].bits);
        check_text(&text, cases[i].expected);
    }
    cli_text_done(&text);
}

/* Goal: decimals of every width print all their digits.
 * Method: edges of each width, scales on both sides of the digits. */
TEST(cli_value_decimal, decimals_are_exact)
{
    struct cli_text text = CLI_TEXT_INIT;
    int32_t small = -12345;
    int64_t medium = INT64_MIN;
    uint8_t wide[32];
    cli_decimal_append(&text, &small, 4, 2);
    check_text(&text, "-123.45");
    cli_decimal_append(&text, &small, 4, 5);
    check_text(&text, "-0.12345");
    cli_decimal_append(&text, &small, 4, 8);
    check_text(&text, "-0.00012345");
    cli_decimal_append(&text, &small, 4, 0);
    check_text(&text, "-12345");
    cli_decimal_append(&text, &small, 4, -3);
    check_text(&text, "-12345E+3");
    cli_decimal_append(&text, &medium, 8, 0);
    check_text(&text, "-9223372036854775808");
    memset(wide, 0xFF, sizeof wide);
    wide[31] = 0x7F;
    cli_decimal_append(&text, wide, 32, 0);
    check_text(&text,
               "57896044618658097711785492504343953926634992332820282019728792003956564819967");
    memset(wide, 0, sizeof wide);
    cli_decimal_append(&text, wide, 16, 3);
    check_text(&text, "0.000");
    wide[15] = 0x80;
    cli_decimal_append(&text, wide, 16, 0);
    check_text(&text, "-170141183460469231731687303715884105728");
    cli_text_done(&text);
}

/* Goal: dates are right before, at and after the epoch, in leap years, and at the ends of the
 * range. Method: known dates. */
TEST(cli_value_time, dates_follow_the_calendar)
{
    static const struct {
        int64_t days;
        const char *expected;
    } cases[] = {
        {0, "1970-01-01"},       {-1, "1969-12-31"},        {11016, "2000-02-29"},
        {11017, "2000-03-01"},   {19723, "2024-01-01"},     {-25509, "1900-02-28"},
        {-25508, "1900-03-01"},  {-719528, "0000-01-01"},   {-719529, "-0001-12-31"},
        {2932896, "9999-12-31"}, {2932897, "+10000-01-01"}, {INT32_MAX, "+5881580-07-11"},
    };
    struct cli_text text = CLI_TEXT_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_time_append_date(&text, cases[i].days);
        check_text(&text, cases[i].expected);
    }
    cli_time_append_date(&text, INT64_MIN);
    cli_time_append_date(&text, INT64_MAX);
    cli_text_done(&text);
}

/* Goal: times of all units keep all digits and survive the ends of their range.
 * Method: known texts. */
TEST(cli_value_time, times_keep_all_digits)
{
    struct cli_text text = CLI_TEXT_INIT;
    cli_time_append(&text, 86399, 0);
    check_text(&text, "23:59:59");
    cli_time_append(&text, 1, 9);
    check_text(&text, "00:00:00.000000001");
    cli_time_append_timestamp(&text, -1, 3, true);
    check_text(&text, "1969-12-31T23:59:59.999Z");
    cli_time_append_timestamp(&text, 1700000000123456, 6, false);
    check_text(&text, "2023-11-14T22:13:20.123456");
    cli_time_append_timestamp(&text, INT64_MIN, 9, false);
    check_text(&text, "1677-09-21T00:12:43.145224192");
    cli_time_append_timestamp(&text, INT64_MAX, 0, false);
    check_text(&text, "+292277026596-12-04T15:30:07");
    cli_time_append_duration(&text, -1500, 3);
    check_text(&text, "PT-1.500S");
    cli_time_append_duration(&text, INT64_MIN, 0);
    check_text(&text, "PT-9223372036854775808S");
    cli_time_append_interval(&text, 14, 0, 0, 0);
    check_text(&text, "P14M");
    cli_time_append_interval(&text, 0, 0, 0, 3);
    check_text(&text, "P0M");
    cli_time_append_interval(&text, 1, -2, 3000000004, 9);
    check_text(&text, "P1M-2DT3.000000004S");
    cli_text_done(&text);
}

/* Goal: bytes are encoded as RFC 4648 says.
 * Method: its test vectors. */
TEST(cli_value_bytes, base64_and_hex_follow_the_rfc)
{
    static const char *const cases[][3] = {{"", "", ""},
                                           {"f", "Zg==", "66"},
                                           {"fo", "Zm8=", "666f"},
                                           {"foo", "Zm9v", "666f6f"},
                                           {"foob", "Zm9vYg==", "666f6f62"},
                                           {"fooba", "Zm9vYmE=", "666f6f6261"},
                                           {"foobar", "Zm9vYmFy", "666f6f626172"}};
    struct cli_text text = CLI_TEXT_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_bytes_append_base64(&text, cflight_bytes_from_text(cases[i][0]));
        check_text(&text, cases[i][1]);
        cli_bytes_append_hex(&text, cflight_bytes_from_text(cases[i][0]));
        check_text(&text, cases[i][2]);
    }
    cli_text_done(&text);
}

/* Goal: a JSON string holds any text and nothing that JSON forbids.
 * Method: control characters, quotes, broken UTF-8. */
TEST(cli_value_bytes, json_strings_are_escaped)
{
    struct cli_text text = CLI_TEXT_INIT;
    cli_bytes_append_json(&text, cflight_bytes_from_text("a\"b\\c\n\r\t\b\f\x01/\xc3\xbc\x7f"));
    check_text(&text, "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001/\xc3\xbc\\u007f\"");
    cli_bytes_append_json(&text, cflight_bytes_from_text("\xff x"));
    check_text(&text, "\"\xef\xbf\xbd x\"");
    cli_text_done(&text);
}
