/* SPDX-License-Identifier: Apache-2.0 */
/* Dialing: what is reached, in which order, and what is said when nothing is. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/address.h"
#include "net/resolve.h"
#include "net_support.h"

static cflight_status dial_host(const char *host, uint16_t port, int64_t limit_ms, int cancel_fd,
                                struct cfl_transport **ret_transport, cflight_error **reterr)
{
    struct cfl_dial_target target = {.host = host, .port = port};
    int64_t deadline_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), limit_ms);
    return cfl_dial(NULL, &target, deadline_ns, NULL, cancel_fd, ret_transport, reterr);
}

static void expect_peer(const char *host, uint16_t port, const char *format)
{
    char expected[64];
    struct cfl_transport *transport = NULL;
    cflight_error *error = NULL;
    CHECK_OK(dial_host(host, port, T_PATIENCE_MS, -1, &transport, &error), error);
    (void)snprintf(expected, sizeof expected, "%s%u", format, (unsigned int)port);
    assert_string_equal(cfl_transport_peer(transport)->name, expected);
    assert_false(cfl_transport_peer(transport)->is_tls);
    assert_string_equal(cfl_transport_peer(transport)->cert_subject, "");
    cfl_transport_free(transport);
}

/* Goal: numeric addresses of both families and "localhost" connect, and the peer is named after the
 * address. Method: dial listeners on one family and on both. */
TEST(dial, names_the_peer_it_reached)
{
    struct cfl_listener *ipv4 = t_listen("127.0.0.1", 0);
    expect_peer("127.0.0.1", cfl_listener_port(ipv4), "ipv4:127.0.0.1:");
    expect_peer("localhost", cfl_listener_port(ipv4), "ipv4:127.0.0.1:");
    expect_peer("LocalHost", cfl_listener_port(ipv4), "ipv4:127.0.0.1:");
    cfl_listener_free(ipv4);
    if (t_has_ipv6()) {
        struct cfl_listener *both = t_listen("localhost", 0);
        expect_peer("::1", cfl_listener_port(both), "ipv6:[::1]:");
        expect_peer("localhost", cfl_listener_port(both), "ipv6:[::1]:");
        expect_peer("127.0.0.1", cfl_listener_port(both), "ipv4:127.0.0.1:");
        cfl_listener_free(both);
    }
}

/* Goal: a refused connection names the target, every address and every reason, and is safe to
 * retry. Method: dial a port nobody listens on. */
TEST(dial, a_refusal_names_every_address_and_reason)
{
    char expected[200];
    struct cfl_transport *transport = NULL;
    cflight_error *error = NULL;
    uint16_t port = t_free_port();
    CHECK_STATUS(dial_host("localhost", port, T_PATIENCE_MS, -1, &transport, &error),
                 CFLIGHT_UNAVAILABLE);
    assert_null(transport);
    assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
    if (t_has_ipv6()) {
        (void)snprintf(expected, sizeof expected,
                       "cannot connect to localhost:%u: [::1]:%u: Connection refused; "
                       "127.0.0.1:%u: Connection refused",
                       (unsigned int)port, (unsigned int)port, (unsigned int)port);
    } else {
        (void)snprintf(expected, sizeof expected, "127.0.0.1:%u: Connection refused",
                       (unsigned int)port);
    }
    t_expect_error(error, expected);
}

/* Goal: the connect timeout holds when nothing answers at all, and the error says so.
 * Method: dial a socket whose queue is full. */
TEST(dial, the_connect_timeout_holds_when_nothing_answers)
{
    struct t_black_hole hole;
    struct cfl_transport *transport = NULL;
    cflight_error *error = NULL;
    char expected[100];
    t_black_hole_init(&hole, AF_INET, 0);
    int64_t before_ns = cfl_clock_now_ns(NULL);
    CHECK_STATUS(dial_host("127.0.0.1", hole.port, 100, -1, &transport, &error),
                 CFLIGHT_DEADLINE_EXCEEDED);
    int64_t taken_ns = cfl_clock_now_ns(NULL) - before_ns;
    assert_true(taken_ns >= 100 * CFL_NS_PER_MS && taken_ns < 10 * CFL_NS_PER_S);
    (void)snprintf(
        expected, sizeof expected,
        "connect timeout passed while connecting to 127.0.0.1:%u: 127.0.0.1:%u: no answer",
        (unsigned int)hole.port, (unsigned int)hole.port);
    assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
    t_expect_error(error, expected);
    t_black_hole_done(&hole);
}

