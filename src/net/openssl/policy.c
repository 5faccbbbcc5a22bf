/* SPDX-License-Identifier: Apache-2.0 */
/* Versions, ciphers, strength of keys, and revocation: what a peer must be capable of. All of it is
 * set here, so that neither the OpenSSL that is linked nor its configuration decides.
 *
 * TLS 1.2 and 1.3, forward secrecy and AEAD ciphers only (RFC 9113 9.2). OpenSSL ignores names of
 * ciphers that it does not know; here they are errors. Thread class: one at a time, until the
 * context is in use. */
#include "net/openssl/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum {
    SECURITY_LEVEL = 2, /* 112 bits: RSA 2048, SHA-256 */
    NAME_BYTES_MAX = 64,
};

/* In order of preference: what is fastest, as all of them are strong. */
struct preference {
    const char *tls12_ciphers;
    const char *tls13_ciphers;
};
static const struct preference WITH_AES = {
    "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM+AES128:DHE+AESGCM:DHE+CHACHA20:!"
    "aNULL:!PSK",
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"};
static const struct preference WITHOUT_AES = {
    "ECDHE+CHACHA20:ECDHE+AESGCM+AES128:ECDHE+AESGCM:DHE+CHACHA20:DHE+AESGCM+AES128:DHE+AESGCM:!"
    "aNULL:!PSK",
    "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"};

/* Whether the processor lacks instructions for AES-GCM, which is several times slower than ChaCha20
 * then. OpenSSL tells what it found (OPENSSL_ia32cap(3): AES-NI is bit 57, PCLMULQDQ bit 33; for
 * ARM it is bit 2); of other processors nothing is known, and most of those that serve have it. */
static bool lacks_aes(void)
{
    static const struct {
        const char *name;
        uint64_t bits;
    } KINDS[] = {{"OPENSSL_ia32cap=", UINT64_C(1) << 57 | UINT64_C(1) << 33},
                 {"OPENSSL_armcap=", UINT64_C(1) << 2}};
    const char *settings = OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS);
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0] && settings != NULL; i++) {
        size_t name_bytes = strlen(KINDS[i].name);
        if (strncmp(settings, KINDS[i].name, name_bytes) == 0) {
            uint64_t found = strtoull(settings + name_bytes, NULL, 16);
            return (found & KINDS[i].bits) != KINDS[i].bits;
        }
    }
    return false;
}

/* Whether a name is among the ciphers of a context: those of TLS 1.3, or the older ones. */
static bool has_cipher(const SSL_CTX *ctx, const char *name, size_t name_bytes, bool is_tls13)
{
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(ctx);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
        const char *known = SSL_CIPHER_get_name(cipher);
        bool is_of_tls13 = strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") == 0;
        if (is_of_tls13 == is_tls13 && strlen(known) == name_bytes &&
            memcmp(known, name, name_bytes) == 0) {
            return true;
        }
    }
    return false;
}

static cflight_status refuse_cipher(const char *name, size_t name_bytes, bool is_tls13,
                                    cflight_error **reterr)
{
    int shown_bytes = name_bytes < NAME_BYTES_MAX ? (int)name_bytes : (int)NAME_BYTES_MAX;
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                             "'%.*s' is none of the ciphers that may be chosen for TLS 1.%d, such "
                             "as %s",
                             shown_bytes, name, is_tls13 ? 3 : 2,
                             is_tls13 ? "TLS_AES_256_GCM_SHA384" : "ECDHE-RSA-AES256-GCM-SHA384");
}

/* A list of names with colons between them. */
static cflight_status check_ciphers(const SSL_CTX *ctx, const char *list, bool is_tls13,
                                    cflight_error **reterr)
{
    for (const char *name = list;;) {
        size_t name_bytes = strcspn(name, ":");
        if (!has_cipher(ctx, name, name_bytes, is_tls13)) {
            return refuse_cipher(name, name_bytes, is_tls13, reterr);
        }
        if (name[name_bytes] == '\0') {
            return CFLIGHT_OK;
        }
        name += name_bytes + 1;
    }
}

