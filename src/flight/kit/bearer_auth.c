/* SPDX-License-Identifier: Apache-2.0 */
/* The server's basic-to-bearer kit (flight-api: authentication headers).
 *
 * The handshake table runs first and only names the caller; whether a call may go on is decided by
 * the middleware, which sees Handshake as well. A server that has the table without the middleware
 * would let everybody in, so the table refuses every call then. Verifying a password is slow by
 * design; who may do so when is decided by the gate (login_gate.c). Messages do not tell a wrong
 * name from a wrong password, no secret is in them, and a failed login leaves one line in the log.
 * Owner: the application; server tables borrow. Thread class: free. */
#include "flight/kit/bearer_auth.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/base64.h"
#include "base/blocking.h"
#include "base/error.h"
#include "base/log.h"
#include "base/options.h"
#include "base/refcount.h"
#include "cflight/server.h"
#include "flight/kit/bearer_tokens.h"
#include "flight/kit/log_text.h"
#include "flight/kit/login_gate.h"
#include "flight/value/authorization.h"
#include "grpc/metadata.h"

static const char MIDDLEWARE_KEY[] = "cflight.bearer_auth";
enum {
    DEFAULT_LIFETIME_MS = 3600 * 1000,
    DEFAULT_TOKENS_MAX = 10000,
    DEFAULT_TOKENS_PER_IDENTITY_MAX = 64,
    DEFAULT_VERIFICATIONS_MAX = 8,
    DEFAULT_WAITING_MAX = 32,
    LOGGED_NAME_BYTES_MAX = 64,
    CREDENTIALS_BYTES_MAX = 4096,
};

struct cflight_bearer_auth {
    struct cfl_refcount refs;
    struct cflight_bearer_auth_options options;
    struct cfl_token_table tokens;
    struct cfl_login_gate gate;
};

/* One call. */
struct instance {
    cflight_bearer_auth *auth;
    cflight_buffer *identity;
    char token[CFL_TOKEN_TEXT_BYTES + 1]; /* a fresh one for the response headers, or "" */
};

static void load_defaults(struct cflight_bearer_auth_options *options)
{
    if (options->token_lifetime_ms == 0) {
        options->token_lifetime_ms = DEFAULT_LIFETIME_MS;
    }
    cfl_option_default(&options->tokens_max, DEFAULT_TOKENS_MAX);
    cfl_option_default(&options->tokens_per_identity_max, DEFAULT_TOKENS_PER_IDENTITY_MAX);
    cfl_option_default(&options->verifications_max, DEFAULT_VERIFICATIONS_MAX);
    cfl_option_default(&options->waiting_max, DEFAULT_WAITING_MAX);
}

/* NULL without memory. */
static cflight_bearer_auth *new_auth(const struct cflight_bearer_auth_options *options,
                                     const struct cfl_clock *clock)
{
    struct cfl_token_limits token_limits = {
        .lifetime_ms = options->token_lifetime_ms,
        .use_extends_lifetime = options->use_extends_lifetime,
        .tokens_max = options->tokens_max,
        .tokens_per_identity_max = options->tokens_per_identity_max,
    };
    struct cfl_login_limits login_limits = {options->verifications_max, options->waiting_max};
    cflight_bearer_auth *auth = cfl_alloc_zeroed(options->allocator, sizeof *auth);
    if (auth == NULL) {
        return NULL;
    }
    if (!cfl_token_table_init(&auth->tokens, options->allocator, clock, &token_limits)) {
        cfl_free(options->allocator, auth, sizeof *auth);
        return NULL;
    }
    if (!cfl_login_gate_init(&auth->gate, options->allocator, &login_limits)) {
        cfl_token_table_done(&auth->tokens);
        cfl_free(options->allocator, auth, sizeof *auth);
        return NULL;
    }
    cfl_refcount_init(&auth->refs);
    auth->options = *options;
    return auth;
}

cflight_status cfl_bearer_auth_new(const struct cflight_bearer_auth_options *options,
                                   const struct cfl_clock *clock, cflight_bearer_auth **ret_auth,
                                   cflight_error **reterr)
{
    struct cflight_bearer_auth_options loaded;
    cflight_status status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (loaded.verify == NULL || ret_auth == NULL) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "bearer auth needs a verify function and a place for the result");
    }
    load_defaults(&loaded);
    cflight_bearer_auth *auth = new_auth(&loaded, clock);
    if (auth == NULL) {
        return cfl_error_no_memory(reterr);
    }
    *ret_auth = auth;
    return CFLIGHT_OK;
}

