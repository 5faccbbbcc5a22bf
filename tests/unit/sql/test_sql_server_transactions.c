/* SPDX-License-Identifier: Apache-2.0 */
/* The server kit: transactions, savepoints, sessions, ingest, cancelling, and what is left behind.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "sql_engine.h"
#include "test.h"

struct fixture {
    struct t_engine engine;
    cflight_client *client;
};

static const struct cflight_bytes NONE = {NULL, 0};

static void start(struct fixture *fixture, const struct cflight_sql_server_options *options)
{
    t_engine_init(&fixture->engine);
    t_engine_start(&fixture->engine, options);
    fixture->client = t_sql_client(&fixture->engine, NULL);
    (void)t_sql_run(fixture->client, "CREATE t", NONE);
}

static void stop(struct fixture *fixture)
{
    cflight_client_free(fixture->client);
    t_engine_stop(&fixture->engine);
}

static cflight_status savepoint(struct fixture *fixture, struct cflight_bytes transaction_id,
                                struct cflight_sql_message **ret_result, cflight_error **reterr)
{
    struct cflight_sql_message request = {.type = CFLIGHT_SQL_BEGIN_SAVEPOINT};
    request.savepoint.transaction_id = transaction_id;
    request.savepoint.name = t_text("any name; DROP t");
    return t_sql_action(fixture->client, CFLIGHT_ACTION_BEGIN_SAVEPOINT, &request, ret_result,
                        reterr);
}

static cflight_status end_savepoint(struct fixture *fixture, struct cflight_bytes id,
                                    enum cflight_sql_end_action action)
{
    struct cflight_sql_message request = {.type = CFLIGHT_SQL_END_SAVEPOINT};
    struct cflight_sql_message *result = NULL;
    request.end.id = id;
    request.end.action = action;
    return t_sql_action(fixture->client, CFLIGHT_ACTION_END_SAVEPOINT, &request, &result, NULL);
}

/* ---- transactions ---- */

TEST(sql_transactions, what_is_committed_stays_and_what_is_rolled_back_goes)
{
    struct fixture fixture;
    start(&fixture, NULL);
    for (int i = 0; i < 2; i++) {
        struct cflight_sql_message *begun = t_sql_begin(fixture.client);
        assert_int_equal(t_sql_run(fixture.client, "INSERT t 1", begun->handle), 1);
        CHECK_OK(t_sql_end(fixture.client, begun->handle,
                           i == 0 ? CFLIGHT_SQL_END_COMMIT : CFLIGHT_SQL_END_ROLLBACK, NULL),
                 NULL);
        assert_int_equal(t_engine_rows(&fixture.engine, "t"), 1);
        /* Ended is unknown, for all that names it. */
        struct cflight_sql_message message = t_query("SELECT t");
        struct cflight_info *info = NULL;
        message.statement.transaction_id = begun->handle;
        CHECK_STATUS(t_sql_info(fixture.client, &message, &info, NULL), CFLIGHT_NOT_FOUND);
        CHECK_STATUS(t_sql_end(fixture.client, begun->handle, CFLIGHT_SQL_END_COMMIT, NULL),
                     CFLIGHT_NOT_FOUND);
        cflight_sql_message_free(begun);
    }
    stop(&fixture);
}

