/* SPDX-License-Identifier: Apache-2.0 */
/* The server kit: results that clients have make room for others, and only those. */
#include <pthread.h>
#include <stdio.h>

#include "sql_engine.h"
#include "test.h"

enum { MANY = 3000 };

struct fixture {
    struct t_engine engine;
    cflight_client *client;
};

static void start(struct fixture *fixture, const struct cflight_sql_server_options *options)
{
    t_engine_init(&fixture->engine);
    t_engine_start(&fixture->engine, options);
    fixture->client = t_sql_client(&fixture->engine, NULL);
}

static void stop(struct fixture *fixture)
{
    cflight_client_free(fixture->client);
    t_engine_stop(&fixture->engine);
}

static struct cflight_sql_server_counts counts_of(struct fixture *fixture)
{
    struct cflight_sql_server_counts counts;
    cflight_sql_server_count(fixture->engine.server, &counts);
    return counts;
}

static struct cflight_info *info_of(struct fixture *fixture, const char *text)
{
    struct cflight_sql_message message = t_query(text);
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    CHECK_OK(t_sql_info(fixture->client, &message, &info, &error), error);
    return info;
}

static void fetch(struct fixture *fixture, const struct cflight_info *info, size_t endpoint)
{
    struct t_sum sum;
    cflight_error *error = NULL;
    CHECK_OK(t_sql_fetch(fixture->client, info, endpoint, &sum, &error), error);
}

static void check_fetch_fails(struct fixture *fixture, const struct cflight_info *info,
                              const char *part)
{
    struct t_sum sum;
    cflight_error *error = NULL;
    CHECK_STATUS(t_sql_fetch(fixture->client, info, 0, &sum, &error), CFLIGHT_NOT_FOUND);
    assert_non_null(strstr(cflight_error_message(error), part));
    cflight_error_free(error);
}

static void check_refused(struct fixture *fixture, const char *option)
{
    struct cflight_sql_message message = t_query("COUNT 3");
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    CHECK_STATUS(t_sql_info(fixture->client, &message, &info, &error), CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), option));
    cflight_error_free(error);
}

TEST(sql_results, many_fetched_queries_are_never_refused)
{
    /* Goal: who fetches what he asks for may ask as often as he likes; memory stays bounded. */
    struct fixture fixture;
    struct t_sum sum;
    cflight_error *error = NULL;
    start(&fixture, NULL);
    for (int i = 0; i < MANY; i++) {
        CHECK_OK(t_sql_rows(fixture.client, "COUNT 3", &sum, &error), error);
        assert_int_equal(sum.row_count, 3);
    }
    struct cflight_sql_server_counts counts = counts_of(&fixture);
    assert_int_equal(counts.result_count, 1000);
    assert_true(counts.result_bytes <= 1000 * 1024);
    assert_int_equal(atomic_load(&fixture.engine.execute_count), MANY);
    stop(&fixture);
}

TEST(sql_results, many_queries_with_rows_in_the_first_answer_are_never_refused)
{
    struct fixture fixture;
    cflight_error *error = NULL;
    start(&fixture, NULL);
    for (int i = 0; i < MANY; i++) {
        struct ArrowArrayStream stream;
        CHECK_OK(cflight_sql_query(fixture.client, t_text("COUNT 3"), NULL, &stream, &error),
                 error);
        stream.release(&stream);
    }
    struct cflight_sql_server_counts counts = counts_of(&fixture);
    assert_int_equal(counts.result_count, 1000);
    assert_true(counts.result_bytes <= 1000 * 1024);
    stop(&fixture);
}

TEST(sql_results, what_nobody_took_is_not_dropped)
{
    /* Goal: the limit protects results that wait, whether one owner's or all; those that are taken
     * go first, the longest unused first, and their tickets say why. */
    static const char *const NAMES[] = {"results_per_owner_max", "results_max"};
    for (int i = 0; i < 2; i++) {
        struct fixture fixture;
        struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
        *(i == 0 ? &options.results_per_owner_max : &options.results_max) = 3;
        start(&fixture, &options);
        struct cflight_info *first = info_of(&fixture, "COUNT 3");
        struct cflight_info *second = info_of(&fixture, "COUNT 3");
        struct cflight_info *waiting = info_of(&fixture, "COUNT 3");
        check_refused(&fixture, NAMES[i]);
        fetch(&fixture, first, 0);
        fetch(&fixture, second, 0);
        fetch(&fixture, first, 0); /* now the second is the longest unused */
        struct cflight_info *third = info_of(&fixture, "COUNT 3");
        check_fetch_fails(&fixture, second, "it was fetched, and has made room");
        struct cflight_info *fourth = info_of(&fixture, "COUNT 3");
        check_fetch_fails(&fixture, first, "it was fetched, and has made room");
        check_refused(&fixture, NAMES[i]);
        fetch(&fixture, waiting, 0);
        fetch(&fixture, third, 0);
        fetch(&fixture, fourth, 0);
        assert_int_equal(counts_of(&fixture).result_count, 3);
        assert_int_equal(atomic_load(&fixture.engine.execute_count), 5);
        cflight_info_free(first);
        cflight_info_free(second);
        cflight_info_free(waiting);
        cflight_info_free(third);
        cflight_info_free(fourth);
        stop(&fixture);
    }
}

