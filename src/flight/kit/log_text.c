/* SPDX-License-Identifier: Apache-2.0 */
/* What peers say, in lines for people and for tools that read logs. Thread class: free. */
#include "flight/kit/log_text.h"

#include "base/utf8.h"

void cfl_log_text_append(struct cfl_buf *line, const uint8_t *text, size_t len_bytes,
                         size_t bytes_max, char quote)
{
    size_t shown_bytes = len_bytes < bytes_max ? len_bytes : bytes_max;
    for (size_t i = 0; i < shown_bytes; i++) {
        if (text[i] < 0x20 || text[i] >= 0x7F || text[i] == (uint8_t)quote || text[i] == '\\') {
            (void)cfl_buf_append_format(line, "\\x%02x", text[i]);
        } else {
            (void)cfl_buf_append_u8(line, text[i]);
        }
    }
    (void)cfl_buf_append_text(line, shown_bytes < len_bytes ? "..." : "");
}

/* How many bytes the character at the front of a text has; 0 when it is no UTF-8. */
static size_t character_bytes(const uint8_t *text, size_t len_bytes)
{
    size_t count = 1;
    while (count < len_bytes && count < 4 && !cfl_utf8_is_start(text[count])) {
        count++;
    }
    return cfl_utf8_is_valid(text, count) ? count : 0;
}

/* How many characters at the front stand for themselves in JSON. */
static size_t plain_bytes(const uint8_t *text, size_t len_bytes)
{
    size_t count = 0;
    while (count < len_bytes && text[count] >= 0x20 && text[count] < 0x7F && text[count] != '"' &&
           text[count] != '\\') {
        count++;
    }
    return count;
}

static uint32_t code_point_of(const uint8_t *text, size_t count)
{
    uint32_t code_point = count < 2 ? text[0] : text[0] & (0xFFu >> (count + 1));
    for (size_t i = 1; i < count; i++) {
        code_point = code_point << 6 | (text[i] & 0x3F);
    }
    return code_point;
}

/* What a terminal obeys (the second row of control characters), takes for the end of a line, or
 * shows in another order, or not at all. */
static bool is_misleading(uint32_t code_point)
{
    return (code_point >= 0x80 && code_point <= 0x9F) || code_point == 0x61C ||
           (code_point >= 0x200B && code_point <= 0x200F) ||
           (code_point >= 0x2028 && code_point <= 0x202E) ||
           (code_point >= 0x2060 && code_point <= 0x206F) || code_point == 0xFEFF ||
           (code_point >= 0xE0000 && code_point <= 0xE007F);
}

/* RFC 8259, 7: what lies above U+FFFF is a pair of surrogates. */
static void append_json_escape(struct cfl_buf *line, uint32_t code_point)
{
    if (code_point > 0xFFFF) {
        (void)cfl_buf_append_format(line, "\\u%04x\\u%04x", 0xD800 + ((code_point - 0x10000) >> 10),
                                    0xDC00 + (code_point & 0x3FF));
    } else {
        (void)cfl_buf_append_format(line, "\\u%04x", code_point);
    }
}

void cfl_log_json_append(struct cfl_buf *line, const uint8_t *text, size_t len_bytes,
                         size_t bytes_max)
{
    size_t shown_bytes = len_bytes < bytes_max ? len_bytes : bytes_max;
    (void)cfl_buf_append_u8(line, '"');
    for (size_t i = 0; i < shown_bytes;) {
        size_t plain = plain_bytes(text + i, shown_bytes - i);
        if (plain > 0) {
            (void)cfl_buf_append(line, text + i, plain);
            i += plain;
            continue;
        }
        size_t count = character_bytes(text + i, shown_bytes - i);
        if (count == 0 || text[i] < 0x20 || text[i] == 0x7F) {
            (void)cfl_buf_append_format(line, "\\u%04x", text[i]);
            count = 1;
        } else if (is_misleading(code_point_of(text + i, count))) {
            append_json_escape(line, code_point_of(text + i, count));
        } else if (text[i] == '"' || text[i] == '\\') {
            (void)cfl_buf_append_format(line, "\\%c", text[i]);
        } else {
            (void)cfl_buf_append(line, text + i, count);
        }
        i += count;
    }
    (void)cfl_buf_append_text(line, shown_bytes < len_bytes ? "...\"" : "\"");
}
