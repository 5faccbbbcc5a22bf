/* SPDX-License-Identifier: Apache-2.0 */
/* cflight actions, cflight action and cflight ping. */
#include <string.h>

#include "cli/commands/commands.h"
#include "cli/system/clock.h"
#include "cli/system/input.h"
#include "cli/system/os_error.h"
#include "cli/system/utf8.h"

/* Each as it comes: a list without end takes no memory. */
static cflight_status print_action_types(void *what, struct cli_output *output,
                                         cflight_error **reterr)
{
    struct cli_text line = CLI_TEXT_INIT;
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK) {
        struct cflight_action_type *type = NULL;
        status = cflight_action_type_stream_next(what, &type, reterr);
        if (status != CFLIGHT_OK || type == NULL) {
            break;
        }
        cli_utf8_append_visible(&line, type->type);
        cli_text_append_char(&line, '\t');
        cli_utf8_append_visible(&line, type->description);
        status = cli_print_line(output, &line, true, reterr);
        cflight_action_type_free(type);
    }
    cli_text_done(&line);
    return status;
}

cflight_status cli_run_actions(struct cli_run *run, cflight_error **reterr)
{
    cflight_action_type_stream *types = NULL;
    cflight_status status = cli_run_connect(run, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_call_options options = cli_connection_call(&run->connection);
    status = cflight_client_list_actions(run->connection.client, &options, &types, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_run_to_stdout(run, print_action_types, types, reterr);
    }
    cflight_action_type_stream_free(types);
    return status;
}

static cflight_status print_results(void *what, struct cli_output *output, cflight_error **reterr)
{
    struct cli_text line = CLI_TEXT_INIT;
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK) {
        cflight_buffer *body = NULL;
        status = cflight_result_stream_next(what, &body, reterr);
        if (status != CFLIGHT_OK || body == NULL) {
            break;
        }
        struct cflight_bytes bytes = cflight_buffer_bytes(body);
        if (cli_output_is_terminal(output)) {
            cli_utf8_append_visible(&line, bytes);
        } else {
            cli_text_append(&line, bytes.data, bytes.len_bytes);
        }
        status = cli_print_line(output, &line, true, reterr);
        cflight_buffer_unref(body);
    }
    cli_text_done(&line);
    return status;
}

static cflight_status run_action(struct cli_run *run, struct cflight_bytes body,
                                 cflight_error **reterr)
{
    struct cflight_action action = {cflight_bytes_from_text(run->subject), body};
    struct cflight_call_options options = cli_connection_call(&run->connection);
    cflight_result_stream *results = NULL;
    cflight_status status =
        cflight_client_do_action(run->connection.client, &action, &options, &results, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_run_to_stdout(run, print_results, results, reterr);
    }
    cflight_result_stream_free(results);
    return status;
}

cflight_status cli_run_action(struct cli_run *run, cflight_error **reterr)
{
    const struct cli_action_arguments *given = &run->arguments->action;
    struct cli_text content = CLI_TEXT_INIT;
    struct cflight_bytes body = cflight_bytes_from_text(given->body);
    cflight_status status = CFLIGHT_OK;

    run->subject = given->type;
    if (given->body != NULL && strcmp(given->body, "-") == 0) {
        status = cli_read_all_stdin(&content, reterr);
        run->exit_code = status == CFLIGHT_OK ? CLI_EXIT_OK : CLI_EXIT_FAILURE;
        body = cli_text_bytes(&content);
    }
    if (status == CFLIGHT_OK) {
        status = cli_run_connect(run, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = run_action(run, body, reterr);
    }
    cli_text_done(&content);
    return status;
}

/* Waits for the first item of the list of actions, or for its end. A server without actions has
 * answered too. */
static cflight_status wait_for_answer(const struct cli_connection *connection,
                                      cflight_error **reterr)
{
    struct cflight_call_options options = cli_connection_call(connection);
    struct cflight_action_type *type = NULL;
    cflight_action_type_stream *types = NULL;
    cflight_error *error = NULL;
    cflight_status status =
        cflight_client_list_actions(connection->client, &options, &types, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_action_type_stream_next(types, &type, &error);
        cflight_action_type_stream_free(types);
    }
    cflight_action_type_free(type);
    if (status != CFLIGHT_UNIMPLEMENTED) {
        return cli_error_give(error, reterr);
    }
    cflight_error_free(error);
    return CFLIGHT_OK;
}

cflight_status cli_run_ping(struct cli_run *run, cflight_error **reterr)
{
    struct cli_text text = CLI_TEXT_INIT;
    int64_t started_ns = cli_now_ns();

    cflight_status status = cli_run_connect(run, reterr);
    if (status == CFLIGHT_OK) {
        status = wait_for_answer(&run->connection, reterr);
    }
    if (status == CFLIGHT_OK) {
        double elapsed_ms = (double)(cli_now_ns() - started_ns) / CLI_NS_PER_MS;
        cli_text_append_format(&text, "%s answered in %.1f ms\n", run->connection.uri, elapsed_ms);
        status = cli_run_print(run, &text, reterr);
    }
    cli_text_done(&text);
    return status;
}
