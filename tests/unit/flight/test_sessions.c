/* SPDX-License-Identifier: Apache-2.0 */
/* The session store apart from a server: ids, options, bounds, idle time. The clock is virtual. */
#include "flight/kit/sessions.h"

#include <pthread.h>
#include <stdio.h>

#include "clock.h"
#include "test.h"

#define OWNER t_text("ialice")

struct store {
    cflight_session_store *store;
    struct t_clock clock;
};

static struct cflight_session_store_options defaults(void)
{
    struct cflight_session_store_options options = CFLIGHT_SESSION_STORE_OPTIONS_INIT;
    return options;
}

static void store_open(struct store *store, struct cflight_session_store_options options)
{
    memset(store, 0, sizeof *store);
    t_clock_init(&store->clock);
    CHECK_STATUS(cfl_session_store_new(&options, &store->clock.clock, &store->store, NULL),
                 CFLIGHT_OK);
}

static cflight_session *begin_for(struct store *store, const char *owner)
{
    cflight_session *session = NULL;
    CHECK_STATUS(cfl_session_store_begin(store->store, t_text(owner), &session, NULL), CFLIGHT_OK);
    return session;
}

static cflight_session *begin(struct store *store)
{
    return begin_for(store, "ialice");
}

/* Sets a string option and returns the code that it was refused with. */
static enum cflight_session_error_code set_text(cflight_session *session, const char *name,
                                                const char *value)
{
    struct cflight_session_option option = {
        .name = t_text(name),
        .type = value == NULL ? CFLIGHT_SESSION_VALUE_NONE : CFLIGHT_SESSION_VALUE_STRING,
        .string_value = t_text(value),
    };
    struct cflight_session_options options = {&option, 1};
    struct cflight_session_errors *errors = NULL;
    CHECK_STATUS(cflight_session_set_options(session, &options, &errors, NULL), CFLIGHT_OK);
    enum cflight_session_error_code code =
        errors->count == 0 ? CFLIGHT_SESSION_ERROR_UNSPECIFIED : errors->errors[0].code;
    if (errors->count > 0) {
        assert_true(cflight_bytes_equal(errors->errors[0].name, t_text(name)));
    }
    cflight_session_errors_free(errors);
    return code;
}

/* NULL `expected` means that the option must be absent. */
static void check_text(cflight_session *session, const char *name, const char *expected)
{
    struct cflight_session_options *options = NULL;
    bool found = false;
    CHECK_STATUS(cflight_session_get_options(session, &options, NULL), CFLIGHT_OK);
    for (size_t i = 0; i < options->count; i++) {
        if (cflight_bytes_equal(options->options[i].name, t_text(name))) {
            found = true;
            assert_true(cflight_bytes_equal(options->options[i].string_value, t_text(expected)));
        }
    }
    assert_int_equal(found, expected != NULL);
    cflight_session_options_free(options);
}

static bool is_known_to(struct store *store, const char *owner, const char *id)
{
    cflight_session *session = cfl_session_store_find(store->store, t_text(owner), t_text(id));
    cfl_session_unref(session);
    return session != NULL;
}

static bool is_known(struct store *store, const char *id)
{
    return is_known_to(store, "ialice", id);
}

/* Goal: a session is found by its id and by nothing else. Method: change each digit of it. */
TEST(sessions, only_the_whole_id_finds_a_session)
{
    struct store store;
    char id[64];
    store_open(&store, defaults());
    cflight_session *session = begin(&store);
    (void)snprintf(id, sizeof id, "%s", cflight_session_id(session));
    assert_int_equal(strlen(id), 32);
    assert_true(is_known(&store, id));
    for (size_t i = 0; i < 32; i++) {
        char former = id[i];
        id[i] = former == '0' ? '1' : '0';
        assert_false(is_known(&store, id));
        id[i] = former;
    }
    assert_false(is_known(&store, ""));
    assert_false(is_known(&store, "x"));
    id[31] = '\0';
    assert_false(is_known(&store, id));
    cfl_session_unref(session);
    cflight_session_store_unref(store.store);
}

