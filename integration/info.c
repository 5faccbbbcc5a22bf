/* SPDX-License-Identifier: Apache-2.0 */
/* What scenarios share about descriptors and infos. Thread class: free. */
#include "integration/info.h"

#include <time.h>

#include "integration/scenario.h"

cflight_status itg_respond_info(cflight_response *response, const struct ArrowSchema *schema,
                                const struct cflight_info *info, cflight_error **reterr)
{
    cflight_buffer *bytes = NULL;
    struct cflight_info filled = *info;

    cflight_status status = cflight_ipc_schema_serialize(schema, &bytes, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    filled.schema = cflight_buffer_bytes(bytes);
    status = cflight_response_info(response, &filled, reterr);
    cflight_buffer_unref(bytes);
    return status;
}

struct cflight_descriptor itg_command(const char *text)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text(text)};
    return descriptor;
}

bool itg_is_command(const struct cflight_descriptor *descriptor, const char *text)
{
    return descriptor->type == CFLIGHT_DESCRIPTOR_CMD &&
           cflight_bytes_equal(descriptor->cmd, cflight_bytes_from_text(text));
}

cflight_status itg_client_and_info(const char *location, const char *command,
                                   cflight_client **ret_client, struct cflight_info **ret_info,
                                   cflight_error **reterr)
{
    struct cflight_descriptor descriptor = itg_command(command);
    cflight_client *client = NULL;

    cflight_status status = cflight_client_new(location, NULL, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_get_flight_info(client, &descriptor, NULL, ret_info, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_client_free(client);
        return status;
    }
    *ret_client = client;
    return CFLIGHT_OK;
}

cflight_status itg_run_action(cflight_client *client, const struct cflight_action *action,
                              cflight_buffer **ret_body, cflight_error **reterr)
{
    cflight_result_stream *results = NULL;
    cflight_buffer *body = NULL;
    cflight_buffer *more = NULL;

    cflight_status status = cflight_client_do_action(client, action, NULL, &results, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_result_stream_next(results, &body, reterr);
    }
    if (status == CFLIGHT_OK && body != NULL) {
        status = cflight_result_stream_next(results, &more, reterr);
    }
    if (status == CFLIGHT_OK && more != NULL) {
        status = cflight_error_set_message(reterr, ITG_MISMATCH, "more than one result came");
    }
    if (status == CFLIGHT_OK) {
        *ret_body = body;
        body = NULL;
    }
    cflight_buffer_unref(body);
    cflight_buffer_unref(more);
    cflight_result_stream_free(results);
    return status;
}

struct cflight_time itg_time_from_now(int64_t seconds)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct cflight_time time = {.has_value = true};
    time.unix_ns = ((int64_t)now.tv_sec + seconds) * 1000000000 + (int64_t)now.tv_nsec;
    return time;
}
