/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of protocols. */
#include "base/ascii.h"

#include "test.h"

/* Goal: letters are lowered and digits read as in ASCII, and nothing else is touched.
 * Method: every byte, against the lists of what counts. */
TEST(ascii, every_byte_is_what_ascii_says)
{
    static const char UPPER[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char LOWER[] = "abcdefghijklmnopqrstuvwxyz";
    static const char DIGITS[] = "0123456789abcdef0123456789ABCDEF";
    for (int byte = 0; byte < 256; byte++) {
        const char *upper = byte == 0 ? NULL : strchr(UPPER, byte);
        const char *digit = byte == 0 ? NULL : strchr(DIGITS, byte);
        assert_int_equal(cfl_ascii_lower((uint8_t)byte),
                         upper == NULL ? byte : LOWER[upper - UPPER]);
        assert_int_equal(cfl_ascii_hex_value((uint8_t)byte),
                         digit == NULL ? -1 : (digit - DIGITS) % 16);
    }
}

static struct cflight_bytes bytes(const char *text)
{
    return cflight_bytes_from_text(text);
}

/* Goal: words compare without case, and only with what is there. Method: equal, longer, shorter and
 * other words; '[' and '{' differ as letters do, and are none. */
TEST(ascii, words_compare_without_case)
{
    assert_true(cfl_ascii_is(bytes("Content-Type"), "content-type"));
    assert_true(cfl_ascii_is(bytes(""), ""));
    assert_false(cfl_ascii_is(bytes("a["), "A{"));
    assert_false(cfl_ascii_is(bytes("te"), "t"));
    assert_false(cfl_ascii_is(bytes("t"), "te"));
    assert_true(cfl_ascii_starts(bytes("BEARER x"), "Bearer "));
    assert_false(cfl_ascii_starts(bytes("Bearer"), "Bearer "));
    assert_int_equal(cfl_ascii_compare(bytes("ab"), bytes("AB")), 0);
    assert_int_equal(cfl_ascii_compare(bytes("a"), bytes("AB")), -1);
    assert_int_equal(cfl_ascii_compare(bytes("B"), bytes("ab")), 1);
}

/* Goal: the front is taken off whole or not at all. */
TEST(ascii, a_front_is_dropped)
{
    struct cflight_bytes text = bytes("bEARER token");
    assert_false(cfl_ascii_drop_front(&text, "Basic "));
    assert_true(cflight_bytes_equal(text, bytes("bEARER token")));
    assert_true(cfl_ascii_drop_front(&text, "Bearer "));
    assert_true(cflight_bytes_equal(text, bytes("token")));
}

/* Goal: blanks go at the edges and stay inside. */
TEST(ascii, edges_are_trimmed)
{
    assert_true(cflight_bytes_equal(cfl_ascii_trim(bytes(" \ta b\t ")), bytes("a b")));
    assert_int_equal(cfl_ascii_trim(bytes(" \t ")).len_bytes, 0);
    assert_int_equal(cfl_ascii_trim(cflight_bytes_make(NULL, 0)).len_bytes, 0);
}

/* Goal: strangers' text is shown as far as there is room, without what could harm a terminal. */
TEST(ascii, text_of_strangers_is_shown)
{
    char shown[6];
    cfl_ascii_show(cflight_bytes_make("a\n\x7f\xff", 4), shown, sizeof shown);
    assert_string_equal(shown, "a???");
    cfl_ascii_show(bytes("abcdefg"), shown, sizeof shown);
    assert_string_equal(shown, "abcde");
    cfl_ascii_show(bytes(""), shown, sizeof shown);
    assert_string_equal(shown, "");
}

/* Goal: escapes are undone, wrong ones stay, also where the text ends in one. Method: into other
 * memory and in place. */
TEST(ascii, percent_escapes_are_undone)
{
    static const char *const TEXTS[][2] = {
        {"a%20b", "a b"},     {"%41%6a", "Aj"}, {"%4", "%4"}, {"%", "%"},
        {"%g1%1g", "%g1%1g"}, {"%%41", "%A"},   {"", ""},
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        uint8_t target[16];
        struct cflight_bytes text = bytes(TEXTS[i][0]);
        size_t len_bytes = cfl_percent_decode(text, target);
        assert_true(cflight_bytes_equal(cflight_bytes_make(target, len_bytes), bytes(TEXTS[i][1])));
        memcpy(target, TEXTS[i][0], text.len_bytes);
        len_bytes = cfl_percent_decode(cflight_bytes_make(target, text.len_bytes), target);
        assert_true(cflight_bytes_equal(cflight_bytes_make(target, len_bytes), bytes(TEXTS[i][1])));
    }
}
