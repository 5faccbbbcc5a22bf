/* SPDX-License-Identifier: Apache-2.0 */
/* W3C Trace Context (Recommendation of 2021, sections 3.2 and 3.3): version, trace-id, parent-id
 * and flags in lower-case hexadecimal, joined by hyphens. Later versions may append fields, which
 * are dropped; version ff and ids of zeros are invalid. Thread class: free. */
#include "cflight/trace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secrets.h"

enum {
    TRACE_ID_AT = 3,
    SPAN_ID_AT = 36,
    FLAGS_AT = 53,
    VERSION_INVALID = 0xFF,
    STATE_BYTES_MAX = 8192,
};

/* ---- ids ---- */

/* Ids tell spans apart and are no secrets, and each call needs some: they come from a generator in
 * the process (SplitMix64 by Steele, Lea and Flood) that the system's has seeded once. The clock
 * goes in, too, so that a child of fork() has others. */
static struct {
    pthread_once_t once;
    bool is_there;
    uint64_t keys[2];
    atomic_uint_least64_t count;
} generator = {.once = PTHREAD_ONCE_INIT};

static void seed(void)
{
    generator.is_there =
        cfl_random_bytes(generator.keys, sizeof generator.keys, NULL) == CFLIGHT_OK;
}

static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
    return bits ^ (bits >> 31);
}

/* Never all zeros. */
static cflight_status make_id(uint8_t *id, size_t len_bytes, cflight_error **reterr)
{
    (void)pthread_once(&generator.once, seed);
    if (!generator.is_there) {
        return cflight_error_set_message(reterr, CFLIGHT_INTERNAL, "no random numbers");
    }
    uint64_t now = (uint64_t)cfl_clock_now_ns(NULL);
    for (size_t i = 0; i < len_bytes; i += sizeof now) {
        uint64_t step = atomic_fetch_add_explicit(&generator.count, 1, memory_order_relaxed);
        uint64_t bits = mix(generator.keys[0] + step * UINT64_C(0x9E3779B97F4A7C15)) ^
                        mix(generator.keys[1] + now);
        bits = mix(bits);
        memcpy(id + i, &bits, sizeof bits);
    }
    id[0] |= 1;
    return CFLIGHT_OK;
}

/* ---- contexts ---- */

static bool is_zero(const uint8_t *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

bool cflight_trace_parse(struct cflight_bytes traceparent, struct cflight_trace *ret_trace)
{
    struct cflight_trace trace = {.flags = 0};
    uint8_t version = 0;
    const uint8_t *text = traceparent.data;
    if (traceparent.len_bytes < CFLIGHT_TRACEPARENT_BYTES || text[TRACE_ID_AT - 1] != '-' ||
        text[SPAN_ID_AT - 1] != '-' || text[FLAGS_AT - 1] != '-' ||
        !cfl_hex_read(text, 2, &version, 1) || version == VERSION_INVALID ||
        !cfl_hex_read(text + TRACE_ID_AT, 32, trace.trace_id, sizeof trace.trace_id) ||
        !cfl_hex_read(text + SPAN_ID_AT, 16, trace.span_id, sizeof trace.span_id) ||
        !cfl_hex_read(text + FLAGS_AT, 2, &trace.flags, 1)) {
        return false;
    }
    bool has_more = traceparent.len_bytes > CFLIGHT_TRACEPARENT_BYTES;
    if ((has_more && (version == 0 || text[CFLIGHT_TRACEPARENT_BYTES] != '-')) ||
        is_zero(trace.trace_id, sizeof trace.trace_id) ||
        is_zero(trace.span_id, sizeof trace.span_id)) {
        return false;
    }
    *ret_trace = trace;
    return true;
}

bool cflight_trace_of(const cflight_server_context *context, struct cflight_trace *ret_trace)
{
    struct cflight_trace trace;
    if (!cflight_trace_parse(cflight_server_context_header(context, "traceparent"), &trace)) {
        return false;
    }
    trace.state = cflight_server_context_header(context, "tracestate");
    if (trace.state.len_bytes > STATE_BYTES_MAX) {
        trace.state = cflight_bytes_make(NULL, 0);
    }
    *ret_trace = trace;
    return true;
}

cflight_status cflight_trace_child(const struct cflight_trace *parent,
                                   struct cflight_trace *ret_child, cflight_error **reterr)
{
    struct cflight_trace child = {.flags = 0};
    if (ret_child == NULL) {
        return cfl_error_null_argument(reterr, "ret_child");
    }
    cflight_status status = CFLIGHT_OK;
    if (parent != NULL) {
        child = *parent;
    } else {
        status = make_id(child.trace_id, sizeof child.trace_id, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = make_id(child.span_id, sizeof child.span_id, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_child = child;
    }
    return status;
}

size_t cflight_trace_headers(const struct cflight_trace *trace,
                             char text[CFLIGHT_TRACEPARENT_BYTES + 1],
                             struct cflight_header ret_headers[2])
{
    char trace_id[33];
    char span_id[17];
    cfl_hex_write(trace->trace_id, sizeof trace->trace_id, trace_id);
    cfl_hex_write(trace->span_id, sizeof trace->span_id, span_id);
    char flags[3];
    cfl_hex_write(&trace->flags, 1, flags);
    memcpy(text, "00-", TRACE_ID_AT);
    memcpy(text + TRACE_ID_AT, trace_id, sizeof trace_id);
    memcpy(text + SPAN_ID_AT, span_id, sizeof span_id);
    memcpy(text + FLAGS_AT, flags, sizeof flags);
    text[SPAN_ID_AT - 1] = '-';
    text[FLAGS_AT - 1] = '-';
    ret_headers[0].name = cflight_bytes_from_text("traceparent");
    ret_headers[0].value = cflight_bytes_make(text, CFLIGHT_TRACEPARENT_BYTES);
    if (trace->state.len_bytes == 0) {
        return 1;
    }
    ret_headers[1].name = cflight_bytes_from_text("tracestate");
    ret_headers[1].value = trace->state;
    return 2;
}
