/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_RAW_H
#define CFLIGHT_TESTS_RAW_H

#include "pump.h"

/* HTTP/2 by hand, for peers that behave as no library would: frames with any content, header blocks
 * as plain literals, and a look at the frames that come back. */

enum {
    T_DATA = 0,
    T_HEADERS = 1,
    T_PRIORITY = 2,
    T_RST_STREAM = 3,
    T_SETTINGS = 4,
    T_PUSH_PROMISE = 5,
    T_PING = 6,
    T_GOAWAY = 7,
    T_WINDOW_UPDATE = 8,
    T_CONTINUATION = 9,
    T_END_STREAM = 1,
    T_ACK = 1,
    T_END_HEADERS = 4,
    T_PADDED = 8,
};

struct t_raw {
    uint8_t *data;
    size_t len_bytes;
    size_t capacity_bytes;
};

struct t_field {
    const char *name;
    const char *value;
};

void t_raw_done(struct t_raw *raw);
void t_raw_clear(struct t_raw *raw);
void t_raw_append(struct t_raw *raw, const void *data, size_t len_bytes);
void t_raw_frame(struct t_raw *raw, int type, int flags, uint32_t stream_id, const void *payload,
                 size_t len_bytes);
/* Client preface and an empty SETTINGS frame. */
void t_raw_client_start(struct t_raw *raw);
/* The acknowledgement of the SETTINGS that the other end has sent, or sends before it reads.
 * Without it the other end closes in the end, which on a slow machine may be in the middle of a
 * test. */
void t_raw_ack(struct t_raw *raw);
/* What a server says first: SETTINGS, credit for 2 GiB, of any stream and in all, and that it has
 * the client's SETTINGS. */
void t_raw_wide_server_start(struct t_raw *raw);
/* A literal field; with `is_indexed` it enters the dynamic table. */
void t_raw_literal(struct t_raw *block, const char *name, const void *value, size_t value_bytes,
                   bool is_indexed);
/* HEADERS with END_HEADERS; `fields` ends with a NULL name. */
void t_raw_headers(struct t_raw *raw, int flags, uint32_t stream_id, const struct t_field *fields);
/* A gRPC request without END_STREAM; `extra` may be NULL. */
void t_raw_request(struct t_raw *raw, uint32_t stream_id, const struct t_field *extra);
void t_raw_u32_frame(struct t_raw *raw, int type, int flags, uint32_t stream_id, uint32_t value);
void t_raw_goaway(struct t_raw *raw, uint32_t last_stream_id, uint32_t code);

struct t_frame {
    int type;
    int flags;
    uint32_t stream_id;
    const uint8_t *payload;
    size_t len_bytes;
};
/* All output of an end so far, without the client preface. */
void t_raw_take(struct t_end *end, struct t_raw *raw);
/* Frame `index` of those with `type`; false when there are fewer. */
bool t_raw_find(const struct t_raw *raw, int type, size_t index, struct t_frame *ret_frame);
size_t t_raw_count(const struct t_raw *raw, int type);
uint32_t t_raw_u32(const uint8_t *bytes);
/* Error code of the GOAWAY that the end sends; UINT32_MAX when there is none. */
uint32_t t_raw_goaway_code(struct t_end *end);

#endif /* CFLIGHT_TESTS_RAW_H */
