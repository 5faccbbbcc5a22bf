/* SPDX-License-Identifier: Apache-2.0 */
/* Listening: ports, families, and the life of socket files. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net_support.h"

static cflight_status try_listen(const char *host, uint16_t port, const char *unix_path,
                                 cflight_error **reterr)
{
    struct cfl_listen_target target = {.host = host, .port = port, .unix_path = unix_path};
    struct cfl_listener *listener = NULL;
    cflight_status status = cfl_listen(NULL, &target, &listener, reterr);
    cfl_listener_free(listener);
    return status;
}

static void expect_reachable(struct cfl_listener *listener, const char *host)
{
    struct cfl_dial_target target = {.host = host, .port = cfl_listener_port(listener)};
    struct cfl_transport *client = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &client, &error), error);
    cfl_transport_free(t_accept(listener, NULL));
    cfl_transport_free(client);
}

static void expect_both_families(const char *host)
{
    struct cfl_listener *listener = t_listen(host, 0);
    assert_int_not_equal(cfl_listener_port(listener), 0);
    expect_reachable(listener, "127.0.0.1");
    if (t_has_ipv6()) {
        expect_reachable(listener, "::1");
    }
    cfl_listener_free(listener);
}

/* Goal: localhost and the wildcards serve both families on one port. Method: dial each family. */
TEST(listen, localhost_and_wildcards_serve_both_families)
{
    expect_both_families("localhost");
    expect_both_families("");
    expect_both_families("0.0.0.0");
    expect_both_families("::");
}

/* Goal: a listener that was stopped refuses, also who waits already. Method: dial before and after.
 */
TEST(listen, a_stopped_listener_refuses)
{
    struct cfl_listener *listener = t_listen("127.0.0.1", 0);
    struct cfl_dial_target target = {.host = "127.0.0.1", .port = cfl_listener_port(listener)};
    struct cfl_transport *early = NULL;
    struct cfl_transport *late = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &early, &error), error);
    cfl_listener_stop(listener);
    CHECK_STATUS(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &late, &error),
                 CFLIGHT_UNAVAILABLE);
    cflight_error_free(error);
    cfl_transport_free(early);
    cfl_listener_free(listener);
}

