/* SPDX-License-Identifier: Apache-2.0 */
/* How handlers, connections and servers end: cancellation callbacks, closing without losing what
 * was sent, limits on connections, broken input. */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cut_file.h"
#include "log_capture.h"
#include "peer.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

/* ---- on_cancel ---- */

/* A handler that holds a lock of its own while it uses the library, and takes it in its callback.
 */
struct guarded {
    pthread_mutex_t mutex;
    cflight_server_context *context;
    struct t_gate started;
    struct t_gate told;
    bool was_cancelled;
    bool is_late; /* register after the cancellation */
    atomic_int call_count;
};

static void take_the_lock(void *user_data)
{
    struct guarded *guarded = user_data;
    (void)pthread_mutex_lock(&guarded->mutex);
    guarded->was_cancelled = cflight_server_context_is_cancelled(guarded->context);
    (void)pthread_mutex_unlock(&guarded->mutex);
    atomic_fetch_add(&guarded->call_count, 1);
    t_gate_open(&guarded->told);
}

static cflight_status write_until_cancelled(void *user_data, cflight_server_context *context,
                                            struct cflight_bytes ticket, cflight_writer *writer,
                                            cflight_error **reterr)
{
    struct guarded *guarded = user_data;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    (void)ticket;
    guarded->context = context;
    if (!guarded->is_late) {
        cflight_server_context_on_cancel(context, take_the_lock, guarded);
    }
    t_schema(&schema);
    t_batch(0, 100000, &batch);
    (void)pthread_mutex_lock(&guarded->mutex);
    t_gate_open(&guarded->started);
    cflight_status status = cflight_writer_begin(writer, &schema, NULL, reterr);
    while (status == CFLIGHT_OK) {
        status = cflight_writer_write(writer, &batch, NULL, reterr);
    }
    if (guarded->is_late) {
        cflight_server_context_on_cancel(context, take_the_lock, guarded);
    }
    (void)pthread_mutex_unlock(&guarded->mutex);
    t_gate_wait(&guarded->told);
    batch.release(&batch);
    schema.release(&schema);
    return status;
}

/* Goal: on_cancel runs under no lock, neither the library's nor one that the handler holds while it
 * writes, whether it was asked for before or after the cancellation; exactly once.
 * Method: the handler's own thread notices the cancellation inside a write, under the handler's
 * mutex; the callback takes that mutex and asks the context. */
TEST(endings, on_cancel_runs_under_no_lock)
{
    for (int is_late = 0; is_late < 2; is_late++) {
        struct guarded guarded = {.is_late = is_late};
        struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
        cflight_server *server = NULL;
        cflight_client *client = NULL;
        cflight_reader *reader = NULL;
        cflight_error *error = NULL;
        (void)pthread_mutex_init(&guarded.mutex, NULL);
        t_gate_init(&guarded.started);
        t_gate_init(&guarded.told);
        handlers.user_data = &guarded;
        handlers.do_get = write_until_cancelled;
        CHECK_OK(cflight_server_new("grpc://localhost:0", &handlers, NULL, &server, &error), error);
        CHECK_OK(cflight_client_new(cflight_server_location(server), NULL, &client, &error), error);
        CHECK_OK(cflight_client_do_get(client, cflight_bytes_from_text("x"), NULL, &reader, &error),
                 error);
        t_gate_wait(&guarded.started);
        cflight_reader_free(reader);
        t_gate_wait(&guarded.told);
        cflight_client_free(client);
        cflight_server_free(server);
        assert_true(guarded.was_cancelled);
        assert_int_equal(guarded.call_count, 1);
        t_gate_done(&guarded.told);
        t_gate_done(&guarded.started);
        (void)pthread_mutex_destroy(&guarded.mutex);
    }
}

struct slow_callback {
    struct t_gate started;
    struct t_gate entered;
    struct t_gate leave;
    atomic_bool has_left;
    atomic_bool was_still_running; /* when the handler's withdrawal returned */
};

static void stay_a_while(void *user_data)
{
    struct slow_callback *slow = user_data;
    t_gate_open(&slow->entered);
    t_gate_wait(&slow->leave);
    atomic_store(&slow->has_left, true);
}

static void *let_it_leave(void *user_data)
{
    struct slow_callback *slow = user_data;
    t_gate_open(&slow->leave);
    return NULL;
}

