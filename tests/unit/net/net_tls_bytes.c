/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: how bytes get through, how streams end, and what happens when memory runs out. */
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_support.h"

#if defined(__SANITIZE_THREAD__)
enum { TRANSFER_BYTES = 8 << 20 }; /* every byte is checked, which is slow there */
#else
enum { TRANSFER_BYTES = 64 << 20 };
#endif
enum { CHUNK_BYTES_MAX = 100000, RECORD_BYTES = 16384 };

/* ---- Bytes ---- */

static struct t_tls_pair established_pair(struct t_cert *ret_ca, struct cfl_tls_client **ret_client,
                                          struct cfl_tls_server **ret_server)
{
    struct t_cert_options options = {.common_name = "self", .sans = "DNS:localhost"};
    *ret_ca = t_cert_new(&options);
    *ret_client = t_tls_client_trusting(ret_ca);
    *ret_server = t_tls_server_showing(ret_ca);
    struct t_tls_pair pair = t_handshake(*ret_client, "localhost", *ret_server);
    t_expect_established(&pair);
    t_expect_talk(&pair);
    return pair;
}

static void established_done(struct t_tls_pair *pair, struct t_cert *ca,
                             struct cfl_tls_client *client, struct cfl_tls_server *server)
{
    t_tls_pair_done(pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    t_cert_done(ca);
}

static uint32_t random_state = 1;

static size_t random_below(size_t limit)
{
    random_state = random_state * 1664525U + 1013904223U;
    return (random_state >> 8) % limit;
}

struct flow {
    size_t offset; /* of the next byte in the pattern */
    uint8_t *scratch;
    bool is_blocked;
};

/* Offers up to CHUNK_BYTES_MAX bytes in up to 40 views, at a fresh address every time; a blocked
 * flow offers the same bytes again, and more of them. */
static void send_some(struct cfl_transport *transport, struct flow *flow, size_t least_bytes,
                      size_t *ret_offered)
{
    struct iovec views[40];
    int count = 0;
    size_t offered_bytes = 0;
    size_t limit_bytes = TRANSFER_BYTES - flow->offset;
    size_t wanted_bytes = least_bytes + random_below(CHUNK_BYTES_MAX);
    wanted_bytes = wanted_bytes < limit_bytes ? wanted_bytes : limit_bytes;
    uint8_t *data = flow->scratch + random_below(64);
    for (size_t i = 0; i < wanted_bytes; i++) {
        data[i] = t_byte_at(flow->offset + i);
    }
    while (count < 40 && offered_bytes < wanted_bytes) {
        size_t part_bytes = random_below(4) == 0 ? random_below(60000) : random_below(30);
        part_bytes = count == 39 || part_bytes > wanted_bytes - offered_bytes
                         ? wanted_bytes - offered_bytes
                         : part_bytes;
        views[count++] = (struct iovec){data + offered_bytes, part_bytes};
        offered_bytes += part_bytes;
    }
    size_t len_bytes = 0;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    CHECK_OK(cfl_transport_write(transport, views, count, &len_bytes, &wait, &error), error);
    assert_int_equal(wait == CFL_READY_NONE, len_bytes == offered_bytes);
    flow->is_blocked = wait != CFL_READY_NONE;
    flow->offset += len_bytes;
    *ret_offered = offered_bytes - len_bytes;
}

static void receive_some(struct cfl_transport *transport, struct flow *flow)
{
    struct iovec views[3];
    size_t len_bytes = 0;
    size_t position = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    for (int i = 0; i < 3; i++) {
        views[i].iov_base = flow->scratch + position;
        views[i].iov_len =
            random_below(2) == 0 ? random_below(40) : random_below(CHUNK_BYTES_MAX / 3);
        position += views[i].iov_len;
    }
    CHECK_OK(cfl_transport_read(transport, views, 3, &len_bytes, &is_eof, &wait, &error), error);
    assert_false(is_eof);
    assert_int_equal(wait != CFL_READY_NONE, len_bytes == 0 && position > 0);
    if (wait != CFL_READY_NONE) {
        assert_false(cfl_transport_has_pending(transport));
    }
    for (size_t i = 0; i < len_bytes; i++) {
        if (flow->scratch[i] != t_byte_at(flow->offset + i)) {
            fail_msg("byte %zu is wrong", flow->offset + i);
        }
    }
    flow->offset += len_bytes;
}

/* Goal: every byte arrives in order, however writes and reads are cut and wherever a repeated write
 * lies in memory. Method: many MiB in random chunks and views; a write that blocks is repeated from
 * another address. */
TEST(tls, a_big_transfer_arrives_whole)
{
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    struct t_tls_pair pair = established_pair(&ca, &client, &server);
    struct flow out = {.scratch = malloc(2 * CHUNK_BYTES_MAX)};
    struct flow in = {.scratch = malloc(CHUNK_BYTES_MAX)};
    size_t left_bytes = 0;
    unsigned int blocked_count = 0;
    while (in.offset < TRANSFER_BYTES) {
        if (out.offset < TRANSFER_BYTES && random_below(4) != 0) {
            size_t least_bytes = left_bytes < RECORD_BYTES ? left_bytes : RECORD_BYTES;
            send_some(pair.client.transport, &out, out.is_blocked ? least_bytes : 0, &left_bytes);
            blocked_count += out.is_blocked ? 1 : 0;
        } else {
            receive_some(pair.server.transport, &in);
        }
    }
    assert_true(blocked_count > 0);
    free(out.scratch);
    free(in.scratch);
    established_done(&pair, &ca, client, server);
}

/* Goal: many small views make one record, not one each. Method: 900 views of 9 bytes; count the
 * bytes on the socket. */
TEST(tls, small_views_share_a_record)
{
    enum { VIEWS = 900 };
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    struct t_tls_pair pair = established_pair(&ca, &client, &server);
    struct iovec views[VIEWS];
    char text[9] = "nine byte";
    char target[VIEWS * 9];
    size_t len_bytes = 0;
    unsigned int wait = CFL_READY_NONE;
    int waiting_bytes = 0;
    cflight_error *error = NULL;
    for (int i = 0; i < VIEWS; i++) {
        views[i] = (struct iovec){text, sizeof text};
    }
    CHECK_OK(cfl_transport_write(pair.client.transport, views, VIEWS, &len_bytes, &wait, &error),
             error);
    assert_int_equal(len_bytes, VIEWS * sizeof text);
    assert_int_equal(ioctl(cfl_transport_fd(pair.server.transport), FIONREAD, &waiting_bytes), 0);
    assert_true(waiting_bytes < (int)(VIEWS * sizeof text) + 40);
    t_read_all(pair.server.transport, target, sizeof target);
    assert_memory_equal(target + sizeof target - 9, text, 9);
    established_done(&pair, &ca, client, server);
}

/* ---- What OpenSSL holds ---- */

/* Each block begins with its size. */
enum { COUNTED_HEADER_BYTES = 16 };
static size_t held_bytes;         /* by OpenSSL, in this program */
static unsigned int record_count; /* allocations of a record's size */

static void *counted_malloc(size_t size_bytes, const char *file, int line)
{
    uint8_t *block = malloc(size_bytes + COUNTED_HEADER_BYTES);
    (void)file;
    (void)line;
    if (block == NULL || size_bytes == 0) {
        free(block);
        return NULL;
    }
    memcpy(block, &size_bytes, sizeof size_bytes);
    held_bytes += size_bytes;
    record_count += size_bytes >= RECORD_BYTES ? 1 : 0;
    return block + COUNTED_HEADER_BYTES;
}

static void counted_free(void *data, const char *file, int line)
{
    size_t size_bytes = 0;
    (void)file;
    (void)line;
    if (data != NULL) {
        memcpy(&size_bytes, (uint8_t *)data - COUNTED_HEADER_BYTES, sizeof size_bytes);
        held_bytes -= size_bytes;
        free((uint8_t *)data - COUNTED_HEADER_BYTES);
    }
}

static void *counted_realloc(void *data, size_t size_bytes, const char *file, int line)
{
    size_t old_bytes = 0;
    void *moved = counted_malloc(size_bytes, file, line);
    if (data != NULL) {
        memcpy(&old_bytes, (uint8_t *)data - COUNTED_HEADER_BYTES, sizeof old_bytes);
    }
    if (moved != NULL && data != NULL) {
        memcpy(moved, data, old_bytes < size_bytes ? old_bytes : size_bytes);
    }
    if (moved != NULL || size_bytes == 0) {
        counted_free(data, file, line);
    }
    return moved;
}

/* OpenSSL takes such functions only before its first allocation. */
__attribute__((constructor)) static void count_allocations(void)
{
    (void)CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free);
}

