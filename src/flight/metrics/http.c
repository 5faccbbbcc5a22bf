/* SPDX-License-Identifier: Apache-2.0 */
/* The port that Prometheus scrapes: one thread that polls a few connections.
 *
 * Strangers may reach it, so everything has an end: connections are few, and one more ends the
 * oldest; a request is short; request and answer together have one limit of time; each connection
 * is for one request. The thread waits in poll(2) and nowhere else, but for what applications have
 * read (`read` of their metrics). Owner: the handle. Thread class: the connections are the
 * thread's; the handle's functions are free. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log_limit.h"
#include "base/options.h"
#include "base/thread.h"
#include "cflight/types.h"
#include "flight/count/registry.h"
#include "flight/metrics/http_request.h"
#include "net/listen.h"
#include "net/poller.h"

enum {
    DEFAULT_CONNECTIONS_MAX = 16,
    CONNECTIONS_MOST = 1024,
    DEFAULT_TIMEOUT_MS = 10 * 1000,
    LINGER_MS = 1000,
    ACCEPT_PAUSE_MS = 100,
    FIXED_FDS = 1 + CFL_LISTENER_FDS_MAX, /* the waker, and what listens */
};

enum stage {
    READING,
    WRITING,
    LINGERING, /* the answer is on its way, and what the client still says is thrown away */
};

struct client {
    struct cfl_transport *transport; /* NULL: the place is free */
    enum stage stage;
    int64_t accepted_ns;
    int64_t deadline_ns;
    uint8_t input[CFL_HTTP_REQUEST_BYTES_MAX];
    size_t input_bytes;
    struct cfl_buf output;
    size_t sent_bytes;
};

struct cflight_metrics_http {
    const struct cflight_allocator *alloc;
    struct cflight_metrics *metrics;
    pid_t pid; /* of the process that made it: a child of fork() does not have the thread */
    int64_t timeout_ms;
    struct cfl_listener *listener;
    struct cfl_waker waker;
    bool has_waker;
    pthread_t thread;
    bool has_thread;
    atomic_bool is_stopping;
    int64_t accept_ns; /* the thread's, as is the rest: nothing is accepted before */
    struct client *clients;
    size_t client_count;
    struct pollfd *fds;
};

/* ---- one connection ---- */

static void end_client(struct client *client)
{
    cfl_transport_free(client->transport);
    cfl_buf_done(&client->output);
    client->transport = NULL;
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Bad Request";
    }
}

static const char *type_of(int status, bool is_open)
{
    if (status != 200) {
        return "text/plain; charset=utf-8";
    }
    return is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                   : "text/plain; version=0.0.4; charset=utf-8";
}

static void answer(struct cflight_metrics_http *http, struct client *client,
                   struct cfl_http_request request)
{
    cflight_buffer *text = NULL;
    struct cflight_bytes body = cflight_bytes_from_text("metrics are at /metrics\n");
    if (request.status == 200) {
        cflight_error *error = NULL;
        enum cflight_metrics_format format =
            request.wants_open ? CFLIGHT_METRICS_OPENMETRICS : CFLIGHT_METRICS_PROMETHEUS;
        if (cflight_metrics_text(http->metrics, format, &text, &error) == CFLIGHT_OK) {
            body = cflight_buffer_bytes(text);
        } else {
            request.status = 500;
            body = cflight_bytes_from_text("out of memory\n");
        }
        cflight_error_free(error);
    }
    struct cfl_buf *output = &client->output;
    (void)cfl_buf_append_format(output,
                                "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                                "X-Content-Type-Options: nosniff\r\n%sConnection: close\r\n\r\n",
                                request.status, reason_of(request.status),
                                type_of(request.status, request.wants_open), body.len_bytes,
                                request.status == 405 ? "Allow: GET, HEAD\r\n" : "");
    if (!request.is_head) {
        (void)cfl_buf_append_bytes(output, body);
    }
    cflight_buffer_unref(text);
    client->stage = WRITING;
}

static void read_request(struct cflight_metrics_http *http, struct client *client)
{
    const struct iovec view = {client->input + client->input_bytes,
                               sizeof client->input - client->input_bytes};
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    if (cfl_transport_read(client->transport, &view, 1, &len_bytes, &is_eof, &wait, NULL) !=
            CFLIGHT_OK ||
        (is_eof && len_bytes == 0)) {
        end_client(client);
        return;
    }
    client->input_bytes += len_bytes;
    struct cfl_http_request request =
        cfl_http_request_read(cflight_bytes_make(client->input, client->input_bytes));
    if (request.status != 0) {
        answer(http, client, request);
    }
}

