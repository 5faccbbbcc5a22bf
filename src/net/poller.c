/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness on Linux: epoll, eventfd and poll.
 *
 * Every descriptor is registered with EPOLLONESHOT, so an event goes to one thread and the
 * descriptor is silent until it is armed again. The kernel reports errors and hang-ups even when
 * nothing was asked for; a descriptor that is to be silent therefore carries a tag of ours instead
 * of the user's, and its event is dropped, which also disarms it. Arming looks at the state of the
 * descriptor afresh, so nothing is lost by that.
 *
 * Wakes go through a semaphore eventfd that is level-triggered: each write lets one read succeed,
 * so exactly one waiting thread returns per wake, and a wake that nobody waits for stays. Thread
 * class: free. */
#include "net/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"

struct cfl_poller {
    const struct cflight_allocator *alloc;
    int epoll_fd;
    int wake_fd;
    char silent_tag; /* only the address counts */
    char wake_tag;
};

/* Adds one to an eventfd. Keeps errno, since a signal handler may be the caller. */
static void eventfd_signal(int fd)
{
    int saved_errno = errno;
    uint64_t one = 1;
    ssize_t written_bytes = 0;
    do {
        written_bytes = write(fd, &one, sizeof one);
    } while (written_bytes < 0 && errno == EINTR);
    errno = saved_errno;
}

/* Takes one from a semaphore eventfd, or all from a plain one; false when it was at zero. */
static bool eventfd_take(int fd)
{
    uint64_t value = 0;
    ssize_t read_bytes = 0;
    do {
        read_bytes = read(fd, &value, sizeof value);
    } while (read_bytes < 0 && errno == EINTR);
    return read_bytes == (ssize_t)sizeof value;
}

static cflight_status out_of_descriptors(cflight_error **reterr, const char *what)
{
    return cfl_error_set_os(reterr, CFLIGHT_RESOURCE_EXHAUSTED, errno, "cannot create %s", what);
}

static int control(struct cfl_poller *poller, int operation, int fd, unsigned int wanted, void *tag)
{
    struct epoll_event event = {.events = EPOLLONESHOT, .data.ptr = tag};
    if (wanted == CFL_READY_NONE) {
        event.data.ptr = &poller->silent_tag;
    }
    if ((wanted & CFL_READY_READ) != 0) {
        event.events |= EPOLLIN;
    }
    if ((wanted & CFL_READY_WRITE) != 0) {
        event.events |= EPOLLOUT;
    }
    return epoll_ctl(poller->epoll_fd, operation, fd, &event);
}

cflight_status cfl_poller_new(const struct cflight_allocator *alloc, struct cfl_poller **ret_poller,
                              cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    struct epoll_event event = {.events = EPOLLIN};
    struct cfl_poller *poller = cfl_alloc_zeroed(alloc, sizeof *poller);
    if (poller == NULL) {
        return cfl_error_no_memory(reterr);
    }
    poller->alloc = alloc;
    poller->wake_fd = -1;
    poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->epoll_fd < 0) {
        status = out_of_descriptors(reterr, "an epoll set");
        goto done;
    }
    poller->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    if (poller->wake_fd < 0) {
        status = out_of_descriptors(reterr, "an event descriptor");
        goto done;
    }
    event.data.ptr = &poller->wake_tag;
    if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, poller->wake_fd, &event) != 0) {
        status = out_of_descriptors(reterr, "an epoll registration");
        goto done;
    }
    *ret_poller = poller;
    poller = NULL;

done:
    cfl_poller_free(poller);
    return status;
}

void cfl_poller_free(struct cfl_poller *poller)
{
    if (poller == NULL) {
        return;
    }
    if (poller->epoll_fd >= 0) {
        (void)close(poller->epoll_fd);
    }
    if (poller->wake_fd >= 0) {
        (void)close(poller->wake_fd);
    }
    cfl_free(poller->alloc, poller, sizeof *poller);
}

cflight_status cfl_poller_add(struct cfl_poller *poller, int fd, unsigned int wanted, void *tag,
                              cflight_error **reterr)
{
    if (control(poller, EPOLL_CTL_ADD, fd, wanted, tag) != 0) {
        return out_of_descriptors(reterr, "an epoll registration");
    }
    return CFLIGHT_OK;
}

