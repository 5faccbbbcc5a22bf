/* SPDX-License-Identifier: Apache-2.0 */
/* Many calls at once in one thread: a client under a plain poll(2) loop.
 *
 *     poll_loop LOCATION NAME [CALLS]     asks for the flight's info CALLS times (1000), all at
 * once */
#include <cflight/cflight.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

struct work {
    cflight_client *client;
    int waiting_count; /* calls that have not ended */
    int failed_count;
};

struct one_call {
    struct work *work;
    cflight_async *async;
};

/* Takes what is there; asks to be called again while more may come. */
static void on_ready(void *user_data)
{
    struct one_call *call = user_data;
    for (;;) {
        bool is_ready = false;
        cflight_buffer *message = NULL;
        cflight_error *error = NULL;
        cflight_status status = cflight_async_try_next(call->async, &is_ready, &message, &error);
        if (status == CFLIGHT_OK && !is_ready) {
            cflight_async_notify(call->async, on_ready, call);
            return;
        }
        if (status != CFLIGHT_OK || message == NULL) {
            if (status != CFLIGHT_OK && call->work->failed_count++ == 0) {
                (void)fprintf(stderr, "%s: %s\n", cflight_status_name(status),
                              cflight_error_message(error));
            }
            cflight_error_free(error);
            cflight_async_free(call->async);
            call->async = NULL;
            call->work->waiting_count--;
            return;
        }
        cflight_buffer_unref(message);
    }
}

/* One turn of the loop. */
static void turn(struct work *work)
{
    struct cflight_loop_state state;
    cflight_client_loop_state(work->client, &state);
    struct pollfd wait = {.fd = state.fd, .events = POLLIN};
    (void)poll(&wait, 1, state.timeout_ms);
    cflight_client_loop_process(work->client);
}

static int run(struct work *work, const char *name, int call_count)
{
    struct one_call *calls = calloc((size_t)call_count, sizeof *calls);
    struct cflight_bytes path = cflight_bytes_from_text(name);
    struct cflight_descriptor descriptor = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = &path, .path_count = 1};
    cflight_buffer *request = NULL;
    if (calls == NULL || cflight_descriptor_serialize(&descriptor, &request, NULL) != CFLIGHT_OK) {
        free(calls);
        return 1;
    }
    for (int i = 0; i < call_count; i++) {
        calls[i].work = work;
        if (cflight_async_start(work->client, CFLIGHT_METHOD_GET_FLIGHT_INFO,
                                cflight_buffer_bytes(request), NULL, &calls[i].async,
                                NULL) != CFLIGHT_OK) {
            work->failed_count++;
            continue;
        }
        work->waiting_count++;
        cflight_async_notify(calls[i].async, on_ready, &calls[i]);
    }
    while (work->waiting_count > 0) {
        turn(work);
    }
    cflight_buffer_unref(request);
    free(calls);
    (void)printf("%d calls, %d failed\n", call_count, work->failed_count);
    return work->failed_count == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct work work = {0};
    cflight_error *error = NULL;
    if (argc < 3) {
        (void)fprintf(stderr, "usage: poll_loop LOCATION NAME [CALLS]\n");
        return 2;
    }
    if (cflight_client_new(argv[1], NULL, &work.client, &error) != CFLIGHT_OK) {
        (void)fprintf(stderr, "%s\n", cflight_error_message(error));
        cflight_error_free(error);
        return 1;
    }
    int result = run(&work, argv[2], argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1000);
    cflight_client_free(work.client);
    return result;
}
