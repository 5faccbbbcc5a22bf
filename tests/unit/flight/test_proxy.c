/* SPDX-License-Identifier: Apache-2.0 */
/* Clients behind an HTTP proxy, over real sockets: the way through it, what is said when there is
 * none, and a server that says nothing. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs.h"
#include "peer.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

enum { TIMEOUT_MS = 20000, SHORT_MS = 100, HEAD_BYTES_MAX = 1024, LONG_HEAD_BYTES = 9000 };

/* A proxy that gives one answer to everybody. */
struct proxy {
    struct t_peer peer;
    char uri[80];
    int target_port;           /* where its tunnels lead, whatever it is asked for */
    const char *answer;        /* NULL: none */
    bool plays_server;         /* and says its first words in the packet of the answer */
    bool answers_slowly;       /* byte by byte */
    char head[HEAD_BYTES_MAX]; /* the last request */
    int request_count;
};

/* Reads a request up to its empty line. */
static bool read_head(int fd, char head[HEAD_BYTES_MAX])
{
    size_t len_bytes = 0;
    head[0] = '\0';
    while (len_bytes + 1 < HEAD_BYTES_MAX && strstr(head, "\r\n\r\n") == NULL) {
        if (recv(fd, head + len_bytes, 1, 0) != 1) {
            return false;
        }
        head[++len_bytes] = '\0';
    }
    return true;
}

static bool send_all(int fd, const void *data, size_t len_bytes, size_t piece_bytes)
{
    const char *at = data;
    while (len_bytes > 0) {
        ssize_t count =
            send(fd, at, len_bytes < piece_bytes ? len_bytes : piece_bytes, MSG_NOSIGNAL);
        if (count <= 0) {
            return false;
        }
        at += count;
        len_bytes -= (size_t)count;
    }
    return true;
}

/* Moves bytes both ways until either end is gone. */
static void relay(int client_fd, int server_fd)
{
    struct pollfd fds[2] = {{.fd = client_fd, .events = POLLIN},
                            {.fd = server_fd, .events = POLLIN}};
    char data[4096];
    for (bool goes_on = true; goes_on;) {
        assert_true(poll(fds, 2, TIMEOUT_MS) > 0);
        for (int i = 0; i < 2 && goes_on; i++) {
            if (fds[i].revents != 0) {
                ssize_t count = recv(fds[i].fd, data, sizeof data, 0);
                goes_on = count > 0 && send_all(fds[1 - i].fd, data, (size_t)count, sizeof data);
            }
        }
    }
}

static const char SETTINGS[] = {0, 0, 0, T_SETTINGS, 0, 0, 0, 0, 0};

static void serve(void *user_data, int fd)
{
    struct proxy *proxy = user_data;
    char data[LONG_HEAD_BYTES + 1000] = "";
    if (!read_head(fd, proxy->head)) {
        return;
    }
    proxy->request_count++;
    if (proxy->answer == NULL) {
        (void)recv(fd, data, 1, 0); /* until the client gives up */
        return;
    }
    size_t len_bytes = strlen(proxy->answer);
    memcpy(data, proxy->answer, len_bytes);
    int server_fd = proxy->target_port == 0 ? -1 : t_socket_connect(proxy->target_port);
    if (proxy->plays_server) {
        memcpy(data + len_bytes, SETTINGS, sizeof SETTINGS);
        len_bytes += sizeof SETTINGS;
    }
    bool is_sent = send_all(fd, data, len_bytes, proxy->answers_slowly ? 1 : sizeof data);
    if (is_sent && server_fd >= 0) {
        relay(fd, server_fd);
    } else if (is_sent && proxy->plays_server) {
        t_peer_say_nothing(NULL, fd);
    }
    if (server_fd >= 0) {
        (void)close(server_fd);
    }
}

static int port_of(const char *location)
{
    return (int)strtol(strrchr(location, ':') + 1, NULL, 10);
}

static void start(struct proxy *proxy, const char *user)
{
    t_peer_start(&proxy->peer, serve, proxy);
    (void)snprintf(proxy->uri, sizeof proxy->uri, "http://%s127.0.0.1:%d", user,
                   port_of(proxy->peer.location));
}

/* One call by a client of its own. Returns its status. */
static cflight_status call(const char *location, const struct cflight_client_options *options,
                           cflight_error **reterr)
{
    struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_client *client = NULL;
    call_options.timeout_ms = TIMEOUT_MS;
    CHECK_OK(cflight_client_new(location, options, &client, reterr), *reterr);
    cflight_status status =
        t_rpc(client, CFLIGHT_METHOD_DO_GET, "batches=2", &call_options, reterr);
    cflight_client_free(client);
    return status;
}

