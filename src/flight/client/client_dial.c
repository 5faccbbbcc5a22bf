/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting under an event loop.
 *
 * It is the one thing that the C library cannot do without waiting (name lookup), so it has a
 * thread of its own, which ends with it; a waker stands in for the socket meanwhile. Thread class:
 * loop only. */
#include "flight/client/client_dial.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "flight/client/client_spread.h"

static void *dial_main(void *user_data)
{
    struct cfl_client_dial *dial = user_data;
    struct cfl_connection *connection = NULL;
    const struct cfl_route own = {.kind = CFL_ROUTE_OWN};
    int64_t deadline_ns = dial->options.limits.deadline_ns;
    dial->status = cfl_client_connection(dial->client, own, deadline_ns, dial->stop, &connection,
                                         &dial->error);
    cfl_connection_unref(connection);
    if (dial->client->spread != NULL && dial->status == CFLIGHT_OK) {
        cfl_spread_connect_all(dial->client, deadline_ns, dial->stop);
    }
    atomic_store(&dial->is_done, true);
    cfl_waker_set(&dial->waker);
    return NULL;
}

static void on_trigger(struct cfl_cancel_entry *entry)
{
    cflight_cancel_trigger(CFL_LIST_ENTRY(entry, struct cfl_client_dial, entry)->stop);
}

void cfl_client_dial_free(struct cfl_client_dial *dial)
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

/* Waits for the thread's end. */
static struct cfl_client_dial *take_dial(struct cflight_client *client)
{
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_client_dial *dial = client->locked.dial;
    client->locked.dial = NULL;
    client->locked.dial_stop = NULL;
    (void)pthread_mutex_unlock(&client->mutex);
    if (dial != NULL) {
        (void)pthread_join(dial->thread, NULL);
    }
    return dial;
}

static void end_dial(struct cflight_client *client)
{
    cflight_cancel_trigger(client->locked.dial_stop);
    struct cfl_client_dial *dial = take_dial(client);
    if (dial != NULL) {
        cfl_client_dial_free(dial);
    }
}

struct cfl_loop_set *cfl_client_loop_set_locked(struct cflight_client *client)
{
    if (client->locked.loop_set == NULL) {
        client->locked.loop_set = cfl_loop_set_new(client->alloc, &client->mutex);
    }
    return client->locked.loop_set;
}

/* Takes the dial on success. */
static cflight_status begin(struct cflight_client *client, struct cfl_client_dial *dial,
                            cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    (void)pthread_mutex_lock(&client->mutex);
    (void)cfl_client_loop_set_locked(client); /* the connection is the loop's from the beginning */
    if (client->locked.dial != NULL) {
        status = cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                           "the client is connecting already");
    } else if (cfl_thread_start(&dial->thread, NULL, NULL, dial_main, dial) != 0) {
        status = cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                           "the system gives no thread to connect");
    } else {
        client->locked.dial = dial;
        client->locked.dial_stop = dial->stop;
        client->end_dial = end_dial;
    }
    (void)pthread_mutex_unlock(&client->mutex);
    return status;
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
    dial->is_limited = options != NULL;
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
    status = begin(client, dial, reterr);
    if (status != CFLIGHT_OK) {
        cfl_client_dial_free(dial);
    }
    return status;
}

cflight_status cfl_client_dial_join(struct cflight_client *client, cflight_error **reterr)
{
    (void)pthread_mutex_lock(&client->mutex);
    bool is_under_way = client->locked.dial != NULL;
    (void)pthread_mutex_unlock(&client->mutex);
    return is_under_way ? CFLIGHT_OK
                        : cflight_client_loop_connect(client, NULL, NULL, NULL, reterr);
}

void cfl_client_dial_wake(struct cflight_client *client)
{
    (void)pthread_mutex_lock(&client->mutex);
    if (client->locked.dial != NULL) {
        cfl_waker_set(&client->locked.dial->waker);
    }
    (void)pthread_mutex_unlock(&client->mutex);
}

struct cfl_client_dial *cfl_client_dial_take_done(struct cflight_client *client)
{
    bool is_done = false;
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_client_dial *dial = client->locked.dial;
    if (dial != NULL) {
        cfl_waker_clear(&dial->waker); /* before the look: what comes later sets it again */
        is_done = atomic_load(&dial->is_done);
    }
    (void)pthread_mutex_unlock(&client->mutex);
    return is_done ? take_dial(client) : NULL;
}
