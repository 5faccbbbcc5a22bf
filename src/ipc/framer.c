/* SPDX-License-Identifier: Apache-2.0 */
/* The framer: bytes of a stream, in any chunks, to messages.
 *
 * A message is a length (with or without the continuation marker before it), the flatbuffer, and
 * the body whose length the flatbuffer tells. The header is read in steps, so that a length that
 * lies costs no memory; the body is one allocation of the exact size, checked against the limit
 * first, and the source reads straight into it. Owner: of the header's bytes and of one reference
 * to the body, until the next message begins. Thread class: one at a time. (Arrow columnar:
 * Encapsulated message format, IPC Streaming Format) */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/error.h"
#include "ipc/decoder.h"
#include "ipc/message.h"

enum {
    HEADER_STEP_BYTES = 64 << 10,
};

enum framer_state {
    FRAMER_FIRST_WORD,  /* the continuation marker, or the length of the older format */
    FRAMER_SECOND_WORD, /* the length after the marker */
    FRAMER_HEADER,
    FRAMER_BODY,
    FRAMER_MESSAGE, /* complete; given back to the caller */
    FRAMER_END,
};

struct cfl_framer {
    const struct cflight_allocator *alloc;
    struct cfl_limits limits;
    struct cfl_pool *pool;
    enum framer_state state;
    bool is_begun; /* a word was read */
    uint8_t word[CFL_PREFIX_BYTES];
    size_t got_bytes; /* of the word or the body */
    size_t header_len_bytes;
    struct cfl_buf header;
    size_t wanted_bytes; /* what the last want offered */
    cflight_buffer *body;
};

cflight_status cfl_framer_new(const struct cflight_allocator *alloc,
                              const struct cfl_limits *limits, struct cfl_pool *pool,
                              struct cfl_framer **ret_framer, cflight_error **reterr)
{
    struct cfl_framer *framer = cfl_alloc_zeroed(alloc, sizeof *framer);
    if (framer == NULL) {
        return cfl_error_no_memory(reterr);
    }
    framer->alloc = alloc;
    framer->limits = *limits;
    framer->pool = pool == NULL ? NULL : cfl_pool_ref(pool);
    framer->state = FRAMER_FIRST_WORD;
    cfl_buf_init(&framer->header, alloc);
    *ret_framer = framer;
    return CFLIGHT_OK;
}

void cfl_framer_free(struct cfl_framer *framer)
{
    if (framer == NULL) {
        return;
    }
    cfl_buf_done(&framer->header);
    cflight_buffer_unref(framer->body);
    cfl_pool_unref(framer->pool);
    cfl_free(framer->alloc, framer, sizeof *framer);
}

/* Drops the message that the caller has used. */
static void begin_message(struct cfl_framer *framer)
{
    cfl_buf_clear(&framer->header);
    cflight_buffer_unref(framer->body);
    framer->body = NULL;
    framer->got_bytes = 0;
    framer->state = FRAMER_FIRST_WORD;
}

cflight_status cfl_framer_want(struct cfl_framer *framer, uint8_t **ret_target,
                               size_t *ret_len_bytes, cflight_error **reterr)
{
    uint8_t *target = NULL;
    size_t len_bytes = 0;
    if (framer->state == FRAMER_MESSAGE) {
        begin_message(framer);
    }
    switch (framer->state) {
    case FRAMER_FIRST_WORD:
    case FRAMER_SECOND_WORD:
        target = framer->word + framer->got_bytes;
        len_bytes = CFL_PREFIX_BYTES - framer->got_bytes;
        break;
    case FRAMER_HEADER:
        len_bytes = framer->header_len_bytes - framer->header.len_bytes;
        if (len_bytes > HEADER_STEP_BYTES) {
            len_bytes = HEADER_STEP_BYTES;
        }
        target = cfl_buf_space(&framer->header, len_bytes);
        if (target == NULL) {
            return cfl_error_no_memory(reterr);
        }
        break;
    case FRAMER_BODY:
        target = cfl_body_data(framer->body) + framer->got_bytes;
        len_bytes = cfl_body_len(framer->body) - framer->got_bytes;
        break;
    case FRAMER_MESSAGE:
    case FRAMER_END:
    default:
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "the Arrow stream has ended; nothing more is wanted");
    }
    framer->wanted_bytes = len_bytes;
    *ret_target = target;
    *ret_len_bytes = len_bytes;
    return CFLIGHT_OK;
}

static cflight_status take_length(struct cfl_framer *framer, uint32_t length,
                                  cflight_error **reterr)
{
    if (length == 0) {
        framer->state = FRAMER_END;
        return CFLIGHT_OK;
    }
    if (length > INT32_MAX) {
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "an Arrow message begins with a metadata length of %" PRId32,
                                 (int32_t)length);
    }
    if (length > framer->limits.flight_header_bytes_max) {
        return cfl_error_set_size_limit(reterr, "Arrow message metadata", length,
                                        framer->limits.flight_header_bytes_max);
    }
    framer->header_len_bytes = length;
    framer->state = FRAMER_HEADER;
    return CFLIGHT_OK;
}

