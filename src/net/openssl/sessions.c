/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions to resume, and for how long: not beyond the certificates that the full handshake saw,
 * since a resumption does not look at them. A client keeps the latest of each peer and name; a TLS
 * 1.3 session is used once (RFC 8446 C.4). Thread class: free. */
#include "net/openssl/internal.h"

#include <string.h>

#include <time.h>

#include "base/alloc.h"
#include "base/limits.h"

int64_t cfl_tls_now_s(const struct cfl_clock *wall_clock)
{
    return (wall_clock == NULL ? cfl_clock_wall_ns() : cfl_clock_now_ns(wall_clock)) / CFL_NS_PER_S;
}

int64_t cfl_tls_earlier_s(int64_t until_s, const ASN1_TIME *end)
{
    struct tm parts = {0};
    int64_t end_s = ASN1_TIME_to_tm(end, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
    return end_s < until_s ? end_s : until_s;
}

int64_t cfl_tls_resumable_until_s(const struct cfl_tls_conn *conn, STACK_OF(X509) * chain)
{
    const struct cfl_clock *wall_clock =
        conn->client != NULL ? conn->client->wall_clock : conn->set->wall_clock;
    int64_t until_s = cfl_tls_now_s(wall_clock) + cfl_limits_default.tls_session_s;
    int64_t lists_until_s =
        conn->client != NULL ? conn->client->lists_until_s : conn->set->lists_until_s;
    until_s = lists_until_s < until_s ? lists_until_s : until_s;
    for (int i = 0; i < sk_X509_num(chain); i++) { /* none for NULL */
        until_s = cfl_tls_earlier_s(until_s, X509_get0_notAfter(sk_X509_value(chain, i)));
    }
    return until_s;
}

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
    if (conn->resumable_until_s == 0) {
        return 0;
    }
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
    slot->resumable_until_s = conn->resumable_until_s;
    (void)pthread_mutex_unlock(&tls->mutex);
    free_session(tls, &replaced);
    return 1;
}

void cfl_tls_session_offer(struct cfl_tls_conn *conn)
{
    struct cfl_tls_client *tls = conn->client;
    struct cfl_tls_saved_session used = {.key = NULL};
    int64_t now_s = cfl_tls_now_s(tls->wall_clock);
    (void)pthread_mutex_lock(&tls->mutex);
    struct cfl_tls_saved_session *saved = find_session_locked(tls, conn->session_key);
    bool is_over = saved != NULL && now_s >= saved->resumable_until_s;
    if (saved != NULL && !is_over) {
        conn->resumable_until_s = saved->resumable_until_s;
        (void)SSL_set_session(conn->ssl, saved->session); /* takes a reference of its own */
    }
    if (saved != NULL &&
        (is_over || SSL_SESSION_get_protocol_version(saved->session) >= TLS1_3_VERSION)) {
        used = *saved;
        memset(saved, 0, sizeof *saved);
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
