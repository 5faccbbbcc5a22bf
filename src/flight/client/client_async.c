/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of an event loop: started without waiting, and started again when the server certainly did
 * nothing.
 *
 * A call either is on its way, or waits in the client's list for a connect that is under way; its
 * limits and its cancel handle hold meanwhile. The end of the connect makes it due, and the next
 * try starts it. The call itself is sent again by call_start.c where a connection is at hand; what
 * is started again here is a new call, with the time that is left: after connecting, and with a
 * newer token. Thread class: loop only; the list is under the client's mutex. */
#include "flight/client/client_async.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "flight/client/client_spread.h"
#include "flight/call/reader.h"
#include "flight/value/values.h"

enum { CONNECTS_MAX = 4 /* for one start of a call, while connections are lost at once */ };

struct cflight_async {
    struct cflight_client *client;
    const struct cfl_method *method;
    struct cfl_client_call_options options; /* their memory: */
    struct cfl_metadata headers;
    struct cflight_ipc_read_options read_options;
    struct cflight_ipc_write_options write_options;
    int32_t *included_fields;
    cflight_buffer *request;
    struct cfl_call *call; /* NULL while it waits for a connection, and without a future */
    bool has_token;
    bool was_renewed;
    bool has_answer; /* the user saw something of it */
    unsigned int connects_left;
    cflight_status status; /* what it failed with without a call */
    cflight_error *error;
    struct cfl_cancel_entry cancel_entry; /* while it waits, as is what follows */
    cflight_ready_fn on_ready;
    void *user_data;
    struct {
        struct cfl_list node; /* in the client's list */
        bool is_settled;      /* the connect ended, */
        cflight_status status;
        cflight_error *error; /* with this */
    } locked;
};

static void give(cflight_error *error, cflight_error **reterr)
{
    if (reterr != NULL) {
        *reterr = error;
    } else {
        cflight_error_free(error);
    }
}

static int64_t limit_ns(const cflight_async *async)
{
    return cfl_deadline_earlier(async->options.limits.deadline_ns,
                                async->options.limits.first_byte_ns);
}

static bool is_due_locked(const cflight_async *async, int64_t now_ns)
{
    return async->locked.is_settled || now_ns >= limit_ns(async) ||
           cflight_cancel_is_triggered(async->options.user.cancel);
}

static void on_trigger(struct cfl_cancel_entry *entry)
{
    cfl_client_dial_wake(CFL_LIST_ENTRY(entry, cflight_async, cancel_entry)->client);
}

/* ---- waiting for a connection ---- */

static void leave_list(cflight_async *async)
{
    if (async->options.user.cancel != NULL) {
        cfl_cancel_unregister(async->options.user.cancel, &async->cancel_entry);
    }
    (void)pthread_mutex_lock(&async->client->mutex);
    cfl_list_remove(&async->locked.node);
    (void)pthread_mutex_unlock(&async->client->mutex);
}

static cflight_status wait_for_connection(cflight_async *async, cflight_error **reterr)
{
    cflight_status status = cfl_client_dial_join(async->client, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    async->connects_left--;
    (void)pthread_mutex_lock(&async->client->mutex);
    async->locked.is_settled = false;
    cfl_list_append(&async->client->locked.starting, &async->locked.node);
    (void)pthread_mutex_unlock(&async->client->mutex);
    if (async->options.user.cancel != NULL) {
        async->cancel_entry.on_trigger = on_trigger;
        cfl_cancel_register(async->options.user.cancel, &async->cancel_entry);
    }
    return CFLIGHT_OK;
}

void cfl_async_settle(struct cflight_client *client, const struct cfl_client_dial *dial)
{
    struct cfl_list *head = &client->locked.starting;
    /* Limits of somebody else, or the client was closed: what is tried next will tell. */
    bool is_open = dial->is_limited || dial->status == CFLIGHT_CANCELLED;
    (void)pthread_mutex_lock(&client->mutex);
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        cflight_async *async = CFL_LIST_ENTRY(node, cflight_async, locked.node);
        if (async->locked.is_settled) {
            continue; /* by an earlier connect, and not tried since */
        }
        async->locked.is_settled = true;
        async->locked.status = is_open ? CFLIGHT_OK : dial->status;
        async->locked.error =
            async->locked.status == CFLIGHT_OK ? NULL : cfl_error_copy(dial->error);
    }
    (void)pthread_mutex_unlock(&client->mutex);
}