TEST(sql_transactions, an_end_must_say_how_and_of_what)
{
    struct fixture fixture;
    start(&fixture, NULL);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    CHECK_STATUS(t_sql_end(fixture.client, begun->handle, CFLIGHT_SQL_END_UNSPECIFIED, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(t_sql_end(fixture.client, NONE, CFLIGHT_SQL_END_COMMIT, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(
        t_sql_end(fixture.client, t_text("0123456789abcdef"), CFLIGHT_SQL_END_COMMIT, NULL),
        CFLIGHT_NOT_FOUND);
    CHECK_OK(t_sql_end(fixture.client, begun->handle, CFLIGHT_SQL_END_ROLLBACK, NULL), NULL);
    cflight_sql_message_free(begun);
    stop(&fixture);
}

static bool no_transaction(const struct cflight_sql_server_counts *counts)
{
    return counts->transaction_count == 0 && counts->session_count == 0;
}

TEST(sql_transactions, one_that_nobody_uses_is_rolled_back_and_says_why)
{
    struct fixture fixture;
    cflight_error *error = NULL;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.transaction_idle_ms = 200;
    start(&fixture, &options);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    assert_int_equal(t_sql_run(fixture.client, "INSERT t 1", begun->handle), 1);
    t_sql_wait_counts(&fixture.engine, no_transaction);
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 0);
    assert_int_equal(atomic_load(&fixture.engine.rollback_count), 1);
    CHECK_STATUS(t_sql_end(fixture.client, begun->handle, CFLIGHT_SQL_END_COMMIT, &error),
                 CFLIGHT_NOT_FOUND);
    assert_non_null(strstr(cflight_error_message(error), "not used in time"));
    cflight_error_free(error);
    cflight_sql_message_free(begun);
    stop(&fixture);
}

/* Goal: what holds a transaction's handle does not hold its locks.
 * Method: a statement that was prepared inside outlives the transaction that nobody uses. */
TEST(sql_transactions, one_that_nobody_uses_does_not_wait_for_its_statements)
{
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.transaction_idle_ms = 100;
    start(&fixture, &options);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "COUNT 3", begun->handle);
    assert_int_equal(t_sql_run(fixture.client, "INSERT t 1", begun->handle), 1);
    while (atomic_load(&fixture.engine.rollback_count) == 0) {
        (void)sched_yield(); /* the watchdog of the tests ends it */
    }
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 0);
    cflight_sql_message_free(query);
    cflight_sql_message_free(begun);
    stop(&fixture);
    assert_int_equal(atomic_load(&fixture.engine.rollback_count), 1);
}

TEST(sql_transactions, a_statement_that_was_prepared_inside_ends_with_it)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    start(&fixture, NULL);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    struct cflight_sql_message *query = t_sql_prepare(fixture.client, "COUNT 3", begun->handle);
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_PREPARED_STATEMENT_QUERY};
    message.handle = query->prepared.handle;
    CHECK_OK(t_sql_info(fixture.client, &message, &info, NULL), NULL);
    cflight_info_free(info);
    CHECK_OK(t_sql_end(fixture.client, begun->handle, CFLIGHT_SQL_END_COMMIT, NULL), NULL);
    CHECK_STATUS(t_sql_info(fixture.client, &message, &info, NULL), CFLIGHT_FAILED_PRECONDITION);
    cflight_sql_message_free(query);
    cflight_sql_message_free(begun);
    stop(&fixture);
}

struct ending {
    struct fixture *fixture;
    struct cflight_bytes id;
    cflight_status status;
};

static void *end_in_thread(void *user_data)
{
    struct ending *ending = user_data;
    ending->status = t_sql_end(ending->fixture->client, ending->id, CFLIGHT_SQL_END_COMMIT, NULL);
    return NULL;
}

static cflight_status start_call(struct fixture *fixture, const struct cflight_sql_message *message,
                                 cflight_cancel *cancel)
{
    cflight_buffer *bytes = t_sql_pack(message);
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD};
    struct cflight_info *info = NULL;
    descriptor.cmd = cflight_buffer_bytes(bytes);
    options.cancel = cancel;
    cflight_status status =
        cflight_client_get_flight_info(fixture->client, &descriptor, &options, &info, NULL);
    cflight_info_free(info);
    cflight_buffer_unref(bytes);
    return status;
}

struct sleeping {
    struct fixture *fixture;
    struct cflight_sql_message message;
    cflight_cancel *cancel;
    pthread_t thread;
    cflight_status status;
};

static void *run_sleeping(void *user_data)
{
    struct sleeping *sleeping = user_data;
    sleeping->status = start_call(sleeping->fixture, &sleeping->message, sleeping->cancel);
    return NULL;
}