/* Goal: one address means one socket. Method: count the descriptors. */
TEST(listen, a_numeric_address_is_one_socket)
{
    int fds[CFL_LISTENER_FDS_MAX];
    struct cfl_listener *listener = t_listen("127.0.0.1", 0);
    assert_int_equal(cfl_listener_fds(listener, fds), 1);
    assert_int_equal(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(fds[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    cfl_listener_free(listener);
}

/* Goal: a busy port is an error that names it; a port left by a closed listener is not busy.
 * Method: listen twice, then free and listen again, with a connection left in TIME_WAIT. */
TEST(listen, a_busy_port_is_an_error)
{
    char expected[64];
    cflight_error *error = NULL;
    struct cfl_listener *listener = t_listen("127.0.0.1", 0);
    uint16_t port = cfl_listener_port(listener);
    CHECK_STATUS(try_listen("127.0.0.1", port, NULL, &error), CFLIGHT_ALREADY_EXISTS);
    (void)snprintf(expected, sizeof expected,
                   "cannot listen on 127.0.0.1:%u: Address already in use", (unsigned int)port);
    t_expect_error(error, expected);
    error = NULL;
    CHECK_STATUS(try_listen("localhost", port, NULL, &error), CFLIGHT_ALREADY_EXISTS);
    t_expect_error(error, expected);
    expect_reachable(listener, "127.0.0.1");
    cfl_listener_free(listener);
    error = NULL;
    CHECK_OK(try_listen("127.0.0.1", port, NULL, &error), error);
}

/* Goal: addresses that cannot be listened on are named. Method: an address of nobody, a bad name,
 * no address. */
TEST(listen, senseless_addresses_are_refused)
{
    cflight_error *error = NULL;
    CHECK_STATUS(try_listen("192.0.2.1", 0, NULL, &error), CFLIGHT_UNAVAILABLE);
    t_expect_error(error, "cannot listen on 192.0.2.1:0: Cannot assign requested address");
    error = NULL;
    CHECK_STATUS(try_listen("not a name", 0, NULL, &error), CFLIGHT_UNAVAILABLE);
    t_expect_error(error, "'not a name'");
    error = NULL;
    CHECK_STATUS(try_listen(NULL, 0, NULL, &error), CFLIGHT_INVALID_ARGUMENT);
    t_expect_error(error, "no address");
    error = NULL;
    CHECK_STATUS(try_listen(NULL, 0, "/no/such/directory/socket", &error), CFLIGHT_NOT_FOUND);
    t_expect_error(error, "cannot listen on /no/such/directory/socket");
}

/* Goal: accept gives non-blocking, close-on-exec sockets named after the peer, and nothing when
 * nobody waits. Method: accept without and with a waiting connection. */
TEST(listen, accept_takes_one_connection)
{
    int fds[CFL_LISTENER_FDS_MAX];
    struct cfl_transport *server = NULL;
    struct cfl_transport *client = NULL;
    cflight_error *error = NULL;
    struct cfl_listener *listener = t_listen("127.0.0.1", 0);
    struct cfl_dial_target target = {.host = "127.0.0.1", .port = cfl_listener_port(listener)};
    (void)cfl_listener_fds(listener, fds);
    CHECK_OK(cfl_listener_accept(listener, fds[0], NULL, &server, &error), error);
    assert_null(server);
    CHECK_OK(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &client, &error), error);
    server = t_accept(listener, NULL);
    assert_memory_equal(cfl_transport_peer(server)->name, "ipv4:127.0.0.1:", 15);
    int fd = cfl_transport_fd(server);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    cfl_transport_free(server);
    cfl_transport_free(client);
    cfl_listener_free(listener);
}

static void expect_unix_pair(struct cfl_listener *listener, const char *path, const char *peer_name)
{
    struct cfl_dial_target target = {.unix_path = path};
    struct cfl_transport *client = NULL;
    cflight_error *error = NULL;
    char reply[2];
    CHECK_OK(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &client, &error), error);
    struct cfl_transport *server = t_accept(listener, NULL);
    assert_string_equal(cfl_transport_peer(client)->name, peer_name);
    assert_string_equal(cfl_transport_peer(server)->name, "unix:");
    t_write_all(client, "hi", 2);
    t_read_all(server, reply, 2);
    assert_memory_equal(reply, "hi", 2);
    cfl_transport_free(client);
    cfl_transport_free(server);
}

/* Goal: a socket file carries data, gets the umask, refuses a second listener, and goes away with
 * its listener. Method: one life of a socket file. */
TEST(listen, a_unix_socket_file_lives_with_its_listener)
{
    struct t_dir dir = t_dir_new();
    char path[80];
    char peer_name[90];
    struct stat info;
    cflight_error *error = NULL;
    (void)snprintf(path, sizeof path, "%s/socket", dir.path);
    (void)snprintf(peer_name, sizeof peer_name, "unix:%s", path);
    mode_t mask = umask(077);
    struct cfl_listener *listener = t_listen_unix(path);
    (void)umask(mask);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 077, 0);
    assert_int_equal(cfl_listener_port(listener), 0);
    expect_unix_pair(listener, path, peer_name);
    CHECK_STATUS(try_listen(NULL, 0, path, &error), CFLIGHT_ALREADY_EXISTS);
    t_expect_error(error, "another process listens on it");
    expect_unix_pair(listener, path, peer_name);
    cfl_listener_free(listener);
    assert_int_equal(access(path, F_OK), -1);
    t_dir_done(&dir);
}

/* Goal: a file whose owner died is replaced. Method: bind a socket by hand, close it without
 * unlinking, listen. */
