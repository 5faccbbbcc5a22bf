/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of SQL's LIKE.
 *
 * A pattern is read token by token. When one does not match, the match goes back to the last '%'
 * and lets it take one character more; going back to the last one is enough, so the time is bounded
 * by the product of the lengths. Characters are those of UTF-8; in bytes that are not, each stray
 * byte counts as one. Thread class: free. */
#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/utf8.h"
#include "cflight/sql.h"

enum { ESCAPE = '\\', ANY_RUN = '%', ANY_ONE = '_' };

static bool is_special(uint8_t byte)
{
    return byte == ESCAPE || byte == ANY_RUN || byte == ANY_ONE;
}

/* The end of the character that begins at `at`. */
static size_t next_character(struct cflight_bytes text, size_t at)
{
    at++;
    while (at < text.len_bytes && !cfl_utf8_is_start(text.data[at])) {
        at++;
    }
    return at;
}

static bool is_same(uint8_t a, uint8_t b, bool ignores_case)
{
    return a == b || (ignores_case && cfl_ascii_lower(a) == cfl_ascii_lower(b));
}

/* Where two texts are while they are matched. */
struct place {
    size_t in_pattern;
    size_t in_name;
};

/* Matches one token that is not '%' and moves on; false when it does not match. */
static bool step(struct cflight_bytes pattern, struct cflight_bytes name, bool ignores_case,
                 struct place *place)
{
    if (place->in_pattern == pattern.len_bytes || place->in_name == name.len_bytes) {
        return false;
    }
    uint8_t token = pattern.data[place->in_pattern];
    if (token == ANY_ONE) {
        place->in_pattern++;
        place->in_name = next_character(name, place->in_name);
        return true;
    }
    size_t token_bytes = 1;
    if (token == ESCAPE && place->in_pattern + 1 < pattern.len_bytes &&
        is_special(pattern.data[place->in_pattern + 1])) {
        token = pattern.data[place->in_pattern + 1];
        token_bytes = 2;
    }
    if (!is_same(token, name.data[place->in_name], ignores_case)) {
        return false;
    }
    place->in_pattern += token_bytes;
    place->in_name++;
    return true;
}

bool cflight_sql_pattern_matches(struct cflight_bytes pattern, struct cflight_bytes name,
                                 bool ignores_case)
{
    struct place place = {0, 0};
    struct place run = {0, 0}; /* behind the last '%', and where its run ends so far */
    bool has_run = false;
    while (place.in_name < name.len_bytes || place.in_pattern < pattern.len_bytes) {
        if (place.in_pattern < pattern.len_bytes && pattern.data[place.in_pattern] == ANY_RUN) {
            place.in_pattern++;
            run = place;
            has_run = true;
        } else if (!step(pattern, name, ignores_case, &place)) {
            if (!has_run || run.in_name == name.len_bytes) {
                return false;
            }
            run.in_name = next_character(name, run.in_name);
            place = run;
        }
    }
    return true;
}

cflight_status cflight_sql_pattern_escape(struct cflight_bytes name, char **ret_pattern,
                                          cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_pattern));
    if (status != CFLIGHT_OK) {
        return status;
    }
    if ((name.data == NULL && name.len_bytes > 0) ||
        !cfl_utf8_is_valid(name.data, name.len_bytes) ||
        (name.len_bytes > 0 && memchr(name.data, 0, name.len_bytes) != NULL)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a name of a pattern is not UTF-8, or has a zero byte");
    }
    size_t special_count = 0;
    for (size_t i = 0; i < name.len_bytes; i++) {
        special_count += is_special(name.data[i]) ? 1 : 0;
    }
    char *pattern = cfl_alloc(NULL, name.len_bytes + special_count + 1);
    if (pattern == NULL) {
        return cfl_error_no_memory(reterr);
    }
    size_t used_bytes = 0;
    for (size_t i = 0; i < name.len_bytes; i++) {
        if (is_special(name.data[i])) {
            pattern[used_bytes++] = ESCAPE;
        }
        pattern[used_bytes++] = (char)name.data[i];
    }
    pattern[used_bytes] = '\0';
    *ret_pattern = pattern;
    return CFLIGHT_OK;
}
