/* SPDX-License-Identifier: Apache-2.0 */
/* A client between calls: what a server says is heard and answered, by one thread of the library
 * that nobody notices: it is there when needed, gone with the last client, and in the way of
 * neither fork() nor exit(). */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "crowd.h"
#include "event_loop.h"
#include "peer.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

enum { PREFACE_BYTES = 24, PATIENCE_MS = 60 * 1000, CHILD_PATIENCE_S = 120 };

/* ThreadSanitizer knows no children of fork() that start threads. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
enum { MAY_FORK = 0 };
#else
enum { MAY_FORK = 1 };
#endif

/* Threads of this process that have the watch's name; of the last of them, which signals it blocks,
 * as the system tells it: bit 0 is signal 1. */
static int find_watch(uint64_t *ret_blocked)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/task");
    assert_non_null(folder);
    for (struct dirent *item = NULL; (item = readdir(folder)) != NULL;) {
        char path[300];
        char line[256] = "";
        bool is_watch = false;
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", item->d_name);
        FILE *file = fopen(path, "r");
        while (file != NULL && fgets(line, sizeof line, file) != NULL) {
            if (strcmp(line, "Name:\tcflight-idle\n") == 0) {
                is_watch = true;
                count++;
            }
            if (is_watch && strncmp(line, "SigBlk:", 7) == 0) {
                *ret_blocked = strtoull(line + 7, NULL, 16);
            }
        }
        if (file != NULL) {
            (void)fclose(file);
        }
    }
    (void)closedir(folder);
    return count;
}

static int watch_count(void)
{
    uint64_t blocked = 0;
    return find_watch(&blocked);
}

static uint64_t watch_blocked(void)
{
    uint64_t blocked = 0;
    (void)find_watch(&blocked);
    return blocked;
}

/* ---- a server that follows a script ---- */

struct script {
    void (*say)(struct t_raw *raw); /* when the client has connected */
    int awaited;                    /* the type of a frame that must come; 0 is none */
    int awaited_flags;
    bool closes; /* instead of waiting for the client to do it */
    bool has_come;
    bool has_ended; /* the client closed */
    struct t_gate done;
};

static bool has_frame(const struct t_raw *raw, int type, int flags)
{
    struct t_frame frame;
    struct t_raw frames = *raw;
    if (raw->len_bytes < PREFACE_BYTES) {
        return false;
    }
    frames.data += PREFACE_BYTES;
    frames.len_bytes -= PREFACE_BYTES;
    for (size_t i = 0; t_raw_find(&frames, type, i, &frame); i++) {
        if (frame.flags == flags) {
            return true;
        }
    }
    return false;
}

static bool has_awaited(const struct script *script, const struct t_raw *raw)
{
    return script->awaited == 0 || has_frame(raw, script->awaited, script->awaited_flags);
}

static void serve(void *user_data, int fd)
{
    struct script *script = user_data;
    struct t_raw raw = {0};
    struct t_raw input = {0};
    t_raw_wide_server_start(&raw);
    bool is_open = t_socket_send(fd, &raw);
    while (is_open && !has_frame(&input, T_SETTINGS, T_ACK)) {
        is_open = t_socket_read(fd, &input);
    }
    if (script->say != NULL) {
        t_raw_clear(&raw);
        script->say(&raw);
        (void)t_socket_send(fd, &raw);
    }
    while (is_open && !has_awaited(script, &input)) {
        is_open = t_socket_read(fd, &input);
    }
    script->has_come = is_open && has_awaited(script, &input);
    if (!script->closes) {
        t_socket_read_to_end(fd, &input);
        script->has_ended = true;
    }
    t_raw_done(&raw);
    t_raw_done(&input);
    t_gate_open(&script->done);
}

/* A client that connected and is then left alone until the script is done. */
static void run_script(struct script *script, const struct cflight_client_options *options,
                       bool is_awaited_while_open)
{
    struct t_peer peer;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    t_gate_init(&script->done);
    t_peer_start(&peer, serve, script);
    CHECK_OK(cflight_client_new(peer.location, options, &client, &error), error);
    CHECK_OK(cflight_client_connect(client, NULL, &error), error);
    if (is_awaited_while_open) {
        assert_true(t_gate_wait_for(&script->done, PATIENCE_MS));
    }
    cflight_client_free(client);
    t_peer_stop(&peer);
    t_gate_done(&script->done);
}

static void say_ping(struct t_raw *raw)
{
    t_raw_frame(raw, T_PING, 0, 0, "8 bytes.", 8);
}

static void say_goaway(struct t_raw *raw)
{
    t_raw_goaway(raw, INT32_MAX, 0);
}

/* Goal: a server that asks whether an idle client lives gets its answer.
 * Method: PING without a call; the peer ends its script at the ACK, on a connection that stays. */
