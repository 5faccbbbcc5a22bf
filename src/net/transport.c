/* SPDX-License-Identifier: Apache-2.0 */
/* Byte streams: a socket, plain or under TLS.
 *
 * Plain streams hand the caller's views to the kernel as they are, and those that are maps of files
 * from the file. Under TLS, reads decrypt into the views; writes cut them into full records: a
 * record that lies within one view is encrypted from there, one that spans views is gathered in a
 * staging buffer first, so that a frame header of nine bytes does not cost a record of its own. A
 * record that the socket refused half way must be offered again with the same length;
 * `refused_bytes` remembers it. The transport owns the descriptor. Thread class: one at a time. */
#define _GNU_SOURCE /* struct ucred */
#include "net/transport.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "net/send_file.h"
#include "net/socket.h"
#include "net/tls_conn.h"

#ifdef __linux__
#include <linux/sockios.h> /* SIOCOUTQ */
#endif

#ifndef IOV_MAX
#define IOV_MAX 1024 /* Linux: UIO_MAXIOV */
#endif

enum {
    TLS_READ_BYTES_MAX = 256 << 10, /* after which the caller looks around */
    WASTE_BYTES = 16 << 10,
    WASTE_READS_MAX = 64, /* a step of throwing input away */
    /* A silent peer is asked whether it is there, and given up after a minute without an answer. */
    KEEPALIVE_IDLE_S = 60,
    KEEPALIVE_PAUSE_S = 10,
    KEEPALIVE_COUNT = 6,
};

struct cfl_transport {
    const struct cflight_allocator *alloc;
    int fd;
    bool is_shut_down;
    struct cfl_peer peer;
    char peer_name[CFL_ADDRESS_TEXT_BYTES];
    int attached_fd; /* goes with the next write; -1 */
    int come_fd;     /* came with a read; -1 */
    bool wants_fd;
    struct cfl_tls_conn *tls; /* NULL for plain */
    bool is_handshake_done;
    uint8_t *record;            /* CFL_TLS_RECORD_BYTES, made when first needed */
    size_t refused_bytes;       /* length of the record to be repeated; 0: none */
    cflight_status late_status; /* of a read that had bytes to return first */
    cflight_error *late_error;
};

/* A position within views. */
struct view_cursor {
    const struct iovec *views;
    int index;
    size_t offset_bytes;
};

int cfl_socket_new(int family)
{
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void cfl_socket_tune(int fd, int family)
{
    const int on = 1;
    const int idle_s = KEEPALIVE_IDLE_S;
    const int pause_s = KEEPALIVE_PAUSE_S;
    const int count = KEEPALIVE_COUNT;
    if (family == AF_INET || family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &pause_s, sizeof pause_s);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    }
}

cflight_status cfl_transport_new(const struct cflight_allocator *alloc, int fd,
                                 const struct cfl_address *peer,
                                 struct cfl_transport **ret_transport, cflight_error **reterr)
{
    struct cfl_transport *transport = cfl_alloc_zeroed(alloc, sizeof *transport);
    if (transport == NULL) {
        return cfl_error_no_memory(reterr);
    }
    transport->alloc = alloc;
    transport->fd = fd;
    transport->attached_fd = -1;
    transport->come_fd = -1;
    cfl_address_peer_name(peer, transport->peer_name);
    transport->peer.name = transport->peer_name;
    transport->peer.tls_version = "";
    transport->peer.cert_subject = "";
    transport->peer.cert_identity = "";
    *ret_transport = transport;
    return CFLIGHT_OK;
}

cflight_status cfl_transport_start_tls_client(struct cfl_transport *transport,
                                              struct cfl_tls_client *tls, const char *name,
                                              cflight_error **reterr)
{
    transport->peer.is_tls = true;
    return cfl_tls_conn_new_client(transport->alloc, tls, transport->fd, name, transport->peer_name,
                                   &transport->tls, reterr);
}

cflight_status cfl_transport_start_tls_server(struct cfl_transport *transport,
                                              struct cfl_tls_server *tls, cflight_error **reterr)
{
    transport->peer.is_tls = true;
    return cfl_tls_conn_new_server(transport->alloc, tls, transport->fd, transport->peer_name,
                                   &transport->tls, reterr);
}