static void expect_reached(const char *location, const struct cflight_client_options *options)
{
    cflight_error *error = NULL;
    CHECK_OK(call(location, options, &error), error);
}

/* Goal: a client reaches a server through the proxy that it is given, which alone looks up the
 * server's name; user and password go to the proxy. Method: a name that nobody can look up, and a
 * proxy that answers whole, byte by byte, and with an interim answer before. */
TEST(proxy, a_server_is_reached_through_it)
{
    static const char OK[] = "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n";
    struct t_service service;
    struct proxy proxies[] = {
        {.answer = OK},
        {.answer = OK, .answers_slowly = true},
        {.answer = "HTTP/1.0 204 \n\n"},
        {.answer = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 299 x\r\n\r\n"},
    };
    t_service_start(&service, NULL, NULL);
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
        struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
        proxies[i].target_port = port_of(service.location);
        start(&proxies[i], i == 0 ? "Aladdin:open%20sesame@" : "");
        options.proxy = proxies[i].uri;
        expect_reached("grpc://flight.invalid:815", &options);
        t_peer_stop(&proxies[i].peer);
        assert_string_equal(proxies[i].head, i > 0 ? "CONNECT flight.invalid:815 HTTP/1.1\r\n"
                                                     "Host: flight.invalid:815\r\n\r\n"
                                                   : "CONNECT flight.invalid:815 HTTP/1.1\r\n"
                                                     "Host: flight.invalid:815\r\n"
                                                     "Proxy-Authorization: Basic "
                                                     "QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
    }
    t_service_stop(&service);
}

/* Goal: what the server says right behind the answer of the proxy is not lost. */
TEST(proxy, the_first_words_of_the_server_may_come_with_its_answer)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct proxy proxy = {.answer = "HTTP/1.1 200 OK\r\n\r\n", .plays_server = true};
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    start(&proxy, "");
    options.proxy = proxy.uri;
    CHECK_OK(cflight_client_new("grpc://flight.invalid:1", &options, &client, &error), error);
    CHECK_OK(cflight_client_connect(client, NULL, &error), error);
    cflight_client_free(client);
    t_peer_stop(&proxy.peer);
}

/* Goal: TLS is spoken with the server, not with the proxy, and its name is verified. */
TEST(proxy, tls_goes_through_it)
{
    struct t_service service;
    struct cflight_server_options server_options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct proxy proxy = {.answer = "HTTP/1.1 200 OK\r\n\r\n"};
    struct t_cert_options cert_options = {.common_name = "leaf", .sans = "DNS:flight.invalid"};
    struct t_cert cert = t_cert_new(&cert_options);
    struct cflight_tls_key_pair pair = {t_cert_pem(&cert), t_key_pem(&cert)};
    cflight_error *error = NULL;
    server_options.tls.key_pairs = &pair;
    server_options.tls.key_pair_count = 1;
    t_service_start(&service, "grpc+tls://localhost:0", &server_options);
    proxy.target_port = port_of(service.location);
    start(&proxy, "");
    options.proxy = proxy.uri;
    options.tls.root_certs = t_cert_pem(&cert);
    expect_reached("grpc+tls://flight.invalid", &options);
    CHECK_STATUS(call("grpc+tls://other.invalid", &options, &error), CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "other.invalid"));
    cflight_error_free(error);
    t_peer_stop(&proxy.peer);
    assert_int_equal(strncmp(proxy.head, "CONNECT other.invalid:443 ", 26), 0);
    t_service_stop(&service);
    t_cert_done(&cert);
}

/* Goal: the variables lead to the proxy, exceptions and an empty option past it, and Unix sockets
 * have none. Method: variables with a proxy that refuses everybody. */
TEST(proxy, variables_lead_to_it)
{
    struct t_service service;
    struct t_service local;
    char path[64];
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct proxy proxy = {.answer = "HTTP/1.1 403 Forbidden\r\n\r\n"};
    cflight_error *error = NULL;
    (void)snprintf(path, sizeof path, "grpc+unix:@cflight-proxy-%ld", (long)getpid());
    t_service_start(&service, NULL, NULL);
    t_service_start(&local, path, NULL);
    start(&proxy, "");
    assert_int_equal(setenv("https_proxy", proxy.uri, 1), 0);
    CHECK_STATUS(call(service.location, NULL, &error), CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "403 Forbidden"));
    cflight_error_free(error);
    expect_reached(local.location, NULL);
    options.proxy = "";
    expect_reached(service.location, &options);
    assert_int_equal(setenv("no_proxy", "localhost", 1), 0);
    expect_reached(service.location, NULL);
    assert_int_equal(unsetenv("no_proxy"), 0);
    assert_int_equal(unsetenv("https_proxy"), 0);
    t_peer_stop(&proxy.peer);
    assert_int_equal(proxy.request_count, 1);
    t_service_stop(&local);
    t_service_stop(&service);
}

