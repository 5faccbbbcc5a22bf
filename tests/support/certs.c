/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests, with libcrypto. */
#include "certs.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static void demand(bool is_good, const char *what)
{
    if (!is_good) {
        fprintf(stderr, "cannot make a test certificate: %s\n", what);
        abort();
    }
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    demand(extension != NULL && X509_add_ext(cert, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static void add_dns_name(X509 *cert, struct cflight_bytes name)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *entry = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    demand(names != NULL && entry != NULL && text != NULL &&
               ASN1_STRING_set(text, name.data, (int)name.len_bytes) == 1,
           "name");
    GENERAL_NAME_set0_value(entry, GEN_DNS, text);
    demand(sk_GENERAL_NAME_push(names, entry) > 0 &&
               X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND) == 1,
           "name");
    GENERAL_NAMES_free(names);
}

static void add_extensions(X509 *cert, X509 *issuer, const struct t_cert_options *options)
{
    add_extension(cert, issuer, NID_basic_constraints,
                  options->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(cert, issuer, NID_subject_key_identifier, "hash");
    if (options->is_ca) {
        add_extension(cert, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    } else {
        add_extension(cert, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
    }
    if (options->sans != NULL) {
        add_extension(cert, issuer, NID_subject_alt_name, options->sans);
    } else if (options->dns.len_bytes > 0) {
        add_dns_name(cert, options->dns);
    }
}

static void set_validity(X509 *cert, const struct t_cert_options *options)
{
    long from_s = options->is_future ? DAY_S : options->is_expired ? -2 * DAY_S : -HOUR_S;
    long valid_s = options->valid_s != 0 ? options->valid_s : 30 * DAY_S;
    long until_s = options->is_expired ? -HOUR_S : valid_s;
    demand(X509_gmtime_adj(X509_getm_notBefore(cert), from_s) != NULL &&
               X509_gmtime_adj(X509_getm_notAfter(cert), until_s) != NULL,
           "validity");
}

static void set_serial(X509 *cert)
{
    unsigned char random[8];
    BIGNUM *number = NULL;
    demand(RAND_bytes(random, sizeof random) == 1, "random number");
    random[0] &= 0x7f;
    number = BN_bin2bn(random, sizeof random, NULL);
    demand(number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL,
           "serial number");
    BN_free(number);
}

static char *text_of(BIO *bio)
{
    char *data = NULL;
    long len_bytes = BIO_get_mem_data(bio, &data);
    char *text = calloc(1, (size_t)len_bytes + 1);
    demand(text != NULL, "memory");
    memcpy(text, data, (size_t)len_bytes);
    BIO_free(bio);
    return text;
}

struct t_cert t_cert_new(const struct t_cert_options *options)
{
    struct t_cert made = {NULL, NULL, NULL, NULL};
    X509 *cert = X509_new();
    EVP_PKEY *key = options->is_rsa ? EVP_RSA_gen(options->rsa_bits == 0 ? 2048 : options->rsa_bits)
                                    : EVP_EC_gen("P-256");
    demand(cert != NULL && key != NULL, "key");
    X509 *issuer = options->issuer == NULL ? cert : options->issuer->cert;
    EVP_PKEY *issuer_key = options->issuer == NULL ? key : options->issuer->key;
    X509_NAME *name = X509_get_subject_name(cert);
    demand(X509_set_version(cert, options->is_v1 ? X509_VERSION_1 : X509_VERSION_3) == 1,
           "version");
    demand(X509_NAME_add_entry_by_txt(
               name, "CN", MBSTRING_UTF8, (const unsigned char *)options->common_name,
               options->common_name_bytes == 0 ? -1 : options->common_name_bytes, -1, 0) == 1,
           "name");
    demand(X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1, "issuer");
    demand(X509_set_pubkey(cert, key) == 1, "public key");
    set_serial(cert);
    set_validity(cert, options);
    if (!options->is_v1) {
        add_extensions(cert, issuer, options);
    }
    demand(X509_sign(cert, issuer_key, EVP_sha256()) > 0, "signature");

    BIO *cert_bio = BIO_new(BIO_s_mem());
    BIO *key_bio = BIO_new(BIO_s_mem());
    demand(PEM_write_bio_X509(cert_bio, cert) == 1, "certificate text");
    demand((options->is_rsa
                ? PEM_write_bio_PrivateKey_traditional(key_bio, key, NULL, NULL, 0, NULL, NULL)
                : PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL)) == 1,
           "key text");
    made.cert_pem = text_of(cert_bio);
    made.key_pem = text_of(key_bio);
    made.cert = cert;
    made.key = key;
    return made;
}

char *t_revocation_list(const struct t_cert *ca, const struct t_cert *revoked, long valid_s)
{
    X509_CRL *list = X509_CRL_new();
    BIO *bio = BIO_new(BIO_s_mem());
    ASN1_TIME *from = X509_gmtime_adj(NULL, -DAY_S);
    ASN1_TIME *until = X509_gmtime_adj(NULL, valid_s);
    demand(list != NULL && bio != NULL && from != NULL && until != NULL, "revocation list");
    demand(X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
               X509_CRL_set_issuer_name(list, X509_get_subject_name(ca->cert)) == 1 &&
               X509_CRL_set1_lastUpdate(list, from) == 1 &&
               X509_CRL_set1_nextUpdate(list, until) == 1,
           "revocation list");
    if (revoked != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();
        demand(entry != NULL &&
                   X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->cert)) ==
                       1 &&
                   X509_REVOKED_set_revocationDate(entry, from) == 1 &&
                   X509_CRL_add0_revoked(list, entry) == 1,
               "revoked certificate");
    }
    demand(X509_CRL_sign(list, ca->key, EVP_sha256()) > 0 && PEM_write_bio_X509_CRL(bio, list) == 1,
           "revocation list");
    ASN1_TIME_free(until);
    ASN1_TIME_free(from);
    X509_CRL_free(list);
    return text_of(bio);
}

void t_cert_done(struct t_cert *cert)
{
    free(cert->cert_pem);
    free(cert->key_pem);
    X509_free(cert->cert);
    EVP_PKEY_free(cert->key);
    memset(cert, 0, sizeof *cert);
}

struct cflight_bytes t_cert_pem(const struct t_cert *cert)
{
    return cflight_bytes_from_text(cert->cert_pem);
}

struct cflight_bytes t_key_pem(const struct t_cert *cert)
{
    return cflight_bytes_from_text(cert->key_pem);
}
