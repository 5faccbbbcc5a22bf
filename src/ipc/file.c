/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow IPC files: the file format with random access, and the stream format in a file.
 *
 * The bytes are one counted buffer, usually a memory map; arrays point into it and hold it, so the
 * map goes away with the last of them. A file is immutable but for its dictionaries, which are
 * loaded once, under the lock, when the first batch is asked for; every read has its own codec
 * state. A stream over the stream format decodes from its beginning on its own. Owner: counted;
 * streams hold a reference. Thread class: free; each stream one at a time. (Arrow columnar: IPC
 * File Format, IPC Streaming Format) */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "cflight/ipc.h"
#include "ipc/array_build.h"
#include "ipc/dictionary_set.h"
#include "ipc/file.h"
#include "ipc/file_map.h"
#include "ipc/stream_export.h"
#include "ipc/walk.h"

void cfl_ipc_file_unref(struct cflight_ipc_file *file)
{
    if (file == NULL || !cfl_refcount_down(&file->refs)) {
        return;
    }
    cfl_read_schemas_done(&file->schemas);
    cfl_footer_done(&file->footer);
    cfl_read_setup_done(&file->setup);
    cflight_buffer_unref(file->buffer);
    if (file->has_mutex) {
        (void)pthread_mutex_destroy(&file->mutex);
    }
    cfl_free(file->alloc, file, sizeof *file);
}

void cflight_ipc_file_free(cflight_ipc_file *file)
{
    cfl_ipc_file_unref(file);
}

/* The schema is the first message of a stream. */
static cflight_status read_stream_schema(struct cflight_ipc_file *file, cflight_error **reterr)
{
    struct cfl_walk_message message = {0};
    struct cfl_message parsed;
    size_t offset = 0;
    const char *foreign = cfl_foreign_format(file->bytes);
    if (foreign != NULL) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "neither an Arrow file nor an Arrow stream: this is %s", foreign);
    }
    cflight_status status =
        cfl_walk_next(file->bytes, &file->setup.limits, &offset, &message, reterr);
    if (status != CFLIGHT_OK) {
        return cfl_error_prefix(reterr, status, "neither an Arrow file nor an Arrow stream");
    }
    if (message.is_end) {
        return cflight_error_set_message(
            reterr, CFLIGHT_DATA_LOSS,
            "the data is empty: neither an Arrow file nor an Arrow stream");
    }
    status = cfl_message_parse(message.header, &parsed, reterr);
    if (status == CFLIGHT_OK && parsed.kind != CFL_MESSAGE_SCHEMA) {
        status = cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                           "the Arrow stream does not begin with a schema");
    }
    if (status == CFLIGHT_OK) {
        status = cfl_read_schemas_init(&file->schemas, file->alloc, &parsed.header, &file->setup,
                                       reterr);
    }
    return status;
}

static cflight_status read_structure(struct cflight_ipc_file *file, cflight_error **reterr)
{
    if (!cfl_footer_has_magic(file->bytes)) {
        return read_stream_schema(file, reterr);
    }
    cflight_status status = cfl_footer_init(&file->footer, file->alloc, file->bytes, reterr);
    if (status == CFLIGHT_OK) {
        file->has_footer = true;
        status = cfl_read_schemas_init(&file->schemas, file->alloc, &file->footer.schema,
                                       &file->setup, reterr);
    }
    return status;
}

