/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_TLS_H
#define CFLIGHT_CLI_SERVE_TLS_H

#include "cflight/server.h"

enum { CLI_TLS_CERT, CLI_TLS_KEY, CLI_TLS_CA, CLI_TLS_CRL, CLI_TLS_FILE_COUNT };

/* The TLS files of a server, and what was read from them last. Without a certificate there is no
 * TLS, without a CA clients need no certificate, without a CRL none is revoked. */
struct cli_serve_tls {
    struct cli_tls_file {
        char *path;              /* absolute, NULL for none */
        cflight_buffer *content; /* NULL while nobody needs it */
    } files[CLI_TLS_FILE_COUNT];
    struct cflight_tls_policy policy; /* but for what the CRL has */
    struct cflight_tls_key_pair pair;
};

/* Notes where the files are, each NULL for none; `tls` is empty. */
cflight_status cli_serve_tls_init(struct cli_serve_tls *tls, const char *cert_path,
                                  const char *key_path, const char *ca_path, const char *crl_path,
                                  cflight_error **reterr);
bool cli_serve_tls_is_on(const struct cli_serve_tls *tls);
/* Reads the files and makes the settings that point at what was read; they are good until the next
 * read. */
cflight_status cli_serve_tls_read(struct cli_serve_tls *tls, struct cflight_server_tls *ret_tls,
                                  cflight_error **reterr);
/* Once a server has taken the settings, nobody needs the text of its key. */
void cli_serve_tls_forget_key(struct cli_serve_tls *tls);
/* Reads the files again and gives them to a running server; after a failure it goes on with the
 * former ones. */
cflight_status cli_serve_tls_reload(struct cli_serve_tls *tls, cflight_server *server,
                                    cflight_error **reterr);
void cli_serve_tls_done(struct cli_serve_tls *tls);

#endif /* CFLIGHT_CLI_SERVE_TLS_H */
