/* SPDX-License-Identifier: Apache-2.0 */
/* A client under a foreign event loop: the loop's thread plays the driver's part, one step at a
 * time. Connecting is client_dial.c, and what waits for it client_async.c. Thread class: loop only.
 */
#include "flight/call/metadata_stream.h"
#include "flight/call/reader.h"
#include "flight/call/writer.h"
#include "flight/client/client_async.h"
#include "flight/client/client_spread.h"

enum { RETRY_MS = 10 /* when memory or descriptors ran out */ };

/* What the loop drives, made when it is first needed and up to date; NULL when that cannot be. */
static struct cfl_loop_set *take_set(struct cflight_client *client,
                                     const struct cfl_connection **ret_current, int *ret_dial_fd)
{
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_loop_set *set = cfl_client_loop_set_locked(client);
    struct cfl_connection *connection = client->locked.connection;
    if (set != NULL && connection != NULL && !cfl_loop_set_add(set, connection)) {
        set = NULL;
    }
    if (set != NULL && client->spread != NULL && !cfl_spread_join_loop_locked(client)) {
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
    int64_t deadline_ns = cfl_deadline_earlier(cfl_loop_set_prepare(set, current, now_ns),
                                               cfl_async_deadline_ns(client, now_ns));
    ret_state->fd = cfl_loop_set_fd(set);
    ret_state->timeout_ms = cfl_deadline_poll_ms(now_ns, deadline_ns);
}

/* Ends a connect whose thread is done. */
static void process_dial(struct cflight_client *client, struct cfl_loop_set *set)
{
    struct cfl_client_dial *dial = cfl_client_dial_take_done(client);
    if (dial == NULL) {
        return;
    }
    cfl_loop_set_watch(set, -1);
    cfl_async_settle(client, dial);
    if (dial->on_connected != NULL) {
        dial->on_connected(dial->user_data, dial->status, dial->error);
    }
    cfl_client_dial_free(dial);
}

void cflight_client_loop_process(cflight_client *client)
{
    const struct cfl_connection *current = NULL;
    int dial_fd = -1;
    struct cfl_loop_set *set = take_set(client, &current, &dial_fd);
    if (set == NULL) {
        return;
    }
    (void)cflight_client_ref(client); /* callbacks may drop the caller's */
    cfl_loop_set_drain(set);
    if (dial_fd >= 0) {
        process_dial(client, set);
    }
    cfl_loop_set_process(set);
    cfl_async_run_due(client);
    cflight_client_free(client);
}

bool cflight_client_is_connected(cflight_client *client)
{
    bool is_usable = false;
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_connection *connection = client->locked.connection;
    if (connection == NULL && client->spread != NULL) {
        connection = cfl_spread_any_locked(client->spread);
    }
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