TEST(idle, a_ping_is_answered)
{
    struct script script = {
        .say = say_ping, .awaited = T_PING, .awaited_flags = T_ACK, .closes = true};
    run_script(&script, NULL, true);
    assert_true(script.has_come);
}

/* Goal: a server that winds down is let go of at once.
 * Method: a GOAWAY without a call; the client must close, while it is left alone. */
TEST(idle, a_goaway_closes_the_connection)
{
    struct script script = {.say = say_goaway};
    run_script(&script, NULL, true);
    assert_true(script.has_ended);
}

/* Goal: keepalive goes out although nobody waits.
 * Method: pings every 20 ms are agreed upon; the peer waits for one. */
TEST(idle, keepalive_is_sent)
{
    struct script script = {.awaited = T_PING, .awaited_flags = 0, .closes = true};
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    options.keepalive_interval_ms = 20;
    options.keepalive_without_calls = true;
    options.keepalive_is_agreed = true;
    run_script(&script, &options, true);
    assert_true(script.has_come);
}

/* Goal: a server that stopped answering is noticed without a call.
 * Method: pings that the peer never answers; the client must close. */
TEST(idle, a_dead_server_is_left)
{
    struct script script = {.awaited = T_PING, .awaited_flags = 0};
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    options.keepalive_interval_ms = 20;
    options.keepalive_timeout_ms = 2000; /* it also binds the server's first words */
    options.keepalive_without_calls = true;
    options.keepalive_is_agreed = true;
    run_script(&script, &options, true);
    assert_true(script.has_come);
    assert_true(script.has_ended);
}

/* Goal: pings are answered also while a call is open that nobody waits for.
 * Method: a DoGet is started and left; the peer pings after its request. */
struct open_call {
    struct t_gate done;
    bool has_come;
};

static void serve_open_call(void *user_data, int fd)
{
    struct open_call *open_call = user_data;
    struct script script = {.awaited = T_PING, .awaited_flags = T_ACK};
    struct t_raw raw = {0};
    struct t_raw input = {0};
    t_raw_wide_server_start(&raw);
    (void)t_socket_send(fd, &raw);
    bool is_open = t_socket_read_request(fd, 1, &input);
    t_raw_clear(&raw);
    say_ping(&raw);
    (void)t_socket_send(fd, &raw);
    while (is_open && !has_awaited(&script, &input)) {
        is_open = t_socket_read(fd, &input);
    }
    open_call->has_come = is_open;
    t_gate_open(&open_call->done);
    t_socket_read_to_end(fd, &input);
    t_raw_done(&raw);
    t_raw_done(&input);
}

TEST(idle, a_ping_is_answered_during_a_call_that_nobody_waits_for)
{
    struct t_peer peer;
    struct open_call open_call = {.has_come = false};
    cflight_client *client = NULL;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    t_gate_init(&open_call.done);
    t_peer_start(&peer, serve_open_call, &open_call);
    CHECK_OK(cflight_client_new(peer.location, NULL, &client, &error), error);
    CHECK_OK(cflight_client_do_get(client, cflight_bytes_from_text("t"), NULL, &reader, &error),
             error);
    assert_true(t_gate_wait_for(&open_call.done, PATIENCE_MS));
    assert_true(open_call.has_come);
    cflight_reader_free(reader);
    cflight_client_free(client);
    t_peer_stop(&peer);
    t_gate_done(&open_call.done);
}

/* ---- the thread ---- */

/* Goal: one thread, however many clients; none after the last.
 * Method: count threads by name. */