TEST(listen, a_stale_socket_file_is_replaced)
{
    struct t_dir dir = t_dir_new();
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char peer_name[160];
    (void)snprintf(un.sun_path, sizeof un.sun_path, "%s/socket", dir.path);
    (void)snprintf(peer_name, sizeof peer_name, "unix:%s", un.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(listen(fd, 1), 0);
    (void)close(fd);
    struct cfl_listener *listener = t_listen_unix(un.sun_path);
    expect_unix_pair(listener, un.sun_path, peer_name);
    cfl_listener_free(listener);
    t_dir_done(&dir);
}

/* Goal: a file that is no socket is never removed. Method: listen on the path of a regular file. */
TEST(listen, a_regular_file_is_not_replaced)
{
    struct t_dir dir = t_dir_new();
    char path[80];
    cflight_error *error = NULL;
    (void)snprintf(path, sizeof path, "%s/file", dir.path);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    CHECK_STATUS(try_listen(NULL, 0, path, &error), CFLIGHT_ALREADY_EXISTS);
    t_expect_error(error, "is not a socket");
    assert_int_equal(unlink(path), 0);
    t_dir_done(&dir);
}

/* Goal: a listener removes only its own file. Method: replace the file by another's, and free it in
 * a child process. */
TEST(listen, only_the_own_file_is_removed)
{
    struct t_dir dir = t_dir_new();
    char path[80];
    (void)snprintf(path, sizeof path, "%s/socket", dir.path);
    struct cfl_listener *first = t_listen_unix(path);
    pid_t child = fork();
    if (child == 0) {
        cfl_listener_free(first);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
    struct cfl_listener *second = t_listen_unix(path);
    cfl_listener_free(first);
    assert_int_equal(access(path, F_OK), 0);
    cfl_listener_free(second);
    t_dir_done(&dir);
}

/* Goal: names in the abstract namespace work and leave no file. Method: a name made of this
 * process's number. */
TEST(listen, abstract_names_work)
{
    char name[64];
    char peer_name[72];
    cflight_error *error = NULL;
    (void)snprintf(name, sizeof name, "@cflight-net-%d", (int)getpid());
    (void)snprintf(peer_name, sizeof peer_name, "unix:%s", name);
    struct cfl_listener *listener = t_listen_unix(name);
    expect_unix_pair(listener, name, peer_name);
    CHECK_STATUS(try_listen(NULL, 0, name, &error), CFLIGHT_ALREADY_EXISTS);
    t_expect_error(error, name);
    assert_int_equal(access(name, F_OK), -1);
    cfl_listener_free(listener);
}

/* Goal: running out of descriptors is reported, and the connection waits.
 * Method: lower the limit to what is open, accept, raise it, accept. */
TEST(listen, a_connection_waits_when_descriptors_run_out)
{
    int fds[CFL_LISTENER_FDS_MAX];
    struct rlimit before;
    struct cfl_transport *server = NULL;
    struct cfl_transport *client = NULL;
    cflight_error *error = NULL;
    struct cfl_listener *listener = t_listen("127.0.0.1", 0);
    struct cfl_dial_target target = {.host = "127.0.0.1", .port = cfl_listener_port(listener)};
    (void)cfl_listener_fds(listener, fds);
    CHECK_OK(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &client, &error), error);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit tight = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    cflight_status status = cfl_listener_accept(listener, fds[0], NULL, &server, &error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK_STATUS(status, CFLIGHT_RESOURCE_EXHAUSTED);
    assert_null(server);
    t_expect_error(error, "cannot accept a connection: Too many open files");
    error = NULL;
    server = t_accept(listener, NULL);
    cfl_transport_free(server);
    cfl_transport_free(client);
    cfl_listener_free(listener);
}

/* Goal: no allocation failure crashes or leaks, nor leaves a file behind. Method: fail each in
 * turn. */
TEST(listen, every_allocation_failure_is_reported)
{
    struct t_dir dir = t_dir_new();
    char path[80];
    (void)snprintf(path, sizeof path, "%s/socket", dir.path);
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_listen_target target = {.unix_path = path};
        struct cfl_listener *listener = NULL;
        cflight_status status = cfl_listen(&alloc->allocator, &target, &listener, NULL);
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        cfl_listener_free(listener);
        assert_int_equal(alloc->live_count, 0);
        assert_int_equal(access(path, F_OK), -1);
    }
    t_dir_done(&dir);
}