void cfl_async_run_due(struct cflight_client *client)
{
    struct cfl_list due;
    struct cfl_list *head = &client->locked.starting;
    struct cfl_list *next = NULL;
    int64_t now_ns = cfl_clock_now_ns(NULL);
    cfl_list_init(&due);
    (void)pthread_mutex_lock(&client->mutex);
    for (struct cfl_list *node = head->next; node != head; node = next) {
        cflight_async *async = CFL_LIST_ENTRY(node, cflight_async, locked.node);
        next = node->next;
        if (async->on_ready != NULL && is_due_locked(async, now_ns)) {
            cfl_list_remove(node);
            cfl_list_append(&due, node);
        }
    }
    for (struct cfl_list *node = NULL; (node = cfl_list_take_first(&due)) != NULL;) {
        cflight_async *async = CFL_LIST_ENTRY(node, cflight_async, locked.node);
        cflight_ready_fn on_ready = async->on_ready;
        void *ready_data = async->user_data;
        async->on_ready = NULL;
        cfl_list_append(head, node);
        (void)pthread_mutex_unlock(&client->mutex);
        on_ready(ready_data);
        (void)pthread_mutex_lock(&client->mutex);
    }
    (void)pthread_mutex_unlock(&client->mutex);
}

int64_t cfl_async_deadline_ns(struct cflight_client *client, int64_t now_ns)
{
    int64_t deadline_ns = CFL_TIME_NEVER;
    struct cfl_list *head = &client->locked.starting;
    (void)pthread_mutex_lock(&client->mutex);
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        const cflight_async *async = CFL_LIST_ENTRY(node, cflight_async, locked.node);
        if (async->on_ready != NULL) {
            deadline_ns = cfl_deadline_earlier(
                deadline_ns, is_due_locked(async, now_ns) ? now_ns : limit_ns(async));
        }
    }
    (void)pthread_mutex_unlock(&client->mutex);
    return deadline_ns;
}

/* ---- starting ---- */

/* Starts the call on the connection that is at hand, or waits for one. */
static cflight_status start(cflight_async *async, cflight_error **reterr)
{
    cflight_error *error = NULL;
    cflight_status status =
        cfl_client_attempt(async->client, async->method->id, &async->options,
                           async->method->client_streams ? NULL : async->request, NULL,
                           &async->has_token, &async->call, &error);
    if (status == CFLIGHT_UNAVAILABLE && cflight_error_retry(error) == CFLIGHT_RETRY_SAFE &&
        async->connects_left > 0) {
        cflight_error_free(error);
        error = NULL;
        status = wait_for_connection(async, &error);
    }
    if (async->client->spread != NULL && cfl_spread_is_due(async->client)) {
        (void)cfl_client_dial_join(async->client, NULL); /* if it cannot, the next call asks */
    }
    give(error, reterr);
    return status;
}

/* Whether the wait is over, with a failure or a connection. */
static cflight_status end_wait(cflight_async *async, bool *ret_is_over, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    cflight_error *error = NULL;
    *ret_is_over = false;
    (void)pthread_mutex_lock(&async->client->mutex);
    bool is_due = is_due_locked(async, cfl_clock_now_ns(NULL));
    bool is_settled = async->locked.is_settled;
    (void)pthread_mutex_unlock(&async->client->mutex);
    if (!is_due) {
        return CFLIGHT_OK;
    }
    *ret_is_over = true;
    leave_list(async);
    if (cflight_cancel_is_triggered(async->options.user.cancel)) {
        status = cflight_error_set_message(&error, CFLIGHT_CANCELLED,
                                           "the call was cancelled while connecting");
    } else if (is_settled) {
        status = async->locked.status;
        error = async->locked.error;
        async->locked.error = NULL;
    } else {
        status = cflight_error_set(&error, CFLIGHT_DEADLINE_EXCEEDED,
                                   "the call's limit passed while connecting to %s",
                                   async->client->location->uri);
    }
    cfl_error_set_operation(error, async->method->name);
    give(error, reterr);
    return status;
}

