/* SPDX-License-Identifier: Apache-2.0 */
/* FlightData by hand.
 *
 * The parser keeps every byte that is not body in `head` and walks the fields in it as they become
 * complete. When it meets the body's tag and length it allocates the body, exact size, from the
 * pool, and sends the following bytes there: the layers below read the socket into that place.
 * Whatever comes after the body is head again (protobuf allows any order; the last occurrence of a
 * field wins). A field's length is checked against what is left of the message before anything is
 * allocated.
 *
 * Spec: Protocol Buffers encoding; Flight.proto, FlightData. Thread class: one at a time. */
#include "flight/call/flight_data.h"

#include <string.h>

#include "base/error.h"
#include "base/pieces.h"
#include "pb/field.h"

enum {
    FIELD_DESCRIPTOR = 1,
    FIELD_DATA_HEADER = 2,
    FIELD_APP_METADATA = 3,
    FIELD_BODY = 1000,
    FIELD_SHARE = 53015,
    FIRST_HEAD_HINT_BYTES = 512,
    FIELD_HEADER_BYTES_MAX = 20, /* two varints */
};

void cfl_flight_data_done(struct cfl_flight_data *data)
{
    cfl_buf_done(&data->head);
    cflight_buffer_unref(data->body);
    cfl_share_drop(&data->share);
    memset(data, 0, sizeof *data);
}

bool cfl_flight_data_write_head(struct cfl_buf *target, struct cflight_bytes descriptor,
                                struct cflight_bytes data_header, struct cflight_bytes app_metadata,
                                bool has_body, uint64_t body_len_bytes)
{
    (void)cfl_field_write(target, FIELD_DESCRIPTOR, descriptor);
    (void)cfl_field_write(target, FIELD_DATA_HEADER, data_header);
    (void)cfl_field_write(target, FIELD_APP_METADATA, app_metadata);
    if (has_body) {
        (void)cfl_buf_append_varint(target, cfl_field_tag(FIELD_BODY));
        (void)cfl_buf_append_varint(target, body_len_bytes);
    }
    return !target->failed;
}

bool cfl_flight_data_write_share(struct cfl_buf *target, const struct cfl_share_name *name)
{
    uint8_t value[CFL_SHARE_NAME_BYTES];
    cfl_share_name_write(name, value);
    return cfl_field_write(target, FIELD_SHARE, cflight_bytes_make(value, sizeof value));
}

bool cfl_flight_data_names_share(struct cflight_bytes message)
{
    struct cfl_cursor cursor = cfl_cursor_make(message);
    uint64_t tag = 0;
    struct cflight_bytes value = {NULL, 0};
    while (cfl_cursor_left(&cursor) > 0 && cfl_field_next(&cursor, &tag, &value)) {
        if (tag == cfl_field_tag(FIELD_SHARE)) {
            return true;
        }
    }
    return false;
}

cflight_status cfl_flight_data_claim(struct cfl_flight_data *data, struct cfl_shares *shares,
                                     cflight_error **reterr)
{
    if (!data->has_share_name) {
        return CFLIGHT_OK;
    }
    if (shares == NULL) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INTERNAL,
            "a message names shared memory, which this connection does not use");
    }
    if (data->body != NULL || !data->has_data_header) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INTERNAL,
            "a message names shared memory and has a body of its own, or no header");
    }
    return cfl_shares_claim(shares, data->share_name.number, &data->share, reterr);
}

cflight_status cfl_flight_data_map(struct cfl_flight_data *data,
                                   const struct cflight_allocator *alloc, cflight_error **reterr)
{
    if (!data->has_share_name) {
        return CFLIGHT_OK;
    }
    if (data->share.shares == NULL) {
        return cfl_flight_data_claim(data, NULL, reterr);
    }
    return cfl_share_map(&data->share, alloc, &data->share_name, &data->body, reterr);
}

void cfl_flight_data_parser_init(struct cfl_flight_data_parser *parser,
                                 const struct cflight_allocator *alloc, struct cfl_pool *pool,
                                 const struct cfl_limits *limits)
{
    memset(parser, 0, sizeof *parser);
    parser->alloc = alloc;
    parser->pool = pool;
    parser->head_bytes_max = limits->flight_header_bytes_max;
    parser->expected_head_bytes = FIRST_HEAD_HINT_BYTES;
    cfl_buf_init(&parser->head, alloc);
}