TEST(idle, one_thread_serves_all_clients_and_ends_with_the_last)
{
    enum { CLIENTS = 20 };
    struct t_service service;
    cflight_client *clients[CLIENTS];
    cflight_error *error = NULL;
    t_service_start(&service, NULL, NULL);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(watch_count(), 0);
        for (int i = 0; i < CLIENTS; i++) {
            clients[i] = t_client(&service, NULL);
            CHECK_OK(t_rpc(clients[i], CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", NULL, &error), error);
            assert_int_equal(watch_count(), 1);
        }
        for (int i = 0; i < CLIENTS; i++) {
            assert_int_equal(watch_count(), 1);
            cflight_client_free(clients[i]);
        }
    }
    assert_int_equal(watch_count(), 0);
    t_service_stop(&service);
}

/* Goal: the thread takes no signal that was sent to the application, and a fault in memory that is
 * the application's, as a mapped file that was cut, still meets its handler.
 * Method: the system's word on the thread; the watchdog ends a wait for what does not come. */
TEST(idle, the_thread_blocks_all_signals_but_faults)
{
    static const int BLOCKED[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGCHLD, SIGUSR1, SIGPIPE};
    static const int FAULTS[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL};
    struct t_service service;
    cflight_error *error = NULL;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", NULL, &error), error);
    assert_int_equal(watch_count(), 1);
    uint64_t faults = 0;
    for (size_t i = 0; i < sizeof FAULTS / sizeof FAULTS[0]; i++) {
        faults |= UINT64_C(1) << (FAULTS[i] - 1);
    }
    uint64_t blocked = watch_blocked();
    while ((blocked & faults) != 0) { /* a thread begins with all of them blocked */
        (void)sched_yield();
        blocked = watch_blocked();
    }
    for (size_t i = 0; i < sizeof BLOCKED / sizeof BLOCKED[0]; i++) {
        assert_true((blocked >> (BLOCKED[i] - 1) & 1) == 1);
    }
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: a freed client's connection ends although a handle on a finished call is kept, so that the
 * thread can end.
 * Method: keep a reader over the client's end. */
TEST(idle, a_reader_that_is_kept_keeps_no_thread)
{
    struct t_service service;
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    struct cflight_chunk chunk = {.is_end = false};
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(cflight_client_do_get(client, cflight_bytes_from_text("batches=2 rows=10"), NULL,
                                   &reader, &error),
             error);
    while (!chunk.is_end) {
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        if (!chunk.is_end) {
            cflight_chunk_release(&chunk);
        }
    }
    cflight_client_free(client);
    assert_int_equal(watch_count(), 0);
    cflight_reader_free(reader);
    t_service_stop(&service);
}

/* Goal: who wants no thread gets none; neither does a client under an event loop.
 * Method: calls, then count. */
TEST(idle, no_thread_where_none_is_wanted)
{
    struct t_service service;
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    cflight_error *error = NULL;
    cflight_async *async = NULL;
    t_service_start(&service, NULL, NULL);
    options.idle_watch_is_off = true;
    cflight_client *client = t_client(&service, &options);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_DO_GET, "batches=2", NULL, &error), error);
    assert_int_equal(watch_count(), 0);
    cflight_client_free(client);

    client = t_client(&service, NULL);
    CHECK_OK(cflight_client_loop_connect(client, NULL, NULL, NULL, &error), error);
    while (!cflight_client_is_connected(client)) {
        t_turn(client);
    }
    CHECK_OK(cflight_async_start(client, CFLIGHT_METHOD_LIST_FLIGHTS, cflight_bytes_make(NULL, 0),
                                 NULL, &async, &error),
             error);
    for (bool is_ready = false; !is_ready;) {
        cflight_buffer *message = NULL;
        t_turn(client);
        CHECK_OK(cflight_async_try_next(async, &is_ready, &message, &error), error);
        cflight_buffer_unref(message);
    }
    assert_int_equal(watch_count(), 0);
    cflight_async_free(async);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* ---- fork and exit ---- */

struct pings {
    struct t_gate go_on; /* opened when some were answered: from then on nothing takes memory */
};

/* A server that pings without a pause until its client is gone. */
static void serve_pings(void *user_data, int fd)
{
    enum { SOME = 100 };
    struct pings *pings = user_data;
    struct t_raw raw = {0};
    struct t_raw input = {0};
    t_raw_wide_server_start(&raw);
    bool is_open = t_socket_send(fd, &raw);
    t_raw_clear(&raw);
    say_ping(&raw);
    for (int i = 0; is_open; i++) {
        t_raw_clear(&input);
        is_open = t_socket_send(fd, &raw) && t_socket_read(fd, &input);
        if (i == SOME) {
            t_gate_open(&pings->go_on);
        }
    }
    t_raw_done(&raw);
    t_raw_done(&input);
}

/* A process with a service, which ends when its `stop_fd` is closed. It is made while this one has
 * a single thread: sanitizers have locks around memory that fork() does not wait for, so a child
 * must not begin while another thread asks for memory. */
struct service_process {
    pid_t pid;
    int stop_fd;
    char location[64];
};

static void serve_until_closed(int location_fd, int stop_fd)
{
    struct t_service service;
    char location[64] = "";
    char byte = 0;
    t_service_start(&service, NULL, NULL);
    (void)snprintf(location, sizeof location, "%s", service.location);
    if (write(location_fd, location, sizeof location) == sizeof location) {
        (void)read(stop_fd, &byte, 1);
    }
    t_service_stop(&service);
}

static void service_process_start(struct service_process *process)
{
    int location_fds[2];
    int stop_fds[2];
    assert_int_equal(pipe(location_fds), 0);
    assert_int_equal(pipe(stop_fds), 0);
    process->stop_fd = stop_fds[1];
    process->pid = fork();
    if (process->pid == 0) {
        (void)close(stop_fds[1]);
        serve_until_closed(location_fds[1], stop_fds[0]);
        _exit(0);
    }
    (void)close(stop_fds[0]);
    (void)close(location_fds[1]);
    assert_int_equal(read(location_fds[0], process->location, sizeof process->location),
                     sizeof process->location);
    (void)close(location_fds[0]);
}

static void expect_good_end(pid_t child)
{
    int wait_status = 0;
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
}

static void service_process_stop(struct service_process *process)
{
    (void)close(process->stop_fd);
    expect_good_end(process->pid);
}

/* In a child: its own client works, with a watch of its own, and the parent's can be freed. */
static int use_in_child(const char *location, cflight_client *inherited)
{
    cflight_error *error = NULL;
    (void)alarm(CHILD_PATIENCE_S);
    if (watch_count() != 0) {
        return 2;
    }
    cflight_client *client = NULL;
    if (cflight_client_new(location, NULL, &client, &error) != CFLIGHT_OK ||
        t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", NULL, &error) != CFLIGHT_OK) {
        return 3;
    }
    if (watch_count() != 1) {
        return 4;
    }
    cflight_client_free(inherited);
    if (watch_count() != 1) {
        return 5;
    }
    cflight_client_free(client);
    return watch_count() == 0 ? 0 : 6;
}

/* Goal: fork() at any moment leaves a child that can start anew, and a parent that goes on.
 * Method: fork again and again while a peer keeps the thread at work; the children make clients of
 * a server in another process. */
TEST(idle, a_child_starts_anew)
{
    if (!MAY_FORK) {
        skip();
    }
    struct t_peer peer;
    struct pings pings;
    struct service_process process;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    service_process_start(&process);
    t_gate_init(&pings.go_on);
    t_peer_start(&peer, serve_pings, &pings);
    CHECK_OK(cflight_client_new(peer.location, NULL, &client, &error), error);
    CHECK_OK(cflight_client_connect(client, NULL, &error), error);
    assert_true(t_gate_wait_for(&pings.go_on, PATIENCE_MS));
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            _exit(use_in_child(process.location, client));
        }
        expect_good_end(child);
        assert_int_equal(watch_count(), 1);
    }
    cflight_client_free(client);
    t_peer_stop(&peer);
    t_gate_done(&pings.go_on);
    service_process_stop(&process);
}

