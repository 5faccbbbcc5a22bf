/* SPDX-License-Identifier: Apache-2.0 */
/* How the body of a message goes: in the segment in which it lies, or over the socket. The latter
 * is always possible, so nothing here fails. Small bodies cost less over the socket than a
 * descriptor does. Bodies that lie elsewhere are not copied into shared memory: that took as long
 * as the socket (docs/internals/performance.md). Thread class: one at a time. */
#include "base/blocking.h"
#include "base/segment.h"
#include "cflight/types.h"
#include "flight/call/writer.h"

enum { SHARED_BYTES_MIN = 32 << 10 };

bool cfl_writer_may_share(const cflight_writer *writer)
{
    uint32_t stream_id = 0;
    if (!writer->call->connection->may_share || !cfl_segment_is_any()) {
        return false;
    }
    struct cfl_shares *shares = cfl_call_shares(writer->call, &stream_id);
    bool may_share = shares != NULL && cfl_shares_is_agreed(shares);
    cfl_shares_unref(shares);
    return may_share;
}

/* A thread that may wait for its peer does so for a release. What was posted before has to leave
 * for that. */
static void wait_for_room(const cflight_writer *writer, struct cfl_shares *shares,
                          const struct cfl_shared_memory *memory)
{
    struct cfl_connection *connection = writer->call->connection;
    if (!writer->may_wait || !cfl_shares_is_full(shares, memory)) {
        return;
    }
    cfl_connection_lock(connection);
    cfl_connection_flush_locked(connection);
    cfl_connection_unlock(connection);
    cfl_blocking_begin();
    cfl_shares_wait(shares, memory);
    cfl_blocking_end();
}

bool cfl_writer_share(const cflight_writer *writer, const struct cfl_encoded *message,
                      struct cfl_share_name *ret_name)
{
    struct cfl_share_name name = {0, message->segment_offset, message->body_len_bytes};
    uint32_t stream_id = 0;
    if (message->segment == NULL || message->body_len_bytes < SHARED_BYTES_MIN ||
        message->body_len_bytes > CFLIGHT_MESSAGE_BYTES_MAX) {
        return false;
    }
    const struct cfl_shared_memory memory = {cfl_segment_id(message->segment),
                                             cfl_segment_fd(message->segment),
                                             cfl_segment_bytes(message->segment).len_bytes};
    struct cfl_shares *shares = cfl_call_shares(writer->call, &stream_id);
    bool is_passed = false;
    if (shares != NULL && stream_id != 0) {
        wait_for_room(writer, shares, &memory);
        is_passed = cfl_shares_pass(shares, &memory, stream_id, &name.number);
    }
    cfl_shares_unref(shares);
    if (is_passed) {
        *ret_name = name;
    }
    return is_passed;
}