cflight_status cflight_ipc_file_open_buffer(cflight_buffer *buffer,
                                            const struct cflight_ipc_read_options *options,
                                            cflight_ipc_file **ret_file, cflight_error **reterr)
{
    struct cfl_limits limits = cfl_limits_default;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(buffer), CFL_ARG(ret_file));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_ipc_file *file = cfl_alloc_zeroed(NULL, sizeof *file);
    if (file == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&file->refs);
    file->buffer = cflight_buffer_ref(buffer);
    file->bytes = cflight_buffer_bytes(buffer);
    /* The bytes are there already: a body in them costs nothing. */
    limits.message_bytes_max = UINT64_MAX;
    status = cfl_read_setup_init(&file->setup, file->alloc, options, &limits, reterr);
    file->has_mutex = status == CFLIGHT_OK && pthread_mutex_init(&file->mutex, NULL) == 0;
    if (status == CFLIGHT_OK && !file->has_mutex) {
        status = cfl_error_no_memory(reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_structure(file, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_ipc_file_unref(file);
        return status;
    }
    *ret_file = file;
    return CFLIGHT_OK;
}

cflight_status cflight_ipc_file_open(const char *path,
                                     const struct cflight_ipc_read_options *options,
                                     cflight_ipc_file **ret_file, cflight_error **reterr)
{
    cflight_buffer *map = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(path), CFL_ARG(ret_file));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_file_map(NULL, path, &map, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_ipc_file_open_buffer(map, options, ret_file, reterr);
    cflight_buffer_unref(map);
    if (status != CFLIGHT_OK) {
        return cfl_error_prefix(reterr, status, "'%s'", path);
    }
    return CFLIGHT_OK;
}

cflight_status cflight_ipc_file_open_fd(int fd, const struct cflight_ipc_read_options *options,
                                        cflight_ipc_file **ret_file, cflight_error **reterr)
{
    cflight_buffer *map = NULL;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_file));
    if (status == CFLIGHT_OK) {
        status = cfl_file_map_descriptor(NULL, fd, &map, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_file_open_buffer(map, options, ret_file, reterr);
    }
    cflight_buffer_unref(map);
    return status;
}

cflight_status cflight_ipc_file_schema(const cflight_ipc_file *file, struct ArrowSchema *ret_schema,
                                       cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(file), CFL_ARG(ret_schema));
    if (status != CFLIGHT_OK) {
        return status;
    }
    return cfl_schema_to_arrow(file->schemas.selected, ret_schema, reterr);
}

int64_t cflight_ipc_file_batch_count(const cflight_ipc_file *file)
{
    return file == NULL || !file->has_footer ? -1 : (int64_t)file->footer.batch_count;
}

int64_t cflight_ipc_file_size_bytes(const cflight_ipc_file *file)
{
    return file == NULL ? -1 : (int64_t)file->bytes.len_bytes;
}

/* Adds the rows of a message if it is a record batch. */
static cflight_status add_rows(struct cflight_bytes header, int64_t *row_count,
                               cflight_error **reterr)
{
    struct cfl_message message;
    cflight_status status = cfl_message_parse(header, &message, reterr);
    if (status != CFLIGHT_OK || message.kind != CFL_MESSAGE_BATCH) {
        return status;
    }
    int64_t length = 0;
    status = cfl_message_rows(&message, &length, reterr);
    return status == CFLIGHT_OK ? cfl_add_rows(row_count, length, reterr) : status;
}

static cflight_status footer_row_count(const struct cflight_ipc_file *file, int64_t *row_count,
                                       cflight_error **reterr)
{
    const struct cfl_footer *footer = &file->footer;
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < footer->batch_count && status == CFLIGHT_OK; i++) {
        struct cflight_bytes header = {0};
        struct cflight_bytes body = {0};
        status = cfl_footer_message(footer, file->bytes, footer->dictionary_count + i, &header,
                                    &body, reterr);
        if (status == CFLIGHT_OK) {
            status = add_rows(header, row_count, reterr);
        }
        if (status != CFLIGHT_OK) {
            status = cfl_error_prefix(reterr, status, "record batch %zu", i);
        }
    }
    return status;
}

/* A stream ends with its marker. Bytes behind it, but for zeros that pad, would be lost in silence:
 * somebody joined two streams, or the data is damaged. */
