/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a connection's I/O: bytes between socket and session, the handshake, time. No step
 * waits, and no callback into user code runs here. Under the connection's lock; reading is the
 * driver's alone. */
#include <string.h>

#include "base/error.h"
#include "base/log_limit.h"
#include "flight/call/connection_internal.h"

enum {
    OUTPUT_VIEWS_MAX = 128,
    READ_STEPS_MAX = 8, /* before the driver looks around again */
};

/* A server that expects TLS hangs up on a plain client, and so does one that has no room for
 * another connection; which of both it was cannot be seen. */
static void explain_silence_locked(const struct cfl_connection *connection, cflight_error **error)
{
    const struct cfl_peer *peer = cfl_transport_peer(connection->transport);
    if (!connection->is_server && !connection->locked.has_received && !peer->is_tls &&
        strncmp(peer->name, "unix:", 5) != 0) {
        (void)cfl_error_prefix(error, CFLIGHT_UNAVAILABLE,
                               "the server hung up without a word; it may be full, or expect TLS "
                               "(grpc+tls://)");
    }
}

/* Writing failed: whoever reads next reads what is there now, then fails the connection. It must
 * not wait for more: the socket may live on (EFAULT), with a peer that waits for us, or that sends
 * for ever. */
static void fail_writing_locked(struct cfl_connection *connection, cflight_error *error)
{
    connection->locked.write_failure = error;
    connection->locked.last_bytes = cfl_transport_unread_bytes(connection->transport);
    connection->locked.is_gone = true;
    connection->locked.is_readable = true;
    cfl_connection_wake_driver_locked(connection);
}

/* One writev. Returns false when there is nothing more to do now. */
static bool flush_step_locked(struct cfl_connection *connection, cflight_error **reterr)
{
    struct iovec views[OUTPUT_VIEWS_MAX];
    int view_count = 0;
    size_t len_bytes = 0;
    cflight_error *error = NULL;
    if (cfl_grpc_output(connection->locked.grpc, views, OUTPUT_VIEWS_MAX, &view_count, reterr) !=
            CFLIGHT_OK ||
        view_count == 0 || cfl_check_process(connection->pid, reterr) != CFLIGHT_OK) {
        return false;
    }
    connection->locked.write_wait = CFL_READY_NONE;
    if (cfl_transport_write(connection->transport, views, view_count, &len_bytes,
                            &connection->locked.write_wait, &error) != CFLIGHT_OK) {
        fail_writing_locked(connection, error);
        return false;
    }
    if (len_bytes > 0) {
        cfl_grpc_sent(connection->locked.grpc, len_bytes);
    }
    return connection->locked.write_wait == CFL_READY_NONE;
}

void cfl_connection_flush_locked(struct cfl_connection *connection)
{
    cflight_error *error = NULL;
    connection->locked.held_until_ns = CFL_TIME_NEVER;
    connection->locked.held_round++;
    if (connection->locked.is_closed || connection->locked.is_handshaking ||
        connection->locked.write_failure != NULL) {
        return;
    }
    while (flush_step_locked(connection, &error)) {
    }
    if (error != NULL) {
        explain_silence_locked(connection, &error);
        cfl_connection_fail_locked(connection, error);
    } else if (cfl_grpc_is_finished(connection->locked.grpc) &&
               !cfl_grpc_wants_output(connection->locked.grpc)) {
        cfl_connection_close_locked(connection, NULL);
    } else if (connection->locked.write_wait == CFL_READY_NONE) {
        connection->locked.has_given_up = false;
    }
}

/* After writing failed: whether what had come by then is read. */
static bool was_last_locked(struct cfl_connection *connection, size_t len_bytes)
{
    uint64_t left_bytes = connection->locked.last_bytes;
    connection->locked.last_bytes -= len_bytes < left_bytes ? len_bytes : left_bytes;
    return len_bytes == 0 || connection->locked.last_bytes == 0;
}

/* Takes the channel that a client offered; it comes once. */
static void accept_shares_locked(struct cfl_connection *connection)
{
    int fd = connection->locked.shares == NULL ? cfl_transport_take_fd(connection->transport) : -1;
    if (fd >= 0) {
        cfl_transport_want_fd(connection->transport, false);
        connection->locked.shares = cfl_shares_accept(connection->alloc, &connection->limits, fd);
    }
}

/* One read. Returns false when nothing came. */
static bool read_step_locked(struct cfl_connection *connection)
{
    struct iovec target[2];
    int target_count = 0;
    size_t len_bytes = 0;
    bool is_eof = false;
    cflight_error *error = NULL;

    if (cfl_check_process(connection->pid, &error) != CFLIGHT_OK) {
        cfl_connection_fail_locked(connection, error);
        return true;
    }
    cfl_grpc_input(connection->locked.grpc, target, &target_count);
    size_t wanted_bytes = target[0].iov_len + (target_count > 1 ? target[1].iov_len : 0);
    cflight_status status =
        cfl_transport_read(connection->transport, target, target_count, &len_bytes, &is_eof,
                           &connection->locked.read_wait, &error);
    connection->locked.is_gone = connection->locked.is_gone || status != CFLIGHT_OK;
    connection->locked.is_readable = len_bytes == wanted_bytes ||
                                     cfl_transport_has_pending(connection->transport) ||
                                     connection->locked.write_failure != NULL;
    connection->locked.has_received = connection->locked.has_received || len_bytes > 0;
    if (connection->may_share && connection->is_server) {
        accept_shares_locked(connection);
    }
    if (status == CFLIGHT_OK) { /* also when nothing came: what was lent goes back */
        status = cfl_grpc_received(connection->locked.grpc, len_bytes, &error);
        if (status != CFLIGHT_OK) {
            cfl_connection_flush_locked(connection); /* the GOAWAY that says why */
        }
    }
    if (status == CFLIGHT_OK && is_eof) {
        connection->locked.is_gone = true;
        status = cflight_error_set(&error, CFLIGHT_UNAVAILABLE, "the peer closed the connection");
    }
    if (status == CFLIGHT_OK && connection->locked.write_failure != NULL &&
        was_last_locked(connection, len_bytes)) {
        status = cflight_error_status(connection->locked.write_failure);
        error = cfl_error_copy(connection->locked.write_failure);
    }
    if (status != CFLIGHT_OK) {
        explain_silence_locked(connection, &error);
        cfl_connection_fail_locked(connection, error);
        return true;
    }
    return len_bytes > 0;
}

