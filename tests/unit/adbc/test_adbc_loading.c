/* SPDX-License-Identifier: Apache-2.0 */
/* The driver as a library that a program loads and unloads, beside a server that has its own copy
 * of everything the driver has in it. */
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adbc_fixture.h"
#include "quiet_fork.h"

enum { CYCLES = 1000, CHILD_PATIENCE_S = 60 };

static void *load(AdbcDriverInitFunc *ret_init)
{
    void *library = dlopen(T_DRIVER, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fail_msg("%s", dlerror());
    }
    void *symbol = dlsym(library, "AdbcDriverInit");
    assert_non_null(symbol);
    memcpy(ret_init, &symbol, sizeof symbol);
    return library;
}

static int64_t count_rows(struct t_adbc *adbc, const char *query)
{
    struct ArrowArrayStream stream;
    struct AdbcStatement statement = t_adbc_statement(adbc, query);
    CHECK_CODE(adbc->driver.StatementExecuteQuery(&statement, &stream, NULL, &adbc->error), 0,
               &adbc->error);
    int64_t row_count = t_adbc_drain(&stream);
    CHECK_CODE(adbc->driver.StatementRelease(&statement, &adbc->error), 0, &adbc->error);
    return row_count;
}

/* Goal: nothing of the driver stays when its last object is gone: no thread that runs on in code
 * that is there no more, no handler, no key of a thread. Method: a thousand times it is loaded,
 * used and unloaded, until the loader has it no more. */
TEST(adbc_loading, it_is_loaded_used_and_unloaded_a_thousand_times)
{
    struct t_adbc adbc;
    t_adbc_serve(&adbc);
    for (int i = 0; i < CYCLES; i++) {
        AdbcDriverInitFunc init = NULL;
        void *library = load(&init);
        t_adbc_open(&adbc, init);
        assert_int_equal(count_rows(&adbc, "COUNT 3"), 3);
        t_adbc_close(&adbc);
        assert_int_equal(dlclose(library), 0);
        assert_null(dlopen(T_DRIVER, RTLD_NOW | RTLD_NOLOAD));
        t_watchdog_restart();
    }
    t_engine_stop(&adbc.engine);
}

/* Goal: what was loaded before fork(), and was not used or was, works in the child. */
TEST(adbc_loading, a_child_of_fork_uses_what_was_loaded_before)
{
    struct t_adbc adbc;
    AdbcDriverInitFunc init = NULL;
    t_adbc_serve(&adbc);
    void *library = load(&init);
    for (int is_used = 0; is_used < 2; is_used++) {
        if (is_used) {
            t_adbc_open(&adbc, init);
            assert_int_equal(count_rows(&adbc, "COUNT 3"), 3);
        }
        pid_t child = t_fork_quietly();
        if (child == 0) {
            struct t_adbc own = {.engine.server = adbc.engine.server, .error = ADBC_ERROR_INIT};
            (void)alarm(CHILD_PATIENCE_S);
            t_adbc_open(&own, init);
            _exit(count_rows(&own, "COUNT 5") == 5 ? 0 : 1);
        }
        int wait_status = 0;
        assert_int_equal(waitpid(child, &wait_status, 0), child);
        assert_true(WIFEXITED(wait_status));
        assert_int_equal(WEXITSTATUS(wait_status), 0);
    }
    assert_int_equal(count_rows(&adbc, "COUNT 4"), 4);
    t_adbc_stop(&adbc);
    assert_int_equal(dlclose(library), 0);
}
