/* SPDX-License-Identifier: Apache-2.0 */
/* location:reuse_connection: the URI that means "where this came from" arrives byte for byte.
 * Thread class: free. */
#include "integration/info.h"
#include "integration/numbers.h"
#include "integration/scenario.h"

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct cflight_bytes location = cflight_bytes_from_text(CFLIGHT_LOCATION_REUSE_CONNECTION);
    struct cflight_endpoint endpoint = {
        .ticket = cflight_bytes_from_text("reuse"), .locations = &location, .location_count = 1};
    struct cflight_info info = {.descriptor = *descriptor,
                                .endpoints = &endpoint,
                                .endpoint_count = 1,
                                .total_records = -1,
                                .total_bytes = -1};
    struct ArrowSchema schema;

    (void)user_data;
    (void)context;
    itg_empty_schema_init(&schema);
    return itg_respond_info(response, &schema, &info, reterr);
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    (void)reterr;
    service->handlers.get_flight_info = get_flight_info;
    return CFLIGHT_OK;
}

static cflight_status check(const struct cflight_info *info, cflight_error **reterr)
{
    if (info->endpoint_count != 1 || info->endpoints[0].location_count != 1) {
        return cflight_error_set_message(reterr, ITG_MISMATCH,
                                         "expected one endpoint with one location");
    }
    struct cflight_bytes uri = info->endpoints[0].locations[0];
    if (!cflight_bytes_equal(uri, cflight_bytes_from_text(CFLIGHT_LOCATION_REUSE_CONNECTION))) {
        return cflight_error_set(reterr, ITG_MISMATCH, "the location is '%.*s', expected '%s'",
                                 (int)uri.len_bytes, (const char *)uri.data,
                                 CFLIGHT_LOCATION_REUSE_CONNECTION);
    }
    return CFLIGHT_OK;
}

static cflight_status run_client(const struct itg_target *target, cflight_error **reterr)
{
    cflight_client *client = NULL;
    struct cflight_info *info = NULL;

    cflight_status status = itg_client_and_info(target->location, "reuse", &client, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = check(info, reterr);
    }
    cflight_info_free(info);
    cflight_client_free(client);
    return status;
}

const struct itg_scenario itg_location_reuse_connection = {"location:reuse_connection",
                                                           make_service, run_client};
