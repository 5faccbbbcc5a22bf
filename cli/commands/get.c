/* SPDX-License-Identifier: Apache-2.0 */
/* cflight get: looks a flight up, fetches it and writes it in the format asked for. */
#include <stdlib.h>

#include "cli/client/flight_name.h"
#include "cli/commands/result.h"
#include "cli/system/message.h"

enum { TABLE_ROWS = 10 };

static cflight_status look_up(struct cli_run *run, struct cflight_info **ret_info,
                              cflight_error **reterr)
{
    struct cflight_descriptor descriptor;
    struct cflight_bytes *elements = NULL;
    struct cflight_call_options options = cli_connection_call(&run->connection);
    cflight_status status =
        cli_flight_descriptor(&run->arguments->flight, &descriptor, &elements, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_get_flight_info(run->connection.client, &descriptor, &options,
                                                ret_info, reterr);
    }
    free(elements);
    return status;
}

static void tell(const struct cli_result *result, const struct cli_fetch *fetch, int64_t rows_total)
{
    struct cli_text note = CLI_TEXT_INIT;
    cli_result_append_note(&note, result, fetch, rows_total);
    cli_remark("%s", cli_text_terminated(&note));
    cli_text_done(&note);
}

/* Fetches the endpoints of an info, or a ticket where there is none. */
static cflight_status fetch_all(struct cli_result *result, const struct cflight_info *info,
                                cflight_error **reterr)
{
    struct cli_run *run = result->run;
    struct cflight_endpoint endpoint = {.ticket =
                                            cflight_bytes_from_text(run->arguments->get_ticket)};
    struct cflight_info of_ticket = {
        .endpoints = &endpoint, .endpoint_count = 1, .total_records = -1, .total_bytes = -1};
    struct cli_fetch fetch = {.trusts_locations = run->arguments->result.trusts_locations};
    struct ArrowArrayStream stream;
    int64_t rows_total = info == NULL ? -1 : info->total_records;

    cflight_status status = cli_result_open(result, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cli_fetch_init(&fetch, &run->connection);
    status = cflight_fetch(run->connection.client, info == NULL ? &of_ticket : info, &fetch.options,
                           &stream, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_result_write(result, &fetch, &stream, rows_total, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_result_close(result, reterr);
    }
    if (status == CFLIGHT_OK) {
        tell(result, &fetch, rows_total);
    }
    return status;
}

cflight_status cli_run_get(struct cli_run *run, cflight_error **reterr)
{
    struct cflight_info *info = NULL;
    struct cli_result result = {0};

    if ((run->arguments->flight.name == NULL) == (run->arguments->get_ticket == NULL)) {
        return cli_run_refuse(run, "get takes either NAME or --ticket", reterr);
    }
    cflight_status status = cli_result_choose(&result, run, TABLE_ROWS, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_run_connect(run, reterr);
    }
    if (status == CFLIGHT_OK && run->arguments->flight.name != NULL) {
        run->subject = run->arguments->flight.name;
        status = look_up(run, &info, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = fetch_all(&result, info, reterr);
    }
    cli_result_done(&result);
    cflight_info_free(info);
    return status;
}
