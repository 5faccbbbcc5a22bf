/* SPDX-License-Identifier: Apache-2.0 */
/* cflight sql: runs statements, one after the other, until one fails.
 *
 * Flight SQL has one call for statements that give rows and another for those that change
 * something, and some servers run what came by the wrong one all the same. So a statement whose
 * first word does not ask for rows is prepared, which runs nothing, and what the server says of it
 * decides; where it says nothing, the first word does. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cflight/sql_client.h"
#include "cli/client/statements.h"
#include "cli/commands/result.h"
#include "cli/system/clock.h"
#include "cli/system/input.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

enum { TABLE_ROWS = 100 };

/* A statement that is run. */
struct task {
    struct cli_result *result;
    struct cflight_bytes text;
    cflight_sql_statement *prepared; /* NULL: it is sent as text */
    int64_t started_ns;
    struct cli_fetch fetch;
    struct cflight_sql_options options;
};

static struct cli_run *run_of(const struct task *task)
{
    return task->result->run;
}

/* Options for the next call, whose time limit is what is left. */
static const struct cflight_sql_options *call(struct task *task)
{
    cli_fetch_init(&task->fetch, &run_of(task)->connection);
    task->options = (struct cflight_sql_options)CFLIGHT_SQL_OPTIONS_INIT;
    task->options.call_options = &task->fetch.call_options;
    task->options.fetch_options = &task->fetch.options;
    return &task->options;
}

/* "3 rows in 12.345 ms". */
static void tell(const struct task *task, struct cli_text *note)
{
    if (run_of(task)->arguments->sql.shows_time) {
        cli_text_append_format(note, " in %.3f ms",
                               (double)(cli_now_ns() - task->started_ns) / CLI_NS_PER_MS);
    }
    cli_remark("%s", cli_text_terminated(note));
}

