/* SPDX-License-Identifier: Apache-2.0 */
/* Small batches that come one right after the other: copied, and sent together.
 *
 * A write costs more than a batch of a few KiB. So what a writer adds within moments of its last
 * batch is held back, until it is a lot, the writer does anything else with the connection, or a
 * millisecond has passed, which the owner of the connection sees to. Nobody waits for what is held
 * back: the first batch after a pause leaves at once, and so does each of a call whose peer has
 * answered anything since the first was sent, because the next answer may depend on it. While the
 * peer takes no more, nothing is held back: a stream that rests keeps no memory for it. Under the
 * connection's lock. */
#include "flight/call/call_internal.h"
#include "flight/call/connection_internal.h"

enum {
    SMALL_BYTES_MAX = 16 << 10,    /* a batch that costs less to copy than to write */
    GATHERED_BYTES_MAX = 32 << 10, /* held back for one write */
};

#define QUICK_NS (CFL_NS_PER_MS / 20)
#define HELD_NS_MAX CFL_NS_PER_MS

uint64_t cfl_call_held_back_locked(const struct cfl_call *call)
{
    const struct cfl_connection *connection = call->connection;
    bool is_held = connection->locked.held_until_ns != CFL_TIME_NEVER &&
                   call->locked.held_round == connection->locked.held_round;
    return is_held ? call->locked.held_bytes : 0;
}

/* The peer only listens, somebody sees to what stays, and nothing waits for the socket. */
static bool may_hold_back(const struct cfl_call *call, uint64_t message_bytes)
{
    const struct cfl_connection *connection = call->connection;
    return message_bytes <= SMALL_BYTES_MAX && connection->owner.on_held_back != NULL &&
           call->locked.inbox.received_count == call->locked.received_before_sent &&
           !connection->locked.is_closed && !connection->locked.is_handshaking &&
           connection->locked.write_wait == CFL_READY_NONE &&
           !cfl_loop_fd_is_open(&connection->locked.loop) &&
           cfl_grpc_call_unsent_bytes(call->locked.grpc) <= cfl_call_held_back_locked(call);
}

/* Whether the last small batch was posted only just now. */
static bool is_quick(struct cfl_call *call, int64_t now_ns)
{
    int64_t last_ns = call->locked.batch_posted_ns;
    call->locked.batch_posted_ns = now_ns;
    return last_ns != 0 && now_ns - last_ns <= QUICK_NS;
}

static void hold_back(struct cfl_call *call, uint64_t len_bytes, int64_t now_ns)
{
    struct cfl_connection *connection = call->connection;
    call->locked.held_bytes = cfl_call_held_back_locked(call) + len_bytes;
    call->locked.held_round = connection->locked.held_round;
    if (connection->locked.held_until_ns == CFL_TIME_NEVER) {
        connection->locked.held_until_ns = now_ns + HELD_NS_MAX;
        connection->owner.on_held_back(connection->owner.user_data, connection,
                                       connection->locked.held_until_ns);
    }
    if (call->locked.held_bytes >= GATHERED_BYTES_MAX ||
        now_ns >= connection->locked.held_until_ns) {
        cfl_connection_flush_locked(connection);
    }
}

cflight_status cfl_call_post_batch_locked(struct cfl_call *call, struct cflight_bytes head,
                                          const struct cfl_pieces *body, bool *ret_is_held_back,
                                          cflight_error **reterr)
{
    *ret_is_held_back = false;
    if (!may_hold_back(call, head.len_bytes + body->len_bytes)) {
        return cfl_grpc_call_send(call->locked.grpc, head, body, reterr);
    }
    int64_t now_ns = cfl_clock_now_ns(NULL);
    if (!is_quick(call, now_ns)) {
        return cfl_grpc_call_send(call->locked.grpc, head, body, reterr);
    }
    uint64_t before_bytes = cfl_grpc_call_unsent_bytes(call->locked.grpc);
    cflight_status status =
        cfl_grpc_call_send_copy(call->locked.grpc, head, body, GATHERED_BYTES_MAX, reterr);
    if (status == CFLIGHT_OK) {
        *ret_is_held_back = true;
        hold_back(call, cfl_grpc_call_unsent_bytes(call->locked.grpc) - before_bytes, now_ns);
    }
    return status;
}

int64_t cfl_connection_flush_held_back_locked(struct cfl_connection *connection, int64_t now_ns)
{
    if (now_ns >= connection->locked.held_until_ns) {
        cfl_connection_flush_locked(connection);
    }
    return connection->locked.held_until_ns;
}
