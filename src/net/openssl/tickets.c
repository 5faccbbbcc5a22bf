/* SPDX-License-Identifier: Apache-2.0 */
/* Session tickets of a server. The keys that seal them are ours and change, so that whoever gets
 * hold of one reads little of what was resumed (TLS 1.2), and they outlive a reload only when that
 * changed nothing. A ticket says until when it may be resumed, which its successors inherit: coming
 * back often makes nobody stay longer than a full handshake would have let him. Thread class: free.
 */
#include "net/openssl/internal.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "base/alloc.h"
#include "base/error.h"

enum {
    NAME_BYTES = 16, /* as OpenSSL has it */
    KEY_BYTES = 32,
    ROTATION_S = 12 * 60 * 60, /* a key seals as long, and opens as long again */
};

struct ticket_key {
    int64_t made_s;
    uint8_t name[NAME_BYTES];
    uint8_t cipher_key[KEY_BYTES];
    uint8_t mac_key[KEY_BYTES];
    bool is_there;
};

struct cfl_tls_ticket_keys {
    const struct cflight_allocator *alloc;
    struct cfl_refcount refcount;
    pthread_mutex_t mutex;
    struct {
        struct ticket_key current;
        struct ticket_key previous;
    } locked;
};

struct cfl_tls_ticket_keys *cfl_tls_ticket_keys_new(const struct cflight_allocator *alloc)
{
    struct cfl_tls_ticket_keys *keys = cfl_alloc_zeroed(alloc, sizeof *keys);
    if (keys != NULL) {
        keys->alloc = alloc;
        cfl_refcount_init(&keys->refcount);
        (void)pthread_mutex_init(&keys->mutex, NULL);
    }
    return keys;
}

struct cfl_tls_ticket_keys *cfl_tls_ticket_keys_ref(struct cfl_tls_ticket_keys *keys)
{
    cfl_refcount_up(&keys->refcount);
    return keys;
}

void cfl_tls_ticket_keys_unref(struct cfl_tls_ticket_keys *keys)
{
    if (keys == NULL || !cfl_refcount_down(&keys->refcount)) {
        return;
    }
    (void)pthread_mutex_destroy(&keys->mutex);
    OPENSSL_cleanse(&keys->locked, sizeof keys->locked);
    cfl_free(keys->alloc, keys, sizeof *keys);
}

/* A key is as good as made now when the clock was put back. */
static bool is_older_than(struct ticket_key *key, int64_t now_s, int64_t age_s)
{
    if (key->made_s > now_s) {
        key->made_s = now_s;
    }
    return now_s - key->made_s >= age_s;
}

static void forget(struct ticket_key *key)
{
    OPENSSL_cleanse(key, sizeof *key);
}

static void rotate_locked(struct cfl_tls_ticket_keys *keys, int64_t now_s)
{
    struct ticket_key *current = &keys->locked.current;
    struct ticket_key *previous = &keys->locked.previous;
    if (current->is_there && is_older_than(current, now_s, ROTATION_S)) {
        *previous = *current;
        forget(current);
    }
    if (previous->is_there && is_older_than(previous, now_s, 2 * (int64_t)ROTATION_S)) {
        forget(previous);
    }
}

static bool make_key(struct ticket_key *key, int64_t now_s)
{
    key->made_s = now_s;
    key->is_there = RAND_bytes(key->name, sizeof key->name) == 1 &&
                    RAND_priv_bytes(key->cipher_key, sizeof key->cipher_key) == 1 &&
                    RAND_priv_bytes(key->mac_key, sizeof key->mac_key) == 1;
    return key->is_there;
}

/* The key to seal with, or the one of this name. False when there is none. */
static bool find_key(struct cfl_tls_ticket_keys *keys, int64_t now_s, bool is_sealing,
                     const uint8_t *name, struct ticket_key *ret_key, bool *ret_is_current)
{
    bool is_found = false;
    (void)pthread_mutex_lock(&keys->mutex);
    struct ticket_key *current = &keys->locked.current;
    struct ticket_key *previous = &keys->locked.previous;
    rotate_locked(keys, now_s);
    if (is_sealing) {
        is_found = current->is_there || make_key(current, now_s);
        *ret_is_current = true;
    } else {
        *ret_is_current = current->is_there && memcmp(current->name, name, NAME_BYTES) == 0;
        is_found = *ret_is_current ||
                   (previous->is_there && memcmp(previous->name, name, NAME_BYTES) == 0);
    }
    if (is_found) {
        *ret_key = *ret_is_current ? *current : *previous;
    }
    (void)pthread_mutex_unlock(&keys->mutex);
    return is_found;
}

static bool use_key(struct ticket_key *key, uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                    bool is_sealing)
{
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac_key, sizeof key->mac_key),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    if (is_sealing && RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) {
        return false;
    }
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher_key, iv, is_sealing) ==
               1 &&
           EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

/* 0: the key is unknown, so there will be a full handshake; 2: and a new ticket shall be made. */
static int choose_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                      EVP_MAC_CTX *mac, int is_sealing)
{
    const struct cfl_tls_conn *conn = SSL_get_app_data(ssl);
    struct ticket_key key;
    bool is_current = false;
    if (!find_key(conn->set->ticket_keys, cfl_tls_now_s(conn->set->wall_clock), is_sealing != 0,
                  name, &key, &is_current)) {
        return 0;
    }
    if (is_sealing != 0) {
        memcpy(name, key.name, NAME_BYTES);
    }
    bool is_used = use_key(&key, iv, cipher, mac, is_sealing != 0);
    forget(&key);
    if (!is_used) {
        return -1;
    }
    return is_current && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

/* Writes into the ticket until when it may be resumed. */
static int mark_ticket(SSL *ssl, void *user_data)
{
    struct cfl_tls_conn *conn = SSL_get_app_data(ssl);
    (void)user_data;
    if (conn->resumable_until_s == 0) {
        conn->resumable_until_s = cfl_tls_resumable_until_s(conn, NULL); /* no certificate */
    }
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &conn->resumable_until_s,
                                           sizeof conn->resumable_until_s);
}

static SSL_TICKET_RETURN judge_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                      size_t name_bytes, SSL_TICKET_STATUS ticket, void *user_data)
{
    struct cfl_tls_conn *conn = SSL_get_app_data(ssl);
    void *data = NULL;
    size_t len_bytes = 0;
    int64_t until_s = 0;
    (void)name;
    (void)name_bytes;
    (void)user_data;
    if (ticket != SSL_TICKET_SUCCESS && ticket != SSL_TICKET_SUCCESS_RENEW) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    if (SSL_SESSION_get0_ticket_appdata(session, &data, &len_bytes) != 1 ||
        len_bytes != sizeof until_s) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    memcpy(&until_s, data, sizeof until_s);
    if (cfl_tls_now_s(conn->set->wall_clock) >= until_s) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    conn->resumable_until_s = until_s;
    return ticket == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

bool cfl_tls_tickets_prepare(SSL_CTX *ctx)
{
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, choose_key) == 1 &&
           SSL_CTX_set_session_ticket_cb(ctx, mark_ticket, judge_ticket, NULL) == 1;
}
