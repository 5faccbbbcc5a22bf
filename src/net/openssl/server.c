/* SPDX-License-Identifier: Apache-2.0 */
/* The contexts of a server, one per key pair: a set that cannot change, which its connections share
 * and a reload replaces. The choice among them is by SNI.
 *
 * A server keeps no sessions: its tickets are sealed with keys of the set, so a reload that changes
 * anything makes the old ones worthless. ALPN is "h2" or there is no connection (RFC 9113 3.2).
 * Thread class: free. */
#include "net/openssl/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

static const uint8_t SESSION_CONTEXT[] = "cflight";

struct cfl_tls_server {
    const struct cflight_allocator *alloc;
    pthread_mutex_t mutex;
    struct {
        struct cfl_tls_server_set *set;
    } locked;
};

/* ---- the set ---- */

void cfl_tls_server_set_unref(struct cfl_tls_server_set *set)
{
    if (set == NULL || !cfl_refcount_down(&set->refcount)) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        SSL_CTX_free(set->contexts[i]);
    }
    cfl_tls_ticket_keys_unref(set->ticket_keys);
    cfl_free(set->alloc, set, sizeof *set + set->count * sizeof set->contexts[0]);
}

/* SNI: the first key pair that has a certificate for the name, else the first (RFC 6066 3). */
static int choose_key_pair(SSL *ssl, int *alert, void *user_data)
{
    struct cfl_tls_server_set *set = user_data;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    for (size_t i = 0; name != NULL && i < set->count; i++) {
        if (cfl_tls_is_certificate_for(SSL_CTX_get0_certificate(set->contexts[i]), name, true)) {
            (void)SSL_set_SSL_CTX(ssl, set->contexts[i]);
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

static int choose_protocol(SSL *ssl, const unsigned char **ret_protocol,
                           unsigned char *ret_protocol_bytes, const unsigned char *offered,
                           unsigned int offered_bytes, void *user_data)
{
    unsigned char *chosen = NULL;
    (void)ssl;
    (void)user_data;
    if (SSL_select_next_proto(&chosen, ret_protocol_bytes, cfl_tls_alpn_h2, sizeof cfl_tls_alpn_h2,
                              offered, offered_bytes) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *ret_protocol = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* A client that offers no protocol at all is refused like one that offers others (RFC 7301 3.2). */
static int demand_alpn(SSL *ssl, int *alert, void *user_data)
{
    const unsigned char *extension = NULL;
    size_t extension_bytes = 0;
    (void)user_data;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
                                  &extension, &extension_bytes) != 1) {
        *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
        return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

static cflight_status configure_server(struct cfl_tls_server_set *set, SSL_CTX *ctx,
                                       const struct cfl_tls_server_options *options, size_t index,
                                       cflight_error **reterr)
{
    int mode = SSL_VERIFY_NONE;
    char what[48];
    (void)snprintf(what, sizeof what, "server certificate and key %zu", index + 1);
    cflight_status status =
        cfl_tls_context_use_policy(ctx, options->policy, &set->lists_until_s, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_tls_context_use_key_pair(
        ctx, &options->key_pairs[index],
        options->key_pair_count > 1 ? what : "server certificate and key", reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (options->client_auth != CFL_TLS_CLIENT_AUTH_NONE) {
        mode = SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE;
        status = cfl_tls_context_use_roots(ctx, options->client_roots_pem,
                                           "root certificates for clients", true, reterr);
    }
    if (options->client_auth == CFL_TLS_CLIENT_AUTH_REQUIRED) {
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    if (!cfl_tls_tickets_prepare(ctx)) {
        return cfl_error_no_memory(reterr);
    }
    SSL_CTX_set_verify(ctx, mode, NULL);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    SSL_CTX_set_client_hello_cb(ctx, demand_alpn, NULL);
    (void)SSL_CTX_set_tlsext_servername_callback(ctx, choose_key_pair);
    (void)SSL_CTX_set_tlsext_servername_arg(ctx, set);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_session_id_context(ctx, SESSION_CONTEXT, sizeof SESSION_CONTEXT);
    return status;
}

static bool add_to_digest(EVP_MD_CTX *digest, struct cflight_bytes text)
{
    return EVP_DigestUpdate(digest, &text.len_bytes, sizeof text.len_bytes) == 1 &&
           EVP_DigestUpdate(digest, text.data, text.len_bytes) == 1;
}

/* Two sets with one digest present and demand the same. */
static bool make_digest(const struct cfl_tls_server_options *options,
                        uint8_t ret_digest[CFL_TLS_DIGEST_BYTES])
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_made =
        digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
        EVP_DigestUpdate(digest, &options->client_auth, sizeof options->client_auth) == 1 &&
        add_to_digest(digest, options->client_roots_pem);
    const struct cflight_tls_policy *policy = options->policy;
    if (policy != NULL) {
        is_made = is_made && add_to_digest(digest, policy->revocation_lists) &&
                  EVP_DigestUpdate(digest, &policy->min_version, sizeof policy->min_version) == 1 &&
                  add_to_digest(digest, cflight_bytes_from_text(policy->tls12_ciphers)) &&
                  add_to_digest(digest, cflight_bytes_from_text(policy->tls13_ciphers));
    }
    for (size_t i = 0; i < options->key_pair_count && is_made; i++) {
        is_made = add_to_digest(digest, options->key_pairs[i].cert_chain_pem);
    }
    is_made = is_made && EVP_DigestFinal_ex(digest, ret_digest, NULL) == 1;
    EVP_MD_CTX_free(digest);
    return is_made;
}

/* The ticket keys of the set before, when it was the same; `before` may be NULL. */
static bool choose_ticket_keys(struct cfl_tls_server_set *set,
                               const struct cfl_tls_server_options *options,
                               const struct cfl_tls_server_set *before)
{
    if (!make_digest(options, set->digest)) {
        return false;
    }
    bool is_same = before != NULL && memcmp(before->digest, set->digest, sizeof set->digest) == 0;
    set->ticket_keys = is_same ? cfl_tls_ticket_keys_ref(before->ticket_keys)
                               : cfl_tls_ticket_keys_new(set->alloc);
    return set->ticket_keys != NULL;
}

static cflight_status new_set(const struct cflight_allocator *alloc,
                              const struct cfl_tls_server_options *options,
                              const struct cfl_tls_server_set *before,
                              struct cfl_tls_server_set **ret_set, cflight_error **reterr)
{
    size_t count = options->key_pair_count;
    cflight_status status = CFLIGHT_OK;
    if (count == 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "a TLS server needs a certificate and key");
    }
    if (options->client_auth != CFL_TLS_CLIENT_AUTH_NONE &&
        options->client_roots_pem.len_bytes == 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "verifying clients needs root certificates for them");
    }
    if (count > (SIZE_MAX - sizeof(struct cfl_tls_server_set)) / sizeof(SSL_CTX *)) {
        return cfl_error_no_memory(reterr);
    }
    struct cfl_tls_server_set *set =
        cfl_alloc_zeroed(alloc, sizeof *set + count * sizeof set->contexts[0]);
    if (set == NULL) {
        return cfl_error_no_memory(reterr);
    }
    set->alloc = alloc;
    set->count = count;
    set->wall_clock = options->wall_clock;
    cfl_refcount_init(&set->refcount);
    if (!choose_ticket_keys(set, options, before)) {
        status = cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < count && status == CFLIGHT_OK; i++) {
        status = cfl_tls_context_new(true, &set->contexts[i], reterr);
        if (status == CFLIGHT_OK) {
            status = configure_server(set, set->contexts[i], options, i, reterr);
        }
    }
    if (status != CFLIGHT_OK) {
        cfl_tls_server_set_unref(set);
        return status;
    }
    *ret_set = set;
    return CFLIGHT_OK;
}

/* ---- the server ---- */

cflight_status cfl_tls_server_new(const struct cflight_allocator *alloc,
                                  const struct cfl_tls_server_options *options,
                                  struct cfl_tls_server **ret_tls, cflight_error **reterr)
{
    struct cfl_tls_server *tls = cfl_alloc_zeroed(alloc, sizeof *tls);
    if (tls == NULL) {
        return cfl_error_no_memory(reterr);
    }
    tls->alloc = alloc;
    (void)pthread_mutex_init(&tls->mutex, NULL);
    cflight_status status = new_set(alloc, options, NULL, &tls->locked.set, reterr);
    if (status != CFLIGHT_OK) {
        cfl_tls_server_free(tls);
        return status;
    }
    *ret_tls = tls;
    return CFLIGHT_OK;
}

void cfl_tls_server_free(struct cfl_tls_server *tls)
{
    if (tls == NULL) {
        return;
    }
    cfl_tls_server_set_unref(tls->locked.set);
    (void)pthread_mutex_destroy(&tls->mutex);
    cfl_free(tls->alloc, tls, sizeof *tls);
}

cflight_status cfl_tls_server_reload(struct cfl_tls_server *tls,
                                     const struct cfl_tls_server_options *options,
                                     cflight_error **reterr)
{
    struct cfl_tls_server_set *set = NULL;
    struct cfl_tls_server_set *before = cfl_tls_server_current_set(tls);
    cflight_status status = new_set(tls->alloc, options, before, &set, reterr);
    cfl_tls_server_set_unref(before);
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&tls->mutex);
    struct cfl_tls_server_set *old = tls->locked.set;
    tls->locked.set = set;
    (void)pthread_mutex_unlock(&tls->mutex);
    cfl_tls_server_set_unref(old);
    return CFLIGHT_OK;
}

struct cfl_tls_server_set *cfl_tls_server_current_set(struct cfl_tls_server *tls)
{
    (void)pthread_mutex_lock(&tls->mutex);
    struct cfl_tls_server_set *set = tls->locked.set;
    cfl_refcount_up(&set->refcount);
    (void)pthread_mutex_unlock(&tls->mutex);
    return set;
}
