/* SPDX-License-Identifier: Apache-2.0 */
/* All endpoints of an info as one stream.
 *
 * A part is one endpoint. Several parts are open at once; their servers send until a flow-control
 * window is full. The thread that pulls batches drives all their connections in one poll, as an
 * event loop would. In order, only the first open part is read from; in any order, whichever has
 * something. A part that fails before it delivered a batch is tried again, at its next location.
 * Thread class: one at a time. */
#include "cflight/fetch.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "cflight/loop.h"
#include "flight/client/client.h"
#include "flight/client/fetch_clients.h"
#include "flight/value/values.h"
#include "ipc/stream_export.h"

enum { DEFAULT_PARALLEL_MAX = 4, DEFAULT_ATTEMPTS_MAX = 3, PARALLEL_LIMIT = 256 };

struct part {
    const struct cflight_endpoint *endpoint;
    cflight_client *client; /* borrowed from the clients */
    cflight_reader *reader; /* NULL until it is open, and after its end */
    uint32_t attempt_count;
    bool has_delivered;
    bool is_done;
};

struct fetch {
    const struct cflight_allocator *alloc;
    struct cfl_fetch_clients clients;
    struct cflight_call_options call_options;
    cflight_cancel *cancel;
    struct cflight_info *info;
    uint32_t parallel_max;
    uint32_t attempts_max;
    bool any_order;
    struct part *parts;
    size_t part_count;
    size_t first; /* everything before is done */
    struct ArrowSchema schema;
};

/* ---- opening parts ---- */

static struct cflight_bytes location_of(const struct part *part, uint32_t attempt)
{
    const struct cflight_endpoint *endpoint = part->endpoint;
    if (endpoint->location_count == 0) {
        return cflight_bytes_make(NULL, 0);
    }
    return endpoint->locations[attempt % endpoint->location_count];
}

