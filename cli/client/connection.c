/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the connection of a client command. */
#include "cli/client/connection.h"

#include <ctype.h>
#include <string.h>

#include "cli/client/header.h"
#include "cli/client/location.h"
#include "cli/system/clock.h"
#include "cli/system/file_content.h"
#include "cli/system/memory.h"
#include "cli/system/os_error.h"

static int64_t now_ms(void)
{
    return cli_now_ns() / CLI_NS_PER_MS;
}

/* The files of TLS; `options` point at what was read. */
static cflight_status read_tls_files(struct cli_connection *connection, cflight_error **reterr)
{
    const struct cli_client_options *given = connection->given;
    struct cflight_client_tls *tls = &connection->options.tls;
    struct {
        const char *path;
        struct cli_text *content;
        struct cflight_bytes *bytes;
    } files[] = {
        {given->roots_path, &connection->tls_roots, &tls->root_certs},
        {given->cert_path, &connection->tls_cert, &tls->cert_chain},
        {given->key_path, &connection->tls_key, &tls->private_key},
        {connection->tls->crl_path, &connection->tls_crl, &tls->policy.revocation_lists},
    };
    if ((given->cert_path == NULL) != (given->key_path == NULL)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "--tls-cert and --tls-key belong together");
    }
    tls->policy = connection->tls->policy;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (files[i].path != NULL) {
            cflight_status status = cli_file_read(files[i].content, files[i].path, reterr);
            if (status != CFLIGHT_OK) {
                return status;
            }
            *files[i].bytes = cli_text_bytes(files[i].content);
        }
    }
    return CFLIGHT_OK;
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
    size_t count = connection->given->headers.count;
    connection->headers = cli_alloc_array(count + 1, sizeof *connection->headers);
    connection->header_texts = cli_alloc_array(count + 1, sizeof *connection->header_texts);
    if (connection->headers == NULL || connection->header_texts == NULL) {
        return cli_error_no_memory(reterr, "reading headers");
    }
    for (size_t i = 0; i < count; i++) {
        cflight_status status = add_header(connection, connection->given->headers.items[i], reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

bool cli_tls_options_are_given(const struct cli_tls_options *options)
{
    return options->crl_path != NULL ||
           options->policy.min_version != CFLIGHT_TLS_VERSION_DEFAULT ||
           options->policy.tls12_ciphers != NULL || options->policy.tls13_ciphers != NULL;
}

static bool has_tls_option(const struct cli_connection *connection)
{
    const struct cli_client_options *given = connection->given;
    const struct cflight_client_tls *tls = &given->options.tls;
    return given->roots_path != NULL || given->cert_path != NULL || given->key_path != NULL ||
           tls->override_hostname != NULL || tls->allow_common_name || tls->skip_verification ||
           cli_tls_options_are_given(connection->tls);
}

/* Options for TLS with a location that has none would end in plain text where the user expects
 * none. */
static cflight_status complete_uri(struct cli_connection *connection, cflight_error **reterr)
{
    const char *uri = connection->given->uri;
    bool has_scheme = strstr(uri, "://") != NULL;
    bool wants_tls = has_tls_option(connection);
    if (has_scheme && wants_tls && strncmp(uri, "grpc+tls://", 11) != 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "TLS options need a grpc+tls:// location");
    }
    return cli_location_complete(uri, wants_tls, false, &connection->uri, reterr);
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

cflight_status cli_connection_open(struct cli_connection *connection, cflight_error **reterr)
{
    connection->options = connection->given->options;
    connection->options.user_agent = "cflight-cli";
    if (connection->given->timeout_ms >= 0) {
        connection->deadline_ms = now_ms() + connection->given->timeout_ms;
    }
    cflight_status status = complete_uri(connection, reterr);
    if (status == CFLIGHT_OK) {
        status = read_tls_files(connection, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_headers(connection, reterr);
    }
    if (status == CFLIGHT_OK) {
        status =
            cflight_client_new(connection->uri, &connection->options, &connection->client, reterr);
    }
    return status;
}

void cli_connection_done(struct cli_connection *connection)
{
    cflight_client_free(connection->client);
    for (size_t i = 0; i < connection->header_text_count; i++) {
        cli_text_done(&connection->header_texts[i]);
    }
    cli_free(connection->header_texts);
    cli_free(connection->headers);
    cli_text_wipe(&connection->authorization);
    cli_text_wipe(&connection->secret);
    cli_text_done(&connection->tls_roots);
    cli_text_done(&connection->tls_cert);
    cli_text_wipe(&connection->tls_key);
    cli_text_done(&connection->tls_crl);
    cli_free(connection->uri);
    memset(connection, 0, sizeof *connection);
}
