/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a flood of connections or calls from being a flood of lines.
 *
 * Kinds with lines left out are in a list until that was told: by the next line of the kind after
 * its second, or by whoever looks at the time anyway, as the clock of a server does. The mutex is a
 * leaf. Thread class: free. */
#include "base/log_limit.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static pthread_mutex_t limit_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct cfl_list pending = {&pending, &pending}; /* locked */
static atomic_int_least64_t due_ns = CFL_TIME_NEVER;   /* written under the lock */

static void plan_locked(void)
{
    int64_t next_ns = CFL_TIME_NEVER;
    for (struct cfl_list *node = pending.next; node != &pending; node = node->next) {
        next_ns = cfl_deadline_earlier(next_ns,
                                       CFL_LIST_ENTRY(node, struct cfl_log_limit, node)->until_ns);
    }
    atomic_store(&due_ns, next_ns);
}

/* Takes what is to be told of a kind; `left_out_count` is 0 when there is nothing. */
static struct cfl_log_limit take_left_out_locked(struct cfl_log_limit *limit)
{
    struct cfl_log_limit taken = *limit;
    if (limit->left_out_count > 0) {
        cfl_list_remove(&limit->node);
        limit->left_out_count = 0;
        plan_locked();
    }
    return taken;
}

static void tell(const struct cfl_log_limit *taken)
{
    if (taken->left_out_count > 0) {
        cfl_log_write(taken->level, taken->subsystem,
                      "%" PRIu64 " lines were left out, the last of them: %s",
                      taken->left_out_count, taken->last);
    }
}

void cfl_log_limited(struct cfl_log_limit *limit, enum cflight_log_level level,
                     const char *subsystem, const char *format, ...)
{
    char line[sizeof limit->last];
    struct cfl_log_limit taken = {.left_out_count = 0};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);

    (void)pthread_mutex_lock(&limit_mutex);
    int64_t now_ns = cfl_clock_now_ns(NULL);
    if (now_ns >= limit->until_ns) {
        taken = take_left_out_locked(limit);
        limit->until_ns = now_ns + CFL_NS_PER_S;
        limit->line_count = 0;
    }
    bool is_written = limit->line_count < CFL_LOG_LINES_MAX;
    if (is_written) {
        limit->line_count++;
    } else {
        if (limit->left_out_count++ == 0) {
            cfl_list_append(&pending, &limit->node);
            limit->level = level;
            limit->subsystem = subsystem;
            plan_locked();
        }
        memcpy(limit->last, line, sizeof line);
    }
    (void)pthread_mutex_unlock(&limit_mutex);
    tell(&taken);
    if (is_written) {
        cfl_log_write(level, subsystem, "%s", line);
    }
}

int64_t cfl_log_due_ns(void)
{
    return atomic_load_explicit(&due_ns, memory_order_relaxed);
}

/* The first kind whose second is over. */
static struct cfl_log_limit take_due(int64_t now_ns)
{
    struct cfl_log_limit taken = {.left_out_count = 0};
    (void)pthread_mutex_lock(&limit_mutex);
    for (struct cfl_list *node = pending.next; node != &pending; node = node->next) {
        struct cfl_log_limit *limit = CFL_LIST_ENTRY(node, struct cfl_log_limit, node);
        if (limit->until_ns <= now_ns) {
            taken = take_left_out_locked(limit);
            break;
        }
    }
    (void)pthread_mutex_unlock(&limit_mutex);
    return taken;
}

void cfl_log_tell_left_out(int64_t now_ns)
{
    while (cfl_log_due_ns() != CFL_TIME_NEVER && cfl_log_due_ns() <= now_ns) {
        struct cfl_log_limit taken = take_due(now_ns);
        tell(&taken);
    }
}