void cfl_transport_free(struct cfl_transport *transport)
{
    if (transport == NULL) {
        return;
    }
    cfl_tls_conn_free(transport->tls);
    cflight_error_free(transport->late_error);
    cfl_free(transport->alloc, transport->record, CFL_TLS_RECORD_BYTES);
    cfl_transport_close(transport);
    cfl_free(transport->alloc, transport, sizeof *transport);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

void cfl_transport_close(struct cfl_transport *transport)
{
    close_fd(&transport->fd);
    close_fd(&transport->attached_fd);
    close_fd(&transport->come_fd);
}

int cfl_transport_fd(const struct cfl_transport *transport)
{
    return transport->fd;
}

const struct cfl_peer *cfl_transport_peer(const struct cfl_transport *transport)
{
    return &transport->peer;
}

/* The errors of a connection that broke all name the peer and may be tried again; whether that is
 * safe, only the caller knows. */
static cflight_status broken(struct cfl_transport *transport, const char *what, int os_code,
                             cflight_error **reterr)
{
    cflight_status status = cfl_error_set_os(reterr, CFLIGHT_UNAVAILABLE, os_code, "cannot %s %s",
                                             what, transport->peer_name);
    if (reterr != NULL) {
        cfl_error_set_peer(*reterr, transport->peer_name);
        cfl_error_set_retry(*reterr, CFLIGHT_RETRY_UNSAFE);
    }
    return status;
}

cflight_status cfl_transport_handshake(struct cfl_transport *transport, unsigned int *ret_wait,
                                       cflight_error **reterr)
{
    *ret_wait = CFL_READY_NONE;
    if (transport->tls == NULL || transport->is_handshake_done) {
        return CFLIGHT_OK;
    }
    cflight_status status = cfl_tls_conn_handshake(transport->tls, ret_wait, reterr);
    if (status != CFLIGHT_OK || *ret_wait != CFL_READY_NONE) {
        return status;
    }
    status = cfl_tls_conn_describe_peer(transport->tls, &transport->peer, reterr);
    transport->is_handshake_done = status == CFLIGHT_OK;
    return status;
}

static size_t views_len_bytes(const struct iovec *views, int view_count)
{
    size_t len_bytes = 0;
    for (int i = 0; i < view_count; i++) {
        len_bytes += views[i].iov_len;
    }
    return len_bytes;
}

static struct msghdr message_of(const struct iovec *views, int view_count)
{
    /* The kernel does not write to the array; msghdr only lacks the const. */
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)views,
                             .msg_iovlen = (size_t)(view_count < IOV_MAX ? view_count : IOV_MAX)};
    return message;
}

/* What holds one descriptor beside a message. */
union one_fd {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static void keep_fd(struct cfl_transport *transport, struct msghdr *message)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof(int))) {
        close_fd(&transport->come_fd);
        memcpy(&transport->come_fd, CMSG_DATA(header), sizeof(int));
    }
}

/* Has the message carry the attached descriptor. */
static void put_fd(const struct cfl_transport *transport, struct msghdr *message,
                   union one_fd *control)
{
    memset(control, 0, sizeof *control);
    message->msg_control = control;
    message->msg_controllen = sizeof control->bytes;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &transport->attached_fd, sizeof(int));
}

static cflight_status read_plain(struct cfl_transport *transport, const struct iovec *views,
                                 int view_count, size_t *ret_len_bytes, bool *ret_is_eof,
                                 unsigned int *ret_wait, cflight_error **reterr)
{
    struct msghdr message = message_of(views, view_count);
    union one_fd control;
    ssize_t len_bytes = 0;
    if (transport->wants_fd) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_LEN(sizeof(int)); /* no room for a second one */
    }
    do {
        len_bytes = recvmsg(transport->fd, &message, MSG_CMSG_CLOEXEC);
    } while (len_bytes < 0 && errno == EINTR);
    if (len_bytes >= 0 && message.msg_controllen > 0) {
        keep_fd(transport, &message);
    }
    if (len_bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        *ret_wait = CFL_READY_READ;
        return CFLIGHT_OK;
    }
    if (len_bytes < 0) {
        return broken(transport, "read from", errno, reterr);
    }
    *ret_is_eof = len_bytes == 0;
    *ret_len_bytes = (size_t)len_bytes;
    return CFLIGHT_OK;
}

