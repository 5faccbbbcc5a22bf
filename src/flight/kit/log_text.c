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
        } else if (text[i] == '"' || text[i] == '\\') {
            (void)cfl_buf_append_format(line, "\\%c", text[i]);
        } else {
            (void)cfl_buf_append(line, text + i, count);
        }
        i += count;
    }
    (void)cfl_buf_append_text(line, shown_bytes < len_bytes ? "...\"" : "\"");
}
