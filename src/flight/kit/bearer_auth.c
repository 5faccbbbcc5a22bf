/* SPDX-License-Identifier: Apache-2.0 */
/* The server's basic-to-bearer kit (flight-api: authentication headers).
 *
 * The handshake table runs first and only names the caller; whether a call may go on is decided by
 * the middleware, which sees Handshake as well. Verifying a password is slow by design, so only a
 * few run at once: a flood of wrong passwords cannot hold all handler threads. Messages do not tell
 * a wrong name from a wrong password, and no secret is in them. Owner: the application; server
 * tables borrow. Thread class: free. */
#include "flight/kit/bearer_auth.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/refcount.h"
#include "cflight/server.h"
#include "flight/kit/bearer_tokens.h"
#include "flight/kit/cookie.h"
#include "grpc/metadata.h"

static const char MIDDLEWARE_KEY[] = "cflight.bearer_auth";
static const char AUTHORIZATION[] = "authorization";
static const char BASIC[] = "Basic ";
static const char BEARER[] = "Bearer ";
enum {
    DEFAULT_LIFETIME_MS = 3600 * 1000,
    DEFAULT_TOKENS_MAX = 10000,
    DEFAULT_TOKENS_PER_IDENTITY_MAX = 64,
    DEFAULT_VERIFICATIONS_MAX = 8,
    CREDENTIALS_BYTES_MAX = 4096,
};

struct cflight_bearer_auth {
    struct cfl_refcount refs;
    struct cflight_bearer_auth_options options;
    struct cfl_token_table tokens;
    atomic_uint verification_count;
};

/* One call. */
struct instance {
    cflight_bearer_auth *auth;
    cflight_buffer *identity;
    char token[CFL_TOKEN_TEXT_BYTES + 1]; /* a fresh one for the response headers, or "" */
};

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
    struct cfl_token_limits limits = {
        .lifetime_ms =
            loaded.token_lifetime_ms == 0 ? DEFAULT_LIFETIME_MS : loaded.token_lifetime_ms,
        .use_extends_lifetime = loaded.use_extends_lifetime,
        .tokens_max = loaded.tokens_max == 0 ? DEFAULT_TOKENS_MAX : loaded.tokens_max,
        .tokens_per_identity_max = loaded.tokens_per_identity_max == 0
                                       ? DEFAULT_TOKENS_PER_IDENTITY_MAX
                                       : loaded.tokens_per_identity_max,
    };
    if (loaded.verifications_max == 0) {
        loaded.verifications_max = DEFAULT_VERIFICATIONS_MAX;
    }
    cflight_bearer_auth *auth = cfl_alloc_zeroed(loaded.allocator, sizeof *auth);
    if (auth == NULL || !cfl_token_table_init(&auth->tokens, loaded.allocator, clock, &limits)) {
        cfl_free(loaded.allocator, auth, sizeof *auth);
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&auth->refs);
    atomic_init(&auth->verification_count, 0);
    auth->options = loaded;
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
        cfl_token_table_done(&auth->tokens);
        cfl_free(auth->options.allocator, auth, sizeof *auth);
    }
}

/* Drops a scheme ("Basic ", "Bearer ") from the front, without regard to case. */
static bool drop_scheme(struct cflight_bytes *value, const char *scheme)
{
    struct cflight_bytes wanted = cflight_bytes_from_text(scheme);
    struct cflight_bytes front = *value;
    if (value->len_bytes < wanted.len_bytes) {
        return false;
    }
    front.len_bytes = wanted.len_bytes;
    if (cfl_compare_without_case(front, wanted) != 0) {
        return false;
    }
    value->data += wanted.len_bytes;
    value->len_bytes -= wanted.len_bytes;
    return true;
}

static cflight_status refuse(cflight_error **reterr, const char *message)
{
    return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, message);
}

/* Runs the verifier unless too many are running. */
static cflight_status verify(cflight_bearer_auth *auth, struct cflight_bytes username,
                             struct cflight_bytes password, cflight_buffer **ret_identity,
                             cflight_error **reterr)
{
    cflight_buffer *identity = NULL;
    cflight_status status = CFLIGHT_OK;
    if (atomic_fetch_add(&auth->verification_count, 1) >= auth->options.verifications_max) {
        status = cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE,
                                           "too many passwords are being verified; try again");
    } else {
        status =
            auth->options.verify(auth->options.user_data, username, password, &identity, reterr);
    }
    (void)atomic_fetch_sub(&auth->verification_count, 1);
    if (status == CFLIGHT_OK && identity == NULL) {
        status = cflight_buffer_new_copy(username, &identity, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_identity = identity;
    }
    return status;
}

