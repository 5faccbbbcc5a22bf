/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder: batches to messages.
 *
 * begin walks the batch and its dictionaries and so finds everything that can be wrong with them
 * before a message is made. next only lays out bodies, compresses, and writes headers. What a
 * message points at is owned by the caller's arrays, by the parts (until the next begin) or by
 * `compressed` (until the next message). Spec: Arrow columnar "Serialization and Interprocess
 * Communication". Thread class: one at a time. */
#include "ipc/encoder.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/segment.h"
#include "ipc/compress.h"
#include "ipc/dictionaries.h"
#include "ipc/encoder_plan.h"
#include "ipc/message_write.h"

enum {
    DEPTH_LIMIT = 1024, /* what an option may ask for: the walk is recursive */
    BODY_ALIGNMENT_BYTES = 8,
    /* A body in a segment may have gaps; one that is mostly gaps is laid out as any other. */
    THIN_RATIO_MAX = 2,
    THIN_BYTES_FREE = 64 << 10,
};

struct cfl_encoder {
    const struct cflight_allocator *alloc;
    struct cflight_ipc_write_options options;
    struct cfl_compression compression;
    int16_t metadata_version;
    uint64_t alignment_bytes;
    struct cfl_schema *schema;
    struct cfl_buf schema_header;
    bool has_counted_schema;
    struct cfl_dictionaries dictionaries;
    struct cfl_parts batch;
    struct cfl_parts measured;
    /* The batch at hand. */
    bool is_begun;
    size_t next_dictionary;
    bool is_batch_made;
    struct cflight_ipc_stats stats;
    struct cflight_ipc_stats stats_before;
    /* The message at hand. */
    struct cfl_scratch compressed;
    struct cfl_body_buffer *body_buffers;
    size_t body_buffer_capacity;
    struct cfl_body_range *ranges;
    size_t range_capacity;
    struct cfl_pieces body;
    struct cfl_batch_message batch_message;
    struct cfl_batch_message dictionary_message;
    struct cflight_bytes header; /* in one of them */
    bool uses_segments;
    cflight_segment *segment; /* a hold, until the next message; NULL: the body is in none */
    uint64_t segment_offset;
};

static cflight_status load_options(struct cfl_encoder *encoder,
                                   const struct cflight_ipc_write_options *options,
                                   cflight_error **reterr)
{
    cflight_status status =
        cfl_options_load(&encoder->options, sizeof encoder->options, options, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct cflight_ipc_write_options *loaded = &encoder->options;
    if (loaded->alignment_bytes != 0 && loaded->alignment_bytes != 8 &&
        loaded->alignment_bytes != 64) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "alignment_bytes is %" PRId32 "; it must be 8 or 64",
                                 loaded->alignment_bytes);
    }
    if (loaded->depth_max < 0 || loaded->depth_max > DEPTH_LIMIT) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "depth_max is %" PRId32 "; it must be 0 to %d", loaded->depth_max,
                                 DEPTH_LIMIT);
    }
    if (loaded->compression_threads < 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "compression_threads is %" PRId32, loaded->compression_threads);
    }
    encoder->metadata_version = loaded->use_metadata_v4 ? CFL_METADATA_V4 : CFL_METADATA_V5;
    encoder->alignment_bytes = loaded->alignment_bytes == 0 ? 8 : (uint64_t)loaded->alignment_bytes;
    encoder->compression.codec = loaded->compression;
    encoder->compression.level = loaded->compression_level;
    encoder->compression.thread_max = loaded->compression_threads;
    return cfl_compression_check(&encoder->compression, reterr);
}

