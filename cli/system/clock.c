/* SPDX-License-Identifier: Apache-2.0 */
/* The monotonic clock. */
#include "cli/system/clock.h"

#include <time.h>

int64_t cli_now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * CLI_NS_PER_MS + now.tv_nsec;
}
