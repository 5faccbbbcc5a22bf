/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines for tests. */
#include "log_capture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/condition.h"
#include "test.h"

enum { PATIENCE_MS = 120000 };

static void add(struct t_capture *log, const char *subsystem, const char *line)
{
    size_t added_bytes = strlen(subsystem) + strlen(line) + 3;
    (void)pthread_mutex_lock(&log->mutex);
    char *grown = realloc(log->locked.text, log->locked.len_bytes + added_bytes + 1);
    if (grown == NULL) {
        abort();
    }
    (void)snprintf(grown + log->locked.len_bytes, added_bytes + 1, "%s: %s\n", subsystem, line);
    log->locked.text = grown;
    log->locked.len_bytes += added_bytes;
    log->locked.line_count++;
    (void)pthread_cond_broadcast(&log->changed);
    (void)pthread_mutex_unlock(&log->mutex);
}

static void on_line(void *user_data, enum cflight_log_level level, const char *subsystem,
                    const char *line)
{
    (void)level;
    add(user_data, subsystem, line);
}

void t_capture_start(struct t_capture *log, enum cflight_log_level level)
{
    memset(log, 0, sizeof *log);
    (void)pthread_mutex_init(&log->mutex, NULL);
    cfl_condition_init(&log->changed);
    cflight_log_set(on_line, log, level);
}

void t_capture_stop(struct t_capture *log)
{
    cflight_log_set(NULL, NULL, CFLIGHT_LOG_OFF);
    free(log->locked.text);
    (void)pthread_cond_destroy(&log->changed);
    (void)pthread_mutex_destroy(&log->mutex);
}

void t_capture_add(struct t_capture *log, const char *line)
{
    add(log, "test", line);
}

static bool has_locked(const struct t_capture *log, const char *part)
{
    return log->locked.text != NULL && strstr(log->locked.text, part) != NULL;
}

bool t_capture_has(struct t_capture *log, const char *part)
{
    (void)pthread_mutex_lock(&log->mutex);
    bool is_there = has_locked(log, part);
    (void)pthread_mutex_unlock(&log->mutex);
    return is_there;
}

void t_capture_wait(struct t_capture *log, const char *part)
{
    int64_t until_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), PATIENCE_MS);
    bool in_time = true;
    (void)pthread_mutex_lock(&log->mutex);
    while (!has_locked(log, part) && in_time) {
        in_time = cfl_condition_wait_until(&log->changed, &log->mutex, until_ns);
    }
    bool is_there = has_locked(log, part);
    (void)pthread_mutex_unlock(&log->mutex);
    if (!is_there) {
        cflight_log_set(NULL, NULL, CFLIGHT_LOG_OFF); /* the test ends here, and the log with it */
        fail_msg("no log line has '%s':\n%s", part,
                 log->locked.text == NULL ? "" : log->locked.text);
    }
}

size_t t_capture_count(struct t_capture *log)
{
    (void)pthread_mutex_lock(&log->mutex);
    size_t line_count = log->locked.line_count;
    (void)pthread_mutex_unlock(&log->mutex);
    return line_count;
}
