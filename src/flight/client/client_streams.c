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
        struct cflight_bytes message = cflight_buffer_bytes(request);
        status =
            cfl_client_begin(client, CFLIGHT_METHOD_DO_GET, &loaded, &message, NULL, &call, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_reader_new(call, loaded.user.read_options, ret_reader, reterr);
    }
    cfl_call_unref(call);
    cflight_buffer_unref(request);
    return status;
}

/* Starts a call that uploads and makes its writer. */
static cflight_status start_upload(struct cflight_client *client, enum cflight_method method,
                                   const struct cflight_descriptor *descriptor,
                                   const struct cfl_client_call_options *loaded,
                                   struct cfl_call **ret_call, cflight_writer **ret_writer,
                                   cflight_error **reterr)
{
    cflight_buffer *bytes = NULL;
    struct cfl_call *call = NULL;
    cflight_status status = cflight_descriptor_serialize(descriptor, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_client_begin(client, method, loaded, NULL, NULL, &call, reterr);
    }
    if (status == CFLIGHT_OK) {
        struct cfl_writer_params params = {
            .options = loaded->user.write_options,
            .size_limit_bytes = loaded->user.write_size_limit_bytes,
            .split_batch_bytes = loaded->user.split_batch_bytes,
            .never_waits = loaded->user.never_wait,
            .descriptor = cflight_buffer_bytes(bytes),
        };
        status = cfl_writer_new(call, &params, ret_writer, reterr);
    }
    cflight_buffer_unref(bytes);
    if (status != CFLIGHT_OK) {
        cfl_call_unref(call);
        return status;
    }
    *ret_call = call;
    return CFLIGHT_OK;
}

cflight_status cflight_client_do_put(cflight_client *client,
                                     const struct cflight_descriptor *descriptor,
                                     const struct ArrowSchema *schema,
                                     const struct cflight_call_options *options,
                                     cflight_writer **ret_writer,
                                     cflight_metadata_reader **ret_metadata, cflight_error **reterr)
{
    struct cfl_client_call_options loaded;
    struct cfl_call *call = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(descriptor), CFL_ARG(schema),
                       CFL_ARG(ret_writer), CFL_ARG(ret_metadata));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_client_load_options(client, options, &loaded, reterr);
    if (status == CFLIGHT_OK) {
        status = start_upload(client, CFLIGHT_METHOD_DO_PUT, descriptor, &loaded, &call, &writer,
                              reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_metadata_reader_new(call, &metadata, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, schema, NULL, reterr);
    }
    cfl_call_unref(call);
    if (status != CFLIGHT_OK) {
        cflight_metadata_reader_free(metadata);
        cflight_writer_free(writer);
        return status;
    }
    *ret_writer = writer;
    *ret_metadata = metadata;
    return CFLIGHT_OK;
}

cflight_status cflight_client_do_exchange(cflight_client *client,
                                          const struct cflight_descriptor *descriptor,
                                          const struct cflight_call_options *options,
                                          cflight_writer **ret_writer, cflight_reader **ret_reader,
                                          cflight_error **reterr)
{
    struct cfl_client_call_options loaded;
    struct cfl_call *call = NULL;
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(descriptor),
                                           CFL_ARG(ret_writer), CFL_ARG(ret_reader));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_client_load_options(client, options, &loaded, reterr);
    if (status == CFLIGHT_OK) {
        status = start_upload(client, CFLIGHT_METHOD_DO_EXCHANGE, descriptor, &loaded, &call,
                              &writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_reader_new(call, loaded.user.read_options, &reader, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_writer_send_descriptor(writer, reterr);
    }
    cfl_call_unref(call);
    if (status != CFLIGHT_OK) {
        cfl_reader_done(reader);
        cflight_writer_free(writer);
        return status;
    }
    *ret_writer = writer;
    *ret_reader = reader;
    return CFLIGHT_OK;
}
