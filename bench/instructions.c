/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/interop/test_instructions.py counts instructions of, under valgrind's callgrind. One
 * process; what is counted is inside functions that begin with `counted_`, or in the library's.
 *
 *     instructions batches COUNT AT_ONCE
 *         batches of 4 KiB from arrays to HTTP/2 and back, without a socket, so that each run is
 *         the same: counted_send, counted_receive. AT_ONCE messages share a write
 *     instructions calls COUNT
 *         GetFlightInfo over a socket, one after another: counted_calls at the client,
 *         cfl_server_take_turn at the server
 *     instructions exchange COUNT
 *         a batch of one row there and back: counted_exchange, cfl_server_take_turn
 *     instructions versions
 *         the compiler and the libraries that counts depend on */
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "cflight/cflight.h"
#include "flight/call/inbox.h"
#include "grpc/conn.h"
#include "h2/session.h"
#include "handlers.h"
#include "ipc/decoder.h"

#if defined(__x86_64__)
#define MACHINE "x86-64"
#else
#define MACHINE "another processor"
#endif

#define COUNTED __attribute__((noinline)) static

enum { ROWS = 512, WIRE_BYTES = 1 << 20, VIEWS_MAX = 128, GATHERED_BYTES = 32 << 10 };

static void check(cflight_status status, cflight_error *error, const char *what)
{
    if (status != CFLIGHT_OK) {
        (void)fprintf(stderr, "%s: %s\n", what, error == NULL ? "" : cflight_error_message(error));
        exit(1);
    }
}

/* ---- one batch, used again and again ---- */

static int64_t values[ROWS];
static const void *column_buffers[2] = {NULL, values};
static const void *no_buffer[1] = {NULL};
static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}
static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}
static struct ArrowArray column = {
    .length = ROWS, .n_buffers = 2, .buffers = column_buffers, .release = release_array};
static struct ArrowArray *columns[1] = {&column};
static struct ArrowArray batch = {.length = ROWS,
                                  .n_buffers = 1,
                                  .buffers = no_buffer,
                                  .n_children = 1,
                                  .children = columns,
                                  .release = release_array};
static struct ArrowSchema field = {.format = "l", .name = "n", .release = release_schema};
static struct ArrowSchema *fields[1] = {&field};
static struct ArrowSchema schema = {
    .format = "+s", .name = "", .n_children = 1, .children = fields, .release = release_schema};

/* ---- batches without a socket ---- */

struct side {
    struct cfl_grpc_conn *conn;
    struct cfl_grpc_call *call;
};

static struct {
    struct side client; /* sends, as by DoPut */
    struct side server;
    struct cfl_encoder *encoder;
    struct cfl_decoder *decoder;
    struct cfl_buf head;
    struct cfl_inbox inbox;
    uint8_t wire[WIRE_BYTES];
    size_t wire_bytes;
    int64_t rows;
} pair;

static cflight_status on_message_begin(void *user_data, struct cfl_grpc_call *call,
                                       uint32_t len_bytes, cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    return cfl_inbox_begin(&pair.inbox, len_bytes, reterr);
}

static void place(void *user_data, struct cfl_grpc_call *call, uint8_t **ret_target,
                  size_t *ret_len_bytes, size_t *ret_hint_bytes)
{
    (void)user_data;
    (void)call;
    cfl_inbox_place(&pair.inbox, ret_target, ret_len_bytes, ret_hint_bytes);
}

static cflight_status on_message_bytes(void *user_data, struct cfl_grpc_call *call,
                                       const uint8_t *data, size_t len_bytes,
                                       cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    return cfl_inbox_feed(&pair.inbox, data, len_bytes, reterr);
}

static cflight_status on_message_end(void *user_data, struct cfl_grpc_call *call,
                                     cflight_error **reterr)
{
    (void)user_data;
    (void)call;
    return cfl_inbox_end(&pair.inbox, reterr);
}

static const struct cfl_grpc_call_handlers RECEIVER = {
    .on_message_begin = on_message_begin,
    .place = place,
    .on_message_bytes = on_message_bytes,
    .on_message_end = on_message_end,
};
static const struct cfl_grpc_call_handlers SENDER = {.on_headers = NULL};

static void on_call(void *user_data, struct cfl_grpc_call *call)
{
    (void)user_data;
    pair.server.call = call;
    cfl_grpc_call_accept(call, &RECEIVER, NULL);
}

/* Puts what a side has to send on the wire. `ret_views` are listed before, and copied here: that is
 * the kernel's work. */
static void to_wire(const struct iovec *views, int view_count)
{
    pair.wire_bytes = 0;
    for (int i = 0; i < view_count; i++) {
        if (views[i].iov_len > sizeof pair.wire - pair.wire_bytes) {
            check(CFLIGHT_INTERNAL, NULL, "the wire is too short");
        }
        memcpy(pair.wire + pair.wire_bytes, views[i].iov_base, views[i].iov_len);
        pair.wire_bytes += views[i].iov_len;
    }
}