/* Copies what the options point at, as the call may start later. */
static cflight_status keep_options(cflight_async *async, cflight_error **reterr)
{
    struct cflight_call_options *user = &async->options.user;
    cflight_status status = CFLIGHT_OK;
    (void)cflight_cancel_ref(user->cancel);
    for (size_t i = 0; status == CFLIGHT_OK && i < user->header_count; i++) {
        status = cfl_metadata_add(&async->headers, user->headers[i].name, user->headers[i].value,
                                  reterr);
    }
    user->headers = async->headers.fields;
    if (status == CFLIGHT_OK && user->write_options != NULL) {
        status = cfl_options_load(&async->write_options, sizeof async->write_options,
                                  user->write_options, reterr);
        user->write_options = &async->write_options;
    }
    if (status != CFLIGHT_OK || user->read_options == NULL) {
        return status;
    }
    struct cflight_ipc_read_options *read_options = &async->read_options;
    status = cfl_options_load(read_options, sizeof *read_options, user->read_options, reterr);
    user->read_options = read_options;
    if (status == CFLIGHT_OK && read_options->included_fields != NULL) {
        size_t count = read_options->included_field_count;
        async->included_fields = cfl_alloc_array(async->client->alloc, count, sizeof(int32_t));
        if (async->included_fields == NULL) {
            return cfl_error_no_memory(reterr);
        }
        memcpy(async->included_fields, read_options->included_fields, count * sizeof(int32_t));
        read_options->included_fields = async->included_fields;
    }
    return status;
}

static cflight_async *async_new(cflight_client *client, const struct cfl_method *method)
{
    cflight_async *async = cfl_alloc_zeroed(client->alloc, sizeof *async);
    if (async != NULL) {
        async->client = client;
        async->method = method;
        async->connects_left = CONNECTS_MAX;
        cfl_metadata_init(&async->headers, client->alloc);
        (void)cflight_client_ref(client);
    }
    return async;
}

