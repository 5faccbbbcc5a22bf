/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: decoding, and making a peer's text harmless to show. */
#include "cli/system/utf8.h"

#include <string.h>

struct range {
    uint32_t first;
    uint32_t last;
};

static bool is_in(uint32_t code_point, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (code_point >= ranges[i].first && code_point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* Length and smallest value of the sequence that `lead` starts; 0 when it starts none. */
static size_t sequence_len(uint8_t lead, uint32_t *ret_bits, uint32_t *ret_minimum)
{
    if (lead < 0x80) {
        *ret_bits = lead;
        *ret_minimum = 0;
        return 1;
    }
    if ((lead & 0xE0) == 0xC0) {
        *ret_bits = lead & 0x1Fu;
        *ret_minimum = 0x80;
        return 2;
    }
    if ((lead & 0xF0) == 0xE0) {
        *ret_bits = lead & 0x0Fu;
        *ret_minimum = 0x800;
        return 3;
    }
    if ((lead & 0xF8) == 0xF0) {
        *ret_bits = lead & 0x07u;
        *ret_minimum = 0x10000;
        return 4;
    }
    return 0;
}

uint32_t cli_utf8_next(struct cflight_bytes bytes, size_t *offset, bool *ret_valid)
{
    uint32_t code_point = 0;
    uint32_t minimum = 0;
    size_t len_bytes = sequence_len(bytes.data[*offset], &code_point, &minimum);
    bool is_valid = len_bytes != 0 && len_bytes <= bytes.len_bytes - *offset;
    for (size_t i = 1; is_valid && i < len_bytes; i++) {
        uint8_t next = bytes.data[*offset + i];
        is_valid = (next & 0xC0) == 0x80;
        code_point = code_point << 6 | (next & 0x3Fu);
    }
    is_valid = is_valid && code_point >= minimum && code_point <= 0x10FFFF &&
               (code_point < 0xD800 || code_point > 0xDFFF);
    *offset += is_valid ? len_bytes : 1;
    *ret_valid = is_valid;
    return is_valid ? code_point : CLI_UTF8_REPLACEMENT;
}

bool cli_utf8_is_valid(struct cflight_bytes bytes)
{
    bool is_valid = true;
    for (size_t offset = 0; is_valid && offset < bytes.len_bytes;) {
        (void)cli_utf8_next(bytes, &offset, &is_valid);
    }
    return is_valid;
}

void cli_utf8_append(struct cli_text *text, uint32_t code_point)
{
    char encoded[4];
    size_t len_bytes = 0;
    if (code_point < 0x80) {
        encoded[len_bytes++] = (char)code_point;
    } else if (code_point < 0x800) {
        encoded[len_bytes++] = (char)(0xC0 | code_point >> 6);
        encoded[len_bytes++] = (char)(0x80 | (code_point & 0x3F));
    } else if (code_point < 0x10000) {
        encoded[len_bytes++] = (char)(0xE0 | code_point >> 12);
        encoded[len_bytes++] = (char)(0x80 | (code_point >> 6 & 0x3F));
        encoded[len_bytes++] = (char)(0x80 | (code_point & 0x3F));
    } else {
        encoded[len_bytes++] = (char)(0xF0 | code_point >> 18);
        encoded[len_bytes++] = (char)(0x80 | (code_point >> 12 & 0x3F));
        encoded[len_bytes++] = (char)(0x80 | (code_point >> 6 & 0x3F));
        encoded[len_bytes++] = (char)(0x80 | (code_point & 0x3F));
    }
    cli_text_append(text, encoded, len_bytes);
}

/* Characters that change how the rest of a line is shown: C1 controls, bidirectional controls, line
 * and paragraph separators, invisible operators, the byte order mark. */
static bool is_treacherous(uint32_t code_point)
{
    static const struct range ranges[] = {
        {0x80, 0x9F},     {0x061C, 0x061C}, {0x200B, 0x200F},   {0x2028, 0x202E},
        {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xE0000, 0xE007F},
    };
    return is_in(code_point, ranges, sizeof ranges / sizeof ranges[0]);
}

static void append_escaped(struct cli_text *text, uint32_t code_point)
{
    if (code_point == '\n') {
        cli_text_append_string(text, "\\n");
    } else if (code_point == '\r') {
        cli_text_append_string(text, "\\r");
    } else if (code_point == '\t') {
        cli_text_append_string(text, "\\t");
    } else if (code_point == '\\') {
        cli_text_append_string(text, "\\\\");
    } else if (code_point < 0x80) {
        cli_text_append_format(text, "\\x%02x", (unsigned)code_point);
    } else if (code_point < 0x10000) {
        cli_text_append_format(text, "\\u%04x", (unsigned)code_point);
    } else {
        cli_text_append_format(text, "\\U%08x", (unsigned)code_point);
    }
}

/* `kept` are the ASCII characters that need no escape here though they would elsewhere. */
static void append_safe(struct cli_text *text, struct cflight_bytes bytes, const char *kept)
{
    for (size_t offset = 0; offset < bytes.len_bytes;) {
        size_t start = offset;
        bool is_valid = false;
        uint32_t code_point = cli_utf8_next(bytes, &offset, &is_valid);
        bool is_special = code_point < 0x20 || code_point == 0x7F || code_point == '\\' ||
                          is_treacherous(code_point);
        bool is_kept =
            code_point != 0 && code_point < 0x80 && strchr(kept, (int)code_point) != NULL;
        if (!is_valid) {
            cli_text_append_format(text, "\\x%02x", (unsigned)bytes.data[start]);
        } else if (is_special && !is_kept) {
            append_escaped(text, code_point);
        } else {
            cli_text_append(text, bytes.data + start, offset - start);
        }
    }
}

void cli_utf8_append_visible(struct cli_text *text, struct cflight_bytes bytes)
{
    append_safe(text, bytes, "");
}

void cli_utf8_append_message(struct cli_text *text, struct cflight_bytes bytes)
{
    append_safe(text, bytes, "\\");
}

void cli_utf8_append_harmless(struct cli_text *text, struct cflight_bytes bytes)
{
    append_safe(text, bytes, "\n\t\\");
}
