/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_LOG_CAPTURE_H
#define CFLIGHT_TESTS_LOG_CAPTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "cflight/log.h"

/* Keeps every line that the library logs, from whatever thread. One at a time in a program. */
struct t_capture {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        char *text; /* lines, each "subsystem: line\n" */
        size_t len_bytes;
        size_t line_count;
    } locked;
};

void t_capture_start(struct t_capture *log, enum cflight_log_level level);
/* No thread of the library may be running any more. */
void t_capture_stop(struct t_capture *log);
/* Adds a line of the test's own, for one search over everything. */
void t_capture_add(struct t_capture *log, const char *line);
/* Fails the test when `part` is in no line after a generous time. */
void t_capture_wait(struct t_capture *log, const char *part);
bool t_capture_has(struct t_capture *log, const char *part);
size_t t_capture_count(struct t_capture *log);

#endif /* CFLIGHT_TESTS_LOG_CAPTURE_H */
