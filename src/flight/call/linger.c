/* SPDX-License-Identifier: Apache-2.0 */
/* How a server's connection is closed: what was written still reaches the peer.
 *
 * A socket that is closed with unread input is reset, and what it had still to send is lost. So the
 * sending direction alone is closed, input is thrown away, and the socket goes once the peer's
 * system has everything, or takes nothing any more (RFC 9293 3.10.4, RFC 1122 4.2.2.13). Thread
 * class: one at a time. */
#include "flight/call/linger.h"

#include <limits.h>

#include "base/clock.h"

enum {
    LINGER_MS_MAX = 1000, /* while the peer takes nothing */
    LINGER_ALL_MS_MAX = 30 * 1000,
    /* What the peer's system has taken shows by asking alone, now and again. */
    LINGER_PAUSE_MS = 10,
    LINGER_PAUSE_MS_MAX = 200,
};

void cfl_linger_step(struct cfl_linger *linger, struct cfl_transport *transport)
{
    int left_bytes = 0;
    bool is_drained = cfl_transport_is_drained(transport, &left_bytes);
    int64_t now_ns = cfl_clock_now_ns(NULL);
    if (left_bytes < linger->left_bytes) {
        linger->left_bytes = left_bytes;
        linger->until_ns =
            cfl_deadline_earlier(linger->end_ns, cfl_deadline_after_ms(now_ns, LINGER_MS_MAX));
    }
    if (is_drained || now_ns >= linger->until_ns) {
        linger->is_on = false;
    } else if (now_ns >= linger->check_ns) {
        linger->check_ns = cfl_deadline_after_ms(now_ns, linger->pause_ms);
        linger->pause_ms =
            linger->pause_ms * 2 < LINGER_PAUSE_MS_MAX ? linger->pause_ms * 2 : LINGER_PAUSE_MS_MAX;
    }
}

void cfl_linger_limit(struct cfl_linger *linger, bool is_orderly)
{
    int64_t end_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL),
                                           is_orderly ? LINGER_ALL_MS_MAX : LINGER_MS_MAX);
    linger->end_ns = cfl_deadline_earlier(linger->end_ns, end_ns);
    linger->until_ns = cfl_deadline_earlier(linger->until_ns, linger->end_ns);
}

void cfl_linger_start(struct cfl_linger *linger, struct cfl_transport *transport, bool is_orderly)
{
    *linger = (struct cfl_linger){.is_on = true,
                                  .pause_ms = LINGER_PAUSE_MS,
                                  .left_bytes = INT_MAX,
                                  .until_ns = CFL_TIME_NEVER,
                                  .end_ns = CFL_TIME_NEVER};
    cfl_linger_limit(linger, is_orderly);
    cfl_transport_shutdown_write(transport);
}

int64_t cfl_linger_deadline_ns(const struct cfl_linger *linger)
{
    return cfl_deadline_earlier(linger->check_ns, linger->until_ns);
}