/* Goal: options are set, replaced, removed and kept apart by name. Method: all of that. */
TEST(sessions, options_are_kept_by_name)
{
    struct store store;
    store_open(&store, defaults());
    cflight_session *session = begin(&store);
    assert_int_equal(set_text(session, "a", "1"), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    assert_int_equal(set_text(session, "b", "2"), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    assert_int_equal(set_text(session, "a", "3"), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    check_text(session, "a", "3");
    check_text(session, "b", "2");
    assert_int_equal(set_text(session, "a", NULL), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    assert_int_equal(set_text(session, "never", NULL), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    check_text(session, "a", NULL);
    check_text(session, "b", "2");
    cfl_session_unref(session);
    cflight_session_store_unref(store.store);
}

static enum cflight_session_error_code judge(void *user_data,
                                             const struct cflight_session_option *option)
{
    (void)user_data;
    if (cflight_bytes_equal(option->name, t_text("lol_invalid"))) {
        return CFLIGHT_SESSION_ERROR_INVALID_NAME;
    }
    if (option->type == CFLIGHT_SESSION_VALUE_STRING &&
        cflight_bytes_equal(option->string_value, t_text("lol_invalid"))) {
        return CFLIGHT_SESSION_ERROR_INVALID_VALUE;
    }
    return CFLIGHT_SESSION_ERROR_UNSPECIFIED;
}

/* Goal: the application judges options. Method: the rule of Flight's integration test. */
TEST(sessions, the_application_judges_options)
{
    struct store store;
    struct cflight_session_store_options options = defaults();
    options.check = judge;
    store_open(&store, options);
    cflight_session *session = begin(&store);
    assert_int_equal(set_text(session, "lol_invalid", "x"), CFLIGHT_SESSION_ERROR_INVALID_NAME);
    assert_int_equal(set_text(session, "k", "lol_invalid"), CFLIGHT_SESSION_ERROR_INVALID_VALUE);
    assert_int_equal(set_text(session, "k", "x"), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    check_text(session, "lol_invalid", NULL);
    check_text(session, "k", "x");
    cfl_session_unref(session);
    cflight_session_store_unref(store.store);
}

/* Goal: a session's options are bounded in number and bytes, and what is removed makes room.
 * Method: small bounds. */
TEST(sessions, options_are_bounded)
{
    struct store store;
    struct cflight_session_store_options options = defaults();
    options.options_max = 2;
    options.session_bytes_max = 10;
    store_open(&store, options);
    cflight_session *session = begin(&store);
    assert_int_equal(set_text(session, "a", "1234"), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    assert_int_equal(set_text(session, "b", "12345"), CFLIGHT_SESSION_ERROR_ERROR);
    assert_int_equal(set_text(session, "b", "1234"), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    assert_int_equal(set_text(session, "a", "12345"), CFLIGHT_SESSION_ERROR_ERROR);
    check_text(session, "a", "1234");
    assert_int_equal(set_text(session, "b", ""), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    assert_int_equal(set_text(session, "c", ""), CFLIGHT_SESSION_ERROR_ERROR);
    assert_int_equal(set_text(session, "b", NULL), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    assert_int_equal(set_text(session, "c", "1234"), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    cfl_session_unref(session);
    cflight_session_store_unref(store.store);
}

/* Goal: calls without a cookie push out only sessions without options. Method: a full store with
 * one of each kind. */
TEST(sessions, empty_sessions_are_pushed_out_first)
{
    struct store store;
    struct cflight_session_store_options options = defaults();
    char filled_id[64];
    options.sessions_max = 3;
    store_open(&store, options);
    cflight_session *filled = begin(&store);
    (void)snprintf(filled_id, sizeof filled_id, "%s", cflight_session_id(filled));
    (void)set_text(filled, "a", "b");
    cfl_session_unref(filled);
    for (int i = 0; i < 100; i++) {
        cfl_session_unref(begin(&store));
    }
    assert_true(is_known(&store, filled_id));
    assert_int_equal(cflight_session_store_count(store.store), 3);
    for (int i = 0; i < 3; i++) {
        cflight_session *session = begin(&store);
        (void)set_text(session, "a", "b");
        cfl_session_unref(session);
    }
    assert_false(is_known(&store, filled_id));
    cflight_session_store_unref(store.store);
}

/* Begins a session with an option and keeps its id. */
static void begin_filled(struct store *store, const char *owner, const char *value, char *ret_id)
{
    cflight_session *session = begin_for(store, owner);
    (void)snprintf(ret_id, 64, "%s", cflight_session_id(session));
    assert_int_equal(set_text(session, "a", value), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    cfl_session_unref(session);
}

/* Goal: an id is worth nothing to anybody but its owner. Method: other owners, one of them of the
 * same name but known by address. */
TEST(sessions, a_session_is_unknown_to_others)
{
    struct store store;
    char id[64];
    store_open(&store, defaults());
    begin_filled(&store, "ialice", "x", id);
    assert_false(is_known_to(&store, "ibob", id));
    assert_false(is_known_to(&store, "aalice", id));
    assert_false(is_known_to(&store, "", id));
    assert_true(is_known_to(&store, "ialice", id));
    cflight_session_store_unref(store.store);
}

/* Goal: nobody's sessions cost others theirs. Method: one owner begins thousands, with options; of
 * his own the newest stay, up to his share. Then many owners fill the store. */
TEST(sessions, a_greedy_owner_loses_only_his_own_sessions)
{
    struct store store;
    struct cflight_session_store_options options = defaults();
    char alice[64];
    char first[64];
    char last[64];
    options.sessions_max = 100;
    store_open(&store, options);
    begin_filled(&store, "ialice", "x", alice);
    begin_filled(&store, "imallory", "x", first);
    for (int i = 0; i < 2000; i++) {
        begin_filled(&store, "imallory", "x", last);
    }
    assert_true(is_known_to(&store, "ialice", alice));
    assert_false(is_known_to(&store, "imallory", first));
    assert_true(is_known_to(&store, "imallory", last));
    assert_int_equal(cflight_session_store_count(store.store), 1 + 64);
    for (int i = 0; i < 90; i++) {
        char owner[16];
        char id[64];
        (void)snprintf(owner, sizeof owner, "iowner%d", i);
        begin_filled(&store, owner, "x", id);
    }
    assert_true(is_known_to(&store, "ialice", alice));
    assert_int_equal(cflight_session_store_count(store.store), 100);
    cflight_session_store_unref(store.store);
}

/* Goal: all sessions together are bounded in bytes. Method: options that fill the store: the owner
 * who has most loses his oldest; what can never fit is refused and costs nobody anything. */
TEST(sessions, all_bytes_are_bounded)
{
    static char value[40001];
    struct store store;
    struct cflight_session_store_options options = defaults();
    char alice[64];
    char first[64];
    char last[64];
    memset(value, 'x', sizeof value - 1);
    options.bytes_max = 500000;
    store_open(&store, options);
    begin_filled(&store, "ialice", value, alice);
    begin_filled(&store, "imallory", value, first);
    for (int i = 0; i < 50; i++) {
        begin_filled(&store, "imallory", value, last);
    }
    assert_true(is_known_to(&store, "ialice", alice));
    assert_false(is_known_to(&store, "imallory", first));
    assert_true(is_known_to(&store, "imallory", last));
    assert_in_range(cflight_session_store_count(store.store), 10, 12);
    for (int i = 0; i < 5; i++) {
        char owner[16];
        char id[64];
        (void)snprintf(owner, sizeof owner, "iowner%d", i);
        begin_filled(&store, owner, value, id);
    }
    assert_true(is_known_to(&store, "ialice", alice));
    cflight_session_store_unref(store.store);
    options.bytes_max = 20000;
    store_open(&store, options);
    cflight_session *session = begin(&store);
    assert_int_equal(set_text(session, "a", value), CFLIGHT_SESSION_ERROR_ERROR);
    value[10000] = '\0';
    for (int i = 0; i < 10; i++) {
        assert_int_equal(set_text(session, "a", value), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
        assert_int_equal(set_text(session, "a", NULL), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    }
    cfl_session_unref(session);
    cflight_session_store_unref(store.store);
}

/* Goal: a user who is removed loses his sessions. Method: end those of an identity. */
TEST(sessions, sessions_of_an_identity_can_be_ended)
{
    struct store store;
    char id[64];
    store_open(&store, defaults());
    begin_filled(&store, "ialice", "x", id);
    begin_filled(&store, "ialice", "x", id);
    begin_filled(&store, "ibob", "x", id);
    begin_filled(&store, "aalice", "x", id);
    assert_int_equal(cflight_session_store_end_identity(store.store, t_text("alice")), 2);
    assert_int_equal(cflight_session_store_end_identity(store.store, t_text("alice")), 0);
    assert_int_equal(cflight_session_store_count(store.store), 2);
    cflight_session_store_unref(store.store);
}

/* Goal: idle sessions end, use keeps them. Method: move the clock. */
TEST(sessions, idle_sessions_end)
{
    struct store store;
    struct cflight_session_store_options options = defaults();
    char used_id[64];
    options.idle_timeout_ms = 10;
    store_open(&store, options);
    cflight_session *used = begin(&store);
    (void)set_text(used, "a", "b");
    (void)snprintf(used_id, sizeof used_id, "%s", cflight_session_id(used));
    cfl_session_unref(used);
    cfl_session_unref(begin(&store));
    store.clock.now_ns += 9 * CFL_NS_PER_MS;
    assert_true(is_known(&store, used_id));
    store.clock.now_ns += 1 * CFL_NS_PER_MS;
    assert_int_equal(cflight_session_store_count(store.store), 1);
    store.clock.now_ns += 9 * CFL_NS_PER_MS;
    assert_false(is_known(&store, used_id));
    assert_int_equal(cflight_session_store_count(store.store), 0);
    cflight_session_store_unref(store.store);
}

/* Goal: a closed session is unknown at once, yet usable by the call that has it. Method: close it
 * twice. */
TEST(sessions, a_closed_session_is_unknown)
{
    struct store store;
    store_open(&store, defaults());
    cflight_session *session = begin(&store);
    cflight_session_close(session);
    cflight_session_close(session);
    assert_false(is_known(&store, cflight_session_id(session)));
    assert_int_equal(set_text(session, "a", "b"), CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    check_text(session, "a", "b");
    assert_int_equal(cflight_session_store_count(store.store), 0);
    cflight_session_store_unref(store.store);
    cfl_session_unref(session); /* outlives the store */
}

static void count_release(void *data)
{
    ++*(int *)data;
}

/* Goal: data stays with a session until it has ended and nobody has it, and is released once.
 * Method: end sessions in each of the ways there are. */
TEST(sessions, data_lasts_as_long_as_its_session)
{
    struct store store;
    struct cflight_session_store_options options = defaults();
    int released = 0;
    int other = 0;
    options.idle_timeout_ms = 10;
    options.sessions_max = 3;
    store_open(&store, options);
    cflight_session *session = begin(&store);
    assert_null(cflight_session_data(session));
    assert_false(cflight_session_set_data(session, NULL, count_release));
    assert_true(cflight_session_set_data(session, &released, count_release));
    assert_false(cflight_session_set_data(session, &other, count_release));
    assert_ptr_equal(cflight_session_data(session), &released);
    for (int i = 0; i < 100; i++) { /* a flood of calls without a cookie does not reach it */
        cfl_session_unref(begin(&store));
    }
    assert_true(is_known(&store, cflight_session_id(session)));
    (void)set_text(session, "a", "b");
    (void)set_text(session, "a", NULL);
    cflight_session_close(session);
    assert_int_equal(released, 0); /* a call still has it */
    cfl_session_unref(session);
    assert_int_equal(released, 1);
    session = begin(&store);
    assert_true(cflight_session_set_data(session, &released, count_release));
    cfl_session_unref(session);
    store.clock.now_ns += 11 * CFL_NS_PER_MS;
    assert_int_equal(cflight_session_store_count(store.store), 0);
    assert_int_equal(released, 2);
    session = begin(&store);
    assert_true(cflight_session_set_data(session, &released, count_release));
    cfl_session_unref(session);
    session = begin(&store);
    assert_true(cflight_session_set_data(session, &other, NULL));
    cfl_session_unref(session);
    cflight_session_store_unref(store.store);
    assert_int_equal(released, 3);
    assert_int_equal(other, 0);
    assert_null(cflight_session_data(NULL));
    assert_false(cflight_session_set_data(NULL, &other, NULL));
}

/* Goal: misuse is answered, not followed. Method: NULLs and texts that are not UTF-8. */
TEST(sessions, malformed_options_are_refused)
{
    struct store store;
    struct cflight_session_option option = {.name = t_text("\xFF")};
    struct cflight_session_options options = {&option, 1};
    store_open(&store, defaults());
    cflight_session *session = begin(&store);
    CHECK_STATUS(cflight_session_set_options(session, &options, NULL, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    option.name = t_text("a");
    option.type = CFLIGHT_SESSION_VALUE_STRING_LIST;
    option.list_count = 1;
    CHECK_STATUS(cflight_session_set_options(session, &options, NULL, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_session_set_options(NULL, &options, NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_session_set_options(session, NULL, NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    cfl_session_unref(session);
    cflight_session_store_unref(store.store);
    cflight_session_store_unref(NULL);
}

enum { THREADS = 4, ROUNDS = 2000 };

static void *use_sessions(void *user_data)
{
    cflight_session_store *store = user_data;
    for (int i = 0; i < ROUNDS; i++) {
        cflight_session *session = NULL;
        if (cfl_session_store_begin(store, OWNER, &session, NULL) != CFLIGHT_OK) {
            return user_data;
        }
        (void)set_text(session, "a", "b");
        cflight_session *again =
            cfl_session_store_find(store, OWNER, t_text(cflight_session_id(session)));
        if (i % 3 == 0) {
            cflight_session_close(session);
            cflight_session_close(again);
        }
        cfl_session_unref(again);
        cfl_session_unref(session);
    }
    return NULL;
}

/* Goal: the store may be used from many threads. Method: threads that push out each other's
 * sessions, under TSan. */
TEST(sessions, many_threads_share_a_store)
{
    struct cflight_session_store_options options = defaults();
    cflight_session_store *store = NULL;
    pthread_t threads[THREADS];
    options.sessions_max = 5;
    CHECK_STATUS(cflight_session_store_new(&options, &store, NULL), CFLIGHT_OK);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use_sessions, store), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_true(cflight_session_store_count(store) <= 5);
    cflight_session_store_unref(store);
}

/* Goal: no allocation failure is more than an error. Method: fail each in turn. */
TEST(sessions, every_allocation_failure_is_reported)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cflight_session_store_options options = defaults();
        cflight_session_store *store = NULL;
        cflight_session *session = NULL;
        struct cflight_session_options *copy = NULL;
        struct cflight_session_errors *errors = NULL;
        struct cflight_session_option option = {.name = t_text("a"),
                                                .type = CFLIGHT_SESSION_VALUE_BOOL};
        struct cflight_session_options wanted = {&option, 1};
        options.allocator = &alloc->allocator;
        cflight_status status = cflight_session_store_new(&options, &store, NULL);
        if (status == CFLIGHT_OK) {
            status = cfl_session_store_begin(store, OWNER, &session, NULL);
        }
        if (status == CFLIGHT_OK) {
            status = cflight_session_set_options(session, &wanted, &errors, NULL);
        }
        if (status == CFLIGHT_OK && errors->count > 0) {
            assert_int_equal(errors->errors[0].code, CFLIGHT_SESSION_ERROR_ERROR);
            status = CFLIGHT_RESOURCE_EXHAUSTED; /* an option that memory was missing for is refused
                                                    by itself */
        }
        if (status == CFLIGHT_OK) {
            status = cflight_session_get_options(session, &copy, NULL);
        }
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        cflight_session_options_free(copy);
        cflight_session_errors_free(errors);
        cfl_session_unref(session);
        cflight_session_store_unref(store);
    }
}
