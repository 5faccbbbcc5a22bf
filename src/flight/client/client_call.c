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
#include "flight/client/client_spread.h"
#include "flight/call/header_sink.h"

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
    if (user->message_bytes_max == 0) {
        user->message_bytes_max = client->options.message_bytes_max;
    }
    if (user->write_size_limit_bytes == 0) {
        user->write_size_limit_bytes = client->options.write_size_limit_bytes;
    }
    int64_t now_ns = cfl_clock_now_ns(NULL);
    struct cfl_call_limits *limits = &ret_options->limits;
    memset(limits, 0, sizeof *limits);
    ret_options->never_waits = false;
    ret_options->restart_count = 0;
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

/* What the client keeps of a call until its end: the request, and one instance of each middleware.
 */
struct outgoing {
    struct cflight_client *client;
    struct cfl_call_request request;
    struct cfl_metadata metadata; /* of the request */
    struct cfl_route route;
    bool never_waits;
    void **instances;
    cflight_buffer *message; /* of the request, until the server answers */
    cflight_buffer *token;   /* of the provider, that the call went out with; NULL for none */
};

static void outgoing_free(struct outgoing *outgoing)
{
    struct cflight_client *client = outgoing->client;
    cfl_free_array(client->alloc, outgoing->instances, client->middleware_count,
                   sizeof *outgoing->instances);
    cfl_metadata_done(&outgoing->metadata);
    cflight_buffer_unref(outgoing->message);
    cflight_buffer_unref(outgoing->token);
    cfl_free(client->alloc, outgoing, sizeof *outgoing);
    cflight_client_free(client);
}

static struct outgoing *outgoing_new(struct cflight_client *client)
{
    struct outgoing *outgoing = cfl_alloc_zeroed(client->alloc, sizeof *outgoing);
    if (outgoing == NULL) {
        return NULL;
    }
    if (client->middleware_count > 0) {
        outgoing->instances =
            cfl_alloc_array(client->alloc, client->middleware_count, sizeof *outgoing->instances);
        if (outgoing->instances == NULL) {
            cfl_free(client->alloc, outgoing, sizeof *outgoing);
            return NULL;
        }
    }
    cfl_metadata_init(&outgoing->metadata, client->alloc);
    outgoing->client = client;
    (void)cflight_client_ref(client);
    return outgoing;
}

static void give_headers(struct outgoing *outgoing, const struct cfl_metadata *metadata)
{
    for (size_t i = 0; i < outgoing->client->middleware_count; i++) {
        const struct cflight_client_middleware *middleware = &outgoing->client->middleware[i];
        if (outgoing->instances[i] != NULL && middleware->received_headers != NULL) {
            middleware->received_headers(middleware->user_data, outgoing->instances[i],
                                         metadata == NULL ? NULL : metadata->fields,
                                         metadata == NULL ? 0 : metadata->count);
        }
    }
}

static void complete(struct outgoing *outgoing, struct cflight_call_summary *summary)
{
    for (size_t i = 0; i < outgoing->client->middleware_count; i++) {
        const struct cflight_client_middleware *middleware = &outgoing->client->middleware[i];
        if (outgoing->instances[i] != NULL && middleware->call_completed != NULL) {
            middleware->call_completed(middleware->user_data, outgoing->instances[i], summary);
        }
    }
}

/* The call's observer. Headers and trailers do not change once they are there. */
static void observe(void *user_data, struct cfl_call *call, bool is_end)
{
    struct outgoing *outgoing = user_data;
    if (!is_end) {
        cflight_buffer_unref(outgoing->message); /* it is not sent again */
        outgoing->message = NULL;
        const struct cfl_metadata *headers = cfl_call_headers(call);
        cfl_spread_see_headers(outgoing->client, call->connection, headers);
        if (headers != NULL && headers->count > 0) {
            give_headers(outgoing, headers);
        }
        return;
    }
    struct cflight_call_summary summary;
    cfl_call_summarise(call, &summary);
    summary.status = call->locked.status;
    summary.error = call->locked.status == CFLIGHT_OK ? NULL : call->locked.error;
    cfl_count_handled(call->counts, (int)summary.status, summary.duration_ns);
    cfl_spread_see_headers(outgoing->client, call->connection, cfl_call_trailers(call));
    give_headers(outgoing, cfl_call_trailers(call));
    if (summary.status == CFLIGHT_UNAUTHENTICATED && outgoing->token != NULL) {
        cfl_client_refuse_token(outgoing->client, outgoing->token);
    }
    complete(outgoing, &summary);
    outgoing_free(outgoing);
}

/* Ends middleware of a call that never came to be. */
static void abandon(struct outgoing *outgoing, enum cflight_method method, cflight_status status,
                    const cflight_error *error)
{
    struct cflight_call_summary summary = {.method = method, .status = status, .error = error};
    complete(outgoing, &summary);
    outgoing_free(outgoing);
}

