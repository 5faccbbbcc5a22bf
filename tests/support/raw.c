/* SPDX-License-Identifier: Apache-2.0 */
/* Frames by hand. Header blocks use literals without Huffman coding, which every decoder must take.
 */
#include "raw.h"

#include <stdlib.h>

enum { FRAME_HEADER_BYTES = 9, PREFACE_BYTES = 24 };
static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

void t_raw_done(struct t_raw *raw)
{
    free(raw->data);
    memset(raw, 0, sizeof *raw);
}

void t_raw_clear(struct t_raw *raw)
{
    raw->len_bytes = 0;
}

static uint8_t *space(struct t_raw *raw, size_t len_bytes)
{
    if (raw->len_bytes + len_bytes > raw->capacity_bytes) {
        raw->capacity_bytes = (raw->len_bytes + len_bytes) * 2;
        raw->data = realloc(raw->data, raw->capacity_bytes);
        assert_non_null(raw->data);
    }
    return raw->data + raw->len_bytes;
}

void t_raw_append(struct t_raw *raw, const void *data, size_t len_bytes)
{
    if (len_bytes > 0) {
        memcpy(space(raw, len_bytes), data, len_bytes);
        raw->len_bytes += len_bytes;
    }
}

static void append_u8(struct t_raw *raw, size_t value)
{
    uint8_t byte = (uint8_t)value;
    t_raw_append(raw, &byte, 1);
}

static void append_u32(struct t_raw *raw, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        append_u8(raw, value >> shift & 255);
    }
}

void t_raw_frame(struct t_raw *raw, int type, int flags, uint32_t stream_id, const void *payload,
                 size_t len_bytes)
{
    append_u8(raw, len_bytes >> 16 & 255);
    append_u8(raw, len_bytes >> 8 & 255);
    append_u8(raw, len_bytes & 255);
    append_u8(raw, (size_t)type);
    append_u8(raw, (size_t)flags);
    append_u32(raw, stream_id);
    t_raw_append(raw, payload, len_bytes);
}

void t_raw_ack(struct t_raw *raw)
{
    t_raw_frame(raw, T_SETTINGS, T_ACK, 0, NULL, 0);
}

void t_raw_client_start(struct t_raw *raw)
{
    t_raw_append(raw, PREFACE, PREFACE_BYTES);
    t_raw_frame(raw, T_SETTINGS, 0, 0, NULL, 0);
}

void t_raw_wide_server_start(struct t_raw *raw)
{
    static const uint8_t WIDE[] = {0, 4, 0x7f, 0xff, 0xff, 0xff};
    t_raw_frame(raw, T_SETTINGS, 0, 0, WIDE, sizeof WIDE);
    t_raw_u32_frame(raw, T_WINDOW_UPDATE, 0, 0, 0x7fffffff - 65535);
    t_raw_ack(raw);
}

/* An HPACK integer with a 7-bit prefix (RFC 7541 5.1). */
static void append_int(struct t_raw *block, size_t value)
{
    if (value < 127) {
        append_u8(block, value);
        return;
    }
    append_u8(block, 127);
    value -= 127;
    while (value >= 128) {
        append_u8(block, (value & 127) | 128);
        value >>= 7;
    }
    append_u8(block, value);
}

void t_raw_literal(struct t_raw *block, const char *name, const void *value, size_t value_bytes,
                   bool is_indexed)
{
    append_u8(block, is_indexed ? 0x40 : 0x00);
    append_int(block, strlen(name));
    t_raw_append(block, name, strlen(name));
    append_int(block, value_bytes);
    t_raw_append(block, value, value_bytes);
}

void t_raw_headers(struct t_raw *raw, int flags, uint32_t stream_id, const struct t_field *fields)
{
    struct t_raw block = {0};
    for (const struct t_field *field = fields; field->name != NULL; field++) {
        t_raw_literal(&block, field->name, field->value, strlen(field->value), false);
    }
    t_raw_frame(raw, T_HEADERS, flags | T_END_HEADERS, stream_id, block.data, block.len_bytes);
    t_raw_done(&block);
}

void t_raw_request(struct t_raw *raw, uint32_t stream_id, const struct t_field *extra)
{
    static const struct t_field BASE[] = {
        {":method", "POST"}, {":scheme", "http"}, {":path", "/a/b"},
        {":authority", "x"}, {"te", "trailers"},  {"content-type", "application/grpc"},
    };
    struct t_raw block = {0};
    for (size_t i = 0; i < sizeof BASE / sizeof BASE[0]; i++) {
        t_raw_literal(&block, BASE[i].name, BASE[i].value, strlen(BASE[i].value), false);
    }
    for (const struct t_field *field = extra; field != NULL && field->name != NULL; field++) {
        t_raw_literal(&block, field->name, field->value, strlen(field->value), false);
    }
    t_raw_frame(raw, T_HEADERS, T_END_HEADERS, stream_id, block.data, block.len_bytes);
    t_raw_done(&block);
}

void t_raw_u32_frame(struct t_raw *raw, int type, int flags, uint32_t stream_id, uint32_t value)
{
    uint8_t payload[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                          (uint8_t)value};
    t_raw_frame(raw, type, flags, stream_id, payload, sizeof payload);
}

void t_raw_goaway(struct t_raw *raw, uint32_t last_stream_id, uint32_t code)
{
    struct t_raw payload = {0};
    append_u32(&payload, last_stream_id);
    append_u32(&payload, code);
    t_raw_frame(raw, T_GOAWAY, 0, 0, payload.data, payload.len_bytes);
    t_raw_done(&payload);
}

void t_raw_take(struct t_end *end, struct t_raw *raw)
{
    const size_t step_bytes = 1 << 20;
    for (;;) {
        size_t len_bytes = t_drain(end, space(raw, step_bytes), step_bytes);
        if (len_bytes == 0) {
            break;
        }
        raw->len_bytes += len_bytes;
    }
    if (raw->len_bytes >= PREFACE_BYTES && memcmp(raw->data, PREFACE, PREFACE_BYTES) == 0) {
        raw->len_bytes -= PREFACE_BYTES;
        memmove(raw->data, raw->data + PREFACE_BYTES, raw->len_bytes);
    }
}

uint32_t t_raw_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

bool t_raw_find(const struct t_raw *raw, int type, size_t index, struct t_frame *ret_frame)
{
    size_t offset = 0;
    while (raw->len_bytes - offset >= FRAME_HEADER_BYTES) {
        const uint8_t *header = raw->data + offset;
        struct t_frame frame = {
            .type = header[3],
            .flags = header[4],
            .stream_id = t_raw_u32(header + 5),
            .payload = header + FRAME_HEADER_BYTES,
            .len_bytes = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2],
        };
        offset += FRAME_HEADER_BYTES;
        assert_true(frame.len_bytes <= raw->len_bytes - offset);
        offset += frame.len_bytes;
        if (frame.type == type && index-- == 0) {
            *ret_frame = frame;
            return true;
        }
    }
    return false;
}

size_t t_raw_count(const struct t_raw *raw, int type)
{
    struct t_frame frame;
    size_t count = 0;
    while (t_raw_find(raw, type, count, &frame)) {
        count++;
    }
    return count;
}

uint32_t t_raw_goaway_code(struct t_end *end)
{
    struct t_raw raw = {0};
    struct t_frame frame;
    uint32_t code = UINT32_MAX;
    t_raw_take(end, &raw);
    if (t_raw_find(&raw, T_GOAWAY, 0, &frame)) {
        code = t_raw_u32(frame.payload + 4);
    }
    t_raw_done(&raw);
    return code;
}
