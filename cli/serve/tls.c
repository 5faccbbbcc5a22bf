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

static cflight_status read_again(struct cli_text *content, const char *path, cflight_error **reterr)
{
    cli_text_wipe(content);
    return path == NULL ? CFLIGHT_OK : cli_file_read(content, path, reterr);
}

/* Reads the files and makes the settings that point at them. */
cflight_status cli_serve_tls_read(struct cli_serve_tls *files, struct cflight_server_tls *ret_tls,
                                  cflight_error **reterr)
{
    cflight_status status = read_again(&files->cert, files->cert_path, reterr);
    if (status == CFLIGHT_OK) {
        status = read_again(&files->key, files->key_path, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_again(&files->ca, files->ca_path, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_again(&files->crl, files->crl_path, reterr);
    }
    if (status != CFLIGHT_OK || files->cert_path == NULL) {
        return status;
    }
    files->pair =
        (struct cflight_tls_key_pair){cli_text_bytes(&files->cert), cli_text_bytes(&files->key)};
    *ret_tls = (struct cflight_server_tls){
        .key_pairs = &files->pair, .key_pair_count = 1, .policy = files->policy};
    ret_tls->policy.revocation_lists = cli_text_bytes(&files->crl);
    if (files->ca_path != NULL) {
        ret_tls->client_certificate = CFLIGHT_CLIENT_CERTIFICATE_REQUIRED;
        ret_tls->client_root_certs = cli_text_bytes(&files->ca);
    }
    return CFLIGHT_OK;
}

void cli_serve_tls_forget_key(struct cli_serve_tls *files)
{
    cli_text_wipe(&files->key);
    files->pair = (struct cflight_tls_key_pair){0};
}

cflight_status cli_serve_tls_reload(struct cli_serve_tls *files, cflight_server *server,
                                    cflight_error **reterr)
{
    struct cflight_server_tls tls = {0};
    if (files->cert_path == NULL) {
        return CFLIGHT_OK;
    }
    cflight_status status = cli_serve_tls_read(files, &tls, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_server_reload_tls(server, &tls, reterr);
    }
    cli_serve_tls_forget_key(files);
    return status;
}

void cli_serve_tls_done(struct cli_serve_tls *files)
{
    cli_free(files->cert_path);
    cli_free(files->key_path);
    cli_free(files->ca_path);
    cli_free(files->crl_path);
    cli_text_done(&files->cert);
    cli_text_wipe(&files->key);
    cli_text_done(&files->ca);
    cli_text_done(&files->crl);
    memset(files, 0, sizeof *files);
}
