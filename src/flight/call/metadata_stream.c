/* SPDX-License-Identifier: Apache-2.0 */
/* PutResult messages. Thread class: one at a time, beside the other direction of the call. */
#include "flight/call/metadata_stream.h"

#include "base/alloc.h"
#include "base/error.h"
#include "pb/single_field.h"

cflight_status cfl_metadata_reader_new(struct cfl_call *call, cflight_metadata_reader **ret_reader,
                                       cflight_error **reterr)
{
    cflight_metadata_reader *reader = cfl_alloc_zeroed(call->alloc, sizeof *reader);
    if (reader == NULL) {
        return cfl_error_no_memory(reterr);
    }
    reader->call = cfl_call_ref(call);
    *ret_reader = reader;
    return CFLIGHT_OK;
}

void cflight_metadata_reader_free(cflight_metadata_reader *reader)
{
    if (reader != NULL) {
        const struct cflight_allocator *alloc = reader->call->alloc;
        cfl_call_notify(reader->call, false, NULL, NULL);
        cfl_call_unref(reader->call);
        cfl_free(alloc, reader, sizeof *reader);
    }
}

cflight_status cfl_call_receive_field(struct cfl_call *call, int64_t timeout_ns, bool *ret_is_ready,
                                      uint32_t field, const char *name, cflight_buffer **ret_value,
                                      cflight_error **reterr)
{
    struct cfl_message message = {0};
    struct cflight_bytes value = {NULL, 0};
    bool has_message = false;
    cflight_status status =
        cfl_call_receive(call, timeout_ns, ret_is_ready, &has_message, &message, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    *ret_value = NULL;
    if (has_message) {
        status =
            cfl_single_field_read(cflight_buffer_bytes(message.raw), field, name, &value, reterr);
        if (status == CFLIGHT_OK) {
            status = cflight_buffer_new_copy(value, ret_value, reterr);
        }
        cfl_message_done(&message);
    }
    return status;
}

cflight_status cflight_metadata_reader_try_next(cflight_metadata_reader *reader, int64_t timeout_ms,
                                                bool *ret_is_ready, cflight_buffer **ret_metadata,
                                                cflight_error **reterr)
{
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(reader), CFL_ARG(ret_is_ready), CFL_ARG(ret_metadata));
    return status != CFLIGHT_OK
               ? status
               : cfl_call_receive_field(reader->call, cfl_duration_from_ms(timeout_ms),
                                        ret_is_ready, CFL_FIELD_PUT_RESULT_METADATA, "PutResult",
                                        ret_metadata, reterr);
}

cflight_status cflight_metadata_reader_next(cflight_metadata_reader *reader,
                                            cflight_buffer **ret_metadata, cflight_error **reterr)
{
    bool is_ready = false;
    return cflight_metadata_reader_try_next(reader, -1, &is_ready, ret_metadata, reterr);
}

cflight_status cflight_metadata_writer_write(cflight_metadata_writer *writer,
                                             struct cflight_bytes app_metadata,
                                             cflight_error **reterr)
{
    if (writer == NULL) {
        return cfl_error_null_argument(reterr, "writer");
    }
    cfl_buf_clear(&writer->message);
    if (!cfl_field_write(&writer->message, CFL_FIELD_PUT_RESULT_METADATA, app_metadata)) {
        return cfl_error_no_memory(reterr);
    }
    return cfl_call_send(writer->call, cfl_buf_bytes(&writer->message), reterr);
}
