/* SPDX-License-Identifier: Apache-2.0 */
/* A listening socket that answers nobody: its queue is as short as can be, and full. */
#include "crowd.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

enum { FULL_MS = 100 /* without an answer from a socket of this machine */ };

/* False when this one got no answer: the queue is full. */
static bool join(struct t_crowd *crowd, const struct sockaddr_storage *address, socklen_t len_bytes)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    crowd->fds[crowd->count++] = fd;
    if (connect(fd, (const struct sockaddr *)address, len_bytes) == 0) {
        return true;
    }
    struct pollfd polled = {.fd = fd, .events = POLLOUT};
    return poll(&polled, 1, FULL_MS) == 1;
}

void t_crowd_init(struct t_crowd *crowd, int listen_fd)
{
    struct sockaddr_storage address;
    socklen_t len_bytes = sizeof address;
    crowd->count = 0;
    assert_int_equal(listen(listen_fd, 0), 0);
    assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&address, &len_bytes), 0);
    while (join(crowd, &address, len_bytes)) {
        assert_true(crowd->count < sizeof crowd->fds / sizeof crowd->fds[0]);
    }
}

void t_crowd_done(struct t_crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++) {
        (void)close(crowd->fds[i]);
    }
}
