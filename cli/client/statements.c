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

/* Reads up to the ';' or the end. `*ret_counts` when there is more than comments. */
static cflight_status read_statement(struct cli_script *script, struct cli_statement *statement,
                                     bool *ret_counts, cflight_error **reterr)
{
    *ret_counts = false;
    *statement = (struct cli_statement){.line = script->line_count + 1};
    size_t first = script->offset;
    for (int c; (c = at(script, script->offset)) >= 0 && (c != ';' || script->is_single);) {
        size_t start = script->offset;
        size_t line = script->line_count + 1;
        bool counts = false;
        if (!skip_token(script, &counts)) {
            return refuse(script, start, line, reterr);
        }
        if (counts && !*ret_counts && c != '(') {
            *ret_counts = true;
            statement->word = cflight_bytes_make(script->text.data + start,
                                                 is_letter(c) ? script->offset - start : 0);
        }
    }
    statement->text = cflight_bytes_make(script->text.data + first, script->offset - first);
    trim(&statement->text);
    return CFLIGHT_OK;
}

cflight_status cli_script_next(struct cli_script *script, struct cli_statement *ret_statement,
                               cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    bool counts = false;
    while (status == CFLIGHT_OK && !counts) {
        while (is_between(at(script, script->offset))) {
            step(script);
        }
        if (at(script, script->offset) < 0) {
            *ret_statement = (struct cli_statement){.line = script->line_count + 1};
            return CFLIGHT_OK;
        }
        status = read_statement(script, ret_statement, &counts, reterr);
    }
    return status;
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