static cflight_status check_expiry(const struct fetch *fetch, const struct part *part,
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
static cflight_status blame(const struct fetch *fetch, const struct part *part,
                            cflight_status status, cflight_error **reterr)
{
    struct cflight_bytes location = location_of(part, part->attempt_count);
    const char *place =
        location.len_bytes == 0 ? "the info's own service" : (const char *)location.data;
    int place_bytes = location.len_bytes == 0 ? (int)strlen(place) : (int)location.len_bytes;
    return cfl_error_prefix(reterr, status, "endpoint %zu of %zu at %.*s",
                            (size_t)(part - fetch->parts) + 1, fetch->part_count, place_bytes,
                            place);
}

/* Whether another attempt is worth it; moves on to it. */
static bool try_again(const struct fetch *fetch, struct part *part, cflight_status status)
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

static void close_part(struct part *part)
{
    cflight_reader_free(part->reader);
    part->reader = NULL;
}

/* Starts the DoGet at the part's current location; a location that fails at once is passed over. */
static cflight_status open_part(struct fetch *fetch, struct part *part, cflight_error **reterr)
{
    cflight_status status = check_expiry(fetch, part, reterr);
    while (status == CFLIGHT_OK && part->reader == NULL) {
        cflight_error *error = NULL;
        cflight_status attempt = cfl_fetch_clients_get(
            &fetch->clients, location_of(part, part->attempt_count), &part->client, &error);
        if (attempt == CFLIGHT_OK) {
            attempt = cflight_client_do_get(part->client, part->endpoint->ticket,
                                            &fetch->call_options, &part->reader, &error);
        }
        if (attempt != CFLIGHT_OK) {
            (void)blame(fetch, part, attempt, &error);
            if (try_again(fetch, part, attempt)) {
                cflight_error_free(error);
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

static cflight_status open_more(struct fetch *fetch, cflight_error **reterr)
{
    size_t open_count = 0;
    for (size_t i = fetch->first; i < fetch->part_count && open_count < fetch->parallel_max; i++) {
        struct part *part = &fetch->parts[i];
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

static void note_nothing(void *user_data)
{
    (void)user_data; /* the loop looks at every part after each step anyway */
}

/* The schema of a part must be that of the first. Called when it is known, so it does not wait. */
static cflight_status check_schema(struct fetch *fetch, const struct part *part,
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
        status = cflight_error_set_message(reterr, CFLIGHT_INTERNAL,
                                           "its schema differs from that of the first endpoint");
        return blame(fetch, part, status, reterr);
    }
    return CFLIGHT_OK;
}

/* A failure of an open part: tried again, or the stream's. */
static cflight_status recover(struct fetch *fetch, struct part *part, cflight_status status,
                              cflight_error *error, cflight_error **reterr)
{
    close_part(part);
    (void)blame(fetch, part, status, &error);
    if (try_again(fetch, part, status)) {
        cflight_error_free(error);
        return open_part(fetch, part, reterr);
    }
    *reterr = error;
    return status;
}

/* Takes what a part has now. `*ret_has_batch` with a batch; `part->is_done` after its end. */
static cflight_status take(struct fetch *fetch, struct part *part, struct ArrowArray *ret_batch,
                           bool *ret_has_batch, cflight_error **reterr)
{
    for (;;) {
        struct cflight_chunk chunk;
        bool is_ready = false;
        cflight_error *error = NULL;
        cflight_status status = cflight_reader_try_next(part->reader, 0, &is_ready, &chunk, &error);
        if (status != CFLIGHT_OK) {
            return recover(fetch, part, status, error, reterr);
        }
        if (!is_ready) {
            cflight_reader_notify(part->reader, note_nothing, NULL);
            return CFLIGHT_OK;
        }
        if (chunk.is_end) {
            part->is_done = true;
            close_part(part);
            return CFLIGHT_OK;
        }
        if (chunk.has_batch) {
            if (!part->has_delivered) {
                status = check_schema(fetch, part, reterr);
            }
            if (status != CFLIGHT_OK) {
                cflight_chunk_release(&chunk);
                return status;
            }
            part->has_delivered = true;
            *ret_batch = chunk.batch;
            *ret_has_batch = true;
            chunk.has_batch = false;
            cflight_chunk_release(&chunk);
            return CFLIGHT_OK;
        }
        cflight_chunk_release(&chunk); /* metadata alone */
    }
}

/* Waits until some connection of an open part moves, and moves them all. */
static void drive(struct fetch *fetch)
{
    struct pollfd polls[PARALLEL_LIMIT];
    cflight_client *clients[PARALLEL_LIMIT];
    nfds_t count = 0;
    int timeout_ms = -1;
    for (size_t i = fetch->first; i < fetch->part_count && count < PARALLEL_LIMIT; i++) {
        cflight_client *client = fetch->parts[i].reader == NULL ? NULL : fetch->parts[i].client;
        bool is_known = client == NULL;
        for (nfds_t k = 0; k < count && !is_known; k++) {
            is_known = clients[k] == client;
        }
        if (is_known) {
            continue;
        }
        struct cflight_loop_state state;
        cflight_client_loop_state(client, &state);
        if (state.fd < 0) {
            timeout_ms = 0; /* its connection is gone: the part will say why */
        }
        if (state.timeout_ms >= 0 && (timeout_ms < 0 || state.timeout_ms < timeout_ms)) {
            timeout_ms = state.timeout_ms;
        }
        polls[count] = (struct pollfd){.fd = state.fd, .events = POLLIN};
        clients[count++] = client;
    }
    (void)poll(polls, count, timeout_ms);
    for (nfds_t k = 0; k < count; k++) {
        cflight_client_loop_process(clients[k]);
    }
}

static cflight_status next(void *user_data, struct ArrowArray *ret_batch, cflight_error **reterr)
{
    struct fetch *fetch = user_data;
    for (;;) {
        bool has_batch = false;
        bool has_ended = false;
        cflight_status status = open_more(fetch, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        for (size_t i = fetch->first; i < fetch->part_count && !has_ended; i++) {
            struct part *part = &fetch->parts[i];
            if (part->reader == NULL) {
                continue;
            }
            status = take(fetch, part, ret_batch, &has_batch, reterr);
            if (status != CFLIGHT_OK || has_batch) {
                return status;
            }
            has_ended = part->is_done;
            if (!fetch->any_order) {
                break;
            }
        }
        while (fetch->first < fetch->part_count && fetch->parts[fetch->first].is_done) {
            fetch->first++;
        }
        if (fetch->first == fetch->part_count) {
            return CFLIGHT_OK; /* the end: a released batch */
        }
        if (!has_ended) {
            drive(fetch);
        }
    }
}

/* ---- life ---- */

static cflight_status get_schema(void *user_data, struct ArrowSchema *ret_schema,
                                 cflight_error **reterr)
{
    struct fetch *fetch = user_data;
    return cflight_schema_copy(&fetch->schema, ret_schema, reterr);
}

static void release(void *user_data)
{
    struct fetch *fetch = user_data;
    for (size_t i = 0; i < fetch->part_count; i++) {
        close_part(&fetch->parts[i]);
    }
    cfl_free_array(fetch->alloc, fetch->parts, fetch->part_count, sizeof *fetch->parts);
    if (fetch->schema.release != NULL) {
        fetch->schema.release(&fetch->schema);
    }
    cflight_info_free(fetch->info);
    cflight_cancel_unref(fetch->cancel);
    cfl_fetch_clients_done(&fetch->clients);
    cfl_free(fetch->alloc, fetch, sizeof *fetch);
}

/* The schema: the first endpoint's, or without endpoints the info's. */
static cflight_status find_schema(struct fetch *fetch, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (fetch->part_count == 0) {
        return cflight_ipc_schema_parse(fetch->info->schema, &fetch->schema, reterr);
    }
    while (status == CFLIGHT_OK && fetch->schema.release == NULL) {
        cflight_error *error = NULL;
        cflight_error *failure = NULL;
        status = open_more(fetch, &failure);
        if (status == CFLIGHT_OK) {
            cflight_status known =
                cflight_reader_schema(fetch->parts[0].reader, &fetch->schema, &error);
            if (known != CFLIGHT_OK) {
                status = recover(fetch, &fetch->parts[0], known, error, &failure);
            }
        }
        if (status != CFLIGHT_OK && reterr != NULL) {
            *reterr = failure;
        } else {
            cflight_error_free(failure);
        }
    }
    return status;
}

static cflight_status configure(struct fetch *fetch, const struct cflight_info *info,
                                const struct cflight_fetch_options *options, cflight_error **reterr)
{
    struct cflight_fetch_options loaded;
    cflight_status status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&fetch->call_options, sizeof fetch->call_options,
                                  loaded.call_options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&fetch->clients.options, sizeof fetch->clients.options,
                                  loaded.client_options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_value_copy(&cfl_value_info, NULL, info, (void **)&fetch->info, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    fetch->clients.rewrite = loaded.rewrite_location;
    fetch->clients.user_data = loaded.user_data;
    fetch->cancel = cflight_cancel_ref(fetch->call_options.cancel);
    fetch->parallel_max = loaded.parallel_max > 0 ? loaded.parallel_max : DEFAULT_PARALLEL_MAX;
    fetch->parallel_max =
        fetch->parallel_max > PARALLEL_LIMIT ? PARALLEL_LIMIT : fetch->parallel_max;
    fetch->attempts_max = loaded.attempts_max > 0 ? loaded.attempts_max : DEFAULT_ATTEMPTS_MAX;
    fetch->any_order = loaded.any_order && !info->ordered;
    fetch->parts = cfl_alloc_array(fetch->alloc, info->endpoint_count, sizeof *fetch->parts);
    if (fetch->parts == NULL && info->endpoint_count > 0) {
        return cfl_error_no_memory(reterr);
    }
    fetch->part_count = info->endpoint_count;
    for (size_t i = 0; i < fetch->part_count; i++) {
        fetch->parts[i].endpoint = &fetch->info->endpoints[i];
    }
    return CFLIGHT_OK;
}

cflight_status cflight_fetch(cflight_client *client, const struct cflight_info *info,
                             const struct cflight_fetch_options *options,
                             struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(info), CFL_ARG(ret_stream));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct fetch *fetch = cfl_alloc_zeroed(client->alloc, sizeof *fetch);
    if (fetch == NULL) {
        return cfl_error_no_memory(reterr);
    }
    fetch->alloc = client->alloc;
    fetch->clients.alloc = client->alloc;
    fetch->clients.own = client;
    cfl_client_ref(client);
    struct cfl_stream_source source = {get_schema, next, release, fetch};
    status = configure(fetch, info, options, reterr);
    if (status == CFLIGHT_OK) {
        status = find_schema(fetch, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_stream_export(fetch->alloc, &source, ret_stream, reterr);
    }
    if (status != CFLIGHT_OK) {
        release(fetch);
    }
    return status;
}
