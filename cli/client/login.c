/* SPDX-License-Identifier: Apache-2.0 */
/* Logs in; and again when a server does not know its token any more, as after an upgrade.
 *
 * Credentials never come from arguments, which other users of a machine can read, and never go into
 * messages. They are sent as an `authorization` header: the bearer token that a login gave, or a
 * token that was given, or, for servers without a handshake, the name and password themselves (RFC
 * 7617). The password is kept while the connection is, for the next login. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client/connection.h"
#include "cli/client/location.h"
#include "cli/client/secret.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"
#include "cli/values/value.h"

enum { ATTEMPTS_MAX = 4 };

/* Tells the user when credentials are about to cross a network in plain text. */
static void warn_about_plain_text(const struct cli_connection *connection)
{
    struct cflight_location *location = NULL;
    if (cflight_location_parse(cflight_bytes_from_text(connection->uri), &location, NULL) ==
        CFLIGHT_OK) {
        bool is_network =
            strcmp(location->scheme, "grpc") == 0 || strcmp(location->scheme, "grpc+tcp") == 0;
        if (is_network && !cli_host_is_loopback(location->host)) {
            cli_remark(
                "warning: credentials are sent to %s without encryption; grpc+tls:// protects them",
                location->host);
        }
        cflight_location_free(location);
    }
}

/* Takes the value as the header that logs in. */
static cflight_status set_authorization(struct cli_connection *connection, const char *scheme,
                                        struct cflight_bytes value, cflight_error **reterr)
{
    struct cli_text *text = &connection->authorization;
    /* Room first: a text that grows would leave a copy behind. */
    (void)cli_text_reserve(text, strlen(scheme) + value.len_bytes);
    cli_text_append_string(text, scheme);
    cli_text_append(text, value.data, value.len_bytes);
    cflight_status status = cli_text_status(text, reterr);
    if (status == CFLIGHT_OK) {
        connection->headers[connection->header_count++] =
            (struct cflight_header){cflight_bytes_from_text("authorization"), cli_text_bytes(text)};
    }
    return status;
}

static cflight_status use_basic(struct cli_connection *connection, cflight_error **reterr)
{
    struct cli_text plain = CLI_TEXT_INIT;
    struct cli_text encoded = CLI_TEXT_INIT;
    size_t plain_bytes = strlen(connection->given->user) + 1 + connection->secret.len_bytes;
    (void)cli_text_reserve(&plain, plain_bytes);
    (void)cli_text_reserve(&encoded, plain_bytes / 3 * 4 + 4);
    cli_text_append_string(&plain, connection->given->user);
    cli_text_append_char(&plain, ':');
    cli_text_append(&plain, connection->secret.data, connection->secret.len_bytes);
    cflight_status status = cli_text_status(&plain, reterr);
    if (status == CFLIGHT_OK) {
        cli_bytes_append_base64(&encoded, cli_text_bytes(&plain));
        status = cli_text_status(&encoded, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = set_authorization(connection, "Basic ", cli_text_bytes(&encoded), reterr);
    }
    cli_text_wipe(&plain);
    cli_text_wipe(&encoded);
    return status;
}

/* Asks for a token. A handshake is a stream, which the library does not send again by itself; a
 * server that was shutting down certainly did not see it, and its successor will. Who cannot be
 * reached at all (no peer) is not asked again. */
static cflight_status ask_for_token(const struct cli_connection *connection,
                                    cflight_buffer **ret_bearer, cflight_error **reterr)
{
    struct cflight_call_options options = cli_connection_call(connection);
    for (int attempt = 1;; attempt++) {
        cflight_error *error = NULL;
        cflight_status status = cflight_client_authenticate_basic(
            connection->client, cflight_bytes_from_text(connection->given->user),
            cli_text_bytes(&connection->secret), &options, ret_bearer, &error);
        if (status == CFLIGHT_OK || cflight_error_retry(error) != CFLIGHT_RETRY_SAFE ||
            cflight_error_peer(error)[0] == '\0' || attempt == ATTEMPTS_MAX) {
            return status == CFLIGHT_OK ? CFLIGHT_OK : cli_error_give(error, reterr);
        }
        cflight_error_free(error);
    }
}

cflight_status cli_connection_give_token(void *user_data, cflight_buffer **ret_token,
                                         int64_t *ret_lifetime_ms, cflight_error **reterr)
{
    struct cli_connection *connection = user_data;
    (void)ret_lifetime_ms;
    *ret_token = connection->bearer;
    connection->bearer = NULL;
    if (*ret_token != NULL) {
        return CFLIGHT_OK;
    }
    cflight_status status = ask_for_token(connection, ret_token, reterr);
    return status != CFLIGHT_OK || *ret_token != NULL
               ? status
               : cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED,
                                           "another login gave no token");
}

/* Logs in by a handshake. A server that has none, or gives no token, is sent name and password with
 * every call, instead of a token. */
static cflight_status shake_hands(struct cli_connection *connection, cflight_error **reterr)
{
    cflight_buffer *bearer = NULL;
    cflight_error *error = NULL;
    cflight_status status = ask_for_token(connection, &bearer, &error);
    if (status == CFLIGHT_OK && bearer != NULL) {
        connection->bearer = bearer;
    } else if (status == CFLIGHT_OK || status == CFLIGHT_UNIMPLEMENTED) {
        status = use_basic(connection, reterr);
    } else {
        return cli_error_give(error, reterr);
    }
    cflight_error_free(error);
    return status;
}

static cflight_status find_password(struct cli_connection *connection, cflight_error **reterr)
{
    const char *from_environment = getenv("CFLIGHT_PASSWORD");
    if (connection->given->password_path != NULL) {
        return cli_secret_read_file(&connection->secret, connection->given->password_path, reterr);
    }
    if (from_environment != NULL) {
        return cli_secret_copy(&connection->secret, from_environment, reterr);
    }
    char prompt[256];
    (void)snprintf(prompt, sizeof prompt, "Password for %.200s: ", connection->given->user);
    return cli_secret_ask(&connection->secret, prompt, reterr);
}

static cflight_status find_token(struct cli_connection *connection, cflight_error **reterr)
{
    const char *from_environment = getenv("CFLIGHT_TOKEN");
    if (connection->given->token_path != NULL) {
        return cli_secret_read_file(&connection->secret, connection->given->token_path, reterr);
    }
    if (from_environment == NULL || from_environment[0] == '\0') {
        return CFLIGHT_OK;
    }
    return cli_secret_copy(&connection->secret, from_environment, reterr);
}

cflight_status cli_connection_find_secret(struct cli_connection *connection, cflight_error **reterr)
{
    if (connection->given->oauth_path != NULL) {
        return CFLIGHT_OK; /* each call asks for its token */
    }
    if (connection->given->user == NULL) {
        return find_token(connection, reterr);
    }
    if (connection->given->token_path != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "--user and --token-file exclude each other");
    }
    return find_password(connection, reterr);
}

cflight_status cli_connection_log_in(struct cli_connection *connection, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (connection->secret.data == NULL && connection->tokens == NULL) {
        return CFLIGHT_OK;
    }
    warn_about_plain_text(connection);
    if (connection->given->user != NULL) {
        return shake_hands(connection, reterr);
    }
    if (connection->tokens == NULL) {
        status =
            set_authorization(connection, "Bearer ", cli_text_bytes(&connection->secret), reterr);
        cli_text_wipe(&connection->secret);
    }
    return status;
}
