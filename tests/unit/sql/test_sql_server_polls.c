/* SPDX-License-Identifier: Apache-2.0 */
/* The server kit: statements that run on while their clients poll. */
#include "sql_engine.h"
#include "test.h"

static const struct cflight_bytes NONE = {NULL, 0};

struct fixture {
    struct t_engine engine;
    struct cflight_server_auth auth;
    struct cflight_server_options flight;
    cflight_client *client;
};

/* With polls that do not wait for long. */
static void start(struct fixture *fixture, struct cflight_sql_server_options options)
{
    const struct cflight_server_options flight = CFLIGHT_SERVER_OPTIONS_INIT;
    fixture->flight = flight;
    t_sql_take_users(&fixture->auth);
    fixture->flight.auth = &fixture->auth;
    options.server = &fixture->flight;
    options.poll_ms = options.poll_ms == 0 ? 5 : options.poll_ms;
    t_engine_init(&fixture->engine);
    t_engine_start(&fixture->engine, &options);
    fixture->client = t_sql_client(&fixture->engine, NULL);
}

static void stop(struct fixture *fixture)
{
    cflight_client_free(fixture->client);
    t_engine_stop(&fixture->engine);
}

static cflight_status poll_bytes(struct fixture *fixture, const char *user,
                                 struct cflight_bytes command, struct cflight_poll_info **ret_poll,
                                 cflight_error **reterr)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = command};
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_header header = {t_text("x-user"), t_text(user == NULL ? "" : user)};
    options.headers = &header;
    options.header_count = user == NULL ? 0 : 1;
    return cflight_client_poll_flight_info(fixture->client, &descriptor, &options, ret_poll,
                                           reterr);
}

static cflight_status poll_message(struct fixture *fixture,
                                   const struct cflight_sql_message *message,
                                   struct cflight_poll_info **ret_poll, cflight_error **reterr)
{
    cflight_buffer *bytes = t_sql_pack(message);
    cflight_status status =
        poll_bytes(fixture, NULL, cflight_buffer_bytes(bytes), ret_poll, reterr);
    cflight_buffer_unref(bytes);
    return status;
}

/* Begins a statement that does not end soon. */
static struct cflight_poll_info *begin(struct fixture *fixture, const char *text)
{
    struct cflight_sql_message message = t_query(text);
    struct cflight_poll_info *poll = NULL;
    cflight_error *error = NULL;
    CHECK_OK(poll_message(fixture, &message, &poll, &error), error);
    assert_non_null(poll->descriptor);
    assert_non_null(poll->info);
    assert_int_equal(poll->info->endpoint_count, 0);
    assert_true(poll->expiration_time.has_value);
    t_engine_wait_running(&fixture->engine, 1);
    return poll;
}

/* Polls again, until the statement has ended. */
static struct cflight_poll_info *finish(struct fixture *fixture,
                                        const struct cflight_poll_info *first)
{
    struct cflight_poll_info *poll = NULL;
    cflight_error *error = NULL;
    for (int i = 0; i < 10000; i++) {
        CHECK_OK(poll_bytes(fixture, NULL, first->descriptor->cmd, &poll, &error), error);
        if (poll->descriptor == NULL) {
            return poll;
        }
        cflight_poll_info_free(poll);
    }
    fail_msg("the statement does not end");
    return NULL;
}

static bool nothing_is_left(const struct cflight_sql_server_counts *counts)
{
    return counts->result_count == 0 && counts->session_count == 0;
}

