/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 validation. */
#include "base/utf8.h"
#include "test.h"

/* A decoder written for clarity: the reference. */
static bool is_valid_reference(const uint8_t *text, size_t len_bytes)
{
    size_t at = 0;
    while (at < len_bytes) {
        static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
        uint32_t code = text[at];
        size_t count = code < 0x80   ? 1
                       : code < 0xC0 ? 0
                       : code < 0xE0 ? 2
                       : code < 0xF0 ? 3
                       : code < 0xF8 ? 4
                                     : 0;
        if (count == 0 || count > len_bytes - at) {
            return false;
        }
        code = count == 1 ? code : code & (0x7FU >> count);
        for (size_t i = 1; i < count; i++) {
            if ((text[at + i] & 0xC0) != 0x80) {
                return false;
            }
            code = code << 6 | (text[at + i] & 0x3FU);
        }
        if (code < SMALLEST[count] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
            return false;
        }
        at += count;
    }
    return true;
}

/* Goal: exactly the sequences of RFC 3629 are valid.
 * Method: every two-byte sequence, and every four-byte one made of edge bytes, against a plain
 * decoder. */
TEST(ipc_utf8, agrees_with_a_plain_decoder)
{
    static const uint8_t EDGES[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                    0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                    0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    for (unsigned int i = 0; i < 65536; i++) {
        const uint8_t text[] = {(uint8_t)(i >> 8), (uint8_t)i};
        assert_int_equal(cfl_utf8_is_valid(text, 2), is_valid_reference(text, 2));
    }
    for (size_t i = 0; i < sizeof EDGES * sizeof EDGES * sizeof EDGES * sizeof EDGES; i++) {
        size_t n = sizeof EDGES;
        const uint8_t text[] = {EDGES[i % n], EDGES[i / n % n], EDGES[i / n / n % n],
                                EDGES[i / n / n / n]};
        assert_int_equal(cfl_utf8_is_valid(text, 4), is_valid_reference(text, 4));
    }
}

/* Goal: it does not matter where in a long text a sequence lies, nor whether the text ends with it.
 * Method: four-byte sequences of edge bytes at each place of a text of several vectors, against the
 * plain decoder. */
TEST(ipc_utf8, place_in_a_long_text_does_not_matter)
{
    static const uint8_t EDGES[] = {0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2,
                                    0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5};
    uint8_t text[40];
    size_t n = sizeof EDGES;
    for (size_t i = 0; i < n * n * n * n; i++) {
        memset(text, 'a', sizeof text);
        size_t at = 12 + i % 7;
        for (size_t j = 0, rest = i; j < 4; j++, rest /= n) {
            text[at + j] = EDGES[rest % n];
        }
        for (size_t len_bytes = at + 1; len_bytes <= sizeof text;
             len_bytes += len_bytes < at + 4 ? 1 : 17) {
            assert_int_equal(cfl_utf8_is_valid(text, len_bytes),
                             is_valid_reference(text, len_bytes));
        }
    }
}

/* Goal: a bad byte is found wherever it is, by both functions.
 * Method: one byte that is not ASCII at every place of texts of many lengths. */
TEST(ipc_utf8, finds_a_bad_byte_at_any_place)
{
    uint8_t text[700];
    for (size_t len_bytes = 1; len_bytes < sizeof text; len_bytes += 37) {
        memset(text, 'a', sizeof text);
        assert_true(cfl_utf8_is_ascii(text, len_bytes));
        assert_true(cfl_utf8_is_valid(text, len_bytes));
        for (size_t at = 0; at < len_bytes; at++) {
            text[at] = 0xC3;
            assert_false(cfl_utf8_is_ascii(text, len_bytes));
            assert_false(cfl_utf8_is_valid(text, len_bytes));
            text[at] = 'a';
        }
    }
    assert_true(cfl_utf8_is_valid(NULL, 0));
    assert_true(cfl_utf8_is_ascii(NULL, 0));
}
