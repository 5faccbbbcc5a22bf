/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the connection of a client command.
 *
 * Credentials never come from arguments, which other users of a machine can read, and never go into
 * messages. They are sent as an `authorization` header: the bearer token that a login gave, or a
 * token that was given, or, for servers without a handshake, the name and password themselves (RFC
 * 7617). */
#include "cli/client/connection.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/clock.h"
#include "cli/system/file_content.h"
#include "cli/client/header.h"
#include "cli/client/location.h"
#include "cli/system/memory.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"
#include "cli/client/secret.h"
#include "cli/client/tls_policy.h"
#include "cli/values/value.h"

static int64_t now_ms(void)
{
    return cli_now_ns() / CLI_NS_PER_MS;
}

static cflight_status read_option_file(struct cli_text *target,
                                       const struct cli_arguments *arguments,
                                       enum cli_option_id option, cflight_error **reterr)
{
    if (!cli_has(arguments, option)) {
        return CFLIGHT_OK;
    }
    return cli_file_read(target, arguments->values[option], reterr);
}

static cflight_status read_tls_files(struct cli_connection *connection, cflight_error **reterr)
{
    const struct cli_arguments *arguments = connection->arguments;
    if (cli_has(arguments, CLI_OPTION_TLS_CERT) != cli_has(arguments, CLI_OPTION_TLS_KEY)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "--tls-cert and --tls-key belong together");
    }
    cflight_status status =
        read_option_file(&connection->tls_roots, arguments, CLI_OPTION_TLS_ROOTS, reterr);
    if (status == CFLIGHT_OK) {
        status = read_option_file(&connection->tls_cert, arguments, CLI_OPTION_TLS_CERT, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_option_file(&connection->tls_key, arguments, CLI_OPTION_TLS_KEY, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_option_file(&connection->tls_crl, arguments, CLI_OPTION_TLS_CRL, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_tls_policy(arguments, &connection->tls_policy, reterr);
    }
    return status;
}

/* Splits "Name: value"; names are sent in lower case. */
static cflight_status add_header(struct cli_connection *connection, const char *line,
                                 cflight_error **reterr)
{
    const char *value = NULL;
    size_t name_len_bytes = 0;
    cflight_status status = cli_header_split(line, &name_len_bytes, &value, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cli_text *text = &connection->header_texts[connection->header_text_count++];
    for (size_t i = 0; i < name_len_bytes; i++) {
        cli_text_append_char(text, (char)tolower((unsigned char)line[i]));
    }
    cli_text_append_string(text, value);
    status = cli_text_status(text, reterr);
    if (status == CFLIGHT_OK) {
        connection->headers[connection->header_count++] = (struct cflight_header){
            cflight_bytes_make(text->data, name_len_bytes),
            cflight_bytes_make(text->data + name_len_bytes, text->len_bytes - name_len_bytes)};
    }
    return status;
}

static cflight_status read_headers(struct cli_connection *connection, cflight_error **reterr)
{
    size_t count = connection->arguments->header_count;
    connection->headers = cli_alloc_array(count + 1, sizeof *connection->headers);
    connection->header_texts = cli_alloc_array(count + 1, sizeof *connection->header_texts);
    if (connection->headers == NULL || connection->header_texts == NULL) {
        return cli_error_no_memory(reterr, "reading headers");
    }
    for (size_t i = 0; i < count; i++) {
        cflight_status status = add_header(connection, connection->arguments->headers[i], reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

static bool has_tls_option(const struct cli_arguments *arguments)
{
    return cli_has(arguments, CLI_OPTION_TLS_ROOTS) || cli_has(arguments, CLI_OPTION_TLS_CERT) ||
           cli_has(arguments, CLI_OPTION_TLS_KEY) || cli_has(arguments, CLI_OPTION_TLS_NAME) ||
           cli_has(arguments, CLI_OPTION_TLS_COMMON_NAME) ||
           cli_has(arguments, CLI_OPTION_TLS_SKIP_VERIFY) || cli_has_tls_policy(arguments);
}

/* Options for TLS with a location that has none would end in plain text where the user expects
 * none. */
static cflight_status complete_uri(const struct cli_arguments *arguments, char **ret_uri,
                                   cflight_error **reterr)
{
    const char *uri = arguments->positionals[0];
    bool has_scheme = strstr(uri, "://") != NULL;
    bool wants_tls = has_tls_option(arguments);
    if (has_scheme && wants_tls && strncmp(uri, "grpc+tls://", 11) != 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "TLS options need a grpc+tls:// location");
    }
    return cli_location_complete(uri, wants_tls, false, ret_uri, reterr);
}

struct cflight_client_options cli_connection_client_options(const struct cli_connection *connection)
{
    const struct cli_arguments *arguments = connection->arguments;
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    options.connect_timeout_ms = cli_milliseconds(arguments, CLI_OPTION_CONNECT_TIMEOUT, 0);
    if (cli_has(arguments, CLI_OPTION_CONNECT_TIMEOUT) && options.connect_timeout_ms == 0) {
        options.connect_timeout_ms = 1; /* 0 would mean the default */
    }
    options.tls.root_certs = cli_text_bytes(&connection->tls_roots);
    options.tls.cert_chain = cli_text_bytes(&connection->tls_cert);
    options.tls.private_key = cli_text_bytes(&connection->tls_key);
    options.tls.override_hostname = arguments->values[CLI_OPTION_TLS_NAME];
    options.tls.allow_common_name = cli_has(arguments, CLI_OPTION_TLS_COMMON_NAME);
    options.tls.skip_verification = cli_has(arguments, CLI_OPTION_TLS_SKIP_VERIFY);
    options.tls.policy = connection->tls_policy;
    options.tls.policy.revocation_lists = cli_text_bytes(&connection->tls_crl);
    options.proxy = arguments->values[CLI_OPTION_PROXY];
    options.user_agent = "cflight-cli";
    return options;
}

struct cflight_call_options cli_connection_call(const struct cli_connection *connection)
{
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    options.cancel = connection->cancel;
    options.idle_timeout_ms = cli_milliseconds(connection->arguments, CLI_OPTION_IDLE_TIMEOUT, 0);
    options.read_options = &connection->read_options;
    options.headers = connection->headers;
    options.header_count = connection->header_count;
    if (connection->deadline_ms != 0) {
        int64_t left_ms = connection->deadline_ms - now_ms();
        options.timeout_ms = left_ms > 0 ? left_ms : 0;
        options.timeout_is_set = true;
    }
    return options;
}

/* Tells the user when credentials are about to cross a network in plain text. */
static void warn_about_plain_text(const struct cli_connection *connection)
{
    struct cflight_location *location = NULL;
    if (cflight_location_parse(cflight_bytes_from_text(connection->uri), &location, NULL) ==
        CFLIGHT_OK) {
        bool is_network =
            strcmp(location->scheme, "grpc") == 0 || strcmp(location->scheme, "grpc+tcp") == 0;
        if (is_network && !cli_host_is_loopback(location->host) &&
            !cli_has(connection->arguments, CLI_OPTION_QUIET)) {
            cli_message(
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
    struct cli_text text = CLI_TEXT_INIT;
    (void)cli_text_reserve(&text, strlen(scheme) + value.len_bytes + 1);
    cli_text_append_string(&text, scheme);
    cli_text_append(&text, value.data, value.len_bytes);
    (void)cli_text_terminated(&text);
    cflight_status status = cli_text_status(&text, reterr);
    if (status != CFLIGHT_OK) {
        cli_text_wipe(&text);
        return status;
    }
    connection->authorization = text.data;
    connection->headers[connection->header_count++] =
        (struct cflight_header){cflight_bytes_from_text("authorization"),
                                cflight_bytes_from_text(connection->authorization)};
    return CFLIGHT_OK;
}

static cflight_status use_basic(struct cli_connection *connection, const char *user,
                                const char *password, cflight_error **reterr)
{
    struct cli_text plain = CLI_TEXT_INIT;
    struct cli_text encoded = CLI_TEXT_INIT;
    size_t plain_bytes = strlen(user) + 1 + strlen(password);
    /* Room first: a text that grows would leave a copy behind. */
    (void)cli_text_reserve(&plain, plain_bytes + 1);
    (void)cli_text_reserve(&encoded, plain_bytes / 3 * 4 + 5);
    cli_text_append_string(&plain, user);
    cli_text_append_char(&plain, ':');
    cli_text_append_string(&plain, password);
    cflight_status status = cli_text_status(&plain, reterr);
    if (status == CFLIGHT_OK) {
        cli_text_append_base64(&encoded, cli_text_bytes(&plain));
        status = cli_text_status(&encoded, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = set_authorization(connection, "Basic ", cli_text_bytes(&encoded), reterr);
    }
    cli_text_wipe(&plain);
    cli_text_wipe(&encoded);
    return status;
}

/* Logs in by a handshake. A server that has none, or gives no token, is sent name and password with
 * every call. */
static cflight_status log_in(struct cli_connection *connection, const char *user,
                             const char *password, cflight_error **reterr)
{
    cflight_buffer *bearer = NULL;
    cflight_error *error = NULL;
    struct cflight_call_options options = cli_connection_call(connection);
    cflight_status status = cflight_client_authenticate_basic(
        connection->client, cflight_bytes_from_text(user), cflight_bytes_from_text(password),
        &options, &bearer, &error);
    if (status == CFLIGHT_OK && bearer != NULL) {
        status = set_authorization(connection, "", cflight_buffer_bytes(bearer), reterr);
    } else if (status == CFLIGHT_OK || status == CFLIGHT_UNIMPLEMENTED) {
        status = use_basic(connection, user, password, reterr);
    } else if (reterr != NULL) {
        *reterr = error;
        error = NULL;
    }
    cflight_buffer_unref(bearer);
    cflight_error_free(error);
    return status;
}

static cflight_status find_password(const struct cli_arguments *arguments, char **ret_password,
                                    cflight_error **reterr)
{
    const char *from_environment = getenv("CFLIGHT_PASSWORD");
    if (cli_has(arguments, CLI_OPTION_PASSWORD_FILE)) {
        return cli_secret_read_file(ret_password, arguments->values[CLI_OPTION_PASSWORD_FILE],
                                    reterr);
    }
    if (from_environment != NULL) {
        *ret_password = cli_strdup(from_environment);
        return *ret_password == NULL ? cli_error_no_memory(reterr, "reading the password")
                                     : CFLIGHT_OK;
    }
    char prompt[256];
    (void)snprintf(prompt, sizeof prompt,
                   "Password for %.200s: ", arguments->values[CLI_OPTION_USER]);
    return cli_secret_ask(ret_password, prompt, reterr);
}

static cflight_status find_token(const struct cli_arguments *arguments, char **ret_token,
                                 cflight_error **reterr)
{
    const char *from_environment = getenv("CFLIGHT_TOKEN");
    if (cli_has(arguments, CLI_OPTION_TOKEN_FILE)) {
        return cli_secret_read_file(ret_token, arguments->values[CLI_OPTION_TOKEN_FILE], reterr);
    }
    if (from_environment == NULL || from_environment[0] == '\0') {
        return CFLIGHT_OK;
    }
    *ret_token = cli_strdup(from_environment);
    return *ret_token == NULL ? cli_error_no_memory(reterr, "reading the token") : CFLIGHT_OK;
}

/* Reads the password or token that the options name; NULL for none. */
static cflight_status find_secret(const struct cli_arguments *arguments, char **ret_secret,
                                  cflight_error **reterr)
{
    if (!cli_has(arguments, CLI_OPTION_USER)) {
        return find_token(arguments, ret_secret, reterr);
    }
    if (cli_has(arguments, CLI_OPTION_TOKEN_FILE)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "--user and --token-file exclude each other");
    }
    return find_password(arguments, ret_secret, reterr);
}

static cflight_status use_secret(struct cli_connection *connection, const char *secret,
                                 cflight_error **reterr)
{
    const char *user = connection->arguments->values[CLI_OPTION_USER];
    if (secret == NULL) {
        return CFLIGHT_OK;
    }
    warn_about_plain_text(connection);
    if (user == NULL) {
        return set_authorization(connection, "Bearer ", cflight_bytes_from_text(secret), reterr);
    }
    return log_in(connection, user, secret, reterr);
}

/* Everything that needs no server. */
static cflight_status prepare(struct cli_connection *connection, char **ret_secret,
                              cflight_error **reterr)
{
    const struct cli_arguments *arguments = connection->arguments;
    if (cli_has(arguments, CLI_OPTION_TIMEOUT)) {
        connection->deadline_ms = now_ms() + cli_milliseconds(arguments, CLI_OPTION_TIMEOUT, 0);
    }
    cflight_status status = complete_uri(arguments, &connection->uri, reterr);
    if (status == CFLIGHT_OK) {
        status = read_tls_files(connection, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_headers(connection, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = find_secret(arguments, ret_secret, reterr);
    }
    if (status == CFLIGHT_OK) {
        struct cflight_client_options options = cli_connection_client_options(connection);
        status = cflight_client_new(connection->uri, &options, &connection->client, reterr);
    }
    return status;
}

cflight_status cli_connection_open(struct cli_connection *ret_connection, struct cli_run *run,
                                   cflight_error **reterr)
{
    struct cli_connection connection = {.arguments = run->arguments,
                                        .read_options = cli_read_options(run->arguments)};
    char *secret = NULL;

    connection.cancel = cflight_cancel_ref(run->cancel);
    cflight_status status = prepare(&connection, &secret, reterr);
    if (status != CFLIGHT_OK) {
        run->exit_code = status == CFLIGHT_INVALID_ARGUMENT ? CLI_EXIT_USAGE : CLI_EXIT_FAILURE;
        if (connection.uri == NULL && strchr(run->arguments->positionals[0], '@') != NULL) {
            run->subject = "URI"; /* it may hold a password, and is shown otherwise */
        }
    } else {
        status = use_secret(&connection, secret, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_connection = connection;
    } else {
        cli_connection_done(&connection);
    }
    cli_secret_free(secret);
    return status;
}

void cli_connection_done(struct cli_connection *connection)
{
    cflight_client_free(connection->client);
    cflight_cancel_unref(connection->cancel);
    for (size_t i = 0; i < connection->header_text_count; i++) {
        cli_text_done(&connection->header_texts[i]);
    }
    cli_secret_free(connection->authorization);
    cli_free(connection->header_texts);
    cli_free(connection->headers);
    cli_text_done(&connection->tls_roots);
    cli_text_done(&connection->tls_crl);
    cli_text_done(&connection->tls_cert);
    cli_text_wipe(&connection->tls_key);
    cli_free(connection->uri);
    memset(connection, 0, sizeof *connection);
}

cflight_status cli_make_descriptor(const struct cli_arguments *arguments, const char *name,
                                   struct cflight_descriptor *ret_descriptor,
                                   struct cflight_bytes **ret_elements, cflight_error **reterr)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text(name)};
    struct cflight_bytes *elements = NULL;
    if (!cli_has(arguments, CLI_OPTION_CMD)) {
        bool is_split = cli_has(arguments, CLI_OPTION_SPLIT);
        elements = cli_alloc_array(strlen(name) + 1, sizeof *elements);
        if (elements == NULL) {
            return cli_error_no_memory(reterr, "making a descriptor");
        }
        descriptor = (struct cflight_descriptor){.type = CFLIGHT_DESCRIPTOR_PATH, .path = elements};
        size_t len_bytes = is_split ? strcspn(name, "/") : strlen(name);
        elements[descriptor.path_count++] = cflight_bytes_make(name, len_bytes);
        for (name += len_bytes; *name == '/'; name += len_bytes) {
            name++;
            len_bytes = strcspn(name, "/");
            elements[descriptor.path_count++] = cflight_bytes_make(name, len_bytes);
        }
    }
    *ret_descriptor = descriptor;
    *ret_elements = elements;
    return CFLIGHT_OK;
}
