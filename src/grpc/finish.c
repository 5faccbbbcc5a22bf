/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a call at the server: status, message and trailers, within what peers accept.
 *
 * Clients refuse header lists over 8 KiB (gRPC C-core's soft limit), and a refused list loses the
 * status too. So the message is cut first, then the Arrow status texts, and other fields that do
 * not fit are left out; the status always goes. Thread class: one at a time. gRPC over HTTP/2,
 * "Responses". */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "grpc/internal.h"

enum {
    LIST_BYTES_MAX = 8 << 10,
    MESSAGE_BYTES_MAX = 4 << 10,
    MESSAGE_BYTES_KEPT = 1 << 10, /* of a message, when trailers want the room */
    TEXT_BYTES_KEPT = 64,         /* a text shorter than this is not worth sending */
    TEXT_ROOM_LEAST = 512,        /* for a text that is cut to leave room for others */
    DECIMAL_BYTES = 16,
};

/* Texts that stay useful when they are cut; other binary values do not. */
static bool may_be_cut(struct cflight_bytes name)
{
    return cfl_grpc_name_is(name, "x-arrow-status-message-bin") ||
           cfl_grpc_name_is(name, "x-arrow-status-detail-bin");
}

static void add_message(struct cfl_grpc_fields *fields, const char *message, uint64_t trailer_bytes)
{
    struct cflight_bytes text = cflight_bytes_from_text(message);
    if (text.len_bytes == 0) {
        return;
    }
    uint64_t used_bytes =
        fields->size_bytes + trailer_bytes + CFL_H2_FIELD_OVERHEAD_BYTES + sizeof "grpc-message";
    uint64_t room_bytes = used_bytes < LIST_BYTES_MAX ? LIST_BYTES_MAX - used_bytes : 0;
    room_bytes = room_bytes < MESSAGE_BYTES_KEPT ? MESSAGE_BYTES_KEPT : room_bytes;
    room_bytes = room_bytes > MESSAGE_BYTES_MAX ? MESSAGE_BYTES_MAX : room_bytes;
    struct cfl_buf encoded;
    cfl_buf_init(&encoded, fields->alloc);
    if (cfl_grpc_percent_encode(text, (size_t)room_bytes, &encoded)) {
        cfl_grpc_fields_add_header(fields, cflight_bytes_from_text("grpc-message"),
                                   cfl_buf_bytes(&encoded));
    } else {
        fields->failed = true;
    }
    cfl_buf_done(&encoded);
}

/* `later_bytes` is what the fields after this one want. */
static void add_trailer(struct cfl_grpc_fields *fields, const struct cflight_header *field,
                        uint64_t later_bytes)
{
    uint64_t room_bytes =
        fields->size_bytes < LIST_BYTES_MAX ? LIST_BYTES_MAX - fields->size_bytes : 0;
    uint64_t size_bytes = cfl_grpc_field_size(field->name, field->value);
    if (size_bytes + later_bytes <= room_bytes ||
        (size_bytes <= room_bytes && !may_be_cut(field->name))) {
        cfl_grpc_fields_add_header(fields, field->name, field->value);
        return;
    }
    if (!may_be_cut(field->name)) {
        return;
    }
    /* What the later fields leave, or half when they want nearly everything. */
    uint64_t share_bytes = room_bytes / 2;
    if (later_bytes + TEXT_ROOM_LEAST <= room_bytes) {
        share_bytes = room_bytes - later_bytes;
    }
    uint64_t fixed_bytes = field->name.len_bytes + CFL_H2_FIELD_OVERHEAD_BYTES + 4;
    if (share_bytes < fixed_bytes + TEXT_BYTES_KEPT) {
        return;
    }
    struct cflight_bytes value = field->value;
    value.len_bytes = cfl_grpc_utf8_cut(value, (size_t)(share_bytes - fixed_bytes) / 4 * 3);
    cfl_grpc_fields_add_header(fields, field->name, value);
}

static uint64_t wanted_bytes(const struct cfl_metadata *metadata, size_t first)
{
    uint64_t size_bytes = 0;
    for (size_t i = first; i < metadata->count; i++) {
        size_bytes += cfl_grpc_field_size(metadata->fields[i].name, metadata->fields[i].value);
    }
    return size_bytes;
}

static void add_status(struct cfl_grpc_fields *fields, cflight_status status, const char *message,
                       const struct cfl_metadata *trailers)
{
    char decimal[DECIMAL_BYTES];
    (void)snprintf(decimal, sizeof decimal, "%d", (int)status);
    cfl_grpc_fields_add(fields, "grpc-status", decimal);
    uint64_t left_bytes = trailers == NULL ? 0 : wanted_bytes(trailers, 0);
    add_message(fields, message, left_bytes);
    for (size_t i = 0; trailers != NULL && i < trailers->count; i++) {
        const struct cflight_header *field = &trailers->fields[i];
        left_bytes -= cfl_grpc_field_size(field->name, field->value);
        add_trailer(fields, field, left_bytes);
    }
}

cflight_status cfl_grpc_stream_finish(struct cfl_grpc_conn *conn, struct cfl_h2_stream *stream,
                                      bool has_headers, int http_status, cflight_status status,
                                      const char *message, const struct cfl_metadata *trailers,
                                      cflight_error **reterr)
{
    struct cfl_grpc_fields fields;
    cfl_grpc_fields_init(&fields, conn->alloc);
    if (!has_headers) {
        char decimal[DECIMAL_BYTES];
        (void)snprintf(decimal, sizeof decimal, "%d", http_status);
        cfl_grpc_fields_add(&fields, ":status", decimal);
        cfl_grpc_fields_add(&fields, "content-type", "application/grpc");
    }
    add_status(&fields, status, message, trailers);
    const struct cfl_h2_field *views = cfl_grpc_fields_views(&fields);
    cflight_status result = CFLIGHT_OK;
    if (views == NULL) {
        result = cfl_error_no_memory(reterr);
    } else if (has_headers) {
        result = cfl_h2_stream_trailers(stream, views, fields.count, reterr);
    } else {
        result = cfl_h2_submit_headers(stream, views, fields.count, true, reterr);
    }
    cfl_grpc_fields_done(&fields);
    return result;
}

void cfl_grpc_send_status(struct cfl_grpc_call *call, cflight_status status, const char *message,
                          const struct cfl_metadata *trailers)
{
    if (cfl_grpc_stream_finish(call->conn, call->stream, call->has_headers, 200, status, message,
                               trailers, NULL) != CFLIGHT_OK) {
        cfl_h2_stream_reset(call->stream, CFL_H2_INTERNAL_ERROR);
    }
}

void cfl_grpc_call_finish(struct cfl_grpc_call *call, cflight_status status, const char *message,
                          const struct cfl_metadata *trailers)
{
    if (call->is_over || call->is_finished || call->stream == NULL) {
        return;
    }
    const char *text = message == NULL ? "" : message;
    call->is_finished = true;
    call->status = status;
    call->message = cfl_strndup(call->alloc, text, strlen(text));
    cfl_grpc_send_status(call, status, text, trailers);
}
