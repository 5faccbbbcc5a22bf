/* SPDX-License-Identifier: Apache-2.0 */
/* Writes rows in the format asked for. The output appears only when everything has arrived and is
 * written. */
#include "cli/commands/result.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/system/clock.h"
#include "cli/system/interrupt.h"
#include "cli/system/message.h"

cflight_status cli_result_choose(struct cli_result *ret_result, struct cli_run *run,
                                 int64_t table_rows, cflight_error **reterr)
{
    const struct cli_result_arguments *given = &run->arguments->result;
    struct cli_result result = {.run = run,
                                .path = given->path == NULL ? "-" : given->path,
                                .format = given->format,
                                .row_count_max = given->row_count};
    bool is_stdout = strcmp(result.path, "-") == 0;
    if (result.format == CLI_FORMAT_NONE && is_stdout) {
        result.format = given->path == NULL ? CLI_FORMAT_TABLE : CLI_FORMAT_ARROWS;
    } else if (result.format == CLI_FORMAT_NONE &&
               !cli_format_from_path(result.path, &result.format)) {
        run->exit_code = CLI_EXIT_USAGE;
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' ends in none of .arrow, .feather, .arrows, .csv, .jsonl, "
                                 ".ndjson; use --format",
                                 result.path);
    }
    bool is_binary = result.format == CLI_FORMAT_ARROW || result.format == CLI_FORMAT_ARROWS;
    if (is_stdout && is_binary && isatty(STDOUT_FILENO) == 1) {
        return cli_run_refuse(run, "Arrow data is not for terminals; use -o FILE, or a pipe",
                              reterr);
    }
    if (result.row_count_max == CLI_ROWS_DEFAULT) {
        result.row_count_max = result.format == CLI_FORMAT_TABLE ? table_rows : CLI_ROWS_ALL;
    }
    *ret_result = result;
    return CFLIGHT_OK;
}

cflight_status cli_result_open(struct cli_result *result, cflight_error **reterr)
{
    if (result->output != NULL) {
        return CFLIGHT_OK;
    }
    cflight_status status = cli_output_open(&result->output, result->path, reterr);
    if (status != CFLIGHT_OK) {
        result->run->exit_code = CLI_EXIT_FAILURE;
        return status;
    }
    cli_output_set_deadline(result->output, result->run->connection.deadline_ms * CLI_NS_PER_MS);
    return CFLIGHT_OK;
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        return size.ws_col;
    }
    return 0;
}

static cflight_status make_sink(const struct cli_result *result, struct cli_sink **ret_sink,
                                cflight_error **reterr)
{
    const struct cli_arguments *arguments = result->run->arguments;
    const char *no_color = getenv("NO_COLOR");
    struct cli_sink_options options = {.is_vertical = arguments->result.is_vertical,
                                       .ipc = arguments->write_options};
    if (cli_output_is_terminal(result->output)) {
        options.width = terminal_width();
        options.has_style = no_color == NULL || no_color[0] == '\0';
    }
    return cli_sink_new(ret_sink, result->format, result->output, &options, reterr);
}

void cli_result_append_note(struct cli_text *note, const struct cli_result *result,
                            const struct cli_fetch *fetch, int64_t rows_total)
{
    if (result->format != CLI_FORMAT_TABLE) {
        cli_transfer_append(note, &fetch->transfer);
    } else if (fetch->has_more && rows_total >= 0) {
        cli_text_append_format(note, "the first %" PRId64 " of %" PRId64 " rows",
                               fetch->transfer.row_count, rows_total);
    } else {
        cli_text_append_format(note, "%s%" PRId64 " %s", fetch->has_more ? "the first " : "",
                               fetch->transfer.row_count,
                               fetch->transfer.row_count == 1 ? "row" : "rows");
    }
}

static void tell_failure(const struct cli_fetch *fetch)
{
    struct cli_text note = CLI_TEXT_INIT;
    cli_transfer_append(&note, &fetch->transfer);
    cli_remark("received before the failure: %s", cli_text_terminated(&note));
    cli_text_done(&note);
}

static cflight_status transfer(struct cli_result *result, struct cli_fetch *fetch,
                               struct ArrowArrayStream *stream, int64_t rows_total,
                               cflight_error **reterr)
{
    const char *verb = cli_commands[result->run->arguments->command].name;
    fetch->rows_left = result->row_count_max;
    fetch->keeps_messages = !cli_arguments_encode_anew(result->run->arguments);
    fetch->trusts_locations = result->run->arguments->result.trusts_locations;
    cli_progress_start(&fetch->progress, verb, rows_total);
    cflight_status status = cli_fetch_read(fetch, stream, reterr);
    cli_progress_clear(&fetch->progress);
    if (status != CFLIGHT_OK && !fetch->sink_failed) {
        if (fetch->transfer.batch_count > 0 && cli_interrupt_signal() == 0) {
            tell_failure(fetch);
        }
        return status;
    }
    if (status == CFLIGHT_OK) {
        status = cli_sink_end(fetch->sink, reterr);
    }
    if (status != CFLIGHT_OK) {
        cli_run_blame_output(result->run, result->output);
    }
    return status;
}

cflight_status cli_result_write(struct cli_result *result, struct cli_fetch *fetch,
                                struct ArrowArrayStream *stream, int64_t rows_total,
                                cflight_error **reterr)
{
    cflight_status status = cli_result_open(result, reterr);
    if (status == CFLIGHT_OK && result->count++ > 0) {
        (void)cli_output_write_text(result->output, cflight_bytes_from_text("\n"));
    }
    if (status == CFLIGHT_OK) {
        status = make_sink(result, &fetch->sink, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = transfer(result, fetch, stream, rows_total, reterr);
    }
    if (status == CFLIGHT_OK && cli_output_flush(result->output) != 0) {
        status = cli_output_error(result->output, reterr);
        cli_run_blame_output(result->run, result->output);
    }
    cli_sink_free(fetch->sink);
    fetch->sink = NULL;
    stream->release(stream);
    return status;
}

cflight_status cli_result_close(struct cli_result *result, cflight_error **reterr)
{
    if (result->output == NULL) {
        return CFLIGHT_OK;
    }
    cflight_status status = cli_output_close(result->output, reterr);
    if (status != CFLIGHT_OK) {
        cli_run_blame_output(result->run, result->output);
    }
    return status;
}

void cli_result_done(struct cli_result *result)
{
    cli_output_free(result->output);
    result->output = NULL;
}
