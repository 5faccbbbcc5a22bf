/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys from PEM. Private keys pass to OpenSSL through memory that is wiped, and no
 * text here quotes PEM. Thread class: free. */
#include "net/openssl/internal.h"

#include <limits.h>
#include <string.h>

#include "base/error.h"

static int no_password(char *buffer, int size_bytes, int is_writing, void *user_data)
{
    (void)buffer;
    (void)size_bytes;
    (void)is_writing;
    (void)user_data;
    return -1; /* otherwise OpenSSL would ask on the terminal */
}

static bool bytes_contain(const uint8_t *data, size_t len_bytes, const char *text)
{
    size_t text_bytes = strlen(text);
    for (size_t i = 0; i + text_bytes <= len_bytes; i++) {
        if (memcmp(data + i, text, text_bytes) == 0) {
            return true;
        }
    }
    return false;
}

/* A block that begins and does not end. */
static bool is_cut_short(struct cflight_bytes pem)
{
    static const char BEGIN[] = "-----BEGIN ";
    size_t last = SIZE_MAX;
    for (size_t i = 0; i + sizeof BEGIN - 1 <= pem.len_bytes; i++) {
        if (memcmp(pem.data + i, BEGIN, sizeof BEGIN - 1) == 0) {
            last = i;
        }
    }
    return last != SIZE_MAX && !bytes_contain(pem.data + last, pem.len_bytes - last, "-----END ");
}

static cflight_status bad_pem(cflight_error **reterr, struct cflight_bytes pem, const char *what,
                              const char *kind)
{
    unsigned long code = ERR_peek_last_error();
    int reason = ERR_GET_REASON(code);
    if (reason == ERR_R_MALLOC_FAILURE) {
        return cfl_error_no_memory(reterr);
    }
    if (is_cut_short(pem)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: the PEM text is cut short",
                                 what);
    }
    if (ERR_GET_LIB(code) == ERR_LIB_PEM && reason == PEM_R_NO_START_LINE) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%s: there is no %s in the PEM text", what, kind);
    }
    if (ERR_GET_LIB(code) == ERR_LIB_PEM && reason == PEM_R_BAD_PASSWORD_READ) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: the key is encrypted",
                                 what);
    }
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: the PEM text is damaged: %s",
                             what, text == NULL ? "unreadable" : text);
}

static cflight_status open_pem(struct cflight_bytes pem, const char *what, BIO **ret_bio,
                               cflight_error **reterr)
{
    ERR_clear_error();
    if (pem.len_bytes > INT_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: the PEM text is too long",
                                 what);
    }
    *ret_bio =
        BIO_new_mem_buf(pem.len_bytes == 0 ? "" : (const void *)pem.data, (int)pem.len_bytes);
    return *ret_bio == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}

/* After the last of `count` blocks was read: that there was one, and no other thing behind it. */
static cflight_status check_end(struct cflight_bytes pem, int count, const char *what,
                                const char *kind, cflight_error **reterr)
{
    unsigned long code = ERR_peek_last_error();
    bool is_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    return is_end && count > 0 && !is_cut_short(pem) ? CFLIGHT_OK
                                                     : bad_pem(reterr, pem, what, kind);
}

cflight_status cfl_tls_read_certificates(struct cflight_bytes pem, const char *what,
                                         STACK_OF(X509) * *ret_certs, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    BIO *bio = NULL;
    X509 *cert = NULL;
    STACK_OF(X509) *certs = sk_X509_new_null();
    if (certs == NULL) {
        return cfl_error_no_memory(reterr);
    }
    status = open_pem(pem, what, &bio, reterr);
    while (status == CFLIGHT_OK &&
           (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
        if (sk_X509_push(certs, cert) == 0) {
            X509_free(cert);
            status = cfl_error_no_memory(reterr);
        }
    }
    if (status == CFLIGHT_OK) {
        status = check_end(pem, sk_X509_num(certs), what, "certificate", reterr);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (status != CFLIGHT_OK) {
        sk_X509_pop_free(certs, X509_free);
        return status;
    }
    *ret_certs = certs;
    return CFLIGHT_OK;
}

cflight_status cfl_tls_read_revocation_lists(struct cflight_bytes pem, const char *what,
                                             STACK_OF(X509_CRL) * *ret_lists,
                                             cflight_error **reterr)
{
    BIO *bio = NULL;
    X509_CRL *list = NULL;
    STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
    if (lists == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = open_pem(pem, what, &bio, reterr);
    while (status == CFLIGHT_OK &&
           (list = PEM_read_bio_X509_CRL(bio, NULL, no_password, NULL)) != NULL) {
        if (sk_X509_CRL_push(lists, list) == 0) {
            X509_CRL_free(list);
            status = cfl_error_no_memory(reterr);
        }
    }
    if (status == CFLIGHT_OK) {
        status = check_end(pem, sk_X509_CRL_num(lists), what, "revocation list (X509 CRL)", reterr);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (status != CFLIGHT_OK) {
        sk_X509_CRL_pop_free(lists, X509_CRL_free);
        return status;
    }
    *ret_lists = lists;
    return CFLIGHT_OK;
}

cflight_status cfl_tls_read_private_key(struct cflight_bytes pem, const char *what,
                                        EVP_PKEY **ret_key, cflight_error **reterr)
{
    BIO *bio = NULL;
    char *kind = NULL;
    unsigned char *der = NULL;
    long der_bytes = 0;
    EVP_PKEY *key = NULL;
    cflight_status status = open_pem(pem, what, &bio, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (PEM_bytes_read_bio_secmem(&der, &der_bytes, &kind, PEM_STRING_EVP_PKEY, bio, no_password,
                                  NULL) != 1) {
        status = bad_pem(reterr, pem, what, "private key");
        goto done;
    }
    if (strcmp(kind, PEM_STRING_PKCS8) == 0) {
        status =
            cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s: the key is encrypted", what);
        goto done;
    }
    const unsigned char *position = der;
    key = d2i_AutoPrivateKey(NULL, &position, der_bytes);
    if (key == NULL) {
        status = bad_pem(reterr, pem, what, "private key");
        goto done;
    }
    *ret_key = key;

done:
    if (der != NULL) {
        OPENSSL_cleanse(der, (size_t)der_bytes);
        OPENSSL_secure_free(der);
    }
    OPENSSL_secure_free(kind);
    BIO_free(bio);
    ERR_clear_error();
    return status;
}