/* Goal: a silent address does not hold up the next one for longer than the delay of RFC 8305.
 * Method: ::1 swallows the connection, 127.0.0.1 listens on the same port. */
TEST(dial, a_silent_address_delays_the_next_by_a_quarter_second)
{
    struct t_black_hole hole;
    if (!t_has_ipv6()) {
        skip();
    }
    t_black_hole_init(&hole, AF_INET6, 0);
    struct cfl_listener *listener = t_listen("127.0.0.1", hole.port);
    int64_t before_ns = cfl_clock_now_ns(NULL);
    expect_peer("localhost", hole.port, "ipv4:127.0.0.1:");
    int64_t taken_ns = cfl_clock_now_ns(NULL) - before_ns;
    assert_true(taken_ns >= 240 * CFL_NS_PER_MS && taken_ns < 10 * CFL_NS_PER_S);
    cfl_listener_free(listener);
    t_black_hole_done(&hole);
}

/* Goal: dialing ends when the cancel descriptor becomes readable, without touching that descriptor.
 * Method: cancel before and, from another thread, while it waits for an answer that does not come.
 */
TEST(dial, a_readable_descriptor_cancels)
{
    struct t_black_hole hole;
    pthread_t thread;
    struct cfl_waker waker = {0};
    struct cfl_transport *transport = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_waker_init(&waker, &error), error);
    t_black_hole_init(&hole, AF_INET, 0);
    assert_int_equal(pthread_create(&thread, NULL, t_set_waker, &waker), 0);
    CHECK_STATUS(dial_host("127.0.0.1", hole.port, -1, waker.fd, &transport, &error),
                 CFLIGHT_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    t_expect_error(error, "was cancelled");
    error = NULL;
    CHECK_STATUS(dial_host("localhost", hole.port, -1, waker.fd, &transport, &error),
                 CFLIGHT_CANCELLED);
    t_expect_error(error, "was cancelled");
    assert_int_equal(cfl_wait_fd(waker.fd, CFL_READY_READ, NULL, 0), CFL_READY_READ);
    t_black_hole_done(&hole);
    cfl_waker_done(&waker);
}

/* Goal: what makes no sense is refused before anything happens.
 * Method: an empty host, an empty path, a path one byte too long. */
TEST(dial, senseless_targets_are_refused)
{
    char path[110];
    struct cfl_transport *transport = NULL;
    cflight_error *error = NULL;
    struct cfl_dial_target target = {.unix_path = ""};
    CHECK_STATUS(dial_host("", 80, 100, -1, &transport, &error), CFLIGHT_INVALID_ARGUMENT);
    t_expect_error(error, "host name");
    error = NULL;
    CHECK_STATUS(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &transport, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    t_expect_error(error, "path is empty");
    error = NULL;
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[108] = '\0';
    target.unix_path = path;
    CHECK_STATUS(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &transport, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    t_expect_error(error, "is 108 bytes long; the system's limit is 107 bytes");
    error = NULL;
    path[107] = '\0';
    CHECK_STATUS(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &transport, &error),
                 CFLIGHT_UNAVAILABLE);
    t_expect_error(error, "No such file or directory");
}

/* Goal: a Unix socket with a full queue is tried again until the limit, and connects once there is
 * room. Method: a backlog of nobody; fill it, dial with a short limit, accept one, dial again. */
TEST(dial, a_full_unix_socket_is_tried_again)
{
    struct t_dir dir = t_dir_new();
    char path[80];
    struct cfl_transport *waiting[64] = {NULL};
    size_t count = 0;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    (void)snprintf(path, sizeof path, "%s/socket", dir.path);
    struct cfl_listen_target listen_target = {.unix_path = path, .backlog = 1};
    struct cfl_listener *listener = NULL;
    CHECK_OK(cfl_listen(NULL, &listen_target, &listener, &error), error);
    struct cfl_dial_target target = {.unix_path = path};
    while (count < 64 && status == CFLIGHT_OK) {
        int64_t deadline_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), 20);
        status = cfl_dial(NULL, &target, deadline_ns, NULL, -1, &waiting[count], &error);
        count += status == CFLIGHT_OK ? 1 : 0;
    }
    CHECK_STATUS(status, CFLIGHT_DEADLINE_EXCEEDED);
    t_expect_error(error, "connect timeout passed while connecting to unix:/");
    error = NULL;
    cfl_transport_free(t_accept(listener, NULL));
    CHECK_OK(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &waiting[count], &error), error);
    for (size_t i = 0; i <= count; i++) {
        cfl_transport_free(waiting[i]);
    }
    cfl_listener_free(listener);
    t_dir_done(&dir);
}

