/* SPDX-License-Identifier: Apache-2.0 */
/* What the certificate of a verified peer says about it. Thread class: one at a time. */
#include "net/openssl/internal.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

/* Lists the subject alternative names and finds the identity. False when memory ran out. */
static bool list_sans(struct cfl_tls_conn *conn, X509 *cert, struct cfl_buf *buf)
{
    GENERAL_NAMES *sans = cfl_tls_alternative_names(cert);
    int count = sans == NULL ? 0 : sk_GENERAL_NAME_num(sans);
    bool is_listed = cfl_grow_array(conn->alloc, (void **)&conn->sans, &conn->san_capacity,
                                    (size_t)count, sizeof *conn->sans);
    for (int i = 0; i < count && is_listed; i++) {
        if (!cfl_tls_append_san(buf, sk_GENERAL_NAME_value(sans, i))) {
            continue;
        }
        char *text = cfl_buf_take_text(buf);
        is_listed = text != NULL;
        if (is_listed) {
            conn->sans[conn->san_count++] = text;
        }
        if (is_listed && conn->identity == NULL &&
            cfl_tls_append_san_identity(buf, sk_GENERAL_NAME_value(sans, i))) {
            conn->identity = cfl_buf_take_text(buf);
            is_listed = conn->identity != NULL;
        }
    }
    GENERAL_NAMES_free(sans);
    return is_listed;
}

cflight_status cfl_tls_conn_describe_peer(struct cfl_tls_conn *conn, struct cfl_peer *peer,
                                          cflight_error **reterr)
{
    struct cfl_buf buf;
    X509 *cert = SSL_get0_peer_certificate(conn->ssl);
    peer->is_tls = true;
    peer->tls_version = SSL_get_version(conn->ssl);
    bool is_verified = cert != NULL && SSL_get_verify_result(conn->ssl) == X509_V_OK &&
                       (conn->client == NULL || !conn->client->skip_verification);
    if (!is_verified) {
        return CFLIGHT_OK;
    }
    cfl_buf_init(&buf, conn->alloc);
    cfl_tls_append_subject(&buf, cert);
    conn->subject = cfl_buf_take_text(&buf);
    bool is_described = conn->subject != NULL && list_sans(conn, cert, &buf);
    if (is_described && conn->identity == NULL) {
        cfl_tls_append_common_name(&buf, cert);
        conn->identity = cfl_buf_take_text(&buf);
        is_described = conn->identity != NULL;
    }
    cfl_buf_done(&buf);
    ERR_clear_error();
    if (!is_described) {
        return cfl_error_no_memory(reterr);
    }
    peer->cert_subject = conn->subject;
    peer->cert_identity = conn->identity;
    peer->cert_sans = (const char *const *)conn->sans;
    peer->cert_san_count = conn->san_count;
    return CFLIGHT_OK;
}
