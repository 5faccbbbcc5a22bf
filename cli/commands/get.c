/* SPDX-License-Identifier: Apache-2.0 */
/* cflight get, and what others fetch: looks a flight up, fetches it and writes it in the format
 * asked for. The output appears only when everything has arrived and is written. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/client/fetch.h"
#include "cli/client/flight_name.h"
#include "cli/commands/commands.h"
#include "cli/system/clock.h"
#include "cli/system/interrupt.h"
#include "cli/system/message.h"

enum { TABLE_ROWS = 10 };

/* What is asked for, once it is known to make sense. */
struct target {
    const char *path;
    enum cli_format format;
};

static cflight_status choose_target(struct cli_run *run, struct target *ret_target,
                                    cflight_error **reterr)
{
    const struct cli_get_arguments *given = &run->arguments->get;
    struct target target = {given->path == NULL ? "-" : given->path, given->format};
    bool is_stdout = strcmp(target.path, "-") == 0;
    if (target.format == CLI_FORMAT_NONE && is_stdout) {
        target.format = given->path == NULL ? CLI_FORMAT_TABLE : CLI_FORMAT_ARROWS;
    } else if (target.format == CLI_FORMAT_NONE &&
               !cli_format_from_path(target.path, &target.format)) {
        run->exit_code = CLI_EXIT_USAGE;
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' ends in none of .arrow, .feather, .arrows, .csv, .jsonl, "
                                 ".ndjson; use --format",
                                 target.path);
    }
    bool is_binary = target.format == CLI_FORMAT_ARROW || target.format == CLI_FORMAT_ARROWS;
    if (is_stdout && is_binary && isatty(STDOUT_FILENO) == 1) {
        return cli_run_refuse(run, "Arrow data is not for terminals; use -o FILE, or a pipe",
                              reterr);
    }
    *ret_target = target;
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

static cflight_status look_up(struct cli_run *run, struct cflight_info **ret_info,
                              cflight_error **reterr)
{
    struct cflight_descriptor descriptor;
    struct cflight_bytes *elements = NULL;
    struct cflight_call_options options = cli_connection_call(&run->connection);
    run->subject = run->arguments->flight.name;
    cflight_status status =
        cli_flight_descriptor(&run->arguments->flight, &descriptor, &elements, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_get_flight_info(run->connection.client, &descriptor, &options,
                                                ret_info, reterr);
    }
    free(elements);
    return status;
}

static cflight_status fetch_all(struct cli_fetch *fetch, const struct cflight_info *info,
                                const char *ticket, cflight_error **reterr)
{
    struct cflight_endpoint endpoint = {.ticket = cflight_bytes_from_text(ticket)};
    struct cflight_info of_ticket = {
        .endpoints = &endpoint, .endpoint_count = 1, .total_records = -1, .total_bytes = -1};
    return cli_fetch_all(fetch, info == NULL ? &of_ticket : info, reterr);
}

/* Tells on standard error what was fetched. */
static void tell_success(const struct cli_fetch *fetch, const struct target *target,
                         const struct cflight_info *info)
{
    struct cli_text note = CLI_TEXT_INIT;
    if (target->format != CLI_FORMAT_TABLE) {
        cli_transfer_append(&note, &fetch->transfer);
    } else if (fetch->has_more && info != NULL && info->total_records >= 0) {
        cli_text_append_format(&note, "the first %" PRId64 " of %" PRId64 " rows",
                               fetch->transfer.row_count, info->total_records);
    } else {
        cli_text_append_format(&note, "%s%" PRId64 " %s", fetch->has_more ? "the first " : "",
                               fetch->transfer.row_count,
                               fetch->transfer.row_count == 1 ? "row" : "rows");
    }
    cli_remark("%s", cli_text_terminated(&note));
    cli_text_done(&note);
}

static void tell_failure(const struct cli_fetch *fetch)
{
    struct cli_text note = CLI_TEXT_INIT;
    cli_transfer_append(&note, &fetch->transfer);
    cli_remark("received before the failure: %s", cli_text_terminated(&note));
    cli_text_done(&note);
}

static cflight_status transfer(struct cli_run *run, struct cli_fetch *fetch,
                               const struct target *target, const struct cflight_info *info,
                               struct cli_output *output, cflight_error **reterr)
{
    cli_progress_start(&fetch->progress, "get", info == NULL ? -1 : info->total_records);
    cflight_status status = fetch_all(fetch, info, run->arguments->get.ticket, reterr);
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
    if (status == CFLIGHT_OK) {
        status = cli_output_close(output, reterr);
    }
    if (status != CFLIGHT_OK) {
        cli_run_blame_output(run, output);
    } else {
        tell_success(fetch, target, info);
    }
    return status;
}

static cflight_status write_target(struct cli_run *run, const struct target *target,
                                   const struct cflight_info *info, cflight_error **reterr)
{
    const struct cli_get_arguments *given = &run->arguments->get;
    struct cli_output *output = NULL;
    struct cli_fetch fetch = {.connection = &run->connection,
                              .trusts_locations = given->trusts_locations,
                              .rows_left = given->row_count};
    const char *no_color = getenv("NO_COLOR");
    struct cli_sink_options options = {.is_vertical = given->is_vertical,
                                       .ipc = run->arguments->write_options};
    cflight_status status = cli_output_open(&output, target->path, reterr);
    if (status != CFLIGHT_OK) {
        run->exit_code = CLI_EXIT_FAILURE;
        return status;
    }
    if (cli_output_is_terminal(output)) {
        options.width = terminal_width();
        options.has_style = no_color == NULL || no_color[0] == '\0';
    }
    cli_output_set_deadline(output, run->connection.deadline_ms * CLI_NS_PER_MS);
    if (fetch.rows_left == CLI_ROWS_DEFAULT) {
        bool is_short =
            target->format == CLI_FORMAT_TABLE && run->arguments->command != CLI_COMMAND_TABLES;
        fetch.rows_left = is_short ? TABLE_ROWS : CLI_ROWS_ALL;
    }
    status = cli_sink_new(&fetch.sink, target->format, output, &options, reterr);
    if (status == CFLIGHT_OK) {
        status = transfer(run, &fetch, target, info, output, reterr);
    }
    cli_sink_free(fetch.sink);
    cli_output_free(output);
    return status;
}

cflight_status cli_run_fetch(struct cli_run *run, cli_look_up_fn look_up_fn, cflight_error **reterr)
{
    struct cflight_info *info = NULL;
    struct target target = {0};

    cflight_status status = choose_target(run, &target, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_run_connect(run, reterr);
    }
    if (status == CFLIGHT_OK && look_up_fn != NULL) {
        status = look_up_fn(run, &info, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = write_target(run, &target, info, reterr);
    }
    cflight_info_free(info);
    return status;
}

cflight_status cli_run_get(struct cli_run *run, cflight_error **reterr)
{
    bool has_name = run->arguments->flight.name != NULL;
    if (has_name == (run->arguments->get.ticket != NULL)) {
        return cli_run_refuse(run, "get takes either NAME or --ticket", reterr);
    }
    return cli_run_fetch(run, has_name ? look_up : NULL, reterr);
}
