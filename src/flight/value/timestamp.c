/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time: nanoseconds here, seconds and nanoseconds on the wire
 * (google.protobuf.Timestamp).
 *
 * The nanos of a Timestamp count forward even before 1970, so seconds are rounded down. A peer's
 * timestamp may lie outside the years 1677 to 2262 that nanoseconds in 64 bits reach ("never" as
 * the year 9999): it becomes the nearest that fits. Nanos out of range, negative ones of the C++
 * implementation among them, are simply added. Thread class: free. */
#include "flight/value/values.h"

#include <inttypes.h>
#include <time.h>

#include "base/clock.h"

bool cfl_time_to_message(struct cfl_arena *arena, struct cflight_time time,
                         cfl_pb_timestamp **ret_message)
{
    *ret_message = NULL;
    if (!time.has_value) {
        return true;
    }
    cfl_pb_timestamp *message = cfl_arena_alloc(arena, sizeof *message);
    if (message == NULL) {
        return false;
    }
    arrow__flight__protocol__timestamp__init(message);
    int64_t seconds = time.unix_ns / CFL_NS_PER_S;
    int64_t nanos = time.unix_ns % CFL_NS_PER_S;
    if (nanos < 0) {
        nanos += CFL_NS_PER_S;
        seconds--;
    }
    message->seconds = seconds;
    message->nanos = (int32_t)nanos;
    *ret_message = message;
    return true;
}

struct cflight_time cfl_time_from_message(const cfl_pb_timestamp *message)
{
    struct cflight_time time = {false, 0};
    if (message == NULL) {
        return time;
    }
    time.has_value = true;
    if (__builtin_mul_overflow(message->seconds, CFL_NS_PER_S, &time.unix_ns) ||
        __builtin_add_overflow(time.unix_ns, (int64_t)message->nanos, &time.unix_ns)) {
        time.unix_ns = message->seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    return time;
}

bool cfl_time_equal(struct cflight_time a, struct cflight_time b)
{
    return a.has_value == b.has_value && (!a.has_value || a.unix_ns == b.unix_ns);
}

void cfl_append_time_text(struct cfl_buf *target, struct cflight_time time)
{
    if (!time.has_value) {
        (void)cfl_buf_append_text(target, "None");
        return;
    }
    int64_t nanos = time.unix_ns % CFL_NS_PER_S;
    time_t seconds = (time_t)(time.unix_ns / CFL_NS_PER_S);
    if (nanos < 0) {
        nanos += CFL_NS_PER_S;
        seconds--;
    }
    struct tm fields;
    char text[64] = "";
    if (gmtime_r(&seconds, &fields) != NULL) {
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &fields);
    }
    (void)cfl_buf_append_text(target, text);
    if (nanos != 0) {
        (void)cfl_buf_append_format(target, ".%09" PRId64, nanos);
    }
    (void)cfl_buf_append_text(target, "+00:00");
}
