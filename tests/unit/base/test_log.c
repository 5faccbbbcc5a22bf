/* SPDX-License-Identifier: Apache-2.0 */
/* The log sink. */
#include "base/log_limit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "test.h"

struct seen {
    size_t count;
    enum cflight_log_level level;
    char subsystem[16];
    char line[1024];
};

static void remember(void *user_data, enum cflight_log_level level, const char *subsystem,
                     const char *line)
{
    struct seen *seen = user_data;
    seen->count++;
    seen->level = level;
    (void)snprintf(seen->subsystem, sizeof seen->subsystem, "%s", subsystem);
    (void)snprintf(seen->line, sizeof seen->line, "%s", line);
}

/* Goal: the library is silent by default and evaluates no argument of a line nobody wants.
 * Method: an argument with a side effect, with no sink, then under and at its level. */
TEST(log, a_line_is_evaluated_only_when_its_level_is_wanted)
{
    struct seen seen = {0};
    int evaluated = 0;
    CFL_LOG(CFLIGHT_LOG_ERROR, "net", "%d", ++evaluated);
    assert_int_equal(evaluated, 0);

    cflight_log_set(remember, &seen, CFLIGHT_LOG_INFO);
    CFL_LOG(CFLIGHT_LOG_DEBUG, "net", "%d", ++evaluated);
    assert_int_equal(evaluated, 0);
    CFL_LOG(CFLIGHT_LOG_INFO, "net", "value %d", ++evaluated);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.level, CFLIGHT_LOG_INFO);
    assert_string_equal(seen.subsystem, "net");
    assert_string_equal(seen.line, "value 1");

    cflight_log_set(NULL, NULL, CFLIGHT_LOG_TRACE);
    CFL_LOG(CFLIGHT_LOG_ERROR, "net", "%d", ++evaluated);
    assert_int_equal(evaluated, 1);
    cfl_log_write(CFLIGHT_LOG_ERROR, "net", "no sink");
    assert_int_equal(seen.count, 1);
}

/* Goal: a line of any length is cut, not overrun. Method: 2000 characters. */
TEST(log, a_long_line_is_cut)
{
    struct seen seen = {0};
    cflight_log_set(remember, &seen, CFLIGHT_LOG_TRACE);
    CFL_LOG(CFLIGHT_LOG_TRACE, "h2", "%02000d", 5);
    cflight_log_set(NULL, NULL, CFLIGHT_LOG_OFF);
    assert_int_equal(strlen(seen.line), 511);
    assert_int_equal(seen.line[510], '0');
}

static void count_only(void *user_data, enum cflight_log_level level, const char *subsystem,
                       const char *line)
{
    (void)level;
    (void)subsystem;
    (void)line;
    atomic_fetch_add((atomic_size_t *)user_data, 1);
}

static void *write_lines(void *argument)
{
    (void)argument;
    for (int i = 0; i < 1000; i++) {
        CFL_LOG(CFLIGHT_LOG_WARN, "grpc", "line %d", i);
    }
    return NULL;
}

/* Goal: threads may log while the sink changes. Method: two of each; ThreadSanitizer is the judge,
 * and a sink that stays gets every line. */
TEST(log, the_sink_may_change_while_threads_log)
{
    static atomic_size_t count;
    pthread_t threads[2];
    cflight_log_set(count_only, &count, CFLIGHT_LOG_WARN);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, NULL), 0);
    }
    for (size_t i = 0; i < 1000; i++) {
        cflight_log_set(count_only, &count, i % 2 == 0 ? CFLIGHT_LOG_TRACE : CFLIGHT_LOG_WARN);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    cflight_log_set(NULL, NULL, CFLIGHT_LOG_OFF);
    assert_int_equal(atomic_load(&count), 2000);
}

/* Goal: what strangers cause is told, but not as often as they like. Method: a thousand lines of a
 * kind, one of another; then the time is over, and the kind goes on. */
TEST(log, a_flood_of_lines_is_summed_up)
{
    struct seen seen = {0};
    cflight_log_set(remember, &seen, CFLIGHT_LOG_WARN);
    assert_true(cfl_log_due_ns() == CFL_TIME_NEVER);
    for (int i = 0; i <= 1000; i++) {
        if (i < 1000) {
            CFL_LOG_LIMITED(CFLIGHT_LOG_WARN, "flight", "stranger %d", i);
        } else {
            CFL_LOG_LIMITED(CFLIGHT_LOG_INFO, "flight", "nobody wants to know");
        }
        assert_true(i >= CFL_LOG_LINES_MAX || seen.count == (size_t)i + 1);
    }
    assert_int_equal(seen.count, CFL_LOG_LINES_MAX);
    CFL_LOG_LIMITED(CFLIGHT_LOG_WARN, "net", "something else");
    assert_string_equal(seen.line, "something else");
    int64_t now_ns = cfl_clock_now_ns(NULL);
    assert_in_range(cfl_log_due_ns(), now_ns - CFL_NS_PER_S, now_ns + CFL_NS_PER_S);
    cfl_log_tell_left_out(cfl_log_due_ns() - 1);
    assert_int_equal(seen.count, CFL_LOG_LINES_MAX + 1);
    cfl_log_tell_left_out(cfl_log_due_ns());
    assert_string_equal(seen.line, "990 lines were left out, the last of them: stranger 999");
    assert_string_equal(seen.subsystem, "flight");
    assert_int_equal(seen.count, CFL_LOG_LINES_MAX + 2);
    assert_true(cfl_log_due_ns() == CFL_TIME_NEVER);
    cfl_log_tell_left_out(CFL_TIME_NEVER);
    assert_int_equal(seen.count, CFL_LOG_LINES_MAX + 2);
    cflight_log_set(NULL, NULL, CFLIGHT_LOG_OFF);
}