/* Takes "user:password" in base64; padding may be missing. */
static cflight_status check_basic(cflight_bearer_auth *auth, struct cflight_bytes encoded,
                                  char *token, cflight_buffer **ret_identity,
                                  cflight_error **reterr)
{
    if (encoded.len_bytes > CREDENTIALS_BYTES_MAX) {
        return refuse(reterr, "The basic credentials are too long");
    }
    cflight_buffer *identity = NULL;
    cflight_status status = CFLIGHT_OK;
    struct cfl_buf decoded;
    cfl_buf_init(&decoded, auth->options.allocator);
    bool ok = cfl_buf_space(&decoded, encoded.len_bytes + 1) != NULL &&
              cfl_base64_decode(encoded, &decoded);
    const uint8_t *colon =
        ok && decoded.len_bytes > 0 ? memchr(decoded.data, ':', decoded.len_bytes) : NULL;
    if (decoded.failed) {
        status = cfl_error_no_memory(reterr);
    } else if (colon == NULL) {
        status = refuse(reterr, "The basic credentials are not base64 of name:password");
    } else {
        size_t name_bytes = (size_t)(colon - decoded.data);
        status = verify(auth, cflight_bytes_make(decoded.data, name_bytes),
                        cflight_bytes_make(colon + 1, decoded.len_bytes - name_bytes - 1),
                        &identity, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_token_table_issue(&auth->tokens, identity, token, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_identity = cflight_buffer_ref(identity);
    }
    cflight_buffer_unref(identity);
    if (decoded.data != NULL) {
        explicit_bzero(decoded.data, decoded.capacity_bytes);
    }
    cfl_buf_done(&decoded);
    return status;
}

cflight_status cfl_bearer_auth_check(cflight_bearer_auth *auth, struct cflight_bytes authorization,
                                     bool is_handshake, char *token, cflight_buffer **ret_identity,
                                     cflight_error **reterr)
{
    token[0] = '\0';
    if (drop_scheme(&authorization, BEARER)) {
        cflight_buffer *identity = cfl_token_table_find(&auth->tokens, authorization);
        if (identity == NULL) {
            return refuse(reterr, "The bearer token is unknown or has expired");
        }
        *ret_identity = identity;
        return CFLIGHT_OK;
    }
    if (!drop_scheme(&authorization, BASIC)) {
        return refuse(reterr, "The call carries neither a bearer token nor basic credentials");
    }
    if (auth->options.basic_in_handshake_only && !is_handshake) {
        return refuse(reterr, "Passwords are taken with a handshake only");
    }
    return check_basic(auth, authorization, token, ret_identity, reterr);
}

/* The tables. */

static cflight_status authenticate(void *user_data, cflight_server_context *context,
                                   cflight_handshake *handshake, cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    (void)handshake;
    (void)reterr;
    return CFLIGHT_OK; /* the middleware has checked the header by now */
}

static cflight_status name_caller(void *user_data, cflight_server_context *context,
                                  struct cflight_bytes token, cflight_buffer **ret_identity,
                                  cflight_error **reterr)
{
    (void)token;
    (void)reterr;
    cflight_bearer_auth *auth = user_data;
    struct cflight_bytes value = cflight_server_context_header(context, AUTHORIZATION);
    if (drop_scheme(&value, BEARER)) {
        *ret_identity = cfl_token_table_find(&auth->tokens, value);
    }
    return CFLIGHT_OK;
}

static cflight_status start_call(void *user_data, cflight_server_context *context,
                                 enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    cflight_bearer_auth *auth = user_data;
    struct instance *instance = cfl_alloc_zeroed(auth->options.allocator, sizeof *instance);
    if (instance == NULL) {
        return cfl_error_no_memory(reterr);
    }
    instance->auth = auth;
    struct cflight_bytes value = cflight_server_context_header(context, AUTHORIZATION);
    cflight_status status = cfl_bearer_auth_check(auth, value, method == CFLIGHT_METHOD_HANDSHAKE,
                                                  instance->token, &instance->identity, reterr);
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
    char value[sizeof BEARER + CFL_TOKEN_TEXT_BYTES];
    if (instance->token[0] == '\0') {
        return;
    }
    memcpy(value, BEARER, sizeof BEARER - 1);
    memcpy(value + sizeof BEARER - 1, instance->token, sizeof instance->token);
    (void)cflight_header_sink_add(headers, cflight_bytes_from_text(AUTHORIZATION),
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
        status = cfl_token_table_issue(&auth->tokens, copy, text, reterr);
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
    (void)drop_scheme(&token, BEARER);
    return cfl_token_table_revoke(&auth->tokens, token);
}

size_t cflight_bearer_auth_revoke_identity(cflight_bearer_auth *auth, struct cflight_bytes identity)
{
    return cfl_token_table_revoke_identity(&auth->tokens, identity);
}