static size_t from_wire(struct cfl_grpc_conn *conn, size_t offset)
{
    struct iovec target[2];
    int target_count = 0;
    size_t done_bytes = 0;
    cflight_error *error = NULL;
    cfl_grpc_input(conn, target, &target_count);
    for (int i = 0; i < target_count; i++) {
        size_t left_bytes = pair.wire_bytes - offset - done_bytes;
        size_t step_bytes = target[i].iov_len < left_bytes ? target[i].iov_len : left_bytes;
        memcpy(target[i].iov_base, pair.wire + offset + done_bytes, step_bytes);
        done_bytes += step_bytes;
    }
    check(cfl_grpc_received(conn, done_bytes, &error), error, "receive");
    return done_bytes;
}

/* Everything that waits at `from` goes to `to`. */
static void carry(struct cfl_grpc_conn *from, struct cfl_grpc_conn *to)
{
    for (;;) {
        struct iovec views[VIEWS_MAX];
        int view_count = 0;
        cflight_error *error = NULL;
        check(cfl_grpc_output(from, views, VIEWS_MAX, &view_count, &error), error, "output");
        if (view_count == 0) {
            return;
        }
        to_wire(views, view_count);
        cfl_grpc_sent(from, pair.wire_bytes);
        for (size_t offset = 0; offset < pair.wire_bytes;) {
            offset += from_wire(to, offset);
        }
    }
}

static void post(const struct cfl_encoded *message, bool is_copied)
{
    cflight_error *error = NULL;
    struct cflight_bytes none = {NULL, 0};
    bool has_body = message->body != NULL;
    cfl_buf_clear(&pair.head);
    (void)cfl_flight_data_write_head(&pair.head, none, message->header, none, has_body,
                                     has_body ? message->body_len_bytes : 0);
    struct cflight_bytes head = cfl_buf_bytes(&pair.head);
    check(is_copied ? cfl_grpc_call_send_copy(pair.client.call, head, message->body, GATHERED_BYTES,
                                              &error)
                    : cfl_grpc_call_send(pair.client.call, head, message->body, &error),
          error, "send");
}

static void encode_and_post(bool is_copied)
{
    struct cfl_encoded message;
    bool has_message = false;
    cflight_error *error = NULL;
    check(cfl_encoder_begin(pair.encoder, &batch, 0, ROWS, &error), error, "encode");
    for (;;) {
        check(cfl_encoder_next(pair.encoder, &message, &has_message, &error), error, "encode");
        if (!has_message) {
            break;
        }
        post(&message, is_copied);
    }
    cfl_encoder_end(pair.encoder, true);
}

COUNTED int counted_send(struct iovec *views, int at_once)
{
    int view_count = 0;
    cflight_error *error = NULL;
    for (int i = 0; i < at_once; i++) {
        encode_and_post(at_once > 1);
    }
    check(cfl_grpc_output(pair.client.conn, views, VIEWS_MAX, &view_count, &error), error,
          "output");
    return view_count;
}

static void take(void)
{
    struct cfl_message message = {0};
    enum cfl_message_kind kind = CFL_MESSAGE_SCHEMA;
    struct ArrowArray array = {.length = 0};
    cflight_error *error = NULL;
    check(cfl_inbox_take(&pair.inbox, &message, &error), error, "take");
    check(cfl_decoder_feed(pair.decoder, message.data.data_header, message.data.body, &kind, &array,
                           &error),
          error, "decode");
    cfl_grpc_call_consume(pair.server.call, (size_t)message.credit_bytes);
    cfl_message_done(&message);
    if (kind == CFL_MESSAGE_BATCH) {
        pair.rows += array.length;
        array.release(&array);
    }
}

COUNTED void counted_receive(void)
{
    for (size_t offset = 0; offset < pair.wire_bytes;) {
        offset += from_wire(pair.server.conn, offset);
        while (pair.inbox.message_count > 0) {
            take();
        }
    }
}

