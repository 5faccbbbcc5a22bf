/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys for a server, from files that may change while it runs. */
#include "cli/serve/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/file_content.h"
#include "cli/system/memory.h"
#include "cli/system/os_error.h"

/* Links stay links: whoever renews a file may point one to the new file. */
cflight_status cli_absolute_path(const char *path, char **ret_path, cflight_error **reterr)
{
    struct cli_text text = CLI_TEXT_INIT;
    if (path == NULL) {
        return CFLIGHT_OK;
    }
    char *directory = path[0] == '/' ? NULL : realpath(".", NULL);
    if (path[0] != '/' && directory == NULL) {
        return cli_error_from_errno(reterr, errno, "read", path);
    }
    if (directory != NULL) {
        cli_text_append_format(&text, "%s/", directory);
        free(directory);
    }
    cli_text_append_string(&text, path);
    (void)cli_text_terminated(&text);
    cflight_status status = cli_text_status(&text, reterr);
    if (status != CFLIGHT_OK) {
        cli_text_done(&text);
        return status;
    }
    *ret_path = text.data;
    return CFLIGHT_OK;
}

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

cflight_status cli_serve_tls_read(struct cli_serve_tls *tls, struct cflight_server_tls *ret_tls,
                                  cflight_error **reterr)
{
    struct cflight_bytes contents[CLI_TLS_FILE_COUNT];
    for (size_t i = 0; i < CLI_TLS_FILE_COUNT; i++) {
        struct cli_tls_file *file = &tls->files[i];
        cli_text_wipe(&file->content);
        cflight_status status =
            file->path == NULL ? CFLIGHT_OK : cli_file_read(&file->content, file->path, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        contents[i] = cli_text_bytes(&file->content);
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
    cli_text_wipe(&tls->files[CLI_TLS_KEY].content);
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
        cli_free(tls->files[i].path);
        cli_text_wipe(&tls->files[i].content);
    }
    memset(tls, 0, sizeof *tls);
}
