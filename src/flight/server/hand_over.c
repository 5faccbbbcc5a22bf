/* SPDX-License-Identifier: Apache-2.0 */
/* Handing a stream over to the server: the handler returns, and the library pulls. Thread class: of
 * the handler. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "flight/call/writer.h"
#include "flight/server/server_call.h"

cflight_status cflight_writer_hand_over(cflight_writer *writer, const struct cflight_source *source,
                                        cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(writer), CFL_ARG(source));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_server_call *call = writer->call->server_call;
    if (call == NULL || call->context.call->method->client_streams) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "only a handler of DoGet can hand a stream over");
    }
    if (cfl_server_has_source(call)) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "the handler handed a stream over before");
    }
    struct cflight_source loaded;
    status = cfl_options_load(&loaded, sizeof loaded, source, reterr);
    if (status == CFLIGHT_OK && (loaded.next == NULL) == (loaded.next_message == NULL)) {
        status = cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "a source has either `next` or `next_message`; this one has both, or none");
    }
    if (status == CFLIGHT_OK && loaded.next != NULL && writer->encoder == NULL) {
        status = cflight_error_set_message(
            reterr, CFLIGHT_FAILED_PRECONDITION,
            "the writer is not started; call cflight_writer_begin() first");
    }
    if (status == CFLIGHT_OK) {
        call->source = loaded;
    }
    return status;
}

/* ---- an Arrow C stream as a source ---- */

struct pulled_stream {
    const struct cflight_allocator *alloc;
    struct ArrowArrayStream stream;
};

static cflight_status next(void *user_data, struct cflight_chunk *ret_chunk, cflight_error **reterr)
{
    struct pulled_stream *pulled = user_data;
    struct ArrowArray batch = {0};
    int code = pulled->stream.get_next(&pulled->stream, &batch);
    if (code != 0) {
        return cfl_stream_failure(&pulled->stream, code, reterr);
    }
    ret_chunk->is_end = batch.release == NULL;
    ret_chunk->has_batch = !ret_chunk->is_end;
    ret_chunk->batch = batch;
    return CFLIGHT_OK;
}

static void release(void *user_data)
{
    struct pulled_stream *pulled = user_data;
    pulled->stream.release(&pulled->stream);
    cfl_free(pulled->alloc, pulled, sizeof *pulled);
}

cflight_status cflight_writer_hand_over_stream(cflight_writer *writer,
                                               struct ArrowArrayStream *stream,
                                               cflight_error **reterr)
{
    struct cflight_source source = CFLIGHT_SOURCE_INIT;
    cflight_status status = cfl_writer_begin_stream(writer, stream, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct pulled_stream *pulled = cfl_alloc_zeroed(writer->call->alloc, sizeof *pulled);
    if (pulled == NULL) {
        return cfl_error_no_memory(reterr);
    }
    pulled->alloc = writer->call->alloc;
    pulled->stream = *stream;
    source.user_data = pulled;
    source.next = next;
    source.release = release;
    status = cflight_writer_hand_over(writer, &source, reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(pulled->alloc, pulled, sizeof *pulled);
        return status;
    }
    stream->release = NULL; /* moved */
    return CFLIGHT_OK;
}
