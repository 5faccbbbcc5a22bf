/* SPDX-License-Identifier: Apache-2.0 */
/* Names in certificates: as text, and whether a certificate is for a name. This is decided here and
 * not by OpenSSL's own hook, because the common name may count only for a certificate without any
 * subject alternative name (RFC 6125 6.4, RFC 9110 4.3.4). Thread class: free. */
#include "net/openssl/internal.h"

#include <arpa/inet.h>
#include <string.h>

/* Appends text of a certificate, which a stranger wrote: what is not printable ASCII, and the
 * backslash, as \xx. */
static void append_escaped(struct cfl_buf *buf, const unsigned char *data, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        if (data[i] > 0x20 && data[i] < 0x7f && data[i] != '\\') {
            (void)cfl_buf_append_u8(buf, data[i]);
        } else {
            (void)cfl_buf_append_format(buf, "\\%02x", data[i]);
        }
    }
}

/* Appends an identity as it is, so that lists of allowed names work. One with a zero byte would be
 * cut there into another: it is escaped. */
static void append_identity(struct cfl_buf *buf, const unsigned char *data, size_t len_bytes)
{
    if (len_bytes > 0 && memchr(data, '\0', len_bytes) != NULL) {
        append_escaped(buf, data, len_bytes);
    } else {
        (void)cfl_buf_append(buf, data, len_bytes);
    }
}

bool cfl_tls_append_san_identity(struct cfl_buf *buf, const GENERAL_NAME *name)
{
    int kind = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    if (kind != GEN_DNS && kind != GEN_URI) {
        return false;
    }
    append_identity(buf, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    return true;
}

bool cfl_tls_append_san(struct cfl_buf *buf, const GENERAL_NAME *name)
{
    int kind = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    const char *scheme = kind == GEN_DNS ? "DNS:" : kind == GEN_URI ? "URI:" : "email:";
    if (kind == GEN_DNS || kind == GEN_URI || kind == GEN_EMAIL) {
        (void)cfl_buf_append_text(buf, scheme);
        append_escaped(buf, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
        return true;
    }
    if (kind == GEN_IPADD) {
        char text[INET6_ADDRSTRLEN] = "";
        int len_bytes = ASN1_STRING_length(value);
        if ((len_bytes == 4 || len_bytes == 16) &&
            inet_ntop(len_bytes == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), text,
                      sizeof text) != NULL) {
            (void)cfl_buf_append_format(buf, "IP:%s", text);
            return true;
        }
    }
    return false;
}

void cfl_tls_append_common_name(struct cfl_buf *buf, X509 *cert)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (index >= 0) {
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
        unsigned char *text = NULL;
        int len_bytes = ASN1_STRING_to_UTF8(&text, value);
        if (len_bytes >= 0) {
            append_identity(buf, text, (size_t)len_bytes);
        }
        OPENSSL_free(text);
    }
}

void cfl_tls_append_subject(struct cfl_buf *buf, X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (bio == NULL ||
        X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) < 0) {
        buf->failed = true;
    } else {
        long text_bytes = BIO_get_mem_data(bio, &text);
        (void)cfl_buf_append(buf, text, (size_t)text_bytes);
    }
    BIO_free(bio);
}

GENERAL_NAMES *cfl_tls_alternative_names(X509 *cert)
{
    return X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
}

size_t cfl_tls_parse_ip(const char *name, unsigned char ret_ip[16])
{
    if (inet_pton(AF_INET, name, ret_ip) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, name, ret_ip) == 1 ? 16 : 0;
}

/* Addresses match addresses only; the common name counts only where the caller allows it and the
 * certificate has no subject alternative name of any kind. */
bool cfl_tls_is_certificate_for(X509 *cert, const char *name, bool allow_common_name)
{
    unsigned char ip[16];
    size_t ip_bytes = cfl_tls_parse_ip(name, ip);
    if (ip_bytes > 0) {
        return X509_check_ip(cert, ip, ip_bytes, 0) == 1;
    }
    if (name[0] == '.' || name[0] == '\0') {
        return false; /* OpenSSL would take a leading dot for "any host below" */
    }
    bool has_sans = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) >= 0;
    unsigned int flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    if (has_sans || !allow_common_name) {
        flags |= X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    }
    return X509_check_host(cert, name, strlen(name), flags, NULL) == 1;
}
