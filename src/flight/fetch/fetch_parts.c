/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and reading the parts of a fetch.
 *
 * A part is one endpoint. Several are open at once; their servers send until a flow-control window
 * is full. The thread that pulls batches waits for all of them as any other thread waits for a
 * call, so a client may be used by anybody else meanwhile. In order, only the first open part is
 * read from; in any order, whichever has something. A part that fails before it delivered a batch
 * is tried again, at its next location. Thread class: one at a time. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "flight/call/reader.h"
#include "flight/fetch/fetch.h"

/* ---- opening parts ---- */

static struct cflight_bytes location_of(const struct cfl_fetch_part *part, uint32_t attempt)
{
    const struct cflight_endpoint *endpoint = part->endpoint;
    if (endpoint->location_count == 0) {
        return cflight_bytes_make(NULL, 0);
    }
    return endpoint->locations[attempt % endpoint->location_count];
}

static cflight_status check_expiry(const struct cfl_fetch *fetch, const struct cfl_fetch_part *part,
                                   cflight_error **reterr)
{
    const struct cflight_time *expiry = &part->endpoint->expiration_time;
    char text[32] = "";
    struct tm moment;
    if (!expiry->has_value || expiry->unix_ns > cfl_clock_wall_ns()) {
        return CFLIGHT_OK;
    }
    time_t seconds = (time_t)(expiry->unix_ns / CFL_NS_PER_S);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &moment));
    return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                             "endpoint %zu of %zu expired at %s", (size_t)(part - fetch->parts) + 1,
                             fetch->part_count, text);
}

/* Tells where it happened. */
static cflight_status blame(const struct cfl_fetch *fetch, const struct cfl_fetch_part *part,
                            cflight_status status, cflight_error **reterr)
{
    struct cflight_bytes location = location_of(part, part->attempt_count);
    if (fetch->part_count == 1 && part->endpoint->location_count == 0) {
        return status; /* there is only one place */
    }
    const char *place =
        location.len_bytes == 0 ? "the info's own service" : (const char *)location.data;
    int place_bytes = location.len_bytes == 0 ? (int)strlen(place) : (int)location.len_bytes;
    return cfl_error_prefix(reterr, status, "endpoint %zu of %zu at %.*s",
                            (size_t)(part - fetch->parts) + 1, fetch->part_count, place_bytes,
                            place);
}

/* Whether another attempt is worth it; moves on to it. */
static bool try_again(const struct cfl_fetch *fetch, struct cfl_fetch_part *part,
                      cflight_status status)
{
    uint32_t location_count =
        part->endpoint->location_count == 0 ? 1 : (uint32_t)part->endpoint->location_count;
    uint32_t attempts_max =
        fetch->attempts_max > location_count ? fetch->attempts_max : location_count;
    uint32_t next = part->attempt_count + 1;
    if (part->has_delivered || cflight_cancel_is_triggered(fetch->cancel) || next >= attempts_max ||
        (next >= location_count && status != CFLIGHT_UNAVAILABLE)) {
        return false;
    }
    part->attempt_count = next;
    return true;
}

void cfl_fetch_close_part(struct cfl_fetch_part *part)
{
    cflight_reader_free(part->reader);
    part->reader = NULL;
    part->any = (struct cfl_call_any){.call = NULL};
}

/* Frees the error. */
static void tell_failed_attempt(const struct cfl_fetch *fetch, cflight_error *error)
{
    if (fetch->on_attempt_failed != NULL) {
        fetch->on_attempt_failed(fetch->user_data, error);
    }
    cflight_error_free(error);
}

/* What is left for the fetch bounds each call. */
static void limit_call(const struct cfl_fetch *fetch, struct cflight_call_options *options)
{
    if (fetch->deadline_ns == CFL_TIME_NEVER) {
        return;
    }
    int64_t left_ms = (fetch->deadline_ns - cfl_clock_now_ns(NULL)) / CFL_NS_PER_MS;
    bool has_timeout = options->timeout_ms > 0 || options->timeout_is_set;
    left_ms = left_ms < 0 ? 0 : left_ms;
    if (!has_timeout || options->timeout_ms > left_ms) {
        options->timeout_ms = left_ms;
        options->timeout_is_set = true;
    }
}

