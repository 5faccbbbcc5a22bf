/* SPDX-License-Identifier: Apache-2.0 */
/* TLS connections: their life and their bytes. Thread class: one at a time. */
#include "net/openssl/internal.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"

/* Makes the SSL object on a socket BIO of ours. */
static cflight_status attach(struct cfl_tls_conn *conn, SSL_CTX *ctx, int fd, const char *peer_name,
                             cflight_error **reterr)
{
    ERR_clear_error();
    cfl_buf_init(&conn->refusal, conn->alloc);
    conn->peer_name = cfl_strndup(conn->alloc, peer_name, strlen(peer_name));
    conn->ssl = SSL_new(ctx);
    BIO *bio = cfl_tls_socket_new(conn, fd);
    if (conn->peer_name == NULL || conn->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        return cfl_error_no_memory(reterr);
    }
    SSL_set_bio(conn->ssl, bio, bio);
    SSL_set_app_data(conn->ssl, conn);
    return CFLIGHT_OK;
}

/* A name without the dot of the root, which neither SNI nor certificates have. */
static char *copy_name(const struct cflight_allocator *alloc, const char *name)
{
    size_t name_bytes = strlen(name);
    if (name_bytes > 1 && name[name_bytes - 1] == '.') {
        name_bytes--;
    }
    return cfl_strndup(alloc, name, name_bytes);
}

