/* SPDX-License-Identifier: Apache-2.0 */
/* The server of the expiration_time scenarios: endpoints that expire, can be renewed and
 * cancelled.
 *
 * Every GetFlightInfo makes the three endpoints anew. A ticket is "INDEX: text"; only the index
 * counts. The state has a lock, which is not held while anything is sent. Thread class: free. */
#include "integration/scenario_expiration.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/info.h"
#include "integration/numbers.h"

enum { ENDPOINT_COUNT = 3, TICKET_BYTES_MAX = 4096, RENEWED_S = 10 };

struct endpoint_state {
    struct cflight_time expiration_time;
    bool is_cancelled;
    bool was_read;
};

struct expiration {
    pthread_mutex_t lock;
    struct {
        struct endpoint_state endpoints[ENDPOINT_COUNT];
        size_t endpoint_count; /* 0 before the first GetFlightInfo */
    } locked;
};

static const char *const TICKETS[ENDPOINT_COUNT] = {"0: No expiration time", "1: 5 seconds",
                                                    "2: 6 seconds"};
static const int64_t LIFETIMES_S[ENDPOINT_COUNT] = {0, 5, 6};

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct expiration *expiration = user_data;
    struct cflight_endpoint endpoints[ENDPOINT_COUNT] = {0};
    struct itg_numbers numbers;

    (void)context;
    (void)pthread_mutex_lock(&expiration->lock);
    memset(&expiration->locked, 0, sizeof expiration->locked);
    for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
        endpoints[i].ticket = cflight_bytes_from_text(TICKETS[i]);
        if (LIFETIMES_S[i] > 0) {
            endpoints[i].expiration_time = itg_time_from_now(LIFETIMES_S[i]);
        }
        expiration->locked.endpoints[i].expiration_time = endpoints[i].expiration_time;
    }
    expiration->locked.endpoint_count = ENDPOINT_COUNT;
    (void)pthread_mutex_unlock(&expiration->lock);

    itg_numbers_init(&numbers, "number", "I", NULL, 0);
    struct cflight_info info = {.descriptor = *descriptor,
                                .endpoints = endpoints,
                                .endpoint_count = ENDPOINT_COUNT,
                                .total_records = -1,
                                .total_bytes = -1};
    return itg_respond_info(response, &numbers.schema, &info, reterr);
}

/* The state that a ticket names, or NULL. */
static struct endpoint_state *find_locked(struct expiration *expiration,
                                          struct cflight_bytes ticket, int32_t *ret_index)
{
    size_t index = 0;
    size_t at = 0;

    for (; at < ticket.len_bytes && ticket.data[at] >= '0' && ticket.data[at] <= '9'; at++) {
        index = index * 10 + (size_t)(ticket.data[at] - '0');
        if (index >= expiration->locked.endpoint_count) {
            return NULL;
        }
    }
    if (at == 0 || at == ticket.len_bytes || ticket.data[at] != ':' ||
        index >= expiration->locked.endpoint_count) {
        return NULL;
    }
    *ret_index = (int32_t)index;
    return &expiration->locked.endpoints[index];
}

/* Counts a read, or says why there is none. */
static cflight_status take_locked(struct expiration *expiration, struct cflight_bytes ticket,
                                  int32_t *ret_index, cflight_error **reterr)
{
    struct endpoint_state *state = find_locked(expiration, ticket, ret_index);
    struct cflight_time now = itg_time_from_now(0);

    if (state == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "no flight has this ticket");
    }
    if (state->is_cancelled) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "the flight was cancelled");
    }
    if (state->expiration_time.has_value && state->expiration_time.unix_ns < now.unix_ns) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "the flight has expired");
    }
    if (!state->expiration_time.has_value && state->was_read) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND,
                                         "the flight can be read only once");
    }
    state->was_read = true;
    return CFLIGHT_OK;
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct expiration *expiration = user_data;
    struct itg_numbers numbers;
    int32_t index = 0;

    (void)context;
    (void)pthread_mutex_lock(&expiration->lock);
    cflight_status status = take_locked(expiration, ticket, &index, reterr);
    (void)pthread_mutex_unlock(&expiration->lock);
    if (status != CFLIGHT_OK) {
        return status;
    }
    itg_numbers_init(&numbers, "number", "I", &index, 1);
    return itg_numbers_write(&numbers, writer, reterr);
}

