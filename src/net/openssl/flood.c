/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that keep OpenSSL busy. It would answer handshake messages for as long as they come (key
 * updates, requests to renegotiate, tickets), within one call and under the lock of the connection.
 * So a call reads a bounded number of bytes, then the caller looks around; and messages are
 * counted, in the handshake as well: no honest peer sends many. Thread class: one at a time. */
#include "net/openssl/internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log_limit.h"

enum { CALL_BYTES_MAX = 65536 }; /* several records of the largest size */

void cfl_tls_flood_begin(struct cfl_tls_conn *conn)
{
    conn->readable_bytes = CALL_BYTES_MAX;
}

void cfl_tls_flood_count(int is_write, int version, int content_type, const void *data,
                         size_t len_bytes, SSL *ssl, void *user_data)
{
    struct cfl_tls_conn *conn = SSL_get_app_data(ssl);
    (void)version;
    (void)data;
    (void)len_bytes;
    (void)user_data;
    if (is_write != 0 || content_type != SSL3_RT_HANDSHAKE || conn == NULL || conn->is_flooding) {
        return;
    }
    int64_t now_ns = cfl_clock_now_ns(NULL);
    if (now_ns - conn->messages_since_ns >= CFL_NS_PER_S) {
        conn->messages_since_ns = now_ns;
        conn->message_count = 0;
    }
    conn->message_count++;
    if (conn->message_count > cfl_limits_default.tls_messages_max) {
        conn->is_flooding = true;
        CFL_LOG_LIMITED(CFLIGHT_LOG_WARN, "net",
                        "%s: the peer sent more than %u handshake messages within a second",
                        conn->peer_name, cfl_limits_default.tls_messages_max);
        /* OpenSSL takes no further record, also of those that it has read already. */
        SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
    }
}
