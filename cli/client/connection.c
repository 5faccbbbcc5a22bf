/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the connection of a client command. */
#include "cli/client/connection.h"

#include <stdlib.h>
#include <string.h>

#include "cli/client/location.h"
#include "cli/client/oauth.h"
#include "cli/system/clock.h"
#include "cli/system/os_error.h"

enum { CLOSE_SESSION_TIMEOUT_MS = 1000 };

static int64_t now_ms(void)
{
    return cli_now_ns() / CLI_NS_PER_MS;
}

/* The files of TLS; `options` point at what was read. */
static cflight_status read_tls_files(struct cli_connection *connection, cflight_error **reterr)
{
    const struct cli_client_options *given = connection->given;
    struct cflight_client_tls *tls = &connection->options.tls;
    const struct {
        const char *path;
        struct cflight_bytes *target;
    } files[CLI_CLIENT_FILES] = {
        {given->roots_path, &tls->root_certs},
        {given->cert_path, &tls->cert_chain},
        {given->key_path, &tls->private_key},
        {connection->tls->crl_path, &tls->policy.revocation_lists},
    };
    if ((given->cert_path == NULL) != (given->key_path == NULL)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "--tls-cert and --tls-key belong together");
    }
    tls->policy = connection->tls->policy;
    for (size_t i = 0; i < CLI_CLIENT_FILES; i++) {
        cflight_status status =
            files[i].path == NULL ? CFLIGHT_OK
                                  : cflight_pem_read(files[i].path, &connection->files[i], reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        *files[i].target = cflight_buffer_bytes(connection->files[i]);
    }
    return CFLIGHT_OK;
}

#define HEADER_FORM "--header takes 'NAME: VALUE'"

/* Splits "Name: value". Messages never show the value, which may be a secret. */
static cflight_status split_header(const char *line, struct cflight_header *ret_header,
                                   cflight_error **reterr)
{
    const char *colon = strchr(line, ':');
    if (colon == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         HEADER_FORM "; there is no ':' in what was given");
    }
    if (colon == line) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         HEADER_FORM "; there is no name before the ':'");
    }
    struct cflight_header header = {cflight_bytes_make(line, (size_t)(colon - line)),
                                    cflight_bytes_from_text(colon + 1 + strspn(colon + 1, " \t"))};
    cflight_error *cause = NULL;
    cflight_status status = cflight_header_check(header.name, header.value, &cause);
    if (status != CFLIGHT_OK) {
        (void)cflight_error_set(reterr, status, HEADER_FORM ": %s", cflight_error_message(cause));
        cflight_error_free(cause);
        return status;
    }
    *ret_header = header;
    return CFLIGHT_OK;
}

static cflight_status read_headers(struct cli_connection *connection, cflight_error **reterr)
{
    const struct cli_list *lines = &connection->given->headers;
    cflight_status status = CFLIGHT_OK;
    connection->headers = calloc(lines->count + 1, sizeof *connection->headers);
    if (connection->headers == NULL) {
        return cli_error_no_memory(reterr, "reading headers");
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < lines->count; i++) {
        status = split_header(lines->items[i], &connection->headers[i], reterr);
        connection->header_count = i + 1;
    }
    return status;
}

/* Options by name, and whether they were given. */
struct option_use {
    const char *name;
    bool is_given;
};

static const char *first_given(const struct option_use *uses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (uses[i].is_given) {
            return uses[i].name;
        }
    }
    return NULL;
}

const char *cli_tls_option_given(const struct cli_tls_options *options)
{
    const struct cflight_tls_policy *policy = &options->policy;
    const struct option_use uses[] = {
        {"--tls-crl", options->crl_path != NULL},
        {"--tls-min-version", policy->min_version != CFLIGHT_TLS_VERSION_DEFAULT},
        {"--tls12-ciphers", policy->tls12_ciphers != NULL},
        {"--tls13-ciphers", policy->tls13_ciphers != NULL},
    };
    return first_given(uses, sizeof uses / sizeof uses[0]);
}

/* NULL if none was given. */
static const char *tls_option_given(const struct cli_connection *connection)
{
    const struct cli_client_options *given = connection->given;
    const struct cflight_client_tls *tls = &given->options.tls;
    const struct option_use uses[] = {
        {"--tls-roots", given->roots_path != NULL},
        {"--tls-cert", given->cert_path != NULL},
        {"--tls-key", given->key_path != NULL},
        {"--tls-name", tls->override_hostname != NULL},
        {"--tls-allow-common-name", tls->allow_common_name},
        {"--tls-skip-verify", tls->skip_verification},
    };
    const char *name = first_given(uses, sizeof uses / sizeof uses[0]);
    return name == NULL ? cli_tls_option_given(connection->tls) : name;
}

/* Options for TLS with a location that has none would end in plain text where the user expects
 * none. */