/* Begins a statement that runs until it is interrupted. */
static void begin_sleeping(struct sleeping *sleeping, struct fixture *fixture,
                           struct cflight_bytes transaction_id)
{
    sleeping->fixture = fixture;
    sleeping->message = t_query("SLEEP");
    sleeping->message.statement.transaction_id = transaction_id;
    CHECK_OK(cflight_cancel_new(&sleeping->cancel, NULL), NULL);
    assert_int_equal(pthread_create(&sleeping->thread, NULL, run_sleeping, sleeping), 0);
    t_engine_wait_running(&fixture->engine, 1);
}

static void end_sleeping(struct sleeping *sleeping)
{
    cflight_cancel_trigger(sleeping->cancel);
    (void)pthread_join(sleeping->thread, NULL);
    t_engine_wait_running(&sleeping->fixture->engine, 0);
    cflight_cancel_unref(sleeping->cancel);
}

TEST(sql_transactions, an_end_waits_for_the_statement_that_runs)
{
    struct fixture fixture;
    struct sleeping sleeping;
    pthread_t thread;
    start(&fixture, NULL);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    begin_sleeping(&sleeping, &fixture, begun->handle);
    struct ending ending = {&fixture, begun->handle, CFLIGHT_UNKNOWN};
    assert_int_equal(pthread_create(&thread, NULL, end_in_thread, &ending), 0);
    assert_int_equal(atomic_load(&fixture.engine.commit_count), 0);
    end_sleeping(&sleeping);
    (void)pthread_join(thread, NULL);
    CHECK_STATUS(ending.status, CFLIGHT_OK);
    assert_int_equal(atomic_load(&fixture.engine.commit_count), 1);
    cflight_sql_message_free(begun);
    stop(&fixture);
}

TEST(sql_transactions, a_wait_for_the_turn_has_a_limit)
{
    struct fixture fixture;
    struct sleeping sleeping;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    cflight_error *error = NULL;
    options.session_wait_ms = 20;
    start(&fixture, &options);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    begin_sleeping(&sleeping, &fixture, begun->handle);
    CHECK_STATUS(t_sql_end(fixture.client, begun->handle, CFLIGHT_SQL_END_COMMIT, &error),
                 CFLIGHT_DEADLINE_EXCEEDED);
    assert_non_null(strstr(cflight_error_message(error), "session_wait_ms"));
    cflight_error_free(error);
    end_sleeping(&sleeping);
    CHECK_OK(t_sql_end(fixture.client, begun->handle, CFLIGHT_SQL_END_COMMIT, NULL), NULL);
    cflight_sql_message_free(begun);
    stop(&fixture);
}

TEST(sql_transactions, a_server_that_stops_rolls_back)
{
    struct fixture fixture;
    start(&fixture, NULL);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    assert_int_equal(t_sql_run(fixture.client, "INSERT t 1", begun->handle), 1);
    cflight_sql_server_free(fixture.engine.server);
    fixture.engine.server = NULL;
    assert_int_equal(atomic_load(&fixture.engine.rollback_count), 1);
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 0);
    cflight_sql_message_free(begun);
    stop(&fixture);
}

TEST(sql_transactions, limits_are_named)
{
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    struct cflight_sql_message request = {.type = CFLIGHT_SQL_BEGIN_TRANSACTION};
    struct cflight_sql_message *none = NULL;
    cflight_error *error = NULL;
    options.transactions_per_owner_max = 1;
    start(&fixture, &options);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    CHECK_STATUS(
        t_sql_action(fixture.client, CFLIGHT_ACTION_BEGIN_TRANSACTION, &request, &none, &error),
        CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "transactions_per_owner_max"));
    cflight_error_free(error);
    cflight_sql_message_free(begun);
    stop(&fixture);
}

