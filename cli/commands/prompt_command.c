/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the prompt: lines that begin with a backslash. What the server lists is shown as
 * a table, whatever rows of queries go to. Thread class: one at a time. */
#include "cli/commands/prompt_command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/commands/table_columns.h"
#include "cli/system/message.h"
#include "cli/system/output.h"

typedef cflight_status (*command_fn)(struct cli_prompt *prompt, const char *argument,
                                     cflight_error **reterr);

struct command {
    const char *name; /* without the backslash */
    const char *argument;
    const char *help;
    command_fn run;
};

static cflight_status misuse(const char *message, cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, message);
}

/* ---- what the server lists ---- */

/* A list on its way to the screen. */
struct listing {
    struct cli_prompt *prompt;
    struct cli_fetch fetch;
    struct cflight_sql_options options;
};

static void begin_listing(struct cli_prompt *prompt, struct listing *listing)
{
    *listing = (struct listing){.prompt = prompt, .fetch = {.rows_left = CLI_ROWS_ALL}};
    cli_prompt_begin(prompt);
    cli_sql_call(&prompt->sql, &listing->fetch, &listing->options);
}

/* Shows the rows and releases them. */
static cflight_status show(struct listing *listing, struct ArrowArrayStream *rows,
                           cflight_error **reterr)
{
    struct cli_run *run = listing->prompt->run;
    struct cli_arguments settings = listing->prompt->settings;
    struct cli_text note = CLI_TEXT_INIT;
    struct cli_result result;
    settings.result.path = NULL;
    settings.result.format = CLI_FORMAT_TABLE;
    settings.result.row_count = CLI_ROWS_ALL;
    run->arguments = &settings;
    cflight_status status = cli_result_choose(&result, run, CLI_ROWS_ALL, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_result_write(&result, &listing->fetch, rows, -1, reterr);
        if (status == CFLIGHT_OK) {
            cli_result_append_note(&note, &result, &listing->fetch, -1);
            cli_remark("%s", cli_text_terminated(&note));
        }
        cli_result_done(&result);
    } else {
        rows->release(rows);
    }
    run->arguments = &listing->prompt->settings;
    cli_text_done(&note);
    return status;
}

static cflight_status list_catalogs(struct cli_prompt *prompt, const char *argument,
                                    cflight_error **reterr)
{
    struct listing listing;
    struct ArrowArrayStream rows;
    (void)argument;
    begin_listing(prompt, &listing);
    cflight_status status =
        cflight_sql_get_catalogs(prompt->run->connection.client, &listing.options, &rows, reterr);
    return status == CFLIGHT_OK ? show(&listing, &rows, reterr) : status;
}

static cflight_status list_schemas(struct cli_prompt *prompt, const char *argument,
                                   cflight_error **reterr)
{
    struct listing listing;
    struct ArrowArrayStream rows;
    const struct cflight_sql_db_schemas filter = {
        .schema_pattern = cflight_bytes_from_text(argument[0] == '\0' ? NULL : argument)};
    begin_listing(prompt, &listing);
    cflight_status status = cflight_sql_get_db_schemas(prompt->run->connection.client, &filter,
                                                       &listing.options, &rows, reterr);
    return status == CFLIGHT_OK ? show(&listing, &rows, reterr) : status;
}

static cflight_status list_tables(struct cli_prompt *prompt, cflight_error **reterr)
{
    struct listing listing;
    struct ArrowArrayStream rows;
    begin_listing(prompt, &listing);
    cflight_status status = cflight_sql_get_tables(prompt->run->connection.client, NULL,
                                                   &listing.options, &rows, reterr);
    return status == CFLIGHT_OK ? show(&listing, &rows, reterr) : status;
}

/* Takes the last element off [[CATALOG.]SCHEMA.]TABLE, out of its quotes; false when there is none.
 */
static bool take_name(char *text, char **ret_name)
{
    size_t len_bytes = strlen(text);
    char *start = text;
    bool is_quoted = false;
    for (char *c = text; *c != '\0'; c++) {
        is_quoted = *c == '"' ? !is_quoted : is_quoted;
        start = *c == '.' && !is_quoted ? c + 1 : start;
    }
    if (len_bytes == 0) {
        return false;
    }
    *ret_name = start;
    if (start[0] == '"') {
        char *target = start;
        for (const char *c = start + 1; *c != '\0' && (c[0] != '"' || c[1] == '"'); c++) {
            c += c[0] == '"' ? 1 : 0;
            *target++ = *c;
        }
        *target = '\0';
    }
    if (start > text) {
        start[-1] = '\0';
    }
    return true;
}

