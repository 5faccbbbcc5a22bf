/* SPDX-License-Identifier: Apache-2.0 */
/* What the contexts of clients and servers share: how OpenSSL is used, and the use of key pairs and
 * trust anchors. No renegotiation, no compression (RFC 9113 9.2). Thread class: one at a time,
 * until the context is in use. */
#include "net/openssl/internal.h"

#include "base/error.h"

enum {
    READ_BUFFER_BYTES = 16384, /* ciphertext taken from the socket at a time */
    CLIENT_CA_NAMES_MAX =
        64, /* that a server sends as a hint to clients with several certificates */
};

const uint8_t cfl_tls_alpn_h2[3] = {2, 'h', '2'};

cflight_status cfl_tls_context_new(bool is_server, SSL_CTX **ret_ctx, cflight_error **reterr)
{
    ERR_clear_error();
    if (!cfl_tls_socket_prepare()) {
        return cfl_error_no_memory(reterr);
    }
    SSL_CTX *ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (ctx == NULL) {
        return cfl_tls_library_error(reterr, CFLIGHT_INTERNAL, "cannot make a TLS context");
    }
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                       SSL_OP_ENABLE_KTLS | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_PRIORITIZE_CHACHA);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    /* Otherwise one read goes on for as long as handshake messages come. */
    (void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_msg_callback(ctx, cfl_tls_flood_count);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, READ_BUFFER_BYTES);
    SSL_CTX_set_cert_verify_callback(ctx, cfl_tls_verify_peer, NULL);
    *ret_ctx = ctx;
    return CFLIGHT_OK;
}

cflight_status cfl_tls_context_use_key_pair(SSL_CTX *ctx, const struct cfl_tls_key_pair *pair,
                                            const char *what, cflight_error **reterr)
{
    STACK_OF(X509) *certs = NULL;
    EVP_PKEY *key = NULL;
    cflight_status status = cfl_tls_read_certificates(pair->cert_chain_pem, what, &certs, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    status = cfl_tls_read_private_key(pair->private_key_pem, what, &key, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    if (X509_check_private_key(sk_X509_value(certs, 0), key) != 1) {
        status =
            cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                              "%s: the private key does not match the first certificate", what);
        goto done;
    }
    bool is_taken = SSL_CTX_use_certificate(ctx, sk_X509_value(certs, 0)) == 1 &&
                    SSL_CTX_use_PrivateKey(ctx, key) == 1;
    for (int i = 1; i < sk_X509_num(certs); i++) {
        is_taken = is_taken && SSL_CTX_add1_chain_cert(ctx, sk_X509_value(certs, i)) == 1;
    }
    if (!is_taken) {
        status = cfl_tls_library_error(reterr, CFLIGHT_INVALID_ARGUMENT, what);
    }

done:
    EVP_PKEY_free(key);
    sk_X509_pop_free(certs, X509_free);
    ERR_clear_error();
    return status;
}

/* Any of them may be an anchor, also one that another signed: whoever lists a certificate trusts
 * it. */
cflight_status cfl_tls_context_use_roots(SSL_CTX *ctx, struct cflight_bytes pem, const char *what,
                                         bool is_server, cflight_error **reterr)
{
    STACK_OF(X509) *certs = NULL;
    cflight_status status = cfl_tls_read_certificates(pem, what, &certs, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    int count = sk_X509_num(certs);
    for (int i = 0; i < count && status == CFLIGHT_OK; i++) {
        X509 *cert = sk_X509_value(certs, i);
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert) != 1 ||
            (is_server && count <= CLIENT_CA_NAMES_MAX && SSL_CTX_add_client_CA(ctx, cert) != 1)) {
            status = cfl_tls_library_error(reterr, CFLIGHT_INVALID_ARGUMENT, what);
        }
    }
    (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    sk_X509_pop_free(certs, X509_free);
    return status;
}
