/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on their way out (gRPC over HTTP/2, "Length-Prefixed-Message"). The prefix and the head
 * of a message are copied into one block, so that they travel in one piece; the body is lent by the
 * user. Blocks are freed in order, once the socket took them. Thread class: one at a time. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "grpc/internal.h"

static void free_first_head(struct cfl_grpc_call *call)
{
    struct cfl_grpc_head *head = call->first_head;
    call->first_head = head->next;
    if (call->first_head == NULL) {
        call->last_head = NULL;
    }
    cfl_free(call->alloc, head, head->size_bytes);
}

void cfl_grpc_heads_free(struct cfl_grpc_call *call)
{
    while (call->first_head != NULL) {
        free_first_head(call);
    }
}

uint64_t cfl_grpc_call_unsent_bytes(const struct cfl_grpc_call *call)
{
    return call->stream == NULL ? 0 : cfl_h2_stream_unsent_bytes(call->stream);
}

bool cfl_grpc_call_is_window_full(const struct cfl_grpc_call *call)
{
    return call->stream != NULL && cfl_h2_stream_is_window_full(call->stream);
}

/* Of the bytes ever queued. */
static uint64_t taken_bytes(const struct cfl_grpc_call *call)
{
    return call->queued_bytes - cfl_grpc_call_unsent_bytes(call);
}

/* Blocks that the socket took. */
static void free_sent_heads(struct cfl_grpc_call *call)
{
    uint64_t sent_bytes = taken_bytes(call);
    while (call->first_head != NULL && call->first_head->end_bytes <= sent_bytes) {
        free_first_head(call);
    }
}

bool cfl_grpc_call_borrows(const struct cfl_grpc_call *call)
{
    return taken_bytes(call) < call->borrowed_bytes;
}

static cflight_status check_sendable(const struct cfl_grpc_call *call, cflight_error **reterr)
{
    if (call->is_over || call->stream == NULL) {
        cflight_status status = call->status == CFLIGHT_OK ? CFLIGHT_CANCELLED : call->status;
        return cflight_error_set(reterr, status, "the call is over: %s",
                                 call->message == NULL ? "" : call->message);
    }
    if (call->is_half_closed || call->is_finished) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "this side of the call was ended before");
    }
    return CFLIGHT_OK;
}

static struct cfl_grpc_head *head_new(const struct cfl_grpc_call *call, struct cflight_bytes head,
                                      uint32_t message_bytes)
{
    size_t size_bytes = sizeof(struct cfl_grpc_head) + CFL_GRPC_PREFIX_BYTES + head.len_bytes;
    struct cfl_grpc_head *block = cfl_alloc(call->alloc, size_bytes);
    if (block == NULL) {
        return NULL;
    }
    block->next = NULL;
    block->size_bytes = size_bytes;
    block->data[0] = 0; /* not compressed */
    for (int i = 0; i < 4; i++) {
        block->data[1 + i] = (uint8_t)(message_bytes >> (24 - 8 * i));
    }
    if (head.len_bytes > 0) {
        memcpy(block->data + CFL_GRPC_PREFIX_BYTES, head.data, head.len_bytes);
    }
    return block;
}

static const struct cfl_h2_field HEADERS[] = {
    CFL_GRPC_LITERAL_FIELD(":status", "200"),
    CFL_GRPC_LITERAL_FIELD("content-type", "application/grpc"),
};

enum { HEADER_COUNT = sizeof HEADERS / sizeof HEADERS[0] };

/* Response headers with metadata. */
static cflight_status submit_headers(const struct cfl_grpc_call *call,
                                     const struct cfl_metadata *metadata, cflight_error **reterr)
{
    struct cfl_grpc_fields fields;
    cfl_grpc_fields_init(&fields, call->alloc);
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        cfl_grpc_fields_add_literal(&fields, &HEADERS[i]);
    }
    cfl_grpc_fields_add_metadata(&fields, metadata);
    const struct cfl_h2_field *views = cfl_grpc_fields_views(&fields);
    cflight_status status =
        views == NULL ? cfl_error_no_memory(reterr)
                      : cfl_h2_submit_headers(call->stream, views, fields.count, false, reterr);
    cfl_grpc_fields_done(&fields);
    return status;
}

static cflight_status send_default_headers(struct cfl_grpc_call *call, cflight_error **reterr)
{
    if (call->conn->role == CFL_GRPC_CLIENT || call->has_headers) {
        return CFLIGHT_OK;
    }
    return cfl_grpc_call_send_headers(call, NULL, reterr);
}

cflight_status cfl_grpc_call_send(struct cfl_grpc_call *call, struct cflight_bytes head,
                                  const struct cfl_pieces *body, cflight_error **reterr)
{
    cflight_status status = check_sendable(call, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    uint64_t message_bytes = (uint64_t)head.len_bytes + (body == NULL ? 0 : body->len_bytes);
    if (message_bytes > UINT32_MAX) {
        return cfl_error_set_size_limit(reterr, "a gRPC message", message_bytes, UINT32_MAX);
    }
    size_t view_count = body == NULL ? 0 : body->count;
    struct cfl_grpc_head *block = head_new(call, head, (uint32_t)message_bytes);
    if (block == NULL) {
        return cfl_error_no_memory(reterr);
    }
    status = send_default_headers(call, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_h2_stream_reserve(call->stream, view_count + 1, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_free(call->alloc, block, block->size_bytes);
        return status;
    }
    free_sent_heads(call);
    struct cflight_bytes view =
        cflight_bytes_make(block->data, CFL_GRPC_PREFIX_BYTES + head.len_bytes);
    call->queued_bytes += view.len_bytes;
    block->end_bytes = call->queued_bytes;
    if (call->last_head == NULL) {
        call->first_head = block;
    } else {
        call->last_head->next = block;
    }
    call->last_head = block;
    status = cfl_h2_stream_send(call->stream, &view, 1, reterr);
    if (status == CFLIGHT_OK && view_count > 0) {
        call->queued_bytes += body->len_bytes;
        call->borrowed_bytes = call->queued_bytes;
        status = cfl_h2_stream_send(call->stream, body->items, view_count, reterr);
    }
    return status;
}

cflight_status cfl_grpc_call_half_close(struct cfl_grpc_call *call, cflight_error **reterr)
{
    cflight_status status = check_sendable(call, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_h2_stream_end(call->stream, reterr);
    call->is_half_closed = status == CFLIGHT_OK;
    return status;
}

cflight_status cfl_grpc_call_send_headers(struct cfl_grpc_call *call,
                                          const struct cfl_metadata *metadata,
                                          cflight_error **reterr)
{
    cflight_status status = check_sendable(call, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (call->conn->role == CFL_GRPC_CLIENT || call->has_headers) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "the headers of the call were sent before");
    }
    status = metadata == NULL || metadata->count == 0
                 ? cfl_h2_submit_headers(call->stream, HEADERS, HEADER_COUNT, false, reterr)
                 : submit_headers(call, metadata, reterr);
    call->has_headers = status == CFLIGHT_OK;
    return status;
}