static cflight_status list_columns(struct cli_prompt *prompt, char *argument,
                                   cflight_error **reterr)
{
    struct listing listing;
    struct ArrowSchema schema;
    struct ArrowArrayStream rows;
    char *names[3] = {NULL, NULL, NULL};
    for (size_t i = 0; i < 3; i++) {
        char *start = argument;
        if (!take_name(argument, &names[i])) {
            break;
        }
        argument = names[i] == start ? strchr(start, '\0') : start;
    }
    const struct cflight_sql_table_name name = {.catalog = cflight_bytes_from_text(names[2]),
                                                .db_schema = cflight_bytes_from_text(names[1]),
                                                .table = cflight_bytes_from_text(names[0])};
    begin_listing(prompt, &listing);
    cflight_status status = cflight_sql_get_table_schema(prompt->run->connection.client, &name,
                                                         &listing.options, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_schema_columns(&schema, &rows, reterr);
        schema.release(&schema);
    }
    return status == CFLIGHT_OK ? show(&listing, &rows, reterr) : status;
}

static cflight_status describe(struct cli_prompt *prompt, const char *argument,
                               cflight_error **reterr)
{
    struct cli_text name = CLI_TEXT_INIT;
    char *copy = NULL;
    if (argument[0] == '\0') {
        return list_tables(prompt, reterr);
    }
    cli_text_append_string(&name, argument);
    cflight_status status = cli_text_take(&name, &copy, reterr);
    if (status == CFLIGHT_OK) {
        status = list_columns(prompt, copy, reterr);
    }
    free(copy);
    return status;
}

/* ---- settings ---- */

/* "on", "off", or nothing for the other. */
static cflight_status set_switch(bool *target, const char *what, const char *argument,
                                 cflight_error **reterr)
{
    if (argument[0] == '\0') {
        *target = !*target;
    } else if (strcasecmp(argument, "on") == 0 || strcasecmp(argument, "off") == 0) {
        *target = strcasecmp(argument, "on") == 0;
    } else {
        return misuse("on or off is expected, or nothing for the other of them", reterr);
    }
    cli_remark("%s is %s", what, *target ? "on" : "off");
    return CFLIGHT_OK;
}

static cflight_status set_vertical(struct cli_prompt *prompt, const char *argument,
                                   cflight_error **reterr)
{
    return set_switch(&prompt->settings.result.is_vertical, "a line for each value", argument,
                      reterr);
}

static cflight_status set_timing(struct cli_prompt *prompt, const char *argument,
                                 cflight_error **reterr)
{
    return set_switch(&prompt->settings.sql.shows_time, "timing", argument, reterr);
}

static cflight_status set_rows(struct cli_prompt *prompt, const char *argument,
                               cflight_error **reterr)
{
    int64_t *target = &prompt->settings.result.row_count;
    char *end = NULL;
    if (strcasecmp(argument, "all") == 0) {
        *target = CLI_ROWS_ALL;
    } else if (argument[0] != '\0') {
        errno = 0;
        long long count = strtoll(argument, &end, 10);
        if (argument[0] < '0' || argument[0] > '9' || *end != '\0' || errno != 0) {
            return misuse("a number of rows is expected, or all", reterr);
        }
        *target = count;
    }
    if (*target == CLI_ROWS_ALL) {
        cli_remark("all rows are shown");
    } else {
        cli_remark("%" PRId64 " rows of a query are shown",
                   *target == CLI_ROWS_DEFAULT ? (int64_t)CLI_SQL_TABLE_ROWS : *target);
    }
    return CFLIGHT_OK;
}