TEST(sql_results, one_place_is_enough_for_who_fetches)
{
    /* Goal: whatever the result is, its place is free once its rows have ended; a result in parts
     * when all of them have. */
    static const char *const TEXTS[] = {"COUNT 3", "COUNT 200000", "PARTS 3", "CREATE t",
                                        "COUNT 0"};
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.results_max = 1;
    start(&fixture, &options);
    for (size_t i = 0; i < 5; i++) {
        struct cflight_info *info = info_of(&fixture, TEXTS[i]);
        for (size_t part = 0; part < info->endpoint_count; part++) {
            check_refused(&fixture, "results_max");
            fetch(&fixture, info, part);
        }
        fetch(&fixture, info,
              0); /* a result that is taken is there until somebody needs its place */
        cflight_info_free(info);
    }
    stop(&fixture);
}

TEST(sql_results, the_bytes_of_what_was_fetched_make_room_too)
{
    /* Goal: the limit on bytes counts what waits. Method: rows of one result nearly fill it. */
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.results_bytes_max = 50000;
    start(&fixture, &options);
    struct cflight_info *first = info_of(&fixture, "COUNT 5000");
    struct cflight_sql_message message = t_query("COUNT 5000");
    struct cflight_info *second = NULL;
    CHECK_STATUS(t_sql_info(fixture.client, &message, &second, NULL), CFLIGHT_RESOURCE_EXHAUSTED);
    fetch(&fixture, first, 0);
    second = info_of(&fixture, "COUNT 5000");
    check_fetch_fails(&fixture, first, "it was fetched, and has made room");
    fetch(&fixture, second, 0);
    assert_true(counts_of(&fixture).result_bytes <= 50000);
    cflight_info_free(first);
    cflight_info_free(second);
    stop(&fixture);
}

/* One of several who ask at once; as many places as there are of them. */
enum { THREADS = 4, TURNS = 60 };

static void *ask_often(void *user_data)
{
    static const char *const TEXTS[] = {"COUNT 3", "COUNT 20000", "PARTS 2"};
    struct fixture *fixture = user_data;
    cflight_client *client = t_sql_client(&fixture->engine, NULL);
    intptr_t failure_count = 0;
    for (int i = 0; i < TURNS; i++) {
        struct cflight_sql_message message = t_query(TEXTS[i % 3]);
        struct cflight_info *info = NULL;
        struct t_sum sum;
        if (t_sql_info(client, &message, &info, NULL) != CFLIGHT_OK) {
            failure_count++;
            continue;
        }
        for (size_t part = 0; part < info->endpoint_count; part++) {
            failure_count += t_sql_fetch(client, info, part, &sum, NULL) != CFLIGHT_OK;
        }
        cflight_info_free(info);
    }
    cflight_client_free(client);
    return (void *)failure_count;
}

TEST(sql_results, many_at_once_take_no_more_than_their_places)
{
    struct fixture fixture;
    pthread_t threads[THREADS];
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    options.results_per_owner_max = THREADS;
    start(&fixture, &options);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &fixture), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *failure_count = NULL;
        assert_int_equal(pthread_join(threads[i], &failure_count), 0);
        assert_null(failure_count);
    }
    assert_int_equal(counts_of(&fixture).result_count, THREADS);
    stop(&fixture);
}

static bool one_result(const struct cflight_sql_server_counts *counts)
{
    return counts->result_count == 1;
}

static void *run_query(void *user_data)
{
    struct fixture *fixture = user_data;
    struct t_sum sum;
    cflight_error *error = NULL;
    CHECK_OK(t_sql_rows(fixture->client, "WAIT 3", &sum, &error), error);
    assert_int_equal(sum.row_count, 3);
    return NULL;
}

TEST(sql_results, a_ticket_lives_from_the_end_of_its_statement)
{
    /* Goal: a statement that runs for longer than result_ms has a ticket that is good all the same.
     */
    struct fixture fixture;
    struct cflight_sql_server_options options = CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    pthread_t thread;
    options.result_ms = 500;
    start(&fixture, &options);
    assert_int_equal(pthread_create(&thread, NULL, run_query, &fixture), 0);
    t_engine_wait_running(&fixture.engine, 1);
    struct cflight_info *younger = info_of(&fixture, "COUNT 3");
    t_sql_wait_counts(&fixture.engine, one_result); /* that one has ended for its age */
    t_gate_open(&fixture.engine.go);
    (void)pthread_join(thread, NULL);
    cflight_info_free(younger);
    stop(&fixture);
}

TEST(sql_results, a_cancelled_one_is_over_for_the_next_statement)
{
    /* Goal: who lets go of a result may run the next statement at once, in an engine that has one
     * result at a time. The end of the stream is on its way then, on another thread. */
    struct fixture fixture;
    struct t_sum sum;
    cflight_error *error = NULL;
    cflight_cookie_jar *jar = NULL;
    start(&fixture, NULL);
    cflight_client_free(fixture.client);
    CHECK_OK(cflight_cookie_jar_new(NULL, &jar, NULL), NULL);
    fixture.client = t_sql_client(&fixture.engine, jar);
    atomic_store(&fixture.engine.has_one_result, true);
    for (int i = 0; i < 300; i++) {
        struct cflight_chunk chunk;
        cflight_reader *reader = NULL;
        struct cflight_info *info = info_of(&fixture, "COUNT 10000000");
        CHECK_OK(
            cflight_client_do_get(fixture.client, info->endpoints[0].ticket, NULL, &reader, &error),
            error);
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        cflight_chunk_release(&chunk);
        cflight_reader_free(reader);
        CHECK_OK(t_sql_rows(fixture.client, "COUNT 3", &sum, &error), error);
        assert_int_equal(sum.row_count, 3);
        cflight_info_free(info);
    }
    stop(&fixture);
    cflight_cookie_jar_unref(jar);
}
