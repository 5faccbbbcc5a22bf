/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a client's call: options, headers, token, middleware, connection, request; and telling
 * middleware how it went.
 *
 * Spec: flight-api, authentication headers (order of metadata) and timeouts. Thread class: free. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "flight/call/cancel.h"
#include "flight/client/client.h"
#include "flight/call/header_sink.h"

enum { ATTEMPTS_MAX = 4 };

cflight_status cfl_client_load_options(struct cflight_client *client,
                                       const struct cflight_call_options *options,
                                       struct cfl_client_call_options *ret_options,
                                       cflight_error **reterr)
{
    struct cflight_call_options *user = &ret_options->user;
    cflight_status status = cfl_options_load(user, sizeof *user, options, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (user->header_count > 0 && user->headers == NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "header_count is %zu but headers is NULL", user->header_count);
    }
    if (user->write_size_limit_bytes == 0) {
        user->write_size_limit_bytes = client->options.write_size_limit_bytes;
    }
    int64_t now_ns = cfl_clock_now_ns(NULL);
    struct cfl_call_limits *limits = &ret_options->limits;
    memset(limits, 0, sizeof *limits);
    bool has_timeout = user->timeout_ms > 0 || user->timeout_is_set;
    limits->timeout_ms = user->timeout_ms;
    limits->first_byte_timeout_ms = user->first_byte_timeout_ms;
    limits->idle_timeout_ms = user->idle_timeout_ms;
    limits->message_bytes_max = user->message_bytes_max;
    limits->deadline_ns =
        has_timeout ? cfl_deadline_after_ms(now_ns, user->timeout_ms) : CFL_TIME_NEVER;
    limits->first_byte_ns = user->first_byte_timeout_ms > 0
                                ? cfl_deadline_after_ms(now_ns, user->first_byte_timeout_ms)
                                : CFL_TIME_NEVER;
    return CFLIGHT_OK;
}

/* ---- middleware ---- */

/* The instances of one call. */
struct hooks {
    struct cflight_client *client;
    void **instances;
    cflight_buffer *token; /* of the provider, that the call went out with; NULL for none */
};

static void hooks_free(struct hooks *hooks)
{
    struct cflight_client *client = hooks->client;
    cfl_free_array(client->alloc, hooks->instances, client->middleware_count,
                   sizeof *hooks->instances);
    cflight_buffer_unref(hooks->token);
    cfl_free(client->alloc, hooks, sizeof *hooks);
    cflight_client_free(client);
}

static struct hooks *hooks_new(struct cflight_client *client)
{
    struct hooks *hooks = cfl_alloc_zeroed(client->alloc, sizeof *hooks);
    if (hooks == NULL) {
        return NULL;
    }
    if (client->middleware_count > 0) {
        hooks->instances =
            cfl_alloc_array(client->alloc, client->middleware_count, sizeof *hooks->instances);
        if (hooks->instances == NULL) {
            cfl_free(client->alloc, hooks, sizeof *hooks);
            return NULL;
        }
    }
    hooks->client = client;
    cfl_client_ref(client);
    return hooks;
}

static void give_headers(struct hooks *hooks, const struct cfl_metadata *metadata)
{
    for (size_t i = 0; i < hooks->client->middleware_count; i++) {
        const struct cflight_client_middleware *middleware = &hooks->client->middleware[i];
        if (hooks->instances[i] != NULL && middleware->received_headers != NULL) {
            middleware->received_headers(middleware->user_data, hooks->instances[i],
                                         metadata == NULL ? NULL : metadata->fields,
                                         metadata == NULL ? 0 : metadata->count);
        }
    }
}

static void complete(struct hooks *hooks, struct cflight_call_summary *summary)
{
    for (size_t i = 0; i < hooks->client->middleware_count; i++) {
        const struct cflight_client_middleware *middleware = &hooks->client->middleware[i];
        if (hooks->instances[i] != NULL && middleware->call_completed != NULL) {
            middleware->call_completed(middleware->user_data, hooks->instances[i], summary);
        }
    }
}

/* The call's observer. Headers and trailers do not change once they are there. */
static void observe(void *user_data, struct cfl_call *call, bool is_end)
{
    struct hooks *hooks = user_data;
    if (!is_end) {
        const struct cfl_metadata *headers = cfl_grpc_call_headers(call->locked.grpc);
        if (headers != NULL && headers->count > 0) {
            give_headers(hooks, headers);
        }
        return;
    }
    struct cflight_call_summary summary;
    cfl_call_summarise(call, &summary);
    summary.status = call->locked.status;
    summary.error = call->locked.status == CFLIGHT_OK ? NULL : call->locked.error;
    give_headers(hooks, cfl_grpc_call_trailers(call->locked.grpc));
    if (summary.status == CFLIGHT_UNAUTHENTICATED && hooks->token != NULL) {
        cfl_client_refuse_token(hooks->client, hooks->token);
    }
    complete(hooks, &summary);
    hooks_free(hooks);
}