/* Goal: connecting to a free port never meets itself. Method: dial one free port many times. */
TEST(dial, never_connects_to_itself)
{
    uint16_t port = t_free_port();
    for (int i = 0; i < 2000; i++) {
        struct cfl_transport *transport = NULL;
        CHECK_STATUS(dial_host("127.0.0.1", port, T_PATIENCE_MS, -1, &transport, NULL),
                     CFLIGHT_UNAVAILABLE);
    }
}

/* Goal: no allocation failure crashes, leaks or hides. Method: fail each in turn while dialing a
 * listener. */
TEST(dial, every_allocation_failure_is_reported)
{
    struct cfl_listener *listener = t_listen("127.0.0.1", 0);
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_dial_target target = {.host = "127.0.0.1", .port = cfl_listener_port(listener)};
        struct cfl_transport *transport = NULL;
        cflight_status status =
            cfl_dial(&alloc->allocator, &target, t_deadline(), NULL, -1, &transport, NULL);
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        cfl_transport_free(transport);
        assert_int_equal(alloc->live_count, 0);
    }
    cfl_listener_free(listener);
}

static void wait_for_lookup(struct cfl_resolve *resolve)
{
    t_wait(cfl_resolve_fd(resolve), CFL_READY_READ);
}

/* Goal: a lookup on its own thread gives its addresses to the caller.
 * Method: look up a numeric address, which needs no name server. */
TEST(resolve, gives_the_addresses)
{
    struct cfl_resolve *resolve = NULL;
    struct cfl_address_list list = {.count = 0};
    char text[CFL_ADDRESS_TEXT_BYTES];
    cflight_error *error = NULL;
    CHECK_OK(cfl_resolve_start("192.0.2.7", 99, &resolve, &error), error);
    wait_for_lookup(resolve);
    CHECK_OK(cfl_resolve_take(resolve, &list, &error), error);
    cfl_resolve_free(resolve);
    assert_int_equal(list.count, 1);
    cfl_address_text(&list.items[0], text);
    assert_string_equal(text, "192.0.2.7:99");
}

/* The C library's, which the linker brings here first. */
int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **ret_list);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **ret_list);

static sigset_t lookup_blocked; /* of the thread that looked up last */

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **ret_list)
{
    (void)pthread_sigmask(SIG_SETMASK, NULL, &lookup_blocked);
    return __real_getaddrinfo(host, port, hints, ret_list);
}

/* Goal: the thread takes no signal that was sent to the application, and a fault in a module of the
 * resolver meets its handler. Method: what it blocks while it looks up. */
