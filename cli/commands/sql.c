/* SPDX-License-Identifier: Apache-2.0 */
/* cflight sql: runs the statements that it is given, one after the other, until one fails. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands/prompt.h"
#include "cli/commands/sql_statement.h"
#include "cli/system/input.h"
#include "cli/system/os_error.h"

/* Goes through a script before anything of it is run. */
static cflight_status check_script(struct cli_run *run, struct cli_script script,
                                   cflight_error **reterr)
{
    struct cli_statement statement;
    cflight_status status = CFLIGHT_OK;
    size_t count = 0;
    do {
        status = cli_script_next(&script, &statement, reterr);
        if (status == CFLIGHT_OK && run->arguments->sql.is_transaction &&
            cli_statement_control(&statement) != CLI_CONTROL_NONE) {
            status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                       "the statement in line %zu begins or ends a transaction, "
                                       "which --transaction does",
                                       statement.line);
        }
        count++;
    } while (status == CFLIGHT_OK && statement.text.len_bytes > 0);
    if (status != CFLIGHT_OK) {
        run->exit_code = CLI_EXIT_USAGE;
    }
    return status == CFLIGHT_OK && count == 1 ? cli_run_refuse(run, "there is no statement", reterr)
                                              : status;
}

static cflight_status run_script(struct cli_sql *sql, struct cli_result *result,
                                 struct cli_script script, cflight_error **reterr)
{
    struct cli_run *run = sql->run;
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
        status = cli_sql_run(sql, result, &statement, reterr);
    }
    return status;
}

/* Runs all of it, in one transaction if that is wanted. What failed is rolled back. */
static cflight_status run_all(struct cli_run *run, struct cli_result *result,
                              struct cli_script script, cflight_error **reterr)
{
    struct cli_sql sql = {.run = run};
    cflight_status status = CFLIGHT_OK;
    if (run->arguments->sql.is_transaction) {
        status = cli_sql_begin(&sql, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = run_script(&sql, result, script, reterr);
    }
    if (status == CFLIGHT_OK && sql.transaction != NULL && run->arguments->sql.is_transaction) {
        status = cli_sql_commit(&sql, reterr);
    }
    cli_sql_done(&sql);
    return status;
}

static cflight_status check_arguments(struct cli_run *run, bool is_prompt, cflight_error **reterr)
{
    const struct cli_result_arguments *given = &run->arguments->result;
    if (run->arguments->sql.is_update &&
        (given->path != NULL || given->format != CLI_FORMAT_NONE)) {
        return cli_run_refuse(run, "--update has no rows for --output and --format", reterr);
    }
    if (run->arguments->sql.is_transaction && is_prompt) {
        return cli_run_refuse(run, "--transaction is for scripts; BEGIN begins one here", reterr);
    }
    return CFLIGHT_OK;
}

cflight_status cli_run_sql(struct cli_run *run, cflight_error **reterr)
{
    const char *argument = run->arguments->sql.statement;
    struct cli_text content = CLI_TEXT_INIT;
    struct cli_result result = {0};
    bool is_script = argument == NULL || strcmp(argument, "-") == 0;
    struct cli_script script = {.text = cflight_bytes_from_text(argument), .is_single = !is_script};

    bool is_prompt = argument == NULL && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;

    cflight_status status = check_arguments(run, is_prompt, reterr);
    if (status == CFLIGHT_OK && is_prompt) {
        return cli_prompt_run(run, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_result_choose(&result, run, CLI_SQL_TABLE_ROWS, reterr);
    }
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
        status = run_all(run, &result, script, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_result_close(&result, reterr);
    }
    cli_result_done(&result);
    cli_text_done(&content);
    return status;
}
