/* SPDX-License-Identifier: Apache-2.0 */
/* The C side of the benchmarks: a server and a client that move batches of one column, and small
 * calls. bench/run starts it and does the timing.
 *
 *     flight_bench serve [LOCATION [CERTIFICATE KEY]]
 *         prints its location, serves until standard input ends
 *     flight_bench serve-observed LOG
 *         the same, watched in every way: health, reflection, metrics, request log, tracer
 *     flight_bench get LOCATION BATCHES BATCH_BYTES [int64|ascii|utf8 [full|bounds]]
 *         DoGet, every batch dropped as it comes; the kind of column, how far it is checked
 *     flight_bench put LOCATION BATCHES BATCH_BYTES
 *     flight_bench calls LOCATION COUNT
 *         GetFlightInfo, one after another
 *     flight_bench exchange LOCATION COUNT
 *         DoExchange: a batch of one row goes there and comes back, so many times
 *     flight_bench ask LOCATION COUNT CONNECTIONS [NAME]
 *         GetFlightInfo of a flight, or ListFlights
 *     flight_bench raw-serve | raw-get PORT BATCHES BATCH_BYTES
 *     flight_bench raw-serve-file FILE map|sendfile
 *         raw-serve of the bytes of a file
 *     flight_bench raw-ping PORT COUNT
 *         eight bytes go there and come back
 *     flight_bench raw-tls-serve CERTIFICATE KEY | raw-tls-get | raw-tls-put PORT BATCHES
 * BATCH_BYTES the same bytes over a bare socket, and through OpenSSL alone */
#include <cflight/cflight.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "handlers.h"
#include "observed.h"
#include "raw_socket.h"
#include "raw_tls.h"

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Peak resident memory of this program alone; that of a parent before exec is not in it. */
static double peak_mib(void)
{
    char line[128];
    double peak_kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        (void)sscanf(line, "VmHWM: %lf", &peak_kib);
    }
    if (status != NULL) {
        (void)fclose(status);
    }
    return peak_kib / 1024;
}

/* One line: seconds, and peak memory in MiB. */
static void print_outcome(double elapsed_s)
{
    (void)printf("%.6f %.1f\n", elapsed_s, peak_mib());
}

static int fail(cflight_error *error)
{
    (void)fprintf(stderr, "%s: %s\n", cflight_status_name(cflight_error_status(error)),
                  cflight_error_message(error));
    cflight_error_free(error);
    return 1;
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: see the top of bench/flight_bench.c\n");
    return 2;
}

/* ---- one batch, used again and again ---- */

enum { TEXT_BYTES = 16, TICKET_BYTES = 64 };