/* Sends `count` full records at once and reads them by one call each way, if they fit. */
static void pass_records(struct t_tls_pair *pair, size_t count)
{
    size_t size_bytes = count * RECORD_BYTES;
    uint8_t *data = calloc(2, size_bytes);
    t_write_all(pair->client.transport, data, size_bytes);
    t_read_all(pair->server.transport, data + size_bytes, size_bytes);
    assert_memory_equal(data, data + size_bytes, size_bytes);
    free(data);
}

static void expect_nothing_to_read(struct cfl_transport *transport)
{
    uint8_t target[2 * RECORD_BYTES];
    struct iovec view = {target, sizeof target};
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    CHECK_OK(cfl_transport_read(transport, &view, 1, &len_bytes, &is_eof, &wait, &error), error);
    assert_int_equal(len_bytes, 0);
    assert_int_equal(wait, CFL_READY_READ);
}

/* Goal: the buffers of records are made once for many records in a row, and a connection that rests
 * has none. Method: count what OpenSSL allocates: eight records through the connection, then a look
 * at the socket that finds nothing. */
TEST(tls, record_buffers_last_as_long_as_bulk_flows)
{
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    struct t_tls_pair pair = established_pair(&ca, &client, &server);
    pass_records(&pair, 1);
    expect_nothing_to_read(pair.server.transport);
    size_t rest_bytes = held_bytes;
    record_count = 0;
    pass_records(&pair, 8);
    assert_in_range(record_count, 1, 4);
    expect_nothing_to_read(pair.server.transport);
    assert_int_equal(held_bytes, rest_bytes);
    established_done(&pair, &ca, client, server);
}