TEST(resolve, blocks_all_signals_but_faults)
{
    struct cfl_resolve *resolve = NULL;
    cflight_error *error = NULL;
    (void)sigemptyset(&lookup_blocked);
    CHECK_OK(cfl_resolve_start("not a name", 99, &resolve, &error), error);
    wait_for_lookup(resolve);
    cfl_resolve_free(resolve);
    assert_int_equal(sigismember(&lookup_blocked, SIGTERM), 1);
    assert_int_equal(sigismember(&lookup_blocked, SIGUSR1), 1);
    assert_int_equal(sigismember(&lookup_blocked, SIGSEGV), 0);
    assert_int_equal(sigismember(&lookup_blocked, SIGBUS), 0);
}

/* Goal: a failed lookup names the host and the reason. Method: a name that no resolver accepts. */
TEST(resolve, a_failure_names_the_host)
{
    struct cfl_resolve *resolve = NULL;
    struct cfl_transport *transport = NULL;
    struct cfl_address_list list = {.count = 0};
    cflight_error *error = NULL;
    CHECK_OK(cfl_resolve_start("not a name", 1, &resolve, &error), error);
    wait_for_lookup(resolve);
    CHECK_STATUS(cfl_resolve_take(resolve, &list, &error), CFLIGHT_UNAVAILABLE);
    cfl_resolve_free(resolve);
    t_expect_error(error, "cannot look up the host 'not a name': ");
    error = NULL;
    CHECK_STATUS(dial_host("not a name", 1, T_PATIENCE_MS, -1, &transport, &error),
                 CFLIGHT_UNAVAILABLE);
    t_expect_error(error, "cannot look up the host 'not a name': ");
}

/* Goal: a lookup that nobody waits for any more cleans up after itself.
 * Method: let go at once, and wait until its descriptor is gone. */
TEST(resolve, an_abandoned_lookup_cleans_up)
{
    struct cfl_resolve *resolve = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_resolve_start("127.0.0.1", 1, &resolve, &error), error);
    int fd = cfl_resolve_fd(resolve);
    cfl_resolve_free(resolve);
    while (fcntl(fd, F_GETFD) >= 0) {
        (void)sched_yield();
    }
    assert_int_equal(errno, EBADF);
}

/* Goal: addresses print as the peers of errors and logs do. Method: a table of texts. */
TEST(address, prints_each_family)
{
    static const struct {
        const char *host;
        const char *text;
        const char *peer;
    } CASES[] = {
        {"127.0.0.1", "127.0.0.1:7", "ipv4:127.0.0.1:7"},
        {"::1", "[::1]:7", "ipv6:[::1]:7"},
        {"2001:db8::5", "[2001:db8::5]:7", "ipv6:[2001:db8::5]:7"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct cfl_address_list list = {.count = 0};
        char text[CFL_ADDRESS_TEXT_BYTES];
        assert_true(cfl_address_list_direct(CASES[i].host, 7, &list));
        cfl_address_text(&list.items[0], text);
        assert_string_equal(text, CASES[i].text);
        cfl_address_peer_name(&list.items[0], text);
        assert_string_equal(text, CASES[i].peer);
        cfl_address_set_port(&list.items[0], 65535);
        assert_int_equal(cfl_address_port(&list.items[0]), 65535);
    }
}

/* Goal: Unix addresses print their path, and bytes that a terminal would act on do not get through.
 * Method: a path, an abstract name, and one with control characters. */
TEST(address, prints_unix_paths_safely)
{
    struct cfl_address address;
    char text[CFL_ADDRESS_TEXT_BYTES];
    cflight_error *error = NULL;
    CHECK_OK(cfl_address_from_unix("/run/x", &address, &error), error);
    cfl_address_peer_name(&address, text);
    assert_string_equal(text, "unix:/run/x");
    assert_int_equal(cfl_address_port(&address), 0);
    CHECK_OK(cfl_address_from_unix("@x\x1b[31m", &address, &error), error);
    cfl_address_peer_name(&address, text);
    assert_string_equal(text, "unix:@x?[31m");
    address.len_bytes = sizeof address.storage.ss_family;
    cfl_address_peer_name(&address, text);
    assert_string_equal(text, "unix:");
    CHECK_STATUS(cfl_address_from_unix("@", &address, NULL), CFLIGHT_INVALID_ARGUMENT);
}
