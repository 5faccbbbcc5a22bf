/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on their way in (gRPC over HTTP/2, "Length-Prefixed-Message"): five bytes of prefix,
 * then the message, cut anywhere. Bytes are passed on where they are; nothing is gathered here. The
 * length is checked against the limit before anyone hears of it. Flow-control credit of prefixes is
 * given when no message waits to be taken, so that a stream of small messages that nobody reads
 * comes to rest. Thread class: one at a time. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "grpc/internal.h"

enum {
    /* What follows a prefix in any Flight message before bytes that are worth a place of their own.
     */
    HEAD_GUESS_BYTES = 128,
    /* Messages that nobody names a place for; after a few of them more are expected. */
    SMALL_BYTES_MAX = 16 << 10,
    SMALL_COUNT_MIN = 3,
};

/* False when a handler failed, or the call ended while it ran. */
static bool goes_on(const struct cfl_grpc_call *call, cflight_status status)
{
    return status == CFLIGHT_OK && !cfl_grpc_call_is_dead(call);
}

static cflight_status message_ends(struct cfl_grpc_call *call, cflight_error **reterr)
{
    struct cfl_grpc_deframer *deframer = &call->deframer;
    deframer->is_in_message = false;
    deframer->prefix_bytes = 0;
    if (call->handlers.on_message_end == NULL) {
        return CFLIGHT_OK;
    }
    return call->handlers.on_message_end(call->user_data, call, reterr);
}

static cflight_status check_prefix(const struct cfl_grpc_call *call, uint32_t message_bytes,
                                   cflight_error **reterr)
{
    const uint8_t flag = call->deframer.prefix[0];
    uint64_t limit_bytes = call->conn->limits.message_bytes_max;
    if (flag == 1 && call->encoding == CFL_GRPC_ENCODING_IDENTITY) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INTERNAL,
            "a message is compressed, and no grpc-encoding (gzip, deflate) was named");
    }
    if (flag > 1) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                                 "a message prefix starts with 0x%02x; 0 or 1 is expected", flag);
    }
    if (message_bytes > limit_bytes) {
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                 "a message is %lu bytes; the limit is %llu bytes",
                                 (unsigned long)message_bytes, (unsigned long long)limit_bytes);
    }
    return CFLIGHT_OK;
}

/* Hands out what a compressed message unpacked to. */
static cflight_status packed_ends(struct cfl_grpc_call *call, cflight_error **reterr)
{
    struct cflight_bytes message = {NULL, 0};
    cflight_status status = cfl_grpc_unpack_end(call, &message, reterr);
    if (goes_on(call, status) && call->handlers.on_message_begin != NULL) {
        status = call->handlers.on_message_begin(call->user_data, call, (uint32_t)message.len_bytes,
                                                 reterr);
    }
    if (goes_on(call, status) && message.len_bytes > 0 && call->handlers.on_message_bytes != NULL) {
        call->unconsumed_bytes += message.len_bytes;
        call->unpacked_bytes += message.len_bytes;
        status = call->handlers.on_message_bytes(call->user_data, call, message.data,
                                                 message.len_bytes, reterr);
    }
    cfl_grpc_unpacker_free(call->unpacker);
    call->unpacker = NULL;
    return goes_on(call, status) ? message_ends(call, reterr) : status;
}

static cflight_status packed_continues(struct cfl_grpc_call *call, const uint8_t *data,
                                       size_t len_bytes, cflight_error **reterr)
{
    struct cfl_grpc_deframer *deframer = &call->deframer;
    deframer->done_bytes += (uint32_t)len_bytes;
    call->prefix_credit_bytes += len_bytes;
    cfl_grpc_credit_prefixes(call);
    cflight_status status = cfl_grpc_unpack_feed(call, data, len_bytes, reterr);
    if (goes_on(call, status) && deframer->done_bytes == deframer->message_bytes) {
        status = packed_ends(call, reterr);
    }
    return status;
}

