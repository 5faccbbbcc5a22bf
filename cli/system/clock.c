/* SPDX-License-Identifier: Apache-2.0 */
/* The monotonic clock, and the time of day. */
#include "cli/system/clock.h"

#include <time.h>

int64_t cli_now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * CLI_NS_PER_MS + now.tv_nsec;
}

void cli_append_time(struct cli_text *text)
{
    char seconds[sizeof "2026-11-30T00:00:00"] = "";
    struct timespec now = {0};
    struct tm parts;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &parts) != NULL) {
        (void)strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
    }
    cli_text_append_format(text, "%s.%06ldZ", seconds, now.tv_nsec / 1000);
}
