/* SPDX-License-Identifier: Apache-2.0 */
/* The socket below TLS: OpenSSL's own, but that it raises no SIGPIPE, can hold back a packet that
 * is not full, and does not give without end. The method is made once for the process. Thread
 * class: free. */
#include "net/openssl/internal.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/sigpipe.h"

static pthread_once_t socket_method_once = PTHREAD_ONCE_INIT;
static BIO_METHOD *socket_method; /* NULL when memory ran out */
static int (*socket_write_fn)(BIO *bio, const char *data, int len_bytes);
static int (*socket_read_fn)(BIO *bio, char *target, int size_bytes);

/* OpenSSL's write, with SIGPIPE held back from this thread: with kernel TLS, only it can send
 * control records. */
static int write_without_sigpipe(BIO *bio, const char *data, int len_bytes)
{
    struct cfl_sigpipe sigpipe;
    cfl_sigpipe_hold(&sigpipe);
    int result = socket_write_fn(bio, data, len_bytes);
    cfl_sigpipe_release(&sigpipe, result < 0 && errno == EPIPE);
    return result;
}

/* MSG_MORE lets the system fill packets across records: fewer of them, and fewer wake-ups of the
 * peer. */
static int socket_write(BIO *bio, const char *data, int len_bytes)
{
    int fd = -1;
    if (BIO_get_ktls_send(bio)) {
        return write_without_sigpipe(bio, data, len_bytes);
    }
    (void)BIO_get_fd(bio, &fd);
    BIO_clear_retry_flags(bio);
    const struct cfl_tls_conn *conn = BIO_get_app_data(bio);
    int flags = MSG_NOSIGNAL | (conn->has_more ? MSG_MORE : 0);
    ssize_t written_bytes = send(fd, data, (size_t)len_bytes, flags);
    if (written_bytes < 0 && BIO_sock_should_retry((int)written_bytes)) {
        BIO_set_retry_write(bio);
    }
    return (int)written_bytes;
}

/* What a call of flood.c's measure has used up is as if nothing were there: the caller waits, and
 * is told at once that there is more. */
static int socket_read(BIO *bio, char *target, int size_bytes)
{
    struct cfl_tls_conn *conn = BIO_get_app_data(bio);
    BIO_clear_retry_flags(bio);
    if (conn->readable_bytes <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    int len_bytes = socket_read_fn(bio, target, size_bytes);
    conn->readable_bytes -= len_bytes > 0 ? len_bytes : 0;
    return len_bytes;
}

static void make_socket_method(void)
{
    const BIO_METHOD *original = BIO_s_socket();
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE");
    if (method == NULL) {
        return;
    }
    socket_write_fn = BIO_meth_get_write(original);
    (void)BIO_meth_set_write(method, socket_write);
    socket_read_fn = BIO_meth_get_read(original);
    (void)BIO_meth_set_read(method, socket_read);
    (void)BIO_meth_set_puts(method, BIO_meth_get_puts(original));
    (void)BIO_meth_set_ctrl(method, BIO_meth_get_ctrl(original));
    (void)BIO_meth_set_create(method, BIO_meth_get_create(original));
    (void)BIO_meth_set_destroy(method, BIO_meth_get_destroy(original));
    socket_method = method;
}

bool cfl_tls_socket_prepare(void)
{
    (void)pthread_once(&socket_method_once, make_socket_method);
    return socket_method != NULL;
}

BIO *cfl_tls_socket_new(struct cfl_tls_conn *conn, int fd)
{
    BIO *bio = BIO_new(socket_method);
    if (bio != NULL) {
        (void)BIO_set_fd(bio, fd, BIO_NOCLOSE);
        (void)BIO_set_app_data(bio, conn);
    }
    return bio;
}
