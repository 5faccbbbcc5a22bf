/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: decoding, width on a terminal, and making a peer's text harmless to show.
 *
 * Widths follow Unicode's East_Asian_Width (wide and full-width are two columns) and
 * General_Category (Mn and Me are none), reduced to the ranges that matter; the table needs no
 * locale, so output is the same everywhere. */
#include "cli/utf8.h"

#include <string.h>

struct range {
    uint32_t first;
    uint32_t last;
};

static const struct range zero_width[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x06D6, 0x06DC}, {0x0900, 0x0902}, {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D},
    {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xE0100, 0xE01EF},
};

static const struct range double_width[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2E80, 0x303E},   {0x3041, 0x33FF},
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6},   {0x16FE0, 0x18CFF}, {0x1B000, 0x1B2FF}, {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
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

int cli_utf8_width(uint32_t code_point)
{
    if (code_point < 0x300) {
        return 1;
    }
    if (is_in(code_point, zero_width, sizeof zero_width / sizeof zero_width[0])) {
        return 0;
    }
    return is_in(code_point, double_width, sizeof double_width / sizeof double_width[0]) ? 2 : 1;
}

size_t cli_utf8_text_width(struct cflight_bytes bytes)
{
    size_t width = 0;
    for (size_t offset = 0; offset < bytes.len_bytes;) {
        bool is_valid = false;
        width += (size_t)cli_utf8_width(cli_utf8_next(bytes, &offset, &is_valid));
    }
    return width;
}

void cli_text_append_code_point(struct cli_text *text, uint32_t code_point)
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

void cli_text_append_visible(struct cli_text *text, struct cflight_bytes bytes)
{
    append_safe(text, bytes, "");
}

void cli_text_append_message(struct cli_text *text, struct cflight_bytes bytes)
{
    append_safe(text, bytes, "\\");
}

void cli_text_append_harmless(struct cli_text *text, struct cflight_bytes bytes)
{
    append_safe(text, bytes, "\n\t\\");
}