cflight_status cflight_bearer_auth_new(const struct cflight_bearer_auth_options *options,
                                       cflight_bearer_auth **ret_auth, cflight_error **reterr)
{
    return cfl_bearer_auth_new(options, NULL, ret_auth, reterr);
}

cflight_bearer_auth *cflight_bearer_auth_ref(cflight_bearer_auth *auth)
{
    if (auth != NULL) {
        cfl_refcount_up(&auth->refs);
    }
    return auth;
}

void cflight_bearer_auth_unref(cflight_bearer_auth *auth)
{
    if (auth != NULL && cfl_refcount_down(&auth->refs)) {
        cfl_login_gate_done(&auth->gate);
        cfl_token_table_done(&auth->tokens);
        cfl_free(auth->options.allocator, auth, sizeof *auth);
    }
}

static cflight_status refuse(cflight_error **reterr, const char *message)
{
    return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, message);
}

/* One line that people and tools that ban addresses can read: docs/guide/authenticate.md has its
 * form, so it stays as it is. The name comes last and cannot end its quotes. */
static void log_failure(const struct cfl_peer_address *address, struct cflight_bytes username)
{
    struct cfl_buf line;
    if (!cfl_log_wants(CFLIGHT_LOG_WARN)) {
        return;
    }
    cfl_buf_init(&line, NULL);
    cfl_log_text_append(&line, username.data, username.len_bytes, LOGGED_NAME_BYTES_MAX, '\'');
    (void)cfl_buf_append_u8(&line, '\0');
    cfl_log_write(CFLIGHT_LOG_WARN, "flight", "login failed from %s port %" PRIu16 " for '%s'",
                  address->host, address->port, line.failed ? "" : (const char *)line.data);
    cfl_buf_done(&line);
}