static cflight_status withdraw_while_it_runs(void *user_data, cflight_server_context *context,
                                             const struct cflight_action *action,
                                             cflight_response *response, cflight_error **reterr)
{
    struct slow_callback *slow = user_data;
    pthread_t thread;
    (void)action;
    (void)response;
    (void)reterr;
    cflight_server_context_on_cancel(context, stay_a_while, slow);
    t_gate_open(&slow->started);
    t_gate_wait(&slow->entered);
    assert_int_equal(pthread_create(&thread, NULL, let_it_leave, slow), 0);
    cflight_server_context_on_cancel(context, NULL, NULL);
    atomic_store(&slow->was_still_running, !atomic_load(&slow->has_left));
    (void)pthread_join(thread, NULL);
    return CFLIGHT_OK;
}

/* Goal: taking a callback back waits until it is not running.
 * Method: the callback is held inside; the handler takes it back while another thread lets it go.
 */
TEST(endings, taking_on_cancel_back_waits_for_it)
{
    struct slow_callback slow = {.has_left = false};
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_action action = {cflight_bytes_from_text("x"), {NULL, 0}};
    cflight_server *server = NULL;
    cflight_client *client = NULL;
    cflight_result_stream *results = NULL;
    cflight_error *error = NULL;
    t_gate_init(&slow.started);
    t_gate_init(&slow.entered);
    t_gate_init(&slow.leave);
    handlers.user_data = &slow;
    handlers.do_action = withdraw_while_it_runs;
    CHECK_OK(cflight_server_new("grpc://localhost:0", &handlers, NULL, &server, &error), error);
    CHECK_OK(cflight_client_new(cflight_server_location(server), NULL, &client, &error), error);
    CHECK_OK(cflight_client_do_action(client, &action, NULL, &results, &error), error);
    t_gate_wait(&slow.started);
    cflight_result_stream_free(results);
    t_gate_wait(&slow.entered);
    cflight_client_free(client);
    cflight_server_free(server);
    assert_true(slow.has_left);
    assert_false(slow.was_still_running);
    t_gate_done(&slow.leave);
    t_gate_done(&slow.entered);
    t_gate_done(&slow.started);
}

/* ---- nothing that was sent is lost ---- */

static const struct t_field ACTION_FIELDS[] = {
    {":method", "POST"},
    {":scheme", "http"},
    {":path", "/arrow.flight.protocol.FlightService/DoAction"},
    {":authority", "x"},
    {"te", "trailers"},
    {"content-type", "application/grpc"},
    {NULL, NULL}};

/* A DoAction of type "do" with `body`, complete. */
static void add_action(struct t_raw *raw, uint32_t stream_id, const char *body)
{
    struct t_raw message = {0};
    uint8_t body_bytes = (uint8_t)strlen(body);
    uint8_t start[] = {0, 0, 0, 0, (uint8_t)(body_bytes + 6), 0x0a, 2, 'd', 'o', 0x12, body_bytes};
    t_raw_headers(raw, 0, stream_id, ACTION_FIELDS);
    t_raw_append(&message, start, sizeof start);
    t_raw_append(&message, body, body_bytes);
    t_raw_frame(raw, T_DATA, T_END_STREAM, stream_id, message.data, message.len_bytes);
    t_raw_done(&message);
}

/* Opens the connection's and every stream's window, so that the server never waits for credit. */
static void add_start(struct t_raw *raw)
{
    static const uint8_t SETTINGS[] = {0, 4, 0x7f, 0xff, 0xff, 0xff};
    struct t_raw start = {0};
    t_raw_client_start(&start);
    t_raw_append(raw, start.data, 24);
    t_raw_done(&start);
    t_raw_frame(raw, T_SETTINGS, 0, 0, SETTINGS, sizeof SETTINGS);
    t_raw_ack(raw);
    t_raw_u32_frame(raw, T_WINDOW_UPDATE, 0, 0, 0x7fff0000 - 65535);
}

struct chatter {
    int fd;
    atomic_bool is_over;
};

/* Sends frames that ask for no answer for as long as the server takes them. */
static void *chat(void *user_data)
{
    struct chatter *chatter = user_data;
    struct t_raw raw = {0};
    uint8_t payload[64] = {0};
    t_raw_frame(&raw, 0x42 /* of no known type */, 0, 0, payload, sizeof payload);
    while (!atomic_load(&chatter->is_over) && t_socket_send(chatter->fd, &raw)) {
    }
    t_raw_done(&raw);
    return NULL;
}