TEST(sql_polls, a_statement_runs_on_while_its_client_polls)
{
    struct fixture fixture;
    struct cflight_poll_info *poll = NULL;
    struct t_sum sum;
    start(&fixture, (struct cflight_sql_server_options)CFLIGHT_SQL_SERVER_OPTIONS_INIT);
    struct cflight_poll_info *first = begin(&fixture, "WAIT 3");
    CHECK_OK(poll_bytes(&fixture, NULL, first->descriptor->cmd, &poll, NULL), NULL);
    assert_non_null(poll->descriptor);
    assert_true(cflight_bytes_equal(poll->descriptor->cmd, first->descriptor->cmd));
    assert_true(poll->has_progress && poll->progress == 0.25);
    /* What names the statement is no ticket before there are rows. */
    CHECK_STATUS(t_sql_get_as(fixture.client, NULL, first->descriptor->cmd, &sum, NULL),
                 CFLIGHT_FAILED_PRECONDITION);
    cflight_poll_info_free(poll);
    t_gate_open(&fixture.engine.go);
    for (int i = 0; i < 2; i++) { /* whoever has missed the end asks again */
        poll = finish(&fixture, first);
        assert_true(poll->has_progress && poll->progress == 1);
        assert_int_equal(poll->info->total_records, 3);
        CHECK_OK(t_sql_fetch(fixture.client, poll->info, 0, &sum, NULL), NULL);
        assert_int_equal(sum.row_count, 3);
        cflight_poll_info_free(poll);
    }
    assert_int_equal(atomic_load(&fixture.engine.execute_count), 1);
    cflight_poll_info_free(first);
    stop(&fixture);
}

TEST(sql_polls, what_ends_soon_is_finished_by_the_first_answer)
{
    struct fixture fixture;
    struct cflight_poll_info *poll = NULL;
    struct t_sum sum;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.poll_ms = 60000;
    start(&fixture, options);
    static const char *const TEXTS[] = {"CREATE t", "INSERT t 5", "SELECT t", "PARTS 2"};
    for (size_t i = 0; i < 4; i++) {
        struct cflight_sql_message message = t_query(TEXTS[i]);
        CHECK_OK(poll_message(&fixture, &message, &poll, NULL), NULL);
        assert_null(poll->descriptor);
        assert_int_equal(poll->info->endpoint_count, i == 3 ? 2 : 1);
        CHECK_OK(t_sql_fetch(fixture.client, poll->info, 0, &sum, NULL), NULL);
        assert_int_equal(sum.row_count, i == 2 ? 1 : i == 3 ? 1000 : 0);
        cflight_poll_info_free(poll);
    }
    assert_int_equal(t_engine_rows(&fixture.engine, "t"), 1);
    stop(&fixture);
}

TEST(sql_polls, a_cancel_finds_a_statement_without_tickets)
{
    struct fixture fixture;
    struct cflight_poll_info *poll = NULL;
    enum cflight_cancel_status cancelled = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    start(&fixture, (struct cflight_sql_server_options)CFLIGHT_SQL_SERVER_OPTIONS_INIT);
    struct cflight_poll_info *first = begin(&fixture, "SLEEP");
    CHECK_OK(cflight_client_cancel_flight_info(fixture.client, first->info, NULL, &cancelled, NULL),
             NULL);
    assert_int_equal(cancelled, CFLIGHT_CANCEL_STATUS_CANCELLED);
    t_engine_wait_running(&fixture.engine, 0);
    CHECK_STATUS(poll_bytes(&fixture, NULL, first->descriptor->cmd, &poll, NULL),
                 CFLIGHT_NOT_FOUND);
    t_sql_wait_counts(&fixture.engine, nothing_is_left);
    cflight_poll_info_free(first);
    stop(&fixture);
}

TEST(sql_polls, one_that_nobody_polls_is_cancelled)
{
    struct fixture fixture;
    struct cflight_poll_info *poll = NULL;
    cflight_error *error = NULL;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.poll_idle_ms = 300;
    start(&fixture, options);
    struct cflight_poll_info *first = begin(&fixture, "SLEEP");
    t_engine_wait_running(&fixture.engine, 0);
    t_sql_wait_counts(&fixture.engine, nothing_is_left);
    CHECK_STATUS(poll_bytes(&fixture, NULL, first->descriptor->cmd, &poll, &error),
                 CFLIGHT_NOT_FOUND);
    assert_non_null(strstr(cflight_error_message(error), "not used in time"));
    cflight_error_free(error);
    cflight_poll_info_free(first);
    stop(&fixture);
}