/* Waits for the caller's turn and runs the verifier. */
static cflight_status verify_in_turn(cflight_bearer_auth *auth,
                                     const struct cfl_peer_address *address,
                                     struct cflight_bytes username, struct cflight_bytes password,
                                     cflight_buffer **ret_identity, cflight_error **reterr)
{
    cflight_status status = cfl_login_gate_enter(&auth->gate, address, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status =
        auth->options.verify(auth->options.user_data, username, password, ret_identity, reterr);
    enum cfl_login_result result = CFL_LOGIN_UNDECIDED;
    if (status == CFLIGHT_OK) {
        result = CFL_LOGIN_RIGHT;
    } else if (status == CFLIGHT_UNAUTHENTICATED) {
        result = CFL_LOGIN_WRONG;
    }
    cfl_login_gate_leave(&auth->gate, address, result);
    if (result == CFL_LOGIN_WRONG) {
        log_failure(address, username);
    }
    return status;
}

/* The gate has limits of its own, so those who guess hold no handler, neither while they wait nor
 * while a password is verified. */
static cflight_status verify(cflight_bearer_auth *auth, const char *peer,
                             struct cflight_bytes username, struct cflight_bytes password,
                             cflight_buffer **ret_identity, cflight_error **reterr)
{
    cflight_buffer *identity = NULL;
    struct cfl_peer_address address;
    cfl_peer_address_read(peer, &address);
    cfl_blocking_begin();
    cflight_status status = verify_in_turn(auth, &address, username, password, &identity, reterr);
    cfl_blocking_end();
    if (status == CFLIGHT_OK && identity == NULL) {
        status = cflight_buffer_new_copy(username, &identity, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_identity = identity;
    }
    return status;
}

/* Verifies "user:password" and gives out a token. */
static cflight_status log_in(cflight_bearer_auth *auth, const char *peer,
                             struct cflight_bytes credentials, char *token,
                             cflight_buffer **ret_identity, cflight_error **reterr)
{
    cflight_buffer *identity = NULL;
    const uint8_t *colon =
        credentials.len_bytes == 0 ? NULL : memchr(credentials.data, ':', credentials.len_bytes);
    if (colon == NULL) {
        return refuse(reterr, "The basic credentials are not base64 of name:password");
    }
    size_t name_bytes = (size_t)(colon - credentials.data);
    uint64_t mark = cfl_token_table_mark(&auth->tokens);
    cflight_status status = verify(
        auth, peer, cflight_bytes_make(credentials.data, name_bytes),
        cflight_bytes_make(colon + 1, credentials.len_bytes - name_bytes - 1), &identity, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_token_table_issue(&auth->tokens, identity, mark, token, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_identity = cflight_buffer_ref(identity);
    }
    cflight_buffer_unref(identity);
    return status;
}

/* Takes "user:password" in base64; padding may be missing. */
static cflight_status check_basic(cflight_bearer_auth *auth, const char *peer,
                                  struct cflight_bytes encoded, char *token,
                                  cflight_buffer **ret_identity, cflight_error **reterr)
{
    if (encoded.len_bytes > CREDENTIALS_BYTES_MAX) {
        return refuse(reterr, "The basic credentials are too long");
    }
    cflight_status status = CFLIGHT_OK;
    struct cfl_buf decoded;
    cfl_buf_init(&decoded, auth->options.allocator);
    /* Room first: a buffer that grows would leave a copy behind. */
    bool ok = cfl_buf_space(&decoded, encoded.len_bytes + 1) != NULL &&
              cfl_base64_decode(encoded, &decoded);
    if (decoded.failed) {
        status = cfl_error_no_memory(reterr);
    } else {
        struct cflight_bytes credentials =
            ok ? cfl_buf_bytes(&decoded) : cflight_bytes_make(NULL, 0);
        status = log_in(auth, peer, credentials, token, ret_identity, reterr);
    }
    cfl_buf_wipe(&decoded);
    return status;
}

cflight_status cfl_bearer_auth_check(cflight_bearer_auth *auth, const struct cfl_bearer_call *call,
                                     char *token, cflight_buffer **ret_identity,
                                     cflight_error **reterr)
{
    struct cflight_bytes value = call->authorization;
    token[0] = '\0';
    if (cfl_ascii_drop_front(&value, CFL_SCHEME_BEARER)) {
        cflight_buffer *identity = cfl_token_table_find(&auth->tokens, value);
        if (identity == NULL) {
            return refuse(reterr, "The bearer token is unknown or has expired");
        }
        *ret_identity = identity;
        return CFLIGHT_OK;
    }
    if (!cfl_ascii_drop_front(&value, CFL_SCHEME_BASIC)) {
        return refuse(reterr, "The call carries neither a bearer token nor basic credentials");
    }
    if (auth->options.basic_in_handshake_only && !call->is_handshake) {
        return refuse(reterr, "Passwords are taken with a handshake only");
    }
    return check_basic(auth, call->peer, value, token, ret_identity, reterr);
}

/* The tables. */

/* The value of `authorization`. Two are refused: which one counts must not depend on who added it,
 * the client or a proxy. */
static cflight_status find_authorization(const cflight_server_context *context,
                                         struct cflight_bytes *ret_value, cflight_error **reterr)
{
    const struct cflight_header *headers = NULL;
    struct cflight_bytes value = {NULL, 0};
    size_t count = cflight_server_context_headers(context, &headers);
    size_t found_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (cflight_bytes_equal(headers[i].name, cflight_bytes_from_text(CFL_AUTHORIZATION))) {
            value = headers[i].value;
            found_count++;
        }
    }
    if (found_count > 1) {
        return refuse(reterr, "The call carries more than one authorization header");
    }
    *ret_value = value;
    return CFLIGHT_OK;
}

static cflight_status check_installation(const cflight_server_context *context,
                                         cflight_error **reterr)
{
    return cflight_server_context_has_middleware(context, MIDDLEWARE_KEY)
               ? CFLIGHT_OK
               : cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                           "this server lacks the middleware of its "
                                           "authentication, so it takes no calls");
}

/* The middleware has checked the header by now, if it is there. */
static cflight_status authenticate(void *user_data, cflight_server_context *context,
                                   cflight_handshake *handshake, cflight_error **reterr)
{
    (void)user_data;
    (void)handshake;
    return check_installation(context, reterr);
}

static cflight_status name_caller(void *user_data, cflight_server_context *context,
                                  struct cflight_bytes token, cflight_buffer **ret_identity,
                                  cflight_error **reterr)
{
    (void)token;
    cflight_bearer_auth *auth = user_data;
    struct cflight_bytes value = {NULL, 0};
    cflight_status status = check_installation(context, reterr);
    if (status == CFLIGHT_OK) {
        status = find_authorization(context, &value, reterr);
    }
    if (status == CFLIGHT_OK && cfl_ascii_drop_front(&value, CFL_SCHEME_BEARER)) {
        *ret_identity = cfl_token_table_find(&auth->tokens, value);
    }
    return status;
}

static cflight_status start_call(void *user_data, cflight_server_context *context,
                                 enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    cflight_bearer_auth *auth = user_data;
    struct cfl_bearer_call call = {.peer = cflight_server_context_peer(context),
                                   .is_handshake = method == CFLIGHT_METHOD_HANDSHAKE};
    struct instance *instance = cfl_alloc_zeroed(auth->options.allocator, sizeof *instance);
    if (instance == NULL) {
        return cfl_error_no_memory(reterr);
    }
    instance->auth = auth;
    cflight_status status = find_authorization(context, &call.authorization, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_bearer_auth_check(auth, &call, instance->token, &instance->identity, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_free(auth->options.allocator, instance, sizeof *instance);
        return status;
    }
    *ret_instance = instance;
    return CFLIGHT_OK;
}

static void sending_headers(void *user_data, void *any_instance, cflight_header_sink *headers)
{
    (void)user_data;
    struct instance *instance = any_instance;
    char value[sizeof CFL_SCHEME_BEARER + CFL_TOKEN_TEXT_BYTES];
    if (instance->token[0] == '\0') {
        return;
    }
    memcpy(value, CFL_SCHEME_BEARER, sizeof CFL_SCHEME_BEARER - 1);
    memcpy(value + sizeof CFL_SCHEME_BEARER - 1, instance->token, sizeof instance->token);
    (void)cflight_header_sink_add(headers, cflight_bytes_from_text(CFL_AUTHORIZATION),
                                  cflight_bytes_from_text(value), NULL);
    explicit_bzero(value, sizeof value);
    explicit_bzero(instance->token, sizeof instance->token);
}

static void call_completed(void *user_data, void *any_instance,
                           const struct cflight_call_summary *summary)
{
    (void)user_data;
    (void)summary;
    struct instance *instance = any_instance;
    cflight_buffer_unref(instance->identity);
    explicit_bzero(instance->token, sizeof instance->token);
    cfl_free(instance->auth->options.allocator, instance, sizeof *instance);
}

void cflight_bearer_auth_server(cflight_bearer_auth *auth,
                                struct cflight_server_auth *ret_handshake,
                                struct cflight_server_middleware *ret_middleware)
{
    struct cflight_server_auth handshake = CFLIGHT_SERVER_AUTH_INIT;
    struct cflight_server_middleware middleware = CFLIGHT_SERVER_MIDDLEWARE_INIT;
    handshake.user_data = auth;
    handshake.authenticate = authenticate;
    handshake.is_valid = name_caller;
    middleware.user_data = auth;
    middleware.key = MIDDLEWARE_KEY;
    middleware.start_call = start_call;
    middleware.sending_headers = sending_headers;
    middleware.call_completed = call_completed;
    *ret_handshake = handshake;
    *ret_middleware = middleware;
}

struct cflight_bytes cflight_bearer_auth_identity(const cflight_server_context *context)
{
    const struct instance *instance = cflight_server_context_middleware(context, MIDDLEWARE_KEY);
    return cflight_buffer_bytes(instance == NULL ? NULL : instance->identity);
}

cflight_status cflight_bearer_auth_issue(cflight_bearer_auth *auth, struct cflight_bytes identity,
                                         cflight_buffer **ret_token, cflight_error **reterr)
{
    char text[CFL_TOKEN_TEXT_BYTES + 1];
    cflight_buffer *copy = NULL;
    cflight_status status = cflight_buffer_new_copy(identity, &copy, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_token_table_issue(&auth->tokens, copy, cfl_token_table_mark(&auth->tokens),
                                       text, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_buffer_new_copy(cflight_bytes_make(text, CFL_TOKEN_TEXT_BYTES), ret_token,
                                         reterr);
    }
    explicit_bzero(text, sizeof text);
    cflight_buffer_unref(copy);
    return status;
}

bool cflight_bearer_auth_revoke(cflight_bearer_auth *auth, struct cflight_bytes token)
{
    (void)cfl_ascii_drop_front(&token, CFL_SCHEME_BEARER);
    return cfl_token_table_revoke(&auth->tokens, token);
}

size_t cflight_bearer_auth_revoke_identity(cflight_bearer_auth *auth, struct cflight_bytes identity)
{
    return cfl_token_table_revoke_identity(&auth->tokens, identity);
}