static void release_nothing(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

struct batch {
    const void *buffers[3];
    const void *no_buffer[1];
    struct ArrowArray column;
    struct ArrowArray *children[1];
    struct ArrowArray array;
    struct ArrowSchema field;
    struct ArrowSchema *fields[1];
    struct ArrowSchema schema;
};

/* One column of text, of words of 16 bytes each. `batch_bytes` is its data. */
static int text_batch_init(struct batch *batch, int64_t batch_bytes, const char *word)
{
    int64_t row_count = batch_bytes / TEXT_BYTES;
    int32_t *offsets = malloc(((size_t)row_count + 1) * sizeof *offsets);
    char *data = malloc((size_t)batch_bytes + 1);
    if (offsets == NULL || data == NULL) {
        free(offsets);
        free(data);
        return 1;
    }
    for (int64_t i = 0; i <= row_count; i++) {
        offsets[i] = (int32_t)(i * TEXT_BYTES);
    }
    for (int64_t i = 0; i < row_count; i++) {
        memcpy(data + i * TEXT_BYTES, word, TEXT_BYTES);
    }
    batch->buffers[1] = offsets;
    batch->buffers[2] = data;
    batch->column.length = row_count;
    batch->column.n_buffers = 3;
    batch->field.format = "u";
    return 0;
}

static int number_batch_init(struct batch *batch, int64_t batch_bytes)
{
    int64_t row_count = batch_bytes / 8;
    int64_t *values = malloc((size_t)batch_bytes);
    if (values == NULL) {
        return 1;
    }
    for (int64_t i = 0; i < row_count; i++) {
        values[i] = i;
    }
    batch->buffers[1] = values;
    batch->column.length = row_count;
    batch->column.n_buffers = 2;
    batch->field.format = "l";
    return 0;
}

/* `kind` is "int64", "ascii" or "utf8". */
static int batch_init(struct batch *batch, int64_t batch_bytes, const char *kind)
{
    memset(batch, 0, sizeof *batch);
    int result = 1;
    if (strcmp(kind, "int64") == 0) {
        result = number_batch_init(batch, batch_bytes);
    } else if (strcmp(kind, "ascii") == 0) {
        result = text_batch_init(batch, batch_bytes, "customer 1234567");
    } else if (strcmp(kind, "utf8") == 0) {
        result = text_batch_init(batch, batch_bytes, "M\xC3\xBCller \xE2\x84\x96 12345");
    }
    if (result != 0) {
        return result;
    }
    batch->column.buffers = batch->buffers;
    batch->column.release = release_nothing;
    batch->children[0] = &batch->column;
    batch->array.length = batch->column.length;
    batch->array.n_buffers = 1;
    batch->array.buffers = batch->no_buffer;
    batch->array.n_children = 1;
    batch->array.children = batch->children;
    batch->array.release = release_nothing;
    batch->field.name = "n";
    batch->field.release = release_schema;
    batch->fields[0] = &batch->field;
    batch->schema = (struct ArrowSchema){.format = "+s",
                                         .name = "",
                                         .n_children = 1,
                                         .children = batch->fields,
                                         .release = release_schema};
    return 0;
}

static void batch_done(struct batch *batch)
{
    free((void *)(uintptr_t)batch->buffers[1]);
    free((void *)(uintptr_t)batch->buffers[2]);
}

static cflight_status write_batches(cflight_writer *writer, const struct batch *batch,
                                    int64_t count, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    for (int64_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        status = cflight_writer_write(writer, &batch->array, NULL, reterr);
    }
    return status;
}

/* ---- server ---- */

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct batch batch;
    long long count = 0;
    long long batch_bytes = 0;
    char text[TICKET_BYTES];
    char kind[TICKET_BYTES] = "int64";
    (void)user_data;
    (void)context;
    (void)snprintf(text, sizeof text, "%.*s", (int)ticket.len_bytes, (const char *)ticket.data);
    if (sscanf(text, "%lld %lld %63s", &count, &batch_bytes, kind) < 2 ||
        batch_init(&batch, batch_bytes, kind) != 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the ticket is 'BATCHES BYTES [int64|ascii|utf8]'");
    }
    cflight_status status = cflight_writer_begin(writer, &batch.schema, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = write_batches(writer, &batch, count, reterr);
    }
    batch_done(&batch);
    return status;
}

static cflight_status drain(cflight_reader *reader, int64_t *ret_rows, cflight_error **reterr)
{
    for (;;) {
        struct cflight_chunk chunk;
        cflight_status status = cflight_reader_next(reader, &chunk, reterr);
        if (status != CFLIGHT_OK || chunk.is_end) {
            return status;
        }
        *ret_rows += chunk.batch.length;
        cflight_chunk_release(&chunk);
    }
}

static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr)
{
    int64_t rows = 0;
    (void)user_data;
    (void)context;
    (void)descriptor;
    (void)writer;
    return drain(reader, &rows, reterr);
}

/* `cert` and `key` are names of PEM files, NULL for a server without TLS; `log_path` is NULL for
 * one that nobody watches. */
static int serve(const char *location, const char *cert, const char *key, const char *log_path)
{
    struct observed observed = {.file = NULL};
    struct cflight_tls_key_pair pair;
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    cflight_server *server = NULL;
    cflight_buffer *cert_chain = NULL;
    cflight_buffer *private_key = NULL;
    cflight_error *error = NULL;
    char byte = 0;
    handlers.do_get = do_get;
    handlers.do_put = do_put;
    handlers.do_exchange = echo_exchange;
    handlers.get_flight_info = answer_bare_info;
    options.split_is_off = true;
    if (cert != NULL && key != NULL) {
        if (cflight_pem_read(cert, &cert_chain, &error) != CFLIGHT_OK ||
            cflight_pem_read(key, &private_key, &error) != CFLIGHT_OK) {
            cflight_buffer_unref(cert_chain);
            return fail(error);
        }
        pair.cert_chain = cflight_buffer_bytes(cert_chain);
        pair.private_key = cflight_buffer_bytes(private_key);
        options.tls.key_pairs = &pair;
        options.tls.key_pair_count = 1;
    }
    cflight_status status =
        log_path == NULL ? CFLIGHT_OK : observed_init(&observed, log_path, &options, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_server_new(location, &handlers, &options, &server, &error);
    }
    cflight_buffer_unref(cert_chain);
    cflight_buffer_unref(private_key);
    if (status != CFLIGHT_OK) {
        observed_done(&observed);
        return fail(error);
    }
    (void)printf("%s\n", cflight_server_location(server));
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    cflight_server_free(server);
    observed_done(&observed);
    return 0;
}