static cflight_status name_connection(struct cfl_tls_conn *conn, const char *name,
                                      cflight_error **reterr)
{
    unsigned char ip[16];
    struct cfl_buf key;
    cfl_buf_init(&key, conn->alloc);
    (void)cfl_buf_append_format(&key, "%s %s", conn->peer_name, name);
    conn->name = copy_name(conn->alloc, name);
    conn->session_key = cfl_buf_take_text(&key);
    if (conn->name == NULL || conn->session_key == NULL) {
        return cfl_error_no_memory(reterr);
    }
    /* RFC 6066 3: addresses are not sent. */
    if (cfl_tls_parse_ip(conn->name, ip) == 0 &&
        SSL_set_tlsext_host_name(conn->ssl, conn->name) != 1) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' cannot be a TLS server name", conn->name);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_tls_conn_new_client(const struct cflight_allocator *alloc,
                                       struct cfl_tls_client *tls, int fd, const char *name,
                                       const char *peer_name, struct cfl_tls_conn **ret_conn,
                                       cflight_error **reterr)
{
    struct cfl_tls_conn *conn = cfl_alloc_zeroed(alloc, sizeof *conn);
    if (conn == NULL) {
        return cfl_error_no_memory(reterr);
    }
    conn->alloc = alloc;
    conn->client = cfl_tls_client_ref(tls);
    cflight_status status = attach(conn, tls->ctx, fd, peer_name, reterr);
    if (status == CFLIGHT_OK) {
        status = name_connection(conn, name, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_tls_conn_free(conn);
        return status;
    }
    SSL_set_connect_state(conn->ssl);
    cfl_tls_session_offer(conn);
    *ret_conn = conn;
    return CFLIGHT_OK;
}

cflight_status cfl_tls_conn_new_server(const struct cflight_allocator *alloc,
                                       struct cfl_tls_server *tls, int fd, const char *peer_name,
                                       struct cfl_tls_conn **ret_conn, cflight_error **reterr)
{
    struct cfl_tls_conn *conn = cfl_alloc_zeroed(alloc, sizeof *conn);
    if (conn == NULL) {
        return cfl_error_no_memory(reterr);
    }
    conn->alloc = alloc;
    conn->set = cfl_tls_server_current_set(tls);
    cflight_status status = attach(conn, conn->set->contexts[0], fd, peer_name, reterr);
    if (status != CFLIGHT_OK) {
        cfl_tls_conn_free(conn);
        return status;
    }
    SSL_set_accept_state(conn->ssl);
    *ret_conn = conn;
    return CFLIGHT_OK;
}

void cfl_tls_conn_free(struct cfl_tls_conn *conn)
{
    if (conn == NULL) {
        return;
    }
    if (conn->is_established && !conn->is_broken) {
        /* Otherwise OpenSSL forbids to resume the session of a connection that was just closed. */
        SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(conn->ssl);
    for (size_t i = 0; i < conn->san_count; i++) {
        cfl_strfree(conn->alloc, conn->sans[i]);
    }
    cfl_free_array(conn->alloc, conn->sans, conn->san_capacity, sizeof *conn->sans);
    cfl_strfree(conn->alloc, conn->identity);
    cfl_strfree(conn->alloc, conn->subject);
    cfl_buf_done(&conn->refusal);
    cfl_strfree(conn->alloc, conn->session_key);
    cfl_strfree(conn->alloc, conn->name);
    cfl_strfree(conn->alloc, conn->peer_name);
    cfl_tls_server_set_unref(conn->set);
    cfl_tls_client_unref(conn->client);
    cfl_free(conn->alloc, conn, sizeof *conn);
}

/* Before a call into OpenSSL whose result counts. */
static void begin_call(struct cfl_tls_conn *conn)
{
    cfl_tls_flood_begin(conn);
    if (ERR_peek_error() != 0) { /* seldom, and clearing costs a hundredth of a record */
        ERR_clear_error();
    }
    errno = 0;
}

/* OpenSSL has a buffer of a record for each direction, and gives both back when they are empty.
 * That is asked of it while a connection rests, not between one full record and the next. */
static void keep_buffers(struct cfl_tls_conn *conn, bool keeps_buffers)
{
    if (conn->keeps_buffers != keeps_buffers) {
        conn->keeps_buffers = keeps_buffers;
        (void)(keeps_buffers ? SSL_clear_mode(conn->ssl, SSL_MODE_RELEASE_BUFFERS)
                             : SSL_set_mode(conn->ssl, SSL_MODE_RELEASE_BUFFERS));
    }
}

/* What to wait for, or NONE when the operation failed for good. */
static unsigned int wait_of(int ssl_error)
{
    if (ssl_error == SSL_ERROR_WANT_READ) {
        return CFL_READY_READ;
    }
    return ssl_error == SSL_ERROR_WANT_WRITE ? CFL_READY_WRITE : CFL_READY_NONE;
}

cflight_status cfl_tls_conn_handshake(struct cfl_tls_conn *conn, unsigned int *ret_wait,
                                      cflight_error **reterr)
{
    const unsigned char *protocol = NULL;
    unsigned int protocol_bytes = 0;
    *ret_wait = CFL_READY_NONE;
    begin_call(conn);
    int result = SSL_do_handshake(conn->ssl);
    int os_code = errno;
    if (result != 1) {
        int ssl_error = SSL_get_error(conn->ssl, result);
        *ret_wait = wait_of(ssl_error);
        return *ret_wait != CFL_READY_NONE
                   ? CFLIGHT_OK
                   : cfl_tls_conn_error(conn, "handshake with", ssl_error, os_code, reterr);
    }
    SSL_get0_alpn_selected(conn->ssl, &protocol, &protocol_bytes);
    if (protocol_bytes != sizeof cfl_tls_alpn_h2 - 1 ||
        memcmp(protocol, cfl_tls_alpn_h2 + 1, protocol_bytes) != 0) {
        return cfl_tls_no_alpn_error(conn, reterr);
    }
    conn->is_established = true;
    CFL_LOG(CFLIGHT_LOG_INFO, "net", "%s: %s, %s%s%s", conn->peer_name, SSL_get_version(conn->ssl),
            SSL_get_cipher_name(conn->ssl), SSL_session_reused(conn->ssl) ? ", resumed" : "",
            BIO_get_ktls_send(SSL_get_wbio(conn->ssl)) ? ", kernel TLS" : "");
    return CFLIGHT_OK;
}

cflight_status cfl_tls_conn_read(struct cfl_tls_conn *conn, void *target, size_t size_bytes,
                                 size_t *ret_len_bytes, bool *ret_is_eof, unsigned int *ret_wait,
                                 cflight_error **reterr)
{
    *ret_len_bytes = 0;
    *ret_is_eof = conn->is_eof;
    *ret_wait = CFL_READY_NONE;
    if (conn->is_eof) {
        return CFLIGHT_OK;
    }
    begin_call(conn);
    keep_buffers(conn, conn->is_in_bulk);
    int result = SSL_read_ex(conn->ssl, target, size_bytes, ret_len_bytes);
    if (result != 1 && conn->keeps_buffers &&
        SSL_get_error(conn->ssl, result) == SSL_ERROR_WANT_READ) {
        /* The buffer goes back when OpenSSL looks into a socket that has nothing. */
        conn->readable_bytes = 0;
        keep_buffers(conn, false);
        result = SSL_read_ex(conn->ssl, target, size_bytes, ret_len_bytes);
    }
    int os_code = errno;
    conn->is_dry = result != 1;
    conn->is_in_bulk = result == 1 && *ret_len_bytes == CFL_TLS_RECORD_BYTES;
    if (result == 1) {
        return CFLIGHT_OK;
    }
    *ret_len_bytes = 0;
    int ssl_error = SSL_get_error(conn->ssl, result);
    if (conn->is_flooding) {
        return cfl_tls_conn_error(conn, "read from", ssl_error, os_code, reterr);
    }
    *ret_wait = wait_of(ssl_error);
    if (*ret_wait != CFL_READY_NONE) {
        return CFLIGHT_OK;
    }
    /* HTTP/2 has its own ends of messages, so a missing close_notify is no danger. */
    bool is_cut = ssl_error == SSL_ERROR_SSL &&
                  ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (ssl_error == SSL_ERROR_ZERO_RETURN || is_cut ||
        (ssl_error == SSL_ERROR_SYSCALL && os_code == 0)) {
        conn->is_eof = true;
        conn->is_broken = conn->is_broken || ssl_error != SSL_ERROR_ZERO_RETURN;
        *ret_is_eof = true;
        return CFLIGHT_OK;
    }
    return cfl_tls_conn_error(conn, "read from", ssl_error, os_code, reterr);
}

cflight_status cfl_tls_conn_write(struct cfl_tls_conn *conn, const void *data, size_t len_bytes,
                                  bool has_more, size_t *ret_len_bytes, unsigned int *ret_wait,
                                  cflight_error **reterr)
{
    *ret_len_bytes = 0;
    *ret_wait = CFL_READY_NONE;
    begin_call(conn);
    conn->has_more = has_more;
    keep_buffers(conn, has_more);
    int result = SSL_write_ex(conn->ssl, data, len_bytes, ret_len_bytes);
    int os_code = errno;
    conn->has_more = false;
    conn->has_refused_record = false;
    if (result == 1) {
        return CFLIGHT_OK;
    }
    *ret_len_bytes = 0;
    int ssl_error = SSL_get_error(conn->ssl, result);
    *ret_wait = wait_of(ssl_error);
    if (*ret_wait != CFL_READY_NONE) {
        conn->has_refused_record = true;
        return CFLIGHT_OK;
    }
    return cfl_tls_conn_error(conn, "write to", ssl_error, os_code, reterr);
}

bool cfl_tls_conn_has_pending(const struct cfl_tls_conn *conn)
{
    return !conn->is_dry && SSL_has_pending(conn->ssl) == 1;
}

void cfl_tls_conn_shutdown(struct cfl_tls_conn *conn)
{
    if (conn->is_established && !conn->is_broken && !conn->has_refused_record) {
        ERR_clear_error();
        (void)SSL_shutdown(conn->ssl);
        ERR_clear_error();
    }
}
