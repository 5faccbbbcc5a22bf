/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_LOG_H
#define CFLIGHT_LOG_H

#include "cflight/export.h"

/// @file
/// The log sink. The library is silent until one is set, and reports failures by returning them,
/// not by logging. Lines never hold tokens, payloads or header values, but the user name of a
/// failed login (cflight/bearer_auth.h).
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

enum cflight_log_level {
    CFLIGHT_LOG_OFF = 0,
    CFLIGHT_LOG_ERROR = 1,
    CFLIGHT_LOG_WARN = 2,
    CFLIGHT_LOG_INFO = 3,
    CFLIGHT_LOG_DEBUG = 4,
    CFLIGHT_LOG_TRACE = 5,
};

/// Receives one line, without a line end. `subsystem` is "net", "h2", "grpc", "ipc" or "flight".
/// Called from any thread, several at once, sometimes while the library holds a lock: it must not
/// call back into the library, but for
/// cflight_log_file_write() with a log of cflight_log_file_new_fd().
typedef void (*cflight_log_fn)(void *user_data, enum cflight_log_level level, const char *subsystem,
                               const char *line);

/// Sets the process-wide sink and the most detailed level it wants. NULL `log` turns logging off.
/// Thread class: free; after the return no thread starts a call to the former sink, but one may
/// still be inside it.
CFLIGHT_EXPORT void
cflight_log_set(cflight_log_fn log, void *user_data, enum cflight_log_level level);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_LOG_H */
