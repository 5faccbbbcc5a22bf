/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_LOG_LIMIT_H
#define CFL_BASE_LOG_LIMIT_H

#include <stdint.h>

#include "base/list.h"
#include "base/log.h"

enum { CFL_LOG_LINES_MAX = 10 /* of a kind in a second; then they are counted */ };

/* One kind of line: of the program, one for each place in the source. Zero at first; its members
 * belong to log_limit.c. */
struct cfl_log_limit {
    int64_t until_ns; /* when the second is over */
    uint32_t line_count;
    uint64_t left_out_count;
    enum cflight_log_level level;
    const char *subsystem;
    char last[400]; /* the line that was left out last */
    struct cfl_list node;
};

/* A line that strangers can cause as often as they like, such as one for each connection that is
 * refused. A few are written as they are; of the others in the same second the number, and the
 * last. Thread class: free; no lock is held while the sink runs. */
#define CFL_LOG_LIMITED(level, subsystem, ...)                                       \
    do {                                                                             \
        static struct cfl_log_limit cfl_log_limit_here;                              \
        if (cfl_log_wants(level)) {                                                  \
            cfl_log_limited(&cfl_log_limit_here, (level), (subsystem), __VA_ARGS__); \
        }                                                                            \
    } while (0)

void cfl_log_limited(struct cfl_log_limit *limit, enum cflight_log_level level,
                     const char *subsystem, const char *format, ...) CFLIGHT_PRINTF(4, 5);

/* When what was left out is to be told; CFL_TIME_NEVER: nothing was. */
int64_t cfl_log_due_ns(void);
/* Tells what was left out in seconds that are over by then. */
void cfl_log_tell_left_out(int64_t now_ns);

#endif /* CFL_BASE_LOG_LIMIT_H */