static cflight_status run_query(struct task *task, cflight_error **reterr)
{
    struct cli_text note = CLI_TEXT_INIT;
    struct ArrowArrayStream rows;
    struct cli_result *result = task->result;
    cflight_client *client = run_of(task)->connection.client;
    if (result->format != CLI_FORMAT_TABLE && result->count > 0) {
        return cli_run_refuse(run_of(task),
                              "a second result has no place here: only tables follow each other",
                              reterr);
    }
    cflight_status status = cli_result_open(result, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = task->prepared == NULL
                 ? cflight_sql_query(client, task->text, call(task), &rows, reterr)
                 : cflight_sql_statement_query(task->prepared, call(task), &rows, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_result_write(result, &task->fetch, &rows, -1, reterr);
    }
    if (status == CFLIGHT_OK) {
        cli_result_append_note(&note, result, &task->fetch, -1);
        tell(task, &note);
    }
    cli_text_done(&note);
    return status;
}

static cflight_status run_update(struct task *task, cflight_error **reterr)
{
    struct cli_text note = CLI_TEXT_INIT;
    int64_t row_count = -1;
    cflight_client *client = run_of(task)->connection.client;
    cflight_status status =
        task->prepared == NULL
            ? cflight_sql_update(client, task->text, call(task), &row_count, reterr)
            : cflight_sql_statement_update(task->prepared, NULL, call(task), &row_count, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (row_count >= 0) {
        cli_text_append_format(&note, "%" PRId64 " %s affected", row_count,
                               row_count == 1 ? "row" : "rows");
    } else {
        cli_text_append_string(&note, "done");
    }
    const struct cli_sql_arguments *given = &run_of(task)->arguments->sql;
    if (!given->is_update || given->shows_time) {
        tell(task, &note);
    }
    cli_text_clear(&note);
    if (given->is_update && row_count >= 0) {
        cli_text_append_format(&note, "%" PRId64 "\n", row_count);
        status = cli_run_print(run_of(task), &note, reterr);
    }
    cli_text_done(&note);
    return status;
}

/* Asks the server what a statement gives. One that prepares nothing cannot tell. */
static cflight_status ask(struct task *task, enum cli_statement_kind *kind, cflight_error **reterr)
{
    cflight_error *error = NULL;
    cflight_status status = cflight_sql_prepare(run_of(task)->connection.client, task->text,
                                                call(task), &task->prepared, &error);
    if (status == CFLIGHT_UNIMPLEMENTED) {
        cflight_error_free(error);
        return CFLIGHT_OK;
    }
    if (status != CFLIGHT_OK) {
        return cli_error_give(error, reterr);
    }
    const struct ArrowSchema *schema = cflight_sql_statement_schema(task->prepared);
    enum cflight_sql_update is_update = cflight_sql_statement_is_update(task->prepared);
    if (is_update != CFLIGHT_SQL_UPDATE_UNKNOWN) {
        *kind = is_update == CFLIGHT_SQL_UPDATE_YES ? CLI_STATEMENT_UPDATE : CLI_STATEMENT_ROWS;
    } else if (schema != NULL) {
        *kind = schema->n_children == 0 ? CLI_STATEMENT_UPDATE : CLI_STATEMENT_ROWS;
    }
    return CFLIGHT_OK;
}

/* Tells what the database says beyond the text. */
static void tell_state(const cflight_error *error)
{
    struct cflight_sql_error_state state;
    struct cli_text note = CLI_TEXT_INIT;
    if (error == NULL || !cflight_sql_error_get_state(error, &state)) {
        return;
    }
    if (state.sqlstate[0] != '\0') {
        cli_text_append_format(&note, "SQLSTATE %s", state.sqlstate);
    }
    if (state.position > 0) {
        cli_text_append_format(&note, "%sat character %" PRId32, note.len_bytes > 0 ? ", " : "",
                               state.position);
    }
    if (state.hint.len_bytes > 0) {
        cli_text_append_string(&note, note.len_bytes > 0 ? "; hint: " : "hint: ");
        cli_text_append(&note, state.hint.data, state.hint.len_bytes);
    }
    if (note.len_bytes > 0) {
        cli_message("%s", cli_text_terminated(&note));
    }
    cli_text_done(&note);
}

static cflight_status run_statement(struct cli_result *result,
                                    const struct cli_statement *statement, cflight_error **reterr)
{
    struct task task = {.result = result, .text = statement->text, .started_ns = cli_now_ns()};
    enum cli_statement_kind kind = cli_statement_kind(statement);
    bool is_update = result->run->arguments->sql.is_update;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (is_update) {
        kind = CLI_STATEMENT_UPDATE;
    } else if (kind != CLI_STATEMENT_ROWS) {
        status = ask(&task, &kind, &error);
    }
    if (status == CFLIGHT_OK) {
        status =
            kind == CLI_STATEMENT_UPDATE ? run_update(&task, &error) : run_query(&task, &error);
    }
    cflight_sql_statement_free(task.prepared);
    if (status != CFLIGHT_OK) {
        tell_state(error);
        (void)cli_error_give(error, reterr);
    }
    return status;
}

/* Goes through a script before anything of it is run. */
static cflight_status check_script(struct cli_run *run, struct cli_script script,
                                   cflight_error **reterr)
{
    struct cli_statement statement;
    cflight_status status = CFLIGHT_OK;
    size_t count = 0;
    do {
        status = cli_script_next(&script, &statement, reterr);
        count++;
    } while (status == CFLIGHT_OK && statement.text.len_bytes > 0);
    if (status != CFLIGHT_OK) {
        run->exit_code = CLI_EXIT_USAGE;
    }
    return status == CFLIGHT_OK && count == 1 ? cli_run_refuse(run, "there is no statement", reterr)
                                              : status;
}

static cflight_status run_script(struct cli_result *result, struct cli_script script,
                                 cflight_error **reterr)
{
    struct cli_run *run = result->run;
    struct cli_statement statement;
    cflight_status status = CFLIGHT_OK;
    for (size_t number = 1; status == CFLIGHT_OK; number++) {
        status = cli_script_next(&script, &statement, reterr);
        if (status != CFLIGHT_OK || statement.text.len_bytes == 0) {
            break;
        }
        (void)snprintf(run->subject_text, sizeof run->subject_text, "statement %zu (line %zu)",
                       number, statement.line);
        run->subject = script.is_single ? run->subject : run->subject_text;
        status = run_statement(result, &statement, reterr);
    }
    return status;
}

cflight_status cli_run_sql(struct cli_run *run, cflight_error **reterr)
{
    const char *argument = run->arguments->sql.statement;
    struct cli_text content = CLI_TEXT_INIT;
    struct cli_result result = {0};
    bool is_script = argument == NULL || strcmp(argument, "-") == 0;
    struct cli_script script = {.text = cflight_bytes_from_text(argument), .is_single = !is_script};

    const struct cli_result_arguments *given = &run->arguments->result;
    if (run->arguments->sql.is_update &&
        (given->path != NULL || given->format != CLI_FORMAT_NONE)) {
        return cli_run_refuse(run, "--update has no rows for --output and --format", reterr);
    }
    cflight_status status = cli_result_choose(&result, run, TABLE_ROWS, reterr);
    if (status == CFLIGHT_OK && is_script) {
        status = cli_read_all_stdin(&content, reterr);
        run->exit_code = status == CFLIGHT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILURE;
        script.text = cli_text_bytes(&content);
    }
    if (status == CFLIGHT_OK) {
        status = check_script(run, script, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_run_connect(run, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = run_script(&result, script, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_result_close(&result, reterr);
    }
    cli_result_done(&result);
    cli_text_done(&content);
    return status;
}