/* Ends middleware of a call that never came to be. */
static void abandon(struct hooks *hooks, enum cflight_method method, cflight_status status,
                    const cflight_error *error)
{
    struct cflight_call_summary summary = {.method = method, .status = status, .error = error};
    complete(hooks, &summary);
    hooks_free(hooks);
}

static cflight_status start_middleware(struct hooks *hooks, enum cflight_method method,
                                       struct cfl_metadata *metadata, cflight_error **reterr)
{
    struct cflight_header_sink sink = {metadata};
    struct cflight_client *client = hooks->client;
    for (size_t i = 0; i < client->middleware_count; i++) {
        const struct cflight_client_middleware *middleware = &client->middleware[i];
        if (middleware->start_call == NULL) {
            continue;
        }
        cflight_status status =
            middleware->start_call(middleware->user_data, method, &hooks->instances[i], reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (hooks->instances[i] != NULL && middleware->sending_headers != NULL) {
            middleware->sending_headers(middleware->user_data, hooks->instances[i], &sink);
        }
    }
    return CFLIGHT_OK;
}

/* ---- headers ---- */

static cflight_status add_token(struct cflight_client *client, struct cfl_metadata *metadata,
                                cflight_error **reterr)
{
    cflight_buffer *token = NULL;
    cflight_status status = CFLIGHT_OK;
    struct cfl_client_auth *auth = cfl_client_auth_current(client);
    if (auth != NULL && auth->table.get_token != NULL) {
        status = auth->table.get_token(auth->table.user_data, &token, reterr);
    }
    if (status == CFLIGHT_OK && token != NULL) {
        status = cfl_metadata_add(metadata, cflight_bytes_from_text("auth-token-bin"),
                                  cflight_buffer_bytes(token), reterr);
    }
    cflight_buffer_unref(token);
    cfl_client_auth_unref(auth);
    return status;
}

static cflight_status add_headers(struct cflight_client *client, enum cflight_method method,
                                  const struct cfl_client_call_options *options,
                                  const struct cflight_header *extra, struct cfl_metadata *metadata,
                                  cflight_buffer **ret_token, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; status == CFLIGHT_OK && i < options->user.header_count; i++) {
        status = cfl_metadata_add(metadata, options->user.headers[i].name,
                                  options->user.headers[i].value, reterr);
    }
    if (status == CFLIGHT_OK && extra != NULL) {
        status = cfl_metadata_add(metadata, extra->name, extra->value, reterr);
    }
    if (status == CFLIGHT_OK && method != CFLIGHT_METHOD_HANDSHAKE) {
        status = add_token(client, metadata, reterr);
    }
    if (status == CFLIGHT_OK && method != CFLIGHT_METHOD_HANDSHAKE) {
        status = cfl_client_add_bearer(client, metadata, ret_token, reterr);
    }
    return status;
}

/* ---- the call ---- */

/* The connection for a call under these options. */
static cflight_status connection_for(struct cflight_client *client,
                                     const struct cfl_client_call_options *options,
                                     struct cfl_connection **ret_connection, cflight_error **reterr)
{
    if (cflight_cancel_is_triggered(options->user.cancel)) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED,
                                         "the call was cancelled before it started");
    }
    if (options->user.never_wait) {
        return cfl_client_connection_at_hand(client, ret_connection, reterr);
    }
    return cfl_client_connection(
        client, cfl_deadline_earlier(options->limits.deadline_ns, options->limits.first_byte_ns),
        options->user.cancel, ret_connection, reterr);
}

