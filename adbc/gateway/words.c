/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a statement, outside quotes and comments.
 *
 * SQL has as many ways of quoting as databases. Those here are the standard's, the backtick, and
 * PostgreSQL's dollars; brackets are none, since for most they are subscripts. A text that ends
 * within quotes is of no known kind. Thread class: free. */
#include "adbc/gateway/words.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { WORD_BYTES_MAX = 16 };

struct scanner {
    const char *at;
    const char *end;
    bool is_open; /* the text ends within quotes or a comment */
};

enum token { TOKEN_END, TOKEN_WORD, TOKEN_SEMICOLON, TOKEN_OTHER };

static bool is_word_character(char character)
{
    return isalnum((unsigned char)character) || character == '_' || (unsigned char)character >= 128;
}

static size_t left(const struct scanner *scanner)
{
    return (size_t)(scanner->end - scanner->at);
}

static bool begins_with(const struct scanner *scanner, const char *text)
{
    size_t len_bytes = strlen(text);
    return left(scanner) >= len_bytes && memcmp(scanner->at, text, len_bytes) == 0;
}

/* Goes behind the next `text`. */
static void skip_past(struct scanner *scanner, const char *text, size_t len_bytes)
{
    while (left(scanner) >= len_bytes) {
        if (memcmp(scanner->at, text, len_bytes) == 0) {
            scanner->at += len_bytes;
            return;
        }
        scanner->at++;
    }
    scanner->is_open = true;
    scanner->at = scanner->end;
}

static void skip_comment(struct scanner *scanner)
{
    unsigned depth = 0;
    do {
        if (begins_with(scanner, "/*")) {
            depth++;
            scanner->at += 2;
        } else if (begins_with(scanner, "*/")) {
            depth--;
            scanner->at += 2;
        } else {
            scanner->at++;
        }
    } while (depth > 0 && scanner->at < scanner->end);
    scanner->is_open |= depth > 0;
}

static void skip_blanks(struct scanner *scanner)
{
    while (scanner->at < scanner->end) {
        if (begins_with(scanner, "--")) {
            const char *line = memchr(scanner->at, '\n', left(scanner));
            scanner->at = line == NULL ? scanner->end : line + 1;
        } else if (begins_with(scanner, "/*")) {
            skip_comment(scanner);
        } else if (isspace((unsigned char)*scanner->at)) {
            scanner->at++;
        } else {
            return;
        }
    }
}

/* "$tag$ ... $tag$"; what is no such quote, as "$1", is passed over. */
static void skip_dollars(struct scanner *scanner)
{
    const char *tag = scanner->at;
    const char *second = tag + 1;
    while (second < scanner->end && is_word_character(*second)) {
        second++;
    }
    if (second == scanner->end || *second != '$' || isdigit((unsigned char)tag[1])) {
        scanner->at++;
        return;
    }
    size_t tag_bytes = (size_t)(second + 1 - tag);
    scanner->at = second + 1;
    skip_past(scanner, tag, tag_bytes);
}

/* A quote that is doubled is two quoted parts, one after the other: no need to know. */
static enum token next(struct scanner *scanner, char *ret_word)
{
    skip_blanks(scanner);
    if (scanner->at >= scanner->end) {
        return TOKEN_END;
    }
    char first = *scanner->at;
    if (first == ';') {
        scanner->at++;
        return TOKEN_SEMICOLON;
    }
    if (first == '\'' || first == '"' || first == '`') {
        char quote[2] = {first, '\0'};
        scanner->at++;
        skip_past(scanner, quote, 1);
        return TOKEN_OTHER;
    }
    if (first == '$') {
        skip_dollars(scanner);
        return TOKEN_OTHER;
    }
    if (!is_word_character(first)) {
        scanner->at++;
        return TOKEN_OTHER;
    }
    size_t len_bytes = 0;
    while (scanner->at < scanner->end && is_word_character(*scanner->at)) {
        if (len_bytes < WORD_BYTES_MAX - 1) {
            ret_word[len_bytes++] = (char)toupper((unsigned char)*scanner->at);
        }
        scanner->at++;
    }
    ret_word[len_bytes] = '\0';
    return TOKEN_WORD;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(*words, word) == 0) {
            return true;
        }
    }
    return false;
}