TEST(sql_transactions, savepoints_nest)
{
    struct fixture fixture;
    struct cflight_sql_message *points[3] = {NULL, NULL, NULL};
    start(&fixture, NULL);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(savepoint(&fixture, begun->handle, &points[i], NULL), NULL);
        (void)t_sql_run(fixture.client, "INSERT t 1", begun->handle);
    }
    /* Back to the second: it stays, the third is gone. */
    CHECK_OK(end_savepoint(&fixture, points[1]->handle, CFLIGHT_SQL_END_ROLLBACK), NULL);
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 1);
    CHECK_STATUS(end_savepoint(&fixture, points[2]->handle, CFLIGHT_SQL_END_ROLLBACK),
                 CFLIGHT_NOT_FOUND);
    CHECK_OK(end_savepoint(&fixture, points[1]->handle, CFLIGHT_SQL_END_ROLLBACK), NULL);
    /* Released: gone with those after it, and what was done stays. */
    CHECK_OK(end_savepoint(&fixture, points[0]->handle, CFLIGHT_SQL_END_RELEASE), NULL);
    CHECK_STATUS(end_savepoint(&fixture, points[1]->handle, CFLIGHT_SQL_END_RELEASE),
                 CFLIGHT_NOT_FOUND);
    CHECK_STATUS(end_savepoint(&fixture, points[0]->handle, CFLIGHT_SQL_END_UNSPECIFIED),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_OK(t_sql_end(fixture.client, begun->handle, CFLIGHT_SQL_END_COMMIT, NULL), NULL);
    CHECK_STATUS(end_savepoint(&fixture, points[0]->handle, CFLIGHT_SQL_END_RELEASE),
                 CFLIGHT_NOT_FOUND);
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 1);
    for (int i = 0; i < 3; i++) {
        cflight_sql_message_free(points[i]);
    }
    cflight_sql_message_free(begun);
    stop(&fixture);
}

TEST(sql_transactions, savepoints_are_limited)
{
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    struct cflight_sql_message *point = NULL;
    cflight_error *error = NULL;
    options.savepoints_max = 1;
    start(&fixture, &options);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    CHECK_OK(savepoint(&fixture, begun->handle, &point, NULL), NULL);
    cflight_sql_message_free(point);
    CHECK_STATUS(savepoint(&fixture, begun->handle, &point, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "savepoints_max"));
    cflight_error_free(error);
    cflight_sql_message_free(begun);
    stop(&fixture);
}

/* ---- sessions ---- */

TEST(sql_sessions, begin_as_text_needs_a_client_that_keeps_its_cookie)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    cflight_cookie_jar *jar = NULL;
    start(&fixture, NULL);
    struct cflight_sql_message message = t_query("BEGIN");
    CHECK_STATUS(t_sql_info(fixture.client, &message, &info, &error), CFLIGHT_FAILED_PRECONDITION);
    assert_non_null(strstr(cflight_error_message(error), "cookies"));
    cflight_error_free(error);
    CHECK_OK(cflight_cookie_jar_new(NULL, &jar, NULL), NULL);
    cflight_client *client = t_sql_client(&fixture.engine, jar);
    for (int i = 0; i < 3; i++) { /* from the first call on */
        CHECK_OK(t_sql_info(client, &message, &info, NULL), NULL);
        cflight_info_free(info);
    }
    assert_int_equal(atomic_load(&fixture.engine.session_count), 1);
    enum cflight_close_session_status closed = CFLIGHT_CLOSE_SESSION_UNSPECIFIED;
    CHECK_OK(cflight_client_close_session(client, NULL, &closed, NULL), NULL);
    t_sql_wait_counts(&fixture.engine, no_transaction);
    cflight_client_free(client);
    cflight_cookie_jar_unref(jar);
    stop(&fixture);
}

/* Runs a statement as JDBC does: prepares, and runs the handle as an update. */
static void run_prepared(cflight_client *client, const char *text)
{
    cflight_error *error = NULL;
    struct cflight_sql_message *prepared = t_sql_prepare(client, text, NONE);
    struct cflight_sql_message update = {.type = CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE};
    update.handle = prepared->prepared.handle;
    (void)t_sql_update(client, &update, &error);
    CHECK_OK(error == NULL ? CFLIGHT_OK : CFLIGHT_INTERNAL, error);
    cflight_sql_message_free(prepared);
}

/* Goal: what a client prepares in its very first call, before it has its cookie, runs in the
 * session that its next calls have: JDBC prepares everything, and may begin with BEGIN. A client
 * that keeps no cookie is refused when it runs such a statement. */