/* ---- client ---- */

/* `level` is "full" or "bounds". */
static int get(cflight_client *client, int64_t count, int64_t batch_bytes, const char *kind,
               const char *level)
{
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_ipc_read_options read_options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    int64_t row_bytes = strcmp(kind, "int64") == 0 ? 8 : TEXT_BYTES;
    char ticket[TICKET_BYTES];
    cflight_error *error = NULL;
    cflight_reader *reader = NULL;
    int64_t rows = 0;
    (void)snprintf(ticket, sizeof ticket, "%lld %lld %s", (long long)count, (long long)batch_bytes,
                   kind);
    read_options.validation =
        strcmp(level, "bounds") == 0 ? CFLIGHT_VALIDATION_BOUNDS : CFLIGHT_VALIDATION_FULL;
    options.read_options = &read_options;
    cflight_status status =
        cflight_client_do_get(client, cflight_bytes_from_text(ticket), &options, &reader, &error);
    if (status == CFLIGHT_OK) {
        status = drain(reader, &rows, &error);
    }
    cflight_reader_free(reader);
    if (status == CFLIGHT_OK && rows != count * (batch_bytes / row_bytes)) {
        (void)fprintf(stderr, "%lld rows came\n", (long long)rows);
        return 1;
    }
    return status == CFLIGHT_OK ? 0 : fail(error);
}

static int put(cflight_client *client, int64_t count, int64_t batch_bytes)
{
    struct batch batch;
    cflight_error *error = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text("bench")};
    if (batch_init(&batch, batch_bytes, "int64") != 0) {
        return 1;
    }
    cflight_status status =
        cflight_client_do_put(client, &descriptor, &batch.schema, NULL, &writer, &metadata, &error);
    if (status == CFLIGHT_OK) {
        status = write_batches(writer, &batch, count, &error);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_writer_close(writer, &error);
    }
    cflight_metadata_reader_free(metadata);
    cflight_writer_free(writer);
    batch_done(&batch);
    return status == CFLIGHT_OK ? 0 : fail(error);
}

/* One batch there and back, `count` times. */
static cflight_status play(cflight_writer *writer, cflight_reader *reader,
                           const struct batch *batch, int64_t count, cflight_error **reterr)
{
    for (int64_t i = 0; i < count; i++) {
        struct cflight_chunk chunk;
        cflight_status status = cflight_writer_write(writer, &batch->array, NULL, reterr);
        if (status == CFLIGHT_OK) {
            status = cflight_reader_next(reader, &chunk, reterr);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (!chunk.has_batch || chunk.batch.length != batch->array.length) {
            return cflight_error_set_message(reterr, CFLIGHT_INTERNAL, "no batch came back");
        }
        cflight_chunk_release(&chunk);
    }
    return cflight_writer_close(writer, reterr);
}

static int exchange(cflight_client *client, int64_t count)
{
    struct batch batch;
    cflight_error *error = NULL;
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text("bench")};
    if (batch_init(&batch, 8, "int64") != 0) {
        return 1;
    }
    cflight_status status =
        cflight_client_do_exchange(client, &descriptor, NULL, &writer, &reader, &error);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_begin(writer, &batch.schema, NULL, &error);
    }
    if (status == CFLIGHT_OK) {
        status = play(writer, reader, &batch, count, &error);
    }
    cflight_writer_free(writer);
    cflight_reader_free(reader);
    batch_done(&batch);
    return status == CFLIGHT_OK ? 0 : fail(error);
}