static cflight_status complete_uri(struct cli_connection *connection, cflight_error **reterr)
{
    const char *uri = connection->given->uri;
    bool has_scheme = strstr(uri, "://") != NULL;
    const char *option = tls_option_given(connection);
    if (has_scheme && option != NULL && strncmp(uri, "grpc+tls://", 11) != 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%s: the location %s is not of TLS (grpc+tls://...)", option, uri);
    }
    return cli_location_complete(uri, option != NULL, false, &connection->uri, reterr);
}

struct cflight_call_options cli_connection_call(const struct cli_connection *connection)
{
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    options.cancel = connection->cancel;
    options.idle_timeout_ms = connection->given->idle_timeout_ms;
    options.read_options = connection->read_options;
    options.headers = connection->headers;
    options.header_count = connection->header_count;
    if (connection->deadline_ms != 0) {
        int64_t left_ms = connection->deadline_ms - now_ms();
        options.timeout_ms = left_ms > 0 ? left_ms : 0;
        options.timeout_is_set = true;
    }
    return options;
}

void cli_connection_renew(struct cli_connection *connection, cflight_cancel *cancel)
{
    connection->cancel = cancel;
    if (connection->given->timeout_ms >= 0) {
        connection->deadline_ms = now_ms() + connection->given->timeout_ms;
    }
}

struct cflight_call_options cli_connection_last_call(const struct cli_connection *connection,
                                                     int64_t timeout_ms)
{
    struct cflight_call_options options = cli_connection_call(connection);
    options.cancel = NULL;
    options.timeout_ms = timeout_ms;
    options.timeout_is_set = true;
    return options;
}

void cli_connection_close_session(const struct cli_connection *connection)
{
    cflight_buffer *cookies = NULL;
    enum cflight_close_session_status ignored = CFLIGHT_CLOSE_SESSION_UNSPECIFIED;
    struct cflight_call_options call =
        cli_connection_last_call(connection, CLOSE_SESSION_TIMEOUT_MS);
    if (connection->cookies != NULL &&
        cflight_cookie_jar_header(connection->cookies, &cookies, NULL) == CFLIGHT_OK &&
        cflight_buffer_bytes(cookies).len_bytes > 0 &&
        cflight_client_close_session(connection->client, &call, &ignored, NULL) != CFLIGHT_OK) {
        /* It ends by its age. */
    }
    cflight_buffer_unref(cookies);
}

/* Makes the client, with a jar of its own: cookies keep its calls in one session. */
static cflight_status make_client(struct cli_connection *connection, cflight_error **reterr)
{
    struct cflight_client_options options = connection->options;
    struct cflight_client_middleware cookies;
    cflight_status status = cflight_cookie_jar_new(NULL, &connection->cookies, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_cookie_jar_middleware(connection->cookies, &cookies);
    options.middleware = &cookies;
    options.middleware_count = 1;
    status = cflight_client_new(connection->uri, &options, &connection->client, reterr);
    if (status != CFLIGHT_OK) {
        cookies.release(cookies.user_data);
    }
    return status;
}

/* Several clients may have the provider, and the connection outlives them. */
static cflight_status read_oauth(struct cli_connection *connection, cflight_error **reterr)
{
    const struct cli_client_options *given = connection->given;
    if (given->oauth_path == NULL) {
        return CFLIGHT_OK;
    }
    if (given->user != NULL || given->token_path != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "--oauth-file excludes --user and --token-file");
    }
    cflight_status status = cli_oauth_read(given->oauth_path, &connection->tokens, reterr);
    return status;
}

typedef cflight_status (*give_token_fn)(void *user_data, cflight_buffer **ret_token,
                                        int64_t *ret_lifetime_ms, cflight_error **reterr);

/* Where calls get their tokens: from a token server, or from logins. */
static cflight_status find_tokens(struct cli_connection *connection, give_token_fn give_token,
                                  cflight_error **reterr)
{
    struct cflight_token_source logins = CFLIGHT_TOKEN_SOURCE_INIT;
    cflight_status status = read_oauth(connection, reterr);
    if (status == CFLIGHT_OK && connection->given->user != NULL) {
        logins.user_data = connection;
        logins.fetch = give_token;
        status = cflight_token_cache_new(&logins, &connection->tokens, reterr);
    }
    if (status == CFLIGHT_OK && connection->tokens != NULL) {
        cflight_token_cache_provider(connection->tokens, &connection->provider);
        connection->provider.release = NULL;
        cflight_token_cache_unref(connection->tokens); /* the provider's reference */
        connection->options.token_provider = &connection->provider;
    }
    return status;
}

cflight_status cli_connection_open(struct cli_connection *connection, give_token_fn give_token,
                                   cflight_error **reterr)
{
    connection->options = connection->given->options;
    connection->options.user_agent = "cflight-cli";
    cli_connection_renew(connection, connection->cancel);
    cflight_status status = complete_uri(connection, reterr);
    if (status == CFLIGHT_OK) {
        status = read_tls_files(connection, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_headers(connection, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = find_tokens(connection, give_token, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = make_client(connection, reterr);
    }
    return status;
}

void cli_connection_done(struct cli_connection *connection)
{
    cflight_client_free(connection->client);
    cflight_cookie_jar_unref(connection->cookies);
    cflight_token_cache_unref(connection->tokens);
    cflight_buffer_unref(connection->bearer);
    for (size_t i = 0; i < CLI_CLIENT_FILES; i++) {
        cflight_buffer_unref(connection->files[i]);
    }
    free(connection->headers);
    cli_text_wipe(&connection->authorization);
    cli_text_wipe(&connection->secret);
    free(connection->uri);
    memset(connection, 0, sizeof *connection);
}
