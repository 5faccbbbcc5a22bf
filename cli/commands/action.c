/* SPDX-License-Identifier: Apache-2.0 */
/* cflight actions, cflight action and cflight ping. */
#include <inttypes.h>
#include <string.h>

#include "cli/system/clock.h"
#include "cli/commands/commands.h"
#include "cli/client/connection.h"
#include "cli/system/file_content.h"
#include "cli/system/interrupt.h"
#include "cli/system/utf8.h"

static cflight_status print_line(struct cli_output *output, struct cli_text *line,
                                 cflight_error **reterr)
{
    cli_text_append_char(line, '\n');
    cflight_status status = cli_text_status(line, reterr);
    if (status == CFLIGHT_OK && (cli_output_write_text(output, cli_text_bytes(line)) != 0 ||
                                 cli_output_flush(output) != 0)) {
        status = cli_output_error(output, reterr);
    }
    return status;
}

static cflight_status print_action_type(const struct cflight_action_type *type,
                                        struct cli_output *output, cflight_error **reterr)
{
    struct cli_text line = CLI_TEXT_INIT;
    cli_text_append_visible(&line, type->type);
    cli_text_append_char(&line, '\t');
    cli_text_append_visible(&line, type->description);
    cflight_status status = print_line(output, &line, reterr);
    cli_text_done(&line);
    return status;
}

/* Each as it comes: a list without end takes no memory. */
static cflight_status print_action_types(cflight_action_type_stream *types,
                                         struct cli_output *output, cflight_error **reterr)
{
    for (;;) {
        struct cflight_action_type *type = NULL;
        cflight_status status = cflight_action_type_stream_next(types, &type, reterr);
        if (status != CFLIGHT_OK || type == NULL) {
            return status == CFLIGHT_OK ? cli_output_close(output, reterr) : status;
        }
        status = print_action_type(type, output, reterr);
        cflight_action_type_free(type);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}

cflight_status cli_run_actions(struct cli_run *run, cflight_error **reterr)
{
    struct cli_connection connection = {0};
    struct cli_output *output = NULL;
    cflight_action_type_stream *types = NULL;

    cflight_status status = cli_connection_open(&connection, run, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_call_options options = cli_connection_call(&connection);
    status = cflight_client_list_actions(connection.client, &options, &types, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_output_open(&output, "-", cli_interrupt_flag(), reterr);
    }
    if (status == CFLIGHT_OK) {
        status = print_action_types(types, output, reterr);
        cli_run_blame_output(run, output);
    }
    cli_output_free(output);
    cflight_action_type_stream_free(types);
    cli_connection_done(&connection);
    return status;
}

static cflight_status print_results(cflight_result_stream *results, struct cli_output *output,
                                    cflight_error **reterr)
{
    for (;;) {
        struct cli_text line = CLI_TEXT_INIT;
        cflight_buffer *body = NULL;
        cflight_status status = cflight_result_stream_next(results, &body, reterr);
        if (status != CFLIGHT_OK || body == NULL) {
            return status == CFLIGHT_OK ? cli_output_close(output, reterr) : status;
        }
        struct cflight_bytes bytes = cflight_buffer_bytes(body);
        if (cli_output_is_terminal(output)) {
            cli_text_append_visible(&line, bytes);
        } else {
            cli_text_append(&line, bytes.data, bytes.len_bytes);
        }
        status = print_line(output, &line, reterr);
        cli_text_done(&line);
        cflight_buffer_unref(body);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}

/* The argument BODY, or what standard input holds. `*content` is the memory behind it. */
static cflight_status read_body(const struct cli_arguments *arguments, struct cli_text *content,
                                struct cflight_bytes *ret_body, cflight_error **reterr)
{
    const char *body = arguments->positionals[2];
    if (body == NULL || strcmp(body, "-") != 0) {
        *ret_body = cflight_bytes_from_text(body);
        return CFLIGHT_OK;
    }
    cflight_status status = cli_file_read(content, body, reterr);
    *ret_body = cli_text_bytes(content);
    return status;
}

static cflight_status run_action(struct cli_run *run, const struct cli_connection *connection,
                                 struct cflight_bytes body, cflight_error **reterr)
{
    struct cflight_action action = {cflight_bytes_from_text(run->subject), body};
    struct cflight_call_options options = cli_connection_call(connection);
    struct cli_output *output = NULL;
    cflight_result_stream *results = NULL;
    cflight_status status =
        cflight_client_do_action(connection->client, &action, &options, &results, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cli_output_open(&output, "-", cli_interrupt_flag(), reterr);
    if (status == CFLIGHT_OK) {
        status = print_results(results, output, reterr);
        cli_run_blame_output(run, output);
    }
    cli_output_free(output);
    cflight_result_stream_free(results);
    return status;
}

cflight_status cli_run_action(struct cli_run *run, cflight_error **reterr)
{
    struct cli_connection connection = {0};
    struct cli_text content = CLI_TEXT_INIT;
    struct cflight_bytes body = {0};

    run->subject = run->arguments->positionals[1];
    cflight_status status = read_body(run->arguments, &content, &body, reterr);
    if (status != CFLIGHT_OK) {
        run->exit_code = CLI_EXIT_FAILURE;
        goto done;
    }
    status = cli_connection_open(&connection, run, reterr);
    if (status == CFLIGHT_OK) {
        status = run_action(run, &connection, body, reterr);
    }

done:
    cli_connection_done(&connection);
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
    if (status == CFLIGHT_UNIMPLEMENTED) {
        status = CFLIGHT_OK;
    }
    if (status != CFLIGHT_OK && reterr != NULL) {
        *reterr = error;
        return status;
    }
    cflight_error_free(error);
    return status;
}

cflight_status cli_run_ping(struct cli_run *run, cflight_error **reterr)
{
    struct cli_connection connection = {0};
    struct cli_text text = CLI_TEXT_INIT;
    int64_t started_ns = cli_now_ns();

    cflight_status status = cli_connection_open(&connection, run, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = wait_for_answer(&connection, reterr);
    if (status == CFLIGHT_OK) {
        double elapsed_ms = (double)(cli_now_ns() - started_ns) / CLI_NS_PER_MS;
        cli_text_append_format(&text, "%s answered in %.1f ms\n", connection.uri, elapsed_ms);
        status = cli_run_print(run, &text, reterr);
    }
    cli_text_done(&text);
    cli_connection_done(&connection);
    return status;
}