cflight_status cflight_async_start(cflight_client *client, enum cflight_method method,
                                   struct cflight_bytes request,
                                   const struct cflight_call_options *options,
                                   cflight_async **ret_async, cflight_error **reterr)
{
    const struct cfl_method *found = cfl_method_get(method);
    if (client == NULL || ret_async == NULL || found == NULL ||
        method == CFLIGHT_METHOD_HANDSHAKE) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a client and a method other than Handshake are needed");
    }
    cflight_async *async = async_new(client, found);
    if (async == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = cfl_client_load_options(client, options, &async->options, reterr);
    if (status == CFLIGHT_OK) {
        async->options.never_waits = true;
        status = keep_options(async, reterr);
    } else {
        async->options.user.cancel = NULL; /* not ours yet */
    }
    if (status == CFLIGHT_OK) {
        status = cflight_buffer_new_copy(request, &async->request, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = start(async, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_async_free(async);
        return status;
    }
    *ret_async = async;
    return CFLIGHT_OK;
}

/* An upload is ready as soon as it is on its way: no answer comes before its streams are taken. */
static bool is_upload(const cflight_async *async)
{
    return async->method->client_streams;
}

static void drop_call(cflight_async *async)
{
    if (async->call != NULL) {
        cfl_call_notify(async->call, is_upload(async), NULL, NULL);
        cfl_call_unref(async->call);
        async->call = NULL;
    }
}

void cflight_async_free(cflight_async *async)
{
    if (async == NULL) {
        return;
    }
    struct cflight_client *client = async->client;
    if (cfl_list_is_linked(&async->locked.node)) {
        leave_list(async);
    }
    drop_call(async);
    cflight_buffer_unref(async->request);
    cfl_metadata_done(&async->headers);
    cfl_free_array(client->alloc, async->included_fields, async->read_options.included_field_count,
                   sizeof(int32_t));
    cflight_cancel_unref(async->options.user.cancel);
    cflight_error_free(async->locked.error);
    cflight_error_free(async->error);
    cfl_free(client->alloc, async, sizeof *async);
    cflight_client_free(client);
}

/* ---- answers ---- */

/* Whether the call is to be started again: nothing of it was seen, and the server did no work, or
 * refused a token that can be replaced. */
static bool may_repeat(cflight_async *async, cflight_status status, const cflight_error *error)
{
    if (async->has_answer || async->method->client_streams) {
        return false;
    }
    if (status == CFLIGHT_UNAUTHENTICATED && async->has_token && !async->was_renewed) {
        async->was_renewed = true;
        return true;
    }
    /* It was to be sent again, and there was no connection. */
    async->options.restart_count = async->call->locked.restart_count;
    return cflight_error_retry(error) == CFLIGHT_RETRY_SAFE && async->call->locked.grpc == NULL;
}

/* Remembers a failure of the start, which every later try tells again. */
static cflight_status fail(cflight_async *async, cflight_status status, cflight_error *error,
                           cflight_error **reterr)
{
    async->status = status;
    async->error = error;
    if (reterr != NULL) {
        *reterr = cfl_error_copy(error);
    }
    return status;
}

/* Starts the call; whoever was to be called back still is. */
static cflight_status start_now(cflight_async *async, cflight_ready_fn on_ready, void *user_data,
                                cflight_error **reterr)
{
    cflight_error *error = NULL;
    cflight_status status = start(async, &error);
    if (status != CFLIGHT_OK) {
        return fail(async, status, error, reterr);
    }
    cflight_async_notify(async, on_ready, user_data);
    return CFLIGHT_OK;
}

/* Goes on until there is a call, which there is not while it waits for a connection. */
static cflight_status find_call(cflight_async *async, cflight_error **reterr)
{
    cflight_error *error = NULL;
    bool is_over = false;
    if (async->status != CFLIGHT_OK) {
        give(cfl_error_copy(async->error), reterr);
        return async->status;
    }
    if (async->call != NULL) {
        return CFLIGHT_OK;
    }
    cflight_status status = end_wait(async, &is_over, &error);
    if (status != CFLIGHT_OK) {
        return fail(async, status, error, reterr);
    }
    return is_over ? start_now(async, async->on_ready, async->user_data, reterr) : CFLIGHT_OK;
}

/* One look at the answer: a message is taken, but for DoGet, whose reader takes it. */
static cflight_status look(cflight_async *async, bool *ret_is_ready, cflight_buffer **ret_message,
                           cflight_error **reterr)
{
    struct cfl_message message = {0};
    bool has_message = false;
    if (async->method->client_streams) {
        *ret_is_ready = true;
        *ret_message = NULL;
        return CFLIGHT_OK;
    }
    if (async->method->response_is_flight_data) {
        *ret_message = NULL;
        return cfl_call_peek(async->call, ret_is_ready, reterr);
    }
    cflight_status status =
        cfl_call_receive(async->call, 0, ret_is_ready, &has_message, &message, reterr);
    if (status == CFLIGHT_OK) {
        cfl_spread_note(async->client, async->call, message.raw);
        *ret_message = message.raw;
    }
    return status;
}

/* Starts the call again, which has failed. */
static cflight_status repeat(cflight_async *async, cflight_error **reterr)
{
    void *user_data = NULL;
    cflight_ready_fn on_ready = NULL;
    cfl_call_take_notify(async->call, &on_ready, &user_data);
    drop_call(async);
    async->connects_left = CONNECTS_MAX;
    return start_now(async, on_ready, user_data, reterr);
}

cflight_status cflight_async_try_next(cflight_async *async, bool *ret_is_ready,
                                      cflight_buffer **ret_message, cflight_error **reterr)
{
    cflight_error *error = NULL;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(async), CFL_ARG(ret_is_ready), CFL_ARG(ret_message));
    if (status != CFLIGHT_OK) {
        return status;
    }
    *ret_is_ready = false;
    status = find_call(async, reterr);
    if (status != CFLIGHT_OK || async->call == NULL) {
        *ret_is_ready = status != CFLIGHT_OK;
        return status;
    }
    status = look(async, ret_is_ready, ret_message, &error);
    if (status != CFLIGHT_OK && may_repeat(async, status, error)) {
        cflight_error_free(error);
        *ret_is_ready = false;
        return repeat(async, reterr);
    }
    give(error, reterr);
    async->has_answer = async->has_answer || (status == CFLIGHT_OK && *ret_is_ready);
    if (async->has_answer && !async->method->client_streams) {
        cflight_buffer_unref(async->request); /* it is not sent again */
        async->request = NULL;
    }
    return status;
}

void cflight_async_notify(cflight_async *async, cflight_ready_fn on_ready, void *user_data)
{
    if (async->call != NULL) {
        cfl_call_notify(async->call, is_upload(async), on_ready, user_data);
    } else {
        async->on_ready = on_ready;
        async->user_data = user_data;
    }
}

/* ---- streams ---- */

static cflight_status check_take(const cflight_async *async, enum cflight_method method,
                                 cflight_error **reterr)
{
    if (async == NULL) {
        return cfl_error_null_argument(reterr, "async");
    }
    if (async->method->id != method || async->call == NULL || !async->has_answer) {
        return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                                 "%s: there are no such streams to take, or not yet",
                                 async->method->name);
    }
    return CFLIGHT_OK;
}

