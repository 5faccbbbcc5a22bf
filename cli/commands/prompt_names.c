/* SPDX-License-Identifier: Apache-2.0 */
/* Names of tables. A name that is no plain word is written in quotes, and one that would do
 * anything to a terminal is left out. Owner: of the copies. */
#include "cli/commands/prompt_names.h"

#include <string.h>
#include <strings.h>

#include "cli/system/utf8.h"
#include "cli/values/value.h"

enum { NAMES_MAX = 10000, TIMEOUT_MS = 3000, DB_SCHEMA = 1, TABLE = 2 };

static bool is_word_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || c >= 0x80;
}

static bool is_plain(struct cflight_bytes name)
{
    bool is_plain = name.len_bytes > 0 && (name.data[0] < '0' || name.data[0] > '9');
    for (size_t i = 0; is_plain && i < name.len_bytes; i++) {
        is_plain = is_word_byte(name.data[i]);
    }
    return is_plain;
}

/* Appends a name as SQL has it; false when it is not to be shown. */
static bool append_name(struct cli_text *text, struct cflight_bytes name)
{
    struct cli_text visible = CLI_TEXT_INIT;
    cli_utf8_append_message(&visible, name);
    bool is_harmless = cflight_bytes_equal(cli_text_bytes(&visible), name);
    cli_text_done(&visible);
    if (is_plain(name)) {
        cli_text_append(text, name.data, name.len_bytes);
        return is_harmless;
    }
    cli_text_append_char(text, '"');
    for (size_t i = 0; i < name.len_bytes; i++) {
        cli_text_append_string(text, name.data[i] == '"' ? "\"" : "");
        cli_text_append_char(text, (char)name.data[i]);
    }
    cli_text_append_char(text, '"');
    return is_harmless;
}

/* Appends the name in a column of a row; false when there is none to show. */
static bool append_value(struct cli_text *text, const struct cli_column *root,
                         const struct ArrowArray *batch, int64_t row, size_t index)
{
    struct cli_text value = CLI_TEXT_INIT;
    if (cli_value_is_null(&root->children[index], batch->children[index], row)) {
        return false;
    }
    cli_value_append_plain(&value, &root->children[index], batch->children[index], row);
    bool is_shown = value.len_bytes > 0 && append_name(text, cli_text_bytes(&value));
    cli_text_done(&value);
    return is_shown;
}

/* Adds "table", and where there is a schema "schema.table". */
static void add_row(struct cli_names *names, const struct cli_column *root,
                    const struct ArrowArray *batch, int64_t row)
{
    struct cli_text table = CLI_TEXT_INIT;
    struct cli_text qualified = CLI_TEXT_INIT;
    if (append_value(&table, root, batch, row, TABLE)) {
        cli_matches_add(&names->all, cli_text_bytes(&table));
        if (append_value(&qualified, root, batch, row, DB_SCHEMA)) {
            cli_text_append_char(&qualified, '.');
            cli_text_append(&qualified, table.data, table.len_bytes);
            cli_matches_add(&names->all, cli_text_bytes(&qualified));
        }
    }
    cli_text_done(&table);
    cli_text_done(&qualified);
}

static void read_rows(struct cli_names *names, struct ArrowArrayStream *tables)
{
    struct ArrowSchema schema;
    struct cli_column root = {0};
    if (tables->get_schema(tables, &schema) != 0) {
        return;
    }
    bool is_good = cli_column_init(&root, &schema, NULL) == CFLIGHT_OK && root.child_count > TABLE;
    while (is_good && names->all.count < NAMES_MAX) {
        struct ArrowArray batch = {.release = NULL};
        if (tables->get_next(tables, &batch) != 0 || batch.release == NULL) {
            break;
        }
        for (int64_t row = 0; row < batch.length && names->all.count < NAMES_MAX; row++) {
            add_row(names, &root, &batch, batch.offset + row);
        }
        batch.release(&batch);
    }
    cli_column_done(&root);
    schema.release(&schema);
}

void cli_names_load(struct cli_names *names, const struct cli_sql *sql)
{
    struct cli_fetch fetch = {.rows_left = CLI_ROWS_ALL};
    struct cflight_sql_options options;
    struct ArrowArrayStream tables;
    if (names->is_loaded) {
        return;
    }
    names->is_loaded = true;
    cli_sql_call(sql, &fetch, &options);
    if (!fetch.call_options.timeout_is_set || fetch.call_options.timeout_ms > TIMEOUT_MS) {
        fetch.call_options.timeout_ms = TIMEOUT_MS;
        fetch.call_options.timeout_is_set = true;
        fetch.options.timeout_ms = TIMEOUT_MS;
    }
    if (cflight_sql_get_tables(sql->run->connection.client, NULL, &options, &tables, NULL) ==
        CFLIGHT_OK) {
        read_rows(names, &tables);
        tables.release(&tables);
    }
}

/* Where the name before the cursor begins: with the quote that is open, or with the word. */
static size_t find_start(struct cflight_bytes before)
{
    bool is_quoted = false;
    size_t start = 0;
    for (size_t i = 0; i < before.len_bytes; i++) {
        uint8_t c = before.data[i];
        if (c == '"') {
            start = is_quoted || (i > 0 && before.data[i - 1] == '.') ? start : i;
            is_quoted = !is_quoted;
        } else if (!is_quoted && !is_word_byte(c) && c != '.') {
            start = i + 1;
        }
    }
    return start;
}

static bool is_added(const struct cli_matches *matches, const char *name)
{
    for (size_t i = 0; i < matches->count; i++) {
        if (strcmp(matches->texts[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void cli_names_match(const struct cli_names *names, struct cflight_bytes before,
                     struct cli_matches *matches)
{
    size_t start = find_start(before);
    const char *typed = (const char *)before.data + start;
    size_t len_bytes = before.len_bytes - start;
    bool is_qualified = len_bytes > 0 && memchr(typed, '.', len_bytes) != NULL;
    matches->replaced_bytes = len_bytes;
    for (size_t i = 0; i < names->all.count; i++) {
        const char *name = names->all.texts[i];
        const char *compared = len_bytes > 0 && name[0] == '"' && typed[0] != '"' ? name + 1 : name;
        bool has_dot = strchr(name, '.') != NULL;
        if (has_dot == is_qualified && strncasecmp(compared, typed, len_bytes) == 0 &&
            !is_added(matches, name)) {
            cli_matches_add(matches, cflight_bytes_from_text(name));
        }
    }
}

void cli_names_forget(struct cli_names *names)
{
    cli_matches_done(&names->all);
    names->is_loaded = false;
}
