/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys for a server, from files that may change while it runs. */
#include "cli/serve/tls.h"

#include <stdlib.h>
#include <string.h>

#include "cli/system/files.h"

cflight_status cli_serve_tls_init(struct cli_serve_tls *tls, const char *cert_path,
                                  const char *key_path, const char *ca_path, const char *crl_path,
                                  cflight_error **reterr)
{
    const char *const paths[CLI_TLS_FILE_COUNT] = {
        [CLI_TLS_CERT] = cert_path,
        [CLI_TLS_KEY] = key_path,
        [CLI_TLS_CA] = ca_path,
        [CLI_TLS_CRL] = crl_path,
    };
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; status == CFLIGHT_OK && i < CLI_TLS_FILE_COUNT; i++) {
        status = cli_absolute_path(paths[i], &tls->files[i].path, reterr);
    }
    return status;
}

bool cli_serve_tls_is_on(const struct cli_serve_tls *tls)
{
    return tls->files[CLI_TLS_CERT].path != NULL;
}

static void forget(struct cli_tls_file *file)
{
    cflight_buffer_unref(file->content);
    file->content = NULL;
}

cflight_status cli_serve_tls_read(struct cli_serve_tls *tls, struct cflight_server_tls *ret_tls,
                                  cflight_error **reterr)
{
    struct cflight_bytes contents[CLI_TLS_FILE_COUNT];
    for (size_t i = 0; i < CLI_TLS_FILE_COUNT; i++) {
        struct cli_tls_file *file = &tls->files[i];
        forget(file);
        cflight_status status =
            file->path == NULL ? CFLIGHT_OK : cflight_pem_read(file->path, &file->content, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        contents[i] = cflight_buffer_bytes(file->content);
    }
    if (!cli_serve_tls_is_on(tls)) {
        return CFLIGHT_OK;
    }
    tls->pair = (struct cflight_tls_key_pair){contents[CLI_TLS_CERT], contents[CLI_TLS_KEY]};
    *ret_tls = (struct cflight_server_tls){
        .key_pairs = &tls->pair, .key_pair_count = 1, .policy = tls->policy};
    ret_tls->policy.revocation_lists = contents[CLI_TLS_CRL];
    if (tls->files[CLI_TLS_CA].path != NULL) {
        ret_tls->client_certificate = CFLIGHT_CLIENT_CERTIFICATE_REQUIRED;
        ret_tls->client_root_certs = contents[CLI_TLS_CA];
    }
    return CFLIGHT_OK;
}

void cli_serve_tls_forget_key(struct cli_serve_tls *tls)
{
    forget(&tls->files[CLI_TLS_KEY]);
    tls->pair = (struct cflight_tls_key_pair){0};
}

cflight_status cli_serve_tls_reload(struct cli_serve_tls *tls, cflight_server *server,
                                    cflight_error **reterr)
{
    struct cflight_server_tls settings = {0};
    cflight_status status = cli_serve_tls_read(tls, &settings, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_server_reload_tls(server, &settings, reterr);
    }
    cli_serve_tls_forget_key(tls);
    return status;
}

void cli_serve_tls_done(struct cli_serve_tls *tls)
{
    for (size_t i = 0; i < CLI_TLS_FILE_COUNT; i++) {
        free(tls->files[i].path);
        forget(&tls->files[i]);
    }
    memset(tls, 0, sizeof *tls);
}
