/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong, for people. OpenSSL's queue of errors belongs to the thread; it is cleared
 * before every operation that is judged by it. Thread class: free. */
#include "net/openssl/internal.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

cflight_status cfl_tls_library_error(cflight_error **reterr, cflight_status status,
                                     const char *what)
{
    unsigned long code = ERR_peek_error();
    if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
        return cfl_error_no_memory(reterr);
    }
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);
    return cflight_error_set(reterr, status, "%s: %s", what,
                             reason == NULL ? "TLS library error" : reason);
}

/* The address without its scheme. */
static const char *peer_text(const struct cfl_tls_conn *conn)
{
    const char *colon = strchr(conn->peer_name, ':');
    return colon == NULL || colon[1] == '\0' ? conn->peer_name : colon + 1;
}

/* What the reasons that users meet mean; NULL for others. */
static const char *explain_reason(int reason, bool is_server)
{
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_BAD_RECORD_TYPE:
        return "the peer does not speak TLS";
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        return is_server ? "the peer closed the connection; it may have refused the certificate, "
                           "or not speak TLS"
                         : "the peer closed the connection; it may not speak TLS on this port";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "no TLS version in common; this side speaks TLS 1.2 and 1.3";
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return "no cipher or other parameter in common";
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
    case SSL_R_CLIENTHELLO_TLSEXT:
    case SSL_R_CALLBACK_FAILED:
        return "the peer does not offer HTTP/2 (ALPN \"h2\")";
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "the peer sent no certificate, and one is required";
    default:
        return NULL;
    }
}

static void add_peer(cflight_error **reterr, const struct cfl_tls_conn *conn,
                     enum cflight_retry retry)
{
    if (reterr != NULL && *reterr != NULL) {
        cfl_error_set_peer(*reterr, conn->peer_name);
        cfl_error_set_retry(*reterr, retry);
    }
}

cflight_status cfl_tls_conn_error(struct cfl_tls_conn *conn, const char *what, int ssl_error,
                                  int os_code, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_UNAVAILABLE;
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);
    enum cflight_retry retry = conn->is_established ? CFLIGHT_RETRY_UNSAFE : CFLIGHT_RETRY_NEVER;
    conn->is_broken = true;
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING && !conn->is_established) {
        retry = CFLIGHT_RETRY_SAFE;
    }
    if (reason == ERR_R_MALLOC_FAILURE) {
        return cfl_error_no_memory(reterr);
    }
    if (conn->is_flooding) {
        status = cflight_error_set(reterr, status,
                                   "TLS %s %s failed: the peer sent more than %u handshake "
                                   "messages within a second",
                                   what, peer_text(conn), cfl_limits_default.tls_messages_max);
    } else if (conn->refusal.len_bytes > 0) {
        status = cflight_error_set(reterr, status, "TLS %s %s failed: %s", what, peer_text(conn),
                                   conn->refusal.failed ? "the certificate was refused"
                                                        : (const char *)conn->refusal.data);
    } else if (ssl_error == SSL_ERROR_SYSCALL && os_code != 0) {
        status =
            cfl_error_set_os(reterr, status, os_code, "TLS %s %s failed", what, peer_text(conn));
        retry = conn->is_established ? CFLIGHT_RETRY_UNSAFE : CFLIGHT_RETRY_SAFE;
    } else if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
               explain_reason(reason, conn->client == NULL) != NULL) {
        status = cflight_error_set(reterr, status, "TLS %s %s failed: %s", what, peer_text(conn),
                                   explain_reason(reason, conn->client == NULL));
    } else {
        bool is_alert = ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET;
        const char *text = code == 0 ? NULL : ERR_reason_error_string(code);
        status = cflight_error_set(reterr, status, "TLS %s %s failed: %s%s", what, peer_text(conn),
                                   is_alert ? "the peer refused: " : "",
                                   text == NULL ? "the connection broke" : text);
    }
    add_peer(reterr, conn, retry);
    return status;
}

cflight_status cfl_tls_no_alpn_error(struct cfl_tls_conn *conn, cflight_error **reterr)
{
    conn->is_broken = true;
    cflight_status status = cflight_error_set(
        reterr, CFLIGHT_UNAVAILABLE, "TLS handshake with %s failed: %s", peer_text(conn),
        explain_reason(SSL_R_NO_APPLICATION_PROTOCOL, conn->client == NULL));
    add_peer(reterr, conn, CFLIGHT_RETRY_NEVER);
    return status;
}

const char *cfl_tls_library_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}
