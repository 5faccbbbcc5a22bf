/* SPDX-License-Identifier: Apache-2.0 */
/* What a token server answers: an object of which a few members are wanted.
 *
 * One pass, no memory: an escape is never shorter than what it stands for, so texts are written
 * over themselves. Everything is checked, the members that nobody wants as well, to a depth that
 * bounds the recursion. Spec: RFC 8259. Thread class: free. */
#include "oauth/json.h"

#include "base/ascii.h"
#include "base/utf8.h"

enum { DEPTH_MAX = 16 };

struct reader {
    uint8_t *next;
    uint8_t *end;
};

static int peek(const struct reader *reader)
{
    return reader->next == reader->end ? -1 : *reader->next;
}

static void skip_blanks(struct reader *reader)
{
    while (peek(reader) == ' ' || peek(reader) == '\t' || peek(reader) == '\n' ||
           peek(reader) == '\r') {
        reader->next++;
    }
}

/* Blanks before it do not count. */
static bool take(struct reader *reader, int wanted)
{
    skip_blanks(reader);
    if (peek(reader) != wanted) {
        return false;
    }
    reader->next++;
    return true;
}

static bool take_word(struct reader *reader, const char *word)
{
    for (; *word != '\0'; word++) {
        if (peek(reader) != (unsigned char)*word) {
            return false;
        }
        reader->next++;
    }
    return true;
}

/* ---- texts ---- */

/* Four digits of base 16; -1 when there are not. */
static int32_t take_unit(struct reader *reader)
{
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = peek(reader) < 0 ? -1 : cfl_ascii_hex_value((uint8_t)peek(reader));
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
        reader->next++;
    }
    return unit;
}

static uint8_t *put_character(uint8_t *target, int32_t character)
{
    if (character < 0x80) {
        *target++ = (uint8_t)character;
        return target;
    }
    if (character < 0x800) {
        *target++ = (uint8_t)(0xC0 | character >> 6);
    } else {
        if (character < 0x10000) {
            *target++ = (uint8_t)(0xE0 | character >> 12);
        } else {
            *target++ = (uint8_t)(0xF0 | character >> 18);
            *target++ = (uint8_t)(0x80 | (character >> 12 & 0x3F));
        }
        *target++ = (uint8_t)(0x80 | (character >> 6 & 0x3F));
    }
    *target++ = (uint8_t)(0x80 | (character & 0x3F));
    return target;
}