/* Goal: what a proxy answers instead of opening the way is in the error, with its name, what it was
 * asked for, and no more than a line of it; the call is safe to try again, and the password is not
 * told. */
TEST(proxy, its_refusals_are_told)
{
    static char long_head[LONG_HEAD_BYTES] = "HTTP/1.1 200 OK\r\nX: ";
    static const struct {
        const char *answer;
        const char *text;
    } CASES[] = {
        {"HTTP/1.1 407 Proxy Authentication Required\r\nX: y\r\n\r\nbody",
         "asked for flight.invalid:1, answered: \"HTTP/1.1 407 Proxy Authentication Required\""},
        {"HTTP/1.1 302 F\x1b[1m\r\n\r\n", "answered: \"HTTP/1.1 302 F?[1m\""},
        {"HTTP/1.1 2000\r\n\r\n", "answered without a status: \"HTTP/1.1 2000\""},
        {"HTTP/1.1 okay\r\n\r\n", "answered without a status: \"HTTP/1.1 okay\""},
        {"SSH-2.0-x\r\n", "gave an answer that is not HTTP/1: \"SSH-2.0-x\""},
        {"\x15\x03\x01", "gave an answer that is not HTTP/1: \"???\""},
        {"HTTP/1.1 200 OK\r\n", "closed the connection when it was asked for flight.invalid:1"},
        {"", "closed the connection when it was asked for flight.invalid:1"},
        {long_head, "answered with too many headers (over 8 KiB)"},
    };
    size_t begin_bytes = strlen(long_head);
    memset(long_head + begin_bytes, 'x', sizeof long_head - begin_bytes - 1);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
        struct proxy proxy = {.answer = CASES[i].answer};
        char name[64];
        cflight_error *error = NULL;
        start(&proxy, "ann:secret@");
        (void)snprintf(name, sizeof name, "the proxy 127.0.0.1:%d", port_of(proxy.peer.location));
        options.proxy = proxy.uri;
        CHECK_STATUS(call("grpc://flight.invalid:1", &options, &error), CFLIGHT_UNAVAILABLE);
        const char *message = cflight_error_message(error);
        if (strstr(message, CASES[i].text) == NULL || strstr(message, name) == NULL ||
            strstr(message, "secret") != NULL || strlen(message) > 400) {
            fail_msg("'%s': expected '%s' and '%s'", message, CASES[i].text, name);
        }
        assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
        cflight_error_free(error);
        t_peer_stop(&proxy.peer);
    }
}

/* Goal: a proxy that is not there is named as one. */
TEST(proxy, its_absence_is_told)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct proxy proxy = {.answer = ""};
    cflight_error *error = NULL;
    start(&proxy, "");
    t_peer_stop(&proxy.peer); /* the port is free now */
    options.proxy = proxy.uri;
    CHECK_STATUS(call("grpc://flight.invalid:1", &options, &error), CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "cannot connect to the proxy 127.0.0.1:"));
    cflight_error_free(error);
    error = NULL;
    options.proxy = "http://proxy.invalid:1";
    CHECK_STATUS(call("grpc://flight.invalid:1", &options, &error), CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "cannot reach the proxy proxy.invalid:1"));
    cflight_error_free(error);
}

/* Goal: a proxy that accepts and says nothing is left after the connect timeout, or when the call
 * is cancelled. */
static void *trigger(void *user_data)
{
    cflight_cancel_trigger(user_data);
    return NULL;
}

