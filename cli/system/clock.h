/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_CLOCK_H
#define CFLIGHT_CLI_SYSTEM_CLOCK_H

#include <stdint.h>

/* Time that nobody sets back, from an unknown beginning. Thread class: free. */

#define CLI_NS_PER_MS 1000000

int64_t cli_now_ns(void);

#endif /* CFLIGHT_CLI_SYSTEM_CLOCK_H */
