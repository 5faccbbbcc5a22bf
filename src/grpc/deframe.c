/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on their way in (gRPC over HTTP/2, "Length-Prefixed-Message"): five bytes of prefix,
 * then the message, cut anywhere. Bytes are passed on where they are; nothing is gathered here. The
 * length is checked against the limit before anyone hears of it. Flow-control credit of prefixes is
 * given when no message waits to be taken, so that a stream of small messages that nobody reads
 * comes to rest. Thread class: one at a time. */
#include <stdio.h>

#include "grpc/internal.h"

enum {
    /* What follows a prefix in any Flight message before bytes that are worth a place of their own.
     */
    HEAD_GUESS_BYTES = 128,
    TEXT_BYTES = 160,
};

static void fail(struct cfl_grpc_call *call, cflight_status status, const char *message)
{
    if (call->conn->role == CFL_GRPC_CLIENT) {
        cfl_grpc_client_abort(call, status, message);
    } else {
        cfl_grpc_server_abort(call, status, message);
    }
}

/* Ends the call with what a handler returned. */
static bool check_handler(struct cfl_grpc_call *call, cflight_status status, cflight_error *error)
{
    if (status != CFLIGHT_OK && !cfl_grpc_call_is_dead(call)) {
        fail(call, status, cflight_error_message(error));
    }
    cflight_error_free(error);
    return status == CFLIGHT_OK && !cfl_grpc_call_is_dead(call);
}

static bool message_ends(struct cfl_grpc_call *call)
{
    struct cfl_grpc_deframer *deframer = &call->deframer;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    deframer->is_in_message = false;
    deframer->prefix_bytes = 0;
    if (call->handlers.on_message_end != NULL) {
        status = call->handlers.on_message_end(call->user_data, call, &error);
    }
    return check_handler(call, status, error);
}

static bool message_begins(struct cfl_grpc_call *call)
{
    struct cfl_grpc_deframer *deframer = &call->deframer;
    char text[TEXT_BYTES];
    const uint8_t *prefix = deframer->prefix;
    if (prefix[0] != 0) {
        (void)snprintf(text, sizeof text,
                       prefix[0] == 1 ? "a message is compressed, which was not agreed on"
                                      : "a message prefix starts with 0x%02x; 0 is expected",
                       prefix[0]);
        fail(call, CFLIGHT_INTERNAL, text);
        return false;
    }
    deframer->message_bytes = (uint32_t)prefix[1] << 24 | (uint32_t)prefix[2] << 16 |
                              (uint32_t)prefix[3] << 8 | prefix[4];
    uint64_t limit_bytes = call->conn->limits.message_bytes_max;
    if (deframer->message_bytes > limit_bytes) {
        (void)snprintf(text, sizeof text, "a message is %lu bytes; the limit is %llu bytes",
                       (unsigned long)deframer->message_bytes, (unsigned long long)limit_bytes);
        fail(call, CFLIGHT_RESOURCE_EXHAUSTED, text);
        return false;
    }
    deframer->done_bytes = 0;
    deframer->is_in_message = true;
    call->prefix_credit_bytes += CFL_GRPC_PREFIX_BYTES;
    cfl_grpc_credit_prefixes(call);
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (call->handlers.on_message_begin != NULL) {
        status =
            call->handlers.on_message_begin(call->user_data, call, deframer->message_bytes, &error);
    }
    if (!check_handler(call, status, error)) {
        return false;
    }
    return deframer->message_bytes > 0 || message_ends(call);
}

static bool message_continues(struct cfl_grpc_call *call, const uint8_t *data, size_t len_bytes)
{
    struct cfl_grpc_deframer *deframer = &call->deframer;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    deframer->done_bytes += (uint32_t)len_bytes;
    if (call->handlers.on_message_bytes != NULL) {
        call->unconsumed_bytes += len_bytes;
        status = call->handlers.on_message_bytes(call->user_data, call, data, len_bytes, &error);
    } else if (call->stream != NULL) {
        cfl_h2_stream_consume(call->stream, len_bytes);
    }
    if (!check_handler(call, status, error)) {
        return false;
    }
    return deframer->done_bytes < deframer->message_bytes || message_ends(call);
}

void cfl_grpc_deframe(struct cfl_grpc_call *call, const uint8_t *data, size_t len_bytes)
{
    struct cfl_grpc_deframer *deframer = &call->deframer;
    bool goes_on = !cfl_grpc_call_is_dead(call);
    cfl_grpc_call_hold(call);
    while (goes_on && len_bytes > 0) {
        size_t step_bytes = 1;
        if (deframer->is_in_message) {
            step_bytes = deframer->message_bytes - deframer->done_bytes;
            step_bytes = len_bytes < step_bytes ? len_bytes : step_bytes;
            goes_on = message_continues(call, data, step_bytes);
        } else {
            deframer->prefix[deframer->prefix_bytes++] = data[0];
            if (deframer->prefix_bytes == CFL_GRPC_PREFIX_BYTES) {
                goes_on = message_begins(call);
            }
        }
        data += step_bytes;
        len_bytes -= step_bytes;
    }
    cfl_grpc_call_unhold(call);
}

void cfl_grpc_deframe_place(struct cfl_grpc_call *call, uint8_t **ret_target, size_t *ret_len_bytes,
                            size_t *ret_hint_bytes)
{
    const struct cfl_grpc_deframer *deframer = &call->deframer;
    if (cfl_grpc_call_is_dead(call)) {
        return;
    }
    if (!deframer->is_in_message) {
        *ret_hint_bytes = CFL_GRPC_PREFIX_BYTES - deframer->prefix_bytes + HEAD_GUESS_BYTES;
        return;
    }
    size_t left_bytes = deframer->message_bytes - deframer->done_bytes;
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
