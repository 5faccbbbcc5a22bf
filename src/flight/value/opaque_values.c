/* SPDX-License-Identifier: Apache-2.0 */
/* Ticket, Result and SchemaResult: messages that are one bytes field, number 1, which is opaque
 * here. Written with one copy of the body. Thread class: free. */
#include <string.h>

#include "base/body.h"
#include "base/error.h"
#include "cflight/types.h"
#include "pb/single_field.h"

enum { BODY_FIELD = 1, BODY_TAG = BODY_FIELD << 3 | 2, HEAD_BYTES_MAX = 11 };

static cflight_status serialize(const char *name, struct cflight_bytes body,
                                cflight_buffer **ret_buffer, cflight_error **reterr)
{
    uint8_t head[HEAD_BYTES_MAX] = {BODY_TAG};
    if (ret_buffer == NULL || (body.data == NULL && body.len_bytes > 0)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "a %s needs bytes to serialize and a place for the result", name);
    }
    size_t head_bytes = body.len_bytes == 0 ? 0 : 1 + cfl_varint_write(head + 1, body.len_bytes);
    if (body.len_bytes > CFLIGHT_MESSAGE_BYTES_MAX - head_bytes) {
        return cflight_error_set(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "%s is too large to serialize: %zu bytes; the limit of protobuf is %d", name,
            body.len_bytes, CFLIGHT_MESSAGE_BYTES_MAX);
    }
    cflight_buffer *buffer = cfl_body_new(NULL, NULL, head_bytes + body.len_bytes);
    if (buffer == NULL) {
        return cfl_error_no_memory(reterr);
    }
    memcpy(cfl_body_data(buffer), head, head_bytes);
    if (body.len_bytes > 0) {
        memcpy(cfl_body_data(buffer) + head_bytes, body.data, body.len_bytes);
    }
    *ret_buffer = buffer;
    return CFLIGHT_OK;
}

static cflight_status parse(struct cflight_bytes bytes, const char *name, cflight_buffer **ret_body,
                            cflight_error **reterr)
{
    struct cflight_bytes body = {NULL, 0};
    if (ret_body == NULL || (bytes.data == NULL && bytes.len_bytes > 0)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "a %s needs bytes to parse and a place for the result", name);
    }
    cflight_status status = cfl_single_field_read(bytes, BODY_FIELD, name, &body, reterr);
    return status != CFLIGHT_OK ? status : cflight_buffer_new_copy(body, ret_body, reterr);
}

cflight_status cflight_ticket_serialize(struct cflight_bytes ticket, cflight_buffer **ret_buffer,
                                        cflight_error **reterr)
{
    return serialize("Ticket", ticket, ret_buffer, reterr);
}

cflight_status cflight_ticket_parse(struct cflight_bytes bytes, cflight_buffer **ret_ticket,
                                    cflight_error **reterr)
{
    return parse(bytes, "Ticket", ret_ticket, reterr);
}

cflight_status cflight_result_serialize(struct cflight_bytes body, cflight_buffer **ret_buffer,
                                        cflight_error **reterr)
{
    return serialize("Result", body, ret_buffer, reterr);
}

cflight_status cflight_result_parse(struct cflight_bytes bytes, cflight_buffer **ret_body,
                                    cflight_error **reterr)
{
    return parse(bytes, "Result", ret_body, reterr);
}

cflight_status cflight_schema_result_serialize(struct cflight_bytes schema,
                                               cflight_buffer **ret_buffer, cflight_error **reterr)
{
    return serialize("SchemaResult", schema, ret_buffer, reterr);
}

cflight_status cflight_schema_result_parse(struct cflight_bytes bytes, cflight_buffer **ret_schema,
                                           cflight_error **reterr)
{
    return parse(bytes, "SchemaResult", ret_schema, reterr);
}