static cflight_status use_ciphers(SSL_CTX *ctx, const struct cflight_tls_policy *policy,
                                  cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (policy->tls12_ciphers != NULL) {
        status = check_ciphers(ctx, policy->tls12_ciphers, false, reterr);
    }
    if (status == CFLIGHT_OK && policy->tls13_ciphers != NULL) {
        status = check_ciphers(ctx, policy->tls13_ciphers, true, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool is_set = (policy->tls12_ciphers == NULL ||
                   SSL_CTX_set_cipher_list(ctx, policy->tls12_ciphers) == 1) &&
                  (policy->tls13_ciphers == NULL ||
                   SSL_CTX_set_ciphersuites(ctx, policy->tls13_ciphers) == 1);
    return is_set ? CFLIGHT_OK
                  : cfl_tls_library_error(reterr, CFLIGHT_INVALID_ARGUMENT, "the ciphers of TLS");
}

static cflight_status use_min_version(SSL_CTX *ctx, enum cflight_tls_version version,
                                      cflight_error **reterr)
{
    int number = version == CFLIGHT_TLS_VERSION_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (version != CFLIGHT_TLS_VERSION_DEFAULT && version != CFLIGHT_TLS_VERSION_1_2 &&
        version != CFLIGHT_TLS_VERSION_1_3) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%d is no version of TLS; CFLIGHT_TLS_VERSION_1_2 and 1_3 are",
                                 (int)version);
    }
    if (SSL_CTX_set_min_proto_version(ctx, number) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1) {
        return cfl_tls_library_error(reterr, CFLIGHT_INTERNAL, "cannot set the versions of TLS");
    }
    return CFLIGHT_OK;
}

/* Every certificate of a chain is looked up, so a list of each issuer is needed. */
static cflight_status use_revocation_lists(SSL_CTX *ctx, struct cflight_bytes pem,
                                           int64_t *ret_until_s, cflight_error **reterr)
{
    static const char WHAT[] = "revocation lists";
    STACK_OF(X509_CRL) *lists = NULL;
    cflight_status status = cfl_tls_read_revocation_lists(pem, WHAT, &lists, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (int i = 0; i < sk_X509_CRL_num(lists) && status == CFLIGHT_OK; i++) {
        X509_CRL *list = sk_X509_CRL_value(lists, i);
        const ASN1_TIME *end = X509_CRL_get0_nextUpdate(list);
        if (end != NULL) {
            *ret_until_s = cfl_tls_earlier_s(*ret_until_s, end);
        }
        if (X509_STORE_add_crl(SSL_CTX_get_cert_store(ctx), list) != 1) {
            status = cfl_tls_library_error(reterr, CFLIGHT_INVALID_ARGUMENT, WHAT);
        }
    }
    (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx),
                                      X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    sk_X509_CRL_pop_free(lists, X509_CRL_free);
    return status;
}

cflight_status cfl_tls_context_use_policy(SSL_CTX *ctx, const struct cflight_tls_policy *policy,
                                          int64_t *ret_until_s, cflight_error **reterr)
{
    static const struct cflight_tls_policy DEFAULTS = {.min_version = CFLIGHT_TLS_VERSION_DEFAULT};
    policy = policy == NULL ? &DEFAULTS : policy;
    *ret_until_s = CFL_TIME_NEVER;
    const struct preference *preference = lacks_aes() ? &WITHOUT_AES : &WITH_AES;
    ERR_clear_error();
    SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
    if (SSL_CTX_set_cipher_list(ctx, preference->tls12_ciphers) != 1) {
        return cfl_tls_library_error(reterr, CFLIGHT_INTERNAL, "cannot set up a TLS context");
    }
    /* A preference: a restricted library may lack one. */
    (void)SSL_CTX_set_ciphersuites(ctx, preference->tls13_ciphers);
    cflight_status status = use_min_version(ctx, policy->min_version, reterr);
    if (status == CFLIGHT_OK) {
        status = use_ciphers(ctx, policy, reterr);
    }
    if (status == CFLIGHT_OK && policy->revocation_lists.len_bytes > 0) {
        status = use_revocation_lists(ctx, policy->revocation_lists, ret_until_s, reterr);
    }
    ERR_clear_error();
    return status;
}
