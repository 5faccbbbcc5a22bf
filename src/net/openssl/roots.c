/* SPDX-License-Identifier: Apache-2.0 */
/* What a client trusts that was told nothing: the file that the variable of gRPC names, or else
 * what the machine trusts. A file that cannot be used is an error: whoever names one does not want
 * another. Thread class: one at a time. */
#include "net/openssl/internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

enum { FILE_BYTES_MAX = 16 << 20 };

static const char VARIABLE[] = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH";

static cflight_status use_file(SSL_CTX *ctx, const char *path, cflight_error **reterr)
{
    struct cfl_buf text;
    cfl_buf_init(&text, NULL);
    cflight_status status = CFLIGHT_OK;
    int os_code = cfl_file_read(path, FILE_BYTES_MAX, &text, NULL);
    if (os_code == 0) {
        status = cfl_tls_context_use_roots(ctx, cfl_buf_bytes(&text), VARIABLE, false, reterr);
    } else {
        bool is_lack = cfl_file_status(os_code) == CFLIGHT_RESOURCE_EXHAUSTED;
        status = cfl_error_set_os(reterr,
                                  is_lack ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_INVALID_ARGUMENT,
                                  os_code, "%s: cannot read '%s'", VARIABLE, path);
    }
    cfl_buf_done(&text);
    return status;
}

/* What the machine trusts: where OpenSSL was built to look (and SSL_CERT_FILE, SSL_CERT_DIR); when
 * that place does not exist, as with an OpenSSL that travels in a package, where distributions keep
 * it. */
static cflight_status use_system_roots(SSL_CTX *ctx, cflight_error **reterr)
{
    static const char *const FILES[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    };
    ERR_clear_error();
    if (SSL_CTX_set_default_verify_paths(ctx) != 1) {
        return cfl_tls_library_error(reterr, CFLIGHT_UNAVAILABLE,
                                     "cannot use the system's trust store");
    }
    bool is_found = getenv(X509_get_default_cert_file_env()) != NULL ||
                    getenv(X509_get_default_cert_dir_env()) != NULL ||
                    access(X509_get_default_cert_file(), R_OK) == 0 ||
                    access(X509_get_default_cert_dir(), R_OK) == 0;
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0] && !is_found; i++) {
        is_found = access(FILES[i], R_OK) == 0 && SSL_CTX_load_verify_file(ctx, FILES[i]) == 1;
    }
    ERR_clear_error();
    return CFLIGHT_OK;
}

cflight_status cfl_tls_context_use_default_roots(SSL_CTX *ctx, cflight_error **reterr)
{
    const char *path = getenv(VARIABLE);
    return path == NULL || path[0] == '\0' ? use_system_roots(ctx, reterr)
                                           : use_file(ctx, path, reterr);
}
