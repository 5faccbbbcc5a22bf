/* SPDX-License-Identifier: Apache-2.0 */
/* The server kit: tickets that carry their statement, which any server with the same key serves. */
#include <pthread.h>
#include <stdlib.h>

#include "sql_engine.h"
#include "test.h"

static const char KEY[] = "0123456789abcdef0123456789abcdef";
static const char OTHER_KEY[] = "another key, of thirty-two bytes";

static const struct cflight_bytes NONE = {NULL, 0};

/* A server of a group, for users that it takes by their word. */
struct member {
    struct t_engine engine;
    struct cflight_server_auth auth;
    struct cflight_server_options flight;
    cflight_client *client;
};

static void start(struct member *member, const char *key, struct cflight_sql_server_options options)
{
    const struct cflight_server_options flight = CFLIGHT_SERVER_OPTIONS_INIT;
    member->flight = flight;
    t_sql_take_users(&member->auth);
    member->flight.auth = &member->auth;
    options.server = &member->flight;
    options.ticket_key = t_text(key);
    t_engine_start(&member->engine, &options);
    member->client = t_sql_client(&member->engine, NULL);
}

static void start_member(struct member *member, const char *key)
{
    const struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    t_engine_init(&member->engine);
    start(member, key, options);
}

static void stop(struct member *member)
{
    cflight_client_free(member->client);
    t_engine_stop(&member->engine);
}

static struct cflight_info *info_of(struct member *member, const char *user, const char *text)
{
    struct cflight_sql_message message = t_query(text);
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    CHECK_OK(t_sql_info_as(member->client, user, &message, &info, &error), error);
    return info;
}

static int executed(struct member *member)
{
    return atomic_load(&member->engine.execute_count);
}

static void check_get_fails(struct member *member, const char *user, struct cflight_bytes ticket,
                            cflight_status expected, const char *part)
{
    struct t_sum sum;
    cflight_error *error = NULL;
    CHECK_STATUS(t_sql_get_as(member->client, user, ticket, &sum, &error), expected);
    if (strstr(cflight_error_message(error), part) == NULL) {
        fail_msg("no \"%s\" in: %s", part, cflight_error_message(error));
    }
    cflight_error_free(error);
}

TEST(sql_tickets, any_server_with_the_key_runs_a_query)
{
    struct member first;
    struct member second;
    struct t_sum sum;
    start_member(&first, KEY);
    start_member(&second, KEY);
    struct cflight_info *info = info_of(&first, "ann", "COUNT 200000");
    struct cflight_bytes ticket = info->endpoints[0].ticket;
    assert_int_equal(info->total_records, -1);
    assert_true(info->schema.len_bytes > 0);
    assert_true(info->endpoints[0].expiration_time.has_value);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(t_sql_get_as(second.client, "ann", ticket, &sum, NULL), NULL);
        assert_int_equal(sum.row_count, 200000);
    }
    assert_int_equal(executed(&first), 0);
    assert_int_equal(executed(&second), 2);
    struct cflight_sql_server_counts counts;
    cflight_sql_server_count(first.engine.server, &counts);
    assert_int_equal(counts.result_count, 0);
    cflight_info_free(info);
    stop(&second);
    stop(&first);
}

TEST(sql_tickets, an_update_runs_once_where_it_was_asked_for)
{
    struct member first;
    struct member second;
    struct t_sum sum;
    start_member(&first, KEY);
    start_member(&second, KEY);
    cflight_info_free(info_of(&first, "ann", "CREATE t"));
    struct cflight_info *info = info_of(&first, "ann", "INSERT t 1");
    assert_int_equal(info->total_records, 1);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(t_sql_get_as(second.client, "ann", info->endpoints[0].ticket, &sum, NULL), NULL);
        CHECK_OK(t_sql_get_as(first.client, "ann", info->endpoints[0].ticket, &sum, NULL), NULL);
        assert_int_equal(sum.row_count, 0);
    }
    assert_int_equal(t_engine_rows(&first.engine, "t"), 1);
    assert_int_equal(executed(&first), 2);
    assert_int_equal(executed(&second), 0);
    struct cflight_sql_server_counts counts;
    cflight_sql_server_count(first.engine.server, &counts);
    assert_int_equal(counts.result_count, 0);
    cflight_info_free(info);
    stop(&second);
    stop(&first);
}

