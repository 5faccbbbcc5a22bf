/* SPDX-License-Identifier: Apache-2.0 */
/* The server middleware of a session store, and the standard actions of sessions (flight-api:
 * cookies and sessions).
 *
 * A session must exist before the handler runs, because its cookie travels in the response headers.
 * A client that comes with a dead id is refused and told in the trailers to forget the cookie, so
 * that its next call begins a session. Thread class: free. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "cflight/bearer_auth.h"
#include "cflight/cookies.h"
#include "flight/kit/cookie.h"
#include "flight/value/peer_address.h"
#include "flight/kit/session_store.h"
#include "flight/kit/sessions.h"

static const char MIDDLEWARE_KEY[] = "cflight.sessions";
static const char SET_COOKIE[] = "set-cookie";
enum { FRAMING_BYTES = 64 /* around an option, at most */ };
static const char FORGET[] = CFLIGHT_SESSION_COOKIE "=; Max-Age=0";

/* One call. */
struct instance {
    cflight_session_store *store;
    cflight_session *session;
    bool is_new;
    bool is_kept; /* the client comes back */
};

/* The value of a cookie, in any of the `cookie` headers. */
static bool find_cookie(const cflight_server_context *context, const char *name,
                        struct cflight_bytes *ret_value)
{
    const struct cflight_header *headers = NULL;
    size_t count = cflight_server_context_headers(context, &headers);
    for (size_t i = 0; i < count; i++) {
        if (cflight_bytes_equal(headers[i].name, cflight_bytes_from_text("cookie")) &&
            cfl_cookie_find(headers[i].value, name, ret_value)) {
            return true;
        }
    }
    return false;
}

/* Who calls: the identity that authentication has established, else the address. */
static bool append_owner(const cflight_server_context *context, struct cfl_buf *owner)
{
    struct cflight_bytes identity = cflight_server_context_peer_identity(context);
    struct cfl_peer_address address;
    if (identity.len_bytes == 0) {
        identity = cflight_bearer_auth_identity(context);
    }
    if (identity.len_bytes > 0) {
        return cfl_buf_append_u8(owner, CFL_SESSION_OWNER_IDENTITY) &&
               cfl_buf_append_bytes(owner, identity);
    }
    cfl_peer_address_read(cflight_server_context_peer(context), &address);
    return cfl_buf_append_u8(owner, CFL_SESSION_OWNER_ADDRESS) &&
           cfl_buf_append(owner, address.bytes, sizeof address.bytes);
}

static cflight_status find_or_begin(struct instance *instance, cflight_server_context *context,
                                    struct cflight_bytes owner, cflight_error **reterr)
{
    struct cflight_bytes id = {NULL, 0};
    if (!find_cookie(context, CFLIGHT_SESSION_COOKIE, &id)) {
        instance->is_new = true;
        instance->is_kept =
            cflight_server_context_header(context, CFLIGHT_COOKIES_KEPT).len_bytes > 0;
        return cfl_session_store_begin(instance->store, owner, &instance->session, reterr);
    }
    instance->is_kept = true;
    instance->session = cfl_session_store_find(instance->store, owner, id);
    if (instance->session != NULL) {
        return CFLIGHT_OK;
    }
    (void)cflight_server_context_add_trailer(context, cflight_bytes_from_text(SET_COOKIE),
                                             cflight_bytes_from_text(FORGET), NULL);
    return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "The session that " CFLIGHT_SESSION_COOKIE
                                     " names is unknown or has ended");
}

static cflight_status start_call(void *user_data, cflight_server_context *context,
                                 enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    (void)method;
    cflight_session_store *store = user_data;
    struct instance *instance =
        cfl_alloc_zeroed(cfl_session_store_allocator(store), sizeof *instance);
    if (instance == NULL) {
        return cfl_error_no_memory(reterr);
    }
    instance->store = store;
    struct cfl_buf owner;
    cfl_buf_init(&owner, cfl_session_store_allocator(store));
    cflight_status status = append_owner(context, &owner)
                                ? find_or_begin(instance, context, cfl_buf_bytes(&owner), reterr)
                                : cfl_error_no_memory(reterr);
    cfl_buf_done(&owner);
    if (status != CFLIGHT_OK) {
        cfl_free(cfl_session_store_allocator(store), instance, sizeof *instance);
        return status;
    }
    *ret_instance = instance;
    return CFLIGHT_OK;
}

static void sending_headers(void *user_data, void *any_instance, cflight_header_sink *headers)
{
    (void)user_data;
    const struct instance *instance = any_instance;
    char cookie[96];
    if (instance->is_new) {
        (void)snprintf(cookie, sizeof cookie, "%s=%s", CFLIGHT_SESSION_COOKIE,
                       cflight_session_id(instance->session));
        (void)cflight_header_sink_add(headers, cflight_bytes_from_text(SET_COOKIE),
                                      cflight_bytes_from_text(cookie), NULL);
        explicit_bzero(cookie, sizeof cookie);
    }
}

static void call_completed(void *user_data, void *any_instance,
                           const struct cflight_call_summary *summary)
{
    (void)summary;
    struct instance *instance = any_instance;
    cfl_session_unref(instance->session);
    cfl_free(cfl_session_store_allocator(user_data), instance, sizeof *instance);
}

