/* SPDX-License-Identifier: Apache-2.0 */
/* The two protocols between systemd and a service, by their description in sd_listen_fds(3) and
 * sd_notify(3). */
#include "cli/system/service_manager.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/system/files.h"

enum { FIRST_FD = 3, STATE_BYTES_MAX = 512, US_PER_MS = 1000 };

static struct {
    struct sockaddr_un address;
    socklen_t address_bytes; /* 0: nobody listens */
    int64_t watchdog_ms;
} manager;

/* ---- sockets ---- */

/* A whole number in a variable; -1 when it is none, or not set. */
static int64_t number_of(const char *variable)
{
    char *end = NULL;
    const char *text = getenv(variable);
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return -1;
    }
    errno = 0;
    long long number = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0 ? number : -1;
}

static void describe(struct cli_passed_socket *passed)
{
    struct sockaddr_storage address = {0};
    socklen_t len_bytes = sizeof address;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    if (getsockname(passed->fd, (struct sockaddr *)&address, &len_bytes) != 0) {
        return; /* the server says that it is no socket */
    }
    passed->is_unix = address.ss_family == AF_UNIX;
    if (address.ss_family == AF_INET) {
        memcpy(&ipv4, &address, sizeof ipv4);
        (void)inet_ntop(AF_INET, &ipv4.sin_addr, passed->host, sizeof passed->host);
    } else if (address.ss_family == AF_INET6) {
        memcpy(&ipv6, &address, sizeof ipv6);
        (void)inet_ntop(AF_INET6, &ipv6.sin6_addr, passed->host, sizeof passed->host);
    }
}

/* Cuts the next name off a list with colons between them. */
static void take_name(const char **names, char name[CLI_PASSED_NAME_BYTES])
{
    size_t len_bytes = strcspn(*names, ":");
    (void)snprintf(name, CLI_PASSED_NAME_BYTES, "%.*s", (int)len_bytes, *names);
    *names += len_bytes + ((*names)[len_bytes] == ':' ? 1 : 0);
}

static cflight_status take_all(struct cli_passed_sockets *sockets, int64_t count,
                               cflight_error **reterr)
{
    const char *names = getenv("LISTEN_FDNAMES");
    names = names == NULL ? "" : names;
    if (count < 0 || count > CLI_PASSED_SOCKETS_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "LISTEN_FDS is '%s'; expected is a number up to %d",
                                 getenv("LISTEN_FDS"), (int)CLI_PASSED_SOCKETS_MAX);
    }
    for (int fd = FIRST_FD; fd < FIRST_FD + (int)count; fd++) {
        struct cli_passed_socket *passed = &sockets->items[sockets->count];
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "LISTEN_FDS is %d, but descriptor %d is not open", (int)count,
                                     fd);
        }
        *passed = (struct cli_passed_socket){.fd = fd};
        take_name(&names, passed->name);
        describe(passed);
        sockets->count++;
    }
    return CFLIGHT_OK;
}

cflight_status cli_passed_sockets_take(struct cli_passed_sockets *ret_sockets,
                                       cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    ret_sockets->count = 0;
    if (getenv("LISTEN_FDS") != NULL && number_of("LISTEN_PID") == getpid()) {
        status = take_all(ret_sockets, number_of("LISTEN_FDS"), reterr);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return status;
}

void cli_passed_sockets_close(struct cli_passed_sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++) {
        cli_close(sockets->items[i].fd);
    }
    sockets->count = 0;
}

/* ---- states ---- */

void cli_manager_find(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    int64_t watchdog_us = number_of("WATCHDOG_USEC");
    int64_t watchdog_pid = number_of("WATCHDOG_PID");
    size_t len_bytes = path == NULL ? 0 : strlen(path);
    if (len_bytes > 1 && len_bytes < sizeof manager.address.sun_path &&
        (path[0] == '/' || path[0] == '@')) {
        manager.address.sun_family = AF_UNIX;
        memcpy(manager.address.sun_path, path, len_bytes + 1);
        if (path[0] == '@') {
            manager.address.sun_path[0] = '\0';
        }
        manager.address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len_bytes +
                                            (path[0] == '@' ? 0 : 1));
    }
    bool is_watched = watchdog_us >= US_PER_MS && (watchdog_pid < 0 || watchdog_pid == getpid());
    manager.watchdog_ms = is_watched && manager.address_bytes > 0 ? watchdog_us / US_PER_MS : 0;
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

int64_t cli_manager_watchdog_ms(void)
{
    return manager.watchdog_ms;
}

void cli_manager_tell(const char *format, ...)
{
    char state[STATE_BYTES_MAX];
    va_list arguments;
    if (manager.address_bytes == 0) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(state, sizeof state, format, arguments);
    va_end(arguments);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        /* A manager that does not listen any more is told nothing. */
        (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
                     (const struct sockaddr *)&manager.address, manager.address_bytes);
        (void)close(fd);
    }
}