/* The payload of all DATA; 0 when the last frame is cut. */
static size_t sum_of_data(const struct t_raw *raw)
{
    size_t sum_bytes = 0;
    size_t offset = 0;
    while (offset + 9 <= raw->len_bytes) {
        const uint8_t *header = raw->data + offset;
        size_t len_bytes = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2];
        sum_bytes += header[3] == T_DATA ? len_bytes : 0;
        offset += 9 + len_bytes;
    }
    return offset == raw->len_bytes ? sum_bytes : 0;
}

/* As t_socket_read_to_end, at the pace of a slow network. Returns the longest time between two
 * reads. */
static int64_t read_to_end(int fd, struct t_raw *raw, int pause_ms)
{
    int64_t longest_ns = 0;
    int64_t last_ns = cfl_clock_now_ns(NULL);
    while (t_socket_read(fd, raw)) {
        int64_t now_ns = cfl_clock_now_ns(NULL);
        longest_ns = now_ns - last_ns > longest_ns ? now_ns - last_ns : longest_ns;
        last_ns = now_ns;
        (void)poll(NULL, 0, pause_ms);
    }
    return longest_ns / CFL_NS_PER_MS;
}

/* A client asks for results and reads none of them until the server drains, while another thread
 * keeps sending; then every result, the trailers and the GOAWAY must be there. False when the
 * machine kept the client from reading for so long that the server may have given it up. */
static bool try_drained(const char *body, size_t result_count, int pause_ms)
{
    enum { AWAY_MS_MAX = 300 };
    struct t_service service;
    struct t_raw raw = {0};
    struct chatter chatter = {.is_over = false};
    pthread_t thread;
    t_service_start(&service, NULL, NULL);
    chatter.fd = t_socket_connect(cflight_server_port(service.server));
    add_start(&raw);
    add_action(&raw, 1, body);
    assert_true(t_socket_send(chatter.fd, &raw));
    t_raw_clear(&raw);
    assert_true(t_service_wait(&service, &service.locked.started_count, 1));
    assert_int_equal(pthread_create(&thread, NULL, chat, &chatter), 0);
    cflight_server_shutdown(service.server, -1);
    int64_t longest_ms = read_to_end(chatter.fd, &raw, pause_ms);
    atomic_store(&chatter.is_over, true);
    (void)shutdown(chatter.fd, SHUT_RDWR);
    (void)pthread_join(thread, NULL);
    cflight_server_wait(service.server);
    t_service_stop(&service);
    (void)close(chatter.fd);
    size_t data_bytes = sum_of_data(&raw);
    bool is_whole = data_bytes == result_count * (5 + 2 + strlen(body)) &&
                    t_raw_count(&raw, T_HEADERS) == 2 && t_raw_count(&raw, T_GOAWAY) >= 1;
    t_raw_done(&raw);
    if (!is_whole && longest_ms < AWAY_MS_MAX) {
        fail_msg("%zu bytes of results came, in reads at most %d ms apart", data_bytes,
                 (int)longest_ms);
    }
    return is_whole;
}

static void check_drained(const char *body, size_t result_count, int pause_ms)
{
    enum { TRIES_MAX = 20 };
    int tries = 1;
    while (!try_drained(body, result_count, pause_ms)) {
        assert_true(tries++ < TRIES_MAX);
    }
}

/* Goal: a connection that the server closes loses nothing that was sent, though the client never
 * stops sending: a socket closed with unread input would be reset, and its output thrown away.
 * Method: 8 MiB, read fast. */
TEST(endings, a_drained_connection_delivers_everything)
{
    check_drained("results=80000 and some text, so that all the answers together are larger than "
                  "what sockets buffer by far",
                  80000, 0);
}

/* Goal: the server's patience with what it sent last ends with the client's progress, not with the
 * clock. Method: a client that takes longer for it than the server waits for a client that takes
 * nothing. */
TEST(endings, a_drained_connection_delivers_everything_slowly)
{
    check_drained("results=20000 and some text, so that all the answers together are larger than "
                  "what one step reads by far",
                  20000, 80);
}