static int call(cflight_client *client, int64_t count)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text("bench")};
    for (int64_t i = 0; i < count; i++) {
        struct cflight_info *info = NULL;
        cflight_error *error = NULL;
        if (cflight_client_get_flight_info(client, &descriptor, NULL, &info, &error) !=
            CFLIGHT_OK) {
            return fail(error);
        }
        cflight_info_free(info);
    }
    return 0;
}

/* Runs the operation and prints its seconds. */
static int run_client(const char *operation, const char *location, int64_t count,
                      int64_t batch_bytes, const char *kind, const char *level)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    options.tls.skip_verification = true;
    if (cflight_client_new(location, &options, &client, &error) != CFLIGHT_OK ||
        cflight_client_connect(client, NULL, &error) != CFLIGHT_OK) {
        return fail(error);
    }
    double started_s = now_s();
    int result = 1;
    if (strcmp(operation, "get") == 0) {
        result = get(client, count, batch_bytes, kind, level);
    } else if (strcmp(operation, "put") == 0) {
        result = put(client, count, batch_bytes);
    } else if (strcmp(operation, "exchange") == 0) {
        result = exchange(client, count);
    } else if (strcmp(operation, "calls") == 0) {
        result = call(client, count);
    }
    print_outcome(now_s() - started_s);
    cflight_client_free(client);
    return result;
}

/* Bare sockets, without TLS and with it. */
static int run_raw(int argc, char **argv, int64_t count, int64_t batch_bytes)
{
    const char *operation = argv[1];
    uint64_t total_bytes = (uint64_t)(count * batch_bytes);
    uint16_t port = argc > 2 ? (uint16_t)strtoul(argv[2], NULL, 10) : 0;
    double started_s = now_s();
    double elapsed_s = 0;
    int result = 1;
    if (strcmp(operation, "raw-serve") == 0) {
        return raw_serve();
    }
    if (strcmp(operation, "raw-serve-file") == 0 && argc > 3) {
        return raw_serve_file(argv[2], strcmp(argv[3], "sendfile") == 0);
    }
    if (strcmp(operation, "raw-tls-serve") == 0 && argc > 3) {
        return raw_tls_serve(argv[2], argv[3]);
    }
    if (strcmp(operation, "raw-ping") == 0 && argc > 3) {
        result = raw_ping(port, (uint64_t)count);
        print_outcome(now_s() - started_s);
        return result;
    }
    if (argc <= 4) {
        return usage();
    }
    if (strcmp(operation, "raw-get") == 0) {
        result = raw_get(port, total_bytes, (uint64_t)batch_bytes);
        elapsed_s = now_s() - started_s;
    } else if (strcmp(operation, "raw-tls-get") == 0 || strcmp(operation, "raw-tls-put") == 0) {
        result = raw_tls_move(port, total_bytes, (uint64_t)batch_bytes,
                              strcmp(operation, "raw-tls-put") == 0, &elapsed_s);
    }
    print_outcome(elapsed_s);
    return result;
}

int main(int argc, char **argv)
{
    const char *operation = argc > 1 ? argv[1] : "";
    int64_t count = argc > 3 ? strtoll(argv[3], NULL, 10) : 0;
    int64_t batch_bytes = argc > 4 ? strtoll(argv[4], NULL, 10) : 0;
    if (strcmp(operation, "serve") == 0) {
        return serve(argc > 2 ? argv[2] : "grpc://127.0.0.1:0", argc > 4 ? argv[3] : NULL,
                     argc > 4 ? argv[4] : NULL, NULL);
    }
    if (strcmp(operation, "serve-observed") == 0 && argc > 2) {
        return serve("grpc://127.0.0.1:0", NULL, NULL, argv[2]);
    }
    if (strncmp(operation, "raw-", 4) == 0) {
        return run_raw(argc, argv, count, batch_bytes);
    }
    if (strcmp(operation, "ask") == 0 && argc > 4) {
        return ask(argv[2], count, argc > 5 ? argv[5] : NULL, batch_bytes);
    }
    if (argc > 3) {
        return run_client(operation, argv[2], count, batch_bytes, argc > 5 ? argv[5] : "int64",
                          argc > 6 ? argv[6] : "full");
    }
    return usage();
}