TEST(sql_polls, limits_are_named)
{
    static const char *const NAMES[] = {"polls_max", "polls_per_owner_max"};
    for (int i = 0; i < 2; i++) {
        struct fixture fixture;
        struct cflight_poll_info *poll = NULL;
        cflight_error *error = NULL;
        struct cflight_sql_message message = t_query("COUNT 3");
        struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
        options.polls_max = i == 0 ? 1 : 0;
        options.polls_per_owner_max = i == 0 ? 0 : 1;
        start(&fixture, options);
        struct cflight_poll_info *first = begin(&fixture, "SLEEP");
        CHECK_STATUS(poll_message(&fixture, &message, &poll, &error), CFLIGHT_RESOURCE_EXHAUSTED);
        assert_non_null(strstr(cflight_error_message(error), NAMES[i]));
        assert_int_equal(atomic_load(&fixture.engine.execute_count), 1);
        cflight_error_free(error);
        cflight_poll_info_free(first);
        stop(&fixture); /* while it runs */
    }
}

TEST(sql_polls, a_failure_is_told_once)
{
    struct fixture fixture;
    struct cflight_poll_info *poll = NULL;
    cflight_error *error = NULL;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.poll_ms = 60000;
    start(&fixture, options);
    struct cflight_sql_message message = t_query("FAIL because of this");
    CHECK_STATUS(poll_message(&fixture, &message, &poll, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), "because of this"));
    cflight_error_free(error);
    t_sql_wait_counts(&fixture.engine, nothing_is_left);
    stop(&fixture);
}

TEST(sql_polls, a_statement_of_another_user_is_unknown)
{
    struct fixture fixture;
    struct cflight_poll_info *poll = NULL;
    start(&fixture, (struct cflight_sql_server_options)CFLIGHT_SQL_SERVER_OPTIONS_INIT);
    struct cflight_sql_message message = t_query("WAIT 3");
    cflight_buffer *bytes = t_sql_pack(&message);
    struct cflight_poll_info *first = NULL;
    CHECK_OK(poll_bytes(&fixture, "ann", cflight_buffer_bytes(bytes), &first, NULL), NULL);
    CHECK_STATUS(poll_bytes(&fixture, "bob", first->descriptor->cmd, &poll, NULL),
                 CFLIGHT_NOT_FOUND);
    t_gate_open(&fixture.engine.go);
    CHECK_OK(poll_bytes(&fixture, "ann", first->descriptor->cmd, &poll, NULL), NULL);
    cflight_poll_info_free(poll);
    cflight_poll_info_free(first);
    cflight_buffer_unref(bytes);
    stop(&fixture);
}

TEST(sql_polls, a_statement_belongs_to_its_transaction)
{
    struct fixture fixture;
    struct cflight_poll_info *poll = NULL;
    start(&fixture, (struct cflight_sql_server_options)CFLIGHT_SQL_SERVER_OPTIONS_INIT);
    (void)t_sql_run(fixture.client, "CREATE t", NONE);
    struct cflight_sql_message *begun = t_sql_begin(fixture.client);
    struct cflight_sql_message *prepared = t_sql_prepare(fixture.client, "WAIT 3", begun->handle);
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_PREPARED_STATEMENT_QUERY};
    message.handle = prepared->prepared.handle;
    CHECK_OK(poll_message(&fixture, &message, &poll, NULL), NULL);
    assert_non_null(poll->descriptor);
    t_engine_wait_running(&fixture.engine, 1);
    t_gate_open(&fixture.engine.go);
    struct cflight_poll_info *last = finish(&fixture, poll);
    assert_int_equal(last->info->total_records, 3);
    CHECK_OK(t_sql_end(fixture.client, begun->handle, CFLIGHT_SQL_END_COMMIT, NULL), NULL);
    cflight_poll_info_free(last);
    cflight_poll_info_free(poll);
    cflight_sql_message_free(prepared);
    cflight_sql_message_free(begun);
    stop(&fixture);
}
