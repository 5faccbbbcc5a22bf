/* SPDX-License-Identifier: Apache-2.0 */
/* The log sink: the library's one piece of global state beside TLS initialisation. The level is
 * atomic, so that a silent library pays one load; the sink and its user data change together under
 * a lock. Thread class: free. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

enum { LINE_BYTES_MAX = 512 };

static pthread_mutex_t sink_mutex = PTHREAD_MUTEX_INITIALIZER;
static cflight_log_fn sink;  /* locked */
static void *sink_user_data; /* locked */
static atomic_int sink_level;

void cflight_log_set(cflight_log_fn log, void *user_data, enum cflight_log_level level)
{
    (void)pthread_mutex_lock(&sink_mutex);
    sink = log;
    sink_user_data = user_data;
    atomic_store(&sink_level, log == NULL ? (int)CFLIGHT_LOG_OFF : (int)level);
    (void)pthread_mutex_unlock(&sink_mutex);
}

bool cfl_log_wants(enum cflight_log_level level)
{
    return (int)level <= atomic_load_explicit(&sink_level, memory_order_relaxed);
}

void cfl_log_write(enum cflight_log_level level, const char *subsystem, const char *format, ...)
{
    char line[LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);

    (void)pthread_mutex_lock(&sink_mutex);
    cflight_log_fn log = sink;
    void *user_data = sink_user_data;
    (void)pthread_mutex_unlock(&sink_mutex);
    if (log != NULL) {
        log(user_data, level, subsystem, line);
    }
}