void cfl_poller_arm(struct cfl_poller *poller, int fd, unsigned int wanted, void *tag)
{
    /* A change of a registration takes no memory, so it fails only for a descriptor that was not
     * added. */
    (void)control(poller, EPOLL_CTL_MOD, fd, wanted, tag);
}

void cfl_poller_remove(struct cfl_poller *poller, int fd)
{
    (void)epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static unsigned int ready_from_epoll(uint32_t events)
{
    unsigned int ready = CFL_READY_NONE;
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
        ready |= CFL_READY_READ;
    }
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
        ready |= CFL_READY_WRITE;
    }
    return ready;
}

bool cfl_poller_wait(struct cfl_poller *poller, int64_t timeout_ns, void **ret_tag,
                     unsigned int *ret_ready)
{
    int64_t now_ns = cfl_clock_now_ns(NULL);
    int64_t deadline_ns = cfl_deadline_after_ns(now_ns, timeout_ns);
    for (;;) {
        struct epoll_event event = {.events = 0};
        int count =
            epoll_wait(poller->epoll_fd, &event, 1, cfl_deadline_poll_ms(now_ns, deadline_ns));
        bool is_wake = count == 1 && event.data.ptr == &poller->wake_tag;
        if (is_wake && eventfd_take(poller->wake_fd)) {
            return false;
        }
        if (count == 1 && !is_wake && event.data.ptr != &poller->silent_tag) {
            *ret_tag = event.data.ptr;
            *ret_ready = ready_from_epoll(event.events);
            return true;
        }
        if (deadline_ns != CFL_TIME_NEVER) {
            now_ns = cfl_clock_now_ns(NULL);
            if (now_ns >= deadline_ns && count <= 0) {
                return false;
            }
        }
    }
}

void cfl_poller_wake(struct cfl_poller *poller)
{
    eventfd_signal(poller->wake_fd);
}

int cfl_poller_fd(const struct cfl_poller *poller)
{
    return poller->epoll_fd;
}

cflight_status cfl_waker_init(struct cfl_waker *waker, cflight_error **reterr)
{
    waker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (waker->fd == 0) {
        /* Standard input was closed. A zeroed waker must mean "none", so the number 0 is not for
         * us. */
        waker->fd = fcntl(0, F_DUPFD_CLOEXEC, 1);
        (void)close(0);
    }
    if (waker->fd < 0) {
        return out_of_descriptors(reterr, "an event descriptor");
    }
    return CFLIGHT_OK;
}

void cfl_waker_done(struct cfl_waker *waker)
{
    if (waker != NULL && waker->fd > 0) {
        (void)close(waker->fd);
        waker->fd = -1;
    }
}

void cfl_waker_set(struct cfl_waker *waker)
{
    eventfd_signal(waker->fd);
}

void cfl_waker_clear(struct cfl_waker *waker)
{
    (void)eventfd_take(waker->fd);
}

static unsigned int ready_from_poll(short events)
{
    unsigned int ready = CFL_READY_NONE;
    if ((events & (POLLIN | POLLERR | POLLHUP | POLLNVAL)) != 0) {
        ready |= CFL_READY_READ;
    }
    if ((events & (POLLOUT | POLLERR | POLLHUP | POLLNVAL)) != 0) {
        ready |= CFL_READY_WRITE;
    }
    return ready;
}

unsigned int cfl_wait_fd(int fd, unsigned int wanted, struct cfl_waker *waker, int64_t timeout_ns)
{
    int64_t now_ns = cfl_clock_now_ns(NULL);
    int64_t deadline_ns = cfl_deadline_after_ns(now_ns, timeout_ns);
    short events = (short)(((wanted & CFL_READY_READ) != 0 ? POLLIN : 0) |
                           ((wanted & CFL_READY_WRITE) != 0 ? POLLOUT : 0));
    struct pollfd fds[2] = {{.fd = fd, .events = events},
                            {.fd = waker == NULL ? -1 : waker->fd, .events = POLLIN}};
    while (poll(fds, 2, cfl_deadline_poll_ms(now_ns, deadline_ns)) < 0) {
        fds[0].revents = 0;
        fds[1].revents = 0;
        now_ns = cfl_clock_now_ns(NULL);
        if (errno != EINTR || now_ns >= deadline_ns) {
            break;
        }
    }
    if (waker != NULL && fds[1].revents != 0) {
        cfl_waker_clear(waker);
    }
    return ready_from_poll(fds[0].revents);
}
