/* SPDX-License-Identifier: Apache-2.0 */
/* app_metadata_flight_info_endpoint: metadata of the application in an info and in its endpoint.
 * Thread class: free. */
#include "integration/info.h"
#include "integration/numbers.h"
#include "integration/scenario.h"

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct itg_numbers numbers;

    (void)user_data;
    (void)context;
    if (descriptor->type != CFLIGHT_DESCRIPTOR_CMD) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "expected a descriptor with a command");
    }
    struct cflight_endpoint endpoint = {.app_metadata = descriptor->cmd};
    struct cflight_info info = {.descriptor = *descriptor,
                                .endpoints = &endpoint,
                                .endpoint_count = 1,
                                .total_records = -1,
                                .total_bytes = -1,
                                .app_metadata = descriptor->cmd};
    itg_numbers_init(&numbers, "number", "I", NULL, 0);
    return itg_respond_info(response, &numbers.schema, &info, reterr);
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    (void)reterr;
    service->handlers.get_flight_info = get_flight_info;
    return CFLIGHT_OK;
}

static cflight_status check(const struct cflight_info *info, cflight_error **reterr)
{
    struct cflight_bytes expected = cflight_bytes_from_text("foobar");

    if (!cflight_bytes_equal(info->app_metadata, expected)) {
        return cflight_error_set_message(reterr, ITG_MISMATCH,
                                         "the app_metadata of the info is not 'foobar'");
    }
    if (info->endpoint_count != 1) {
        return cflight_error_set(reterr, ITG_MISMATCH, "%zu endpoints came, expected one",
                                 info->endpoint_count);
    }
    if (!cflight_bytes_equal(info->endpoints[0].app_metadata, expected)) {
        return cflight_error_set_message(reterr, ITG_MISMATCH,
                                         "the app_metadata of the endpoint is not 'foobar'");
    }
    return CFLIGHT_OK;
}

static cflight_status run_client(const struct itg_target *target, cflight_error **reterr)
{
    cflight_client *client = NULL;
    struct cflight_info *info = NULL;

    cflight_status status = itg_client_and_info(target->location, "foobar", &client, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = check(info, reterr);
    }
    cflight_info_free(info);
    cflight_client_free(client);
    return status;
}

const struct itg_scenario itg_app_metadata = {"app_metadata_flight_info_endpoint", make_service,
                                              run_client};