static void write_answer(struct client *client, int64_t now_ns)
{
    struct iovec view = {client->output.data + client->sent_bytes,
                         client->output.len_bytes - client->sent_bytes};
    size_t len_bytes = 0;
    unsigned int wait = CFL_READY_NONE;
    if (client->output.failed ||
        cfl_transport_write(client->transport, &view, 1, &len_bytes, &wait, NULL) != CFLIGHT_OK) {
        end_client(client);
        return;
    }
    client->sent_bytes += len_bytes;
    if (client->sent_bytes == client->output.len_bytes) {
        cfl_transport_shutdown_write(client->transport);
        client->stage = LINGERING;
        client->deadline_ns =
            cfl_deadline_earlier(client->deadline_ns, cfl_deadline_after_ms(now_ns, LINGER_MS));
    }
}

static void linger(struct client *client)
{
    int left_bytes = 0;
    if (cfl_transport_is_drained(client->transport, &left_bytes)) {
        end_client(client);
    }
}

static void serve_client(struct cflight_metrics_http *http, struct client *client, int64_t now_ns)
{
    if (client->stage == READING) {
        read_request(http, client);
    }
    if (client->transport != NULL && client->stage == WRITING) {
        write_answer(client, now_ns);
    }
    if (client->transport != NULL && client->stage == LINGERING) {
        linger(client);
    }
}

/* ---- all of them ---- */

/* A place for one more; who has been here longest makes room. */
static struct client *find_place(struct cflight_metrics_http *http)
{
    struct client *oldest = &http->clients[0];
    for (size_t i = 0; i < http->client_count; i++) {
        if (http->clients[i].transport == NULL) {
            return &http->clients[i];
        }
        if (http->clients[i].accepted_ns < oldest->accepted_ns) {
            oldest = &http->clients[i];
        }
    }
    end_client(oldest);
    return oldest;
}

static void accept_one(struct cflight_metrics_http *http, int fd, int64_t now_ns)
{
    struct cfl_transport *transport = NULL;
    cflight_error *error = NULL;
    if (cfl_listener_accept(http->listener, fd, NULL, &transport, &error) != CFLIGHT_OK) {
        CFL_LOG_LIMITED(CFLIGHT_LOG_WARN, "flight", "the metrics port cannot accept: %s",
                        cflight_error_message(error));
        http->accept_ns = cfl_deadline_after_ms(now_ns, ACCEPT_PAUSE_MS);
    }
    cflight_error_free(error);
    if (transport == NULL) {
        return;
    }
    struct client *client = find_place(http);
    client->transport = transport;
    client->stage = READING;
    client->accepted_ns = now_ns;
    client->deadline_ns = cfl_deadline_after_ms(now_ns, http->timeout_ms);
    client->input_bytes = 0;
    client->sent_bytes = 0;
    cfl_buf_init(&client->output, http->alloc);
}

/* Fills what poll(2) waits for, of clients in the order of their places, and tells until when. */
static int64_t plan(struct cflight_metrics_http *http, const int listen_fds[CFL_LISTENER_FDS_MAX],
                    size_t listen_count, int64_t now_ns)
{
    bool is_paused = now_ns < http->accept_ns;
    int64_t until_ns = is_paused ? http->accept_ns : CFL_TIME_NEVER;
    http->fds[0] = (struct pollfd){.fd = http->waker.fd, .events = POLLIN};
    for (size_t i = 0; i < CFL_LISTENER_FDS_MAX; i++) {
        bool is_used = i < listen_count && !is_paused;
        http->fds[1 + i] = (struct pollfd){.fd = is_used ? listen_fds[i] : -1, .events = POLLIN};
    }
    for (size_t i = 0; i < http->client_count; i++) {
        const struct client *client = &http->clients[i];
        struct pollfd *fd = &http->fds[FIXED_FDS + i];
        *fd = (struct pollfd){.fd = -1};
        if (client->transport != NULL) {
            fd->fd = cfl_transport_fd(client->transport);
            fd->events = client->stage == WRITING ? POLLOUT : POLLIN;
            until_ns = cfl_deadline_earlier(until_ns, client->deadline_ns);
        }
    }
    return until_ns;
}

static void *http_main(void *user_data)
{
    struct cflight_metrics_http *http = user_data;
    int listen_fds[CFL_LISTENER_FDS_MAX];
    size_t listen_count = cfl_listener_fds(http->listener, listen_fds);
    while (!atomic_load(&http->is_stopping)) {
        int64_t now_ns = cfl_clock_now_ns(NULL);
        int64_t until_ns = plan(http, listen_fds, listen_count, now_ns);
        if (poll(http->fds, (nfds_t)(FIXED_FDS + http->client_count),
                 cfl_deadline_poll_ms(now_ns, until_ns)) < 0) {
            continue; /* EINTR: of faults alone */
        }
        now_ns = cfl_clock_now_ns(NULL);
        for (size_t i = 0; i < http->client_count; i++) {
            struct client *client = &http->clients[i];
            if (client->transport != NULL && http->fds[FIXED_FDS + i].revents != 0) {
                serve_client(http, client, now_ns);
            }
            if (client->transport != NULL && now_ns >= client->deadline_ns) {
                end_client(client);
            }
        }
        for (size_t i = 0; i < listen_count; i++) {
            if (http->fds[1 + i].revents != 0) {
                accept_one(http, listen_fds[i], now_ns);
            }
        }
    }
    return NULL;
}

