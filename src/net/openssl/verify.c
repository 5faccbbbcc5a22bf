/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of the peer's certificate: the chain by OpenSSL, then the name by names.c. A refusal
 * is written down in the connection, because the message must name both sides. Thread class: one at
 * a time, within the handshake of the connection. */
#include "net/openssl/internal.h"

enum { MESSAGE_SANS_MAX = 8 }; /* names of a certificate that an error lists */

/* Says for whom a certificate is, and for whom not. */
static void describe_mismatch(struct cfl_tls_conn *conn, X509 *cert)
{
    struct cfl_buf *text = &conn->refusal;
    GENERAL_NAMES *sans = cfl_tls_alternative_names(cert);
    int count = sans == NULL ? 0 : sk_GENERAL_NAME_num(sans);
    (void)cfl_buf_append_text(text, "certificate is for ");
    if (count == 0) {
        (void)cfl_buf_append_text(text, "CN:");
        cfl_tls_append_common_name(text, cert);
        if (!conn->client->allow_common_name) {
            (void)cfl_buf_append_text(text,
                                      " without a subject alternative name, which alone counts");
        }
    }
    for (int i = 0; i < count && i < MESSAGE_SANS_MAX; i++) {
        (void)cfl_buf_append_text(text, i > 0 ? ", " : "");
        if (!cfl_tls_append_san(text, sk_GENERAL_NAME_value(sans, i))) {
            (void)cfl_buf_append_text(text, "another kind of name");
        }
    }
    if (count > MESSAGE_SANS_MAX) {
        (void)cfl_buf_append_format(text, " and %d more", count - MESSAGE_SANS_MAX);
    }
    (void)cfl_buf_append_format(text, ", not for '%s'", conn->name);
    (void)cfl_buf_append_u8(text, 0);
    GENERAL_NAMES_free(sans);
}

static void describe_refusal(struct cfl_tls_conn *conn, X509_STORE_CTX *store)
{
    struct cfl_buf *text = &conn->refusal;
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    (void)cfl_buf_append_format(text, "certificate %s%s%s is not valid: %s",
                                conn->client != NULL ? "for '" : "of the client",
                                conn->client != NULL ? conn->name : "",
                                conn->client != NULL ? "'" : "",
                                X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    if (cert != NULL) {
        (void)cfl_buf_append_text(text, " (subject \"");
        cfl_tls_append_subject(text, cert);
        (void)cfl_buf_append_text(text, "\")");
    }
    (void)cfl_buf_append_u8(text, 0);
}

int cfl_tls_verify_peer(X509_STORE_CTX *store, void *user_data)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct cfl_tls_conn *conn = SSL_get_app_data(ssl);
    (void)user_data;
    if (conn->client != NULL && conn->client->skip_verification) {
        conn->resumable_until_s = cfl_tls_resumable_until_s(conn, NULL);
        return 1;
    }
    cfl_buf_clear(&conn->refusal);
    const struct cfl_clock *wall_clock =
        conn->client != NULL ? conn->client->wall_clock : conn->set->wall_clock;
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(store), cfl_tls_now_s(wall_clock));
    if (X509_verify_cert(store) != 1) {
        describe_refusal(conn, store);
        return 0;
    }
    X509 *cert = X509_STORE_CTX_get0_cert(store);
    if (conn->client != NULL &&
        !cfl_tls_is_certificate_for(cert, conn->name, conn->client->allow_common_name)) {
        describe_mismatch(conn, cert);
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
    }
    conn->resumable_until_s = cfl_tls_resumable_until_s(conn, X509_STORE_CTX_get0_chain(store));
    return 1;
}