TEST(sql_tickets, forged_and_foreign_ones_run_nothing)
{
    struct member member;
    struct member stranger;
    start_member(&member, KEY);
    start_member(&stranger, OTHER_KEY);
    struct cflight_info *info = info_of(&member, "ann", "COUNT 3");
    struct cflight_bytes ticket = info->endpoints[0].ticket;
    check_get_fails(&member, "bob", ticket, CFLIGHT_NOT_FOUND, "this caller");
    check_get_fails(&member, "", ticket, CFLIGHT_NOT_FOUND, "this caller");
    check_get_fails(&stranger, "ann", ticket, CFLIGHT_NOT_FOUND, "this server's key");
    struct cflight_sql_message *parsed = NULL;
    CHECK_OK(cflight_sql_message_unpack(ticket, &parsed, NULL), NULL);
    size_t handle_bytes = parsed->handle.len_bytes; /* the end of the ticket */
    cflight_sql_message_free(parsed);
    uint8_t *forged = malloc(ticket.len_bytes);
    assert_non_null(forged);
    memcpy(forged, ticket.data, ticket.len_bytes);
    for (size_t i = ticket.len_bytes - handle_bytes; i < ticket.len_bytes; i++) {
        forged[i] ^= 0x10;
        check_get_fails(&member, "ann", cflight_bytes_make(forged, ticket.len_bytes),
                        CFLIGHT_NOT_FOUND, "was changed");
        forged[i] ^= 0x10;
    }
    free(forged);
    assert_int_equal(executed(&member), 0);
    assert_int_equal(executed(&stranger), 0);
    cflight_info_free(info);
    stop(&stranger);
    stop(&member);
}

TEST(sql_tickets, an_old_one_says_so_and_a_renewed_one_lives)
{
    struct member member;
    struct t_sum sum;
    struct cflight_endpoint *renewed = NULL;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    t_engine_init(&member.engine);
    start(&member, KEY, options);
    struct cflight_info *info = info_of(&member, NULL, "COUNT 3");
    CHECK_OK(cflight_client_renew_flight_endpoint(member.client, &info->endpoints[0], NULL,
                                                  &renewed, NULL),
             NULL);
    assert_false(cflight_bytes_equal(renewed->ticket, info->endpoints[0].ticket));
    assert_true(renewed->expiration_time.unix_ns > info->endpoints[0].expiration_time.unix_ns);
    CHECK_OK(t_sql_get_as(member.client, NULL, renewed->ticket, &sum, NULL), NULL);
    assert_int_equal(sum.row_count, 3);
    cflight_endpoint_free(renewed);
    cflight_info_free(info);
    stop(&member);

    options.result_ms = 1;
    t_engine_init(&member.engine);
    start(&member, KEY, options);
    info = info_of(&member, NULL, "COUNT 3");
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    for (int i = 0; i < 10000 && status == CFLIGHT_OK; i++) {
        status = t_sql_get_as(member.client, NULL, info->endpoints[0].ticket, &sum, &error);
    }
    CHECK_STATUS(status, CFLIGHT_NOT_FOUND);
    assert_non_null(strstr(cflight_error_message(error), "not used in time"));
    cflight_error_free(error);
    CHECK_STATUS(cflight_client_renew_flight_endpoint(member.client, &info->endpoints[0], NULL,
                                                      &renewed, NULL),
                 CFLIGHT_NOT_FOUND);
    cflight_info_free(info);
    stop(&member);
}