/* The first four bytes of "ARROW1" as a length. No schema is that long. */
#define FILE_MAGIC UINT32_C(0x4F525241)

static cflight_status take_word(struct cfl_framer *framer, cflight_error **reterr)
{
    if (framer->got_bytes < CFL_PREFIX_BYTES) {
        return CFLIGHT_OK;
    }
    struct cfl_cursor cursor = cfl_cursor_make(cflight_bytes_make(framer->word, CFL_PREFIX_BYTES));
    uint32_t word = 0;
    (void)cfl_cursor_u32le(&cursor, &word);
    framer->got_bytes = 0;
    if (framer->state == FRAMER_FIRST_WORD && word == CFL_CONTINUATION) {
        framer->state = FRAMER_SECOND_WORD;
        return CFLIGHT_OK;
    }
    if (framer->state == FRAMER_FIRST_WORD && word == FILE_MAGIC) {
        return cflight_error_set_message(
            reterr, CFLIGHT_DATA_LOSS,
            "an Arrow file ('ARROW1') came where an Arrow stream is expected");
    }
    const char *foreign = cfl_foreign_format(
        cflight_bytes_make(framer->word, framer->is_begun ? 0 : CFL_PREFIX_BYTES));
    framer->is_begun = true;
    if (foreign != NULL) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "%s came where an Arrow stream is expected", foreign);
    }
    return take_length(framer, word, reterr);
}

static cflight_status take_header(struct cfl_framer *framer, cflight_error **reterr)
{
    if (framer->header.len_bytes < framer->header_len_bytes) {
        return CFLIGHT_OK;
    }
    uint64_t body_len_bytes = 0;
    enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
    cflight_status status =
        cfl_message_body_len(cfl_buf_bytes(&framer->header), &body_len_bytes, &kind, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (body_len_bytes > framer->limits.message_bytes_max) {
        return cfl_error_set_size_limit(reterr, "Arrow message body", body_len_bytes,
                                        framer->limits.message_bytes_max);
    }
    if (body_len_bytes == 0) {
        framer->state = FRAMER_MESSAGE;
        return CFLIGHT_OK;
    }
    framer->body = cfl_body_new(framer->pool, framer->alloc, (size_t)body_len_bytes);
    if (framer->body == NULL) {
        return cfl_error_no_memory(reterr);
    }
    framer->state = FRAMER_BODY;
    return CFLIGHT_OK;
}

cflight_status cfl_framer_got(struct cfl_framer *framer, size_t len_bytes, bool *ret_has_message,
                              struct cflight_bytes *ret_header, cflight_buffer **ret_body,
                              bool *ret_is_end, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    *ret_has_message = false;
    *ret_is_end = false;
    if (len_bytes > framer->wanted_bytes) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%zu bytes were given to the Arrow framer; it wanted %zu",
                                 len_bytes, framer->wanted_bytes);
    }
    framer->wanted_bytes -= len_bytes;
    switch (framer->state) {
    case FRAMER_FIRST_WORD:
    case FRAMER_SECOND_WORD:
        framer->got_bytes += len_bytes;
        status = take_word(framer, reterr);
        break;
    case FRAMER_HEADER:
        cfl_buf_add_len(&framer->header, len_bytes);
        status = take_header(framer, reterr);
        break;
    case FRAMER_BODY:
        framer->got_bytes += len_bytes;
        if (framer->got_bytes == cfl_body_len(framer->body)) {
            framer->state = FRAMER_MESSAGE;
        }
        break;
    case FRAMER_MESSAGE:
    case FRAMER_END:
    default:
        break;
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (framer->state == FRAMER_MESSAGE) {
        *ret_has_message = true;
        *ret_header = cfl_buf_bytes(&framer->header);
        *ret_body = framer->body;
    }
    *ret_is_end = framer->state == FRAMER_END;
    return CFLIGHT_OK;
}

cflight_status cfl_framer_eof(struct cfl_framer *framer, cflight_error **reterr)
{
    switch (framer->state) {
    case FRAMER_FIRST_WORD:
        if (framer->got_bytes == 0) {
            return CFLIGHT_OK;
        }
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the Arrow stream ends inside a message prefix: %zu of %d bytes",
                                 framer->got_bytes, CFL_PREFIX_BYTES);
    case FRAMER_SECOND_WORD:
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the Arrow stream ends inside a message length: %zu of %d bytes",
                                 framer->got_bytes, CFL_PREFIX_BYTES);
    case FRAMER_HEADER:
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the Arrow stream ends inside message metadata: %zu of %zu bytes",
                                 framer->header.len_bytes, framer->header_len_bytes);
    case FRAMER_BODY:
        return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                 "the Arrow stream ends inside a message body: %zu of %zu bytes",
                                 framer->got_bytes, cfl_body_len(framer->body));
    case FRAMER_MESSAGE:
    case FRAMER_END:
    default:
        return CFLIGHT_OK;
    }
}
