/* SPDX-License-Identifier: Apache-2.0 */
/* The client's calls that carry record batches. Thread class: free. */
#include "base/error.h"
#include "flight/client/client.h"
#include "flight/call/metadata_stream.h"
#include "flight/call/reader.h"
#include "flight/call/writer.h"

cflight_status cflight_client_do_get(cflight_client *client, struct cflight_bytes ticket,
                                     const struct cflight_call_options *options,
                                     cflight_reader **ret_reader, cflight_error **reterr)
{
    struct cfl_client_call_options loaded;
    cflight_buffer *request = NULL;
    struct cfl_call *call = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(ret_reader));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_client_load_options(client, options, &loaded, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_ticket_serialize(ticket, &request, reterr);
    }
    if (status == CFLIGHT_OK) {
        status =
            cfl_client_begin(client, CFLIGHT_METHOD_DO_GET, &loaded, request, NULL, &call, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_reader_new(call, loaded.user.read_options, ret_reader, reterr);
    }
    cfl_call_unref(call);
    cflight_buffer_unref(request);
    return status;
}

static cflight_status writer_new(struct cfl_call *call,
                                 const struct cfl_client_call_options *options,
                                 struct cflight_bytes descriptor, cflight_writer **ret_writer,
                                 cflight_error **reterr)
{
    struct cfl_writer_params params = {
        .options = options->user.write_options,
        .size_limit_bytes = options->user.write_size_limit_bytes,
        .split_batch_bytes = options->user.split_batch_bytes,
        .never_waits = options->never_waits,
        .descriptor = descriptor,
    };
    return cfl_writer_new(call, &params, ret_writer, reterr);
}

cflight_status cfl_client_put_streams(struct cfl_call *call,
                                      const struct cfl_client_call_options *options,
                                      struct cflight_bytes descriptor,
                                      const struct ArrowSchema *schema, cflight_writer **ret_writer,
                                      cflight_metadata_reader **ret_metadata,
                                      cflight_error **reterr)
{
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    cflight_status status = writer_new(call, options, descriptor, &writer, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_metadata_reader_new(call, &metadata, reterr);
    }
    if (status == CFLIGHT_OK && schema != NULL) {
        status = cflight_writer_begin(writer, schema, NULL, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_metadata_reader_free(metadata);
        cflight_writer_free(writer);
        return status;
    }
    *ret_writer = writer;
    *ret_metadata = metadata;
    return CFLIGHT_OK;
}

cflight_status cfl_client_exchange_streams(struct cfl_call *call,
                                           const struct cfl_client_call_options *options,
                                           struct cflight_bytes descriptor,
                                           cflight_writer **ret_writer, cflight_reader **ret_reader,
                                           cflight_error **reterr)
{
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    cflight_status status = writer_new(call, options, descriptor, &writer, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_reader_new(call, options->user.read_options, &reader, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_writer_send_descriptor(writer, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_reader_done(reader);
        cflight_writer_free(writer);
        return status;
    }
    *ret_writer = writer;
    *ret_reader = reader;
    return CFLIGHT_OK;
}

/* Starts a call that uploads. */
static cflight_status start_upload(struct cflight_client *client, enum cflight_method method,
                                   const struct cflight_descriptor *descriptor,
                                   const struct cflight_call_options *options,
                                   struct cfl_client_call_options *ret_options,
                                   cflight_buffer **ret_descriptor, struct cfl_call **ret_call,
                                   cflight_error **reterr)
{
    cflight_status status = cfl_client_load_options(client, options, ret_options, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_descriptor_serialize(descriptor, ret_descriptor, reterr);
    }
    return status != CFLIGHT_OK
               ? status
               : cfl_client_begin(client, method, ret_options, NULL, NULL, ret_call, reterr);
}

cflight_status cflight_client_do_put(cflight_client *client,
                                     const struct cflight_descriptor *descriptor,
                                     const struct ArrowSchema *schema,
                                     const struct cflight_call_options *options,
                                     cflight_writer **ret_writer,
                                     cflight_metadata_reader **ret_metadata, cflight_error **reterr)
{
    struct cfl_client_call_options loaded;
    cflight_buffer *bytes = NULL;
    struct cfl_call *call = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(descriptor),
                                           CFL_ARG(ret_writer), CFL_ARG(ret_metadata));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = start_upload(client, CFLIGHT_METHOD_DO_PUT, descriptor, options, &loaded, &bytes,
                          &call, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_client_put_streams(call, &loaded, cflight_buffer_bytes(bytes), schema,
                                        ret_writer, ret_metadata, reterr);
    }
    cfl_call_unref(call);
    cflight_buffer_unref(bytes);
    return status;
}

cflight_status cflight_client_do_exchange(cflight_client *client,
                                          const struct cflight_descriptor *descriptor,
                                          const struct cflight_call_options *options,
                                          cflight_writer **ret_writer, cflight_reader **ret_reader,
                                          cflight_error **reterr)
{
    struct cfl_client_call_options loaded;
    cflight_buffer *bytes = NULL;
    struct cfl_call *call = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(descriptor),
                                           CFL_ARG(ret_writer), CFL_ARG(ret_reader));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = start_upload(client, CFLIGHT_METHOD_DO_EXCHANGE, descriptor, options, &loaded, &bytes,
                          &call, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_client_exchange_streams(call, &loaded, cflight_buffer_bytes(bytes), ret_writer,
                                             ret_reader, reterr);
    }
    cfl_call_unref(call);
    cflight_buffer_unref(bytes);
    return status;
}