static const char *const QUERIES[] = {"SELECT", "WITH",    "VALUES",    "TABLE", "SHOW", "DESCRIBE",
                                      "DESC",   "EXPLAIN", "SUMMARIZE", "FROM",  NULL};
static const char *const CHANGES[] = {"INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", NULL};
static const char *const DEFINITIONS[] = {"CREATE", "DROP",   "ALTER",   "TRUNCATE", "VACUUM",
                                          "GRANT",  "REVOKE", "COMMENT", "REINDEX",  NULL};
/* Inside a query: it may write. */
static const char *const WRITERS[] = {"INTO",   "INSERT",  "DELETE",  "MERGE",
                                      "UPDATE", "ANALYZE", "ANALYSE", NULL};
static const char *const TRANSACTIONS[] = {"BEGIN", "START",     "COMMIT",  "END", "ROLLBACK",
                                           "ABORT", "SAVEPOINT", "RELEASE", NULL};

/* What the words of one statement have in common. */
struct seen {
    char first[WORD_BYTES_MAX];
    bool has_writer;
    bool has_returning;
    bool is_temporary;
    size_t word_count;
};

static void see(struct seen *seen, const char *word)
{
    if (seen->word_count == 0) {
        memcpy(seen->first, word, WORD_BYTES_MAX);
    } else {
        seen->has_writer |= is_one_of(word, WRITERS);
    }
    seen->has_returning |= strcmp(word, "RETURNING") == 0;
    /* CREATE [LOCAL | GLOBAL | OR REPLACE] TEMPORARY ... */
    seen->is_temporary |= seen->word_count < 5 && strncmp(word, "TEMP", 4) == 0;
    seen->word_count++;
}

static void judge(const struct seen *seen, struct gateway_words *words)
{
    bool is_update = is_one_of(seen->first, CHANGES) || is_one_of(seen->first, DEFINITIONS);
    if (is_one_of(seen->first, QUERIES)) {
        words->kind = seen->has_writer ? GATEWAY_KIND_OTHER : GATEWAY_KIND_QUERY;
    } else if (is_update) {
        words->kind = seen->has_returning ? GATEWAY_KIND_OTHER : GATEWAY_KIND_UPDATE;
    }
    bool makes_temporary = seen->is_temporary && strcmp(seen->first, "CREATE") == 0;
    words->is_transaction = is_one_of(seen->first, TRANSACTIONS);
    words->needs_session = words->is_transaction;
    words->leaves_state =
        makes_temporary || !(is_update || words->kind == GATEWAY_KIND_QUERY || seen->has_writer);
}

struct gateway_words gateway_words_read(struct cflight_bytes text)
{
    struct gateway_words words;
    struct seen seen;
    struct scanner scanner = {(const char *)text.data, (const char *)text.data + text.len_bytes,
                              false};
    char word[WORD_BYTES_MAX];
    bool has_ended = false;
    memset(&words, 0, sizeof words);
    memset(&seen, 0, sizeof seen);
    for (enum token token = next(&scanner, word); token != TOKEN_END;
         token = next(&scanner, word)) {
        if (token == TOKEN_SEMICOLON) {
            has_ended = seen.word_count > 0;
        } else if (has_ended) {
            words.is_several = true;
        } else if (token == TOKEN_WORD) {
            see(&seen, word);
        }
    }
    judge(&seen, &words);
    if (scanner.is_open || words.is_several) {
        words.kind = GATEWAY_KIND_OTHER;
        words.leaves_state = true;
        words.is_transaction = true;
    }
    return words;
}

bool gateway_words_is_empty(struct cflight_bytes text)
{
    struct scanner scanner = {(const char *)text.data, (const char *)text.data + text.len_bytes,
                              false};
    skip_blanks(&scanner);
    return scanner.at >= scanner.end;
}

size_t gateway_words_statement_end(const char *text)
{
    struct scanner scanner = {text, text + strlen(text), false};
    char word[WORD_BYTES_MAX];
    enum token token = next(&scanner, word);
    while (token != TOKEN_END && token != TOKEN_SEMICOLON) {
        token = next(&scanner, word);
    }
    return (size_t)(scanner.at - text) - (token == TOKEN_SEMICOLON ? 1 : 0);
}