TEST(sql_sessions, a_session_begins_with_the_first_preparation)
{
    struct fixture fixture;
    cflight_error *error = NULL;
    cflight_cookie_jar *jar = NULL;
    start(&fixture, NULL);
    CHECK_OK(cflight_cookie_jar_new(NULL, &jar, NULL), NULL);
    CHECK_OK(cflight_cookie_jar_set(jar, t_text("other=1"), NULL), NULL); /* it says nothing */
    cflight_client *client = t_sql_client(&fixture.engine, jar);
    int before = atomic_load(&fixture.engine.session_count);
    run_prepared(client, "BEGIN");
    run_prepared(client, "INSERT t 1");
    (void)t_sql_run(client, "INSERT t 2", NONE);
    assert_int_equal(atomic_load(&fixture.engine.session_count), before + 1);
    cflight_client_free(client);
    cflight_cookie_jar_unref(jar);

    struct cflight_sql_message *prepared = t_sql_prepare(fixture.client, "BEGIN", NONE);
    struct cflight_sql_message update = {.type = CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE};
    update.handle = prepared->prepared.handle;
    assert_int_equal(t_sql_update(fixture.client, &update, &error), -100);
    assert_int_equal(cflight_error_status(error), CFLIGHT_FAILED_PRECONDITION);
    cflight_error_free(error);
    cflight_sql_message_free(prepared);
    stop(&fixture);
}

static enum cflight_session_error_code set_option(void *user_data, void *session,
                                                  const struct cflight_session_option *option)
{
    (void)user_data;
    assert_non_null(session);
    return t_is_text(option->name, "catalog") ? CFLIGHT_SESSION_ERROR_UNSPECIFIED
                                              : CFLIGHT_SESSION_ERROR_INVALID_NAME;
}

TEST(sql_sessions, the_engine_judges_options)
{
    struct fixture fixture;
    cflight_cookie_jar *jar = NULL;
    struct cflight_session_errors *errors = NULL;
    struct cflight_session_options *kept = NULL;
    t_engine_init(&fixture.engine);
    fixture.engine.handlers.set_option = set_option;
    t_engine_start(&fixture.engine, NULL);
    CHECK_OK(cflight_cookie_jar_new(NULL, &jar, NULL), NULL);
    fixture.client = t_sql_client(&fixture.engine, jar);
    struct cflight_session_option options[] = {
        {.name = t_text("catalog"), .type = CFLIGHT_SESSION_VALUE_STRING},
        {.name = t_text("nothing"), .type = CFLIGHT_SESSION_VALUE_STRING},
    };
    options[0].string_value = t_text("main");
    struct cflight_session_options asked = {options, 2};
    CHECK_OK(cflight_client_set_session_options(fixture.client, &asked, NULL, &errors, NULL), NULL);
    assert_int_equal(errors->count, 1);
    assert_true(t_is_text(errors->errors[0].name, "nothing"));
    assert_int_equal(errors->errors[0].code, CFLIGHT_SESSION_ERROR_INVALID_NAME);
    cflight_session_errors_free(errors);
    CHECK_OK(cflight_client_get_session_options(fixture.client, NULL, &kept, NULL), NULL);
    assert_int_equal(kept->count, 1);
    cflight_session_options_free(kept);
    (void)t_sql_run(fixture.client, "CREATE t", NONE);
    assert_int_equal(atomic_load(&fixture.engine.session_count), 1);
    stop(&fixture);
    cflight_cookie_jar_unref(jar);
}

static bool reset_session(void *user_data, void *session)
{
    (void)user_data;
    return session != NULL;
}

TEST(sql_sessions, those_that_can_be_reset_are_used_again)
{
    struct fixture fixture;
    struct cflight_sql_server_counts counts;
    t_engine_init(&fixture.engine);
    fixture.engine.handlers.reset_session = reset_session;
    t_engine_start(&fixture.engine, NULL);
    fixture.client = t_sql_client(&fixture.engine, NULL);
    (void)t_sql_run(fixture.client, "CREATE t", NONE);
    for (int i = 0; i < 5; i++) {
        (void)t_sql_run(fixture.client, "INSERT t 1", NONE);
    }
    cflight_sql_server_count(fixture.engine.server, &counts);
    assert_int_equal(counts.session_count, 1);
    assert_int_equal(counts.idle_session_count, 1);
    assert_int_equal(counts.running_count, 0);
    stop(&fixture);
}