/* Goes to the next byte of a view that has one. */
static void cursor_skip_empty(struct view_cursor *cursor)
{
    while (cursor->views[cursor->index].iov_len == cursor->offset_bytes) {
        cursor->index++;
        cursor->offset_bytes = 0;
    }
}

static void cursor_advance(struct view_cursor *cursor, size_t len_bytes)
{
    while (len_bytes > 0) {
        size_t left_bytes = cursor->views[cursor->index].iov_len - cursor->offset_bytes;
        if (len_bytes < left_bytes) {
            cursor->offset_bytes += len_bytes;
            return;
        }
        len_bytes -= left_bytes;
        cursor->index++;
        cursor->offset_bytes = 0;
    }
}

/* Whether to look at the socket again for `total_bytes` that came. A small message is there whole
 * after one look, and costs one system call; a full record seldom comes alone, and what came
 * meanwhile costs neither a wait nor a step of the session. */
static bool is_more_likely(const struct cfl_transport *transport, size_t total_bytes)
{
    return total_bytes < TLS_READ_BYTES_MAX &&
           (total_bytes >= CFL_TLS_RECORD_BYTES || cfl_tls_conn_has_pending(transport->tls));
}

/* Reads record after record until the views are full, TLS holds no more, or it is much; what is
 * left in the socket then makes it readable. What ends the stream after the first byte of a call is
 * told by the next call. */
static cflight_status read_tls(struct cfl_transport *transport, const struct iovec *views,
                               int view_count, size_t *ret_len_bytes, bool *ret_is_eof,
                               unsigned int *ret_wait, cflight_error **reterr)
{
    struct view_cursor cursor = {.views = views};
    size_t left_bytes = views_len_bytes(views, view_count);
    size_t total_bytes = 0;
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    if (transport->late_status == CFLIGHT_OK) {
        do {
            cursor_skip_empty(&cursor);
            const struct iovec *view = &cursor.views[cursor.index];
            transport->late_status =
                cfl_tls_conn_read(transport->tls, (uint8_t *)view->iov_base + cursor.offset_bytes,
                                  view->iov_len - cursor.offset_bytes, &len_bytes, &is_eof, &wait,
                                  &transport->late_error);
            cursor_advance(&cursor, len_bytes);
            total_bytes += len_bytes;
            left_bytes -= len_bytes;
        } while (left_bytes > 0 && len_bytes > 0 && is_more_likely(transport, total_bytes));
    }
    if (total_bytes > 0) {
        *ret_len_bytes = total_bytes;
        return CFLIGHT_OK;
    }
    *ret_is_eof = is_eof;
    *ret_wait = wait;
    if (transport->late_status != CFLIGHT_OK && reterr != NULL) {
        cflight_error_free(*reterr);
        *reterr = cfl_error_copy(transport->late_error);
    }
    return transport->late_status;
}

cflight_status cfl_transport_read(struct cfl_transport *transport, const struct iovec *views,
                                  int view_count, size_t *ret_len_bytes, bool *ret_is_eof,
                                  unsigned int *ret_wait, cflight_error **reterr)
{
    *ret_len_bytes = 0;
    *ret_is_eof = false;
    *ret_wait = CFL_READY_NONE;
    if (views_len_bytes(views, view_count) == 0) {
        return CFLIGHT_OK;
    }
    if (transport->tls == NULL) {
        return read_plain(transport, views, view_count, ret_len_bytes, ret_is_eof, ret_wait,
                          reterr);
    }
    return read_tls(transport, views, view_count, ret_len_bytes, ret_is_eof, ret_wait, reterr);
}

/* One sendmsg of views, an attached descriptor with them; as sendmsg returns. */
static ssize_t send_views(struct cfl_transport *transport, const struct iovec *views,
                          int view_count, int flags)
{
    struct msghdr message = message_of(views, view_count);
    union one_fd control;
    ssize_t len_bytes = 0;
    bool has_fd = transport->attached_fd >= 0;
    if (has_fd) {
        put_fd(transport, &message, &control);
    }
    do {
        len_bytes = sendmsg(transport->fd, &message, MSG_NOSIGNAL | flags);
    } while (len_bytes < 0 && errno == EINTR);
    bool is_refused = len_bytes < 0 && errno == ETOOMANYREFS;
    if (has_fd && (len_bytes > 0 || is_refused)) {
        close_fd(&transport->attached_fd); /* gone, or not to be carried: on without it */
        if (is_refused) {
            return send_views(transport, views, view_count, flags);
        }
    }
    return len_bytes;
}