TEST(sql_tickets, bound_rows_are_in_them)
{
    static const int64_t VALUES[] = {5, 7};
    struct member first;
    struct member second;
    struct t_sum sum;
    struct cflight_info *info = NULL;
    cflight_buffer *bytes = NULL;
    start_member(&first, KEY);
    start_member(&second, KEY);
    struct cflight_sql_message *prepared = t_sql_prepare(first.client, "SELECT ?", NONE);
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_PREPARED_STATEMENT_QUERY};
    message.handle = prepared->prepared.handle;
    CHECK_STATUS(t_sql_info(first.client, &message, &info, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_OK(t_sql_put(first.client, &message, VALUES, 2, &bytes, NULL), NULL);
    cflight_buffer_unref(bytes);
    CHECK_OK(t_sql_info(first.client, &message, &info, NULL), NULL);
    CHECK_OK(t_sql_get_as(second.client, NULL, info->endpoints[0].ticket, &sum, NULL), NULL);
    assert_int_equal(sum.row_count, 2);
    assert_int_equal(sum.sum, 12);
    assert_int_equal(executed(&first), 0);
    cflight_info_free(info);
    cflight_sql_message_free(prepared);
    stop(&second);
    stop(&first);
}

TEST(sql_tickets, one_that_would_be_too_long_names_the_limit)
{
    struct member member;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    struct cflight_sql_message message = t_query("COUNT 3");
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    options.ticket_bytes_max = 50;
    t_engine_init(&member.engine);
    start(&member, KEY, options);
    CHECK_STATUS(t_sql_info(member.client, &message, &info, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "ticket_bytes_max"));
    cflight_error_free(error);
    stop(&member);
}

TEST(sql_tickets, state_stays_where_it_is)
{
    /* Goal: what runs in a transaction, or for a client with a session, another server could not
     * run: its ticket is of this one alone. */
    struct member first;
    struct member second;
    struct t_sum sum;
    cflight_cookie_jar *jar = NULL;
    start_member(&first, KEY);
    start_member(&second, KEY);
    CHECK_OK(cflight_cookie_jar_new(NULL, &jar, NULL), NULL);
    cflight_client *keeper = t_sql_client(&first.engine, jar);
    (void)t_sql_run(keeper, "CREATE t", NONE);
    struct cflight_sql_message *begun = t_sql_begin(first.client);
    for (int i = 0; i < 2; i++) {
        struct cflight_info *info = NULL;
        struct cflight_sql_message message = t_query("COUNT 3");
        message.statement.transaction_id = i == 0 ? begun->handle : NONE;
        CHECK_OK(t_sql_info(i == 0 ? first.client : keeper, &message, &info, NULL), NULL);
        assert_int_equal(info->total_records, 3);
        check_get_fails(&second, NULL, info->endpoints[0].ticket, CFLIGHT_NOT_FOUND, "unknown");
        CHECK_OK(t_sql_get_as(first.client, NULL, info->endpoints[0].ticket, &sum, NULL), NULL);
        assert_int_equal(sum.row_count, 3);
        cflight_info_free(info);
    }
    cflight_sql_message_free(begun);
    cflight_client_free(keeper);
    cflight_cookie_jar_unref(jar);
    stop(&second);
    stop(&first);
}

/* ---- other servers that do not agree ---- */

static cflight_status (*plain_prepare)(void *user_data, cflight_sql_call *call,
                                       const struct cflight_sql_query *query,
                                       struct cflight_sql_plan *ret_plan, cflight_error **reterr);

static cflight_status prepare_as_update(void *user_data, cflight_sql_call *call,
                                        const struct cflight_sql_query *query,
                                        struct cflight_sql_plan *ret_plan, cflight_error **reterr)
{
    cflight_status status = plain_prepare(user_data, call, query, ret_plan, reterr);
    ret_plan->is_update = CFLIGHT_SQL_UPDATE_YES;
    return status;
}

TEST(sql_tickets, what_is_an_update_to_this_server_does_not_run_by_a_ticket)
{
    struct member first;
    struct member second;
    const struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    start_member(&first, KEY);
    t_engine_init(&second.engine);
    plain_prepare = second.engine.handlers.prepare;
    second.engine.handlers.prepare = prepare_as_update;
    start(&second, KEY, options);
    struct cflight_info *info = info_of(&first, NULL, "COUNT 3");
    check_get_fails(&second, NULL, info->endpoints[0].ticket, CFLIGHT_FAILED_PRECONDITION,
                    "no query any more");
    assert_int_equal(executed(&second), 0);
    cflight_info_free(info);
    stop(&second);
    stop(&first);
}

TEST(sql_tickets, partitions_are_for_servers_that_remember)
{
    struct member member;
    start_member(&member, KEY);
    struct cflight_info *info = info_of(&member, NULL, "PARTS 3");
    check_get_fails(&member, NULL, info->endpoints[0].ticket, CFLIGHT_FAILED_PRECONDITION,
                    "no partitions");
    cflight_info_free(info);
    stop(&member);
}

/* ---- cancelling ---- */

struct fetching {
    struct member *member;
    const struct cflight_info *info;
    cflight_status status;
};

static void *run_fetching(void *user_data)
{
    struct fetching *fetching = user_data;
    struct t_sum sum;
    fetching->status = t_sql_get_as(fetching->member->client, NULL,
                                    fetching->info->endpoints[0].ticket, &sum, NULL);
    return NULL;
}

static bool nothing_is_left(const struct cflight_sql_server_counts *counts)
{
    return counts->result_count == 0 && counts->session_count == 0;
}

TEST(sql_tickets, a_cancel_ends_every_reading)
{
    struct member member;
    struct fetching fetchings[2];
    pthread_t threads[2];
    enum cflight_cancel_status cancelled = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    start_member(&member, KEY);
    struct cflight_info *info = info_of(&member, NULL, "HANG");
    CHECK_STATUS(cflight_client_cancel_flight_info(member.client, info, NULL, &cancelled, NULL),
                 CFLIGHT_NOT_FOUND); /* it does not run yet */
    for (int i = 0; i < 2; i++) {
        fetchings[i] = (struct fetching){&member, info, CFLIGHT_UNKNOWN};
        assert_int_equal(pthread_create(&threads[i], NULL, run_fetching, &fetchings[i]), 0);
    }
    t_engine_wait_running(&member.engine, 2);
    CHECK_OK(cflight_client_cancel_flight_info(member.client, info, NULL, &cancelled, NULL), NULL);
    assert_int_equal(cancelled, CFLIGHT_CANCEL_STATUS_CANCELLED);
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_STATUS(fetchings[i].status, CFLIGHT_CANCELLED);
    }
    t_sql_wait_counts(&member.engine, nothing_is_left);
    cflight_info_free(info);
    stop(&member);
}

TEST(sql_tickets, a_key_needs_its_length_and_a_function_that_plans)
{
    struct t_engine engine;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    for (int i = 0; i < 2; i++) {
        t_engine_init(&engine);
        options.ticket_key = t_text(i == 0 ? "short" : KEY);
        engine.handlers.prepare = i == 0 ? engine.handlers.prepare : NULL;
        CHECK_STATUS(cflight_sql_server_new("grpc://localhost:0", &engine.handlers, &options,
                                            &engine.server, NULL),
                     CFLIGHT_INVALID_ARGUMENT);
        t_engine_stop(&engine);
    }
}
