/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics port, over plain sockets: what it answers, and that nobody can keep it. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cflight/metrics.h"
#include "flight/metrics/http_request.h"
#include "peer.h"
#include "test.h"

enum { CONNECTIONS_MAX = 4, SLOW_MS = 200, CROWD = 40 };

struct port {
    cflight_metrics *metrics;
    cflight_metrics_http *http;
};

static void start(struct port *port, int64_t timeout_ms)
{
    struct cflight_metrics_http_options options = CFLIGHT_METRICS_HTTP_OPTIONS_INIT;
    cflight_error *error = NULL;
    options.connections_max = CONNECTIONS_MAX;
    options.timeout_ms = timeout_ms;
    CHECK_OK(cflight_metrics_new(NULL, &port->metrics, &error), error);
    CHECK_OK(cflight_metrics_http_new("127.0.0.1:0", port->metrics, &options, &port->http, &error),
             error);
}

static void stop(struct port *port)
{
    cflight_metrics_http_free(port->http);
    cflight_metrics_free(port->metrics);
}

static int connect_to(const struct port *port)
{
    return t_socket_connect(cflight_metrics_http_port(port->http));
}

static bool send_text(int fd, const char *text, size_t len_bytes)
{
    struct t_raw raw = {0};
    t_raw_append(&raw, text, len_bytes);
    bool is_sent = t_socket_send(fd, &raw);
    t_raw_done(&raw);
    return is_sent;
}

/* What comes until the end, terminated. */
static void read_answer(int fd, struct t_raw *ret_answer)
{
    *ret_answer = (struct t_raw){0};
    t_socket_read_to_end(fd, ret_answer);
    t_raw_append(ret_answer, "", 1);
}

/* Sends a request and checks the first line, and what else is to be there. */
static void check_answer(const struct port *port, const char *request, const char *status,
                         const char *content)
{
    struct t_raw answer;
    int fd = connect_to(port);
    assert_true(send_text(fd, request, strlen(request)));
    read_answer(fd, &answer);
    const char *text = (const char *)answer.data;
    if (strncmp(text, status, strlen(status)) != 0 || strstr(text, content) == NULL) {
        fail_msg("%s was answered: %s", request, text);
    }
    t_raw_done(&answer);
    (void)close(fd);
}

#define GET "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"

