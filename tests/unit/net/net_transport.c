/* SPDX-License-Identifier: Apache-2.0 */
/* Plain byte streams. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_support.h"

enum { BIG_BYTES = 32 << 20, MANY_VIEWS = 3000 };

/* Goal: nothing to read is an outcome that says what to wait for; no room asks for nothing.
 * Method: read from a silent peer, and with no view. */
TEST(transport, a_silent_peer_is_waited_for)
{
    struct t_net_pair pair = t_net_pair_new();
    char byte = 0;
    struct iovec view = {&byte, 1};
    size_t len_bytes = 1;
    bool is_eof = true;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    CHECK_OK(cfl_transport_handshake(pair.server, &wait, &error), error);
    assert_int_equal(wait, CFL_READY_NONE);
    CHECK_OK(cfl_transport_read(pair.server, &view, 1, &len_bytes, &is_eof, &wait, &error), error);
    assert_int_equal(len_bytes, 0);
    assert_false(is_eof);
    assert_int_equal(wait, CFL_READY_READ);
    CHECK_OK(cfl_transport_read(pair.server, NULL, 0, &len_bytes, &is_eof, &wait, &error), error);
    assert_false(is_eof);
    assert_int_equal(wait, CFL_READY_NONE);
    assert_false(cfl_transport_has_pending(pair.server));
    t_net_pair_done(&pair);
}

struct pump {
    struct cfl_transport *transport;
    size_t len_bytes;
    bool has_failed;
};

/* Reads the pattern in views of odd sizes. */
static void *drain(void *user_data)
{
    struct pump *pump = user_data;
    size_t total_bytes = 0;
    uint8_t *target = malloc(300000);
    while (total_bytes < pump->len_bytes) {
        struct iovec views[3] = {{target, 13}, {target + 13, 0}, {target + 13, 199981}};
        size_t len_bytes = 0;
        bool is_eof = false;
        unsigned int wait = CFL_READY_NONE;
        cflight_status status =
            cfl_transport_read(pump->transport, views, 3, &len_bytes, &is_eof, &wait, NULL);
        if (status != CFLIGHT_OK || is_eof) {
            break;
        }
        for (size_t i = 0; i < len_bytes; i++) {
            pump->has_failed = pump->has_failed || target[i] != t_byte_at(total_bytes + i);
        }
        total_bytes += len_bytes;
        if (wait != CFL_READY_NONE) {
            (void)cfl_wait_fd(cfl_transport_fd(pump->transport), wait, NULL, -1);
        }
    }
    free(target);
    pump->has_failed = pump->has_failed || total_bytes != pump->len_bytes;
    return NULL;
}

/* Goal: a big transfer arrives whole, whatever the socket takes at a time, with more views than one
 * system call allows. Method: 32 MiB in writes of up to 3000 views of varying length, read and
 * checked on another thread. */
