/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections, and running out of descriptors.
 *
 * One descriptor is kept in reserve. When the process has no other left, it is given up for a
 * moment to accept the next connection and close it at once, so that clients hear of it instead of
 * waiting in the backlog. Thread class: pool threads, one at a time for each listener. */
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "flight/server/server.h"

enum {
    ACCEPTS_PER_EVENT_MAX = 32,
    ACCEPT_PAUSE_MS = 10,
    COMPLAIN_PAUSE_MS = 1000,
};

static void *tag_of(size_t number)
{
    return (void *)(uintptr_t)(CFL_SERVER_LISTENER_TAG - number);
}

/* A socket that listens. */
struct place {
    const struct cfl_server_listener *listener;
    int fd;
};

/* Finds a socket by its number; false when there is none. */
static bool find_place(const struct cflight_server *server, size_t number, struct place *ret_place)
{
    int fds[CFL_LISTENER_FDS_MAX];
    size_t index = number / CFL_LISTENER_FDS_MAX;
    size_t fd_index = number % CFL_LISTENER_FDS_MAX;
    if (index >= server->listener_count) {
        return false;
    }
    ret_place->listener = &server->listeners[index];
    if (fd_index >= cfl_listener_fds(ret_place->listener->sockets, fds)) {
        return false;
    }
    ret_place->fd = fds[fd_index];
    return true;
}

static int take_reserve(struct cflight_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    int fd = server->locked.reserve_fd;
    server->locked.reserve_fd = -1;
    (void)pthread_mutex_unlock(&server->mutex);
    return fd;
}

static void restore_reserve(struct cflight_server *server)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)pthread_mutex_lock(&server->mutex);
    if (server->locked.reserve_fd < 0) {
        server->locked.reserve_fd = fd;
        fd = -1;
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* Closes the connections that wait, by the descriptor in reserve. */
static void turn_away(struct cflight_server *server, const struct place *place)
{
    int reserve_fd = take_reserve(server);
    if (reserve_fd < 0) {
        return;
    }
    (void)close(reserve_fd);
    for (int i = 0; i < ACCEPTS_PER_EVENT_MAX; i++) {
        struct cfl_transport *transport = NULL;
        if (cfl_listener_accept(place->listener->sockets, place->fd, NULL, &transport, NULL) !=
                CFLIGHT_OK ||
            transport == NULL) {
            break;
        }
        cfl_transport_free(transport);
    }
    restore_reserve(server);
}

/* Tells the operator, now and again, and looks again a little later. */
static void pause_accepting(struct cflight_server *server, const cflight_error *error)
{
    int64_t now_ns = cfl_clock_now_ns(NULL);
    CFL_COUNT(server->counts, limits[CFL_LIMIT_DESCRIPTORS], 1);
    (void)pthread_mutex_lock(&server->mutex);
    bool complains = now_ns >= server->locked.complain_ns;
    if (complains) {
        server->locked.complain_ns = cfl_deadline_after_ms(now_ns, COMPLAIN_PAUSE_MS);
    }
    server->locked.accept_is_paused = true;
    server->locked.accept_ns = cfl_deadline_after_ms(now_ns, ACCEPT_PAUSE_MS);
    cfl_server_wake_clock_locked(server);
    (void)pthread_mutex_unlock(&server->mutex);
    if (complains) {
        CFL_LOG(CFLIGHT_LOG_ERROR, "flight",
                "cannot accept connections: %s; new ones are closed until that changes",
                cflight_error_message(error));
    }
}

void cfl_server_on_listener(struct cflight_server *server, size_t number)
{
    struct place place;
    if (!find_place(server, number, &place)) {
        return;
    }
    bool is_tls = place.listener->is_tls;
    for (int i = 0; i < ACCEPTS_PER_EVENT_MAX; i++) {
        struct cfl_transport *transport = NULL;
        cflight_error *error = NULL;
        cflight_status status = cfl_listener_accept(
            place.listener->sockets, place.fd, is_tls ? server->tls : NULL, &transport, &error);
        if (status == CFLIGHT_OK && transport != NULL) {
            status = cfl_server_adopt(server, transport, is_tls, &error);
        }
        if (status != CFLIGHT_OK) {
            turn_away(server, &place);
            pause_accepting(server, error);
            cflight_error_free(error);
            return;
        }
        if (transport == NULL) {
            break;
        }
    }
    (void)pthread_mutex_lock(&server->mutex);
    if (server->locked.state == CFL_SERVER_RUNNING) {
        cfl_poller_arm(server->poller, place.fd, CFL_READY_READ, tag_of(number));
    }
    (void)pthread_mutex_unlock(&server->mutex);
}

cflight_status cfl_server_watch_listeners(struct cflight_server *server, cflight_error **reterr)
{
    struct place place;
    restore_reserve(server);
    for (size_t number = 0; number < CFL_SERVER_LISTENER_TAGS; number++) {
        if (find_place(server, number, &place)) {
            cflight_status status =
                cfl_poller_add(server->poller, place.fd, CFL_READY_READ, tag_of(number), reterr);
            if (status != CFLIGHT_OK) {
                return status;
            }
        }
    }
    return CFLIGHT_OK;
}

void cfl_server_resume_accepting_locked(struct cflight_server *server)
{
    struct place place;
    server->locked.accept_is_paused = false;
    if (server->locked.state != CFL_SERVER_RUNNING) {
        return;
    }
    for (size_t number = 0; number < CFL_SERVER_LISTENER_TAGS; number++) {
        if (find_place(server, number, &place)) {
            cfl_poller_arm(server->poller, place.fd, CFL_READY_READ, tag_of(number));
        }
    }
}