/* A DoGet at the part's current location, which gets the credentials only if it is trusted. */
static cflight_status start_part(struct cfl_fetch *fetch, struct cfl_fetch_part *part,
                                 cflight_error **reterr)
{
    cflight_client *client = NULL;
    bool is_trusted = false;
    struct cflight_call_options options = fetch->call_options;
    cflight_status status = cfl_fetch_clients_get(
        &fetch->clients, location_of(part, part->attempt_count), &client, &is_trusted, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!is_trusted) {
        options.headers = NULL;
        options.header_count = 0;
    }
    limit_call(fetch, &options);
    status = cflight_client_do_get(client, part->endpoint->ticket, &options, &part->reader, reterr);
    if (status == CFLIGHT_OK) {
        part->any = (struct cfl_call_any){.call = part->reader->call};
    }
    return status;
}

/* Starts the DoGet at the part's current location; a location that fails at once is passed over. */
static cflight_status open_part(struct cfl_fetch *fetch, struct cfl_fetch_part *part,
                                cflight_error **reterr)
{
    cflight_status status = check_expiry(fetch, part, reterr);
    while (status == CFLIGHT_OK && part->reader == NULL) {
        cflight_error *error = NULL;
        cflight_status attempt = start_part(fetch, part, &error);
        if (attempt != CFLIGHT_OK) {
            (void)blame(fetch, part, attempt, &error);
            if (try_again(fetch, part, attempt)) {
                tell_failed_attempt(fetch, error);
                continue;
            }
            status = attempt;
            if (reterr != NULL) {
                *reterr = error;
                error = NULL;
            }
            cflight_error_free(error);
        }
    }
    return status;
}

cflight_status cfl_fetch_open_more(struct cfl_fetch *fetch, cflight_error **reterr)
{
    size_t open_count = 0;
    for (size_t i = fetch->first; i < fetch->part_count && open_count < fetch->parallel_max; i++) {
        struct cfl_fetch_part *part = &fetch->parts[i];
        if (part->is_done) {
            continue;
        }
        if (part->reader == NULL) {
            cflight_status status = open_part(fetch, part, reterr);
            if (status != CFLIGHT_OK) {
                return status;
            }
        }
        open_count++;
    }
    return CFLIGHT_OK;
}

/* ---- reading ---- */

