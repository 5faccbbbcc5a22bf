/* SPDX-License-Identifier: Apache-2.0 */
/* The clients of the expiration_time scenarios: read, list actions, cancel, renew. Thread class:
 * one at a time. */
#include <string.h>

#include "integration/fetch.h"
#include "integration/info.h"
#include "integration/scenario_expiration.h"

/* What a scenario does with the info that the server gave. */
typedef cflight_status (*check_fn)(cflight_client *client, const struct cflight_info *info,
                                   cflight_error **reterr);

static cflight_status with_info(const struct itg_target *target, check_fn check,
                                cflight_error **reterr)
{
    cflight_client *client = NULL;
    struct cflight_info *info = NULL;

    cflight_status status =
        itg_client_and_info(target->location, "expiration_time", &client, &info, reterr);
    if (status == CFLIGHT_OK) {
        status = check(client, info, reterr);
    }
    cflight_info_free(info);
    cflight_client_free(client);
    return status;
}

static cflight_status check_do_get(cflight_client *client, const struct cflight_info *info,
                                   cflight_error **reterr)
{
    static const int32_t EXPECTED[] = {0, 1, 2};
    struct itg_values values = {.count = 0};
    cflight_status status = CFLIGHT_OK;

    for (size_t i = 0; status == CFLIGHT_OK && i < info->endpoint_count; i++) {
        if (info->endpoints[i].expiration_time.has_value != (i > 0)) {
            return cflight_error_set(reterr, ITG_MISMATCH,
                                     "endpoint %zu must %s an expiration time", i,
                                     i > 0 ? "have" : "not have");
        }
        status = itg_fetch_numbers(client, &info->endpoints[i], "number", "I", &values, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = itg_values_check(&values, EXPECTED, sizeof EXPECTED / sizeof EXPECTED[0], reterr);
    }
    return status;
}

/* The error may come with the call or with the first read. */
static cflight_status expect_no_data(cflight_client *client,
                                     const struct cflight_endpoint *endpoint,
                                     cflight_error **reterr)
{
    cflight_reader *reader = NULL;
    struct cflight_chunk chunk;

    cflight_status status = cflight_client_do_get(client, endpoint->ticket, NULL, &reader, NULL);
    if (status == CFLIGHT_OK) {
        status = cflight_reader_next(reader, &chunk, NULL);
        if (status == CFLIGHT_OK) {
            cflight_chunk_release(&chunk);
        }
    }
    cflight_reader_free(reader);
    if (status == CFLIGHT_OK) {
        return cflight_error_set_message(reterr, ITG_MISMATCH,
                                         "a cancelled endpoint can still be read");
    }
    return CFLIGHT_OK;
}

static cflight_status check_cancel(cflight_client *client, const struct cflight_info *info,
                                   cflight_error **reterr)
{
    enum cflight_cancel_status outcome = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;

    cflight_status status = cflight_client_cancel_flight_info(client, info, NULL, &outcome, reterr);
    if (status == CFLIGHT_OK && outcome != CFLIGHT_CANCEL_STATUS_CANCELLED) {
        status =
            cflight_error_set(reterr, ITG_MISMATCH, "CancelFlightInfo gave status %d, expected %d",
                              (int)outcome, (int)CFLIGHT_CANCEL_STATUS_CANCELLED);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < info->endpoint_count; i++) {
        status = expect_no_data(client, &info->endpoints[i], reterr);
    }
    return status;
}

static cflight_status check_renew(cflight_client *client, const struct cflight_info *info,
                                  cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;

    for (size_t i = 0; status == CFLIGHT_OK && i < info->endpoint_count; i++) {
        const struct cflight_endpoint *endpoint = &info->endpoints[i];
        struct cflight_endpoint *renewed = NULL;
        if (!endpoint->expiration_time.has_value) {
            continue;
        }
        status = cflight_client_renew_flight_endpoint(client, endpoint, NULL, &renewed, reterr);
        if (status == CFLIGHT_OK &&
            (!renewed->expiration_time.has_value ||
             renewed->expiration_time.unix_ns <= endpoint->expiration_time.unix_ns)) {
            status = cflight_error_set(reterr, ITG_MISMATCH,
                                       "endpoint %zu: renewing gave no later expiration time", i);
        }
        cflight_endpoint_free(renewed);
    }
    return status;
}

static cflight_status check_action_types(cflight_action_type_stream *stream, cflight_error **reterr)
{
    static const char *const EXPECTED[] = {CFLIGHT_ACTION_CANCEL_FLIGHT_INFO,
                                           CFLIGHT_ACTION_RENEW_FLIGHT_ENDPOINT};
    enum { EXPECTED_COUNT = sizeof EXPECTED / sizeof EXPECTED[0] };
    size_t seen[EXPECTED_COUNT] = {0};
    size_t count = 0;
    cflight_status status = CFLIGHT_OK;

    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_action_type *type = NULL;
        status = cflight_action_type_stream_next(stream, &type, reterr);
        is_end = type == NULL;
        for (size_t i = 0; !is_end && i < EXPECTED_COUNT; i++) {
            if (cflight_bytes_equal(type->type, cflight_bytes_from_text(EXPECTED[i]))) {
                seen[i]++;
            }
        }
        count += is_end ? 0 : 1;
        cflight_action_type_free(type);
    }
    if (status == CFLIGHT_OK && (count != EXPECTED_COUNT || seen[0] != 1 || seen[1] != 1)) {
        status =
            cflight_error_set(reterr, ITG_MISMATCH, "%zu action types came, expected %s and %s",
                              count, EXPECTED[0], EXPECTED[1]);
    }
    return status;
}

static cflight_status run_list_actions(const struct itg_target *target, cflight_error **reterr)
{
    cflight_client *client = NULL;
    cflight_action_type_stream *stream = NULL;

    cflight_status status = cflight_client_new(target->location, NULL, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_list_actions(client, NULL, &stream, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_action_types(stream, reterr);
    }
    cflight_action_type_stream_free(stream);
    cflight_client_free(client);
    return status;
}

static cflight_status run_do_get(const struct itg_target *target, cflight_error **reterr)
{
    return with_info(target, check_do_get, reterr);
}

static cflight_status run_cancel(const struct itg_target *target, cflight_error **reterr)
{
    return with_info(target, check_cancel, reterr);
}

static cflight_status run_renew(const struct itg_target *target, cflight_error **reterr)
{
    return with_info(target, check_renew, reterr);
}

const struct itg_scenario itg_expiration_time_do_get = {"expiration_time:do_get",
                                                        itg_expiration_service, run_do_get};
const struct itg_scenario itg_expiration_time_list_actions = {
    "expiration_time:list_actions", itg_expiration_service, run_list_actions};
const struct itg_scenario itg_expiration_time_cancel = {"expiration_time:cancel_flight_info",
                                                        itg_expiration_service, run_cancel};
const struct itg_scenario itg_expiration_time_renew = {"expiration_time:renew_flight_endpoint",
                                                       itg_expiration_service, run_renew};
