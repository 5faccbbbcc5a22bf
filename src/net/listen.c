/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets.
 *
 * A listener has one socket per address of its host, all on one port. An address or a family that
 * this machine does not have is left out as long as another one works. A Unix socket file belongs
 * to the listener that made it: it is removed on free only by the process that made it, and only
 * while it is still that very file. Thread class: one at a time; accept may run on any thread, also
 * at once for different descriptors. */
#define _GNU_SOURCE /* accept4 */
#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "net/address.h"
#include "net/socket.h"

/* How often a port that the system picked for the first address may be taken on the next one. */
enum { PORT_PICKS_MAX = 32 };

struct cfl_listener {
    const struct cflight_allocator *alloc;
    int fds[CFL_LISTENER_FDS_MAX];
    size_t fd_count;
    uint16_t port;
    char *unix_path; /* NULL unless there is a file to remove */
    dev_t unix_device;
    ino_t unix_inode;
    pid_t unix_owner;
    bool is_borrowed; /* the socket goes on after this listener */
};

static cflight_status status_of_errno(int os_code)
{
    if (os_code == EADDRINUSE) {
        return CFLIGHT_ALREADY_EXISTS;
    }
    cflight_status status =
        os_code == ENOBUFS ? CFLIGHT_RESOURCE_EXHAUSTED : cfl_file_status(os_code);
    return status == CFLIGHT_UNKNOWN ? CFLIGHT_UNAVAILABLE : status;
}

static cflight_status cannot_listen(cflight_error **reterr, int os_code,
                                    const struct cfl_address *address)
{
    char text[CFL_ADDRESS_TEXT_BYTES];
    cfl_address_text(address, text);
    return cfl_error_set_os(reterr, status_of_errno(os_code), os_code, "cannot listen on %s", text);
}

/* Returns 0 with `*ret_fd`, or an errno. */
static int open_socket(const struct cfl_address *address, int backlog, int *ret_fd)
{
    int on = 1;
    int family = address->storage.ss_family;
    int fd = cfl_socket_new(family);
    if (fd < 0) {
        return errno;
    }
    if (family != AF_UNIX) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    /* The system cuts the backlog to its own maximum. */
    if (bind(fd, (const struct sockaddr *)&address->storage, address->len_bytes) != 0 ||
        listen(fd, backlog > 0 ? backlog : INT_MAX) != 0) {
        int code = errno;
        (void)close(fd);
        return code;
    }
    *ret_fd = fd;
    return 0;
}

static void close_sockets(struct cfl_listener *listener)
{
    for (size_t i = 0; i < listener->fd_count; i++) {
        (void)close(listener->fds[i]);
    }
    listener->fd_count = 0;
}

static void bound_address(int fd, struct cfl_address *ret_address)
{
    *ret_address = (struct cfl_address){.len_bytes = sizeof ret_address->storage};
    if (getsockname(fd, (struct sockaddr *)&ret_address->storage, &ret_address->len_bytes) != 0) {
        *ret_address = (struct cfl_address){.len_bytes = 0};
    }
}

static uint16_t bound_port(int fd)
{
    struct cfl_address own;
    bound_address(fd, &own);
    return cfl_address_port(&own);
}

static bool is_family_missing(int os_code)
{
    return os_code == EAFNOSUPPORT || os_code == EADDRNOTAVAIL || os_code == EPROTONOSUPPORT;
}

/* Opens all addresses on one port. On failure everything is closed and `*ret_failed` is the address
 * that failed. */
static int open_all(struct cfl_listener *listener, struct cfl_address_list *addresses, int backlog,
                    size_t *ret_failed)
{
    int missing_code = 0;
    for (size_t i = 0; i < addresses->count; i++) {
        if (listener->port != 0) {
            cfl_address_set_port(&addresses->items[i], listener->port);
        }
        int fd = -1;
        int code = open_socket(&addresses->items[i], backlog, &fd);
        if (code == 0) {
            listener->fds[listener->fd_count++] = fd;
            listener->port = bound_port(fd);
            continue;
        }
        *ret_failed = i;
        if (!is_family_missing(code)) {
            close_sockets(listener);
            return code;
        }
        missing_code = code;
    }
    return listener->fd_count > 0 ? 0 : missing_code;
}

