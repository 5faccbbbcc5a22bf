/* SPDX-License-Identifier: Apache-2.0 */
/* Two processes of one machine: a server whose batches are in segments or in ordinary memory, and a
 * client that takes them. bench/run_samehost drives both.
 *
 *     samehost_bench server LOCATION...
 *     samehost_bench client LOCATION KIND BATCH_BYTES COUNT HOW
 *
 * KIND is segment or plain, HOW is hold (take the batch and let it go) or read (add up every word
 * of it). The server makes the batches of a call before it
 * sends the first; the client begins to measure with the first. It prints the seconds from the
 * first batch to the last, and its peak memory in MiB. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cflight/cflight.h"

enum { BATCHES_MAX = 8, MADE_BYTES_MAX = 512 << 20 };

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(cflight_status status, const cflight_error *error)
{
    if (status != CFLIGHT_OK) {
        (void)fprintf(stderr, "%s: %s\n", cflight_status_name(status),
                      cflight_error_message(error));
        exit(1);
    }
}

/* One column of 64-bit integers. */
struct words {
    cflight_segment *segment; /* NULL: the memory is the C library's */
    uint64_t *values;
    struct ArrowArray column;
    struct ArrowArray *columns[1];
    const void *no_nulls[1];
    const void *buffers[2];
};

static void let_go(struct ArrowArray *array)
{
    array->release = NULL;
}

static cflight_status make_words(struct words *words, bool is_in_segment, size_t len_bytes,
                                 uint64_t seed, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (is_in_segment) {
        status = cflight_segment_new(len_bytes, &words->segment, reterr);
        words->values = cflight_segment_alloc(words->segment, len_bytes);
    } else {
        words->values = malloc(len_bytes);
    }
    if (status == CFLIGHT_OK && words->values == NULL) {
        status = cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED, "no memory");
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < len_bytes / 8; i++) {
        words->values[i] = seed + i;
    }
    if (status == CFLIGHT_OK && is_in_segment) {
        status = cflight_segment_seal(words->segment, reterr);
    }
    words->buffers[1] = words->values;
    words->columns[0] = &words->column;
    words->column = (struct ArrowArray){.length = (int64_t)(len_bytes / 8),
                                        .n_buffers = 2,
                                        .buffers = words->buffers,
                                        .release = let_go};
    return status;
}

static void words_done(struct words *words)
{
    if (words->segment == NULL) {
        free(words->values);
    }
    cflight_segment_unref(words->segment);
}

static cflight_status begin(cflight_writer *writer, cflight_error **reterr)
{
    static const struct cflight_field WORD[] = {{.name = "word", .format = "L"}};
    struct ArrowSchema schema;
    cflight_status status = cflight_schema_new(WORD, 1, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &schema, NULL, reterr);
        schema.release(&schema);
    }
    return status;
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    char text[128] = "";
    char kind[16] = "";
    size_t len_bytes = 0;
    size_t batch_count = 0;
    struct words words[BATCHES_MAX] = {{NULL}};
    (void)user_data;
    (void)context;
    (void)snprintf(text, sizeof text, "%.*s", (int)ticket.len_bytes, (const char *)ticket.data);
    if (sscanf(text, "%15s %zu %zu", kind, &len_bytes, &batch_count) != 3 || len_bytes < 8) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, "KIND BYTES COUNT");
    }
    size_t made_count = MADE_BYTES_MAX / len_bytes;
    made_count = made_count > BATCHES_MAX ? BATCHES_MAX : made_count == 0 ? 1 : made_count;
    cflight_status status = begin(writer, reterr);
    for (size_t i = 0; status == CFLIGHT_OK && i < made_count; i++) {
        status = make_words(&words[i], strcmp(kind, "segment") == 0, len_bytes, i, reterr);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < batch_count; i++) {
        struct words *next = &words[i % made_count];
        struct ArrowArray batch = {.length = next->column.length,
                                   .n_buffers = 1,
                                   .buffers = next->no_nulls,
                                   .n_children = 1,
                                   .children = next->columns,
                                   .release = let_go};
        status = cflight_writer_write(writer, &batch, NULL, reterr);
    }
    for (size_t i = 0; i < made_count; i++) {
        words_done(&words[i]);
    }
    return status;
}

static int serve(char *const *locations, size_t location_count)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    cflight_server *server = NULL;
    cflight_error *error = NULL;
    const char *const *bound = NULL;
    handlers.do_get = do_get;
    options.split_is_off = true;
    options.more_locations = (const char *const *)(locations + 1);
    options.more_location_count = location_count - 1;
    check(cflight_server_new(locations[0], &handlers, &options, &server, &error), error);
    size_t bound_count = cflight_server_locations(server, &bound);
    for (size_t i = 0; i < bound_count; i++) {
        (void)printf("%s%s", bound[i], i + 1 < bound_count ? " " : "\n");
    }
    (void)fflush(stdout);
    (void)getchar(); /* until the driver closes standard input */
    cflight_server_free(server);
    return 0;
}

static uint64_t add_up(const struct ArrowArray *batch)
{
    const uint64_t *values = batch->children[0]->buffers[1];
    uint64_t sum = 0;
    for (int64_t i = 0; i < batch->length; i++) {
        sum += values[i];
    }
    return sum;
}

static int take(char *const *arguments)
{
    char ticket[128];
    cflight_client *client = NULL;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    bool reads = strcmp(arguments[4], "read") == 0;
    double started_s = 0;
    double last_s = 0;
    uint64_t sum = 0;
    struct rusage usage;
    (void)snprintf(ticket, sizeof ticket, "%s %s %s", arguments[1], arguments[2], arguments[3]);
    check(cflight_client_new(arguments[0], NULL, &client, &error), error);
    check(cflight_client_do_get(client, cflight_bytes_from_text(ticket), NULL, &reader, &error),
          error);
    for (;;) {
        struct cflight_chunk chunk;
        check(cflight_reader_next(reader, &chunk, &error), error);
        if (chunk.is_end) {
            break;
        }
        started_s = started_s > 0 ? started_s : now_s();
        sum += reads ? add_up(&chunk.batch) : 0;
        cflight_chunk_release(&chunk);
        last_s = now_s(); /* what the server does at its end is not measured */
    }
    cflight_reader_free(reader);
    cflight_client_free(client);
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("%.9f %.1f %" PRIu64 "\n", last_s - started_s, (double)usage.ru_maxrss / 1024,
                 sum);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "server") == 0) {
        return serve(argv + 2, (size_t)argc - 2);
    }
    if (argc == 7 && strcmp(argv[1], "client") == 0) {
        return take(argv + 2);
    }
    (void)fprintf(stderr, "usage: samehost_bench server|client LOCATION ...\n");
    return 2;
}
