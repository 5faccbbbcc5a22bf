/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection under a foreign event loop: the one descriptor that the loop polls.
 *
 * It belongs to a poller that watches the socket and can be woken, since another thread's step may
 * make a watch of the loop due. Thread class: under the connection's lock. */
#include "flight/call/connection_internal.h"

void cfl_connection_wake_loop_locked(struct cfl_connection *connection)
{
    struct cfl_list *head = &connection->locked.watches;
    if (connection->locked.loop_poller == NULL || connection->locked.loop_is_woken) {
        return;
    }
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        struct cfl_watch_base *watch = CFL_LIST_ENTRY(node, struct cfl_watch_base, node);
        if (watch->is_due(watch)) {
            connection->locked.loop_is_woken = true;
            cfl_poller_wake(connection->locked.loop_poller);
            return;
        }
    }
}

int cfl_connection_loop_fd_locked(struct cfl_connection *connection)
{
    int fd = cfl_transport_fd(connection->transport);
    cfl_connection_flush_locked(connection); /* credit that was given since the last step */
    unsigned int wanted = cfl_connection_wanted_locked(connection);
    if (connection->locked.loop_poller == NULL) {
        if (cfl_poller_new(connection->alloc, &connection->locked.loop_poller, NULL) !=
            CFLIGHT_OK) {
            return -1;
        }
        if (cfl_poller_add(connection->locked.loop_poller, fd, wanted, connection, NULL) !=
            CFLIGHT_OK) {
            cfl_poller_free(connection->locked.loop_poller);
            connection->locked.loop_poller = NULL;
            return -1;
        }
        connection->locked.loop_armed = wanted;
    }
    if (wanted != connection->locked.loop_armed) {
        cfl_poller_arm(connection->locked.loop_poller, fd, wanted, connection);
        connection->locked.loop_armed = wanted;
    }
    return cfl_poller_fd(connection->locked.loop_poller);
}

void cfl_connection_drain_loop_locked(struct cfl_connection *connection)
{
    void *tag = NULL;
    unsigned int ready = 0;
    if (connection->locked.loop_poller == NULL) {
        return;
    }
    for (int i = 0; i < 2; i++) { /* the socket's, and a wake */
        if (cfl_poller_wait(connection->locked.loop_poller, 0, &tag, &ready)) {
            connection->locked.loop_armed = CFL_READY_NONE;
        }
    }
    connection->locked.loop_is_woken = false;
}
