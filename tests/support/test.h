/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_TEST_H
#define CFLIGHT_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cflight/alloc.h"
#include "cflight/bytes.h"
#include "cflight/error.h"

/* The frame of a test: TEST(suite, name) registers itself, runs with a watchdog, and fails when it
 * leaves a file descriptor open. Assertions are cmocka's. `./test_x PATTERN` runs the tests whose
 * name contains PATTERN. */

typedef void (*t_test_fn)(void **state);
void t_register(const char *name, t_test_fn function);
/* Between the parts of a long test: each has the watchdog's whole patience. */
void t_watchdog_restart(void);

#define TEST(suite, name)                                                    \
    static void suite##_##name(void **state);                                \
    __attribute__((constructor)) static void register_##suite##_##name(void) \
    {                                                                        \
        t_register(#suite "." #name, suite##_##name);                        \
    }                                                                        \
    static void suite##_##name(void **state __attribute__((unused)))

/* Fails with the text of the error when `status` is not OK. */
#define CHECK_OK(status, error)                                                 \
    do {                                                                        \
        cflight_status check_status_ = (status);                                \
        if (check_status_ != CFLIGHT_OK) {                                      \
            fail_msg("%s: %s: %s", #status, cflight_status_name(check_status_), \
                     cflight_error_message(error));                             \
        }                                                                       \
    } while (0)

#define CHECK_STATUS(actual, expected)                                                       \
    do {                                                                                     \
        cflight_status check_actual_ = (actual);                                             \
        cflight_status check_expected_ = (expected);                                         \
        if (check_actual_ != check_expected_) {                                              \
            fail_msg("%s gave %s, expected %s", #actual, cflight_status_name(check_actual_), \
                     cflight_status_name(check_expected_));                                  \
        }                                                                                    \
    } while (0)

static inline struct cflight_bytes t_text(const char *text)
{
    return cflight_bytes_from_text(text);
}

static inline bool t_is_text(struct cflight_bytes bytes, const char *text)
{
    return cflight_bytes_equal(bytes, t_text(text));
}

/* An allocator that counts what is live and can fail the n-th allocation. */
struct t_alloc {
    struct cflight_allocator allocator;
    size_t live_count;
    size_t call_count;
    size_t fail_at; /* SIZE_MAX: never */
    bool did_fail;
};
void t_alloc_init(struct t_alloc *alloc, size_t fail_at);

/* Runs the block with allocation 0 failing, then 1, and so on, until a run needs no more. */
#define T_EACH_ALLOC_FAILURE(name)                                    \
    for (struct t_alloc name##_storage,                               \
         *name = (t_alloc_init(&name##_storage, 0), &name##_storage); \
         name != NULL; name = t_alloc_again(name))
struct t_alloc *t_alloc_again(struct t_alloc *alloc);

#endif /* CFLIGHT_TESTS_TEST_H */
