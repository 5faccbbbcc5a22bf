/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands share: connecting, printing, and the exit code of a failed output. */
#include <errno.h>
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/system/message.h"

static cflight_status prepare(struct cli_run *run, cflight_error **reterr)
{
    struct cli_connection *connection = &run->connection;
    connection->given = &run->arguments->client;
    connection->tls = &run->arguments->tls;
    connection->read_options = &run->arguments->read_options;
    connection->cancel = run->cancel;
    cflight_status status = cli_connection_open(connection, cli_connection_give_token, reterr);
    return status == CFLIGHT_OK ? cli_connection_find_secret(connection, reterr) : status;
}

cflight_status cli_run_connect(struct cli_run *run, cflight_error **reterr)
{
    cflight_status status = prepare(run, reterr);
    if (status == CFLIGHT_OK) {
        return cli_connection_log_in(&run->connection, reterr);
    }
    run->exit_code = status == CFLIGHT_INVALID_ARGUMENT ? CLI_EXIT_USAGE : CLI_EXIT_FAILURE;
    if (run->connection.uri == NULL && strchr(run->arguments->client.uri, '@') != NULL) {
        run->subject = "URI"; /* it may hold a password, and is shown otherwise */
    }
    return status;
}

cflight_status cli_run_refuse(struct cli_run *run, const char *message, cflight_error **reterr)
{
    run->exit_code = CLI_EXIT_USAGE;
    return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, message);
}

void cli_run_tell_doubt(const cflight_error *error)
{
    cflight_status status = cflight_error_status(error);
    bool has_no_answer = status == CFLIGHT_UNAVAILABLE || status == CFLIGHT_DEADLINE_EXCEEDED ||
                         status == CFLIGHT_CANCELLED;
    if (has_no_answer && cflight_error_retry(error) != CFLIGHT_RETRY_SAFE) {
        cli_message("there was no answer: the server may have done it all the same");
    }
}

void cli_run_blame_output(struct cli_run *run, const struct cli_output *output)
{
    int os_code = cli_output_os_code(output);
    if (os_code == EPIPE) {
        run->exit_code = CLI_EXIT_CLOSED_PIPE;
    } else if (os_code != 0 && os_code != EINTR && os_code != ETIMEDOUT) {
        run->exit_code = CLI_EXIT_FAILURE;
    }
}

cflight_status cli_run_to_stdout(struct cli_run *run, cli_print_fn print, void *what,
                                 cflight_error **reterr)
{
    struct cli_output *output = NULL;
    cflight_status status = cli_output_open(&output, "-", reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = print(what, output, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_output_close(output, reterr);
    }
    cli_run_blame_output(run, output);
    cli_output_free(output);
    return status;
}

static cflight_status print_text(void *what, struct cli_output *output, cflight_error **reterr)
{
    const struct cli_text *text = what;
    cflight_status status = cli_text_status(text, reterr);
    if (status == CFLIGHT_OK) {
        (void)cli_output_write_text(output, cli_text_bytes(text));
    }
    return status;
}

cflight_status cli_run_print(struct cli_run *run, struct cli_text *text, cflight_error **reterr)
{
    return cli_run_to_stdout(run, print_text, text, reterr);
}

cflight_status cli_print_line(struct cli_output *output, struct cli_text *line, bool is_urgent,
                              cflight_error **reterr)
{
    cli_text_append_char(line, '\n');
    cflight_status status = cli_text_status(line, reterr);
    if (status == CFLIGHT_OK && (cli_output_write_text(output, cli_text_bytes(line)) != 0 ||
                                 (is_urgent && cli_output_flush(output) != 0))) {
        status = cli_output_error(output, reterr);
    }
    cli_text_clear(line);
    return status;
}
