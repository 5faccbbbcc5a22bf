/* SPDX-License-Identifier: Apache-2.0 */
/* All endpoints of an info as one stream: its life, and what can be asked of it.
 *
 * Thread class: one at a time; progress is free. */
#include "cflight/fetch.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/options.h"
#include "flight/client/client.h"
#include "flight/fetch/fetch.h"
#include "flight/value/values.h"
#include "ipc/stream_export.h"

enum { DEFAULT_PARALLEL_MAX = 4, DEFAULT_ATTEMPTS_MAX = 3 };

static cflight_status get_schema(void *user_data, struct ArrowSchema *ret_schema,
                                 cflight_error **reterr)
{
    struct cfl_fetch *fetch = user_data;
    return cflight_schema_copy(&fetch->schema, ret_schema, reterr);
}

static cflight_status next(void *user_data, struct ArrowArray *ret_batch, cflight_error **reterr)
{
    return cfl_fetch_next(user_data, ret_batch, reterr);
}

static void release(void *user_data)
{
    struct cfl_fetch *fetch = user_data;
    for (size_t i = 0; i < fetch->part_count; i++) {
        cfl_fetch_close_part(&fetch->parts[i]);
    }
    cfl_free_array(fetch->alloc, fetch->parts, fetch->part_count, sizeof *fetch->parts);
    if (fetch->schema.release != NULL) {
        fetch->schema.release(&fetch->schema);
    }
    cflight_info_free(fetch->info);
    cflight_cancel_unref(fetch->cancel);
    cfl_waker_done(&fetch->waker);
    cfl_fetch_clients_done(&fetch->clients);
    cfl_free(fetch->alloc, fetch, sizeof *fetch);
}

/* The schema: the first endpoint's, or without endpoints the info's. */
static cflight_status find_schema(struct cfl_fetch *fetch, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (fetch->part_count == 0) {
        return cflight_ipc_schema_parse(fetch->info->schema, &fetch->schema, reterr);
    }
    while (status == CFLIGHT_OK && fetch->schema.release == NULL) {
        cflight_error *failure = NULL;
        status = cfl_fetch_open_more(fetch, &failure);
        if (status == CFLIGHT_OK) {
            status = cfl_fetch_find_schema(fetch, &failure);
        }
        if (status != CFLIGHT_OK && reterr != NULL) {
            *reterr = failure;
        } else {
            cflight_error_free(failure);
        }
    }
    return status;
}

static cflight_status configure(struct cfl_fetch *fetch, const struct cflight_info *info,
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
    fetch->clients.is_trusted = loaded.location_is_trusted;
    fetch->clients.user_data = loaded.user_data;
    fetch->on_attempt_failed = loaded.on_attempt_failed;
    fetch->user_data = loaded.user_data;
    fetch->deadline_ns = loaded.timeout_ms > 0
                             ? cfl_deadline_after_ms(cfl_clock_now_ns(NULL), loaded.timeout_ms)
                             : CFL_TIME_NEVER;
    fetch->cancel = cflight_cancel_ref(fetch->call_options.cancel);
    fetch->parallel_max = loaded.parallel_max > 0 ? loaded.parallel_max : DEFAULT_PARALLEL_MAX;
    fetch->parallel_max =
        fetch->parallel_max > CFL_CALL_ANY_MAX ? CFL_CALL_ANY_MAX : fetch->parallel_max;
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
    struct cfl_fetch *fetch = cfl_alloc_zeroed(client->alloc, sizeof *fetch);
    if (fetch == NULL) {
        return cfl_error_no_memory(reterr);
    }
    fetch->alloc = client->alloc;
    fetch->clients.alloc = client->alloc;
    fetch->clients.own = client;
    (void)cflight_client_ref(client);
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

static struct cfl_fetch *fetch_of(const struct ArrowArrayStream *stream)
{
    return stream == NULL ? NULL : cfl_stream_source_of(stream, next);
}

cflight_status cflight_fetch_next_message(struct ArrowArrayStream *stream,
                                          enum cflight_message_check check,
                                          struct cflight_message *ret_message,
                                          cflight_error **reterr)
{
    struct cfl_fetch *fetch = fetch_of(stream);
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(stream), CFL_ARG(ret_message));
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (fetch == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the stream is not from cflight_fetch()");
    }
    return cfl_fetch_next_message(fetch, check, ret_message, reterr);
}

cflight_error *cflight_fetch_error(const struct ArrowArrayStream *stream)
{
    return fetch_of(stream) == NULL ? NULL : cfl_error_copy(cfl_stream_error_of(stream));
}

static uint64_t read_counter(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

bool cflight_fetch_progress(const struct ArrowArrayStream *stream,
                            struct cflight_fetch_counts *ret_counts)
{
    const struct cfl_fetch *fetch = fetch_of(stream);
    if (fetch == NULL || ret_counts == NULL) {
        return false;
    }
    *ret_counts = (struct cflight_fetch_counts){
        .batch_count = read_counter(&fetch->batch_count),
        .row_count = read_counter(&fetch->row_count),
        .body_bytes = read_counter(&fetch->body_bytes),
        .endpoints_done = read_counter(&fetch->done_count),
        .endpoint_count = fetch->part_count,
        .total_records = fetch->info->total_records,
        .total_bytes = fetch->info->total_bytes,
    };
    return true;
}
