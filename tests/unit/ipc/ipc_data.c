/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of known content, and reading them through framer and decoder. */
#include "ipc_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { KEPT_BATCHES_MAX = 8 };

const char *const t_stream_names[] = {
    "ipc_stream/flat",
    "ipc_stream/text",
    "ipc_stream/nested",
    "ipc_stream/unions",
    "ipc_stream/runs",
    "ipc_stream/unions_v4",
    "ipc_stream/deltas",
    "ipc_stream/nested_dictionary",
    "ipc_stream/legacy",
    "ipc_stream/lz4",
    "ipc_stream/zstd",
    "ipc_stream/growing",
    NULL,
};

struct t_bytes t_load(const char *name)
{
    char path[4096];
    struct t_bytes bytes = {0};
    (void)snprintf(path, sizeof path, "%s/%s", CFLIGHT_TEST_CORPUS, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("cannot open %s", path);
    }
    (void)fseek(file, 0, SEEK_END);
    bytes.len_bytes = (size_t)ftell(file);
    (void)fseek(file, 0, SEEK_SET);
    bytes.data = malloc(bytes.len_bytes);
    assert_non_null(bytes.data);
    assert_int_equal(fread(bytes.data, 1, bytes.len_bytes, file), bytes.len_bytes);
    (void)fclose(file);
    return bytes;
}

void t_bytes_done(struct t_bytes *bytes)
{
    free(bytes->data);
    bytes->data = NULL;
    bytes->len_bytes = 0;
}

bool t_is_of_data(cflight_status status)
{
    return status == CFLIGHT_OK || status == CFLIGHT_DATA_LOSS || status == CFLIGHT_UNIMPLEMENTED ||
           status == CFLIGHT_RESOURCE_EXHAUSTED;
}

static uint64_t mix(uint64_t hash, int64_t value)
{
    return (hash ^ (uint64_t)value) * UINT64_C(1099511628211);
}

uint64_t t_array_hash(const struct ArrowArray *array)
{
    uint64_t hash = mix(UINT64_C(14695981039346656037), array->length);
    hash = mix(hash, array->null_count);
    hash = mix(hash, array->n_buffers);
    /* Every layout with two buffers or more has at least one byte a row in its second, but for
     * bits. */
    const uint8_t *values = array->n_buffers > 1 ? array->buffers[1] : NULL;
    for (int64_t i = 0; values != NULL && i < (array->length + 7) / 8; i++) {
        hash = mix(hash, values[i]);
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        hash = mix(hash, (int64_t)t_array_hash(array->children[i]));
    }
    return array->dictionary == NULL ? hash : mix(hash, (int64_t)t_array_hash(array->dictionary));
}

struct decode_state {
    struct cfl_framer *framer;
    struct cfl_decoder *decoder;
    struct t_summary summary;
    struct ArrowArray kept[KEPT_BATCHES_MAX];
    size_t kept_count;
    bool is_end;
};

static void take_batch(struct decode_state *state, struct ArrowArray *batch)
{
    state->summary.batch_count++;
    state->summary.row_count += batch->length;
    state->summary.hash = mix(state->summary.hash, (int64_t)t_array_hash(batch));
    if (state->summary.batch_count % 2 == 0 && state->kept_count < KEPT_BATCHES_MAX) {
        state->kept[state->kept_count++] = *batch;
        return;
    }
    batch->release(batch);
}

/* Gives the framer what it wants, up to `step_bytes`, and the decoder what comes out. */
static cflight_status decode_step(struct decode_state *state, struct t_source *source,
                                  cflight_error **reterr)
{
    uint8_t *target = NULL;
    size_t wanted_bytes = 0;
    bool has_message = false;
    struct cflight_bytes header = {0};
    cflight_buffer *body = NULL;
    cflight_status status = cfl_framer_want(state->framer, &target, &wanted_bytes, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t got_bytes = (size_t)t_source_read(source, target, wanted_bytes);
    if (got_bytes == 0) {
        state->is_end = true;
        return cfl_framer_eof(state->framer, reterr);
    }
    status = cfl_framer_got(state->framer, got_bytes, &has_message, &header, &body, &state->is_end,
                            reterr);
    if (status == CFLIGHT_OK && has_message) {
        enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
        struct ArrowArray batch = {0};
        status = cfl_decoder_feed(state->decoder, header, body, &kind, &batch, reterr);
        if (status == CFLIGHT_OK && kind == CFL_MESSAGE_BATCH) {
            take_batch(state, &batch);
        }
    }
    return status;
}

cflight_status t_decode(const struct cflight_allocator *alloc, struct t_bytes bytes,
                        size_t step_bytes, const struct cflight_ipc_read_options *options,
                        struct t_summary *ret_summary, struct cflight_ipc_stats *ret_stats,
                        cflight_error **reterr)
{
    struct decode_state state = {0};
    struct t_source source = {bytes.data, bytes.len_bytes, step_bytes};
    struct cfl_limits limits = cfl_limits_default;
    limits.unpacked_bytes_max = 1 << 20;
    limits.message_bytes_max = 1 << 20;
    cflight_status status = cfl_framer_new(alloc, &limits, NULL, &state.framer, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_decoder_new(alloc, options, &limits, NULL, &state.decoder, reterr);
    }
    while (status == CFLIGHT_OK && !state.is_end) {
        status = decode_step(&state, &source, reterr);
    }
    if (status == CFLIGHT_OK && ret_stats != NULL) {
        *ret_stats = cfl_decoder_stats(state.decoder);
    }
    cfl_decoder_free(state.decoder);
    cfl_framer_free(state.framer);
    for (size_t i = 0; i < state.kept_count; i++) {
        state.kept[i].release(&state.kept[i]);
    }
    if (ret_summary != NULL) {
        *ret_summary = state.summary;
    }
    return status;
}