/* Goal: one call decrypts no more than a quarter MiB, however much has come, since others wait for
 * the connection meanwhile. Method: send more through sockets that hold it, read into a larger
 * view.
 */
TEST(tls, one_read_is_bounded)
{
    enum { SENT_BYTES = 640 << 10, READ_BYTES_MAX = 256 << 10, SOCKET_BYTES = 4 << 20 };
    struct t_cert_options options = {.common_name = "self", .sans = "DNS:localhost"};
    const int socket_bytes = SOCKET_BYTES;
    struct t_cert ca = t_cert_new(&options);
    struct cfl_tls_client *client = t_tls_client_trusting(&ca);
    struct cfl_tls_server *server = t_tls_server_showing(&ca);
    struct t_tls_pair pair = t_handshake(client, "localhost", server);
    uint8_t *data = calloc(1, SENT_BYTES);
    struct iovec view = {data, SENT_BYTES};
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    t_expect_talk(&pair);
    (void)setsockopt(cfl_transport_fd(pair.client.transport), SOL_SOCKET, SO_SNDBUF, &socket_bytes,
                     sizeof socket_bytes);
    CHECK_OK(cfl_transport_write(pair.client.transport, &view, 1, &len_bytes, &wait, &error),
             error);
    assert_true(len_bytes > READ_BYTES_MAX + RECORD_BYTES);
    CHECK_OK(
        cfl_transport_read(pair.server.transport, &view, 1, &len_bytes, &is_eof, &wait, &error),
        error);
    assert_in_range(len_bytes, READ_BYTES_MAX, READ_BYTES_MAX + RECORD_BYTES);
    free(data);
    established_done(&pair, &ca, client, server);
}