void cflight_session_store_middleware(cflight_session_store *store,
                                      struct cflight_server_middleware *ret_table)
{
    struct cflight_server_middleware table = CFLIGHT_SERVER_MIDDLEWARE_INIT;
    table.user_data = store;
    table.key = MIDDLEWARE_KEY;
    table.start_call = start_call;
    table.sending_headers = sending_headers;
    table.call_completed = call_completed;
    *ret_table = table;
}

cflight_session *cflight_session_of(const cflight_server_context *context)
{
    const struct instance *instance = cflight_server_context_middleware(context, MIDDLEWARE_KEY);
    return instance == NULL ? NULL : instance->session;
}

bool cflight_session_is_new(const cflight_server_context *context)
{
    const struct instance *instance = cflight_server_context_middleware(context, MIDDLEWARE_KEY);
    return instance != NULL && instance->is_new;
}

bool cflight_session_is_kept(const cflight_server_context *context)
{
    const struct instance *instance = cflight_server_context_middleware(context, MIDDLEWARE_KEY);
    return instance != NULL && instance->is_kept;
}

/* Sends a result and drops its buffer. */
static cflight_status respond(cflight_response *response, cflight_buffer *body,
                              cflight_error **reterr)
{
    cflight_status status = cflight_response_result(response, cflight_buffer_bytes(body), reterr);
    cflight_buffer_unref(body);
    return status;
}

/* What is longer cannot be carried out, even when every option is named twice: it is not even
 * parsed, nor looked up option by option. */
static cflight_status check_request(const cflight_session *session, struct cflight_bytes body,
                                    cflight_error **reterr)
{
    const struct cflight_session_store_options *limits = &session->store->options;
    uint64_t bytes_max =
        2 * ((uint64_t)limits->session_bytes_max + (uint64_t)limits->options_max * FRAMING_BYTES);
    return body.len_bytes <= bytes_max
               ? CFLIGHT_OK
               : cfl_error_set_size_limit(reterr, "a request to set session options",
                                          body.len_bytes, bytes_max);
}

static cflight_status answer_set(cflight_session *session, struct cflight_bytes body,
                                 cflight_response *response, cflight_error **reterr)
{
    struct cflight_session_options *options = NULL;
    struct cflight_session_errors *errors = NULL;
    cflight_buffer *result = NULL;
    cflight_status status = check_request(session, body, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_session_options_parse(body, &options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_session_set_options(session, options, &errors, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_session_errors_serialize(errors, &result, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = respond(response, result, reterr);
    }
    cflight_session_errors_free(errors);
    cflight_session_options_free(options);
    return status;
}

static cflight_status answer_get(cflight_session *session, cflight_response *response,
                                 cflight_error **reterr)
{
    struct cflight_session_options *options = NULL;
    cflight_buffer *result = NULL;
    cflight_status status = cflight_session_get_options(session, &options, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_session_options_serialize(options, &result, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = respond(response, result, reterr);
    }
    cflight_session_options_free(options);
    return status;
}

static cflight_status answer_close(cflight_server_context *context, cflight_session *session,
                                   cflight_response *response, cflight_error **reterr)
{
    cflight_buffer *result = NULL;
    cflight_session_close(session);
    (void)cflight_server_context_add_header(context, cflight_bytes_from_text(SET_COOKIE),
                                            cflight_bytes_from_text(FORGET), NULL);
    cflight_status status =
        cflight_close_result_serialize(CFLIGHT_CLOSE_SESSION_CLOSED, &result, reterr);
    return status != CFLIGHT_OK ? status : respond(response, result, reterr);
}

cflight_status cflight_session_answer(cflight_server_context *context,
                                      const struct cflight_action *action,
                                      cflight_response *response, bool *ret_is_answered,
                                      cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(context), CFL_ARG(action),
                                           CFL_ARG(response), CFL_ARG(ret_is_answered));
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool is_set = cflight_bytes_equal(action->type,
                                      cflight_bytes_from_text(CFLIGHT_ACTION_SET_SESSION_OPTIONS));
    bool is_get = cflight_bytes_equal(action->type,
                                      cflight_bytes_from_text(CFLIGHT_ACTION_GET_SESSION_OPTIONS));
    bool is_close =
        cflight_bytes_equal(action->type, cflight_bytes_from_text(CFLIGHT_ACTION_CLOSE_SESSION));
    *ret_is_answered = is_set || is_get || is_close;
    if (!*ret_is_answered) {
        return CFLIGHT_OK;
    }
    cflight_session *session = cflight_session_of(context);
    if (session == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "this server keeps no sessions");
    }
    if (is_set) {
        return answer_set(session, action->body, response, reterr);
    }
    return is_get ? answer_get(session, response, reterr)
                  : answer_close(context, session, response, reterr);
}

cflight_status cflight_session_list_actions(cflight_response *response, cflight_error **reterr)
{
    static const char *const ACTIONS[][2] = {
        {CFLIGHT_ACTION_SET_SESSION_OPTIONS, "Sets options of the session"},
        {CFLIGHT_ACTION_GET_SESSION_OPTIONS, "Returns the options of the session"},
        {CFLIGHT_ACTION_CLOSE_SESSION, "Ends the session"},
    };
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0] && status == CFLIGHT_OK; i++) {
        struct cflight_action_type type = {cflight_bytes_from_text(ACTIONS[i][0]),
                                           cflight_bytes_from_text(ACTIONS[i][1])};
        status = cflight_response_action_type(response, &type, reterr);
    }
    return status;
}