/* Rejects an upload: answers with a status at once, reads no more, and closes. */
static void reject_and_close(void *user_data, int fd)
{
    static const struct t_field FIELDS[] = {{":status", "200"},
                                            {"content-type", "application/grpc"},
                                            {"grpc-status", "7"},
                                            {"grpc-message", "no entry"},
                                            {NULL, NULL}};
    struct t_raw input = {0};
    struct t_raw output = {0};
    struct t_gate *refused = user_data;
    t_raw_wide_server_start(&output);
    if (t_socket_send(fd, &output) && t_socket_read_request(fd, 1, &input)) {
        t_raw_clear(&output);
        t_raw_headers(&output, T_END_STREAM, 1, FIELDS);
        (void)t_socket_send(fd, &output);
    }
    t_raw_done(&output);
    t_raw_done(&input);
    (void)close(fd); /* with unread input: a reset follows */
    t_gate_open(refused);
}

/* Goal: a write that fails because the server closed still reports what the server said before.
 * Method: a server that rejects an upload and closes its socket with input unread, before the
 * client, which has only written so far, writes on. */
TEST(endings, a_failed_write_reports_the_status_that_came_before)
{
    struct t_peer peer;
    struct t_gate refused;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text("x")};
    cflight_client *client = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    cflight_error *error = NULL;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    t_gate_init(&refused);
    t_peer_start(&peer, reject_and_close, &refused);
    t_schema(&schema);
    t_batch(0, 200000, &batch);
    CHECK_OK(cflight_client_new(peer.location, NULL, &client, &error), error);
    /* The call itself, of headers and a schema, may already meet the answer. */
    cflight_status status =
        cflight_client_do_put(client, &descriptor, &schema, NULL, &writer, &metadata, &error);
    t_gate_wait(&refused);
    for (int i = 0; i < 100 && status == CFLIGHT_OK; i++) {
        status = cflight_writer_write(writer, &batch, NULL, &error);
    }
    CHECK_STATUS(status, CFLIGHT_PERMISSION_DENIED);
    assert_string_equal(cflight_error_message(error), "no entry");
    cflight_error_free(error);
    cflight_metadata_reader_free(metadata);
    cflight_writer_free(writer);
    cflight_client_free(client);
    batch.release(&batch);
    schema.release(&schema);
    t_peer_stop(&peer);
    t_gate_done(&refused);
}

/* Takes a call, then sends frames without meaning until the client has gone. */
static void take_and_chat(void *user_data, int fd)
{
    struct t_raw input = {0};
    struct t_raw output = {0};
    struct chatter *chatter = user_data;
    t_raw_wide_server_start(&output);
    if (t_socket_send(fd, &output) && t_socket_read_request(fd, 1, &input)) {
        chatter->fd = fd;
        (void)chat(chatter);
    }
    t_raw_done(&output);
    t_raw_done(&input);
    (void)close(fd);
}

/* Goal: a write that the system refuses ends the call although the socket lives on and the peer has
 * more to say.
 * Method: a batch whose values lie in a file that was cut, to a peer that never stops sending. A
 * hang would end by the limit. */
TEST(endings, a_write_that_the_system_refuses_ends_the_call)
{
    enum { ROW_COUNT = 200000 };
    struct t_peer peer;
    struct chatter chatter = {.is_over = false};
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text("x")};
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    struct t_cut_file file = t_cut_file_new(ROW_COUNT * sizeof(int64_t));
    cflight_client *client = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    cflight_error *error = NULL;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    options.timeout_ms = 20000;
    t_peer_start(&peer, take_and_chat, &chatter);
    t_schema(&schema);
    t_batch(0, ROW_COUNT, &batch);
    const void *values = batch.children[0]->buffers[1];
    CHECK_OK(cflight_client_new(peer.location, NULL, &client, &error), error);
    CHECK_OK(
        cflight_client_do_put(client, &descriptor, &schema, &options, &writer, &metadata, &error),
        error);
    CHECK_OK(cflight_writer_write(writer, &batch, NULL, &error), error);
    batch.children[0]->buffers[1] = file.address;
    cflight_status status = cflight_writer_write(writer, &batch, NULL, &error);
    batch.children[0]->buffers[1] = values;
    atomic_store(&chatter.is_over, true);
    cflight_metadata_reader_free(metadata);
    cflight_writer_free(writer);
    cflight_client_free(client);
    batch.release(&batch);
    schema.release(&schema);
    t_cut_file_done(&file);
    t_peer_stop(&peer);
    CHECK_STATUS(status, CFLIGHT_UNAVAILABLE);
    cflight_error_free(error);
}

/* ---- limits and broken input at the server ---- */