/* How many views go with the next call: up to the first that leaves from its file, or that alone,
 * when it comes first. A descriptor goes with memory. */
static int step_views(const struct iovec *views, int view_count, bool has_fd,
                      struct cfl_file_piece *ret_piece, bool *ret_is_file)
{
    int count = 0;
    *ret_is_file = false;
    while (count < view_count && count < IOV_MAX && !*ret_is_file) {
        *ret_is_file = !has_fd && cfl_file_piece_find(&views[count], ret_piece);
        count += !*ret_is_file;
    }
    return count;
}

static cflight_status write_plain(struct cfl_transport *transport, const struct iovec *views,
                                  int view_count, size_t *ret_len_bytes, unsigned int *ret_wait,
                                  cflight_error **reterr)
{
    while (view_count > 0) {
        struct cfl_file_piece piece;
        bool is_file = false;
        int count = step_views(views, view_count, transport->attached_fd >= 0, &piece, &is_file);
        ssize_t len_bytes = 0;
        if (count == 0) {
            count = 1;
            is_file = false; /* of the next view nothing is known */
            len_bytes = cfl_file_piece_send(transport->fd, &piece);
        }
        if (len_bytes == 0) {
            len_bytes = send_views(transport, views, count, is_file ? MSG_MORE : 0);
        }
        if (len_bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            *ret_wait = CFL_READY_WRITE;
            return CFLIGHT_OK;
        }
        if (len_bytes < 0) {
            return broken(transport, "write to", errno, reterr);
        }
        *ret_len_bytes += (size_t)len_bytes;
        if ((size_t)len_bytes < views_len_bytes(views, count)) {
            *ret_wait = CFL_READY_WRITE; /* the socket is full: no need to ask it again */
            return CFLIGHT_OK;
        }
        views += count;
        view_count -= count;
    }
    return CFLIGHT_OK;
}

/* Returns the next `len_bytes`, which the views are known to hold, in one piece: in place when one
 * view has them all, otherwise copied to `staging`. */
static const uint8_t *cursor_piece(struct view_cursor cursor, size_t len_bytes, uint8_t *staging)
{
    cursor_skip_empty(&cursor);
    const struct iovec *view = &cursor.views[cursor.index];
    if (view->iov_len - cursor.offset_bytes >= len_bytes) {
        return (const uint8_t *)view->iov_base + cursor.offset_bytes;
    }
    size_t filled_bytes = 0;
    while (filled_bytes < len_bytes) {
        view = &cursor.views[cursor.index];
        size_t part_bytes = view->iov_len - cursor.offset_bytes;
        if (part_bytes > len_bytes - filled_bytes) {
            part_bytes = len_bytes - filled_bytes;
        }
        if (part_bytes > 0) {
            memcpy(staging + filled_bytes, (const uint8_t *)view->iov_base + cursor.offset_bytes,
                   part_bytes);
            filled_bytes += part_bytes;
        }
        cursor.index++;
        cursor.offset_bytes = 0;
    }
    return staging;
}

static cflight_status write_tls(struct cfl_transport *transport, const struct iovec *views,
                                int view_count, size_t *ret_len_bytes, unsigned int *ret_wait,
                                cflight_error **reterr)
{
    struct view_cursor cursor = {.views = views};
    size_t left_bytes = views_len_bytes(views, view_count);
    if (left_bytes < transport->refused_bytes) {
        assert(!"a short TLS write was not repeated");
        return cflight_error_set(reterr, CFLIGHT_INTERNAL, "a short TLS write was not repeated");
    }
    if (transport->record == NULL && view_count > 1) {
        transport->record = cfl_alloc(transport->alloc, CFL_TLS_RECORD_BYTES);
        if (transport->record == NULL) {
            return cfl_error_no_memory(reterr);
        }
    }
    while (left_bytes > 0) {
        size_t record_bytes = left_bytes < CFL_TLS_RECORD_BYTES ? left_bytes : CFL_TLS_RECORD_BYTES;
        if (transport->refused_bytes > 0) {
            record_bytes = transport->refused_bytes;
        }
        const uint8_t *piece = cursor_piece(cursor, record_bytes, transport->record);
        size_t len_bytes = 0;
        cflight_status status =
            cfl_tls_conn_write(transport->tls, piece, record_bytes, left_bytes > record_bytes,
                               &len_bytes, ret_wait, reterr);
        transport->refused_bytes = *ret_wait != CFL_READY_NONE ? record_bytes : 0;
        if (status != CFLIGHT_OK || *ret_wait != CFL_READY_NONE) {
            return status;
        }
        cursor_advance(&cursor, len_bytes);
        left_bytes -= len_bytes;
        *ret_len_bytes += len_bytes;
    }
    return CFLIGHT_OK;
}

