/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts scripts into statements.
 *
 * Every dialect has its own quotes. What is known here are those of the standard, of PostgreSQL
 * (E'\'', $tag$...$tag$) and MySQL's `; comments nest, as the standard says: who writes them
 * otherwise gets one statement for two, which the server refuses, and never a part of a comment
 * that is run. */
#include "cli/client/statements.h"

#include <string.h>
#include <strings.h>

static int at(const struct cli_script *script, size_t offset)
{
    return offset < script->text.len_bytes ? script->text.data[offset] : -1;
}

static bool is_blank(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_word(int c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '$';
}

static void step(struct cli_script *script)
{
    script->line_count += at(script, script->offset) == '\n' ? 1 : 0;
    script->offset++;
}

static void skip(struct cli_script *script, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        step(script);
    }
}

static bool starts_with(const struct cli_script *script, struct cflight_bytes text)
{
    return script->text.len_bytes - script->offset >= text.len_bytes &&
           memcmp(script->text.data + script->offset, text.data, text.len_bytes) == 0;
}

/* Skips a text in quotes; two of them together stand for one. False when there is no end. */
static bool skip_quoted(struct cli_script *script, bool has_escapes)
{
    int quote = at(script, script->offset);
    step(script);
    for (int c; (c = at(script, script->offset)) >= 0;) {
        step(script);
        if (has_escapes && c == '\\' && at(script, script->offset) >= 0) {
            step(script);
        } else if (c == quote && at(script, script->offset) != quote) {
            return true;
        } else if (c == quote) {
            step(script);
        }
    }
    return false;
}

static bool skip_comment(struct cli_script *script)
{
    size_t depth = 0;
    do {
        if (at(script, script->offset) < 0) {
            return false;
        }
        int c = at(script, script->offset);
        int next = at(script, script->offset + 1);
        bool is_mark = (c == '/' && next == '*') || (c == '*' && next == '/');
        depth += is_mark && c == '/' ? 1 : 0;
        depth -= is_mark && c == '*' ? 1 : 0;
        skip(script, is_mark ? 2 : 1);
    } while (depth > 0);
    return true;
}

static void skip_line(struct cli_script *script)
{
    while (at(script, script->offset) >= 0 && at(script, script->offset) != '\n') {
        step(script);
    }
}

/* The mark "$tag$" at the offset; empty when there is none. */
static struct cflight_bytes dollar_mark(const struct cli_script *script)
{
    size_t end = script->offset + 1;
    while (at(script, end) != '$' &&
           (is_letter(at(script, end)) || (end > script->offset + 1 && is_word(at(script, end))))) {
        end++;
    }
    size_t len_bytes = at(script, end) == '$' ? end + 1 - script->offset : 0;
    return cflight_bytes_make(script->text.data + script->offset, len_bytes);
}

/* Skips from one mark to the next of its kind. */
static bool skip_dollars(struct cli_script *script, struct cflight_bytes mark)
{
    skip(script, mark.len_bytes);
    while (script->offset < script->text.len_bytes) {
        if (starts_with(script, mark)) {
            skip(script, mark.len_bytes);
            return true;
        }
        step(script);
    }
    return false;
}

/* Skips a word, and the text in quotes that belongs to it: E'it\'s'. */
static bool skip_word(struct cli_script *script)
{
    size_t start = script->offset;
    while (is_word(at(script, script->offset))) {
        step(script);
    }
    bool is_e = script->offset == start + 1 && (at(script, start) | 0x20) == 'e';
    return !is_e || at(script, script->offset) != '\'' || skip_quoted(script, true);
}

/* Skips what belongs together. `*ret_counts` when it is neither blank nor comment. */
static bool skip_token(struct cli_script *script, bool *ret_counts)
{
    int c = at(script, script->offset);
    int next = at(script, script->offset + 1);
    *ret_counts = false;
    if (c == '-' && next == '-') {
        skip_line(script);
        return true;
    }
    if (c == '/' && next == '*') {
        return skip_comment(script);
    }
    *ret_counts = !is_blank(c);
    if (c == '\'' || c == '"' || c == '`') {
        return skip_quoted(script, false);
    }
    if (c == '$' && dollar_mark(script).len_bytes > 0) {
        return skip_dollars(script, dollar_mark(script));
    }
    if (is_word(c)) {
        return skip_word(script);
    }
    step(script);
    return true;
}

static cflight_status refuse(const struct cli_script *script, size_t start, size_t line,
                             cflight_error **reterr)
{
    bool is_comment = at(script, start) == '/';
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "the %s in line %zu has no end",
                             is_comment ? "comment" : "text in quotes", line);
}

static bool is_between(int c)
{
    return is_blank(c) || c == ';';
}

static void trim(struct cflight_bytes *text)
{
    while (text->len_bytes > 0 && is_between(text->data[text->len_bytes - 1])) {
        text->len_bytes--;
    }
}

/* Reads up to the ';' or the end. `*ret_counts` when there is more than comments. False when
 * something in it has no end: it begins at `*ret_open_offset`, in the line `*ret_open_line`. */