/* Goal: past its limit of connections the server says so in HTTP/2, so that clients know that
 * nothing was done, and serves again once there is room. */
TEST(endings, connections_past_the_limit_are_refused_retryably)
{
    struct t_service service;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_error *error = NULL;
    call_options.timeout_ms = 30000;
    options.connections_max = 1;
    t_service_start(&service, NULL, &options);
    cflight_client *first = t_client(&service, NULL);
    cflight_client *second = t_client(&service, NULL);
    CHECK_OK(t_rpc(first, CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", &call_options, &error), error);
    for (int method = T_METHOD_FIRST; method <= T_METHOD_LAST; method++) {
        CHECK_STATUS(t_rpc(second, (enum cflight_method)method, "x", &call_options, &error),
                     CFLIGHT_UNAVAILABLE);
        assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
        cflight_error_free(error);
        error = NULL;
    }
    CHECK_OK(t_rpc(first, CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", &call_options, &error), error);
    cflight_client_free(first);
    cflight_status status = CFLIGHT_UNAVAILABLE;
    for (int i = 0; i < 10000 && status == CFLIGHT_UNAVAILABLE; i++) { /* until the close is seen */
        cflight_error_free(error);
        error = NULL;
        status = t_rpc(second, CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", &call_options, &error);
    }
    CHECK_OK(status, error);
    cflight_error_free(error);
    cflight_client_free(second);
    t_service_stop(&service);
}

/* Goal: connections beyond the limit are told, and a flood of them is not a flood of lines. Method:
 * ten times as many as are told; the server sums up by itself what it left out. */
TEST(endings, a_flood_of_refused_connections_is_summed_up)
{
    enum { REFUSED = 100, LINES_MAX = 40 /* on a machine that takes seconds for it */ };
    struct t_service service;
    struct t_capture log;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    cflight_error *error = NULL;
    options.connections_max = 1;
    t_service_start(&service, "grpc://127.0.0.1:0", &options);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", NULL, &error), error);
    t_capture_start(&log, CFLIGHT_LOG_WARN);
    for (int i = 0; i < REFUSED; i++) {
        struct t_raw answer = {0};
        int fd = t_socket_connect(cflight_server_port(service.server));
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        t_socket_read_to_end(fd, &answer);
        t_raw_done(&answer);
        (void)close(fd);
    }
    t_capture_wait(&log, " lines were left out, the last of them: ipv4:127.0.0.1:");
    assert_true(t_capture_has(&log, "refused: as many connections are open (1)"));
    assert_in_range(t_capture_count(&log), 2, LINES_MAX);
    cflight_client_free(client);
    t_service_stop(&service);
    t_capture_stop(&log);
}

#define GARBAGE(text)                             \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

/* Goal: whatever comes in place of HTTP/2 closes that connection, and that one alone.
 * Method: with one good connection open, send each kind of garbage and read until the server
 * closes; the good one goes on. */
TEST(endings, garbage_closes_its_own_connection_only)
{
    static const struct cflight_bytes CASES[] = {
        GARBAGE("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        GARBAGE("POST /arrow.flight.protocol.FlightService/DoGet HTTP/1.1\r\nHost: x\r\n\r\n"),
        GARBAGE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnot a frame, and it is long enough"),
        GARBAGE("PRI * HTTP/1.1\r\n\r\n"),
        GARBAGE("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting"),
        GARBAGE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        GARBAGE("\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3\xf2\xf1\xf0\xef\xee"),
        GARBAGE("{\"jsonrpc\": \"2.0\"}\n"),
    };
    struct t_service service;
    cflight_error *error = NULL;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_DO_GET, "batches=2", NULL, &error), error);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct t_raw raw = {0};
        int fd = t_socket_connect(cflight_server_port(service.server));
        t_raw_append(&raw, CASES[i].data, CASES[i].len_bytes);
        (void)t_socket_send(fd, &raw);
        t_raw_clear(&raw);
        errno = 0;
        t_socket_read_to_end(fd, &raw);
        assert_int_not_equal(errno, EAGAIN); /* the socket's own limit: the server did not close */
        t_raw_done(&raw);
        (void)close(fd);
        CHECK_OK(t_rpc(client, CFLIGHT_METHOD_DO_GET, "batches=2", NULL, &error), error);
    }
    assert_true(cflight_client_is_connected(client));
    cflight_client_free(client);
    t_service_stop(&service);
}
