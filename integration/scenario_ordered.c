/* SPDX-License-Identifier: Apache-2.0 */
/* ordered: endpoints whose order matters, and a flag that says so. Thread class: free. */
#include "integration/fetch.h"
#include "integration/info.h"
#include "integration/numbers.h"
#include "integration/scenario.h"

enum { ENDPOINT_COUNT = 3, ROW_COUNT = 3 };

static const char *const TICKETS[ENDPOINT_COUNT] = {"1", "2", "3"};
static const int32_t ROWS[ENDPOINT_COUNT * ROW_COUNT] = {1, 2, 3, 10, 20, 30, 100, 200, 300};

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    static const size_t MIXED[ENDPOINT_COUNT] = {0, 2, 1};
    struct cflight_endpoint endpoints[ENDPOINT_COUNT] = {0};
    bool is_ordered = itg_is_command(descriptor, "ordered");
    struct itg_numbers numbers;

    (void)user_data;
    (void)context;
    for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
        endpoints[i].ticket = cflight_bytes_from_text(TICKETS[is_ordered ? i : MIXED[i]]);
    }
    itg_numbers_init(&numbers, "number", "i", NULL, 0);
    struct cflight_info info = {.descriptor = *descriptor,
                                .endpoints = endpoints,
                                .endpoint_count = ENDPOINT_COUNT,
                                .total_records = -1,
                                .total_bytes = -1,
                                .ordered = is_ordered};
    return itg_respond_info(response, &numbers.schema, &info, reterr);
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct itg_numbers numbers;

    (void)user_data;
    (void)context;
    for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
        if (cflight_bytes_equal(ticket, cflight_bytes_from_text(TICKETS[i]))) {
            itg_numbers_init(&numbers, "number", "i", ROWS + i * ROW_COUNT, ROW_COUNT);
            return itg_numbers_write(&numbers, writer, reterr);
        }
    }
    return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "no flight has this ticket");
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    (void)reterr;
    service->handlers.get_flight_info = get_flight_info;
    service->handlers.do_get = do_get;
    return CFLIGHT_OK;
}

static cflight_status run_client(const struct itg_target *target, cflight_error **reterr)
{
    cflight_client *client = NULL;
    struct cflight_info *info = NULL;
    struct itg_values values = {.count = 0};

    cflight_status status =
        itg_client_and_info(target->location, "ordered", &client, &info, reterr);
    if (status == CFLIGHT_OK && !info->ordered) {
        status = cflight_error_set_message(reterr, ITG_MISMATCH, "the info is not ordered");
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < info->endpoint_count; i++) {
        status = itg_fetch_numbers(client, &info->endpoints[i], "number", "i", &values, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_values_check(&values, ROWS, sizeof ROWS / sizeof ROWS[0], reterr);
    }
    cflight_info_free(info);
    cflight_client_free(client);
    return status;
}

const struct itg_scenario itg_ordered = {"ordered", make_service, run_client};
