/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_LOG_H
#define CFL_BASE_LOG_H

#include <stdbool.h>

#include "cflight/export.h"
#include "cflight/log.h"

/* Debug and trace lines of the library. The level is tested before the arguments are evaluated.
 * Never log a header value, a token or a payload. Thread class: free. */
bool cfl_log_wants(enum cflight_log_level level);
void cfl_log_write(enum cflight_log_level level, const char *subsystem, const char *format, ...)
    CFLIGHT_PRINTF(3, 4);

#define CFL_LOG(level, subsystem, ...)                        \
    do {                                                      \
        if (cfl_log_wants(level)) {                           \
            cfl_log_write((level), (subsystem), __VA_ARGS__); \
        }                                                     \
    } while (0)

#endif /* CFL_BASE_LOG_H */