cflight_status cfl_ipc_file_check_tail(struct cflight_bytes bytes, size_t offset,
                                       cflight_error **reterr)
{
    for (size_t i = offset; i < bytes.len_bytes; i++) {
        if (bytes.data[i] != 0) {
            return cflight_error_set(reterr, CFLIGHT_DATA_LOSS,
                                     "the Arrow stream ends at byte %zu, and %zu bytes follow; "
                                     "several streams in one file are not read",
                                     offset, bytes.len_bytes - offset);
        }
    }
    return CFLIGHT_OK;
}

static cflight_status stream_row_count(const struct cflight_ipc_file *file, int64_t *row_count,
                                       cflight_error **reterr)
{
    struct cfl_walk_message message = {0};
    cflight_status status = CFLIGHT_OK;
    size_t offset = 0;
    while (status == CFLIGHT_OK && !message.is_end) {
        size_t begin = offset;
        status = cfl_walk_next(file->bytes, &file->setup.limits, &offset, &message, reterr);
        if (status == CFLIGHT_OK && !message.is_end) {
            status = add_rows(message.header, row_count, reterr);
            if (status != CFLIGHT_OK) {
                status = cfl_error_prefix(reterr, status, "the Arrow message at byte %zu", begin);
            }
        }
    }
    return status == CFLIGHT_OK ? cfl_ipc_file_check_tail(file->bytes, offset, reterr) : status;
}

cflight_status cflight_ipc_file_count_rows(cflight_ipc_file *file, int64_t *ret_row_count,
                                           cflight_error **reterr)
{
    int64_t row_count = 0;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(file), CFL_ARG(ret_row_count));
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = file->has_footer ? footer_row_count(file, &row_count, reterr)
                              : stream_row_count(file, &row_count, reterr);
    if (status == CFLIGHT_OK) {
        *ret_row_count = row_count;
    }
    return status;
}

int64_t cflight_ipc_file_row_count(cflight_ipc_file *file)
{
    int64_t row_count = -1;
    return cflight_ipc_file_count_rows(file, &row_count, NULL) == CFLIGHT_OK ? row_count : -1;
}

static struct cfl_decode_env environment(const struct cflight_ipc_file *file,
                                         struct cfl_decompressor *decompressor)
{
    struct cfl_decode_env env = {
        .alloc = file->alloc,
        .limits = &file->setup.limits,
        .validation = file->setup.validation,
        .schema = file->schemas.all,
        .included = file->setup.included,
        .included_count = file->setup.included_count,
        .dictionaries = file->schemas.dictionaries,
        .decompressor = decompressor,
    };
    return env;
}