static void open_pair(void)
{
    static const struct cfl_grpc_conn_handlers CLIENT = {.on_call = NULL};
    static const struct cfl_grpc_conn_handlers SERVER = {.on_call = on_call};
    const struct cfl_limits *limits = &cfl_limits_default;
    const struct cfl_grpc_call_params params = {
        .path = "/arrow.flight.protocol.FlightService/DoPut",
        .authority = "localhost",
        .user_agent = "instructions",
        .deadline_ns = CFL_TIME_NEVER,
    };
    struct cfl_encoded message;
    cflight_error *error = NULL;
    check(cfl_grpc_conn_new(NULL, CFL_GRPC_CLIENT, limits, NULL, NULL, &CLIENT, NULL,
                            &pair.client.conn, &error),
          error, "client");
    check(cfl_grpc_conn_new(NULL, CFL_GRPC_SERVER, limits, NULL, NULL, &SERVER, NULL,
                            &pair.server.conn, &error),
          error, "server");
    check(cfl_grpc_call_start(pair.client.conn, &params, &SENDER, NULL, &pair.client.call, &error),
          error, "call");
    check(cfl_encoder_new(NULL, &schema, NULL, NULL, &pair.encoder, &error), error, "encoder");
    check(cfl_decoder_new(NULL, NULL, NULL, NULL, &pair.decoder, &error), error, "decoder");
    cfl_buf_init(&pair.head, NULL);
    cfl_inbox_init(&pair.inbox, NULL, NULL, NULL, limits, cfl_method_get(CFLIGHT_METHOD_DO_PUT),
                   true);
    for (int i = 0; i < 3; i++) {
        carry(pair.client.conn, pair.server.conn);
        carry(pair.server.conn, pair.client.conn);
    }
    check(cfl_encoder_schema_message(pair.encoder, &message, &error), error, "schema");
    post(&message, true);
    carry(pair.client.conn, pair.server.conn);
    take();
}

static int run_batches(int64_t count, int at_once)
{
    open_pair();
    for (int64_t done = 0; done < count; done += at_once) {
        struct iovec views[VIEWS_MAX];
        int view_count = counted_send(views, at_once);
        to_wire(views, view_count);
        cfl_grpc_sent(pair.client.conn, pair.wire_bytes);
        counted_receive();
        carry(pair.server.conn, pair.client.conn);
    }
    return pair.rows == count * ROWS ? 0 : 1;
}

/* ---- over a socket ---- */

static const struct cflight_descriptor DESCRIPTOR = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                                     .cmd = {(const uint8_t *)"x", 1}};

static void call(cflight_client *client, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        struct cflight_info *info = NULL;
        cflight_error *error = NULL;
        check(cflight_client_get_flight_info(client, &DESCRIPTOR, NULL, &info, &error), error,
              "GetFlightInfo");
        cflight_info_free(info);
    }
}

COUNTED void counted_calls(cflight_client *client, int64_t count)
{
    call(client, count);
}

COUNTED void counted_exchange(cflight_writer *writer, cflight_reader *reader, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        struct cflight_chunk chunk;
        cflight_error *error = NULL;
        check(cflight_writer_write(writer, &batch, NULL, &error), error, "write");
        check(cflight_reader_next(reader, &chunk, &error), error, "read");
        cflight_chunk_release(&chunk);
    }
}

static void exchange(cflight_client *client, int64_t count)
{
    cflight_writer *writer = NULL;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    column.length = 1;
    batch.length = 1;
    check(cflight_client_do_exchange(client, &DESCRIPTOR, NULL, &writer, &reader, &error), error,
          "DoExchange");
    check(cflight_writer_begin(writer, &schema, NULL, &error), error, "begin");
    counted_exchange(writer, reader, count);
    check(cflight_writer_close(writer, &error), error, "close");
    cflight_writer_free(writer);
    cflight_reader_free(reader);
}

static int run_calls(int64_t count, bool is_exchange)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_server *server = NULL;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    handlers.get_flight_info = answer_bare_info;
    handlers.do_exchange = echo_exchange;
    check(cflight_server_new("grpc://127.0.0.1:0", &handlers, NULL, &server, &error), error,
          "server");
    check(cflight_client_new(cflight_server_location(server), NULL, &client, &error), error,
          "client");
    call(client, 1);
    if (is_exchange) {
        exchange(client, count);
    } else {
        counted_calls(client, count);
    }
    cflight_client_free(client);
    cflight_server_free(server);
    return 0;
}

int main(int argc, char **argv)
{
    const char *operation = argc > 2 ? argv[1] : "";
    int64_t count = argc > 2 ? strtoll(argv[2], NULL, 10) : 0;
    if (strcmp(operation, "batches") == 0 && argc > 3) {
        return run_batches(count, (int)strtol(argv[3], NULL, 10));
    }
    if (strcmp(operation, "calls") == 0 || strcmp(operation, "exchange") == 0) {
        return run_calls(count, strcmp(operation, "exchange") == 0);
    }
    if (argc > 1 && strcmp(argv[1], "versions") == 0) {
        (void)printf("compiler %s, glibc %s, nghttp2 %s, %s\n", __VERSION__, gnu_get_libc_version(),
                     cfl_h2_library_version(), MACHINE);
        return 0;
    }
    (void)fprintf(stderr, "usage: see the top of bench/instructions.c\n");
    return 2;
}
