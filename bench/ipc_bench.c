/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding and decoding of Arrow IPC, for bench/ipc_bench.py, which loads this into its process and
 * does the timing: batches come from pyarrow, bytes stay in memory. Functions return a negative
 * number on failure. */
#include <cflight/cflight.h>
#include <stdlib.h>
#include <string.h>

#include "base/body.h"

struct ipc_bench;

CFLIGHT_EXPORT struct ipc_bench *ipc_bench_load(struct ArrowArrayStream *stream);
CFLIGHT_EXPORT void ipc_bench_free(struct ipc_bench *bench);
CFLIGHT_EXPORT int64_t ipc_bench_encode(const struct ipc_bench *bench, int compression,
                                        uint8_t *target, size_t capacity_bytes);
CFLIGHT_EXPORT int64_t ipc_bench_decode(const uint8_t *data, size_t len_bytes, int validation);

enum { BATCHES_MAX = 1024 };

struct ipc_bench {
    struct ArrowSchema schema;
    struct ArrowArray batches[BATCHES_MAX];
    size_t count;
};

struct ipc_bench *ipc_bench_load(struct ArrowArrayStream *stream)
{
    struct ipc_bench *bench = calloc(1, sizeof *bench);
    if (bench == NULL || stream->get_schema(stream, &bench->schema) != 0) {
        free(bench);
        return NULL;
    }
    while (bench->count < BATCHES_MAX &&
           stream->get_next(stream, &bench->batches[bench->count]) == 0 &&
           bench->batches[bench->count].release != NULL) {
        bench->count++;
    }
    stream->release(stream);
    return bench;
}

void ipc_bench_free(struct ipc_bench *bench)
{
    for (size_t i = 0; i < bench->count; i++) {
        bench->batches[i].release(&bench->batches[i]);
    }
    bench->schema.release(&bench->schema);
    free(bench);
}

/* A place for what is written. */
struct sink {
    uint8_t *target; /* NULL counts only, as a socket that takes views would */
    size_t capacity_bytes;
    size_t len_bytes;
};

static int write_sink(void *user_data, const struct cflight_bytes *views, size_t count)
{
    struct sink *sink = user_data;
    for (size_t i = 0; i < count; i++) {
        size_t len_bytes = views[i].len_bytes;
        if (sink->target != NULL && len_bytes > 0) {
            if (len_bytes > sink->capacity_bytes - sink->len_bytes) {
                return 1;
            }
            memcpy(sink->target + sink->len_bytes, views[i].data, len_bytes);
        }
        sink->len_bytes += len_bytes;
    }
    return 0;
}

int64_t ipc_bench_encode(const struct ipc_bench *bench, int compression, uint8_t *target,
                         size_t capacity_bytes)
{
    struct cflight_ipc_write_options options = CFLIGHT_IPC_WRITE_OPTIONS_INIT;
    struct sink sink = {target, capacity_bytes, 0};
    cflight_ipc_writer *writer = NULL;
    options.compression = (enum cflight_compression)compression;
    cflight_status status = cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_STREAM, &bench->schema,
                                                   write_sink, &sink, &options, &writer, NULL);
    for (size_t i = 0; status == CFLIGHT_OK && i < bench->count; i++) {
        status = cflight_ipc_writer_write(writer, &bench->batches[i], NULL);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_writer_close(writer, NULL);
    }
    cflight_ipc_writer_free(writer);
    return status == CFLIGHT_OK ? (int64_t)sink.len_bytes : -1;
}

static void keep(void *user_data)
{
    (void)user_data;
}

int64_t ipc_bench_decode(const uint8_t *data, size_t len_bytes, int validation)
{
    struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    cflight_buffer *buffer = cfl_body_wrap(NULL, data, len_bytes, keep, NULL);
    cflight_ipc_file *file = NULL;
    struct ArrowArrayStream stream = {0};
    int64_t rows = 0;
    options.validation = (enum cflight_validation)validation;
    if (buffer == NULL) {
        return -1;
    }
    cflight_status status = cflight_ipc_file_open_buffer(buffer, &options, &file, NULL);
    if (status == CFLIGHT_OK) {
        status = cflight_ipc_file_stream(file, &stream, NULL);
    }
    cflight_ipc_file_free(file);
    cflight_buffer_unref(buffer);
    while (status == CFLIGHT_OK && rows >= 0) {
        struct ArrowArray batch = {0};
        if (stream.get_next(&stream, &batch) != 0) {
            rows = -1;
        } else if (batch.release == NULL) {
            break;
        } else {
            rows += batch.length;
            batch.release(&batch);
        }
    }
    if (stream.release != NULL) {
        stream.release(&stream);
    }
    return status == CFLIGHT_OK ? rows : -1;
}