/* ---- Ends ---- */

/* Goal: bytes that TLS holds back are announced, since no readiness shows them.
 * Method: read one byte of a record; then the rest. */
TEST(tls, decrypted_bytes_that_wait_are_announced)
{
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    struct t_tls_pair pair = established_pair(&ca, &client, &server);
    char target[8];
    t_write_all(pair.client.transport, "12345", 5);
    t_read_all(pair.server.transport, target, 1);
    assert_true(cfl_transport_has_pending(pair.server.transport));
    t_read_all(pair.server.transport, target, 4);
    assert_memory_equal(target, "2345", 4);
    assert_false(cfl_transport_has_pending(pair.server.transport));
    established_done(&pair, &ca, client, server);
}

static void expect_eof(struct cfl_transport *transport)
{
    char byte = 0;
    struct iovec view = {&byte, 1};
    for (int i = 0; i < 2; i++) {
        size_t len_bytes = 0;
        bool is_eof = false;
        unsigned int wait = CFL_READY_NONE;
        cflight_error *error = NULL;
        CHECK_OK(cfl_transport_read(transport, &view, 1, &len_bytes, &is_eof, &wait, &error),
                 error);
        assert_true(is_eof);
        assert_int_equal(wait, CFL_READY_NONE);
    }
}

/* Goal: the end of a stream is the end, said properly or not; writing after it is an error without
 * a signal. Method: shut one end down after a last byte; in a second pair, close it hard. SIGPIPE
 * keeps its deadly default. */
TEST(tls, the_end_comes_after_the_last_byte)
{
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    char byte = 0;
    struct iovec view = {&byte, 1};
    size_t len_bytes = 0;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    (void)signal(SIGPIPE, SIG_DFL);
    struct t_tls_pair pair = established_pair(&ca, &client, &server);
    t_write_all(pair.client.transport, "x", 1);
    cfl_transport_shutdown(pair.client.transport);
    t_read_all(pair.server.transport, &byte, 1);
    expect_eof(pair.server.transport);
    established_done(&pair, &ca, client, server);

    pair = established_pair(&ca, &client, &server);
    cfl_transport_free(pair.client.transport);
    pair.client.transport = NULL;
    expect_eof(pair.server.transport);
    CHECK_STATUS(cfl_transport_write(pair.server.transport, &view, 1, &len_bytes, &wait, &error),
                 CFLIGHT_UNAVAILABLE);
    t_expect_error(error, "TLS write to /peer failed");
    established_done(&pair, &ca, client, server);
}

/* Goal: what a peer said before it went away can be read after a write has failed, since it may say
 * why. Method: the server writes a word and closes; the client writes, fails, and reads. */
TEST(tls, last_words_are_read_after_a_failed_write)
{
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    char text[4];
    struct iovec view = {text, sizeof text};
    size_t len_bytes = 0;
    unsigned int wait = CFL_READY_NONE;
    struct t_tls_pair pair = established_pair(&ca, &client, &server);
    t_write_all(pair.server.transport, "gone", 4);
    cfl_transport_free(pair.server.transport);
    pair.server.transport = NULL;
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(cfl_transport_write(pair.client.transport, &view, 1, &len_bytes, &wait, NULL),
                     CFLIGHT_UNAVAILABLE);
    }
    t_read_all(pair.client.transport, text, sizeof text);
    assert_memory_equal(text, "gone", 4);
    expect_eof(pair.client.transport);
    established_done(&pair, &ca, client, server);
}