void cfl_flight_data_parser_done(struct cfl_flight_data_parser *parser)
{
    cfl_buf_done(&parser->head);
    cflight_buffer_unref(parser->body);
    parser->body = NULL;
}

void cfl_flight_data_parser_begin(struct cfl_flight_data_parser *parser, uint32_t message_len_bytes)
{
    cfl_flight_data_parser_done(parser);
    parser->scan_offset = 0;
    parser->body_filled_bytes = 0;
    parser->left_bytes = message_len_bytes;
    parser->copied_bytes = 0;
}

static size_t body_left(const struct cfl_flight_data_parser *parser)
{
    return parser->body == NULL ? 0 : cfl_body_len(parser->body) - parser->body_filled_bytes;
}

void cfl_flight_data_parser_place(const struct cfl_flight_data_parser *parser, uint8_t **ret_target,
                                  size_t *ret_len_bytes, size_t *ret_hint_bytes)
{
    *ret_target = NULL;
    *ret_len_bytes = body_left(parser);
    if (*ret_len_bytes > 0) {
        *ret_target = cfl_body_data(parser->body) + parser->body_filled_bytes;
        return;
    }
    size_t expected_bytes = parser->expected_head_bytes;
    if (parser->scan_offset > parser->head.len_bytes) {
        /* Inside a field whose end is known: read to it, and the next field's tag and length. */
        expected_bytes = parser->scan_offset + FIELD_HEADER_BYTES_MAX / 4;
    }
    size_t hint_bytes =
        expected_bytes > parser->head.len_bytes ? expected_bytes - parser->head.len_bytes : 1;
    *ret_hint_bytes = hint_bytes < parser->left_bytes ? hint_bytes : (size_t)parser->left_bytes;
}

static cflight_status fail_malformed(cflight_error **reterr, const char *what)
{
    return cflight_error_set(reterr, CFLIGHT_INTERNAL, "Not a valid FlightData message: %s", what);
}

/* Begins the body: `len_bytes` of it follow what has been scanned, some of which is in head
 * already. */
static cflight_status start_body(struct cfl_flight_data_parser *parser, uint64_t len_bytes,
                                 cflight_error **reterr)
{
    size_t buffered_bytes = parser->head.len_bytes - parser->scan_offset;
    if (len_bytes > buffered_bytes + parser->left_bytes) {
        return cflight_error_set(
            reterr, CFLIGHT_INTERNAL,
            "Not a valid FlightData message: the body claims %llu bytes, the message has %llu left",
            (unsigned long long)len_bytes,
            (unsigned long long)(buffered_bytes + parser->left_bytes));
    }
    cflight_buffer_unref(parser->body);
    parser->body = cfl_body_new(parser->pool, parser->alloc, (size_t)len_bytes);
    if (parser->body == NULL) {
        return cfl_error_no_memory(reterr);
    }
    size_t moved_bytes = buffered_bytes < len_bytes ? buffered_bytes : (size_t)len_bytes;
    if (moved_bytes > 0) {
        memcpy(cfl_body_data(parser->body), parser->head.data + parser->scan_offset, moved_bytes);
        memmove(parser->head.data + parser->scan_offset,
                parser->head.data + parser->scan_offset + moved_bytes,
                buffered_bytes - moved_bytes);
        parser->head.len_bytes -= moved_bytes;
    }
    parser->copied_bytes += moved_bytes;
    parser->body_filled_bytes = moved_bytes;
    parser->expected_head_bytes = parser->scan_offset;
    return CFLIGHT_OK;
}

/* The tag and length of a field, of which as much is there as the message has left: in the cursor,
 * and `left_bytes` to come. `*ret_is_short`: they are not whole yet. */
static cflight_status read_field(struct cfl_cursor *cursor, uint64_t left_bytes, uint64_t *ret_tag,
                                 uint64_t *ret_len_bytes, bool *ret_is_short,
                                 cflight_error **reterr)
{
    enum cfl_varint_result result = cfl_cursor_varint(cursor, ret_tag);
    if (result == CFL_VARINT_OK) {
        result = cfl_field_len(cursor, *ret_tag, ret_len_bytes);
    }
    *ret_is_short = result == CFL_VARINT_SHORT;
    if (*ret_is_short) {
        return CFLIGHT_OK;
    }
    if (result == CFL_VARINT_INVALID || *ret_tag >> 3 == 0 || *ret_tag > UINT32_MAX) {
        return fail_malformed(reterr, "a field has an illegal tag or length");
    }
    uint64_t there_bytes = cfl_cursor_left(cursor) + left_bytes;
    if (*ret_len_bytes > there_bytes) {
        return cflight_error_set(
            reterr, CFLIGHT_INTERNAL,
            "Not a valid FlightData message: field %llu claims %llu bytes, the message has "
            "%llu left",
            (unsigned long long)(*ret_tag >> 3), (unsigned long long)*ret_len_bytes,
            (unsigned long long)there_bytes);
    }
    return CFLIGHT_OK;
}

