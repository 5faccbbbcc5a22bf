/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of session options, written and, for lists of texts, read. Texts that a server sent are
 * UTF-8 already; what is read is the program's, and an escape that is half a pair is refused.
 * Thread class: free. */
#include "adbc/driver/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "adbc/driver/value.h"

/* ---- writing ---- */

static void write_text(FILE *out, struct cflight_bytes text)
{
    (void)fputc('"', out);
    for (size_t i = 0; i < text.len_bytes; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\') {
            (void)fprintf(out, "\\%c", c);
        } else if (c < 0x20) {
            (void)fprintf(out, "\\u%04x", c);
        } else {
            (void)fputc(c, out);
        }
    }
    (void)fputc('"', out);
}

static void write_texts(FILE *out, const struct cflight_bytes *texts, size_t count)
{
    (void)fputc('[', out);
    for (size_t i = 0; i < count; i++) {
        (void)fputs(i == 0 ? "" : ",", out);
        write_text(out, texts[i]);
    }
    (void)fputc(']', out);
}

static void write_value(FILE *out, const struct cflight_session_option *option)
{
    char number[ADBC_DOUBLE_TEXT_BYTES];
    switch (option->type) {
    case CFLIGHT_SESSION_VALUE_STRING:
        write_text(out, option->string_value);
        break;
    case CFLIGHT_SESSION_VALUE_BOOL:
        (void)fputs(option->bool_value ? "true" : "false", out);
        break;
    case CFLIGHT_SESSION_VALUE_INT64:
        (void)fprintf(out, "%" PRId64, option->int64_value);
        break;
    case CFLIGHT_SESSION_VALUE_DOUBLE:
        adbc_double_text(option->double_value, number);
        (void)fputs(isfinite(option->double_value) ? number : "null", out);
        break;
    case CFLIGHT_SESSION_VALUE_STRING_LIST:
        write_texts(out, option->list_values, option->list_count);
        break;
    case CFLIGHT_SESSION_VALUE_NONE:
    default:
        (void)fputs("null", out);
        break;
    }
}

/* Ends a text that was written; NULL when something was missing. */
static char *finish(FILE *out, char **text)
{
    bool is_whole = ferror(out) == 0;
    is_whole = fclose(out) == 0 && is_whole;
    if (!is_whole) {
        free(*text);
        return NULL;
    }
    return *text;
}

char *adbc_json_of_options(const struct cflight_session_options *options)
{
    char *text = NULL;
    size_t len_bytes = 0;
    FILE *out = open_memstream(&text, &len_bytes);
    if (out == NULL) {
        return NULL;
    }
    (void)fputc('{', out);
    for (size_t i = 0; i < options->count; i++) {
        (void)fputs(i == 0 ? "" : ",", out);
        write_text(out, options->options[i].name);
        (void)fputc(':', out);
        write_value(out, &options->options[i]);
    }
    (void)fputc('}', out);
    return finish(out, &text);
}

char *adbc_json_of_texts(const struct cflight_bytes *texts, size_t count)
{
    char *text = NULL;
    size_t len_bytes = 0;
    FILE *out = open_memstream(&text, &len_bytes);
    if (out == NULL) {
        return NULL;
    }
    write_texts(out, texts, count);
    return finish(out, &text);
}

/* ---- reading ---- */

/* What is left to read, and where read texts go: they are never longer than what they are read
 * from. */
struct reader {
    struct cflight_bytes rest;
    char *end;
};

static int peek(const struct reader *reader)
{
    return reader->rest.len_bytes == 0 ? -1 : reader->rest.data[0];
}

static int next(struct reader *reader)
{
    int c = peek(reader);
    if (c >= 0) {
        reader->rest.data++;
        reader->rest.len_bytes--;
    }
    return c;
}

static void skip_blanks(struct reader *reader)
{
    while (peek(reader) == ' ' || peek(reader) == '\t' || peek(reader) == '\n' ||
           peek(reader) == '\r') {
        (void)next(reader);
    }
}

