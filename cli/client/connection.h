/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_CONNECTION_H
#define CFLIGHT_CLI_CLIENT_CONNECTION_H

#include "cflight/client.h"
#include "cli/commands/commands.h"
#include "cli/system/text.h"

/* The server a client command talks to, with the limits, headers and credentials that the user
 * gave. Thread class: one at a time. */
struct cli_connection {
    const struct cli_arguments *arguments; /* borrowed */
    cflight_cancel *cancel;
    int64_t deadline_ms; /* on the monotonic clock; 0 for none */
    char *uri;
    cflight_client *client;
    struct cli_text tls_roots;
    struct cli_text tls_cert;
    struct cli_text tls_key;
    struct cli_text tls_crl;
    struct cflight_tls_policy tls_policy; /* but for the lists */
    struct cflight_ipc_read_options read_options;
    struct cflight_header *headers; /* of the user, then at most one of the credentials */
    size_t header_count;
    struct cli_text *header_texts; /* the memory behind `headers` */
    size_t header_text_count;
    char *authorization; /* value of the header that logs in, NULL for none */
};

/* Reads what the options name, makes the client and logs in if credentials are given. When that
 * fails before the server is asked, the run's exit code says so.
 * @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (options), or as the calls of a client. A connection
 * that failed to open needs no done. */
cflight_status cli_connection_open(struct cli_connection *ret_connection, struct cli_run *run,
                                   cflight_error **reterr);

/* Options for clients of the service's locations: limits and TLS, no credentials. They point into
 * the connection. */
struct cflight_client_options cli_connection_client_options(
    const struct cli_connection *connection);

/* Options for the next call, good while the connection stays where it is: what is left of the time
 * limit, cancel, and headers. */
struct cflight_call_options cli_connection_call(const struct cli_connection *connection);

void cli_connection_done(struct cli_connection *connection);

/* The path or command that NAME means. `*ret_elements` is the memory behind the path; cli_free()
 * it. */
cflight_status cli_make_descriptor(const struct cli_arguments *arguments, const char *name,
                                   struct cflight_descriptor *ret_descriptor,
                                   struct cflight_bytes **ret_elements, cflight_error **reterr);

#endif /* CFLIGHT_CLI_CLIENT_CONNECTION_H */
