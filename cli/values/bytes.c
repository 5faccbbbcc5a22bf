/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as hexadecimal and base64 (RFC 4648, with padding), texts as JSON strings (RFC 8259,
 * section 7). */
#include "cli/system/utf8.h"
#include "cli/values/value.h"

void cli_bytes_append_hex(struct cli_text *text, struct cflight_bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len_bytes; i++) {
        char pair[2] = {digits[bytes.data[i] >> 4], digits[bytes.data[i] & 15]};
        cli_text_append(text, pair, sizeof pair);
    }
}

void cli_bytes_append_base64(struct cli_text *text, struct cflight_bytes bytes)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len_bytes; i += 3) {
        size_t left_bytes = bytes.len_bytes - i;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= left_bytes > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= left_bytes > 2 ? (uint32_t)bytes.data[i + 2] : 0;
        char encoded[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63],
                           left_bytes > 1 ? alphabet[group >> 6 & 63] : '=',
                           left_bytes > 2 ? alphabet[group & 63] : '='};
        cli_text_append(text, encoded, sizeof encoded);
    }
}

/* Appends one character that cannot stand for itself. */
static void append_json_escape(struct cli_text *text, uint8_t character)
{
    static const char shorts[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (size_t i = 0; i + 1 < sizeof shorts; i += 2) {
        if ((uint8_t)shorts[i] == character) {
            cli_text_append_char(text, '\\');
            cli_text_append_char(text, shorts[i + 1]);
            return;
        }
    }
    cli_text_append_format(text, "\\u%04x", (unsigned)character);
}

void cli_bytes_append_json(struct cli_text *text, struct cflight_bytes bytes)
{
    cli_text_append_char(text, '"');
    size_t plain_start = 0;
    size_t offset = 0;
    while (offset < bytes.len_bytes) {
        uint8_t byte = bytes.data[offset];
        if (byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\') {
            offset++;
            continue;
        }
        size_t start = offset;
        bool is_valid = true;
        (void)cli_utf8_next(bytes, &offset, &is_valid);
        if (is_valid && byte >= 0x80) {
            continue;
        }
        cli_text_append(text, bytes.data + plain_start, start - plain_start);
        if (is_valid) {
            append_json_escape(text, byte);
        } else {
            cli_utf8_append(text, CLI_UTF8_REPLACEMENT);
        }
        plain_start = offset;
    }
    cli_text_append(text, bytes.data + plain_start, bytes.len_bytes - plain_start);
    cli_text_append_char(text, '"');
}
