/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_CLOCK_H
#define CFLIGHT_CLI_SYSTEM_CLOCK_H

#include <stdint.h>

#include "cli/system/text.h"

/* Time that nobody sets back, from an unknown beginning. Thread class: free. */

#define CLI_NS_PER_MS 1000000

int64_t cli_now_ns(void);

/* Appends the time of day, UTC: "2026-11-30T17:52:35.123456Z". */
void cli_append_time(struct cli_text *text);

#endif /* CFLIGHT_CLI_SYSTEM_CLOCK_H */