static cflight_status cancel(struct expiration *expiration, struct cflight_bytes body,
                             cflight_response *response, cflight_error **reterr)
{
    enum cflight_cancel_status outcome = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    struct cflight_info *info = NULL;
    cflight_buffer *result = NULL;
    int32_t index = 0;

    cflight_status status = cflight_cancel_request_parse(body, &info, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&expiration->lock);
    for (size_t i = 0; i < info->endpoint_count; i++) {
        struct endpoint_state *state = find_locked(expiration, info->endpoints[i].ticket, &index);
        if (state == NULL || state->is_cancelled) {
            outcome = CFLIGHT_CANCEL_STATUS_NOT_CANCELLABLE;
            continue;
        }
        state->is_cancelled = true;
        if (outcome == CFLIGHT_CANCEL_STATUS_UNSPECIFIED) {
            outcome = CFLIGHT_CANCEL_STATUS_CANCELLED;
        }
    }
    (void)pthread_mutex_unlock(&expiration->lock);
    cflight_info_free(info);

    status = cflight_cancel_result_serialize(outcome, &result, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_response_result(response, cflight_buffer_bytes(result), reterr);
    }
    cflight_buffer_unref(result);
    return status;
}

static cflight_status renew_locked(struct expiration *expiration, struct cflight_bytes ticket,
                                   struct cflight_time expiration_time, cflight_error **reterr)
{
    int32_t index = 0;
    struct endpoint_state *state = find_locked(expiration, ticket, &index);

    if (state == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "no flight has this ticket");
    }
    if (state->is_cancelled) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the flight was cancelled");
    }
    state->expiration_time = expiration_time;
    return CFLIGHT_OK;
}

static cflight_status respond_endpoint(cflight_response *response,
                                       const struct cflight_endpoint *endpoint,
                                       cflight_error **reterr)
{
    char ticket[TICKET_BYTES_MAX];
    struct cflight_endpoint renewed = *endpoint;
    cflight_buffer *result = NULL;

    if (endpoint->ticket.len_bytes >= TICKET_BYTES_MAX / 2) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, "the ticket is long");
    }
    (void)snprintf(ticket, sizeof ticket, "%.*s: renewed (+ %d seconds)",
                   (int)endpoint->ticket.len_bytes, (const char *)endpoint->ticket.data, RENEWED_S);
    renewed.ticket = cflight_bytes_from_text(ticket);
    cflight_status status = cflight_endpoint_serialize(&renewed, &result, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_response_result(response, cflight_buffer_bytes(result), reterr);
    }
    cflight_buffer_unref(result);
    return status;
}

static cflight_status renew(struct expiration *expiration, struct cflight_bytes body,
                            cflight_response *response, cflight_error **reterr)
{
    struct cflight_endpoint *endpoint = NULL;

    cflight_status status = cflight_renew_request_parse(body, &endpoint, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    endpoint->expiration_time = itg_time_from_now(RENEWED_S);
    (void)pthread_mutex_lock(&expiration->lock);
    status = renew_locked(expiration, endpoint->ticket, endpoint->expiration_time, reterr);
    (void)pthread_mutex_unlock(&expiration->lock);
    if (status == CFLIGHT_OK) {
        status = respond_endpoint(response, endpoint, reterr);
    }
    cflight_endpoint_free(endpoint);
    return status;
}

static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    (void)context;
    if (cflight_bytes_equal(action->type,
                            cflight_bytes_from_text(CFLIGHT_ACTION_CANCEL_FLIGHT_INFO))) {
        return cancel(user_data, action->body, response, reterr);
    }
    if (cflight_bytes_equal(action->type,
                            cflight_bytes_from_text(CFLIGHT_ACTION_RENEW_FLIGHT_ENDPOINT))) {
        return renew(user_data, action->body, response, reterr);
    }
    return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, "no such action");
}

static cflight_status list_actions(void *user_data, cflight_server_context *context,
                                   cflight_response *response, cflight_error **reterr)
{
    static const char *const TYPES[][2] = {
        {CFLIGHT_ACTION_CANCEL_FLIGHT_INFO, "Cancels a FlightInfo"},
        {CFLIGHT_ACTION_RENEW_FLIGHT_ENDPOINT, "Renews an endpoint"},
    };
    cflight_status status = CFLIGHT_OK;

    (void)user_data;
    (void)context;
    for (size_t i = 0; status == CFLIGHT_OK && i < sizeof TYPES / sizeof TYPES[0]; i++) {
        struct cflight_action_type type = {.type = cflight_bytes_from_text(TYPES[i][0]),
                                           .description = cflight_bytes_from_text(TYPES[i][1])};
        status = cflight_response_action_type(response, &type, reterr);
    }
    return status;
}

static void release(void *state)
{
    struct expiration *expiration = state;

    (void)pthread_mutex_destroy(&expiration->lock);
    free(expiration);
}

cflight_status itg_expiration_service(struct itg_service *service, cflight_error **reterr)
{
    struct expiration *expiration = calloc(1, sizeof *expiration);
    if (expiration == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "out of memory");
    }
    (void)pthread_mutex_init(&expiration->lock, NULL);
    service->state = expiration;
    service->release = release;
    service->handlers.get_flight_info = get_flight_info;
    service->handlers.do_get = do_get;
    service->handlers.do_action = do_action;
    service->handlers.list_actions = list_actions;
    return CFLIGHT_OK;
}