/* Puts the request on a connection; a connection that was lost in between is replaced. */
static cflight_status put_on_wire(struct cflight_client *client, const struct cfl_method *method,
                                  const struct cfl_client_call_options *options,
                                  const struct cflight_bytes *message,
                                  const struct cfl_metadata *metadata, struct cfl_call **ret_call,
                                  cflight_error **reterr)
{
    struct cfl_grpc_call_params params = {
        .path = method->path,
        .authority = client->authority,
        .is_tls = client->tls != NULL,
        .user_agent = client->user_agent,
        .metadata = metadata,
        .deadline_ns = options->limits.deadline_ns,
    };
    for (;;) {
        struct cfl_connection *connection = NULL;
        cflight_status status = connection_for(client, options, &connection, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        cfl_connection_lock(connection);
        bool is_usable = cfl_connection_is_usable_locked(connection);
        if (is_usable) {
            status = cfl_call_start_locked(connection, method, &params, &options->limits, message,
                                           ret_call, reterr);
            cfl_connection_kick_locked(connection);
        }
        cfl_connection_unlock(connection);
        cfl_connection_unref(connection);
        if (is_usable) {
            return status;
        }
    }
}

cflight_status cfl_client_attempt(struct cflight_client *client, enum cflight_method method,
                                  const struct cfl_client_call_options *options,
                                  const struct cflight_bytes *message,
                                  const struct cflight_header *extra, bool *ret_has_token,
                                  struct cfl_call **ret_call, cflight_error **reterr)
{
    const struct cfl_method *found = cfl_method_get(method);
    struct cfl_metadata metadata;
    struct cfl_call *call = NULL;
    cflight_error *error = NULL;
    struct hooks *hooks = hooks_new(client);
    if (hooks == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_metadata_init(&metadata, client->alloc);
    cflight_status status =
        add_headers(client, method, options, extra, &metadata, &hooks->token, &error);
    if (status == CFLIGHT_OK) {
        status = start_middleware(hooks, method, &metadata, &error);
    }
    if (status == CFLIGHT_OK) {
        status = put_on_wire(client, found, options, message, &metadata, &call, &error);
    }
    cfl_metadata_done(&metadata);
    if (status != CFLIGHT_OK) {
        cfl_error_set_operation(error, found->name);
        abandon(hooks, method, status, error);
        if (reterr != NULL) {
            *reterr = error;
        } else {
            cflight_error_free(error);
        }
        return status;
    }
    *ret_has_token = hooks->token != NULL;
    call->observe_user_data = hooks;
    call->observe = observe;
    cfl_call_watch_cancel(call, options->user.cancel);
    *ret_call = call;
    return CFLIGHT_OK;
}

cflight_status cfl_client_begin(struct cflight_client *client, enum cflight_method method,
                                const struct cfl_client_call_options *options,
                                const struct cflight_bytes *message,
                                const struct cflight_header *extra, struct cfl_call **ret_call,
                                cflight_error **reterr)
{
    for (bool is_again = false;; is_again = true) {
        struct cfl_call *call = NULL;
        bool has_token = false;
        cflight_status status =
            cfl_client_attempt(client, method, options, message, extra, &has_token, &call, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (!has_token || message == NULL || is_again || options->user.never_wait ||
            cfl_call_wait_message(call, NULL) != CFLIGHT_UNAUTHENTICATED) {
            *ret_call = call; /* any other failure is told by what the caller does next */
            return CFLIGHT_OK;
        }
        cfl_call_unref(call); /* nothing was delivered; its end made the client drop the token */
    }
}

static cflight_status receive_one(struct cfl_call *call, cflight_buffer **ret_message,
                                  cflight_error **reterr)
{
    struct cfl_message message = {0};
    bool has_message = false;
    cflight_status status = cfl_call_receive(call, -1, NULL, &has_message, &message, reterr);
    if (status == CFLIGHT_OK && !has_message) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                                 "%s: the server ended the call without an answer",
                                 call->method->name);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_call_finish_reading(call, reterr); /* the status comes after the message */
    }
    if (status != CFLIGHT_OK) {
        cfl_message_done(&message);
        return status;
    }
    *ret_message = message.raw;
    return CFLIGHT_OK;
}

cflight_status cfl_client_unary(struct cflight_client *client, enum cflight_method method,
                                const struct cfl_client_call_options *options,
                                struct cflight_bytes message, cflight_buffer **ret_message,
                                cflight_error **reterr)
{
    for (int attempt = 1;; attempt++) {
        struct cfl_call *call = NULL;
        cflight_error *error = NULL;
        cflight_status status =
            cfl_client_begin(client, method, options, &message, NULL, &call, &error);
        bool has_begun = status == CFLIGHT_OK;
        if (has_begun) {
            status = receive_one(call, ret_message, &error);
            cfl_call_unref(call);
        }
        if (status == CFLIGHT_OK) {
            return CFLIGHT_OK;
        }
        if (has_begun && attempt < ATTEMPTS_MAX &&
            cflight_error_retry(error) == CFLIGHT_RETRY_SAFE) {
            cflight_error_free(error);
            continue;
        }
        if (reterr != NULL) {
            *reterr = error;
        } else {
            cflight_error_free(error);
        }
        return status;
    }
}