/* Half a pair is refused. */
static uint8_t *take_escaped_character(struct reader *reader, uint8_t *target)
{
    int32_t unit = take_unit(reader);
    if (unit < 0 || (unit >= 0xDC00 && unit < 0xE000)) {
        return NULL;
    }
    if (unit >= 0xD800 && unit < 0xDC00) {
        int32_t low = take_word(reader, "\\u") ? take_unit(reader) : -1;
        if (low < 0xDC00 || low >= 0xE000) {
            return NULL;
        }
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    return put_character(target, unit);
}

static uint8_t *take_escape(struct reader *reader, uint8_t *target)
{
    static const char NAMES[] = "\"\\/bfnrt";
    static const char MEANT[] = "\"\\/\b\f\n\r\t";
    int c = peek(reader);
    const char *found = c <= 0 ? NULL : strchr(NAMES, c);
    if (c < 0) {
        return NULL;
    }
    reader->next++;
    if (c == 'u') {
        return take_escaped_character(reader, target);
    }
    if (found == NULL) {
        return NULL;
    }
    *target++ = (uint8_t)MEANT[found - NAMES];
    return target;
}

static bool take_text(struct reader *reader, struct cflight_bytes *ret_text)
{
    if (!take(reader, '"')) {
        return false;
    }
    uint8_t *start = reader->next;
    uint8_t *target = start;
    for (int c; (c = peek(reader)) != '"';) {
        if (c < 0x20) {
            return false;
        }
        reader->next++;
        if (c != '\\') {
            *target++ = (uint8_t)c;
        } else if ((target = take_escape(reader, target)) == NULL) {
            return false;
        }
    }
    reader->next++;
    *ret_text = cflight_bytes_make(start, (size_t)(target - start));
    return true;
}

/* ---- values ---- */

static bool take_digits(struct reader *reader)
{
    const uint8_t *start = reader->next;
    while (peek(reader) >= '0' && peek(reader) <= '9') {
        reader->next++;
    }
    return reader->next > start;
}

static bool take_number(struct reader *reader, struct cflight_bytes *ret_number)
{
    const uint8_t *start = reader->next;
    if (peek(reader) == '-') {
        reader->next++;
    }
    bool is_good = peek(reader) == '0' ? (reader->next++, true) : take_digits(reader);
    if (is_good && peek(reader) == '.') {
        reader->next++;
        is_good = take_digits(reader);
    }
    if (is_good && (peek(reader) == 'e' || peek(reader) == 'E')) {
        reader->next++;
        if (peek(reader) == '+' || peek(reader) == '-') {
            reader->next++;
        }
        is_good = take_digits(reader);
    }
    *ret_number = cflight_bytes_make(start, (size_t)(reader->next - start));
    return is_good;
}

static bool skip_value(struct reader *reader, int depth);

/* The values of an array, or the members of an object, behind the bracket. */
static bool skip_values(struct reader *reader, int close, int depth)
{
    struct cflight_bytes name;
    if (depth > DEPTH_MAX) {
        return false;
    }
    if (take(reader, close)) {
        return true;
    }
    do {
        if (close == '}' && !(take_text(reader, &name) && take(reader, ':'))) {
            return false;
        }
        if (!skip_value(reader, depth)) {
            return false;
        }
    } while (take(reader, ','));
    return take(reader, close);
}

static bool take_value(struct reader *reader, struct cfl_json_member *member, int depth)
{
    skip_blanks(reader);
    switch (peek(reader)) {
    case '"':
        member->kind = CFL_JSON_TEXT;
        return take_text(reader, &member->value);
    case '{':
    case '[':
        member->kind = CFL_JSON_OTHER;
        return skip_values(reader, *reader->next++ == '{' ? '}' : ']', depth + 1);
    case 't':
        member->kind = CFL_JSON_OTHER;
        return take_word(reader, "true");
    case 'f':
        member->kind = CFL_JSON_OTHER;
        return take_word(reader, "false");
    case 'n':
        return take_word(reader, "null");
    default:
        member->kind = CFL_JSON_NUMBER;
        return take_number(reader, &member->value);
    }
}

static bool skip_value(struct reader *reader, int depth)
{
    struct cfl_json_member ignored = {.name = NULL};
    return take_value(reader, &ignored, depth);
}

/* ---- the object ---- */

static struct cfl_json_member *find(struct cfl_json_member *members, size_t count,
                                    struct cflight_bytes name)
{
    for (size_t i = 0; i < count; i++) {
        if (cflight_bytes_equal(name, cflight_bytes_from_text(members[i].name))) {
            return &members[i];
        }
    }
    return NULL;
}

static bool take_members(struct reader *reader, struct cfl_json_member *members, size_t count)
{
    uint32_t seen = 0; /* a bit for each */
    if (take(reader, '}')) {
        return true;
    }
    do {
        struct cflight_bytes name;
        if (!take_text(reader, &name) || !take(reader, ':')) {
            return false;
        }
        struct cfl_json_member *member = find(members, count, name);
        uint32_t bit = member == NULL ? 0 : UINT32_C(1) << (member - members);
        if ((seen & bit) != 0 ||
            !(member == NULL ? skip_value(reader, 1) : take_value(reader, member, 1))) {
            return false;
        }
        seen |= bit;
    } while (take(reader, ','));
    return take(reader, '}');
}

bool cfl_json_read_object(uint8_t *json, size_t len_bytes, struct cfl_json_member *members,
                          size_t member_count)
{
    struct reader reader = {json, json + len_bytes};
    for (size_t i = 0; i < member_count; i++) {
        members[i].kind = CFL_JSON_NONE;
        members[i].value = cflight_bytes_make(NULL, 0);
    }
    if (len_bytes == 0 || !cfl_utf8_is_valid(json, len_bytes) || !take(&reader, '{') ||
        !take_members(&reader, members, member_count)) {
        return false;
    }
    skip_blanks(&reader);
    return reader.next == reader.end;
}
