/* SPDX-License-Identifier: Apache-2.0 */
/* grpc-timeout (gRPC over HTTP/2, "Timeout"). Thread class: free. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "grpc/wire.h"

enum { DIGITS_MAX = 8 };

struct unit {
    char letter;
    int64_t ns;
};

static const struct unit UNITS[] = {
    {'n', 1},
    {'u', 1000},
    {'m', CFL_NS_PER_MS},
    {'S', CFL_NS_PER_S},
    {'M', CFL_NS_PER_S * 60},
    {'H', CFL_NS_PER_S * 3600},
};

enum { UNIT_COUNT = sizeof UNITS / sizeof UNITS[0] };

bool cfl_grpc_timeout_parse(struct cflight_bytes text, int64_t *ret_duration_ns)
{
    if (text.len_bytes < 2 || text.len_bytes > DIGITS_MAX + 1) {
        return false;
    }
    int64_t value = 0;
    for (size_t i = 0; i + 1 < text.len_bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (UNITS[i].letter == (char)text.data[text.len_bytes - 1]) {
            if (__builtin_mul_overflow(value, UNITS[i].ns, ret_duration_ns)) {
                *ret_duration_ns = CFL_TIME_NEVER;
            }
            return true;
        }
    }
    return false;
}

void cfl_grpc_timeout_format(int64_t duration_ns, char text[CFL_GRPC_TIMEOUT_TEXT_BYTES])
{
    const int64_t value_max = 99999999;
    if (duration_ns < 0) {
        duration_ns = 0;
    }
    size_t unit = 0;
    int64_t value = duration_ns;
    while (value > value_max && unit + 1 < UNIT_COUNT) {
        unit++;
        value = duration_ns / UNITS[unit].ns + (duration_ns % UNITS[unit].ns != 0);
    }
    (void)snprintf(text, CFL_GRPC_TIMEOUT_TEXT_BYTES, "%" PRId64 "%c", value, UNITS[unit].letter);
}