TEST(sql_sessions, a_store_of_the_applications_own_holds_them)
{
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    cflight_session_store *store = NULL;
    CHECK_OK(cflight_session_store_new(NULL, &store, NULL), NULL);
    options.sessions = store;
    start(&fixture, &options); /* runs a statement, which begins a session */
    assert_int_equal(cflight_session_store_count(store), 1);
    stop(&fixture);
    cflight_session_store_unref(store);
}

/* ---- owners ---- */

TEST(sql_sessions, handles_of_another_user_are_unknown)
{
    struct fixture fixture;
    struct cflight_server_auth auth;
    struct cflight_server_options flight = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    struct cflight_info *info = NULL;
    t_sql_take_users(&auth);
    flight.auth = &auth;
    options.server = &flight;
    t_engine_init(&fixture.engine);
    t_engine_start(&fixture.engine, &options);
    fixture.client = t_sql_client(&fixture.engine, NULL);
    struct cflight_sql_message message = t_query("COUNT 3");
    CHECK_OK(t_sql_info_as(fixture.client, "ann", &message, &info, NULL), NULL);
    static const char *const USERS[] = {"bob", "", "ann"};
    for (size_t i = 0; i < 3; i++) {
        struct t_sum sum;
        CHECK_STATUS(t_sql_get_as(fixture.client, USERS[i], info->endpoints[0].ticket, &sum, NULL),
                     i == 2 ? CFLIGHT_OK : CFLIGHT_NOT_FOUND);
    }
    cflight_info_free(info);
    stop(&fixture);
}

/* ---- cancelling ---- */

TEST(sql_cancel, a_client_that_goes_interrupts_its_statement)
{
    struct fixture fixture;
    struct sleeping sleeping;
    start(&fixture, NULL);
    begin_sleeping(&sleeping, &fixture, NONE);
    end_sleeping(&sleeping);
    CHECK_STATUS(sleeping.status, CFLIGHT_CANCELLED);
    stop(&fixture);
}

static cflight_status cancel_query(cflight_client *client, const struct cflight_info *info,
                                   cflight_error **reterr)
{
    struct cflight_sql_message request = {.type = CFLIGHT_SQL_CANCEL_QUERY};
    struct cflight_sql_message *result = NULL;
    cflight_buffer *bytes = NULL;
    CHECK_OK(cflight_info_serialize(info, &bytes, NULL), NULL);
    request.info = cflight_buffer_bytes(bytes);
    cflight_status status =
        t_sql_action(client, CFLIGHT_ACTION_CANCEL_QUERY, &request, &result, reterr);
    if (status == CFLIGHT_OK) {
        assert_int_equal(result->cancel_status, CFLIGHT_CANCEL_STATUS_CANCELLED);
    }
    cflight_sql_message_free(result);
    cflight_buffer_unref(bytes);
    return status;
}

struct fetching {
    cflight_client *client;
    struct cflight_info *info;
    cflight_status status;
};

static void *run_fetching(void *user_data)
{
    struct fetching *fetching = user_data;
    struct t_sum sum;
    fetching->status = t_sql_fetch(fetching->client, fetching->info, 0, &sum, NULL);
    return NULL;
}

