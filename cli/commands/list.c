/* SPDX-License-Identifier: Apache-2.0 */
/* cflight list: one line per flight, as they come. Names are made harmless before they are printed;
 * a tab or line end in a name is an escape, so that every line has three fields. */
#include <inttypes.h>

#include "cli/commands/commands.h"
#include "cli/system/utf8.h"

enum { NAME_WIDTH = 32, ROWS_WIDTH = 12, BYTES_WIDTH = 14 };

/* The elements of a path joined by "/", or the text of a command. */
static void append_name(struct cli_text *text, const struct cflight_descriptor *descriptor)
{
    if (descriptor->type == CFLIGHT_DESCRIPTOR_CMD) {
        cli_utf8_append_visible(text, descriptor->cmd);
    }
    for (size_t i = 0; descriptor->type == CFLIGHT_DESCRIPTOR_PATH && i < descriptor->path_count;
         i++) {
        cli_text_append_string(text, i > 0 ? "/" : "");
        cli_utf8_append_visible(text, descriptor->path[i]);
    }
}

static void append_count(struct cli_text *line, int64_t count, bool is_terminal, size_t width)
{
    struct cli_text digits = CLI_TEXT_INIT;
    if (count >= 0) {
        cli_text_append_format(&digits, "%" PRId64, count);
    }
    if (is_terminal) {
        cli_text_append_repeated(line, ' ',
                                 width > digits.len_bytes ? width - digits.len_bytes : 1);
    } else {
        cli_text_append_char(line, '\t');
    }
    cli_text_append(line, digits.data, digits.len_bytes);
    cli_text_done(&digits);
}

static cflight_status print_flight(struct cli_output *output, struct cli_text *line,
                                   const struct cflight_info *info, cflight_error **reterr)
{
    bool is_terminal = cli_output_is_terminal(output);
    append_name(line, &info->descriptor);
    if (is_terminal) {
        size_t width = cli_utf8_text_width(cli_text_bytes(line));
        cli_text_append_repeated(line, ' ', width < NAME_WIDTH ? NAME_WIDTH - width : 0);
    }
    append_count(line, info->total_records, is_terminal, ROWS_WIDTH);
    append_count(line, info->total_bytes, is_terminal, BYTES_WIDTH);
    return cli_print_line(output, line, is_terminal, reterr);
}

static cflight_status print_flights(void *what, struct cli_output *output, cflight_error **reterr)
{
    struct cli_text line = CLI_TEXT_INIT;
    cflight_status status = CFLIGHT_OK;
    if (cli_output_is_terminal(output)) {
        cli_text_append_format(&line, "%-*s%*s%*s", NAME_WIDTH, "NAME", ROWS_WIDTH, "ROWS",
                               BYTES_WIDTH, "BYTES");
        status = cli_print_line(output, &line, true, reterr);
    }
    while (status == CFLIGHT_OK) {
        struct cflight_info *info = NULL;
        status = cflight_info_stream_next(what, &info, reterr);
        if (status != CFLIGHT_OK || info == NULL) {
            break;
        }
        status = print_flight(output, &line, info, reterr);
        cflight_info_free(info);
    }
    cli_text_done(&line);
    return status;
}

cflight_status cli_run_list(struct cli_run *run, cflight_error **reterr)
{
    struct cflight_bytes criteria = cflight_bytes_from_text(run->arguments->list_pattern);
    cflight_info_stream *flights = NULL;
    cflight_status status = cli_run_connect(run, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_call_options options = cli_connection_call(&run->connection);
    status =
        cflight_client_list_flights(run->connection.client, criteria, &options, &flights, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_run_to_stdout(run, print_flights, flights, reterr);
    }
    cflight_info_stream_free(flights);
    return status;
}
