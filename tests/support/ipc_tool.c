/* SPDX-License-Identifier: Apache-2.0 */
/* Reads Arrow IPC the way a user would, for tests under sanitizers and for comparisons:
 *   ipc_tool cat FILE        writes what FILE holds (either format) to stdout, as a stream
 *   ipc_tool validate FILE   reads it with cflight_array_validate over every batch
 *   ipc_tool time FILE       reads it many times at all validation levels and prints the cost */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cflight/ipc.h"

enum { TIME_ROUNDS = 20 };

static int fail(const char *what, cflight_status status, cflight_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", what, cflight_status_name(status),
            cflight_error_message(error));
    cflight_error_free(error);
    return 1;
}

static int write_stdout(void *user_data, const struct cflight_bytes *views, size_t count)
{
    (void)user_data;
    for (size_t i = 0; i < count; i++) {
        if (fwrite(views[i].data, 1, views[i].len_bytes, stdout) != views[i].len_bytes) {
            return 5;
        }
    }
    return 0;
}

typedef cflight_status (*use_batch_fn)(void *user_data, const struct ArrowSchema *schema,
                                       const struct ArrowArray *batch, cflight_error **reterr);

static cflight_status use_writer(void *user_data, const struct ArrowSchema *schema,
                                 const struct ArrowArray *batch, cflight_error **reterr)
{
    (void)schema;
    return cflight_ipc_writer_write(user_data, batch, reterr);
}

static cflight_status use_validate(void *user_data, const struct ArrowSchema *schema,
                                   const struct ArrowArray *batch, cflight_error **reterr)
{
    int64_t *row_count = user_data;
    *row_count += batch->length;
    return cflight_array_validate(schema, batch, reterr);
}

static int for_each_batch(struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
                          use_batch_fn use, void *user_data)
{
    for (;;) {
        struct ArrowArray batch = {0};
        cflight_error *error = NULL;
        int code = stream->get_next(stream, &batch);
        if (code != 0) {
            fprintf(stderr, "next batch: %s: %s\n", strerror(code), stream->get_last_error(stream));
            return 1;
        }
        if (batch.release == NULL) {
            return 0;
        }
        cflight_status status = use(user_data, schema, &batch, &error);
        batch.release(&batch);
        if (status != CFLIGHT_OK) {
            return fail("batch", status, error);
        }
    }
}

static int cat(struct ArrowArrayStream *stream, const struct ArrowSchema *schema)
{
    cflight_ipc_writer *writer = NULL;
    cflight_error *error = NULL;
    cflight_status status = cflight_ipc_writer_new(CFLIGHT_IPC_FORMAT_STREAM, schema, write_stdout,
                                                   NULL, NULL, &writer, &error);
    if (status != CFLIGHT_OK) {
        return fail("writer", status, error);
    }
    int result = for_each_batch(stream, schema, use_writer, writer);
    if (result == 0) {
        status = cflight_ipc_writer_close(writer, &error);
        result = status == CFLIGHT_OK ? 0 : fail("close", status, error);
    }
    cflight_ipc_writer_free(writer);
    return result;
}

static int read_file(const char *command, const char *path)
{
    struct ArrowArrayStream stream = {0};
    struct ArrowSchema schema = {0};
    cflight_error *error = NULL;
    int64_t row_count = 0;
    cflight_status status = cflight_ipc_open_file(path, NULL, &stream, &error);
    if (status != CFLIGHT_OK) {
        return fail("open", status, error);
    }
    int result = stream.get_schema(&stream, &schema);
    if (result != 0) {
        fprintf(stderr, "schema: %s\n", stream.get_last_error(&stream));
        stream.release(&stream);
        return 1;
    }
    if (strcmp(command, "cat") == 0) {
        result = cat(&stream, &schema);
    } else {
        result = for_each_batch(&stream, &schema, use_validate, &row_count);
        printf("%" PRId64 " rows\n", row_count);
    }
    schema.release(&schema);
    stream.release(&stream);
    return result;
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static cflight_status count_rows(void *user_data, const struct ArrowSchema *schema,
                                 const struct ArrowArray *batch, cflight_error **reterr)
{
    int64_t *row_count = user_data;
    (void)schema;
    (void)reterr;
    *row_count += batch->length;
    return CFLIGHT_OK;
}

/* Best of several rounds over the file's batches, in seconds; negative on failure. */
static double time_level(cflight_ipc_file *file, int64_t *row_count)
{
    double best_s = -1;
    for (int i = 0; i < TIME_ROUNDS; i++) {
        struct ArrowArrayStream stream = {0};
        cflight_error *error = NULL;
        *row_count = 0;
        double start_s = now_s();
        if (cflight_ipc_file_stream(file, &stream, &error) != CFLIGHT_OK) {
            cflight_error_free(error);
            return -1;
        }
        int result = for_each_batch(&stream, NULL, count_rows, row_count);
        stream.release(&stream);
        double took_s = now_s() - start_s;
        if (result != 0) {
            return -1;
        }
        best_s = best_s < 0 || took_s < best_s ? took_s : best_s;
    }
    return best_s;
}

static int time_file(const char *path)
{
    static const enum cflight_validation LEVELS[] = {
        CFLIGHT_VALIDATION_BOUNDS, CFLIGHT_VALIDATION_SAFE, CFLIGHT_VALIDATION_FULL};
    static const char *const NAMES[] = {"bounds", "safe", "full"};
    for (size_t i = 0; i < 3; i++) {
        struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
        cflight_ipc_file *file = NULL;
        cflight_error *error = NULL;
        int64_t row_count = 0;
        options.validation = LEVELS[i];
        cflight_status status = cflight_ipc_file_open(path, &options, &file, &error);
        if (status != CFLIGHT_OK) {
            return fail("open", status, error);
        }
        double seconds = time_level(file, &row_count);
        double mib = (double)cflight_ipc_file_size_bytes(file) / (1 << 20);
        printf("%-6s %10.3f ms %10.0f MiB/s  %" PRId64 " rows, %.1f MiB\n", NAMES[i], seconds * 1e3,
               mib / seconds, row_count, mib);
        cflight_ipc_file_free(file);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "time") == 0) {
        return time_file(argv[2]);
    }
    if (argc != 3 || (strcmp(argv[1], "cat") != 0 && strcmp(argv[1], "validate") != 0)) {
        fprintf(stderr, "usage: ipc_tool cat|validate|time FILE\n");
        return 2;
    }
    return read_file(argv[1], argv[2]);
}