static cflight_status start_middleware(struct outgoing *outgoing, enum cflight_method method,
                                       cflight_error **reterr)
{
    struct cflight_header_sink sink = {&outgoing->metadata};
    struct cflight_client *client = outgoing->client;
    for (size_t i = 0; i < client->middleware_count; i++) {
        const struct cflight_client_middleware *middleware = &client->middleware[i];
        if (middleware->start_call == NULL) {
            continue;
        }
        cflight_status status =
            middleware->start_call(middleware->user_data, method, &outgoing->instances[i], reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (outgoing->instances[i] != NULL && middleware->sending_headers != NULL) {
            middleware->sending_headers(middleware->user_data, outgoing->instances[i], &sink);
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

static cflight_status connect(void *user_data, bool may_wait, int64_t deadline_ns,
                              cflight_cancel *cancel, struct cfl_connection **ret_connection,
                              cflight_error **reterr)
{
    const struct outgoing *outgoing = user_data;
    return may_wait && !outgoing->never_waits
               ? cfl_client_connection(outgoing->client, outgoing->route, deadline_ns, cancel,
                                       ret_connection, reterr)
               : cfl_client_connection_at_hand(outgoing->client, outgoing->route, ret_connection,
                                               reterr);
}

static cflight_status put_on_wire(struct outgoing *outgoing, const struct cfl_method *method,
                                  const struct cfl_client_call_options *options,
                                  cflight_buffer *message, struct cfl_call **ret_call,
                                  cflight_error **reterr)
{
    struct cflight_client *client = outgoing->client;
    if (cflight_cancel_is_triggered(options->user.cancel)) {
        return cflight_error_set_message(reterr, CFLIGHT_CANCELLED,
                                         "the call was cancelled before it started");
    }
    outgoing->message = cflight_buffer_ref(message);
    outgoing->never_waits = options->never_waits;
    outgoing->route =
        cfl_spread_route(client, method->id, options, cflight_buffer_bytes(outgoing->message));
    outgoing->request = (struct cfl_call_request){
        .params =
            {
                .path = method->path,
                .authority = client->authority,
                .is_tls = client->is_tls,
                .user_agent = client->user_agent,
                .metadata = &outgoing->metadata,
                .deadline_ns = options->limits.deadline_ns,
            },
        .message = cflight_buffer_bytes(outgoing->message),
        .connect = connect,
        .is_of_loop = options->never_waits,
        .user_data = outgoing,
        .restart_count = options->restart_count,
        .counts = client->counted[method->id],
        .client_counts = client->counts,
    };
    return cfl_call_start(method, &outgoing->request, &options->limits, true, options->user.cancel,
                          ret_call, reterr);
}

/* Whether a call that may not wait has a connection. One without is no attempt, of which middleware
 * and counters would be told: it is made when there is one. */
static cflight_status check_at_hand(struct cflight_client *client,
                                    const struct cfl_client_call_options *options,
                                    const char *operation, cflight_error **reterr)
{
    struct cfl_connection *connection = NULL;
    if (!options->never_waits) {
        return CFLIGHT_OK;
    }
    const struct cfl_route own = {.kind = CFL_ROUTE_OWN}; /* nobody's turn is taken here */
    cflight_status status = cfl_client_connection_at_hand(client, own, &connection, reterr);
    if (status == CFLIGHT_OK) {
        cfl_connection_unref(connection);
    } else if (reterr != NULL) {
        cfl_error_set_operation(*reterr, operation);
    }
    return status;
}

cflight_status cfl_client_attempt(struct cflight_client *client, enum cflight_method method,
                                  const struct cfl_client_call_options *options,
                                  cflight_buffer *message, const struct cflight_header *extra,
                                  bool *ret_has_token, struct cfl_call **ret_call,
                                  cflight_error **reterr)
{
    const struct cfl_method *found = cfl_method_get(method);
    struct cfl_call *call = NULL;
    cflight_error *error = NULL;
    cflight_status at_hand = check_at_hand(client, options, found->name, reterr);
    if (at_hand != CFLIGHT_OK) {
        return at_hand;
    }
    struct outgoing *outgoing = outgoing_new(client);
    if (outgoing == NULL) {
        return cfl_error_no_memory(reterr);
    }
    int64_t started_ns = client->counts == NULL ? 0 : cfl_clock_now_ns(NULL);
    CFL_COUNT(client->counted[method], started, 1);
    cflight_status status =
        add_headers(client, method, options, extra, &outgoing->metadata, &outgoing->token, &error);
    if (status == CFLIGHT_OK) {
        status = start_middleware(outgoing, method, &error);
    }
    if (status == CFLIGHT_OK) {
        status = put_on_wire(outgoing, found, options, message, &call, &error);
    }
    if (status != CFLIGHT_OK) {
        cfl_error_set_operation(error, found->name);
        cfl_count_handled(client->counted[method], (int)status,
                          client->counts == NULL ? 0 : cfl_clock_now_ns(NULL) - started_ns);
        abandon(outgoing, method, status, error);
        if (reterr != NULL) {
            *reterr = error;
        } else {
            cflight_error_free(error);
        }
        return status;
    }
    *ret_has_token = outgoing->token != NULL;
    call->observe_user_data = outgoing;
    call->observe = observe;
    cfl_call_watch_cancel(call, options->user.cancel);
    *ret_call = call;
    return CFLIGHT_OK;
}

cflight_status cfl_client_begin(struct cflight_client *client, enum cflight_method method,
                                const struct cfl_client_call_options *options,
                                cflight_buffer *message, const struct cflight_header *extra,
                                struct cfl_call **ret_call, cflight_error **reterr)
{
    for (bool is_again = false;; is_again = true) {
        struct cfl_call *call = NULL;
        bool has_token = false;
        cflight_status status =
            cfl_client_attempt(client, method, options, message, extra, &has_token, &call, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (!has_token || message == NULL || is_again ||
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
                                cflight_buffer *message, cflight_buffer **ret_message,
                                cflight_error **reterr)
{
    struct cfl_call *call = NULL;
    cflight_status status = cfl_client_begin(client, method, options, message, NULL, &call, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = receive_one(call, ret_message, reterr);
    cfl_spread_note(client, call, status == CFLIGHT_OK ? *ret_message : NULL);
    cfl_call_unref(call);
    return status;
}
