/* SPDX-License-Identifier: Apache-2.0 */
/* How a server's connection is closed: what was written still reaches the peer.
 *
 * A socket that is closed with unread input is reset, and what it had still to send is lost. So the
 * sending direction alone is closed, input is thrown away, and the socket goes once the peer's
 * system has everything, or takes nothing any more (RFC 9293 3.10.4, RFC 1122 4.2.2.13). Thread
 * class: under the connection's lock. */
#include <limits.h>

#include "flight/call/connection_internal.h"

enum {
    LINGER_MS_MAX = 1000, /* while the peer takes nothing */
    LINGER_ALL_MS_MAX = 30 * 1000,
    /* What the peer's system has taken shows by asking alone, now and again. */
    LINGER_PAUSE_MS = 10,
    LINGER_PAUSE_MS_MAX = 200,
};

void cfl_connection_linger_locked(struct cfl_connection *connection)
{
    int left_bytes = 0;
    bool is_drained = cfl_transport_is_drained(connection->transport, &left_bytes);
    int64_t now_ns = cfl_clock_now_ns(NULL);
    if (left_bytes < connection->locked.linger_left_bytes) {
        connection->locked.linger_left_bytes = left_bytes;
        connection->locked.linger_until_ns = cfl_deadline_earlier(
            connection->locked.linger_end_ns, cfl_deadline_after_ms(now_ns, LINGER_MS_MAX));
    }
    if (is_drained || now_ns >= connection->locked.linger_until_ns) {
        connection->locked.is_lingering = false;
        cfl_connection_shut_down(connection);
    } else if (now_ns >= connection->locked.linger_check_ns) {
        int64_t pause_ms = connection->locked.linger_pause_ms;
        connection->locked.linger_check_ns = cfl_deadline_after_ms(now_ns, pause_ms);
        connection->locked.linger_pause_ms =
            pause_ms * 2 < LINGER_PAUSE_MS_MAX ? pause_ms * 2 : LINGER_PAUSE_MS_MAX;
    }
}

void cfl_connection_limit_lingering_locked(struct cfl_connection *connection, bool is_orderly)
{
    int64_t end_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL),
                                           is_orderly ? LINGER_ALL_MS_MAX : LINGER_MS_MAX);
    connection->locked.linger_end_ns =
        cfl_deadline_earlier(connection->locked.linger_end_ns, end_ns);
    connection->locked.linger_until_ns =
        cfl_deadline_earlier(connection->locked.linger_until_ns, connection->locked.linger_end_ns);
}

void cfl_connection_start_lingering_locked(struct cfl_connection *connection, bool is_orderly)
{
    connection->locked.is_lingering = true;
    connection->locked.linger_pause_ms = LINGER_PAUSE_MS;
    connection->locked.linger_left_bytes = INT_MAX;
    connection->locked.linger_until_ns = CFL_TIME_NEVER;
    connection->locked.linger_end_ns = CFL_TIME_NEVER;
    cfl_connection_limit_lingering_locked(connection, is_orderly);
    cfl_transport_shutdown_write(connection->transport);
    cfl_connection_linger_locked(connection);
}
