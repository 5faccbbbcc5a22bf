/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers that several benchmarks serve. */
#include "handlers.h"

cflight_status echo_exchange(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_writer *writer, cflight_error **reterr)
{
    struct ArrowSchema schema;
    (void)user_data;
    (void)context;
    (void)descriptor;
    cflight_status status = cflight_reader_schema(reader, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &schema, NULL, reterr);
        schema.release(&schema);
    }
    while (status == CFLIGHT_OK) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status != CFLIGHT_OK || chunk.is_end) {
            break;
        }
        if (chunk.has_batch) {
            status = cflight_writer_write(writer, &chunk.batch, NULL, reterr);
        }
        cflight_chunk_release(&chunk);
    }
    return status;
}

cflight_status answer_bare_info(void *user_data, cflight_server_context *context,
                                const struct cflight_descriptor *descriptor,
                                cflight_response *response, cflight_error **reterr)
{
    struct cflight_info info = {.descriptor = *descriptor, .total_records = -1, .total_bytes = -1};
    (void)user_data;
    (void)context;
    return cflight_response_info(response, &info, reterr);
}
