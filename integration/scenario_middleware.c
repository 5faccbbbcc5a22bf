/* SPDX-License-Identifier: Apache-2.0 */
/* middleware: a header goes there and comes back, on calls that succeed and calls that fail.
 *
 * The server's instance is a buffer with the value to send back. Thread class: free; the client's
 * state is one at a time. */
#include "integration/info.h"
#include "integration/numbers.h"
#include "integration/scenario.h"

static const char HEADER[] = "x-middleware";
static const char VALUE[] = "expected value";

static cflight_status server_start_call(void *user_data, cflight_server_context *context,
                                        enum cflight_method method, void **ret_instance,
                                        cflight_error **reterr)
{
    cflight_buffer *value = NULL;

    (void)user_data;
    (void)method;
    cflight_status status =
        cflight_buffer_new_copy(cflight_server_context_header(context, HEADER), &value, reterr);
    if (status == CFLIGHT_OK) {
        *ret_instance = value;
    }
    return status;
}

static void server_sending_headers(void *user_data, void *instance, cflight_header_sink *headers)
{
    (void)user_data;
    (void)cflight_header_sink_add(headers, cflight_bytes_from_text(HEADER),
                                  cflight_buffer_bytes(instance), NULL);
}

static void server_call_completed(void *user_data, void *instance,
                                  const struct cflight_call_summary *summary)
{
    (void)user_data;
    (void)summary;
    cflight_buffer_unref(instance);
}

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct cflight_bytes location = cflight_bytes_from_text("grpc+tcp://localhost:10010");
    struct cflight_endpoint endpoint = {
        .ticket = cflight_bytes_from_text("foo"), .locations = &location, .location_count = 1};
    struct ArrowSchema schema;

    (void)user_data;
    (void)context;
    if (!itg_is_command(descriptor, "success")) {
        return cflight_error_set_message(reterr, CFLIGHT_UNKNOWN, "unknown command");
    }
    struct cflight_info info = {.descriptor = *descriptor,
                                .endpoints = &endpoint,
                                .endpoint_count = 1,
                                .total_records = -1,
                                .total_bytes = -1};
    itg_empty_schema_init(&schema);
    return itg_respond_info(response, &schema, &info, reterr);
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    (void)reterr;
    service->handlers.get_flight_info = get_flight_info;
    service->middleware.key = "scenario";
    service->middleware.start_call = server_start_call;
    service->middleware.sending_headers = server_sending_headers;
    service->middleware.call_completed = server_call_completed;
    service->has_middleware = true;
    return CFLIGHT_OK;
}

/* The client's half: did the value come back? */
struct watch {
    bool has_value;
};

static cflight_status client_start_call(void *user_data, enum cflight_method method,
                                        void **ret_instance, cflight_error **reterr)
{
    (void)method;
    (void)reterr;
    *ret_instance = user_data;
    return CFLIGHT_OK;
}

static void client_sending_headers(void *user_data, void *instance, cflight_header_sink *headers)
{
    (void)user_data;
    (void)instance;
    (void)cflight_header_sink_add(headers, cflight_bytes_from_text(HEADER),
                                  cflight_bytes_from_text(VALUE), NULL);
}

static void client_received_headers(void *user_data, void *instance,
                                    const struct cflight_header *headers, size_t header_count)
{
    struct watch *watch = instance;

    (void)user_data;
    for (size_t i = 0; i < header_count; i++) {
        if (cflight_bytes_equal(headers[i].name, cflight_bytes_from_text(HEADER)) &&
            cflight_bytes_equal(headers[i].value, cflight_bytes_from_text(VALUE))) {
            watch->has_value = true;
        }
    }
}

/* One call, which must end as expected and bring the header back. */
static cflight_status check_call(cflight_client *client, struct watch *watch, const char *command,
                                 bool must_succeed, cflight_error **reterr)
{
    struct cflight_descriptor descriptor = itg_command(command);
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;

    watch->has_value = false;
    cflight_status status =
        cflight_client_get_flight_info(client, &descriptor, NULL, &info, &error);
    cflight_info_free(info);
    if ((status == CFLIGHT_OK) != must_succeed) {
        cflight_status mismatch =
            cflight_error_set(reterr, ITG_MISMATCH, "command '%s' gave %s: %s", command,
                              cflight_status_name(status), cflight_error_message(error));
        cflight_error_free(error);
        return mismatch;
    }
    cflight_error_free(error);
    if (!watch->has_value) {
        return cflight_error_set(reterr, ITG_MISMATCH, "command '%s': the answer lacks '%s: %s'",
                                 command, HEADER, VALUE);
    }
    return CFLIGHT_OK;
}

static cflight_status run_client(const struct itg_target *target, cflight_error **reterr)
{
    struct watch watch = {false};
    struct cflight_client_middleware middleware = CFLIGHT_CLIENT_MIDDLEWARE_INIT;
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    cflight_client *client = NULL;

    middleware.user_data = &watch;
    middleware.start_call = client_start_call;
    middleware.sending_headers = client_sending_headers;
    middleware.received_headers = client_received_headers;
    options.middleware = &middleware;
    options.middleware_count = 1;
    cflight_status status = cflight_client_new(target->location, &options, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = check_call(client, &watch, "", false, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = check_call(client, &watch, "success", true, reterr);
    }
    cflight_client_free(client);
    return status;
}

const struct itg_scenario itg_middleware = {"middleware", make_service, run_client};
