/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the registered tests under cmocka, each with a watchdog and a count of open descriptors
 * around it. */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

enum { TESTS_MAX = 1024, WATCHDOG_S = 400 };

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;

void t_register(const char *name, t_test_fn function)
{
    if (test_count == TESTS_MAX) {
        fprintf(stderr, "more than %d tests in one program\n", TESTS_MAX);
        exit(2);
    }
    struct CMUnitTest test = {.name = name, .test_func = function};
    tests[test_count++] = test;
}

static pthread_mutex_t counters_mutex = PTHREAD_MUTEX_INITIALIZER;

static void *counting_allocate(void *user_data, size_t size_bytes, size_t alignment_bytes)
{
    struct t_alloc *alloc = user_data;
    (void)pthread_mutex_lock(&counters_mutex);
    bool fails = alloc->call_count++ == alloc->fail_at;
    alloc->did_fail = alloc->did_fail || fails;
    (void)pthread_mutex_unlock(&counters_mutex);
    void *memory = NULL;
    if (alignment_bytes < sizeof(void *)) {
        alignment_bytes = sizeof(void *);
    }
    if (fails || posix_memalign(&memory, alignment_bytes, size_bytes) != 0) {
        return NULL;
    }
    memset(memory, 0xA5, size_bytes);
    (void)pthread_mutex_lock(&counters_mutex);
    alloc->live_count++;
    (void)pthread_mutex_unlock(&counters_mutex);
    return memory;
}

static void counting_release(void *user_data, void *memory, size_t size_bytes)
{
    struct t_alloc *alloc = user_data;
    (void)size_bytes;
    free(memory);
    (void)pthread_mutex_lock(&counters_mutex);
    alloc->live_count--;
    (void)pthread_mutex_unlock(&counters_mutex);
}

static void *counting_reallocate(void *user_data, void *memory, size_t old_size_bytes,
                                 size_t new_size_bytes)
{
    void *grown = counting_allocate(user_data, new_size_bytes, alignof(max_align_t));
    if (grown == NULL) {
        return NULL;
    }
    memcpy(grown, memory, old_size_bytes < new_size_bytes ? old_size_bytes : new_size_bytes);
    counting_release(user_data, memory, old_size_bytes);
    return grown;
}

void t_alloc_init(struct t_alloc *alloc, size_t fail_at)
{
    memset(alloc, 0, sizeof *alloc);
    alloc->fail_at = fail_at;
    alloc->allocator.user_data = alloc;
    alloc->allocator.allocate = counting_allocate;
    alloc->allocator.reallocate = counting_reallocate;
    alloc->allocator.release = counting_release;
}

struct t_alloc *t_alloc_again(struct t_alloc *alloc)
{
    assert_int_equal(alloc->live_count, 0);
    if (!alloc->did_fail) {
        return NULL;
    }
    t_alloc_init(alloc, alloc->fail_at + 1);
    return alloc;
}

static int open_descriptor_count(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        return -1;
    }
    while (readdir(directory) != NULL) {
        count++;
    }
    (void)closedir(directory);
    return count;
}

static int descriptors_before;
static const char *running_name = "";

/* Says which test did not end, with calls that a signal handler may make. */
static void on_watchdog(int signal_number)
{
    (void)signal_number;
    static const char text[] = "the watchdog ended a test that did not end by itself: ";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0 ||
        write(STDERR_FILENO, running_name, strlen(running_name)) < 0 ||
        write(STDERR_FILENO, "\n", 1) < 0) {
        _exit(4);
    }
    _exit(3);
}

void t_watchdog_restart(void)
{
    (void)alarm(WATCHDOG_S);
}

static int before_test(void **state)
{
    running_name = *state;
    *state = NULL;
    descriptors_before = open_descriptor_count();
    t_watchdog_restart();
    return 0;
}

static int after_test(void **state)
{
    (void)state;
    (void)alarm(0);
    int descriptors_after = open_descriptor_count();
    if (descriptors_after != descriptors_before) {
        print_error("%d descriptors were open before the test, %d after it\n", descriptors_before,
                    descriptors_after);
        return -1;
    }
    return 0;
}

/* Tests talk to this machine, and trust what they make: what a user's variables say about proxies
 * and certificates is not for them. */
static void forget_network(void)
{
    static const char *const NAMES[] = {"grpc_proxy", "https_proxy",
                                        "http_proxy", "no_grpc_proxy",
                                        "no_proxy",   "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        (void)unsetenv(NAMES[i]);
    }
}

int main(int argc, char **argv)
{
    forget_network();
    size_t chosen_count = 0;
    for (size_t i = 0; i < test_count; i++) {
        if (argc > 1 && strstr(tests[i].name, argv[1]) == NULL) {
            continue;
        }
        tests[i].initial_state = (void *)(uintptr_t)tests[i].name;
        tests[i].setup_func = before_test;
        tests[i].teardown_func = after_test;
        tests[chosen_count++] = tests[i];
    }
    if (chosen_count == 0) {
        fprintf(stderr, "no test has a name that contains '%s'\n", argc > 1 ? argv[1] : "");
        return 2;
    }
    (void)signal(SIGALRM, on_watchdog);
    return _cmocka_run_group_tests(argv[0], tests, chosen_count, NULL, NULL) == 0 ? 0 : 1;
}