/* ---- the handle ---- */

/* "127.0.0.1:9090" is read as the host and port of a URI. */
static cflight_status listen_at(struct cflight_metrics_http *http, const char *address,
                                cflight_error **reterr)
{
    char uri[300];
    struct cflight_location *location = NULL;
    int written = snprintf(uri, sizeof uri, "http://%s", address);
    cflight_status status = CFLIGHT_OK;
    if (written >= (int)sizeof uri ||
        cflight_location_parse(cflight_bytes_from_text(uri), &location, NULL) != CFLIGHT_OK ||
        location->port < 0 || location->host[0] == '\0' || location->path[0] != '\0') {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "'%.200s' is not an address and a port, such as 127.0.0.1:9090",
                                   address);
    } else {
        const struct cfl_listen_target target = {
            .host = location->host,
            .port = (uint16_t)location->port,
        };
        status = cfl_listen(http->alloc, &target, &http->listener, reterr);
    }
    cflight_location_free(location);
    return status;
}

static cflight_status start(struct cflight_metrics_http *http, const char *address,
                            cflight_error **reterr)
{
    http->clients = cfl_alloc_array(http->alloc, http->client_count, sizeof *http->clients);
    http->fds = cfl_alloc_array(http->alloc, FIXED_FDS + http->client_count, sizeof *http->fds);
    if (http->clients == NULL || http->fds == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = listen_at(http, address, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_waker_init(&http->waker, reterr);
        http->has_waker = status == CFLIGHT_OK;
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    int code = cfl_thread_start(&http->thread, NULL, NULL, http_main, http);
    http->has_thread = code == 0;
    return code == 0 ? CFLIGHT_OK
                     : cfl_error_set_os(reterr, CFLIGHT_RESOURCE_EXHAUSTED, code,
                                        "cannot start the thread of the metrics port");
}

cflight_status cflight_metrics_http_new(const char *address, cflight_metrics *metrics,
                                        const struct cflight_metrics_http_options *options,
                                        cflight_metrics_http **ret_http, cflight_error **reterr)
{
    struct cflight_metrics_http_options loaded;
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(address), CFL_ARG(metrics), CFL_ARG(ret_http));
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_metrics_http *http = cfl_alloc_zeroed(loaded.allocator, sizeof *http);
    if (http == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_option_default(&loaded.connections_max, DEFAULT_CONNECTIONS_MAX);
    http->alloc = loaded.allocator;
    http->metrics = cfl_metrics_ref(metrics);
    http->pid = getpid();
    http->timeout_ms = loaded.timeout_ms <= 0 ? DEFAULT_TIMEOUT_MS : loaded.timeout_ms;
    http->client_count = loaded.connections_max < CONNECTIONS_MOST ? loaded.connections_max
                                                                   : (size_t)CONNECTIONS_MOST;
    status = start(http, address, reterr);
    if (status != CFLIGHT_OK) {
        cflight_metrics_http_free(http);
        return status;
    }
    *ret_http = http;
    return CFLIGHT_OK;
}

int cflight_metrics_http_port(const cflight_metrics_http *http)
{
    return cfl_listener_port(http->listener);
}

void cflight_metrics_http_free(cflight_metrics_http *http)
{
    if (http == NULL) {
        return;
    }
    if (http->pid != getpid()) {
        /* The port is let go of; the rest is the parent's, and stays as it is. */
        cfl_listener_free(http->listener);
        http->listener = NULL;
        return;
    }
    atomic_store(&http->is_stopping, true);
    if (http->has_thread) {
        cfl_waker_set(&http->waker);
        (void)pthread_join(http->thread, NULL);
    }
    for (size_t i = 0; http->clients != NULL && i < http->client_count; i++) {
        if (http->clients[i].transport != NULL) {
            end_client(&http->clients[i]);
        }
    }
    cfl_free_array(http->alloc, http->clients, http->client_count, sizeof *http->clients);
    cfl_free_array(http->alloc, http->fds, FIXED_FDS + http->client_count, sizeof *http->fds);
    cfl_listener_free(http->listener);
    if (http->has_waker) {
        cfl_waker_done(&http->waker);
    }
    cflight_metrics_free(http->metrics);
    cfl_free(http->alloc, http, sizeof *http);
}