int64_t cfl_connection_deadline_locked(const struct cfl_connection *connection)
{
    if (connection->locked.linger.is_on) {
        return cfl_linger_deadline_ns(&connection->locked.linger);
    }
    if (connection->locked.is_closed) {
        return CFL_TIME_NEVER;
    }
    int64_t own_ns = cfl_deadline_earlier(connection->locked.handshake_deadline_ns,
                                          connection->locked.owner_deadline_ns);
    return cfl_deadline_earlier(cfl_grpc_next_deadline_ns(connection->locked.grpc), own_ns);
}

void cfl_connection_tick_locked(struct cfl_connection *connection)
{
    int64_t now_ns = cfl_clock_now_ns(NULL);
    if (connection->locked.is_closed || now_ns < cfl_connection_deadline_locked(connection)) {
        return;
    }
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (now_ns >= connection->locked.handshake_deadline_ns) {
        CFL_COUNT(connection->owner.counts, limits[CFL_LIMIT_HANDSHAKE_TIME], 1);
        status = cflight_error_set(&error, CFLIGHT_UNAVAILABLE,
                                   "the TLS handshake took longer than %u ms",
                                   connection->limits.handshake_ms);
    } else {
        status = cfl_grpc_tick(connection->locked.grpc, now_ns, &error);
    }
    if (status == CFLIGHT_OK && now_ns >= connection->locked.owner_deadline_ns) {
        connection->locked.owner_deadline_ns = CFL_TIME_NEVER;
        connection->owner.on_time(connection->owner.user_data, connection, now_ns);
    }
    if (status != CFLIGHT_OK) {
        cfl_connection_flush_locked(connection);
        cfl_connection_fail_locked(connection, error);
    }
}

void cfl_connection_handshake_locked(struct cfl_connection *connection)
{
    cflight_error *error = NULL;
    unsigned int wait = CFL_READY_NONE;
    if (cfl_transport_handshake(connection->transport, &wait, &error) != CFLIGHT_OK) {
        CFL_LOG_LIMITED(CFLIGHT_LOG_INFO, "net", "%s: %s",
                        cfl_transport_peer(connection->transport)->name,
                        cflight_error_message(error));
        cfl_connection_fail_locked(connection, error);
        return;
    }
    connection->locked.read_wait = wait;
    connection->locked.is_handshaking = wait != CFL_READY_NONE;
    if (!connection->locked.is_handshaking) {
        connection->locked.handshake_deadline_ns = CFL_TIME_NEVER;
        connection->locked.is_readable = true;
    }
}

/* What is to be watched for the next step. */
unsigned int cfl_connection_wanted_locked(const struct cfl_connection *connection)
{
    if (connection->locked.linger.is_on) {
        return CFL_READY_READ;
    }
    if (connection->locked.is_closed) {
        return CFL_READY_READ | CFL_READY_WRITE;
    }
    if (connection->locked.has_arrivals) {
        return connection->locked.write_wait; /* nothing is read, so nothing is listened for */
    }
    unsigned int wanted = connection->locked.read_wait | connection->locked.write_wait;
    if (connection->locked.is_readable && (cfl_transport_has_pending(connection->transport) ||
                                           connection->locked.write_failure != NULL)) {
        wanted |= CFL_READY_WRITE; /* decrypted bytes wait, or the end is to be told, neither of
                                      which the descriptor shows: come back at once */
    }
    return connection->locked.is_handshaking && wanted != 0 ? wanted : wanted | CFL_READY_READ;
}

int cfl_connection_loop_fd_locked(struct cfl_connection *connection)
{
    cfl_connection_flush_locked(connection); /* calls, and credit, since the last step */
    connection->locked.has_begun_calls = false;
    if (connection->locked.armed != CFL_READY_NONE) {
        connection->locked.armed = CFL_READY_NONE; /* the loop looks from here on */
        connection->owner.arm(connection->owner.user_data, connection, CFL_READY_NONE);
    }
    return cfl_loop_fd_arm(&connection->locked.loop, connection->alloc,
                           cfl_transport_fd(connection->transport),
                           cfl_connection_wanted_locked(connection));
}

/* Reads while there is something, at most until the driver's wish came true. */
bool cfl_connection_read_locked(struct cfl_connection *connection, bool (*is_done)(void *user_data),
                                void *user_data)
{
    bool has_progress = false;
    for (int i = 0; i < READ_STEPS_MAX && connection->locked.is_readable &&
                    !connection->locked.is_closed && !connection->locked.has_arrivals;
         i++) {
        if (!read_step_locked(connection)) {
            break;
        }
        has_progress = true;
        if (is_done != NULL && is_done(user_data)) {
            break;
        }
    }
    return has_progress;
}
