/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches that share a client: with each other, with an event loop, with other calls. Each fetch of
 * a run gets every row once. CFLIGHT_FETCH_ROUNDS is the number of fetches of a run; `make
 * test-fetch` takes ten thousand. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "cflight/fetch.h"
#include "event_loop.h"
#include "service.h"
#include "test.h"

enum { ENDPOINTS = 4, BATCHES = 3, ROWS = 50, THREADS_MAX = 32, ROUNDS = 64 };

static const char TICKET[] = "batches=3 rows=50";

struct run {
    struct t_service services[2];
    cflight_client *client;
    struct cflight_endpoint endpoints[ENDPOINTS];
    struct cflight_bytes elsewhere;
    struct cflight_info info;
    bool any_order;
    atomic_int left;    /* fetches to begin */
    atomic_int running; /* threads */
    atomic_int failures;
};

/* Half of the endpoints are on another service, so that fetches wait for two connections. */
static void run_init(struct run *run)
{
    memset(run, 0, sizeof *run);
    t_service_start(&run->services[0], NULL, NULL);
    t_service_start(&run->services[1], NULL, NULL);
    run->client = t_client(&run->services[0], NULL);
    run->elsewhere = cflight_bytes_from_text(run->services[1].location);
    for (int i = 0; i < ENDPOINTS; i++) {
        run->endpoints[i].ticket = cflight_bytes_from_text(TICKET);
        run->endpoints[i].locations = &run->elsewhere;
        run->endpoints[i].location_count = (size_t)i % 2;
    }
    run->info = (struct cflight_info){.endpoints = run->endpoints,
                                      .endpoint_count = ENDPOINTS,
                                      .total_records = -1,
                                      .total_bytes = -1};
}

static void run_done(struct run *run)
{
    cflight_client_free(run->client);
    t_service_stop(&run->services[0]);
    t_service_stop(&run->services[1]);
}

/* Reads everything; returns how many rows came, or -1. */
static int64_t read_all(struct ArrowArrayStream *stream)
{
    int64_t rows = 0;
    for (;;) {
        struct ArrowArray batch = {0};
        if (stream->get_next(stream, &batch) != 0) {
            print_error("%s\n", stream->get_last_error(stream));
            return -1;
        }
        if (batch.release == NULL) {
            return rows;
        }
        rows += batch.length;
        batch.release(&batch);
    }
}

static bool fetch_once(struct run *run)
{
    struct ArrowArrayStream stream;
    struct cflight_fetch_counts progress;
    struct cflight_fetch_options options = CFLIGHT_FETCH_OPTIONS_INIT;
    cflight_error *error = NULL;
    options.any_order = run->any_order;
    if (cflight_fetch(run->client, &run->info, &options, &stream, &error) != CFLIGHT_OK) {
        print_error("%s\n", cflight_error_message(error));
        cflight_error_free(error);
        return false;
    }
    int64_t rows = read_all(&stream);
    bool is_right = rows == (int64_t)ENDPOINTS * BATCHES * ROWS &&
                    cflight_fetch_progress(&stream, &progress) &&
                    progress.row_count == (uint64_t)rows && progress.endpoints_done == ENDPOINTS;
    stream.release(&stream);
    return is_right;
}

static void *fetcher(void *user_data)
{
    struct run *run = user_data;
    while (atomic_fetch_sub(&run->left, 1) > 0) {
        if (!fetch_once(run)) {
            atomic_fetch_add(&run->failures, 1);
        }
    }
    atomic_fetch_sub(&run->running, 1);
    return NULL;
}

static int round_count(void)
{
    const char *text = getenv("CFLIGHT_FETCH_ROUNDS");
    return text == NULL ? ROUNDS : (int)strtol(text, NULL, 10);
}

/* As many fetches as there are rounds, from several threads on one client; with `has_loop` this
 * thread drives the client as an event loop meanwhile. */
static void share(int thread_count, bool any_order, bool has_loop)
{
    struct run run;
    pthread_t threads[THREADS_MAX];
    t_watchdog_restart();
    run_init(&run);
    run.any_order = any_order;
    atomic_store(&run.left, round_count());
    atomic_store(&run.running, thread_count);
    for (int i = 0; i < thread_count; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, fetcher, &run), 0);
    }
    while (has_loop && atomic_load(&run.running) > 0) {
        cflight_client_loop_process(run.client);
        struct cflight_loop_state state;
        cflight_client_loop_state(run.client, &state);
    }
    for (int i = 0; i < thread_count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&run.failures), 0);
    run_done(&run);
}

/* Goal: any number of fetches on one client, in either order, without a hang.
 * Method: threads that fetch again and again; the watchdog is the clock. */
TEST(fetch_shared, threads_share_a_client)
{
    static const int COUNTS[] = {1, 2, 8, THREADS_MAX};
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        share(COUNTS[i], false, false);
        share(COUNTS[i], true, false);
    }
}

/* Goal: the same beside an event loop of the client. */
TEST(fetch_shared, threads_share_a_client_with_an_event_loop)
{
    static const int COUNTS[] = {1, 2, 8, THREADS_MAX};
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++) {
        share(COUNTS[i], i % 2 == 1, true);
    }
}

/* Goal: one thread may read several fetches by turns, and each waits for its own.
 * Method: two streams of one client, a batch of each in turn. */
TEST(fetch_shared, one_thread_reads_two_by_turns)
{
    struct run run;
    struct ArrowArrayStream streams[2];
    cflight_error *error = NULL;
    int64_t rows = 0;
    bool is_open[2] = {true, true};
    run_init(&run);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(cflight_fetch(run.client, &run.info, NULL, &streams[i], &error), error);
    }
    while (is_open[0] || is_open[1]) {
        for (int i = 0; i < 2; i++) {
            struct ArrowArray batch = {0};
            assert_int_equal(streams[i].get_next(&streams[i], &batch), 0);
            is_open[i] = batch.release != NULL;
            if (is_open[i]) {
                rows += batch.length;
                batch.release(&batch);
            }
        }
    }
    assert_int_equal(rows, 2 * ENDPOINTS * BATCHES * ROWS);
    streams[0].release(&streams[0]);
    streams[1].release(&streams[1]);
    run_done(&run);
}

/* Goal: the limits of calls hold while several connections are waited for.
 * Method: in any order, one endpoint is silent; its idle limit ends the fetch, and the whole error
 * tells so. */
TEST(fetch_shared, a_silent_endpoint_runs_into_its_limit)
{
    struct run run;
    struct ArrowArrayStream stream;
    struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_fetch_options options = CFLIGHT_FETCH_OPTIONS_INIT;
    cflight_error *error = NULL;
    run_init(&run);
    run.endpoints[1].ticket = cflight_bytes_from_text("silent");
    call_options.idle_timeout_ms = 300;
    options.call_options = &call_options;
    options.any_order = true;
    options.attempts_max = 1;
    CHECK_OK(cflight_fetch(run.client, &run.info, &options, &stream, &error), error);
    assert_null(cflight_fetch_error(&stream));
    assert_int_equal(read_all(&stream), -1);
    cflight_error *why = cflight_fetch_error(&stream);
    assert_non_null(why);
    CHECK_STATUS(cflight_error_status(why), CFLIGHT_DEADLINE_EXCEEDED);
    assert_non_null(strstr(cflight_error_message(why), "endpoint 2 of 4"));
    assert_string_equal(cflight_error_message(why), stream.get_last_error(&stream));
    cflight_error_free(why);
    stream.release(&stream);
    run_done(&run);
}