TEST(sql_cancel, both_actions_end_a_query_that_is_fetched)
{
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.result_inline_bytes = 1;
    start(&fixture, &options);
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        struct t_sum sum;
        enum cflight_cancel_status cancelled = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
        struct fetching fetching = {.client = fixture.client};
        struct cflight_sql_message message = t_query("HANG");
        CHECK_OK(t_sql_info(fixture.client, &message, &fetching.info, NULL), NULL);
        assert_int_equal(pthread_create(&thread, NULL, run_fetching, &fetching), 0);
        t_engine_wait_running(&fixture.engine, 1);
        if (i == 0) {
            CHECK_OK(cancel_query(fixture.client, fetching.info, NULL), NULL);
        } else {
            CHECK_OK(cflight_client_cancel_flight_info(fixture.client, fetching.info, NULL,
                                                       &cancelled, NULL),
                     NULL);
            assert_int_equal(cancelled, CFLIGHT_CANCEL_STATUS_CANCELLED);
        }
        (void)pthread_join(thread, NULL);
        CHECK_STATUS(fetching.status, CFLIGHT_CANCELLED);
        CHECK_STATUS(t_sql_fetch(fixture.client, fetching.info, 0, &sum, NULL), CFLIGHT_NOT_FOUND);
        CHECK_STATUS(cancel_query(fixture.client, fetching.info, NULL), CFLIGHT_NOT_FOUND);
        cflight_info_free(fetching.info);
    }
    stop(&fixture);
}

TEST(sql_cancel, one_ticket_of_several_is_enough)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    struct t_sum sum;
    start(&fixture, NULL);
    struct cflight_sql_message message = t_query("PARTS 3");
    CHECK_OK(t_sql_info(fixture.client, &message, &info, NULL), NULL);
    struct cflight_info one = *info;
    one.endpoints = &info->endpoints[2];
    one.endpoint_count = 1;
    CHECK_OK(cancel_query(fixture.client, &one, NULL), NULL);
    CHECK_STATUS(t_sql_fetch(fixture.client, info, 0, &sum, NULL), CFLIGHT_NOT_FOUND);
    cflight_info_free(info);
    stop(&fixture);
}

TEST(sql_cancel, a_renewed_ticket_lives_longer)
{
    struct fixture fixture;
    struct cflight_info *info = NULL;
    struct cflight_endpoint *renewed = NULL;
    start(&fixture, NULL);
    struct cflight_sql_message message = t_query("COUNT 3");
    CHECK_OK(t_sql_info(fixture.client, &message, &info, NULL), NULL);
    assert_true(info->endpoints[0].expiration_time.has_value);
    CHECK_OK(cflight_client_renew_flight_endpoint(fixture.client, &info->endpoints[0], NULL,
                                                  &renewed, NULL),
             NULL);
    assert_true(cflight_bytes_equal(renewed->ticket, info->endpoints[0].ticket));
    assert_true(renewed->expiration_time.unix_ns > info->endpoints[0].expiration_time.unix_ns);
    cflight_endpoint_free(renewed);
    cflight_info_free(info);
    stop(&fixture);
}

/* Goal: once a server has shut down, what clients left behind can be ended before it is freed: an
 * open transaction, the session of a cookie, an idle one. Twice is once. */
TEST(sql_sessions, finishing_ends_all_of_a_server_that_has_shut_down)
{
    struct fixture fixture;
    struct cflight_sql_server_counts counts;
    cflight_sql_transaction *transaction = NULL;
    cflight_cookie_jar *jar = NULL;
    start(&fixture, NULL);
    CHECK_OK(cflight_cookie_jar_new(NULL, &jar, NULL), NULL);
    cflight_client *client = t_sql_client(&fixture.engine, jar);
    const struct cflight_sql_message message = t_query("BEGIN");
    struct cflight_info *info = NULL;
    (void)t_sql_run(client, "INSERT t 1", NONE); /* gets the cookie */
    CHECK_OK(t_sql_info(client, &message, &info, NULL), NULL);
    cflight_info_free(info);
    CHECK_OK(cflight_sql_begin(fixture.client, NULL, &transaction, NULL), NULL);
    assert_int_equal(atomic_load(&fixture.engine.session_count), 2);
    cflight_server_shutdown(cflight_sql_server_flight(fixture.engine.server), 0);
    cflight_sql_server_finish(fixture.engine.server);
    assert_int_equal(atomic_load(&fixture.engine.session_count), 0);
    cflight_sql_server_count(fixture.engine.server, &counts);
    assert_int_equal(counts.transaction_count, 0);
    assert_int_equal(counts.session_count, 0);
    cflight_sql_server_finish(fixture.engine.server);
    cflight_sql_transaction_free(transaction);
    cflight_client_free(client);
    cflight_cookie_jar_unref(jar);
    stop(&fixture);
}
