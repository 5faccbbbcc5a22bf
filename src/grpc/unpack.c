/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that the peer compressed (gRPC "Compression"): gzip, and deflate, which is zlib's
 * format.
 *
 * They are taken, not asked for, and never sent: Arrow data has better codecs of its own. A message
 * is unpacked as it arrives; what it unpacks to is held to the limit on messages. Memory for it,
 * all that is allocated and not only what is filled, is told to the call's user first, who may have
 * a budget, and is freed when the message was handed out. Owner: the call. Thread class: one at a
 * time. */
#include <stdalign.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "grpc/internal.h"

enum {
    STEP_BYTES = 64 << 10,
    STATE_BYTES = 48 << 10, /* what zlib takes for one stream, about */
    WINDOW_BITS = 15,
    WINDOW_BITS_GZIP = WINDOW_BITS + 16,
    LEAD_BYTES = alignof(max_align_t),
};

struct cfl_grpc_unpacker {
    const struct cflight_allocator *alloc;
    z_stream stream;
    bool is_open;
    bool has_ended; /* the compressed data says so */
    struct cfl_buf message;
};

/* zlib does not say how large a block was: each is led by its size. */
static void *zlib_alloc(void *alloc, uInt count, uInt size_bytes)
{
    size_t block_bytes = (size_t)count * size_bytes + LEAD_BYTES;
    uint8_t *block = cfl_alloc(alloc, block_bytes);
    if (block == NULL) {
        return NULL;
    }
    memcpy(block, &block_bytes, sizeof block_bytes);
    return block + LEAD_BYTES;
}

static void zlib_free(void *alloc, void *memory)
{
    size_t block_bytes = 0;
    uint8_t *block = (uint8_t *)memory - LEAD_BYTES;
    memcpy(&block_bytes, block, sizeof block_bytes);
    cfl_free(alloc, block, block_bytes);
}

bool cfl_grpc_encoding_parse(struct cflight_bytes text, enum cfl_grpc_encoding *ret_encoding)
{
    static const char *const NAMES[] = {"identity", "gzip", "deflate"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (cfl_ascii_is(text, NAMES[i])) {
            *ret_encoding = (enum cfl_grpc_encoding)i;
            return true;
        }
    }
    return false;
}

void cfl_grpc_unpacker_free(struct cfl_grpc_unpacker *unpacker)
{
    if (unpacker == NULL) {
        return;
    }
    if (unpacker->is_open) {
        (void)inflateEnd(&unpacker->stream);
    }
    cfl_buf_done(&unpacker->message);
    cfl_free(unpacker->alloc, unpacker, sizeof *unpacker);
}

/* Asks the user of the call for memory. */
static cflight_status borrow(struct cfl_grpc_call *call, size_t more_bytes, size_t so_far_bytes,
                             cflight_error **reterr)
{
    if (call->handlers.on_unpacking == NULL) {
        return CFLIGHT_OK;
    }
    return call->handlers.on_unpacking(call->user_data, call, more_bytes, so_far_bytes, reterr);
}

cflight_status cfl_grpc_unpack_begin(struct cfl_grpc_call *call, cflight_error **reterr)
{
    bool is_gzip = call->encoding == CFL_GRPC_ENCODING_GZIP;
    cflight_status status = borrow(call, STATE_BYTES, 0, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    call->unpacker = cfl_alloc_zeroed(call->alloc, sizeof *call->unpacker);
    struct cfl_grpc_unpacker *unpacker = call->unpacker;
    if (unpacker == NULL) {
        return cfl_error_no_memory(reterr);
    }
    unpacker->alloc = call->alloc;
    unpacker->stream.zalloc = zlib_alloc;
    unpacker->stream.zfree = zlib_free;
    unpacker->stream.opaque = (void *)(uintptr_t)call->alloc;
    cfl_buf_init(&unpacker->message, call->alloc);
    unpacker->is_open =
        inflateInit2(&unpacker->stream, is_gzip ? WINDOW_BITS_GZIP : WINDOW_BITS) == Z_OK;
    return unpacker->is_open ? CFLIGHT_OK : cfl_error_no_memory(reterr);
}

/* More room, which the limit and the user of the call have to grant: as much again as there is, so
 * that what is copied on the way stays in proportion. */
static cflight_status make_room(struct cfl_grpc_call *call, cflight_error **reterr)
{
    struct cfl_buf *message = &call->unpacker->message;
    uint64_t limit_bytes = call->conn->limits.message_bytes_max;
    limit_bytes = limit_bytes < UINT32_MAX ? limit_bytes : UINT32_MAX;
    if (message->len_bytes > limit_bytes) {
        return cflight_error_set(
            reterr, CFLIGHT_RESOURCE_EXHAUSTED,
            "a compressed message unpacks to more than the limit of %llu bytes",
            (unsigned long long)limit_bytes);
    }
    size_t more_bytes = message->capacity_bytes > 0 ? message->capacity_bytes : STEP_BYTES;
    cflight_status status = borrow(call, more_bytes, message->len_bytes, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return cfl_buf_space(message, more_bytes) == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}

cflight_status cfl_grpc_unpack_feed(struct cfl_grpc_call *call, const uint8_t *data,
                                    size_t len_bytes, cflight_error **reterr)
{
    struct cfl_grpc_unpacker *unpacker = call->unpacker;
    z_stream *stream = &unpacker->stream;
    stream->next_in = (uint8_t *)(uintptr_t)data;
    stream->avail_in = (uInt)len_bytes; /* of one frame */
    int code = Z_OK;
    while (code == Z_OK && !unpacker->has_ended) {
        size_t room_bytes = unpacker->message.capacity_bytes - unpacker->message.len_bytes;
        if (room_bytes == 0) {
            cflight_status status = make_room(call, reterr);
            if (status != CFLIGHT_OK) {
                return status;
            }
            room_bytes = unpacker->message.capacity_bytes - unpacker->message.len_bytes;
        }
        room_bytes = room_bytes < STEP_BYTES ? room_bytes : STEP_BYTES;
        stream->next_out = unpacker->message.data + unpacker->message.len_bytes;
        stream->avail_out = (uInt)room_bytes;
        code = inflate(stream, Z_NO_FLUSH);
        unpacker->message.len_bytes += room_bytes - stream->avail_out;
        unpacker->has_ended = code == Z_STREAM_END;
        if (stream->avail_in == 0 && stream->avail_out > 0) {
            break;
        }
    }
    if (code == Z_MEM_ERROR) {
        return cfl_error_no_memory(reterr);
    }
    if ((code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) || stream->avail_in > 0) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                                 "a compressed message cannot be unpacked: %s",
                                 stream->msg == NULL ? "bytes follow its end" : stream->msg);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_grpc_unpack_end(struct cfl_grpc_call *call, struct cflight_bytes *ret_message,
                                   cflight_error **reterr)
{
    uint64_t limit_bytes = call->conn->limits.message_bytes_max;
    if (!call->unpacker->has_ended) {
        return cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                         "a compressed message ends before its data does");
    }
    if (call->unpacker->message.len_bytes > limit_bytes) {
        return cfl_error_set_size_limit(reterr, "an unpacked message",
                                        call->unpacker->message.len_bytes, limit_bytes);
    }
    if (call->handlers.on_unpacked != NULL) {
        call->handlers.on_unpacked(call->user_data, call);
    }
    *ret_message = cfl_buf_bytes(&call->unpacker->message);
    return CFLIGHT_OK;
}

const char *cfl_zlib_version(void)
{
    return zlibVersion();
}
