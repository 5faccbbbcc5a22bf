/* SPDX-License-Identifier: Apache-2.0 */
/* Every method, from beginning to end. A failure in the middle ends the function, as it would a
 * user's. */
#include "rpcs.h"

#include "service.h"

bool t_rpc_is_unary(enum cflight_method method)
{
    return method == CFLIGHT_METHOD_GET_FLIGHT_INFO || method == CFLIGHT_METHOD_GET_SCHEMA ||
           method == CFLIGHT_METHOD_POLL_FLIGHT_INFO;
}

static cflight_status drain_reader(cflight_reader *reader, cflight_error **reterr)
{
    for (;;) {
        struct cflight_chunk chunk;
        cflight_status status = cflight_reader_next(reader, &chunk, reterr);
        if (status != CFLIGHT_OK || chunk.is_end) {
            return status;
        }
        cflight_chunk_release(&chunk);
    }
}

static cflight_status handshake(cflight_client *client, const struct cflight_call_options *options,
                                cflight_error **reterr)
{
    cflight_buffer *bearer = NULL;
    cflight_status status =
        cflight_client_authenticate_basic(client, cflight_bytes_from_text("user"),
                                          cflight_bytes_from_text("pw"), options, &bearer, reterr);
    if (status == CFLIGHT_OK) {
        cflight_buffer_unref(bearer);
    }
    return status;
}

static cflight_status list_flights(cflight_client *client, const char *text,
                                   const struct cflight_call_options *options,
                                   cflight_error **reterr)
{
    cflight_info_stream *stream = NULL;
    cflight_status status = cflight_client_list_flights(client, cflight_bytes_from_text(text),
                                                        options, &stream, reterr);
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_info *info = NULL;
        status = cflight_info_stream_next(stream, &info, reterr);
        is_end = info == NULL;
        cflight_info_free(info);
    }
    cflight_info_stream_free(stream);
    return status;
}

static cflight_status list_actions(cflight_client *client,
                                   const struct cflight_call_options *options,
                                   cflight_error **reterr)
{
    cflight_action_type_stream *stream = NULL;
    cflight_status status = cflight_client_list_actions(client, options, &stream, reterr);
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_action_type *type = NULL;
        status = cflight_action_type_stream_next(stream, &type, reterr);
        is_end = type == NULL;
        cflight_action_type_free(type);
    }
    cflight_action_type_stream_free(stream);
    return status;
}

static cflight_status do_action(cflight_client *client, const char *text,
                                const struct cflight_call_options *options, cflight_error **reterr)
{
    struct cflight_action action = {cflight_bytes_from_text(text), cflight_bytes_from_text(text)};
    cflight_result_stream *stream = NULL;
    cflight_status status = cflight_client_do_action(client, &action, options, &stream, reterr);
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        cflight_buffer *body = NULL;
        status = cflight_result_stream_next(stream, &body, reterr);
        is_end = body == NULL;
        cflight_buffer_unref(body);
    }
    cflight_result_stream_free(stream);
    return status;
}

static cflight_status do_get(cflight_client *client, const char *text,
                             const struct cflight_call_options *options, cflight_error **reterr)
{
    cflight_reader *reader = NULL;
    cflight_status status =
        cflight_client_do_get(client, cflight_bytes_from_text(text), options, &reader, reterr);
    if (status == CFLIGHT_OK) {
        status = drain_reader(reader, reterr);
    }
    cflight_reader_free(reader);
    return status;
}

static cflight_status write_one(cflight_writer *writer, cflight_error **reterr)
{
    struct ArrowArray batch;
    t_batch(0, 10, &batch);
    cflight_status status = cflight_writer_write(writer, &batch, NULL, reterr);
    batch.release(&batch);
    return status;
}

static cflight_status do_put(cflight_client *client, const struct cflight_descriptor *descriptor,
                             const struct cflight_call_options *options, cflight_error **reterr)
{
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    struct ArrowSchema schema;
    t_schema(&schema);
    cflight_status status =
        cflight_client_do_put(client, descriptor, &schema, options, &writer, &metadata, reterr);
    if (status == CFLIGHT_OK) {
        status = write_one(writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_close(writer, reterr);
    }
    cflight_metadata_reader_free(metadata);
    cflight_writer_free(writer);
    schema.release(&schema);
    return status;
}

static cflight_status do_exchange(cflight_client *client,
                                  const struct cflight_descriptor *descriptor,
                                  const struct cflight_call_options *options,
                                  cflight_error **reterr)
{
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    struct ArrowSchema schema;
    t_schema(&schema);
    cflight_status status =
        cflight_client_do_exchange(client, descriptor, options, &writer, &reader, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &schema, NULL, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = write_one(writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_done_writing(writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = drain_reader(reader, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_close(writer, reterr);
    }
    cflight_reader_free(reader);
    cflight_writer_free(writer);
    schema.release(&schema);
    return status;
}

static cflight_status describe(cflight_client *client, enum cflight_method method,
                               const struct cflight_descriptor *descriptor,
                               const struct cflight_call_options *options, cflight_error **reterr)
{
    struct cflight_info *info = NULL;
    struct cflight_poll_info *poll_info = NULL;
    cflight_buffer *schema = NULL;
    cflight_status status = CFLIGHT_OK;
    if (method == CFLIGHT_METHOD_GET_FLIGHT_INFO) {
        status = cflight_client_get_flight_info(client, descriptor, options, &info, reterr);
    } else if (method == CFLIGHT_METHOD_GET_SCHEMA) {
        status = cflight_client_get_schema(client, descriptor, options, &schema, reterr);
    } else {
        status = cflight_client_poll_flight_info(client, descriptor, options, &poll_info, reterr);
    }
    cflight_info_free(info);
    cflight_poll_info_free(poll_info);
    cflight_buffer_unref(schema);
    return status;
}

cflight_status t_rpc(cflight_client *client, enum cflight_method method, const char *text,
                     const struct cflight_call_options *options, cflight_error **reterr)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text(text)};
    switch (method) {
    case CFLIGHT_METHOD_HANDSHAKE:
        return handshake(client, options, reterr);
    case CFLIGHT_METHOD_LIST_FLIGHTS:
        return list_flights(client, text, options, reterr);
    case CFLIGHT_METHOD_DO_GET:
        return do_get(client, text, options, reterr);
    case CFLIGHT_METHOD_DO_PUT:
        return do_put(client, &descriptor, options, reterr);
    case CFLIGHT_METHOD_DO_EXCHANGE:
        return do_exchange(client, &descriptor, options, reterr);
    case CFLIGHT_METHOD_DO_ACTION:
        return do_action(client, text, options, reterr);
    case CFLIGHT_METHOD_LIST_ACTIONS:
        return list_actions(client, options, reterr);
    case CFLIGHT_METHOD_SERVICE:
    case CFLIGHT_METHOD_INVALID:
    case CFLIGHT_METHOD_GET_FLIGHT_INFO:
    case CFLIGHT_METHOD_GET_SCHEMA:
    case CFLIGHT_METHOD_POLL_FLIGHT_INFO:
    default:
        return describe(client, method, &descriptor, options, reterr);
    }
}