TEST(proxy, its_silence_ends)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
    struct proxy proxy = {.answer = NULL};
    pthread_t thread;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    start(&proxy, "");
    options.proxy = proxy.uri;
    options.connect_timeout_ms = SHORT_MS;
    CHECK_STATUS(call("grpc://flight.invalid:1", &options, &error), CFLIGHT_DEADLINE_EXCEEDED);
    assert_non_null(strstr(cflight_error_message(error), "the connect timeout passed while the "
                                                         "proxy 127.0.0.1:"));
    assert_non_null(strstr(cflight_error_message(error), "was asked for flight.invalid:1"));
    cflight_error_free(error);
    error = NULL;

    options.connect_timeout_ms = TIMEOUT_MS;
    CHECK_OK(cflight_cancel_new(&call_options.cancel, &error), error);
    CHECK_OK(cflight_client_new("grpc://flight.invalid:1", &options, &client, &error), error);
    assert_int_equal(pthread_create(&thread, NULL, trigger, call_options.cancel), 0);
    CHECK_STATUS(cflight_client_connect(client, &call_options, &error), CFLIGHT_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    cflight_error_free(error);
    cflight_client_free(client);
    cflight_cancel_unref(call_options.cancel);
    t_peer_stop(&proxy.peer);
}

/* ---- a server that says nothing ---- */

/* Goal: connecting is over when the server spoke, not when it accepted: its silence meets the
 * connect timeout, plain and under TLS, and a cancelled handle. */
TEST(silence, of_a_server_ends)
{
    static const struct {
        const char *scheme;
        const char *text;
    } CASES[] = {
        {"grpc", "it accepted the connection and sent no HTTP/2 SETTINGS"},
        {"grpc+tls", "during the TLS handshake with 127.0.0.1:"},
    };
    struct t_peer peer;
    char location[80];
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
    pthread_t thread;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    t_peer_start(&peer, t_peer_say_nothing, NULL);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(location, sizeof location, "%s://127.0.0.1:%d", CASES[i].scheme,
                       port_of(peer.location));
        options.connect_timeout_ms = SHORT_MS;
        CHECK_OK(cflight_client_new(location, &options, &client, &error), error);
        CHECK_STATUS(cflight_client_connect(client, NULL, &error), CFLIGHT_DEADLINE_EXCEEDED);
        assert_non_null(strstr(cflight_error_message(error), "the connect timeout passed"));
        assert_non_null(strstr(cflight_error_message(error), CASES[i].text));
        assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
        cflight_error_free(error);
        error = NULL;
        cflight_client_free(client);

        options.connect_timeout_ms = TIMEOUT_MS;
        CHECK_OK(cflight_client_new(location, &options, &client, &error), error);
        CHECK_OK(cflight_cancel_new(&call_options.cancel, &error), error);
        assert_int_equal(pthread_create(&thread, NULL, trigger, call_options.cancel), 0);
        CHECK_STATUS(cflight_client_connect(client, &call_options, &error), CFLIGHT_CANCELLED);
        assert_int_equal(pthread_join(thread, NULL), 0);
        cflight_error_free(error);
        error = NULL;
        cflight_client_free(client);
        cflight_cancel_unref(call_options.cancel);
    }
    t_peer_stop(&peer);
}

/* ---- roots ---- */

/* Goal: a client that is given no roots trusts those in the file that the variable of gRPC names,
 * and a file that cannot be used is an error that names the variable. */
TEST(default_roots, are_in_the_file_that_the_variable_names)
{
    static const char NAME[] = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH";
    struct t_service service;
    struct cflight_server_options server_options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct t_cert_options cert_options = {.common_name = "leaf", .sans = "DNS:localhost"};
    struct t_cert cert = t_cert_new(&cert_options);
    struct cflight_tls_key_pair pair = {t_cert_pem(&cert), t_key_pem(&cert)};
    char path[] = "/tmp/cflight-roots-XXXXXX";
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    server_options.tls.key_pairs = &pair;
    server_options.tls.key_pair_count = 1;
    t_service_start(&service, "grpc+tls://localhost:0", &server_options);

    assert_int_equal(setenv(NAME, path, 1), 0);
    CHECK_STATUS(cflight_client_new(service.location, NULL, &client, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), NAME));
    cflight_error_free(error);
    error = NULL;
    assert_int_equal(write(fd, cert.cert_pem, strlen(cert.cert_pem)), strlen(cert.cert_pem));
    expect_reached(service.location, NULL);
    assert_int_equal(unlink(path), 0);
    CHECK_STATUS(cflight_client_new(service.location, NULL, &client, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), NAME));
    assert_non_null(strstr(cflight_error_message(error), path));
    cflight_error_free(error);
    assert_int_equal(setenv(NAME, "", 1), 0); /* the system's */
    error = NULL;
    CHECK_STATUS(call(service.location, NULL, &error), CFLIGHT_UNAVAILABLE);
    cflight_error_free(error);
    assert_int_equal(unsetenv(NAME), 0);
    (void)close(fd);
    t_service_stop(&service);
    t_cert_done(&cert);
}
