/* SPDX-License-Identifier: Apache-2.0 */
/* A record batch on its way out, one step at a time, so that the same code serves threads that wait
 * and event loops that do not.
 *
 * A batch is sent as one or more runs of rows (splitting by encoded size); a run is the
 * dictionaries that changed, then the record batch. Each message is posted and, since its body
 * points into the caller's memory, must have left before the next step. With a size limit, a run is
 * encoded once without sending, so that a refusal comes before anything went out. Thread class: one
 * at a time. */
#include "base/error.h"
#include "cflight/loop.h"
#include "flight/call/writer.h"

/* The most rows from the offset whose message stays within the split size; at least one. */
static cflight_status fit_rows(cflight_writer *writer, const struct ArrowArray *array,
                               cflight_error **reterr)
{
    struct cfl_writer_batch *batch = &writer->batch;
    int64_t rows = array->length - batch->row_offset;
    while (rows > 1) {
        uint64_t len_bytes = 0;
        cflight_status status = cfl_encoder_measure(writer->encoder, array, batch->row_offset, rows,
                                                    &len_bytes, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (len_bytes <= writer->split_batch_bytes) {
            break;
        }
        int64_t fitting =
            (int64_t)((double)rows * (double)writer->split_batch_bytes / (double)len_bytes);
        rows = fitting < 1 ? 1 : (fitting < rows ? fitting : rows - 1);
    }
    batch->row_count = rows;
    return CFLIGHT_OK;
}

/* Encodes the run without sending it, to see whether every message is within the limit. */
static cflight_status try_sizes(cflight_writer *writer, const struct ArrowArray *array,
                                struct cflight_bytes app_metadata, cflight_error **reterr)
{
    struct cflight_bytes none = {NULL, 0};
    struct cfl_encoded message;
    bool has_message = true;
    cflight_status status = cfl_encoder_begin(writer->encoder, array, writer->batch.row_offset,
                                              writer->batch.row_count, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    while (status == CFLIGHT_OK && has_message) {
        status = cfl_encoder_next(writer->encoder, &message, &has_message, reterr);
        if (status == CFLIGHT_OK && has_message) {
            status =
                cfl_writer_check(writer, 0, &message,
                                 message.kind == CFL_MESSAGE_BATCH ? app_metadata : none, reterr);
        }
    }
    cfl_encoder_end(writer->encoder, false);
    return status;
}

/* A batch in a segment stays whole: what the peer receives of it is small. */
static bool stays_whole(cflight_writer *writer, const struct ArrowArray *array)
{
    const struct cfl_writer_batch *batch = &writer->batch;
    if (cfl_encoder_begin(writer->encoder, array, batch->row_offset, batch->row_count, NULL) !=
        CFLIGHT_OK) {
        return false;
    }
    bool is_in_segment = cfl_encoder_is_in_segment(writer->encoder);
    cfl_encoder_end(writer->encoder, false);
    return is_in_segment;
}

static cflight_status begin_run(cflight_writer *writer, const struct ArrowArray *array,
                                struct cflight_bytes app_metadata, cflight_error **reterr)
{
    struct cfl_writer_batch *batch = &writer->batch;
    cflight_status status = CFLIGHT_OK;
    batch->row_count = array->length - batch->row_offset;
    batch->was_last = false;
    bool may_share = cfl_writer_may_share(writer);
    cfl_encoder_use_segments(writer->encoder, may_share);
    if (writer->split_batch_bytes > 0 && app_metadata.len_bytes == 0 &&
        !(may_share && stays_whole(writer, array))) {
        status = fit_rows(writer, array, reterr);
    }
    if (status == CFLIGHT_OK && writer->size_limit_bytes > 0) {
        status = try_sizes(writer, array, app_metadata, reterr);
    }
    if (status == CFLIGHT_OK) {
        status =
            cfl_encoder_begin(writer->encoder, array, batch->row_offset, batch->row_count, reterr);
        batch->is_encoding = status == CFLIGHT_OK;
    }
    return status;
}

/* Posts the run's next message, or ends the run. */
static cflight_status advance_run(cflight_writer *writer, struct cflight_bytes app_metadata,
                                  cflight_error **reterr)
{
    struct cflight_bytes none = {NULL, 0};
    struct cfl_writer_batch *batch = &writer->batch;
    struct cfl_encoded message;
    struct cfl_share_name share_name;
    bool has_message = false;
    cflight_status status = cfl_encoder_next(writer->encoder, &message, &has_message, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!has_message) {
        cfl_encoder_end(writer->encoder, true);
        batch->is_encoding = false;
        batch->row_offset += batch->row_count;
        return CFLIGHT_OK;
    }
    batch->was_last = message.kind == CFL_MESSAGE_BATCH;
    bool is_shared = cfl_writer_share(writer, &message, &share_name);
    status = cfl_writer_post(writer, none, &message, is_shared ? &share_name : NULL,
                             batch->was_last ? app_metadata : none, reterr);
    batch->is_in_flight = status == CFLIGHT_OK;
    if (status == CFLIGHT_OK && batch->was_last) {
        CFL_COUNT(writer->call->counts, batches_sent, 1);
        CFL_COUNT(writer->call->counts, rows_sent, batch->row_count);
    }
    return status;
}

/* Gives the batch up. Dictionaries count as sent when they all were, that is, when the record
 * batch's turn had come. */
static void give_up(cflight_writer *writer)
{
    if (writer->batch.is_encoding) {
        cfl_encoder_end(writer->encoder, writer->batch.was_last);
    }
    writer->batch = (struct cfl_writer_batch){0};
}

static cflight_status start(cflight_writer *writer, const struct ArrowArray *array,
                            cflight_error **reterr)
{
    cflight_status status = cfl_writer_check_open(writer, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (array == NULL || array->release == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the batch is NULL or released");
    }
    if (writer->encoder == NULL) {
        return cflight_error_set_message(
            reterr, CFLIGHT_FAILED_PRECONDITION,
            "This writer is not started. Call begin with a schema first");
    }
    writer->batch = (struct cfl_writer_batch){.is_active = true};
    return CFLIGHT_OK;
}

/* One step; a batch of no rows is one run too. */
static cflight_status step(cflight_writer *writer, const struct ArrowArray *array,
                           struct cflight_bytes app_metadata, bool *ret_is_waiting,
                           cflight_error **reterr)
{
    struct cfl_writer_batch *batch = &writer->batch;
    *ret_is_waiting = false;
    if (batch->is_in_flight) {
        bool is_sent = false;
        cflight_status status = cfl_call_is_sent(writer->call, &is_sent, reterr);
        batch->is_in_flight = !is_sent;
        *ret_is_waiting = status == CFLIGHT_OK && !is_sent;
        return status;
    }
    if (batch->is_encoding) {
        cflight_status status = advance_run(writer, app_metadata, reterr);
        if (status == CFLIGHT_OK && !batch->is_encoding && batch->row_offset >= array->length) {
            batch->is_active = false;
        }
        return status;
    }
    return begin_run(writer, array, app_metadata, reterr);
}

static cflight_status try_write(cflight_writer *writer, bool may_wait,
                                const struct ArrowArray *batch,
                                const struct cflight_bytes *app_metadata, bool *ret_is_done,
                                cflight_error **reterr)
{
    struct cflight_bytes metadata = {NULL, 0};
    bool is_waiting = false;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(writer), CFL_ARG(ret_is_done));
    if (status != CFLIGHT_OK) {
        return status;
    }
    writer->may_wait = may_wait;
    if (app_metadata != NULL) {
        metadata = *app_metadata;
    }
    if (!writer->batch.is_active) {
        status = start(writer, batch, reterr);
    }
    while (status == CFLIGHT_OK && writer->batch.is_active && !is_waiting) {
        status = step(writer, batch, metadata, &is_waiting, reterr);
    }
    if (status != CFLIGHT_OK) {
        give_up(writer);
        return status;
    }
    *ret_is_done = !is_waiting;
    return CFLIGHT_OK;
}

cflight_status cflight_writer_try_write(cflight_writer *writer, const struct ArrowArray *batch,
                                        const struct cflight_bytes *app_metadata, bool *ret_is_done,
                                        cflight_error **reterr)
{
    return try_write(writer, false, batch, app_metadata, ret_is_done, reterr);
}

cflight_status cflight_writer_write(cflight_writer *writer, const struct ArrowArray *batch,
                                    const struct cflight_bytes *app_metadata,
                                    cflight_error **reterr)
{
    for (;;) {
        bool is_done = false;
        cflight_status status = try_write(writer, true, batch, app_metadata, &is_done, reterr);
        if (status != CFLIGHT_OK || is_done) {
            return status;
        }
        status = cfl_call_wait_sent(writer->call, reterr);
        if (status != CFLIGHT_OK) {
            give_up(writer);
            return status;
        }
    }
}
