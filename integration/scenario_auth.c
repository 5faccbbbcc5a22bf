/* SPDX-License-Identifier: Apache-2.0 */
/* auth:basic_proto: a handshake with name and password, then a token with every call.
 *
 * The client keeps the token as the server gave it, bytes that mean nothing to it. Thread class:
 * free; the client's state is one at a time. */
#include "integration/info.h"
#include "integration/scenario.h"

#define USERNAME "arrow"
#define PASSWORD "flight"
/* The server's choice; not the name, so that nobody takes one for the other. */
#define TOKEN "valid\x01token"

static cflight_status check_credentials(struct cflight_bytes payload, cflight_error **reterr)
{
    struct cflight_basic_auth *auth = NULL;

    cflight_status status = cflight_basic_auth_parse(payload, &auth, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool is_right = cflight_bytes_equal(auth->username, cflight_bytes_from_text(USERNAME)) &&
                    cflight_bytes_equal(auth->password, cflight_bytes_from_text(PASSWORD));
    cflight_basic_auth_free(auth);
    if (!is_right) {
        return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "wrong name or password");
    }
    return CFLIGHT_OK;
}

static cflight_status server_authenticate(void *user_data, cflight_server_context *context,
                                          cflight_handshake *handshake, cflight_error **reterr)
{
    cflight_buffer *payload = NULL;

    (void)user_data;
    (void)context;
    cflight_status status = cflight_handshake_read(handshake, &payload, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = check_credentials(cflight_buffer_bytes(payload), reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_handshake_write(handshake, cflight_bytes_from_text(TOKEN), reterr);
    }
    cflight_buffer_unref(payload);
    return status;
}

static cflight_status is_valid(void *user_data, cflight_server_context *context,
                               struct cflight_bytes token, cflight_buffer **ret_identity,
                               cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    if (!cflight_bytes_equal(token, cflight_bytes_from_text(TOKEN))) {
        return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "no valid token");
    }
    return cflight_buffer_new_copy(cflight_bytes_from_text(USERNAME), ret_identity, reterr);
}

static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    (void)user_data;
    (void)action;
    return cflight_response_result(response, cflight_server_context_peer_identity(context), reterr);
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    (void)reterr;
    service->handlers.do_action = do_action;
    service->auth.authenticate = server_authenticate;
    service->auth.is_valid = is_valid;
    service->has_auth = true;
    return CFLIGHT_OK;
}

/* The client's half. */
struct login {
    cflight_buffer *token;
};

static cflight_status client_authenticate(void *user_data, cflight_handshake *handshake,
                                          cflight_error **reterr)
{
    struct login *login = user_data;
    struct cflight_basic_auth auth = {.username = cflight_bytes_from_text(USERNAME),
                                      .password = cflight_bytes_from_text(PASSWORD)};
    cflight_buffer *payload = NULL;

    cflight_status status = cflight_basic_auth_serialize(&auth, &payload, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_handshake_write(handshake, cflight_buffer_bytes(payload), reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_handshake_read(handshake, &login->token, reterr);
    }
    if (status == CFLIGHT_OK && login->token == NULL) {
        status = cflight_error_set_message(reterr, ITG_MISMATCH, "the handshake gave no token");
    }
    cflight_buffer_unref(payload);
    return status;
}

static cflight_status get_token(void *user_data, cflight_buffer **ret_token, cflight_error **reterr)
{
    struct login *login = user_data;

    (void)reterr;
    *ret_token = cflight_buffer_ref(login->token);
    return CFLIGHT_OK;
}

/* `*ret_body` is the result of an empty action, NULL when it had none. */
static cflight_status run_action(cflight_client *client, cflight_buffer **ret_body,
                                 cflight_error **reterr)
{
    const struct cflight_action action = {.type = cflight_bytes_from_text("")};
    return itg_run_action(client, &action, ret_body, reterr);
}

static cflight_status expect_refusal(cflight_client *client, cflight_error **reterr)
{
    cflight_buffer *body = NULL;
    cflight_error *refusal = NULL;

    cflight_status status = run_action(client, &body, &refusal);
    cflight_buffer_unref(body);
    cflight_error_free(refusal);
    if (status != CFLIGHT_UNAUTHENTICATED) {
        return cflight_error_set(reterr, ITG_MISMATCH,
                                 "an action without a token gave %s, expected UNAUTHENTICATED",
                                 cflight_status_name(status));
    }
    return CFLIGHT_OK;
}

static cflight_status expect_identity(cflight_client *client, cflight_error **reterr)
{
    cflight_buffer *body = NULL;

    cflight_status status = run_action(client, &body, reterr);
    if (status == CFLIGHT_OK &&
        (body == NULL ||
         !cflight_bytes_equal(cflight_buffer_bytes(body), cflight_bytes_from_text(USERNAME)))) {
        status = cflight_error_set_message(reterr, ITG_MISMATCH,
                                           "the result of the action is not '" USERNAME "'");
    }
    cflight_buffer_unref(body);
    return status;
}

static cflight_status run_client(const struct itg_target *target, cflight_error **reterr)
{
    struct login login = {NULL};
    struct cflight_client_auth auth = CFLIGHT_CLIENT_AUTH_INIT;
    cflight_client *client = NULL;

    auth.user_data = &login;
    auth.authenticate = client_authenticate;
    auth.get_token = get_token;
    cflight_status status = cflight_client_new(target->location, NULL, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = expect_refusal(client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_client_authenticate(client, &auth, NULL, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = expect_identity(client, reterr);
    }
    cflight_client_free(client);
    cflight_buffer_unref(login.token);
    return status;
}

const struct itg_scenario itg_auth_basic_proto = {"auth:basic_proto", make_service, run_client};
