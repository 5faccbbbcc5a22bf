/* SPDX-License-Identifier: Apache-2.0 */
/* Header blocks: collecting the fields of one as nghttp2 decodes them, and the way out.
 *
 * A block is contiguous on the wire (RFC 9113 4.3), so one collection per session is enough. Fields
 * past the limits are counted and dropped while decoding goes on, which keeps the HPACK state, and
 * with it every other stream; a block many times over the limit ends the session, because decoding
 * it is the attack. Thread class: one at a time. */
#include <string.h>

#include "base/alloc.h"
#include "h2/internal.h"

enum { BLOCK_TIMES_LIMIT_MAX = 16 };

static void block_reset(struct cfl_h2_block *block)
{
    cfl_buf_clear(&block->text);
    block->field_count = 0;
    block->size_bytes = 0;
    block->is_too_large = false;
}

void cfl_h2_block_done(struct cfl_h2_session *session)
{
    struct cfl_h2_block *block = &session->block;
    cfl_buf_done(&block->text);
    cfl_free_array(session->alloc, block->fields, block->field_capacity, sizeof *block->fields);
    cfl_free_array(session->alloc, block->views, block->view_capacity, sizeof *block->views);
}

int cfl_h2_on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *user_data)
{
    struct cfl_h2_session *session = user_data;
    block_reset(&session->block);
    if (session->role == CFL_H2_CLIENT || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    struct cfl_h2_stream *stream = cfl_h2_stream_new(session, frame->hd.stream_id);
    if (stream == NULL) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    (void)nghttp2_session_set_stream_user_data(ng, frame->hd.stream_id, stream);
    return 0;
}

static bool block_add(struct cfl_h2_session *session, const uint8_t *name, size_t name_bytes,
                      const uint8_t *value, size_t value_bytes, bool is_sensitive)
{
    struct cfl_h2_block *block = &session->block;
    if (!cfl_grow_array(session->alloc, (void **)&block->fields, &block->field_capacity,
                        block->field_count + 1, sizeof *block->fields)) {
        return false;
    }
    struct cfl_h2_block_field *field = &block->fields[block->field_count];
    field->name_offset = block->text.len_bytes;
    field->name_bytes = name_bytes;
    field->value_offset = block->text.len_bytes + name_bytes;
    field->value_bytes = value_bytes;
    field->is_sensitive = is_sensitive;
    if (!cfl_buf_append(&block->text, name, name_bytes) ||
        !cfl_buf_append(&block->text, value, value_bytes)) {
        return false;
    }
    block->field_count++;
    return true;
}

int cfl_h2_on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags,
                     void *user_data)
{
    (void)ng;
    (void)frame;
    struct cfl_h2_session *session = user_data;
    struct cfl_h2_block *block = &session->block;
    if (session->failure != CFLIGHT_OK) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    block->size_bytes += (uint64_t)name_bytes + value_bytes + CFL_H2_FIELD_OVERHEAD_BYTES;
    if (block->size_bytes > (uint64_t)session->limits.metadata_bytes_max * BLOCK_TIMES_LIMIT_MAX) {
        cfl_h2_session_fail(
            session, CFL_H2_ENHANCE_YOUR_CALM, CFLIGHT_RESOURCE_EXHAUSTED,
            "a header block of the peer is more than %d times the limit of %u bytes",
            BLOCK_TIMES_LIMIT_MAX, session->limits.metadata_bytes_max);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (block->size_bytes > session->limits.metadata_bytes_max ||
        block->field_count >= session->limits.metadata_fields_max) {
        block->is_too_large = true;
        return 0;
    }
    bool is_sensitive = (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
    if (!block_add(session, name, name_bytes, value, value_bytes, is_sensitive)) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return 0;
}

void cfl_h2_block_deliver(struct cfl_h2_session *session, struct cfl_h2_stream *stream,
                          bool is_end_stream)
{
    struct cfl_h2_block *block = &session->block;
    if (!cfl_grow_array(session->alloc, (void **)&block->views, &block->view_capacity,
                        block->field_count, sizeof *block->views)) {
        cfl_h2_session_break(session, NGHTTP2_ERR_NOMEM);
        return;
    }
    const uint8_t *text = block->text.data;
    for (size_t i = 0; i < block->field_count; i++) {
        const struct cfl_h2_block_field *field = &block->fields[i];
        struct cfl_h2_field *view = &block->views[i];
        view->name = cflight_bytes_make(text + field->name_offset, field->name_bytes);
        view->value = cflight_bytes_make(text + field->value_offset, field->value_bytes);
        view->is_sensitive = field->is_sensitive;
    }
    stream->is_announced = true;
    session->callbacks.on_headers(session->user_data, stream, block->views, block->field_count,
                                  is_end_stream, block->is_too_large);
}

nghttp2_nv *cfl_h2_nv_new(const struct cflight_allocator *alloc, const struct cfl_h2_field *fields,
                          size_t field_count)
{
    nghttp2_nv *pairs = cfl_alloc_array(alloc, field_count, sizeof *pairs);
    if (pairs == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < field_count; i++) {
        pairs[i].name = (uint8_t *)(uintptr_t)fields[i].name.data;
        pairs[i].namelen = fields[i].name.len_bytes;
        pairs[i].value = (uint8_t *)(uintptr_t)fields[i].value.data;
        pairs[i].valuelen = fields[i].value.len_bytes;
        pairs[i].flags = fields[i].is_sensitive ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
    }
    return pairs;
}