/* Goal: bytes that are not TLS in the middle of a stream are an error, and no byte of them is
 * delivered. Method: write to the socket below TLS. */
TEST(tls, a_corrupted_stream_is_an_error)
{
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    static const uint8_t RECORD[] = {0x17, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                     9,    10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    char text[8];
    struct iovec view = {text, sizeof text};
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    struct t_tls_pair pair = established_pair(&ca, &client, &server);
    t_write_all(pair.client.transport, "ok", 2);
    assert_int_equal(write(cfl_transport_fd(pair.client.transport), RECORD, sizeof RECORD),
                     sizeof RECORD);
    CHECK_OK(
        cfl_transport_read(pair.server.transport, &view, 1, &len_bytes, &is_eof, &wait, &error),
        error);
    assert_int_equal(len_bytes, 2);
    for (int i = 0; i < 2; i++) {
        error = NULL;
        CHECK_STATUS(
            cfl_transport_read(pair.server.transport, &view, 1, &len_bytes, &is_eof, &wait, &error),
            CFLIGHT_UNAVAILABLE);
        t_expect_error(error, "TLS read from /peer failed");
    }
    established_done(&pair, &ca, client, server);
}

/* ---- Memory ---- */

/* Goal: no allocation failure crashes, leaks or hides. Method: fail each in turn while contexts are
 * made. */
TEST(tls, every_allocation_failure_of_a_context_is_reported)
{
    struct t_cert ca = t_ca_new();
    struct cfl_tls_key_pair pair = {t_cert_pem(&ca), t_key_pem(&ca)};
    struct cfl_tls_server_options server_options = {.key_pairs = &pair, .key_pair_count = 1};
    struct cfl_tls_client_options client_options = {.root_certs_pem = t_cert_pem(&ca)};
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_tls_server *server = NULL;
        struct cfl_tls_client *client = NULL;
        cflight_status status =
            cfl_tls_server_new(&alloc->allocator, &server_options, &server, NULL);
        if (status == CFLIGHT_OK) {
            status = cfl_tls_client_new(&alloc->allocator, &client_options, &client, NULL);
        }
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        cfl_tls_client_unref(client);
        cfl_tls_server_free(server);
        assert_int_equal(alloc->live_count, 0);
    }
    t_cert_done(&ca);
}

/* Goal: as above, for connections with certificates on both sides. Method: fail each allocation of
 * a handshake and a write in turn; one end reports it, or it concerned something that can be done
 * without. */
TEST(tls, every_allocation_failure_of_a_connection_is_survived)
{
    struct t_cert ca = t_ca_new();
    struct t_cert leaf = t_leaf_new(&ca, "leaf", "DNS:localhost,URI:x:y");
    struct cfl_tls_client *client = t_tls_client_showing(&ca, &leaf);
    struct cfl_tls_server *server = t_tls_server_new(&leaf, CFL_TLS_CLIENT_AUTH_REQUIRED, &ca);
    T_EACH_ALLOC_FAILURE(alloc) {
        struct t_tls_pair pair = t_handshake_alloc(&alloc->allocator, client, "localhost", server);
        bool is_reported = pair.client.status == CFLIGHT_RESOURCE_EXHAUSTED ||
                           pair.server.status == CFLIGHT_RESOURCE_EXHAUSTED;
        if (pair.client.status == CFLIGHT_OK && pair.server.status == CFLIGHT_OK) {
            struct iovec views[2] = {{leaf.cert_pem, 5}, {leaf.cert_pem, 6}};
            size_t len_bytes = 0;
            unsigned int wait = CFL_READY_NONE;
            is_reported = cfl_transport_write(pair.client.transport, views, 2, &len_bytes, &wait,
                                              NULL) == CFLIGHT_RESOURCE_EXHAUSTED;
        }
        assert_int_equal(is_reported, alloc->did_fail);
        t_tls_pair_done(&pair);
        assert_int_equal(alloc->live_count, 0);
    }
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}
