/* SPDX-License-Identifier: Apache-2.0 */
/* Writing all batches of an Arrow C stream.
 *
 * Spec: The Arrow C stream interface. Thread class: one at a time. */
#include "flight/call/writer.h"

#include "base/error.h"

cflight_status cfl_stream_failure(struct ArrowArrayStream *stream, int code, cflight_error **reterr)
{
    const char *reason = stream->get_last_error(stream);
    return cfl_error_set_os(reterr, CFLIGHT_INTERNAL, code, "the stream to write failed: %s",
                            reason == NULL ? "it gave no reason" : reason);
}

cflight_status cfl_writer_begin_stream(cflight_writer *writer, struct ArrowArrayStream *stream,
                                       cflight_error **reterr)
{
    cflight_status status = cfl_writer_check_open(writer, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (stream == NULL || stream->release == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the stream is NULL or released");
    }
    if (writer->encoder != NULL) {
        return CFLIGHT_OK;
    }
    struct ArrowSchema schema = {0};
    int code = stream->get_schema(stream, &schema);
    if (code != 0) {
        return cfl_stream_failure(stream, code, reterr);
    }
    status = cflight_writer_begin(writer, &schema, NULL, reterr);
    schema.release(&schema);
    return status;
}

cflight_status cflight_writer_write_stream(cflight_writer *writer, struct ArrowArrayStream *stream,
                                           cflight_error **reterr)
{
    cflight_status status = cfl_writer_begin_stream(writer, stream, reterr);
    while (status == CFLIGHT_OK) {
        struct ArrowArray batch = {0};
        int code = stream->get_next(stream, &batch);
        if (code != 0) {
            return cfl_stream_failure(stream, code, reterr);
        }
        if (batch.release == NULL) {
            break;
        }
        status = cflight_writer_write(writer, &batch, NULL, reterr);
        batch.release(&batch);
    }
    return status;
}