cflight_status cfl_fetch_check_schema(struct cfl_fetch *fetch, const struct cfl_fetch_part *part,
                                      cflight_error **reterr)
{
    struct ArrowSchema schema;
    cflight_status status = cflight_reader_schema(part->reader, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool is_equal = cflight_schema_equal(&schema, &fetch->schema, false);
    schema.release(&schema);
    if (!is_equal) {
        status = cflight_error_set_message(
            reterr, CFLIGHT_INTERNAL, "it does not have the same schema as the first endpoint");
        return blame(fetch, part, status, reterr);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_fetch_recover(struct cfl_fetch *fetch, struct cfl_fetch_part *part,
                                 cflight_status status, cflight_error *error,
                                 cflight_error **reterr)
{
    cfl_fetch_close_part(part);
    (void)blame(fetch, part, status, &error);
    if (try_again(fetch, part, status)) {
        tell_failed_attempt(fetch, error);
        return open_part(fetch, part, reterr);
    }
    if (reterr != NULL) {
        *reterr = error;
    } else {
        cflight_error_free(error);
    }
    return status;
}

void cfl_fetch_end_part(struct cfl_fetch *fetch, struct cfl_fetch_part *part)
{
    part->is_done = true;
    (void)atomic_fetch_add_explicit(&fetch->done_count, 1, memory_order_relaxed);
    cfl_fetch_close_part(part);
}

void cfl_fetch_count(struct cfl_fetch *fetch, uint64_t body_bytes, int64_t row_count)
{
    (void)atomic_fetch_add_explicit(&fetch->batch_count, 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&fetch->row_count, (uint64_t)row_count, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&fetch->body_bytes, body_bytes, memory_order_relaxed);
}

/* Takes a batch out of a chunk, or drops metadata that is alone. */
static cflight_status take_batch(struct cfl_fetch *fetch, struct cfl_fetch_part *part,
                                 struct cflight_chunk *chunk, struct ArrowArray *ret_batch,
                                 bool *ret_has_batch, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (chunk->has_batch && !part->has_delivered) {
        status = cfl_fetch_check_schema(fetch, part, reterr);
    }
    if (chunk->has_batch && status == CFLIGHT_OK) {
        part->has_delivered = true;
        *ret_batch = chunk->batch;
        *ret_has_batch = true;
        chunk->has_batch = false;
    }
    cflight_chunk_release(chunk);
    return status;
}

/* Takes what a part has now, or with `may_wait` will have. `*ret_has_batch` with a batch;
 * `part->is_done` after its end. */
static cflight_status take(struct cfl_fetch *fetch, struct cfl_fetch_part *part, bool may_wait,
                           struct ArrowArray *ret_batch, bool *ret_has_batch,
                           cflight_error **reterr)
{
    while (!*ret_has_batch) {
        struct cflight_chunk chunk;
        bool is_ready = false;
        cflight_error *error = NULL;
        uint64_t bytes_before = part->reader->body_bytes;
        cflight_status status =
            cflight_reader_try_next(part->reader, may_wait ? -1 : 0, &is_ready, &chunk, &error);
        if (status != CFLIGHT_OK) {
            return cfl_fetch_recover(fetch, part, status, error, reterr);
        }
        if (!is_ready) {
            return CFLIGHT_OK;
        }
        if (chunk.is_end) {
            cfl_fetch_end_part(fetch, part);
            return CFLIGHT_OK;
        }
        status = take_batch(fetch, part, &chunk, ret_batch, ret_has_batch, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (*ret_has_batch) {
            cfl_fetch_count(fetch, part->reader->body_bytes - bytes_before, ret_batch->length);
        }
    }
    return CFLIGHT_OK;
}

/* The open parts: those whose turn it may be, and those that are read ahead. */
static size_t list_open(struct cfl_fetch *fetch, struct cfl_call_any **ret_items)
{
    size_t open_count = 0;
    for (size_t i = fetch->first; i < fetch->part_count && open_count < fetch->parallel_max; i++) {
        struct cfl_fetch_part *part = &fetch->parts[i];
        if (part->reader != NULL) {
            part->any.is_wanted = fetch->any_order || open_count == 0;
            ret_items[open_count++] = &part->any;
        }
    }
    return open_count;
}

/* Whether to wait for the first open part alone: then its reader does it, and drives the one
 * connection for the others. */
static bool is_one_wait(const struct cfl_fetch *fetch, struct cfl_call_any *const *items,
                        size_t item_count)
{
    for (size_t i = 1; i < item_count; i++) {
        if (fetch->any_order || items[i]->call->connection != items[0]->call->connection) {
            return false;
        }
    }
    return true;
}

static cflight_status wait_for_any(struct cfl_fetch *fetch, struct cfl_call_any *const *items,
                                   size_t item_count, cflight_error **reterr)
{
    if (fetch->waker.fd == 0) {
        cflight_status status = cfl_waker_init(&fetch->waker, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    cfl_call_wait_any(items, item_count, &fetch->waker);
    return CFLIGHT_OK;
}

/* One look at every part that may give a batch. */
static cflight_status look_around(struct cfl_fetch *fetch, bool may_wait,
                                  struct ArrowArray *ret_batch, bool *ret_has_batch,
                                  bool *ret_has_ended, cflight_error **reterr)
{
    for (size_t i = fetch->first; i < fetch->part_count && !*ret_has_ended; i++) {
        struct cfl_fetch_part *part = &fetch->parts[i];
        if (part->reader == NULL) {
            continue;
        }
        cflight_status status = take(fetch, part, may_wait, ret_batch, ret_has_batch, reterr);
        if (status != CFLIGHT_OK || *ret_has_batch) {
            return status;
        }
        *ret_has_ended = part->is_done;
        if (!fetch->any_order) {
            break;
        }
    }
    return CFLIGHT_OK;
}

cflight_status cfl_fetch_next(struct cfl_fetch *fetch, struct ArrowArray *ret_batch,
                              cflight_error **reterr)
{
    struct cfl_call_any *items[CFL_CALL_ANY_MAX];
    for (;;) {
        bool has_batch = false;
        bool has_ended = false;
        cflight_status status = cfl_fetch_open_more(fetch, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        size_t item_count = list_open(fetch, items);
        bool may_wait = is_one_wait(fetch, items, item_count);
        status = look_around(fetch, may_wait, ret_batch, &has_batch, &has_ended, reterr);
        if (status != CFLIGHT_OK || has_batch) {
            return status;
        }
        while (fetch->first < fetch->part_count && fetch->parts[fetch->first].is_done) {
            fetch->first++;
        }
        if (fetch->first == fetch->part_count) {
            return CFLIGHT_OK; /* the end: a released batch */
        }
        item_count = has_ended || may_wait ? 0 : list_open(fetch, items);
        if (item_count > 0) {
            status = wait_for_any(fetch, items, item_count, reterr);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
}

cflight_status cfl_fetch_find_schema(struct cfl_fetch *fetch, cflight_error **reterr)
{
    cflight_error *error = NULL;
    cflight_status status = cflight_reader_schema(fetch->parts[0].reader, &fetch->schema, &error);
    return status == CFLIGHT_OK ? CFLIGHT_OK
                                : cfl_fetch_recover(fetch, &fetch->parts[0], status, error, reterr);
}