static cflight_status set_output(struct cli_prompt *prompt, const char *argument,
                                 cflight_error **reterr)
{
    enum cli_format format = CLI_FORMAT_NONE;
    if (argument[0] == '\0') {
        prompt->settings.result.path = NULL;
        cli_remark("rows go to the screen");
        return CFLIGHT_OK;
    }
    if (prompt->settings.result.format == CLI_FORMAT_NONE &&
        !cli_format_from_path(argument, &format)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' ends in none of .arrow, .feather, .arrows, .csv, .jsonl, "
                                 ".ndjson",
                                 argument);
    }
    cli_text_clear(&prompt->output_path);
    cli_text_append_string(&prompt->output_path, argument);
    cflight_status status = cli_text_status(&prompt->output_path, reterr);
    if (status == CFLIGHT_OK) {
        prompt->settings.result.path = cli_text_terminated(&prompt->output_path);
        cli_remark("the rows of the next query go to '%s'", argument);
    }
    return status;
}

static cflight_status quit(struct cli_prompt *prompt, const char *argument, cflight_error **reterr)
{
    (void)argument;
    (void)reterr;
    prompt->is_over = true;
    return CFLIGHT_OK;
}

/* ---- the table of commands ---- */

static cflight_status show_help(struct cli_prompt *prompt, const char *argument,
                                cflight_error **reterr);

static const struct command commands[] = {
    {"d", "[NAME]", "list the tables, or the columns of one", describe},
    {"dn", "[PATTERN]", "list the schemas; % is any characters, _ any one", list_schemas},
    {"l", "", "list the catalogs", list_catalogs},
    {"o", "[FILE]", "write the rows of the next query to FILE: .arrow, .arrows, .csv, .jsonl",
     set_output},
    {"q", "", "end, as Ctrl+D does", quit},
    {"rows", "[N|all]", "show so many rows of a query", set_rows},
    {"timing", "[on|off]", "tell how long a statement took", set_timing},
    {"x", "[on|off]", "show a line for each value instead of a table", set_vertical},
    {"?", "", "show this", show_help},
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands, HELP_COLUMN = 19 };

static cflight_status show_help(struct cli_prompt *prompt, const char *argument,
                                cflight_error **reterr)
{
    struct cli_text text = CLI_TEXT_INIT;
    (void)argument;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        size_t start = text.len_bytes;
        cli_text_append_format(&text, "  \\%s %s", commands[i].name, commands[i].argument);
        size_t used = text.len_bytes - start;
        cli_text_append_repeated(&text, ' ', used < HELP_COLUMN ? HELP_COLUMN - used : 1);
        cli_text_append_format(&text, "%s\n", commands[i].help);
    }
    cli_text_append_string(
        &text, "\nStatements may take several lines and end with ';'. BEGIN, COMMIT and ROLLBACK "
               "are\ntransactions. Tab completes the names of tables. Ctrl+C stops a query, or "
               "drops\nwhat is typed. A statement that begins with a blank is not remembered.\n");
    cflight_status status = cli_run_print(prompt->run, &text, reterr);
    cli_text_done(&text);
    return status;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

cflight_status cli_prompt_command(struct cli_prompt *prompt, struct cflight_bytes line,
                                  cflight_error **reterr)
{
    struct cli_text copy = CLI_TEXT_INIT;
    char *text = NULL;
    cli_text_append(&copy, line.data + 1, line.len_bytes - 1);
    while (copy.len_bytes > 0 &&
           (is_blank(copy.data[copy.len_bytes - 1]) || copy.data[copy.len_bytes - 1] == ';')) {
        copy.len_bytes--;
    }
    cflight_status status = cli_text_take(&copy, &text, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t name_bytes = strcspn(text, " \t");
    const char *argument = text + name_bytes + strspn(text + name_bytes, " \t");
    const struct command *found = NULL;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strlen(commands[i].name) == name_bytes &&
            memcmp(commands[i].name, text, name_bytes) == 0) {
            found = &commands[i];
        }
    }
    if (found == NULL) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "there is no command '\\%.*s'; \\? shows what there is",
                                   (int)name_bytes, text);
    } else if (argument[0] != '\0' && found->argument[0] == '\0') {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "\\%s takes no argument",
                                   found->name);
    } else {
        status = found->run(prompt, argument, reterr);
    }
    free(text);
    return status;
}

void cli_prompt_match_command(struct cflight_bytes before, struct cli_matches *matches)
{
    char text[16];
    matches->replaced_bytes = before.len_bytes;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        text[0] = '\\';
        (void)memcpy(text + 1, commands[i].name, strlen(commands[i].name) + 1);
        if (strncmp(text, (const char *)before.data, before.len_bytes) == 0) {
            cli_matches_add(matches, cflight_bytes_from_text(text));
        }
    }
}