static cflight_status load_schema(struct cfl_encoder *encoder, const struct ArrowSchema *schema,
                                  const struct cfl_limits *limits, cflight_error **reterr)
{
    struct cfl_limits own_limits = limits == NULL ? cfl_limits_default : *limits;
    cflight_status status = CFLIGHT_OK;

    if (encoder->options.depth_max > 0) {
        own_limits.schema_depth_max = (uint32_t)encoder->options.depth_max;
    }
    status = cfl_schema_from_arrow(encoder->alloc, schema, &own_limits, &encoder->schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_schema_to_message(encoder->schema, encoder->metadata_version,
                                       &encoder->schema_header, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_dictionaries_init(&encoder->dictionaries, encoder->alloc,
                                       cfl_schema_root(encoder->schema), encoder->metadata_version,
                                       !encoder->options.send_whole_dictionaries, reterr);
    }
    return status;
}

cflight_status cfl_encoder_new(const struct cflight_allocator *alloc,
                               const struct ArrowSchema *schema,
                               const struct cflight_ipc_write_options *options,
                               const struct cfl_limits *limits, struct cfl_encoder **ret_encoder,
                               cflight_error **reterr)
{
    struct cfl_encoder *encoder = cfl_alloc_zeroed(alloc, sizeof *encoder);
    cflight_status status = CFLIGHT_OK;

    if (encoder == NULL) {
        return cfl_error_no_memory(reterr);
    }
    encoder->alloc = alloc;
    cfl_buf_init(&encoder->schema_header, alloc);
    cfl_batch_message_init(&encoder->batch_message, alloc);
    cfl_batch_message_init(&encoder->dictionary_message, alloc);
    cfl_pieces_init(&encoder->body, alloc);
    cfl_scratch_init(&encoder->compressed, alloc);
    status = load_options(encoder, options, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    cfl_parts_init(&encoder->batch, alloc, encoder->metadata_version);
    cfl_parts_init(&encoder->measured, alloc, encoder->metadata_version);
    encoder->measured.is_measuring = true;
    status = load_schema(encoder, schema, limits, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    *ret_encoder = encoder;
    encoder = NULL;

done:
    cfl_encoder_free(encoder);
    return status;
}

void cfl_encoder_free(struct cfl_encoder *encoder)
{
    if (encoder == NULL) {
        return;
    }
    cfl_dictionaries_done(&encoder->dictionaries);
    cfl_parts_done(&encoder->batch);
    cfl_parts_done(&encoder->measured);
    cfl_scratch_done(&encoder->compressed);
    cfl_compression_done(&encoder->compression);
    cfl_free_array(encoder->alloc, encoder->body_buffers, encoder->body_buffer_capacity,
                   sizeof *encoder->body_buffers);
    cfl_free_array(encoder->alloc, encoder->ranges, encoder->range_capacity,
                   sizeof *encoder->ranges);
    cflight_segment_unref(encoder->segment);
    cfl_pieces_done(&encoder->body);
    cfl_batch_message_done(&encoder->batch_message);
    cfl_batch_message_done(&encoder->dictionary_message);
    cfl_buf_done(&encoder->schema_header);
    cfl_schema_unref(encoder->schema);
    cfl_free(encoder->alloc, encoder, sizeof *encoder);
}

const struct cfl_schema *cfl_encoder_schema(const struct cfl_encoder *encoder)
{
    return encoder->schema;
}

struct cflight_ipc_stats cfl_encoder_stats(const struct cfl_encoder *encoder)
{
    return encoder->stats;
}

cflight_status cfl_encoder_schema_message(struct cfl_encoder *encoder,
                                          struct cfl_encoded *ret_message, cflight_error **reterr)
{
    struct cfl_encoded message = {.kind = CFL_MESSAGE_SCHEMA,
                                  .header = cfl_buf_bytes(&encoder->schema_header)};

    (void)reterr;
    if (!encoder->has_counted_schema) {
        encoder->has_counted_schema = true;
        encoder->stats.message_count++;
    }
    *ret_message = message;
    return CFLIGHT_OK;
}

/* Whether there is a batch to look at, and no other in the making. */
static cflight_status check_ready(const struct cfl_encoder *encoder, const struct ArrowArray *batch,
                                  cflight_error **reterr)
{
    if (encoder->is_begun) {
        return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                         "the last batch has not ended");
    }
    if (batch == NULL || batch->release == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the batch is missing or released");
    }
    return CFLIGHT_OK;
}

cflight_status cfl_encoder_begin(struct cfl_encoder *encoder, const struct ArrowArray *batch,
                                 int64_t row_offset, int64_t row_count, cflight_error **reterr)
{
    const struct cfl_field *root = cfl_schema_root(encoder->schema);
    cflight_status status = check_ready(encoder, batch, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_parts_set_batch(&encoder->batch, root, batch, row_offset, row_count, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_dictionaries_begin(&encoder->dictionaries, root, batch, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    encoder->is_begun = true;
    encoder->next_dictionary = 0;
    encoder->is_batch_made = false;
    encoder->stats_before = encoder->stats;
    return CFLIGHT_OK;
}

bool cfl_encoder_will_replace(const struct cfl_encoder *encoder)
{
    for (size_t i = 0; i < encoder->dictionaries.count; i++) {
        const struct cfl_dictionary *item = &encoder->dictionaries.items[i];
        if (item->plan == CFL_DICTIONARY_WHOLE && item->was_sent) {
            return true;
        }
    }
    return false;
}

void cfl_encoder_use_segments(struct cfl_encoder *encoder, bool is_on)
{
    encoder->uses_segments = is_on;
}

static bool grow_message(struct cfl_encoder *encoder, size_t buffer_count)
{
    return cfl_grow_array(encoder->alloc, (void **)&encoder->body_buffers,
                          &encoder->body_buffer_capacity, buffer_count,
                          sizeof *encoder->body_buffers) &&
           cfl_grow_array(encoder->alloc, (void **)&encoder->ranges, &encoder->range_capacity,
                          buffer_count, sizeof *encoder->ranges);
}

static cflight_status choose_body(struct cfl_encoder *encoder, const struct cfl_parts *parts,
                                  bool is_compressed, cflight_error **reterr)
{
    if (is_compressed) {
        cfl_scratch_reset(&encoder->compressed);
        return cfl_compress(&encoder->compression, parts->buffers, parts->buffer_count,
                            &encoder->compressed, encoder->body_buffers, reterr);
    }
    for (size_t i = 0; i < parts->buffer_count; i++) {
        struct cfl_body_buffer buffer = {NULL, parts->buffers[i].data, parts->buffers[i].len_bytes};
        encoder->body_buffers[i] = buffer;
    }
    return CFLIGHT_OK;
}

/* Gives every buffer its place, each padded to the alignment. */
static cflight_status lay_out_body(struct cfl_encoder *encoder, size_t buffer_count,
                                   uint64_t *ret_body_len_bytes, cflight_error **reterr)
{
    uint64_t offset = 0;

    for (size_t i = 0; i < buffer_count; i++) {
        const struct cfl_body_buffer *buffer = &encoder->body_buffers[i];
        struct cfl_body_range range = {offset,
                                       buffer->len_bytes + (buffer->prefix == NULL ? 0 : 8)};
        uint64_t mask = encoder->alignment_bytes - 1;
        if (range.len_bytes > INT64_MAX - mask ||
            __builtin_add_overflow(offset, (range.len_bytes + mask) & ~mask, &offset) ||
            offset > INT64_MAX) {
            return cflight_error_set_message(
                reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                "the body of the record batch is larger than 2^63 - 1 bytes");
        }
        encoder->ranges[i] = range;
    }
    *ret_body_len_bytes = offset;
    return CFLIGHT_OK;
}

/* The segment that has the first byte of the body; NULL when there is none, or no byte. */
static cflight_segment *find_segment(const struct cfl_encoder *encoder, size_t buffer_count)
{
    for (size_t i = 0; i < buffer_count; i++) {
        const struct cfl_body_buffer *buffer = &encoder->body_buffers[i];
        if (buffer->len_bytes > 0) {
            return cfl_segment_find(buffer->data, (size_t)buffer->len_bytes);
        }
    }
    return NULL;
}

/* The run of a segment from the first buffer to the last. */
struct run {
    uint64_t start;
    uint64_t end;
    uint64_t used_bytes;
};

/* False when a buffer lies elsewhere, or where readers would have to copy it. */
static bool find_run(const struct cfl_encoder *encoder, size_t buffer_count,
                     struct cflight_bytes whole, struct run *ret_run)
{
    struct run run = {.start = UINT64_MAX};
    for (size_t i = 0; i < buffer_count; i++) {
        const struct cfl_body_buffer *buffer = &encoder->body_buffers[i];
        uint64_t offset = (uintptr_t)buffer->data - (uintptr_t)whole.data;
        if (buffer->len_bytes == 0) {
            continue;
        }
        if (buffer->prefix != NULL || (uintptr_t)buffer->data < (uintptr_t)whole.data ||
            offset > whole.len_bytes || buffer->len_bytes > whole.len_bytes - offset ||
            offset % BODY_ALIGNMENT_BYTES != 0) {
            return false;
        }
        run.used_bytes += buffer->len_bytes;
        run.start = offset < run.start ? offset : run.start;
        run.end = offset + buffer->len_bytes > run.end ? offset + buffer->len_bytes : run.end;
    }
    run.start &= ~(uint64_t)(CFL_SEGMENT_ALIGNMENT_BYTES - 1);
    run.end = (run.end + BODY_ALIGNMENT_BYTES - 1) & ~(uint64_t)(BODY_ALIGNMENT_BYTES - 1);
    *ret_run = run;
    return run.end <= whole.len_bytes &&
           run.end - run.start <= THIN_RATIO_MAX * run.used_bytes + THIN_BYTES_FREE;
}

/* Gives the buffers the places that they have in a segment; false when they are not all in one. */
static bool lay_out_in_segment(struct cfl_encoder *encoder, size_t buffer_count,
                               uint64_t *ret_body_len_bytes)
{
    struct run run = {0, 0, 0};
    cflight_segment_unref(encoder->segment);
    encoder->segment = NULL;
    if (!encoder->uses_segments || !cfl_segment_is_any()) {
        return false;
    }
    cflight_segment *segment = find_segment(encoder, buffer_count);
    if (segment == NULL || !find_run(encoder, buffer_count, cfl_segment_bytes(segment), &run)) {
        cflight_segment_unref(segment);
        return false;
    }
    uintptr_t base = (uintptr_t)cfl_segment_bytes(segment).data + run.start;
    for (size_t i = 0; i < buffer_count; i++) {
        const struct cfl_body_buffer *buffer = &encoder->body_buffers[i];
        uint64_t offset = buffer->len_bytes == 0 ? 0 : (uintptr_t)buffer->data - base;
        encoder->ranges[i] = (struct cfl_body_range){offset, buffer->len_bytes};
    }
    encoder->segment = segment;
    encoder->segment_offset = run.start;
    *ret_body_len_bytes = run.end - run.start;
    return true;
}

static void fill_body_from_segment(struct cfl_encoder *encoder, uint64_t body_len_bytes)
{
    struct cflight_bytes whole = cfl_segment_bytes(encoder->segment);
    cfl_pieces_clear(&encoder->body);
    (void)cfl_pieces_append(&encoder->body, whole.data + encoder->segment_offset,
                            (size_t)body_len_bytes);
}

static void fill_body(struct cfl_encoder *encoder, size_t buffer_count, uint64_t body_len_bytes)
{
    cfl_pieces_clear(&encoder->body);
    for (size_t i = 0; i < buffer_count; i++) {
        const struct cfl_body_buffer *buffer = &encoder->body_buffers[i];
        uint64_t end = i + 1 < buffer_count ? encoder->ranges[i + 1].offset : body_len_bytes;
        cfl_pieces_append(&encoder->body, buffer->prefix, buffer->prefix == NULL ? 0 : 8);
        cfl_pieces_append(&encoder->body, buffer->data, (size_t)buffer->len_bytes);
        cfl_pieces_append_zeros(&encoder->body, (size_t)(end - encoder->ranges[i].offset -
                                                         encoder->ranges[i].len_bytes));
    }
}

/* What a message of `parts` looks like: ranges are laid out, the header is in encoder->header. */
static cflight_status make_header(struct cfl_encoder *encoder, const struct cfl_parts *parts,
                                  const struct cfl_dictionary *dictionary, bool is_compressed,
                                  uint64_t *ret_body_len_bytes, cflight_error **reterr)
{
    struct cfl_batch_head head = {
        .row_count = parts->row_count,
        .nodes = parts->nodes,
        .node_count = parts->node_count,
        .range_count = parts->buffer_count,
        .variadic_counts = parts->variadic_counts,
        .variadic_count = parts->variadic_count,
        .compression = is_compressed ? encoder->compression.codec : CFLIGHT_COMPRESSION_NONE,
        .is_dictionary = dictionary != NULL,
    };
    cflight_status status = CFLIGHT_OK;

    if (dictionary != NULL) {
        head.dictionary_id = dictionary->field->dictionary_id;
        head.is_delta = dictionary->plan == CFL_DICTIONARY_DELTA;
    }
    if (!grow_message(encoder, parts->buffer_count)) {
        return cfl_error_no_memory(reterr);
    }
    head.ranges = encoder->ranges;
    status = choose_body(encoder, parts, is_compressed, reterr);
    if (status == CFLIGHT_OK &&
        (parts->is_measuring ||
         !lay_out_in_segment(encoder, parts->buffer_count, &head.body_len_bytes))) {
        status = lay_out_body(encoder, parts->buffer_count, &head.body_len_bytes, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_batch_message_write(
            dictionary == NULL ? &encoder->batch_message : &encoder->dictionary_message, &head,
            encoder->metadata_version, &encoder->header, reterr);
    }
    *ret_body_len_bytes = head.body_len_bytes;
    return status;
}

bool cfl_encoder_is_in_segment(struct cfl_encoder *encoder)
{
    uint64_t body_len_bytes = 0;
    return encoder->compression.codec == CFLIGHT_COMPRESSION_NONE && cfl_segment_is_any() &&
           grow_message(encoder, encoder->batch.buffer_count) &&
           choose_body(encoder, &encoder->batch, false, NULL) == CFLIGHT_OK &&
           lay_out_in_segment(encoder, encoder->batch.buffer_count, &body_len_bytes);
}

static cflight_status make_message(struct cfl_encoder *encoder, const struct cfl_parts *parts,
                                   const struct cfl_dictionary *dictionary,
                                   struct cfl_encoded *ret_message, cflight_error **reterr)
{
    bool is_compressed = encoder->compression.codec != CFLIGHT_COMPRESSION_NONE;
    struct cfl_encoded message = {.kind = dictionary == NULL ? CFL_MESSAGE_BATCH
                                                             : CFL_MESSAGE_DICTIONARY};
    cflight_status status =
        make_header(encoder, parts, dictionary, is_compressed, &message.body_len_bytes, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    if (encoder->segment != NULL) {
        fill_body_from_segment(encoder, message.body_len_bytes);
        message.segment = encoder->segment;
        message.segment_offset = encoder->segment_offset;
    } else {
        fill_body(encoder, parts->buffer_count, message.body_len_bytes);
    }
    if (encoder->body.failed) {
        return cfl_error_no_memory(reterr);
    }
    message.header = encoder->header;
    message.body = &encoder->body;
    if (dictionary != NULL) {
        message.is_delta = dictionary->plan == CFL_DICTIONARY_DELTA;
        message.is_replacement = dictionary->was_sent && !message.is_delta;
    }
    cfl_copy_count_sent(0, parts->scratch.used_bytes);
    *ret_message = message;
    return CFLIGHT_OK;
}

static void count_message(struct cfl_encoder *encoder, const struct cfl_encoded *message)
{
    encoder->stats.message_count++;
    encoder->stats.record_batch_count += message->kind == CFL_MESSAGE_BATCH;
    encoder->stats.dictionary_batch_count += message->kind == CFL_MESSAGE_DICTIONARY;
    encoder->stats.dictionary_delta_count += message->is_delta;
    encoder->stats.replaced_dictionary_count += message->is_replacement;
}

cflight_status cfl_encoder_next(struct cfl_encoder *encoder, struct cfl_encoded *ret_message,
                                bool *ret_has_message, cflight_error **reterr)
{
    struct cfl_dictionary *dictionary = NULL;
    cflight_status status = CFLIGHT_OK;

    if (!encoder->is_begun || encoder->is_batch_made) {
        *ret_has_message = false;
        return CFLIGHT_OK;
    }
    while (dictionary == NULL && encoder->next_dictionary < encoder->dictionaries.count) {
        struct cfl_dictionary *item = &encoder->dictionaries.items[encoder->next_dictionary++];
        dictionary = item->plan == CFL_DICTIONARY_UNCHANGED ? NULL : item;
    }
    status = make_message(encoder, dictionary == NULL ? &encoder->batch : &dictionary->message,
                          dictionary, ret_message, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (dictionary == NULL) {
        encoder->is_batch_made = true;
    } else {
        dictionary->is_in_message = true;
    }
    count_message(encoder, ret_message);
    *ret_has_message = true;
    return CFLIGHT_OK;
}

void cfl_encoder_end(struct cfl_encoder *encoder, bool was_sent)
{
    if (!encoder->is_begun) {
        return;
    }
    encoder->is_begun = false;
    if (!was_sent) {
        encoder->stats = encoder->stats_before;
    }
    cfl_dictionaries_end(&encoder->dictionaries, was_sent);
}

cflight_status cfl_encoder_measure(struct cfl_encoder *encoder, const struct ArrowArray *batch,
                                   int64_t row_offset, int64_t row_count, uint64_t *ret_len_bytes,
                                   cflight_error **reterr)
{
    uint64_t body_len_bytes = 0;
    cflight_status status = check_ready(encoder, batch, reterr);

    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_parts_set_batch(&encoder->measured, cfl_schema_root(encoder->schema), batch,
                                 row_offset, row_count, reterr);
    if (status == CFLIGHT_OK) {
        status = make_header(encoder, &encoder->measured, NULL, false, &body_len_bytes, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_len_bytes = body_len_bytes + encoder->header.len_bytes;
    }
    return status;
}