/* Finds and parses the message of a block, whose kind must be `kind`. */
static cflight_status block_message(const struct cflight_ipc_file *file, size_t index,
                                    enum cfl_message_kind kind, struct cfl_message *ret_message,
                                    struct cfl_body_view *ret_body, cflight_error **reterr)
{
    struct cflight_bytes header = {0};
    ret_body->owner = file->buffer;
    cflight_status status =
        cfl_footer_message(&file->footer, file->bytes, index, &header, &ret_body->bytes, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_message_parse(header, ret_message, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (ret_message->kind != kind) {
        return cfl_footer_other_kind(reterr);
    }
    uint64_t body_len_bytes = ret_body->bytes.len_bytes;
    if (ret_message->body_len_bytes > body_len_bytes) {
        return cfl_footer_short_body(ret_message->body_len_bytes, body_len_bytes, reterr);
    }
    if (body_len_bytes > file->setup.limits.message_bytes_max) {
        return cfl_error_set_size_limit(reterr, "Arrow message body", body_len_bytes,
                                        file->setup.limits.message_bytes_max);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_ipc_file_no_replacement(cflight_error **reterr)
{
    return cflight_error_set_message(
        reterr, CFLIGHT_DATA_LOSS,
        "a dictionary is replaced, which the file format does not allow");
}

/* A file has no order of reading, so an id stands for one dictionary, which deltas may extend (IPC
 * File Format). */
static cflight_status load_dictionary(struct cflight_ipc_file *file,
                                      const struct cfl_decode_env *env, size_t index,
                                      cflight_error **reterr)
{
    struct cfl_message message;
    struct cfl_body_view body = {0};
    struct cfl_dictionary_change change = {0};
    cflight_status status =
        block_message(file, index, CFL_MESSAGE_DICTIONARY, &message, &body, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_dictionary_set_feed(file->schemas.dictionaries, env, &message, body, &change,
                                         reterr);
    }
    if (status == CFLIGHT_OK && change.is_replacement) {
        status = cfl_ipc_file_no_replacement(reterr);
    }
    return status == CFLIGHT_OK ? status
                                : cfl_error_prefix(reterr, status, "dictionary message %zu", index);
}

static cflight_status load_dictionaries_locked(struct cflight_ipc_file *file,
                                               cflight_error **reterr)
{
    struct cfl_decompressor decompressor = {0};
    struct cfl_decode_env env = environment(file, &decompressor);
    cflight_status status = CFLIGHT_OK;
    if (file->has_dictionaries) {
        return CFLIGHT_OK;
    }
    cfl_dictionary_set_clear(file->schemas.dictionaries);
    for (size_t i = 0; status == CFLIGHT_OK && i < file->footer.dictionary_count; i++) {
        status = load_dictionary(file, &env, i, reterr);
    }
    cfl_decompressor_done(&decompressor);
    file->has_dictionaries = status == CFLIGHT_OK;
    return status;
}

static cflight_status read_batch(struct cflight_ipc_file *file, size_t index,
                                 struct cfl_decompressor *decompressor,
                                 struct ArrowArray *ret_batch, cflight_error **reterr)
{
    struct cfl_message message;
    struct cfl_body_view body = {0};
    struct cfl_decode_env env = environment(file, decompressor);
    (void)pthread_mutex_lock(&file->mutex);
    cflight_status status = load_dictionaries_locked(file, reterr);
    (void)pthread_mutex_unlock(&file->mutex);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = block_message(file, file->footer.dictionary_count + index, CFL_MESSAGE_BATCH, &message,
                           &body, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_decode_batch(&env, &message, body, ret_batch, reterr);
    }
    return status == CFLIGHT_OK ? status
                                : cfl_error_prefix(reterr, status, "record batch %zu", index);
}

cflight_status cflight_ipc_file_read_batch(cflight_ipc_file *file, int64_t index,
                                           struct ArrowArray *ret_batch, cflight_error **reterr)
{
    struct cfl_decompressor decompressor = {0};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(file), CFL_ARG(ret_batch));
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!file->has_footer) {
        return cflight_error_set_message(
            reterr, CFLIGHT_FAILED_PRECONDITION,
            "the stream format has no random access; read it as a stream");
    }
    if (index < 0 || (uint64_t)index >= file->footer.batch_count) {
        return cflight_error_set(reterr, CFLIGHT_OUT_OF_RANGE,
                                 "there is no batch %" PRId64 "; the file has %zu", index,
                                 file->footer.batch_count);
    }
    status = read_batch(file, (size_t)index, &decompressor, ret_batch, reterr);
    cfl_decompressor_done(&decompressor);
    return status;
}

/* A stream over a file: by index when there is a footer, by walking otherwise. */
struct file_stream {
    struct cflight_ipc_file *file;
    size_t batch_index;
    int64_t row_count; /* of the batches that were read by index */
    struct cfl_decompressor decompressor;
    struct cfl_decoder *decoder; /* of the stream format */
    size_t offset;
};

static void file_stream_release(void *user_data)
{
    struct file_stream *stream = user_data;
    const struct cflight_allocator *alloc = stream->file->alloc;
    cfl_decompressor_done(&stream->decompressor);
    cfl_decoder_free(stream->decoder);
    cfl_ipc_file_unref(stream->file);
    cfl_free(alloc, stream, sizeof *stream);
}

static cflight_status file_stream_schema(void *user_data, struct ArrowSchema *ret_schema,
                                         cflight_error **reterr)
{
    const struct file_stream *stream = user_data;
    return cfl_schema_to_arrow(stream->file->schemas.selected, ret_schema, reterr);
}

/* Feeds messages until one is a batch. */
static cflight_status walk_to_batch(struct file_stream *stream, struct ArrowArray *ret_batch,
                                    cflight_error **reterr)
{
    struct cflight_ipc_file *file = stream->file;
    for (;;) {
        struct cfl_walk_message message = {0};
        enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
        cflight_status status =
            cfl_walk_next(file->bytes, &file->setup.limits, &stream->offset, &message, reterr);
        if (status != CFLIGHT_OK || message.is_end) {
            status = status == CFLIGHT_OK
                         ? cfl_ipc_file_check_tail(file->bytes, stream->offset, reterr)
                         : status;
            stream->offset = status == CFLIGHT_OK ? file->bytes.len_bytes : stream->offset;
            return status;
        }
        struct cfl_body_view body = {.bytes = message.body, .owner = file->buffer};
        status =
            cfl_decoder_feed_view(stream->decoder, message.header, body, &kind, ret_batch, reterr);
        if (status != CFLIGHT_OK || kind == CFL_MESSAGE_BATCH) {
            return status;
        }
    }
}

static cflight_status file_stream_next(void *user_data, struct ArrowArray *ret_batch,
                                       cflight_error **reterr)
{
    struct file_stream *stream = user_data;
    struct cflight_ipc_file *file = stream->file;
    struct ArrowArray batch = {0};
    if (!file->has_footer) {
        return walk_to_batch(stream, ret_batch, reterr);
    }
    if (stream->batch_index == file->footer.batch_count) {
        return CFLIGHT_OK;
    }
    cflight_status status =
        read_batch(file, stream->batch_index, &stream->decompressor, &batch, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_add_rows(&stream->row_count, batch.length, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_array_drop(&batch);
        return status;
    }
    stream->batch_index++;
    *ret_batch = batch;
    return CFLIGHT_OK;
}

/* The decoder of a stream reads with the options that the file was opened with. */
cflight_status cfl_ipc_file_decoder(const struct cflight_ipc_file *file,
                                    struct cfl_decoder **ret_decoder, cflight_error **reterr)
{
    struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    options.validation = file->setup.validation;
    options.included_fields = file->setup.included;
    options.included_field_count = file->setup.included_count;
    return cfl_decoder_new(file->alloc, &options, &file->setup.limits, NULL, ret_decoder, reterr);
}

cflight_status cflight_ipc_file_stream(cflight_ipc_file *file, struct ArrowArrayStream *ret_stream,
                                       cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(file), CFL_ARG(ret_stream));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct file_stream *stream = cfl_alloc_zeroed(file->alloc, sizeof *stream);
    if (stream == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_up(&file->refs);
    stream->file = file;
    if (!file->has_footer) {
        status = cfl_ipc_file_decoder(file, &stream->decoder, reterr);
    }
    if (status == CFLIGHT_OK) {
        const struct cfl_stream_source source = {file_stream_schema, file_stream_next,
                                                 file_stream_release, stream};
        status = cfl_stream_export(file->alloc, &source, ret_stream, reterr);
    }
    if (status != CFLIGHT_OK) {
        file_stream_release(stream);
    }
    return status;
}

cflight_status cflight_ipc_open_file(const char *path,
                                     const struct cflight_ipc_read_options *options,
                                     struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    cflight_ipc_file *file = NULL;
    cflight_status status = cflight_ipc_file_open(path, options, &file, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_file_stream(file, ret_stream, reterr);
    }
    cflight_ipc_file_free(file);
    return status;
}
