/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_TLS_H
#define CFLIGHT_CLI_SERVE_TLS_H

#include "cflight/server.h"
#include "cli/system/text.h"

/* The TLS files of a server, by absolute path, and what was read from them last. */
struct cli_serve_tls {
    char *cert_path; /* NULL: no TLS */
    char *key_path;
    char *ca_path;  /* NULL: clients need no certificate */
    char *crl_path; /* NULL: no certificate is revoked */
    struct cli_text cert;
    struct cli_text key;
    struct cli_text ca;
    struct cli_text crl;
    struct cflight_tls_policy policy; /* but for what crl_path has */
    struct cflight_tls_key_pair pair;
};

/* Makes a path absolute, so that it stays good when the working directory changes. `*ret_path` is
 * to be freed. */
cflight_status cli_absolute_path(const char *path, char **ret_path, cflight_error **reterr);

/* Reads the files and makes the settings that point at what was read; they are good until the next
 * read. */
cflight_status cli_serve_tls_read(struct cli_serve_tls *files, struct cflight_server_tls *ret_tls,
                                  cflight_error **reterr);
/* Once a server has taken the settings, nobody needs the text of its key. */
void cli_serve_tls_forget_key(struct cli_serve_tls *files);
/* Reads the files again and gives them to a running server; after a failure it goes on with the
 * former ones. */
cflight_status cli_serve_tls_reload(struct cli_serve_tls *files, cflight_server *server,
                                    cflight_error **reterr);
void cli_serve_tls_done(struct cli_serve_tls *files);

#endif /* CFLIGHT_CLI_SERVE_TLS_H */