/* Connects to the place that is told, and ends the process with the client open. */
static void connect_and_exit(int location_fd)
{
    static cflight_client *client; /* reachable to the end */
    char location[64];
    (void)alarm(CHILD_PATIENCE_S);
    if (read(location_fd, location, sizeof location) != sizeof location ||
        cflight_client_new(location, NULL, &client, NULL) != CFLIGHT_OK ||
        cflight_client_connect(client, NULL, NULL) != CFLIGHT_OK) {
        _exit(1);
    }
    exit(0);
}

/* Goal: a process that ends with clients open ends well and at once.
 * Method: children that connect to a peer which keeps the thread at work, and call exit(). They
 * begin before the peer does, so that nothing of its thread is theirs. */
TEST(idle, exit_waits_for_nothing)
{
    if (!MAY_FORK) {
        skip();
    }
    for (int i = 0; i < 20; i++) {
        struct t_peer peer;
        struct pings pings;
        int location_fds[2];
        assert_int_equal(pipe(location_fds), 0);
        pid_t child = fork();
        if (child == 0) {
            connect_and_exit(location_fds[0]);
        }
        (void)close(location_fds[0]);
        t_gate_init(&pings.go_on);
        t_peer_start(&peer, serve_pings, &pings);
        assert_int_equal(write(location_fds[1], peer.location, sizeof peer.location),
                         sizeof peer.location);
        (void)close(location_fds[1]);
        expect_good_end(child);
        t_peer_stop(&peer);
        t_gate_done(&pings.go_on);
    }
}

/* Goal: freeing a client does not wait for a connect that its event loop began.
 * Method: connect to a place that never answers, with the limit of 20 s, and free. */
TEST(idle, a_freed_client_abandons_its_connect)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    struct t_crowd crowd;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    char location[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &address_bytes), 0);
    t_crowd_init(&crowd, fd);
    (void)snprintf(location, sizeof location, "grpc://127.0.0.1:%u",
                   (unsigned int)ntohs(address.sin_port));
    CHECK_OK(cflight_client_new(location, NULL, &client, &error), error);
    CHECK_OK(cflight_client_loop_connect(client, NULL, NULL, NULL, &error), error);
    int64_t begin_ns = cfl_clock_now_ns(NULL);
    cflight_client_free(client);
    assert_true(cfl_clock_now_ns(NULL) - begin_ns < 10 * CFL_NS_PER_S);
    t_crowd_done(&crowd);
    (void)close(fd);
}
