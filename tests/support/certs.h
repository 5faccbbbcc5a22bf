/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_CERTS_H
#define CFLIGHT_TESTS_CERTS_H

#include <stdbool.h>

#include "cflight/bytes.h"

/* Certificates for tests, made when they are needed: nothing in the tree expires. */

struct t_cert {
    char *cert_pem;
    char *key_pem;
    void *cert; /* X509 */
    void *key;  /* EVP_PKEY */
};

struct t_cert_options {
    const char *common_name;
    int common_name_bytes;    /* 0: up to the zero byte */
    struct cflight_bytes dns; /* a subject alternative name of any bytes, if there are no `sans` */
    const char *sans;         /* as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1"; NULL: none */
    const struct t_cert *issuer; /* NULL: signs itself */
    bool is_ca;
    bool is_v1;            /* X.509 version 1, which has no extensions at all */
    bool is_rsa;           /* RSA with its key in PKCS#1; otherwise P-256 in PKCS#8 */
    unsigned int rsa_bits; /* 0: 2048 */
    bool is_expired;       /* since an hour ago */
    bool is_future;        /* valid from tomorrow */
    long valid_s;          /* from now; 0: a month */
};

/* Ends the program when OpenSSL fails. */
struct t_cert t_cert_new(const struct t_cert_options *options);
void t_cert_done(struct t_cert *cert);
/* The revocation list of an authority, PEM, to be freed: it has run out after `valid_s` from now,
 * and names `revoked`, which may be NULL. */
char *t_revocation_list(const struct t_cert *ca, const struct t_cert *revoked, long valid_s);
struct cflight_bytes t_cert_pem(const struct t_cert *cert);
struct cflight_bytes t_key_pem(const struct t_cert *cert);

#endif /* CFLIGHT_TESTS_CERTS_H */