/* The streams have the call now, if they could be made. */
static cflight_status end_take(cflight_async *async, cflight_status status)
{
    if (status == CFLIGHT_OK) {
        drop_call(async);
        async->status = cflight_error_set(&async->error, CFLIGHT_FAILED_PRECONDITION,
                                          "%s: its streams were taken", async->method->name);
    }
    return status;
}

cflight_status cflight_async_take_reader(cflight_async *async, cflight_reader **ret_reader,
                                         cflight_error **reterr)
{
    cflight_status status = check_take(async, CFLIGHT_METHOD_DO_GET, reterr);
    if (status == CFLIGHT_OK) {
        status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_reader));
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    return end_take(
        async, cfl_reader_new(async->call, async->options.user.read_options, ret_reader, reterr));
}

cflight_status cflight_async_take_put(cflight_async *async, const struct ArrowSchema *schema,
                                      cflight_writer **ret_writer,
                                      cflight_metadata_reader **ret_metadata,
                                      cflight_error **reterr)
{
    cflight_status status = check_take(async, CFLIGHT_METHOD_DO_PUT, reterr);
    if (status == CFLIGHT_OK) {
        status =
            CFL_CHECK_ARGS(reterr, CFL_ARG(schema), CFL_ARG(ret_writer), CFL_ARG(ret_metadata));
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    return end_take(async, cfl_client_put_streams(async->call, &async->options,
                                                  cflight_buffer_bytes(async->request), schema,
                                                  ret_writer, ret_metadata, reterr));
}

cflight_status cflight_async_take_exchange(cflight_async *async, cflight_writer **ret_writer,
                                           cflight_reader **ret_reader, cflight_error **reterr)
{
    cflight_status status = check_take(async, CFLIGHT_METHOD_DO_EXCHANGE, reterr);
    if (status == CFLIGHT_OK) {
        status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_writer), CFL_ARG(ret_reader));
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    return end_take(async, cfl_client_exchange_streams(async->call, &async->options,
                                                       cflight_buffer_bytes(async->request),
                                                       ret_writer, ret_reader, reterr));
}