static cflight_status listen_tcp(struct cfl_listener *listener,
                                 const struct cfl_listen_target *target, cflight_error **reterr)
{
    struct cfl_address_list addresses = {.count = 0};
    const char *host = target->host;
    if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0) {
        cfl_address_list_wildcard(target->port, &addresses);
    } else {
        cflight_status status = cfl_address_list_lookup(host, target->port, &addresses, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    if (addresses.count > CFL_LISTENER_FDS_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the host '%s' has %zu addresses; a server listens on at most %d",
                                 host, addresses.count, (int)CFL_LISTENER_FDS_MAX);
    }
    for (int pick = 1;; pick++) {
        size_t failed = 0;
        listener->port = target->port;
        for (size_t i = 0; i < addresses.count; i++) {
            cfl_address_set_port(&addresses.items[i], target->port);
        }
        int code = open_all(listener, &addresses, target->backlog, &failed);
        if (code == 0) {
            return CFLIGHT_OK;
        }
        if (target->port != 0 || code != EADDRINUSE || pick == PORT_PICKS_MAX) {
            return cannot_listen(reterr, code, &addresses.items[failed]);
        }
    }
}

/* Tells whether a socket file is left over from a process that is gone. Asked with a datagram
 * socket, which the system refuses when nobody holds the file and finds to be of the wrong type
 * when a server does: no stray connection reaches a living server. */
static bool is_stale(const struct cfl_address *address, const char *path, struct stat *ret_stat)
{
    if (lstat(path, ret_stat) != 0 || !S_ISSOCK(ret_stat->st_mode)) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    bool is_refused =
        connect(fd, (const struct sockaddr *)&address->storage, address->len_bytes) != 0 &&
        errno == ECONNREFUSED;
    (void)close(fd);
    return is_refused;
}

static bool is_same_file(const char *path, dev_t device, ino_t inode)
{
    struct stat now;
    return lstat(path, &now) == 0 && now.st_dev == device && now.st_ino == inode;
}

static cflight_status path_in_use(cflight_error **reterr, const char *path,
                                  const struct stat *found)
{
    return cflight_error_set(reterr, CFLIGHT_ALREADY_EXISTS, "cannot listen on %s: %s", path,
                             S_ISSOCK(found->st_mode) ? "another process listens on it"
                                                      : "the file exists and is not a socket");
}

static cflight_status listen_unix(struct cfl_listener *listener,
                                  const struct cfl_listen_target *target, cflight_error **reterr)
{
    struct cfl_address address;
    const char *path = target->unix_path;
    bool has_file = path[0] != '@';
    int fd = -1;
    cflight_status status = cfl_address_from_unix(path, &address, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (has_file) {
        listener->unix_path = cfl_strndup(listener->alloc, path, strlen(path));
        if (listener->unix_path == NULL) {
            return cfl_error_no_memory(reterr);
        }
    }
    int code = open_socket(&address, target->backlog, &fd);
    if (code == EADDRINUSE && has_file) {
        struct stat found = {.st_mode = S_IFSOCK};
        if (!is_stale(&address, path, &found)) {
            return path_in_use(reterr, path, &found);
        }
        if (is_same_file(path, found.st_dev, found.st_ino)) {
            (void)unlink(path);
        }
        code = open_socket(&address, target->backlog, &fd);
    }
    if (code != 0) {
        return cannot_listen(reterr, code, &address);
    }
    listener->fds[listener->fd_count++] = fd;
    struct stat made;
    if (has_file && lstat(path, &made) == 0) {
        listener->unix_device = made.st_dev;
        listener->unix_inode = made.st_ino;
        listener->unix_owner = getpid();
    }
    return CFLIGHT_OK;
}

cflight_status cfl_listen(const struct cflight_allocator *alloc,
                          const struct cfl_listen_target *target,
                          struct cfl_listener **ret_listener, cflight_error **reterr)
{
    if (target->unix_path == NULL && target->host == NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "there is no address to listen on");
    }
    struct cfl_listener *listener = cfl_alloc_zeroed(alloc, sizeof *listener);
    if (listener == NULL) {
        return cfl_error_no_memory(reterr);
    }
    listener->alloc = alloc;
    cflight_status status = target->unix_path != NULL ? listen_unix(listener, target, reterr)
                                                      : listen_tcp(listener, target, reterr);
    if (status != CFLIGHT_OK) {
        cfl_listener_free(listener);
        return status;
    }
    *ret_listener = listener;
    return CFLIGHT_OK;
}

static int socket_option(int fd, int option)
{
    int value = -1;
    socklen_t len_bytes = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &len_bytes) == 0 ? value : -1;
}

/* What is wrong with a descriptor that is to listen; NULL for nothing. */
static const char *check_given(int fd)
{
    struct cfl_address own;
    int type = socket_option(fd, SO_TYPE);
    bound_address(fd, &own);
    int family = own.storage.ss_family;
    if (type < 0) {
        return "it is no socket";
    }
    if (type != SOCK_STREAM || (family != AF_INET && family != AF_INET6 && family != AF_UNIX)) {
        return "it is no stream socket of IPv4, IPv6 or Unix";
    }
    return socket_option(fd, SO_ACCEPTCONN) == 1 ? NULL : "it does not listen";
}

