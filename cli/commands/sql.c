/* SPDX-License-Identifier: Apache-2.0 */
/* cflight sql and cflight tables: commands of Flight SQL, whose rows go the way of get. */
#include <inttypes.h>
#include <string.h>

#include "cflight/sql_client.h"
#include "cli/commands/commands.h"
#include "cli/system/input.h"

static cflight_status ask(struct cli_run *run, const struct cflight_sql_message *command,
                          struct cflight_info **ret_info, cflight_error **reterr)
{
    struct cflight_call_options call_options = cli_connection_call(&run->connection);
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    options.call_options = &call_options;
    return cflight_sql_get_info(run->connection.client, command, &options, ret_info, reterr);
}

/* The statement, from standard input if it is there. */
static cflight_status read_statement(struct cli_run *run, struct cli_text *content,
                                     struct cflight_bytes *ret_statement, cflight_error **reterr)
{
    const char *given = run->arguments->sql.statement;
    *ret_statement = cflight_bytes_from_text(given);
    if (strcmp(given, "-") != 0) {
        return CFLIGHT_OK;
    }
    cflight_status status = cli_read_all_stdin(content, reterr);
    run->exit_code = status == CFLIGHT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILURE;
    *ret_statement = cli_text_bytes(content);
    return status;
}

static cflight_status look_up_query(struct cli_run *run, struct cflight_info **ret_info,
                                    cflight_error **reterr)
{
    struct cli_text content = CLI_TEXT_INIT;
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_STATEMENT_QUERY};
    cflight_status status = read_statement(run, &content, &command.statement.query, reterr);
    if (status == CFLIGHT_OK) {
        status = ask(run, &command, ret_info, reterr);
    }
    cli_text_done(&content);
    return status;
}

static cflight_status look_up_tables(struct cli_run *run, struct cflight_info **ret_info,
                                     cflight_error **reterr)
{
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_TABLES};
    command.tables.table_pattern = cflight_bytes_from_text(run->arguments->sql.pattern);
    return ask(run, &command, ret_info, reterr);
}

static cflight_status print_count(struct cli_run *run, int64_t row_count, cflight_error **reterr)
{
    struct cli_text text = CLI_TEXT_INIT;
    cflight_status status = CFLIGHT_OK;
    if (row_count >= 0) {
        cli_text_append_format(&text, "%" PRId64 "\n", row_count);
        status = cli_run_print(run, &text, reterr);
    }
    cli_text_done(&text);
    return status;
}

static cflight_status update(struct cli_run *run, cflight_error **reterr)
{
    struct cli_text content = CLI_TEXT_INIT;
    struct cflight_bytes statement = {NULL, 0};
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    int64_t row_count = -1;
    cflight_status status = read_statement(run, &content, &statement, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_run_connect(run, reterr);
    }
    if (status == CFLIGHT_OK) {
        struct cflight_call_options call_options = cli_connection_call(&run->connection);
        options.call_options = &call_options;
        status =
            cflight_sql_update(run->connection.client, statement, &options, &row_count, reterr);
    }
    cli_text_done(&content);
    return status == CFLIGHT_OK ? print_count(run, row_count, reterr) : status;
}

cflight_status cli_run_sql(struct cli_run *run, cflight_error **reterr)
{
    const struct cli_get_arguments *output = &run->arguments->get;
    if (!run->arguments->sql.is_update) {
        return cli_run_fetch(run, look_up_query, reterr);
    }
    if (output->path != NULL || output->format != CLI_FORMAT_NONE) {
        return cli_run_refuse(run,
                              "an update has no rows to write: --update stands without -o "
                              "and --format",
                              reterr);
    }
    return update(run, reterr);
}

cflight_status cli_run_tables(struct cli_run *run, cflight_error **reterr)
{
    return cli_run_fetch(run, look_up_tables, reterr);
}