TEST(transport, a_big_transfer_arrives_whole)
{
    struct t_net_pair pair = t_net_pair_new();
    struct pump pump = {.transport = pair.server, .len_bytes = BIG_BYTES};
    pthread_t thread;
    uint8_t *data = malloc(BIG_BYTES);
    struct iovec *views = calloc(MANY_VIEWS, sizeof *views);
    size_t done_bytes = 0;
    unsigned int short_count = 0;
    for (size_t i = 0; i < BIG_BYTES; i++) {
        data[i] = t_byte_at(i);
    }
    assert_int_equal(pthread_create(&thread, NULL, drain, &pump), 0);
    while (done_bytes < BIG_BYTES) {
        int count = 0;
        size_t offset = done_bytes;
        for (; count < MANY_VIEWS && offset < BIG_BYTES; count++) {
            size_t part_bytes = (size_t)count * 7919 % 6000;
            part_bytes = part_bytes < BIG_BYTES - offset ? part_bytes : BIG_BYTES - offset;
            views[count] = (struct iovec){data + offset, part_bytes};
            offset += part_bytes;
        }
        size_t len_bytes = 0;
        unsigned int wait = CFL_READY_NONE;
        cflight_error *error = NULL;
        CHECK_OK(cfl_transport_write(pair.client, views, count, &len_bytes, &wait, &error), error);
        assert_int_equal(wait == CFL_READY_NONE, len_bytes == offset - done_bytes);
        done_bytes += len_bytes;
        if (wait != CFL_READY_NONE) {
            short_count++;
            t_wait(cfl_transport_fd(pair.client), wait);
        }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(pump.has_failed);
    assert_true(short_count > 0);
    free(views);
    free(data);
    t_net_pair_done(&pair);
}

/* Goal: the end of the stream comes after its last byte, and stays. Method: write, shut down, read
 * past the end. */
TEST(transport, the_end_comes_after_the_last_byte)
{
    struct t_net_pair pair = t_net_pair_new();
    char text[8];
    struct iovec view = {text, sizeof text};
    cflight_error *error = NULL;
    t_write_all(pair.client, "bye", 3);
    cfl_transport_shutdown(pair.client);
    cfl_transport_shutdown(pair.client);
    t_read_all(pair.server, text, 3);
    for (int i = 0; i < 2; i++) {
        size_t len_bytes = 0;
        bool is_eof = false;
        unsigned int wait = CFL_READY_NONE;
        t_wait(cfl_transport_fd(pair.server), CFL_READY_READ);
        CHECK_OK(cfl_transport_read(pair.server, &view, 1, &len_bytes, &is_eof, &wait, &error),
                 error);
        assert_true(is_eof);
        assert_int_equal(len_bytes, 0);
        assert_int_equal(wait, CFL_READY_NONE);
    }
    t_net_pair_done(&pair);
}

/* Goal: a reset is an error that names the peer and the reason, on both directions, and raises no
 * signal. Method: close one end with SO_LINGER 0; SIGPIPE keeps its deadly default. */
TEST(transport, a_reset_is_an_error_without_a_signal)
{
    struct t_net_pair pair = t_net_pair_new();
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    char byte = 0;
    struct iovec view = {&byte, 1};
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    (void)signal(SIGPIPE, SIG_DFL);
    assert_int_equal(
        setsockopt(cfl_transport_fd(pair.server), SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    cfl_transport_free(pair.server);
    pair.server = NULL;
    t_wait(cfl_transport_fd(pair.client), CFL_READY_READ);
    CHECK_STATUS(cfl_transport_read(pair.client, &view, 1, &len_bytes, &is_eof, &wait, &error),
                 CFLIGHT_UNAVAILABLE);
    assert_int_equal(cflight_error_os_code(error), ECONNRESET);
    assert_string_equal(cflight_error_peer(error), cfl_transport_peer(pair.client)->name);
    t_expect_error(error, "cannot read from ipv4:127.0.0.1:");
    error = NULL;
    CHECK_STATUS(cfl_transport_write(pair.client, &view, 1, &len_bytes, &wait, &error),
                 CFLIGHT_UNAVAILABLE);
    t_expect_error(error, "cannot write to ipv4:127.0.0.1:");
    t_net_pair_done(&pair);
}

static int tcp_option(const struct cfl_transport *transport, int name)
{
    int value = -1;
    socklen_t value_bytes = sizeof value;
    assert_int_equal(
        getsockopt(cfl_transport_fd(transport), IPPROTO_TCP, name, &value, &value_bytes), 0);
    return value;
}

/* Goal: a peer whose machine is gone is noticed within minutes, at either end. Method: what the
 * sockets were told. */
TEST(transport, silent_peers_are_asked_whether_they_live)
{
    struct t_net_pair pair = t_net_pair_new();
    const struct cfl_transport *const ENDS[] = {pair.client, pair.server};
    for (int i = 0; i < 2; i++) {
        assert_in_range(tcp_option(ENDS[i], TCP_KEEPIDLE), 1, 120);
        assert_in_range(tcp_option(ENDS[i], TCP_KEEPINTVL) * tcp_option(ENDS[i], TCP_KEEPCNT), 1,
                        120);
        assert_int_not_equal(tcp_option(ENDS[i], TCP_NODELAY), 0);
    }
    t_net_pair_done(&pair);
}
