/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on one connection: many, one after another; at once, by an event loop and by threads. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "growth.h"

enum { CALLS = 20000, WARM_UP_CALLS = 200 };

static struct cflight_descriptor question(void)
{
    return (struct cflight_descriptor){.type = CFLIGHT_DESCRIPTOR_CMD,
                                       .cmd = cflight_bytes_from_text("0")};
}

static void make_calls(cflight_client *client, int64_t count)
{
    struct cflight_descriptor descriptor = question();
    for (int64_t i = 0; i < count; i++) {
        struct cflight_info *info = NULL;
        cflight_error *error = NULL;
        must(cflight_client_get_flight_info(client, &descriptor, NULL, &info, &error), error);
        cflight_info_free(info);
    }
}

/* Calls, one after another; a unit is one. */
void run_calls(int64_t size, struct outcome *outcome)
{
    cflight_client *client = new_client(NULL);
    make_calls(client, WARM_UP_CALLS);
    measure_begin(outcome);
    make_calls(client, size);
    measure_end(outcome, size);
    cflight_client_free(client);
}

/* A call among others that an event loop awaits. Each that is answered is followed by another. */
struct awaited {
    struct loop *loop;
    cflight_async *async;
};

struct loop {
    cflight_client *client;
    cflight_buffer *request;
    int64_t to_start;
    int64_t running;
};

static void on_ready(void *user_data);

static void start(struct awaited *awaited)
{
    struct loop *loop = awaited->loop;
    cflight_error *error = NULL;
    if (loop->to_start == 0) {
        return;
    }
    loop->to_start--;
    loop->running++;
    must(cflight_async_start(loop->client, CFLIGHT_METHOD_GET_FLIGHT_INFO,
                             cflight_buffer_bytes(loop->request), NULL, &awaited->async, &error),
         error);
    cflight_async_notify(awaited->async, on_ready, awaited);
}

static void on_ready(void *user_data)
{
    struct awaited *awaited = user_data;
    cflight_buffer *message = NULL;
    cflight_error *error = NULL;
    bool is_ready = false;
    must(cflight_async_try_next(awaited->async, &is_ready, &message, &error), error);
    if (!is_ready) {
        cflight_async_notify(awaited->async, on_ready, awaited);
        return;
    }
    cflight_buffer_unref(message);
    cflight_async_free(awaited->async);
    awaited->async = NULL;
    awaited->loop->running--;
    start(awaited);
}

static void run_loop(struct loop *loop, struct awaited *calls, int64_t at_once, int64_t count)
{
    loop->to_start = count;
    for (int64_t i = 0; i < at_once; i++) {
        calls[i].loop = loop;
        start(&calls[i]);
    }
    while (loop->running > 0) {
        struct cflight_loop_state state;
        cflight_client_loop_state(loop->client, &state);
        struct pollfd wait = {.fd = state.fd, .events = POLLIN};
        (void)poll(&wait, 1, state.timeout_ms);
        cflight_client_loop_process(loop->client);
    }
}

/* So many calls at once, awaited by an event loop; a unit is a call. */
void run_awaited(int64_t size, struct outcome *outcome)
{
    struct cflight_descriptor descriptor = question();
    struct awaited *calls = calloc((size_t)size, sizeof *calls);
    struct loop loop = {.client = new_client(NULL)};
    cflight_error *error = NULL;
    must_have(calls);
    must(cflight_descriptor_serialize(&descriptor, &loop.request, &error), error);
    run_loop(&loop, calls, size, size > WARM_UP_CALLS ? size : WARM_UP_CALLS);
    measure_begin(outcome);
    run_loop(&loop, calls, size, CALLS);
    measure_end(outcome, CALLS);
    free(calls);
    cflight_buffer_unref(loop.request);
    cflight_client_free(loop.client);
}

/* A stream on which nothing comes, which the loop awaits all the same. */
struct silent {
    cflight_writer *writer;
    cflight_reader *reader;
};

static void on_noise(void *user_data)
{
    (void)user_data;
    must_have(NULL);
}

static void open_silent(struct loop *loop, struct silent *silent)
{
    cflight_async *async = NULL;
    cflight_buffer *message = NULL;
    cflight_error *error = NULL;
    bool is_ready = false;
    must(cflight_async_start(loop->client, CFLIGHT_METHOD_DO_EXCHANGE,
                             cflight_buffer_bytes(loop->request), NULL, &async, &error),
         error);
    must(cflight_async_try_next(async, &is_ready, &message, &error), error);
    must(cflight_async_take_exchange(async, &silent->writer, &silent->reader, &error), error);
    cflight_async_free(async);
    cflight_reader_notify(silent->reader, on_noise, NULL);
}

/* Calls awaited by a loop, one after another, beside so many streams on which nothing comes; a unit
 * is a call. */
void run_beside_awaited(int64_t size, struct outcome *outcome)
{
    struct cflight_descriptor descriptor = question();
    struct silent *streams = calloc((size_t)size, sizeof *streams);
    struct awaited call = {.async = NULL};
    struct loop loop = {.client = new_client(NULL)};
    cflight_error *error = NULL;
    must_have(streams);
    must(cflight_descriptor_serialize(&descriptor, &loop.request, &error), error);
    for (int64_t i = 0; i < size; i++) {
        open_silent(&loop, &streams[i]);
    }
    run_loop(&loop, &call, 1, WARM_UP_CALLS);
    measure_begin(outcome);
    run_loop(&loop, &call, 1, CALLS / 4);
    measure_end(outcome, CALLS / 4);
    for (int64_t i = 0; i < size; i++) {
        cflight_reader_notify(streams[i].reader, NULL, NULL);
        cflight_writer_free(streams[i].writer);
        cflight_reader_free(streams[i].reader);
    }
    free(streams);
    cflight_buffer_unref(loop.request);
    cflight_client_free(loop.client);
}

struct caller {
    pthread_t thread;
    cflight_client *client;
    int64_t count;
};

static void *call(void *user_data)
{
    struct caller *caller = user_data;
    make_calls(caller->client, caller->count);
    return NULL;
}

/* So many threads that call; a unit is a call. */
void run_threads(int64_t size, struct outcome *outcome)
{
    struct caller *callers = calloc((size_t)size, sizeof *callers);
    cflight_client *client = new_client(NULL);
    must_have(callers);
    make_calls(client, WARM_UP_CALLS);
    measure_begin(outcome);
    for (int64_t i = 0; i < size; i++) {
        callers[i] = (struct caller){.client = client, .count = CALLS / size};
        if (pthread_create(&callers[i].thread, NULL, call, &callers[i]) != 0) {
            must_have(NULL);
        }
    }
    for (int64_t i = 0; i < size; i++) {
        (void)pthread_join(callers[i].thread, NULL);
    }
    measure_end(outcome, CALLS / size * size);
    free(callers);
    cflight_client_free(client);
}
