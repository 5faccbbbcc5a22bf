/* SPDX-License-Identifier: Apache-2.0 */
/* One FlightData message from its parts: sizes are checked before anything is queued, so that a
 * refusal leaves the stream as it was. Spec: flight-api, FlightData framing, size limits. Thread
 * class: one at a time. */
#include <inttypes.h>

#include "base/error.h"
#include "cflight/types.h"
#include "flight/call/writer.h"

enum { ARROW_CODE_CAPACITY_ERROR = 6 };

static cflight_status fail_overflow(const char *what, size_t len_bytes, cflight_error **reterr)
{
    cflight_status status =
        cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                          "%s size overflow (>= 2**31): %zu bytes", what, len_bytes);
    if (reterr != NULL) {
        cflight_error_set_arrow_code(*reterr, ARROW_CODE_CAPACITY_ERROR);
    }
    return status;
}

static cflight_status fail_limit(const cflight_writer *writer, uint64_t total_bytes,
                                 cflight_error **reterr)
{
    cflight_status status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                              "IPC payload size exceeded soft limit: %" PRIu64
                                              " bytes, the limit is %" PRIu64,
                                              total_bytes, writer->size_limit_bytes);
    if (reterr != NULL) {
        cfl_error_set_size_numbers(*reterr, writer->size_limit_bytes, total_bytes);
    }
    return status;
}

cflight_status cfl_writer_check(const cflight_writer *writer, size_t descriptor_bytes,
                                const struct cfl_encoded *encoded,
                                struct cflight_bytes app_metadata, cflight_error **reterr)
{
    if (descriptor_bytes > CFLIGHT_MESSAGE_BYTES_MAX) {
        return fail_overflow("Descriptor", descriptor_bytes, reterr);
    }
    if (app_metadata.len_bytes > CFLIGHT_MESSAGE_BYTES_MAX) {
        return fail_overflow("app_metadata", app_metadata.len_bytes, reterr);
    }
    if (encoded == NULL) {
        return CFLIGHT_OK;
    }
    if (encoded->body_len_bytes > CFLIGHT_MESSAGE_BYTES_MAX) {
        return cflight_error_set(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "Cannot send record batches exceeding 2GiB yet: this one has %" PRIu64 " bytes",
            encoded->body_len_bytes);
    }
    uint64_t total_bytes = descriptor_bytes + encoded->header.len_bytes + app_metadata.len_bytes +
                           encoded->body_len_bytes;
    if (writer->size_limit_bytes > 0 && total_bytes > writer->size_limit_bytes) {
        return fail_limit(writer, total_bytes, reterr);
    }
    return CFLIGHT_OK;
}

/* Writes everything but the body into the writer's buffer. */
static cflight_status write_head(cflight_writer *writer, struct cflight_bytes descriptor,
                                 const struct cfl_encoded *encoded,
                                 const struct cfl_share_name *share_name,
                                 struct cflight_bytes app_metadata, cflight_error **reterr)
{
    struct cflight_bytes none = {NULL, 0};
    bool has_body = encoded != NULL && encoded->body != NULL && share_name == NULL;
    cflight_status status =
        cfl_writer_check(writer, descriptor.len_bytes, encoded, app_metadata, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_buf_clear(&writer->head);
    if (!cfl_flight_data_write_head(&writer->head, descriptor,
                                    encoded == NULL ? none : encoded->header, app_metadata,
                                    has_body, has_body ? encoded->body_len_bytes : 0) ||
        (share_name != NULL && !cfl_flight_data_write_share(&writer->head, share_name))) {
        return cfl_error_no_memory(reterr);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_writer_post(cflight_writer *writer, struct cflight_bytes descriptor,
                               const struct cfl_encoded *encoded,
                               const struct cfl_share_name *share_name,
                               struct cflight_bytes app_metadata, cflight_error **reterr)
{
    cflight_status status =
        write_head(writer, descriptor, encoded, share_name, app_metadata, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return cfl_call_post(writer->call, cfl_buf_bytes(&writer->head),
                         encoded == NULL || share_name != NULL ? NULL : encoded->body, reterr);
}

cflight_status cfl_writer_send(cflight_writer *writer, struct cflight_bytes descriptor,
                               const struct cfl_encoded *encoded, struct cflight_bytes app_metadata,
                               cflight_error **reterr)
{
    cflight_status status = write_head(writer, descriptor, encoded, NULL, app_metadata, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_bytes message = cfl_buf_bytes(&writer->head);
    return writer->never_waits ? cfl_call_post(writer->call, message, NULL, reterr)
                               : cfl_call_send(writer->call, message, reterr);
}