static bool read_statement(struct cli_script *script, struct cli_statement *statement,
                           bool *ret_counts, size_t *ret_open_offset, size_t *ret_open_line)
{
    *ret_counts = false;
    *statement = (struct cli_statement){.line = script->line_count + 1};
    size_t first = script->offset;
    for (int c; (c = at(script, script->offset)) >= 0 && (c != ';' || script->is_single);) {
        size_t start = script->offset;
        size_t line = script->line_count + 1;
        bool counts = false;
        if (!skip_token(script, &counts)) {
            *ret_open_offset = start;
            *ret_open_line = line;
            return false;
        }
        if (counts && !*ret_counts && c != '(') {
            *ret_counts = true;
            statement->word = cflight_bytes_make(script->text.data + start,
                                                 is_letter(c) ? script->offset - start : 0);
        }
    }
    statement->text = cflight_bytes_make(script->text.data + first, script->offset - first);
    trim(&statement->text);
    return true;
}

/* Skips what is between statements. @return whether something follows */
static bool skip_between(struct cli_script *script)
{
    while (is_between(at(script, script->offset))) {
        step(script);
    }
    return at(script, script->offset) >= 0;
}

cflight_status cli_script_next(struct cli_script *script, struct cli_statement *ret_statement,
                               cflight_error **reterr)
{
    bool counts = false;
    size_t open_offset = 0;
    size_t open_line = 0;
    while (!counts) {
        if (!skip_between(script)) {
            *ret_statement = (struct cli_statement){.line = script->line_count + 1};
            break;
        }
        if (!read_statement(script, ret_statement, &counts, &open_offset, &open_line)) {
            return refuse(script, open_offset, open_line, reterr);
        }
    }
    return CFLIGHT_OK;
}

void cli_script_next_typed(struct cli_script *script, struct cli_statement *ret_statement,
                           bool *ret_is_open, char *ret_mark)
{
    bool counts = false;
    size_t open_offset = 0;
    size_t open_line = 0;
    *ret_is_open = false;
    while (!counts && skip_between(script)) {
        const struct cli_script start = *script;
        bool has_end = read_statement(script, ret_statement, &counts, &open_offset, &open_line);
        if (!has_end || (counts && at(script, script->offset) < 0)) {
            *script = start;
            *ret_is_open = true;
            int c = has_end ? '-' : at(script, open_offset);
            *ret_mark = (char)(c == '/' ? '*' : is_letter(c) ? '\'' : c);
            break;
        }
    }
    if (!counts || *ret_is_open) {
        *ret_statement = (struct cli_statement){.line = script->line_count + 1};
    }
}

static bool is_among(struct cflight_bytes word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(words[i]) == word.len_bytes &&
            strncasecmp(words[i], (const char *)word.data, word.len_bytes) == 0) {
            return true;
        }
    }
    return false;
}

#define IS_AMONG(word, words) is_among(word, words, sizeof(words) / sizeof *(words))

/* The words of a short statement; more than there is room for when it has other things. */
enum { CONTROL_WORDS_MAX = 2 };
static size_t find_words(const struct cli_statement *statement,
                         struct cflight_bytes words[CONTROL_WORDS_MAX])
{
    struct cli_script script = {.text = statement->text, .is_single = true};
    size_t count = 0;
    while (count <= CONTROL_WORDS_MAX && at(&script, script.offset) >= 0) {
        size_t start = script.offset;
        bool counts = false;
        if (!skip_token(&script, &counts)) {
            return CONTROL_WORDS_MAX + 1;
        }
        if (counts && count < CONTROL_WORDS_MAX) {
            words[count] = cflight_bytes_make(script.text.data + start, script.offset - start);
        }
        count += counts ? 1 : 0;
    }
    return count;
}

enum cli_statement_control cli_statement_control(const struct cli_statement *statement)
{
    static const char *const begins[] = {"BEGIN", "START"};
    static const char *const commits[] = {"COMMIT", "END"};
    static const char *const rollbacks[] = {"ROLLBACK", "ABORT"};
    static const char *const nouns[] = {"TRANSACTION", "WORK"};
    struct cflight_bytes words[CONTROL_WORDS_MAX];
    size_t count = find_words(statement, words);
    bool is_start = count > 0 && is_among(words[0], &begins[1], 1);
    if (count == 0 || count > CONTROL_WORDS_MAX || (is_start && count == 1) ||
        (count == 2 && !IS_AMONG(words[1], nouns))) {
        return CLI_CONTROL_NONE;
    }
    if (IS_AMONG(words[0], begins)) {
        return CLI_CONTROL_BEGIN;
    }
    if (IS_AMONG(words[0], commits)) {
        return CLI_CONTROL_COMMIT;
    }
    return IS_AMONG(words[0], rollbacks) ? CLI_CONTROL_ROLLBACK : CLI_CONTROL_NONE;
}

enum cli_statement_kind cli_statement_kind(const struct cli_statement *statement)
{
    static const char *const rows[] = {"SELECT", "VALUES",  "SHOW", "DESCRIBE",
                                       "DESC",   "EXPLAIN", "FROM", "TABLE"};
    static const char *const updates[] = {
        "INSERT",   "UPDATE",  "DELETE", "REPLACE", "MERGE",    "UPSERT",    "CREATE",
        "DROP",     "ALTER",   "RENAME", "GRANT",   "TRUNCATE", "REVOKE",    "COMMENT",
        "BEGIN",    "START",   "COMMIT", "END",     "ABORT",    "SAVEPOINT", "SET",
        "ROLLBACK", "RELEASE", "RESET",  "USE",     "COPY",     "LOAD",      "ATTACH",
        "DETACH",   "INSTALL", "VACUUM", "REINDEX", "ANALYZE",  "REFRESH"};
    if (IS_AMONG(statement->word, rows)) {
        return CLI_STATEMENT_ROWS;
    }
    return IS_AMONG(statement->word, updates) ? CLI_STATEMENT_UPDATE : CLI_STATEMENT_UNKNOWN;
}
