/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that handlers handed over: one batch is pulled, posted, and when the socket took it the
 * next is pulled. Between batches the call has no thread. Runs in steps on pool threads, under no
 * lock; one at a time for each call. */
#include <string.h>

#include "base/error.h"
#include "cflight/loop.h"
#include "flight/server/server_call.h"

/* Lets go of what was pulled last. */
static void drop(struct cfl_server_call *call)
{
    if (call->has_chunk) {
        cflight_chunk_release(&call->chunk);
        cflight_message_release(&call->message);
        call->has_chunk = false;
    }
}

static void release(struct cfl_server_call *call)
{
    drop(call);
    if (call->source.release != NULL) {
        call->source.release(call->source.user_data);
        call->source.release = NULL;
    }
    cfl_writer_done(call->writer);
    call->writer = NULL;
}

static void end(struct cfl_server_call *call, cflight_status status, cflight_error *error)
{
    if (status != CFLIGHT_OK) {
        /* What was posted is borrowed from the chunk, which goes now. */
        cfl_connection_lock(call->context.call->connection);
        bool is_unsent = !call->context.call->locked.is_over &&
                         cfl_grpc_call_unsent_bytes(call->context.call->locked.grpc) > 0;
        cfl_connection_unlock(call->context.call->connection);
        if (is_unsent) {
            (void)cfl_call_wait_sent(call->context.call, NULL);
        }
    }
    release(call);
    cfl_server_answer(call, status, error);
    cflight_error_free(error);
}

/* Sends what was pulled; `*ret_is_done` false: as far as the socket takes it now. */
static cflight_status send_chunk(struct cfl_server_call *call, bool *ret_is_done,
                                 cflight_error **reterr)
{
    struct cflight_chunk *chunk = &call->chunk;
    struct cflight_bytes metadata = cflight_buffer_bytes(chunk->app_metadata);
    const struct cflight_bytes *given = chunk->app_metadata == NULL ? NULL : &metadata;
    *ret_is_done = true;
    if (call->source.next_message != NULL) {
        return cflight_writer_try_write_message(call->writer, &call->message, ret_is_done, reterr);
    }
    if (chunk->has_batch) {
        return cflight_writer_try_write(call->writer, &chunk->batch, given, ret_is_done, reterr);
    }
    return given == NULL ? CFLIGHT_OK
                         : cflight_writer_write_metadata(call->writer, metadata, reterr);
}

/* Pulls the next chunk; `*ret_is_end` when there is none. */
static cflight_status pull(struct cfl_server_call *call, bool *ret_is_end, cflight_error **reterr)
{
    const struct cflight_source *source = &call->source;
    memset(&call->chunk, 0, sizeof call->chunk);
    memset(&call->message, 0, sizeof call->message);
    cflight_status status = source->next != NULL
                                ? source->next(source->user_data, &call->chunk, reterr)
                                : source->next_message(source->user_data, &call->message, reterr);
    call->has_chunk = status == CFLIGHT_OK;
    *ret_is_end = status == CFLIGHT_OK && (call->chunk.is_end || call->message.is_end);
    return status;
}

/* The connection sends what it can; true when that was all, otherwise the call is ready again when
 * it was, and not to be touched any more. */
static bool flush(struct cfl_server_call *call)
{
    struct cfl_call *wire = call->context.call;
    cfl_connection_lock(wire->connection);
    cfl_connection_flush_locked(wire->connection);
    bool is_waiting = cfl_call_await_locked(wire, CFL_AWAITED_SENT);
    if (is_waiting) {
        cfl_call_count_stall_locked(wire);
        cfl_server_await_sent_locked(call);
    } else {
        cfl_server_stop_waiting_locked(call);
    }
    cfl_connection_unlock(wire->connection);
    return !is_waiting;
}

static cflight_status failure(struct cfl_server_call *call, cflight_error **reterr)
{
    bool is_sent = false;
    return cfl_call_is_sent(call->context.call, &is_sent, reterr);
}

/* Has the call looked after again, behind others that are ready. */
static void give_way(struct cfl_server_call *call)
{
    struct cfl_connection *connection = call->context.call->connection;
    cfl_connection_lock(connection);
    cfl_server_make_ready_locked(call);
    cfl_connection_kick_locked(connection);
    cfl_connection_unlock(connection);
}

void cfl_server_pull(struct cfl_server_call *call)
{
    cflight_error *error = NULL;
    bool is_end = false;
    bool is_done = false;
    cflight_status status = failure(call, &error);
    if (status == CFLIGHT_OK && !call->has_chunk) {
        status = pull(call, &is_end, &error);
    }
    while (status == CFLIGHT_OK && !is_end && !is_done) {
        status = send_chunk(call, &is_done, &error);
        if (status == CFLIGHT_OK && !is_done && !flush(call)) {
            return;
        }
        status = status == CFLIGHT_OK ? failure(call, &error) : status;
    }
    if (status != CFLIGHT_OK || is_end) {
        end(call, status, error);
        return;
    }
    drop(call);
    give_way(call);
}