static cflight_status message_begins(struct cfl_grpc_call *call, cflight_error **reterr)
{
    struct cfl_grpc_deframer *deframer = &call->deframer;
    const uint8_t *prefix = deframer->prefix;
    deframer->message_bytes = (uint32_t)prefix[1] << 24 | (uint32_t)prefix[2] << 16 |
                              (uint32_t)prefix[3] << 8 | prefix[4];
    cflight_status status = check_prefix(call, deframer->message_bytes, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    deframer->done_bytes = 0;
    deframer->is_in_message = true;
    bool is_small = deframer->message_bytes < SMALL_BYTES_MAX;
    deframer->small_count = !is_small ? 0 : deframer->small_count + 1;
    call->prefix_credit_bytes += CFL_GRPC_PREFIX_BYTES;
    cfl_grpc_credit_prefixes(call);
    deframer->is_packed = prefix[0] == 1;
    if (deframer->is_packed) {
        status = cfl_grpc_unpack_begin(call, reterr);
        return goes_on(call, status) && deframer->message_bytes == 0 ? packed_ends(call, reterr)
                                                                     : status;
    }
    if (call->handlers.on_message_begin != NULL) {
        status =
            call->handlers.on_message_begin(call->user_data, call, deframer->message_bytes, reterr);
    }
    if (goes_on(call, status) && deframer->message_bytes == 0) {
        status = message_ends(call, reterr);
    }
    return status;
}

static cflight_status message_continues(struct cfl_grpc_call *call, const uint8_t *data,
                                        size_t len_bytes, cflight_error **reterr)
{
    struct cfl_grpc_deframer *deframer = &call->deframer;
    cflight_status status = CFLIGHT_OK;
    deframer->done_bytes += (uint32_t)len_bytes;
    if (call->handlers.on_message_bytes != NULL) {
        call->unconsumed_bytes += len_bytes;
        status = call->handlers.on_message_bytes(call->user_data, call, data, len_bytes, reterr);
    } else if (call->stream != NULL) {
        cfl_h2_stream_consume(call->stream, len_bytes);
    }
    if (goes_on(call, status) && deframer->done_bytes == deframer->message_bytes) {
        status = message_ends(call, reterr);
    }
    return status;
}

cflight_status cfl_grpc_deframe(struct cfl_grpc_call *call, const uint8_t *data, size_t len_bytes,
                                cflight_error **reterr)
{
    struct cfl_grpc_deframer *deframer = &call->deframer;
    cflight_status status = CFLIGHT_OK;
    while (goes_on(call, status) && len_bytes > 0) {
        size_t step_bytes = deframer->is_in_message
                                ? deframer->message_bytes - deframer->done_bytes
                                : CFL_GRPC_PREFIX_BYTES - deframer->prefix_bytes;
        step_bytes = len_bytes < step_bytes ? len_bytes : step_bytes;
        if (deframer->is_in_message) {
            status = deframer->is_packed ? packed_continues(call, data, step_bytes, reterr)
                                         : message_continues(call, data, step_bytes, reterr);
        } else {
            memcpy(deframer->prefix + deframer->prefix_bytes, data, step_bytes);
            deframer->prefix_bytes += step_bytes;
            if (deframer->prefix_bytes == CFL_GRPC_PREFIX_BYTES) {
                status = message_begins(call, reterr);
            }
        }
        data += step_bytes;
        len_bytes -= step_bytes;
    }
    return status;
}

void cfl_grpc_deframe_place(struct cfl_grpc_call *call, uint8_t **ret_target, size_t *ret_len_bytes,
                            size_t *ret_hint_bytes)
{
    const struct cfl_grpc_deframer *deframer = &call->deframer;
    if (cfl_grpc_call_is_dead(call)) {
        return;
    }
    if (deframer->small_count >= SMALL_COUNT_MIN) {
        *ret_hint_bytes = CFL_H2_NO_PLACE_SOON;
        return;
    }
    if (!deframer->is_in_message) {
        *ret_hint_bytes = CFL_GRPC_PREFIX_BYTES - deframer->prefix_bytes + HEAD_GUESS_BYTES;
        return;
    }
    size_t left_bytes = deframer->message_bytes - deframer->done_bytes;
    if (deframer->is_packed) {
        return;
    }
    if (call->handlers.place != NULL) {
        call->handlers.place(call->user_data, call, ret_target, ret_len_bytes, ret_hint_bytes);
    }
    if (*ret_len_bytes > left_bytes) {
        *ret_len_bytes = left_bytes;
    }
    if (*ret_hint_bytes > left_bytes) {
        *ret_hint_bytes = left_bytes;
    }
}

bool cfl_grpc_deframe_is_between(const struct cfl_grpc_call *call, char *text, size_t text_bytes)
{
    const struct cfl_grpc_deframer *deframer = &call->deframer;
    if (deframer->is_in_message) {
        (void)snprintf(text, text_bytes,
                       "the stream ended inside a message, after %lu of %lu bytes",
                       (unsigned long)deframer->done_bytes, (unsigned long)deframer->message_bytes);
        return false;
    }
    if (deframer->prefix_bytes > 0) {
        (void)snprintf(text, text_bytes,
                       "the stream ended inside a message prefix, after %zu of %d bytes",
                       deframer->prefix_bytes, CFL_GRPC_PREFIX_BYTES);
        return false;
    }
    return true;
}
