/* SPDX-License-Identifier: Apache-2.0 */
/* Header blocks: collecting the fields of one as nghttp2 decodes them, and the way out.
 *
 * A block is contiguous on the wire (RFC 9113 4.3), so one collection per session is enough. Fields
 * past the limits are counted and dropped while decoding goes on, which keeps the HPACK state, and
 * with it every other stream; a block many times over the limit ends the session, because decoding
 * it is the attack. nghttp2 does not check fields: blanks at the edges of values are cut off (RFC
 * 9110 5.5 has none there), and a byte that could end a line or a text costs the stream. Thread
 * class: one at a time. */
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "h2/internal.h"

static void block_reset(struct cfl_h2_block *block)
{
    cfl_buf_clear(&block->text);
    block->field_count = 0;
    block->size_bytes = 0;
    block->seen_count = 0;
    block->filler_count = 0;
    block->has_long_field = false;
    block->is_too_large = false;
}

void cfl_h2_block_done(struct cfl_h2_session *session)
{
    struct cfl_h2_block *block = &session->block;
    cfl_buf_done(&block->text);
    cfl_buf_done(&block->long_name);
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
    uint8_t *text = cfl_buf_space(&block->text, name_bytes + value_bytes);
    if (text == NULL) {
        return false;
    }
    memcpy(text, name, name_bytes);
    memcpy(text + name_bytes, value, value_bytes);
    struct cfl_h2_block_field *field = &block->fields[block->field_count++];
    field->name_offset = block->text.len_bytes;
    field->name_bytes = name_bytes;
    field->value_offset = field->name_offset + name_bytes;
    field->value_bytes = value_bytes;
    field->is_sensitive = is_sensitive;
    cfl_buf_add_len(&block->text, name_bytes + value_bytes);
    return true;
}

/* Whether one of the eight bytes may be a control character; a word at a time. */
static bool may_hold_control(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t deletes = word ^ (ones * 0x7f);
    return (((word - ones * 0x20) & ~word) | ((deletes - ones) & ~deletes)) & (ones * 0x80);
}

