/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions to resume: a client keeps the latest of each peer and name; a TLS 1.3 session is used
 * once (RFC 8446 C.4). Thread class: free. */
#include "net/openssl/internal.h"

#include <string.h>

#include "base/alloc.h"

static void free_session(const struct cfl_tls_client *tls,
                         const struct cfl_tls_saved_session *saved)
{
    cfl_strfree(tls->alloc, saved->key);
    SSL_SESSION_free(saved->session);
}

/* The slot of a key, or NULL. */
static struct cfl_tls_saved_session *find_session_locked(struct cfl_tls_client *tls,
                                                         const char *key)
{
    for (size_t i = 0; i < CFL_TLS_SESSIONS_MAX; i++) {
        struct cfl_tls_saved_session *saved = &tls->locked.sessions[i];
        if (saved->key != NULL && strcmp(saved->key, key) == 0) {
            return saved;
        }
    }
    return NULL;
}

/* An empty slot (age 0), else the one of the oldest session. */
static struct cfl_tls_saved_session *oldest_session_locked(struct cfl_tls_client *tls)
{
    struct cfl_tls_saved_session *oldest = &tls->locked.sessions[0];
    for (size_t i = 1; i < CFL_TLS_SESSIONS_MAX; i++) {
        if (tls->locked.sessions[i].age < oldest->age) {
            oldest = &tls->locked.sessions[i];
        }
    }
    return oldest;
}

/* OpenSSL offers a session that can be resumed. Returns 1 when it is kept. */
int cfl_tls_session_keep(SSL *ssl, SSL_SESSION *session)
{
    const struct cfl_tls_conn *conn = SSL_get_app_data(ssl);
    struct cfl_tls_client *tls = conn->client;
    char *key = cfl_strndup(tls->alloc, conn->session_key, strlen(conn->session_key));
    if (key == NULL) {
        return 0;
    }
    (void)pthread_mutex_lock(&tls->mutex);
    struct cfl_tls_saved_session *slot = find_session_locked(tls, key);
    if (slot == NULL) {
        slot = oldest_session_locked(tls);
    }
    struct cfl_tls_saved_session replaced = *slot;
    slot->key = key;
    slot->session = session;
    slot->age = ++tls->locked.last_age;
    (void)pthread_mutex_unlock(&tls->mutex);
    free_session(tls, &replaced);
    return 1;
}

void cfl_tls_session_offer(struct cfl_tls_conn *conn)
{
    struct cfl_tls_client *tls = conn->client;
    struct cfl_tls_saved_session used = {.key = NULL};
    (void)pthread_mutex_lock(&tls->mutex);
    struct cfl_tls_saved_session *saved = find_session_locked(tls, conn->session_key);
    if (saved != NULL) {
        (void)SSL_set_session(conn->ssl, saved->session); /* takes a reference of its own */
        if (SSL_SESSION_get_protocol_version(saved->session) >= TLS1_3_VERSION) {
            used = *saved;
            memset(saved, 0, sizeof *saved);
        }
    }
    (void)pthread_mutex_unlock(&tls->mutex);
    free_session(tls, &used);
}

void cfl_tls_sessions_free(struct cfl_tls_client *tls)
{
    for (size_t i = 0; i < CFL_TLS_SESSIONS_MAX; i++) {
        free_session(tls, &tls->locked.sessions[i]);
    }
}