cflight_status cfl_listener_adopt(const struct cflight_allocator *alloc, int fd,
                                  struct cfl_listener **ret_listener, cflight_error **reterr)
{
    const char *reason = check_given(fd);
    if (reason != NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "cannot listen by descriptor %d: %s", fd, reason);
    }
    struct cfl_listener *listener = cfl_alloc_zeroed(alloc, sizeof *listener);
    if (listener == NULL) {
        return cfl_error_no_memory(reterr);
    }
    listener->alloc = alloc;
    listener->is_borrowed = true;
    int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    int flags = fcntl(own_fd, F_GETFL);
    if (flags < 0 || fcntl(own_fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        cflight_status status = cfl_error_set_os(reterr, status_of_errno(errno), errno,
                                                 "cannot listen by descriptor %d", fd);
        if (own_fd >= 0) {
            (void)close(own_fd);
        }
        cfl_listener_free(listener);
        return status;
    }
    listener->fds[listener->fd_count++] = own_fd;
    listener->port = bound_port(own_fd);
    *ret_listener = listener;
    return CFLIGHT_OK;
}

void cfl_listener_address(const struct cfl_listener *listener, struct cfl_address *ret_address)
{
    bound_address(listener->fds[0], ret_address);
}

void cfl_listener_stop(struct cfl_listener *listener)
{
    for (size_t i = 0; !listener->is_borrowed && i < listener->fd_count; i++) {
        (void)shutdown(listener->fds[i], SHUT_RDWR);
    }
}

void cfl_listener_free(struct cfl_listener *listener)
{
    if (listener == NULL) {
        return;
    }
    /* First the file, so that nobody finds one that refuses connections. */
    if (listener->unix_path != NULL && listener->unix_owner == getpid() &&
        is_same_file(listener->unix_path, listener->unix_device, listener->unix_inode)) {
        (void)unlink(listener->unix_path);
    }
    close_sockets(listener);
    cfl_strfree(listener->alloc, listener->unix_path);
    cfl_free(listener->alloc, listener, sizeof *listener);
}

size_t cfl_listener_fds(const struct cfl_listener *listener, int ret_fds[CFL_LISTENER_FDS_MAX])
{
    memcpy(ret_fds, listener->fds, listener->fd_count * sizeof listener->fds[0]);
    return listener->fd_count;
}

uint16_t cfl_listener_port(const struct cfl_listener *listener)
{
    return listener->port;
}

/* Returns a connected socket, -1 when none waits, or -2 with errno. Errors of a connection that
 * broke before it was accepted concern nobody (accept(2), "Error handling"); the loop ends because
 * each such call consumes one. */
static int accept_next(int listen_fd, struct cfl_address *ret_peer)
{
    for (;;) {
        ret_peer->len_bytes = sizeof ret_peer->storage;
        int fd = accept4(listen_fd, (struct sockaddr *)&ret_peer->storage, &ret_peer->len_bytes,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            return fd;
        }
        switch (errno) {
        case EAGAIN:
#if EAGAIN != EWOULDBLOCK
        case EWOULDBLOCK:
#endif
            return -1;
        case EINTR:
        case ECONNABORTED:
        case ENETDOWN:
        case EPROTO:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case ENETUNREACH:
            continue;
        default:
            return -2;
        }
    }
}

cflight_status cfl_listener_accept(struct cfl_listener *listener, int fd,
                                   struct cfl_tls_server *tls, struct cfl_transport **ret_transport,
                                   cflight_error **reterr)
{
    struct cfl_address peer = {.len_bytes = 0};
    struct cfl_transport *transport = NULL;
    *ret_transport = NULL;
    int accepted_fd = accept_next(fd, &peer);
    if (accepted_fd == -1) {
        return CFLIGHT_OK;
    }
    if (accepted_fd < 0) {
        return cfl_error_set_os(reterr, status_of_errno(errno), errno,
                                "cannot accept a connection");
    }
    cfl_socket_tune(accepted_fd, peer.storage.ss_family);
    cflight_status status =
        cfl_transport_new(listener->alloc, accepted_fd, &peer, &transport, reterr);
    if (status != CFLIGHT_OK) {
        (void)close(accepted_fd);
        return status;
    }
    if (tls != NULL) {
        status = cfl_transport_start_tls_server(transport, tls, reterr);
        if (status != CFLIGHT_OK) {
            cfl_transport_free(transport);
            return status;
        }
    }
    *ret_transport = transport;
    return CFLIGHT_OK;
}
