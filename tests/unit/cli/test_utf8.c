/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, terminal widths, and texts of a peer made safe to show. */
#include "cli/system/utf8.h"
#include "test.h"

/* Goal: exactly the sequences of Unicode's table 3-7 are accepted.
 * Method: good and bad sequences at the edges of each row. */
TEST(cli_utf8, only_well_formed_sequences_are_valid)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xe2\x82",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xc2\x41"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(cli_utf8_is_valid(cflight_bytes_from_text(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(cli_utf8_is_valid(cflight_bytes_from_text(bad[i])));
    }
}

/* Goal: columns line up for wide and combining characters.
 * Method: known widths. */
TEST(cli_utf8, widths_are_those_of_a_terminal)
{
    assert_int_equal(cli_utf8_text_width(cflight_bytes_from_text("abc")), 3);
    assert_int_equal(cli_utf8_text_width(cflight_bytes_from_text("\xc3\xbc")), 1);
    assert_int_equal(cli_utf8_text_width(cflight_bytes_from_text("e\xcc\x81")), 1);
    assert_int_equal(cli_utf8_text_width(cflight_bytes_from_text("\xe6\x9d\xb1\xe4\xba\xac")), 4);
    assert_int_equal(cli_utf8_text_width(cflight_bytes_from_text("\xf0\x9f\x98\x80")), 2);
}

/* Goal: no text of a peer can move the cursor, break a line or hide what it says.
 * Method: escape sequences, line ends, bidirectional overrides and broken bytes become escapes. */
TEST(cli_utf8, visible_text_cannot_drive_a_terminal)
{
    static const char *const cases[][2] = {
        {"plain \xc3\xbc", "plain \xc3\xbc"},
        {"a\x1b[31mb", "a\\x1b[31mb"},
        {"a\nb\tc\r", "a\\nb\\tc\\r"},
        {"back\\slash", "back\\\\slash"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b", "\\u009b"},
        {"\xe2\x80\xae"
         "abc",
         "\\u202e"
         "abc"},
        {"\xff", "\\xff"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cli_text text = CLI_TEXT_INIT;
        cli_utf8_append_visible(&text, cflight_bytes_from_text(cases[i][0]));
        assert_string_equal(cli_text_terminated(&text), cases[i][1]);
        cli_text_done(&text);
    }
}