cflight_status cfl_transport_write(struct cfl_transport *transport, const struct iovec *views,
                                   int view_count, size_t *ret_len_bytes, unsigned int *ret_wait,
                                   cflight_error **reterr)
{
    *ret_len_bytes = 0;
    *ret_wait = CFL_READY_NONE;
    if (transport->tls == NULL) {
        return write_plain(transport, views, view_count, ret_len_bytes, ret_wait, reterr);
    }
    return write_tls(transport, views, view_count, ret_len_bytes, ret_wait, reterr);
}

bool cfl_transport_is_same_user(const struct cfl_transport *transport)
{
#ifdef SO_PEERCRED
    struct ucred peer = {0};
    socklen_t len_bytes = sizeof peer;
    return transport->tls == NULL && strncmp(transport->peer_name, "unix:", 5) == 0 &&
           getsockopt(transport->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len_bytes) == 0 &&
           len_bytes == sizeof peer && peer.uid == geteuid();
#else
    (void)transport;
    return false;
#endif
}

void cfl_transport_attach(struct cfl_transport *transport, int fd)
{
    close_fd(&transport->attached_fd);
    transport->attached_fd = fd;
}

void cfl_transport_want_fd(struct cfl_transport *transport, bool wants)
{
    transport->wants_fd = wants;
}

int cfl_transport_take_fd(struct cfl_transport *transport)
{
    int fd = transport->come_fd;
    transport->come_fd = -1;
    return fd;
}

bool cfl_transport_has_pending(const struct cfl_transport *transport)
{
    return transport->tls != NULL && cfl_tls_conn_has_pending(transport->tls);
}

void cfl_transport_shutdown_write(struct cfl_transport *transport)
{
    if (transport->tls != NULL) {
        cfl_tls_conn_shutdown(transport->tls);
    }
    (void)shutdown(transport->fd, SHUT_WR);
}

/* Bytes that the peer's system has not taken; unknown is some. Unix sockets hand over at once. */
static int unacknowledged_bytes(const struct cfl_transport *transport)
{
    int len_bytes = 1;
    if (strncmp(transport->peer_name, "unix:", 5) == 0) {
        return 0;
    }
#ifdef SIOCOUTQ
    (void)ioctl(transport->fd, SIOCOUTQ, &len_bytes);
#endif
    return len_bytes;
}

bool cfl_transport_is_drained(struct cfl_transport *transport, int *ret_left_bytes)
{
    uint8_t waste[WASTE_BYTES];
    ssize_t len_bytes = 0;
    for (int i = 0; i < WASTE_READS_MAX; i++) {
        len_bytes = recv(transport->fd, waste, sizeof waste, 0);
        if (len_bytes == 0 || (len_bytes < 0 && errno != EINTR)) {
            break;
        }
    }
    bool is_ended = len_bytes == 0 ||
                    (len_bytes < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
    *ret_left_bytes = unacknowledged_bytes(transport);
    return is_ended || *ret_left_bytes <= 0;
}

uint64_t cfl_transport_unread_bytes(const struct cfl_transport *transport)
{
    const uint64_t held_bytes = transport->tls != NULL ? 4 * CFL_TLS_RECORD_BYTES : 0;
    int len_bytes = 0;
    (void)ioctl(transport->fd, FIONREAD, &len_bytes);
    return held_bytes + (len_bytes > 0 ? (uint64_t)len_bytes : 0);
}

void cfl_transport_shutdown(struct cfl_transport *transport)
{
    if (transport->is_shut_down) {
        return;
    }
    transport->is_shut_down = true;
    if (transport->tls != NULL) {
        cfl_tls_conn_shutdown(transport->tls);
    }
    (void)shutdown(transport->fd, SHUT_RDWR);
}
