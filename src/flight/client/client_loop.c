/* SPDX-License-Identifier: Apache-2.0 */
/* A client under a foreign event loop.
 *
 * The loop's thread plays the driver's part, one step at a time. Connecting is the one thing that
 * the C library cannot do without waiting (name lookup), so it has a thread of its own, which ends
 * with it; a waker stands in for the socket meanwhile. Thread class: loop only. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "flight/call/cancel.h"
#include "flight/client/client.h"
#include "flight/call/metadata_stream.h"
#include "flight/call/reader.h"
#include "flight/call/writer.h"

enum { RETRY_MS = 10 /* when memory or descriptors ran out */ };

/* A connect under way; owned by the client. */
struct cfl_client_dial {
    struct cflight_client *client;
    struct cfl_client_call_options options;
    cflight_cancel *stop;          /* interrupts the thread, */
    struct cfl_cancel_entry entry; /* also when the caller's handle is triggered */
    pthread_t thread;
    struct cfl_waker waker; /* set by the thread when it is done */
    cflight_status status;
    cflight_error *error;
    cflight_connected_fn on_connected;
    void *user_data;
};

static void *dial_main(void *user_data)
{
    struct cfl_client_dial *dial = user_data;
    struct cfl_connection *connection = NULL;
    dial->status = cfl_client_connection(dial->client, dial->options.limits.deadline_ns, dial->stop,
                                         &connection, &dial->error);
    cfl_connection_unref(connection);
    cfl_waker_set(&dial->waker);
    return NULL;
}

static void on_trigger(struct cfl_cancel_entry *entry)
{
    cflight_cancel_trigger(CFL_LIST_ENTRY(entry, struct cfl_client_dial, entry)->stop);
}

static void dial_free(struct cfl_client_dial *dial)
{
    if (dial->options.user.cancel != NULL) {
        cfl_cancel_unregister(dial->options.user.cancel, &dial->entry);
    }
    cflight_cancel_unref(dial->stop);
    cfl_waker_done(&dial->waker);
    cflight_error_free(dial->error);
    cflight_cancel_unref(dial->options.user.cancel);
    cfl_free(dial->client->alloc, dial, sizeof *dial);
}

/* Waits for the thread's end: it has nothing left to do but return. */
static struct cfl_client_dial *take_dial(struct cflight_client *client)
{
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_client_dial *dial = client->locked.dial;
    client->locked.dial = NULL;
    (void)pthread_mutex_unlock(&client->mutex);
    if (dial != NULL) {
        (void)pthread_join(dial->thread, NULL);
    }
    return dial;
}

static void end_dial(struct cflight_client *client)
{
    if (client->locked.dial != NULL) {
        cflight_cancel_trigger(client->locked.dial->stop);
    }
    struct cfl_client_dial *dial = take_dial(client);
    if (dial != NULL) {
        dial_free(dial);
    }
}

static struct cfl_loop_set *find_set_locked(struct cflight_client *client)
{
    if (client->locked.loop_set == NULL) {
        client->locked.loop_set = cfl_loop_set_new(client->alloc, &client->mutex);
    }
    return client->locked.loop_set;
}

cflight_status cflight_client_loop_connect(cflight_client *client,
                                           const struct cflight_call_options *options,
                                           cflight_connected_fn on_connected, void *user_data,
                                           cflight_error **reterr)
{
    if (client == NULL) {
        return cfl_error_null_argument(reterr, "client");
    }
    struct cfl_client_dial *dial = cfl_alloc_zeroed(client->alloc, sizeof *dial);
    if (dial == NULL) {
        return cfl_error_no_memory(reterr);
    }
    dial->client = client;
    dial->on_connected = on_connected;
    dial->user_data = user_data;
    cflight_status status = cfl_client_load_options(client, options, &dial->options, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_cancel_new(&dial->stop, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_waker_init(&dial->waker, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_cancel_unref(dial->stop);
        cfl_free(client->alloc, dial, sizeof *dial);
        return status;
    }
    dial->entry.on_trigger = on_trigger;
    if (cflight_cancel_ref(dial->options.user.cancel) != NULL) {
        cfl_cancel_register(dial->options.user.cancel, &dial->entry);
    }
    (void)pthread_mutex_lock(&client->mutex);
    (void)find_set_locked(client); /* the connection is the loop's from the beginning */
    if (client->locked.dial != NULL) {
        status = cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                           "the client is connecting already");
    } else if (cfl_thread_start(&dial->thread, NULL, NULL, dial_main, dial) != 0) {
        status = cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                           "the system gives no thread to connect");
    } else {
        client->locked.dial = dial;
        client->end_dial = end_dial;
    }
    (void)pthread_mutex_unlock(&client->mutex);
    if (status != CFLIGHT_OK) {
        dial_free(dial);
    }
    return status;
}

/* What the loop drives, made when it is first needed and up to date; NULL when that cannot be. */
static struct cfl_loop_set *take_set(struct cflight_client *client,
                                     const struct cfl_connection **ret_current, int *ret_dial_fd)
{
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_loop_set *set = find_set_locked(client);
    struct cfl_connection *connection = client->locked.connection;
    if (set != NULL && connection != NULL && !cfl_loop_set_add(set, connection)) {
        set = NULL;
    }
    *ret_current = connection; /* to be compared only */
    *ret_dial_fd = client->locked.dial == NULL ? -1 : client->locked.dial->waker.fd;
    (void)pthread_mutex_unlock(&client->mutex);
    return set;
}

