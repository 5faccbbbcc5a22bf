/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on their way out (gRPC over HTTP/2, "Length-Prefixed-Message"). The prefix and the head
 * of a message are copied into one block, so that they travel in one piece; the body is lent by the
 * user, or copied behind them. Messages that are copied one after the other share a block, and so
 * travel in one piece too. Blocks are freed in order, once the socket took them. Thread class: one
 * at a time. */
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

static size_t room_bytes(const struct cfl_grpc_head *block)
{
    return block->size_bytes - sizeof *block - block->len_bytes;
}

/* The block that the next `len_bytes` are copied to: the last one, or a new one with room for at
 * least `room_bytes_min`. NULL when memory ran out. */
static struct cfl_grpc_head *block_for(struct cfl_grpc_call *call, size_t len_bytes,
                                       size_t room_bytes_min)
{
    struct cfl_grpc_head *block = call->last_head;
    if (block != NULL && room_bytes(block) >= len_bytes) {
        return block;
    }
    size_t size_bytes = sizeof *block + (len_bytes > room_bytes_min ? len_bytes : room_bytes_min);
    block = cfl_alloc(call->alloc, size_bytes);
    if (block == NULL) {
        return NULL;
    }
    block->next = NULL;
    block->size_bytes = size_bytes;
    block->len_bytes = 0;
    block->end_bytes = call->queued_bytes;
    if (call->last_head == NULL) {
        call->first_head = block;
    } else {
        call->last_head->next = block;
    }
    call->last_head = block;
    return block;
}

static uint8_t *put(uint8_t *target, struct cflight_bytes bytes)
{
    if (bytes.len_bytes > 0) {
        memcpy(target, bytes.data, bytes.len_bytes);
    }
    return target + bytes.len_bytes;
}

/* Writes a prefix, the head and the copied part of the body, for which there is room. */
static struct cflight_bytes write_message(struct cfl_grpc_head *block, uint32_t message_bytes,
                                          struct cflight_bytes head, const struct cfl_pieces *body)
{
    uint8_t *start = block->data + block->len_bytes;
    uint8_t *end = start + CFL_GRPC_PREFIX_BYTES;
    start[0] = 0; /* not compressed */
    for (int i = 0; i < 4; i++) {
        start[1 + i] = (uint8_t)(message_bytes >> (24 - 8 * i));
    }
    end = put(end, head);
    for (size_t i = 0; body != NULL && i < body->count; i++) {
        end = put(end, body->items[i]);
    }
    block->len_bytes = (size_t)(end - block->data);
    return cflight_bytes_make(start, (size_t)(end - start));
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

/* Queues a message: its head and `copied` (may be NULL) copied, `lent` (may be NULL) as it is. */
static cflight_status queue(struct cfl_grpc_call *call, struct cflight_bytes head,
                            const struct cfl_pieces *copied, const struct cfl_pieces *lent,
                            size_t room_bytes_min, cflight_error **reterr)
{
    cflight_status status = check_sendable(call, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    uint64_t copied_bytes = (uint64_t)head.len_bytes + (copied == NULL ? 0 : copied->len_bytes);
    uint64_t message_bytes = copied_bytes + (lent == NULL ? 0 : lent->len_bytes);
    if (message_bytes > UINT32_MAX) {
        return cfl_error_set_size_limit(reterr, "a gRPC message", message_bytes, UINT32_MAX);
    }
    free_sent_heads(call);
    size_t view_count = lent == NULL ? 0 : lent->count;
    struct cfl_grpc_head *block =
        block_for(call, CFL_GRPC_PREFIX_BYTES + (size_t)copied_bytes, room_bytes_min);
    if (block == NULL) {
        return cfl_error_no_memory(reterr);
    }
    status = send_default_headers(call, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_h2_stream_reserve(call->stream, view_count + 1, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_bytes view = write_message(block, (uint32_t)message_bytes, head, copied);
    call->queued_bytes += view.len_bytes;
    block->end_bytes = call->queued_bytes;
    status = cfl_h2_stream_send(call->stream, &view, 1, reterr);
    if (status == CFLIGHT_OK && view_count > 0) {
        call->queued_bytes += lent->len_bytes;
        call->borrowed_bytes = call->queued_bytes;
        status = cfl_h2_stream_send(call->stream, lent->items, view_count, reterr);
    }
    return status;
}

cflight_status cfl_grpc_call_send(struct cfl_grpc_call *call, struct cflight_bytes head,
                                  const struct cfl_pieces *body, cflight_error **reterr)
{
    return queue(call, head, NULL, body, 0, reterr);
}

cflight_status cfl_grpc_call_send_copy(struct cfl_grpc_call *call, struct cflight_bytes head,
                                       const struct cfl_pieces *body, size_t more_bytes,
                                       cflight_error **reterr)
{
    return queue(call, head, body, NULL, more_bytes, reterr);
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
