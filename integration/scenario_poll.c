/* SPDX-License-Identifier: Apache-2.0 */
/* poll_flight_info: a query that is ready at the second time of asking. Thread class: free. */
#include <math.h>

#include "integration/info.h"
#include "integration/numbers.h"
#include "integration/scenario.h"

enum { EXPIRES_AFTER_S = 10 };

static cflight_status respond(cflight_response *response, const struct cflight_info *info,
                              bool is_finished, cflight_error **reterr)
{
    struct cflight_descriptor next = itg_command("poll");
    struct cflight_poll_info poll_info = {.info = info, .has_progress = true, .progress = 1.0};

    if (!is_finished) {
        poll_info.descriptor = &next;
        poll_info.progress = 0.1;
        poll_info.expiration_time = itg_time_from_now(EXPIRES_AFTER_S);
    }
    return cflight_response_poll_info(response, &poll_info, reterr);
}

static cflight_status poll_flight_info(void *user_data, cflight_server_context *context,
                                       const struct cflight_descriptor *descriptor,
                                       cflight_response *response, cflight_error **reterr)
{
    struct cflight_endpoint endpoint = {.ticket = cflight_bytes_from_text("long-running query")};
    struct itg_numbers numbers;
    cflight_buffer *schema = NULL;

    (void)user_data;
    (void)context;
    itg_numbers_init(&numbers, "number", "I", NULL, 0);
    cflight_status status = cflight_ipc_schema_serialize(&numbers.schema, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_info info = {.schema = cflight_buffer_bytes(schema),
                                .descriptor = *descriptor,
                                .endpoints = &endpoint,
                                .endpoint_count = 1,
                                .total_records = -1,
                                .total_bytes = -1};
    status = respond(response, &info, itg_is_command(descriptor, "poll"), reterr);
    cflight_buffer_unref(schema);
    return status;
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    (void)reterr;
    service->handlers.poll_flight_info = poll_flight_info;
    return CFLIGHT_OK;
}

static cflight_status check_first(const struct cflight_poll_info *poll_info, cflight_error **reterr)
{
    if (poll_info->descriptor == NULL) {
        return cflight_error_set_message(reterr, ITG_MISMATCH, "first answer: no descriptor");
    }
    if (!poll_info->has_progress || !(poll_info->progress >= 0.0 && poll_info->progress <= 1.0)) {
        return cflight_error_set_message(reterr, ITG_MISMATCH,
                                         "first answer: no progress between 0 and 1");
    }
    if (!poll_info->expiration_time.has_value) {
        return cflight_error_set_message(reterr, ITG_MISMATCH, "first answer: no expiration time");
    }
    return CFLIGHT_OK;
}

static cflight_status check_last(const struct cflight_poll_info *poll_info, cflight_error **reterr)
{
    if (poll_info->descriptor != NULL) {
        return cflight_error_set_message(reterr, ITG_MISMATCH, "last answer: a descriptor");
    }
    if (!poll_info->has_progress || fabs(poll_info->progress - 1.0) > 1e-9) {
        return cflight_error_set_message(reterr, ITG_MISMATCH,
                                         "last answer: the progress is not 1");
    }
    if (poll_info->expiration_time.has_value) {
        return cflight_error_set_message(reterr, ITG_MISMATCH, "last answer: an expiration time");
    }
    return CFLIGHT_OK;
}

static cflight_status run_client(const struct itg_target *target, cflight_error **reterr)
{
    struct cflight_descriptor descriptor = itg_command("heavy query");
    cflight_client *client = NULL;
    struct cflight_poll_info *first = NULL;
    struct cflight_poll_info *last = NULL;

    cflight_status status = cflight_client_new(target->location, NULL, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_poll_flight_info(client, &descriptor, NULL, &first, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_first(first, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_client_poll_flight_info(client, first->descriptor, NULL, &last, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_last(last, reterr);
    }
    cflight_poll_info_free(first);
    cflight_poll_info_free(last);
    cflight_client_free(client);
    return status;
}

const struct itg_scenario itg_poll_flight_info = {"poll_flight_info", make_service, run_client};