void cflight_client_loop_state(cflight_client *client, struct cflight_loop_state *ret_state)
{
    const struct cfl_connection *current = NULL;
    int dial_fd = -1;
    struct cfl_loop_set *set = take_set(client, &current, &dial_fd);
    if (set == NULL) {
        *ret_state = (struct cflight_loop_state){.fd = -1, .timeout_ms = RETRY_MS};
        return;
    }
    int64_t now_ns = cfl_clock_now_ns(NULL);
    cfl_loop_set_watch(set, dial_fd);
    int64_t deadline_ns = cfl_loop_set_prepare(set, current, now_ns);
    ret_state->fd = cfl_loop_set_fd(set);
    ret_state->timeout_ms = cfl_deadline_poll_ms(now_ns, deadline_ns);
}

/* Ends a connect whose thread is done. */
static void process_dial(struct cflight_client *client, struct cfl_loop_set *set, int dial_fd)
{
    if ((cfl_wait_fd(dial_fd, CFL_READY_READ, NULL, 0) & CFL_READY_READ) == 0) {
        return;
    }
    cfl_loop_set_watch(set, -1);
    struct cfl_client_dial *dial = take_dial(client);
    if (dial != NULL) {
        if (dial->on_connected != NULL) {
            dial->on_connected(dial->user_data, dial->status, dial->error);
        }
        dial_free(dial);
    }
}

void cflight_client_loop_process(cflight_client *client)
{
    const struct cfl_connection *current = NULL;
    int dial_fd = -1;
    struct cfl_loop_set *set = take_set(client, &current, &dial_fd);
    if (set == NULL) {
        return;
    }
    cfl_client_ref(client); /* callbacks may drop the caller's */
    cfl_loop_set_drain(set);
    if (dial_fd >= 0) {
        process_dial(client, set, dial_fd);
    }
    cfl_loop_set_process(set);
    cflight_client_free(client);
}

bool cflight_client_is_connected(cflight_client *client)
{
    bool is_usable = false;
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_connection *connection = client->locked.connection;
    if (connection != NULL) {
        (void)cfl_connection_ref(connection);
    }
    (void)pthread_mutex_unlock(&client->mutex);
    if (connection != NULL) {
        cfl_connection_lock(connection);
        is_usable = cfl_connection_is_usable_locked(connection);
        cfl_connection_unlock(connection);
        cfl_connection_unref(connection);
    }
    return is_usable;
}

/* ---- calls ---- */

struct cflight_async {
    struct cfl_call *call;
};

cflight_status cflight_async_start(cflight_client *client, enum cflight_method method,
                                   struct cflight_bytes request,
                                   const struct cflight_call_options *options,
                                   cflight_async **ret_async, cflight_error **reterr)
{
    struct cfl_client_call_options loaded;
    const struct cfl_method *found = cfl_method_get(method);
    if (client == NULL || ret_async == NULL || found == NULL || found->client_streams ||
        found->response_is_flight_data) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "a client and a method with one request message are needed");
    }
    cflight_status status = cfl_client_load_options(client, options, &loaded, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_async *async = cfl_alloc_zeroed(client->alloc, sizeof *async);
    if (async == NULL) {
        return cfl_error_no_memory(reterr);
    }
    bool has_token = false; /* to start again would mean to wait: the next call has a new one */
    status = cfl_client_attempt(client, method, &loaded, &request, NULL, &has_token, &async->call,
                                reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(client->alloc, async, sizeof *async);
        return status;
    }
    *ret_async = async;
    return CFLIGHT_OK;
}

cflight_status cflight_async_try_next(cflight_async *async, bool *ret_is_ready,
                                      cflight_buffer **ret_message, cflight_error **reterr)
{
    struct cfl_message message = {0};
    bool has_message = false;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(async), CFL_ARG(ret_is_ready), CFL_ARG(ret_message));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_call_receive(async->call, 0, ret_is_ready, &has_message, &message, reterr);
    if (status == CFLIGHT_OK) {
        *ret_message = message.raw;
    }
    return status;
}

void cflight_async_notify(cflight_async *async, cflight_ready_fn on_ready, void *user_data)
{
    cfl_call_notify(async->call, false, on_ready, user_data);
}

void cflight_async_free(cflight_async *async)
{
    if (async != NULL) {
        const struct cflight_allocator *alloc = async->call->alloc;
        cfl_call_notify(async->call, false, NULL, NULL);
        cfl_call_unref(async->call);
        cfl_free(alloc, async, sizeof *async);
    }
}

void cflight_reader_notify(cflight_reader *reader, cflight_ready_fn on_ready, void *user_data)
{
    cfl_call_notify(reader->call, false, on_ready, user_data);
}

void cflight_metadata_reader_notify(cflight_metadata_reader *reader, cflight_ready_fn on_ready,
                                    void *user_data)
{
    cfl_call_notify(reader->call, false, on_ready, user_data);
}

void cflight_writer_notify(cflight_writer *writer, cflight_ready_fn on_ready, void *user_data)
{
    cfl_call_notify(writer->call, true, on_ready, user_data);
}
