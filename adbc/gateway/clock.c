/* SPDX-License-Identifier: Apache-2.0 */
/* Time that only goes on. Thread class: free. */
#include <time.h>

#include "adbc/gateway/internal.h"

int64_t gateway_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