/* Walks over the fields that are complete, or whose end is known, in head. */
static cflight_status scan_fields(struct cfl_flight_data_parser *parser, cflight_error **reterr)
{
    while (parser->scan_offset < parser->head.len_bytes && body_left(parser) == 0) {
        struct cfl_cursor cursor = cfl_cursor_make(cfl_buf_bytes(&parser->head));
        uint64_t tag = 0;
        uint64_t len_bytes = 0;
        bool is_short = false;
        cursor.offset = parser->scan_offset;
        cflight_status status =
            read_field(&cursor, parser->left_bytes, &tag, &len_bytes, &is_short, reterr);
        if (status != CFLIGHT_OK || is_short) {
            return status;
        }
        parser->scan_offset = cursor.offset;
        if (tag == cfl_field_tag(FIELD_BODY)) {
            status = start_body(parser, len_bytes, reterr);
            if (status != CFLIGHT_OK) {
                return status;
            }
        } else {
            parser->scan_offset += (size_t)len_bytes;
        }
    }
    return CFLIGHT_OK;
}

cflight_status cfl_flight_data_parser_feed(struct cfl_flight_data_parser *parser,
                                           const uint8_t *data, size_t len_bytes,
                                           cflight_error **reterr)
{
    while (len_bytes > 0) {
        size_t step_bytes = body_left(parser);
        if (step_bytes > 0) {
            step_bytes = step_bytes < len_bytes ? step_bytes : len_bytes;
            uint8_t *target = cfl_body_data(parser->body) + parser->body_filled_bytes;
            if (target != data) {
                memcpy(target, data, step_bytes);
                parser->copied_bytes += step_bytes;
            }
            parser->body_filled_bytes += step_bytes;
        } else {
            step_bytes = len_bytes;
            if (parser->head.len_bytes + step_bytes > parser->head_bytes_max) {
                return cfl_error_set_size_limit(reterr, "FlightData header",
                                                parser->head.len_bytes + step_bytes,
                                                parser->head_bytes_max);
            }
            if (!cfl_buf_append(&parser->head, data, step_bytes)) {
                return cfl_error_no_memory(reterr);
            }
        }
        parser->left_bytes -= step_bytes;
        cflight_status status = scan_fields(parser, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        data += step_bytes;
        len_bytes -= step_bytes;
    }
    return CFLIGHT_OK;
}

/* Finds the fields of a complete head. The body's tag and length are in it without the bytes that
 * they announce. */
static cflight_status find_fields(struct cfl_flight_data *data, cflight_error **reterr)
{
    struct cfl_cursor cursor = cfl_cursor_make(cfl_buf_bytes(&data->head));
    while (cfl_cursor_left(&cursor) > 0) {
        uint64_t tag = 0;
        uint64_t len_bytes = 0;
        struct cflight_bytes value = {NULL, 0};
        if (cfl_cursor_varint(&cursor, &tag) != CFL_VARINT_OK ||
            cfl_field_len(&cursor, tag, &len_bytes) != CFL_VARINT_OK) {
            return fail_malformed(reterr, "it ends inside a field");
        }
        if (tag == cfl_field_tag(FIELD_BODY)) {
            continue; /* its bytes are in the body buffer */
        }
        if (!cfl_cursor_bytes(&cursor, (size_t)len_bytes, &value)) {
            return fail_malformed(reterr, "it ends inside a field");
        }
        /* Unknown fields are skipped. */
        if (tag == cfl_field_tag(FIELD_DESCRIPTOR)) {
            data->descriptor = value;
            data->has_descriptor = true;
        } else if (tag == cfl_field_tag(FIELD_DATA_HEADER)) {
            data->data_header = value;
            data->has_data_header = value.len_bytes > 0;
        } else if (tag == cfl_field_tag(FIELD_APP_METADATA)) {
            data->app_metadata = value;
            data->has_app_metadata = true;
        } else if (tag == cfl_field_tag(FIELD_SHARE)) {
            data->has_share_name = true;
            if (!cfl_share_name_read(value, &data->share_name)) {
                return fail_malformed(reterr, "the name of shared memory has not 24 bytes");
            }
        }
    }
    return CFLIGHT_OK;
}

cflight_status cfl_flight_data_parser_end(struct cfl_flight_data_parser *parser,
                                          struct cfl_flight_data *ret_data, cflight_error **reterr)
{
    struct cfl_flight_data data = {0};
    if (body_left(parser) > 0 || parser->scan_offset != parser->head.len_bytes) {
        return fail_malformed(reterr, "it ends inside a field");
    }
    data.head = cfl_buf_move(&parser->head);
    data.body = parser->body;
    parser->body = NULL;
    cflight_status status = find_fields(&data, reterr);
    if (status != CFLIGHT_OK) {
        cfl_flight_data_done(&data);
        return status;
    }
    if (data.body != NULL) {
        cfl_copy_count_received(cfl_body_len(data.body), parser->copied_bytes);
    }
    *ret_data = data;
    return CFLIGHT_OK;
}

/* Copies a body out of a message that is whole. */
static cflight_status copy_body(struct cfl_flight_data *data, const struct cflight_allocator *alloc,
                                struct cfl_pool *pool, struct cflight_bytes bytes,
                                cflight_error **reterr)
{
    cflight_buffer_unref(data->body);
    data->body = cfl_body_new(pool, alloc, bytes.len_bytes);
    if (data->body == NULL) {
        return cfl_error_no_memory(reterr);
    }
    if (bytes.len_bytes > 0) {
        memcpy(cfl_body_data(data->body), bytes.data, bytes.len_bytes);
    }
    return CFLIGHT_OK;
}

/* Takes a message apart that is whole: its body to a place of its own, all else to the head. */
static cflight_status divide(struct cfl_flight_data *data, const struct cflight_allocator *alloc,
                             struct cfl_pool *pool, struct cflight_bytes message,
                             cflight_error **reterr)
{
    struct cfl_cursor cursor = cfl_cursor_make(message);
    size_t head_offset = 0; /* what follows is in neither yet */
    while (cfl_cursor_left(&cursor) > 0) {
        uint64_t tag = 0;
        uint64_t len_bytes = 0;
        struct cflight_bytes value = {NULL, 0};
        bool is_short = false;
        cflight_status status = read_field(&cursor, 0, &tag, &len_bytes, &is_short, reterr);
        size_t value_offset = cursor.offset;
        if (status == CFLIGHT_OK &&
            (is_short || !cfl_cursor_bytes(&cursor, (size_t)len_bytes, &value))) {
            status = fail_malformed(reterr, "it ends inside a field");
        }
        if (status == CFLIGHT_OK && tag == cfl_field_tag(FIELD_BODY)) {
            (void)cfl_buf_append(&data->head, message.data + head_offset,
                                 value_offset - head_offset);
            head_offset = cursor.offset;
            status = copy_body(data, alloc, pool, value, reterr);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    if (head_offset < message.len_bytes) {
        (void)cfl_buf_append(&data->head, message.data + head_offset,
                             message.len_bytes - head_offset);
    }
    return data->head.failed ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}

cflight_status cfl_flight_data_parse(const struct cflight_allocator *alloc, struct cfl_pool *pool,
                                     struct cflight_bytes message, struct cfl_flight_data *ret_data,
                                     cflight_error **reterr)
{
    struct cfl_flight_data data = {.body = NULL};
    cfl_buf_init(&data.head, alloc);
    cflight_status status = divide(&data, alloc, pool, message, reterr);
    if (status == CFLIGHT_OK && data.head.len_bytes > cfl_limits_default.flight_header_bytes_max) {
        status = cfl_error_set_size_limit(reterr, "FlightData header", data.head.len_bytes,
                                          cfl_limits_default.flight_header_bytes_max);
    }
    if (status == CFLIGHT_OK) {
        status = find_fields(&data, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_flight_data_done(&data);
        return status;
    }
    if (data.body != NULL) {
        cfl_copy_count_received(cfl_body_len(data.body), cfl_body_len(data.body));
    }
    *ret_data = data;
    return CFLIGHT_OK;
}
