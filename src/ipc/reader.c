/* SPDX-License-Identifier: Apache-2.0 */
/* The stream format from a callback.
 *
 * The callback fills the framer's buffers, so a body lies where its arrays will point from the
 * first byte on. The schema is read when the stream is opened. Owner: the exported stream, of
 * everything. Thread class: one at a time. (Arrow columnar: IPC Streaming Format) */
#include <errno.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "base/error.h"
#include "cflight/ipc.h"
#include "ipc/decoder.h"
#include "ipc/decoder_options.h"
#include "ipc/stream_export.h"

enum { POOL_BYTES = 64 << 20 };

struct reader {
    cflight_read_fn read;
    void (*release)(void *user_data);
    void *user_data;
    struct cfl_pool *pool;
    struct cfl_framer *framer;
    struct cfl_decoder *decoder;
    bool is_end;
};

static void free_reader(struct reader *reader)
{
    cfl_decoder_free(reader->decoder);
    cfl_framer_free(reader->framer);
    cfl_pool_unref(reader->pool);
    cfl_free(NULL, reader, sizeof *reader);
}

static void reader_release(void *user_data)
{
    struct reader *reader = user_data;
    if (reader->release != NULL) {
        reader->release(reader->user_data);
    }
    free_reader(reader);
}

static cflight_status reader_schema(void *user_data, struct ArrowSchema *ret_schema,
                                    cflight_error **reterr)
{
    const struct reader *reader = user_data;
    return cfl_schema_to_arrow(cfl_decoder_schema(reader->decoder), ret_schema, reterr);
}

struct framed {
    bool has_message;
    struct cflight_bytes header;
    cflight_buffer *body;
};

/* Reads what the framer wants, once. */
static cflight_status read_some(struct reader *reader, struct framed *ret_framed,
                                cflight_error **reterr)
{
    uint8_t *target = NULL;
    size_t wanted_bytes = 0;
    cflight_status status = cfl_framer_want(reader->framer, &target, &wanted_bytes, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    int64_t got_bytes = reader->read(reader->user_data, target, wanted_bytes);
    if (got_bytes < 0) {
        return cfl_error_set_os(reterr, CFLIGHT_UNAVAILABLE, errno,
                                "reading an Arrow stream failed");
    }
    if (got_bytes == 0) {
        reader->is_end = true;
        return cfl_framer_eof(reader->framer, reterr);
    }
    if ((uint64_t)got_bytes > wanted_bytes) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the read callback says %" PRId64 " bytes; %zu were wanted",
                                 got_bytes, wanted_bytes);
    }
    return cfl_framer_got(reader->framer, (size_t)got_bytes, &ret_framed->has_message,
                          &ret_framed->header, &ret_framed->body, &reader->is_end, reterr);
}

/* Reads and feeds messages until one is of the kind, or the stream ends. */
static cflight_status read_until(struct reader *reader, enum cfl_message_kind kind,
                                 struct ArrowArray *ret_batch, cflight_error **reterr)
{
    enum cfl_message_kind found = CFL_MESSAGE_DICTIONARY;
    while (!reader->is_end) {
        struct framed framed = {0};
        cflight_status status = read_some(reader, &framed, reterr);
        if (status == CFLIGHT_OK && framed.has_message) {
            status = cfl_decoder_feed(reader->decoder, framed.header, framed.body, &found,
                                      ret_batch, reterr);
        }
        if (status != CFLIGHT_OK || (framed.has_message && found == kind)) {
            return status;
        }
    }
    return CFLIGHT_OK;
}

static cflight_status reader_next(void *user_data, struct ArrowArray *ret_batch,
                                  cflight_error **reterr)
{
    return read_until(user_data, CFL_MESSAGE_BATCH, ret_batch, reterr);
}

static cflight_status read_schema(struct reader *reader, cflight_error **reterr)
{
    struct ArrowArray batch = {0};
    cflight_status status = read_until(reader, CFL_MESSAGE_SCHEMA, &batch, reterr);
    if (status == CFLIGHT_OK && cfl_decoder_schema(reader->decoder) == NULL) {
        status = cflight_error_set_message(reterr, CFLIGHT_DATA_LOSS,
                                           "the Arrow stream ends before its schema");
    }
    return status;
}

static cflight_status init_reader(struct reader *reader,
                                  const struct cflight_ipc_read_options *options,
                                  cflight_error **reterr)
{
    struct cfl_read_setup setup;
    cflight_status status = cfl_read_setup_init(&setup, NULL, options, &cfl_limits_default, reterr);
    if (status == CFLIGHT_OK) {
        reader->pool = cfl_pool_new(NULL, POOL_BYTES);
        status = reader->pool == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
    }
    if (status == CFLIGHT_OK) {
        status = cfl_framer_new(NULL, &setup.limits, reader->pool, &reader->framer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status =
            cfl_decoder_new(NULL, options, &setup.limits, reader->pool, &reader->decoder, reterr);
    }
    cfl_read_setup_done(&setup);
    return status;
}

cflight_status cflight_ipc_open_reader(cflight_read_fn read, void (*release)(void *user_data),
                                       void *user_data,
                                       const struct cflight_ipc_read_options *options,
                                       struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    if (read == NULL || ret_stream == NULL) {
        return cfl_error_null_argument(reterr, read == NULL ? "read" : "ret_stream");
    }
    struct reader *reader = cfl_alloc_zeroed(NULL, sizeof *reader);
    if (reader == NULL) {
        return cfl_error_no_memory(reterr);
    }
    reader->read = read;
    reader->release = release;
    reader->user_data = user_data;
    cflight_status status = init_reader(reader, options, reterr);
    if (status == CFLIGHT_OK) {
        status = read_schema(reader, reterr);
    }
    if (status == CFLIGHT_OK) {
        const struct cfl_stream_source source = {reader_schema, reader_next, reader_release,
                                                 reader};
        status = cfl_stream_export(NULL, &source, ret_stream, reterr);
    }
    if (status != CFLIGHT_OK) {
        free_reader(reader);
    }
    return status;
}