/* RFC 9110 5.5: bytes that no value holds. Peers that are strict about it never send them. */
static bool is_value_valid(struct cflight_bytes value)
{
    size_t start = 0;
    for (uint64_t word = 0; start + sizeof word <= value.len_bytes; start += sizeof word) {
        memcpy(&word, value.data + start, sizeof word);
        if (may_hold_control(word)) {
            break; /* a tab, perhaps */
        }
    }
    for (size_t i = start; i < value.len_bytes; i++) {
        if ((value.data[i] < 0x20 && value.data[i] != '\t') || value.data[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

/* RFC 9113 8.2.1: a name has no capital letters either, so those above compare names as bytes. */
static bool is_name_valid(struct cflight_bytes name)
{
    bool is_bad = false;
    for (size_t i = 0; i < name.len_bytes; i++) {
        uint8_t byte = name.data[i];
        is_bad |= (uint8_t)(byte - 0x21) >= 0x7f - 0x21 || (uint8_t)(byte - 'A') <= 'Z' - 'A';
    }
    return !is_bad;
}

static void note_fault(struct cfl_h2_session *session, int32_t stream_id, const char *fault)
{
    struct cfl_h2_stream *stream = cfl_h2_stream_find(session, stream_id);
    if (stream != NULL) {
        stream->fault = fault;
    }
}

/* Counts the field and keeps it when the limits allow. Returns nghttp2's code. */
static int take_field(struct cfl_h2_session *session, int32_t stream_id, struct cflight_bytes name,
                      struct cflight_bytes value, bool is_sensitive)
{
    struct cfl_h2_block *block = &session->block;
    block->size_bytes += (uint64_t)name.len_bytes + value.len_bytes + CFL_H2_FIELD_OVERHEAD_BYTES;
    if (block->size_bytes > cfl_h2_block_bytes_max(session)) {
        cfl_h2_block_fail(session);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (block->size_bytes > session->limits.metadata_bytes_max ||
        block->field_count >= session->limits.metadata_fields_max) {
        block->is_too_large = true;
        return 0;
    }
    value = cfl_ascii_trim(value);
    if (!is_value_valid(value) || !is_name_valid(name)) {
        note_fault(session, stream_id, "a header field holds a byte that HTTP forbids there");
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return block_add(session, name.data, name.len_bytes, value.data, value.len_bytes, is_sensitive)
               ? 0
               : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* A field that was rewritten on its way in. nghttp2 has seen the first part of its value, and the
 * rest may still be on its way. */
static int begin_long_field(struct cfl_h2_session *session, struct cflight_bytes name,
                            const struct cfl_h2_long_field *field, bool is_sensitive)
{
    struct cfl_h2_block *block = &session->block;
    block->filler_count = field->filler_count;
    if (!field->is_kept) {
        block->size_bytes += field->length_bytes;
        block->is_too_large = true;
        return 0;
    }
    block->has_long_field = true;
    block->long_field = *field;
    block->long_is_sensitive = is_sensitive;
    cfl_buf_clear(&block->long_name);
    return cfl_buf_append_bytes(&block->long_name, name) ? 0
                                                         : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* Takes it, now that what follows it has come. */
static int end_long_field(struct cfl_h2_session *session, int32_t stream_id)
{
    struct cfl_h2_block *block = &session->block;
    struct cfl_buf value;
    if (!block->has_long_field) {
        return 0;
    }
    block->has_long_field = false;
    cfl_buf_init(&value, session->alloc);
    int code = NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (cfl_h2_scan_value(session, &block->long_field, &value)) {
        code = take_field(session, stream_id, cfl_buf_bytes(&block->long_name),
                          cfl_buf_bytes(&value), block->long_is_sensitive);
    } else {
        note_fault(session, stream_id, "a header field is not Huffman code");
    }
    cfl_buf_done(&value);
    return code;
}

int cfl_h2_on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags,
                     void *user_data)
{
    (void)ng;
    struct cfl_h2_session *session = user_data;
    struct cfl_h2_block *block = &session->block;
    struct cfl_h2_long_field long_field;
    struct cflight_bytes name_view = {name, name_bytes};
    bool is_sensitive = (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
    size_t index = block->seen_count++;
    if (session->failure != CFLIGHT_OK) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (block->filler_count > 0) {
        block->filler_count--;
        return 0;
    }
    int code = end_long_field(session, frame->hd.stream_id);
    if (code != 0) {
        return code;
    }
    if (cfl_h2_scan_take(session, index, &long_field)) {
        return begin_long_field(session, name_view, &long_field, is_sensitive);
    }
    return take_field(session, frame->hd.stream_id, name_view,
                      cflight_bytes_make(value, value_bytes), is_sensitive);
}

bool cfl_h2_block_deliver(struct cfl_h2_session *session, struct cfl_h2_stream *stream,
                          bool is_end_stream)
{
    struct cfl_h2_block *block = &session->block;
    if (end_long_field(session, stream->id) != 0) {
        return false;
    }
    if (!cfl_grow_array(session->alloc, (void **)&block->views, &block->view_capacity,
                        block->field_count, sizeof *block->views)) {
        cfl_h2_session_break(session, NGHTTP2_ERR_NOMEM);
        return true;
    }
    const uint8_t *text = block->text.data;
    for (size_t i = 0; i < block->field_count; i++) {
        const struct cfl_h2_block_field *field = &block->fields[i];
        struct cfl_h2_field *view = &block->views[i];
        view->name = cflight_bytes_make(text + field->name_offset, field->name_bytes);
        view->value = cflight_bytes_make(text + field->value_offset, field->value_bytes);
        view->is_sensitive = field->is_sensitive;
        view->is_static = false;
    }
    stream->is_announced = true;
    session->callbacks.on_headers(session->user_data, stream, block->views, block->field_count,
                                  is_end_stream, block->is_too_large);
    return true;
}

nghttp2_nv *cfl_h2_pairs(struct cfl_h2_session *session, const struct cfl_h2_field *fields,
                         size_t field_count)
{
    if (!cfl_grow_array(session->alloc, (void **)&session->pairs, &session->pair_capacity,
                        field_count, sizeof *session->pairs)) {
        return NULL;
    }
    for (size_t i = 0; i < field_count; i++) {
        nghttp2_nv *pair = &session->pairs[i];
        pair->name = (uint8_t *)(uintptr_t)fields[i].name.data;
        pair->namelen = fields[i].name.len_bytes;
        pair->value = (uint8_t *)(uintptr_t)fields[i].value.data;
        pair->valuelen = fields[i].value.len_bytes;
        pair->flags = NGHTTP2_NV_FLAG_NONE;
        if (fields[i].is_sensitive) {
            pair->flags |= NGHTTP2_NV_FLAG_NO_INDEX;
        }
        if (fields[i].is_static) {
            pair->flags |= NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
        }
    }
    return session->pairs;
}
