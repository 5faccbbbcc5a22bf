/* SPDX-License-Identifier: Apache-2.0 */
/* A reader as an Arrow C stream of its batches.
 *
 * Spec: The Arrow C stream interface. Owner: the stream owns the reader (a client's) or borrows it
 * (a server's). Thread class: one at a time. */
#include "flight/call/reader.h"

#include "base/error.h"
#include "ipc/stream_export.h"

static cflight_status get_schema(void *user_data, struct ArrowSchema *ret_schema,
                                 cflight_error **reterr)
{
    return cflight_reader_schema(user_data, ret_schema, reterr);
}

static cflight_status next(void *user_data, struct ArrowArray *ret_batch, cflight_error **reterr)
{
    for (;;) {
        struct cflight_chunk chunk;
        cflight_status status = cflight_reader_next(user_data, &chunk, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        bool is_answer = chunk.is_end || chunk.has_batch;
        if (chunk.has_batch) {
            *ret_batch = chunk.batch;
            chunk.has_batch = false;
        }
        cflight_chunk_release(&chunk);
        if (is_answer) {
            return CFLIGHT_OK;
        }
    }
}

static void release(void *user_data)
{
    cflight_reader_free(user_data);
}

cflight_status cflight_reader_to_stream(cflight_reader *reader, struct ArrowArrayStream *ret_stream,
                                        cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(reader), CFL_ARG(ret_stream));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_stream_source source = {get_schema, next, release, reader};
    return cfl_stream_export(reader->call->alloc, &source, ret_stream, reterr);
}