static bool read_char(struct reader *reader, int wanted)
{
    skip_blanks(reader);
    return peek(reader) == wanted && next(reader) == wanted;
}

/* Four digits of base 16; -1 when there are not. */
static int32_t read_unit(struct reader *reader)
{
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int c = next(reader);
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Puts a character as UTF-8: at most as many bytes as its escape has. */
static void put_character(struct reader *reader, int32_t character)
{
    if (character < 0x80) {
        *reader->end++ = (char)character;
        return;
    }
    if (character < 0x800) {
        *reader->end++ = (char)(0xC0 | character >> 6);
    } else {
        if (character < 0x10000) {
            *reader->end++ = (char)(0xE0 | character >> 12);
        } else {
            *reader->end++ = (char)(0xF0 | character >> 18);
            *reader->end++ = (char)(0x80 | (character >> 12 & 0x3F));
        }
        *reader->end++ = (char)(0x80 | (character >> 6 & 0x3F));
    }
    *reader->end++ = (char)(0x80 | (character & 0x3F));
}

static bool read_escaped_unit(struct reader *reader)
{
    int32_t unit = read_unit(reader);
    bool is_high = unit >= 0xD800 && unit < 0xDC00;
    if (unit < 0 || (unit >= 0xDC00 && unit < 0xE000)) {
        return false;
    }
    if (is_high) {
        int32_t low = next(reader) == '\\' && next(reader) == 'u' ? read_unit(reader) : -1;
        if (low < 0xDC00 || low >= 0xE000) {
            return false;
        }
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    put_character(reader, unit);
    return true;
}

static bool read_escape(struct reader *reader)
{
    static const char NAMES[] = "\"\\/bfnrt";
    static const char MEANT[] = "\"\\/\b\f\n\r\t";
    int c = next(reader);
    if (c == 'u') {
        return read_escaped_unit(reader);
    }
    const char *found = c <= 0 ? NULL : strchr(NAMES, c);
    if (found == NULL) {
        return false;
    }
    *reader->end++ = MEANT[found - NAMES];
    return true;
}

static bool read_text(struct reader *reader, struct cflight_bytes *ret_text)
{
    char *start = reader->end;
    if (!read_char(reader, '"')) {
        return false;
    }
    for (int c; (c = next(reader)) != '"';) {
        if (c < 0x20 || (c == '\\' && !read_escape(reader))) {
            return false;
        }
        if (c != '\\') {
            *reader->end++ = (char)c;
        }
    }
    *ret_text = cflight_bytes_make(start, (size_t)(reader->end - start));
    return true;
}

static bool read_list(struct reader *reader, struct adbc_json_texts *texts)
{
    if (!read_char(reader, '[')) {
        return false;
    }
    if (!read_char(reader, ']')) {
        do {
            if (!read_text(reader, &texts->texts[texts->count])) {
                return false;
            }
            texts->count++;
        } while (read_char(reader, ','));
        if (!read_char(reader, ']')) {
            return false;
        }
    }
    skip_blanks(reader);
    return reader->rest.len_bytes == 0;
}

bool adbc_json_read_texts(struct cflight_bytes json, struct adbc_json_texts *ret_texts,
                          bool *ret_is_valid)
{
    /* a text takes two quotes and, but for the last, a comma */
    struct adbc_json_texts texts = {NULL, 0, NULL};
    texts.texts = calloc(json.len_bytes / 2 + 1, sizeof *texts.texts);
    texts.block = malloc(json.len_bytes + 1);
    struct reader reader = {json, texts.block};
    *ret_is_valid = true;
    if (texts.texts == NULL || texts.block == NULL) {
        adbc_json_texts_done(&texts);
        return false;
    }
    *ret_is_valid = read_list(&reader, &texts);
    if (!*ret_is_valid) {
        adbc_json_texts_done(&texts);
        return false;
    }
    *ret_texts = texts;
    return true;
}

void adbc_json_texts_done(struct adbc_json_texts *texts)
{
    free(texts->texts);
    free(texts->block);
}