/* Goal: those who ask properly get the text in the format that they want; others are told. */
TEST(metrics_http, answers_with_the_text)
{
    struct port port;
    start(&port, 0);
    check_answer(&port, GET, "HTTP/1.1 200 OK\r\n",
                 "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    check_answer(&port, GET, "HTTP/1.1 200 OK\r\n", "\ncflight_build_info{version=");
    check_answer(&port,
                 "GET /metrics?x=1 HTTP/1.1\r\nhost: a\r\n"
                 "ACCEPT: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n\r\n",
                 "HTTP/1.1 200 OK\r\n", "application/openmetrics-text; version=1.0.0");
    check_answer(&port, "\r\nGET http://a:1/metrics HTTP/1.0\n\n", "HTTP/1.1 200", "# TYPE");
    check_answer(&port, "HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK", "close\r\n\r\n");
    check_answer(&port, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404", "/metrics");
    check_answer(&port, "GET /metricsx HTTP/1.1\r\n\r\n", "HTTP/1.1 404", "");
    check_answer(&port, "POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405", "Allow: GET, HEAD\r\n");
    check_answer(&port, "GET /metrics HTTP/2.0\r\n", "HTTP/1.1 505", "");
    check_answer(&port, "GET /metrics\r\n", "HTTP/1.1 400", "");
    check_answer(&port, "\x16\x03\x01", "HTTP/1.1 400", ""); /* TLS */
    check_answer(&port, "GET\t/metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 400", "");
    check_answer(&port, "AMETHODTHATISFARTOOLONG", "HTTP/1.1 400", "");
    stop(&port);
}

/* Goal: headers have an end, and what comes after the answer does not destroy it. */
TEST(metrics_http, refuses_large_headers)
{
    static char request[64 << 10];
    struct port port;
    struct t_raw answer;
    start(&port, 0);
    int head_bytes = snprintf(request, sizeof request, "GET /metrics HTTP/1.1\r\nx: ");
    memset(request + head_bytes, 'x', sizeof request - (size_t)head_bytes);
    int fd = connect_to(&port);
    (void)send_text(fd, request, sizeof request);
    read_answer(fd, &answer);
    assert_non_null(strstr((const char *)answer.data, "HTTP/1.1 431 "));
    t_raw_done(&answer);
    (void)close(fd);
    check_answer(&port, GET, "HTTP/1.1 200", "");
    stop(&port);
}

/* Goal: a request that comes byte by byte is read; one that never ends is given up. */
TEST(metrics_http, gives_up_slow_clients)
{
    struct port port;
    struct t_raw answer;
    start(&port, SLOW_MS);
    int fd = connect_to(&port);
    for (size_t i = 0; i < sizeof GET - 1; i++) {
        assert_true(send_text(fd, &GET[i], 1));
    }
    read_answer(fd, &answer);
    assert_non_null(strstr((const char *)answer.data, "HTTP/1.1 200 "));
    t_raw_done(&answer);
    (void)close(fd);
    fd = connect_to(&port);
    assert_true(send_text(fd, GET, 10));
    read_answer(fd, &answer); /* comes back: the port has closed */
    assert_int_equal(answer.len_bytes, 1);
    t_raw_done(&answer);
    (void)close(fd);
    stop(&port);
}

/* Goal: a crowd that says nothing, or does not read, keeps nobody out; the port can be ended while
 * they are there. */
TEST(metrics_http, answers_in_a_crowd)
{
    struct port port;
    int fds[CROWD];
    start(&port, 60000);
    for (int i = 0; i < CROWD; i++) {
        fds[i] = connect_to(&port);
        (void)send_text(fds[i], GET, i % 2 == 0 ? 5 : sizeof GET - 1);
        if (i % 8 == 0) {
            check_answer(&port, GET, "HTTP/1.1 200", "");
        }
    }
    check_answer(&port, GET, "HTTP/1.1 200", "");
    stop(&port);
    for (int i = 0; i < CROWD; i++) {
        (void)close(fds[i]);
    }
}

/* Goal: an address is one, or the error says what is expected; a port that is taken is told. */
TEST(metrics_http, checks_its_address)
{
    static const char *const WRONG[] = {"",      "127.0.0.1",          ":9090", "127.0.0.1:99999",
                                        "a b:1", "127.0.0.1:1/metrics"};
    struct port port;
    cflight_metrics_http *http = NULL;
    char address[32];
    start(&port, 0);
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        cflight_error *error = NULL;
        CHECK_STATUS(cflight_metrics_http_new(WRONG[i], port.metrics, NULL, &http, &error),
                     CFLIGHT_INVALID_ARGUMENT);
        assert_non_null(strstr(cflight_error_message(error), "127.0.0.1:9090"));
        cflight_error_free(error);
    }
    (void)snprintf(address, sizeof address, "127.0.0.1:%d", cflight_metrics_http_port(port.http));
    CHECK_STATUS(cflight_metrics_http_new(address, port.metrics, NULL, &http, NULL),
                 CFLIGHT_ALREADY_EXISTS);
    CHECK_OK(cflight_metrics_http_new("[::1]:0", port.metrics, NULL, &http, NULL), NULL);
    cflight_metrics_http_free(http);
    cflight_metrics_http_free(NULL);
    stop(&port);
}

/* Goal: any bytes have an answer by the time they fill the room, and none before they are a
 * request. Method: every beginning of a request, and random bytes. */
TEST(metrics_http, reads_any_bytes)
{
    uint8_t bytes[CFL_HTTP_REQUEST_BYTES_MAX];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof GET - 1; i++) {
        struct cfl_http_request request = cfl_http_request_read(cflight_bytes_make(GET, i));
        assert_int_equal(request.status, 0);
    }
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = round % 2 == 0 ? (uint8_t)(seed >> 24)
                                      : (uint8_t) "GET /metrics HTTP/1.1\r\n:a"[(seed >> 24) % 25];
        }
        struct cfl_http_request request =
            cfl_http_request_read(cflight_bytes_make(bytes, sizeof bytes));
        assert_true(request.status >= 200 && request.status <= 505);
        (void)cfl_http_request_read(cflight_bytes_make(bytes, (size_t)round % sizeof bytes));
    }
}
