/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of SQL's LIKE. */
#include "sql_support.h"

static void check(const char *pattern, const char *name, bool is_match)
{
    if (cflight_sql_pattern_matches(t_text(pattern), t_text(name), false) != is_match) {
        fail_msg("'%s' %s '%s'", pattern, is_match ? "does not match" : "matches", name);
    }
}

/* Goal: each part of a pattern means what SQL says. */
TEST(sql_patterns, match_what_sql_says)
{
    check("", "", true);
    check("", "a", false);
    check("%", "", true);
    check("%", "anything", true);
    check("%%", "x", true);
    check("_", "a", true);
    check("_", "", false);
    check("_", "ab", false);
    check("a_c", "abc", true);
    check("a_c", "ac", false);
    check("a%c", "ac", true);
    check("a%c", "abcbc", true);
    check("a%c", "abcb", false);
    check("%b%d%", "abcde", true);
    check("%b%d%", "adcbe", false);
    check("%ab", "aab", true);
    check("a%_c", "abc", true);
    check("a%_c", "ac", false);
    check("abc", "ABC", false);
}

/* Goal: a character is one of UTF-8, not a byte. */
TEST(sql_patterns, count_characters_and_not_bytes)
{
    check("_", "\xc3\xa9", true); /* e with an accent */
    check("__", "\xc3\xa9", false);
    check("_", "\xf0\x9f\x98\x80", true); /* a face */
    check("a_b",
          "a\xe2\x82\xac"
          "b",
          true); /* a euro sign */
    check("%_", "\xe2\x82\xac", true);
    check("%__", "\xe2\x82\xac", false);
    check("\xc3\xa9%", "\xc3\xa9t\xc3\xa9", true);
    check("_", "\xff", true); /* what is not UTF-8 does no harm */
}

/* Goal: the escape takes the meaning away from what has one, and is itself before anything else. */
TEST(sql_patterns, take_the_meaning_away_with_an_escape)
{
    check("a\\_b", "a_b", true);
    check("a\\_b", "axb", false);
    check("100\\%", "100%", true);
    check("100\\%", "100x", false);
    check("\\\\", "\\", true);
    check("a\\b", "a\\b", true);
    check("a\\", "a\\", true);
    check("%\\%%", "50% off", true);
    check("%\\%%", "50 off", false);
}

/* Goal: without case A to Z are compared, and nothing else. */
TEST(sql_patterns, ignore_case_where_they_are_told_to)
{
    assert_true(cflight_sql_pattern_matches(t_text("TaB%"), t_text("tABLE"), true));
    assert_false(cflight_sql_pattern_matches(t_text("\xc3\xa9"), t_text("\xc3\x89"), true));
    assert_false(cflight_sql_pattern_matches(t_text("["), t_text("{"), true));
}

/* Goal: an escaped name matches itself and nothing else. Method: names of all special characters,
 * each against all others. */
TEST(sql_patterns, escape_a_name_so_that_only_it_matches)
{
    static const char *const NAMES[] = {"",    "a",    "a_b",  "axb",     "%",      "_",
                                        "\\",  "\\%",  "\\_",  "a\\b",    "a\\\\b", "100%",
                                        "100", "\\\\", "a%_b", "\xc3\xa9"};
    enum { NAME_COUNT = sizeof NAMES / sizeof NAMES[0] };
    for (size_t i = 0; i < NAME_COUNT; i++) {
        cflight_error *error = NULL;
        char *pattern = NULL;
        CHECK_OK(cflight_sql_pattern_escape(t_text(NAMES[i]), &pattern, &error), error);
        for (size_t j = 0; j < NAME_COUNT; j++) {
            check(pattern, NAMES[j], i == j);
        }
        cflight_text_free(pattern);
    }
}

TEST(sql_patterns, refuse_names_that_no_pattern_can_hold)
{
    const struct cflight_bytes names[] = {t_text("\xff"), {(const uint8_t *)"a\0b", 3}, {NULL, 2}};
    for (size_t i = 0; i < 3; i++) {
        cflight_error *error = NULL;
        char *pattern = NULL;
        CHECK_STATUS(cflight_sql_pattern_escape(names[i], &pattern, &error),
                     CFLIGHT_INVALID_ARGUMENT);
        assert_null(pattern);
        cflight_error_free(error);
    }
}

/* Goal: no pattern takes more time than the product of the lengths. Method: the pattern and the
 * name that make a matcher that tries every way run for ever. */
TEST(sql_patterns, take_time_in_measure_to_their_length)
{
    enum { LEN_BYTES = 4096 };
    char pattern[LEN_BYTES + 1];
    char name[LEN_BYTES + 1];
    for (size_t i = 0; i < LEN_BYTES; i++) {
        pattern[i] = i % 2 == 0 ? '%' : 'a';
        name[i] = 'a';
    }
    pattern[LEN_BYTES - 1] = 'b';
    pattern[LEN_BYTES] = '\0';
    name[LEN_BYTES] = '\0';
    check(pattern, name, false);
}
