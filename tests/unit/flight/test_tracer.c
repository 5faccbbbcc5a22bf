/* SPDX-License-Identifier: Apache-2.0 */
/* Spans of calls, as hooks for a tracing SDK: joined from client to server and onward, with the
 * names that OpenTelemetry has. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cflight/trace.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

enum { SPANS_MAX = 8, LINE_BYTES = 600 };

/* What one tracer was told. */
struct seen {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool gives_ids;
    bool gives_parent;
    size_t started_count;
    size_t ended_count;
    struct cflight_trace_span spans[SPANS_MAX];
    char names[SPANS_MAX][64];
    char attributes[SPANS_MAX][LINE_BYTES]; /* of both conventions */
    cflight_status status[SPANS_MAX];
    char line[LINE_BYTES]; /* of the request log */
};

static const struct cflight_trace GIVEN = {
    .trace_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
    .span_id = {1, 1, 1, 1, 1, 1, 1, 1},
    .flags = 1,
    .state = {(const uint8_t *)"vendor=1", 8},
};

static void seen_init(struct seen *seen)
{
    memset(seen, 0, sizeof *seen);
    (void)pthread_mutex_init(&seen->mutex, NULL);
    (void)pthread_cond_init(&seen->changed, NULL);
}

static void seen_done(struct seen *seen)
{
    (void)pthread_cond_destroy(&seen->changed);
    (void)pthread_mutex_destroy(&seen->mutex);
}

static void on_start(void *user_data, struct cflight_trace_span *span, void **ret_instance)
{
    struct seen *seen = user_data;
    (void)pthread_mutex_lock(&seen->mutex);
    *ret_instance = &seen->spans[seen->started_count++];
    (void)pthread_mutex_unlock(&seen->mutex);
    if (seen->gives_ids) {
        span->trace = GIVEN;
    }
    if (seen->gives_parent) {
        span->parent = GIVEN;
        span->has_parent = true;
    }
}

static void write_attributes(char *target, const struct cflight_trace_span *span,
                             const struct cflight_call_summary *summary)
{
    size_t written = 0;
    for (int convention = 0; convention < 2; convention++) {
        struct cflight_trace_attribute attributes[CFLIGHT_TRACE_ATTRIBUTES_MAX];
        char address[64];
        size_t count = cflight_trace_attributes(
            span, summary, (enum cflight_trace_convention)convention, address, attributes);
        for (size_t i = 0; i < count; i++) {
            bool is_port = strcmp(attributes[i].name, "network.peer.port") == 0;
            char number[24];
            (void)snprintf(number, sizeof number, "%lld", (long long)attributes[i].number);
            written += (size_t)snprintf(target + written, LINE_BYTES - written, "%s=%s ",
                                        attributes[i].name,
                                        attributes[i].text != NULL ? attributes[i].text
                                        : is_port                  ? "PORT"
                                                                   : number);
        }
    }
}

static void on_end(void *user_data, void *instance, const struct cflight_trace_span *span,
                   const struct cflight_call_summary *summary)
{
    struct seen *seen = user_data;
    (void)pthread_mutex_lock(&seen->mutex);
    size_t index = (size_t)((struct cflight_trace_span *)instance - seen->spans);
    seen->spans[index] = *span;
    seen->status[index] = summary->status;
    (void)snprintf(seen->names[index], sizeof seen->names[index], "%s", span->name);
    write_attributes(seen->attributes[index], span, summary);
    seen->ended_count++;
    (void)pthread_cond_broadcast(&seen->changed);
    (void)pthread_mutex_unlock(&seen->mutex);
}

static void write_line(void *user_data, const char *line)
{
    struct seen *seen = user_data;
    (void)pthread_mutex_lock(&seen->mutex);
    (void)snprintf(seen->line, sizeof seen->line, "%s", line);
    (void)pthread_mutex_unlock(&seen->mutex);
}

/* A server and a client with a tracer each. */
struct traced {
    struct seen at_server;
    struct seen at_client;
    struct cflight_tracer server_tracer;
    struct cflight_tracer client_tracer;
    struct cflight_request_log log;
    struct t_service service;
    cflight_client *client;
};

static struct cflight_tracer tracer_of(struct seen *seen)
{
    struct cflight_tracer tracer = CFLIGHT_TRACER_INIT;
    tracer.user_data = seen;
    tracer.start = on_start;
    tracer.end = on_end;
    return tracer;
}

static void open_traced(struct traced *traced, bool client_traces)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_server_middleware served[2];
    struct cflight_client_middleware sent;
    seen_init(&traced->at_server);
    seen_init(&traced->at_client);
    traced->server_tracer = tracer_of(&traced->at_server);
    traced->client_tracer = tracer_of(&traced->at_client);
    traced->log = (struct cflight_request_log)CFLIGHT_REQUEST_LOG_INIT;
    traced->log.write = write_line;
    traced->log.user_data = &traced->at_server;
    cflight_tracer_server_middleware(&traced->server_tracer, &served[0]);
    cflight_request_log_middleware(&traced->log, &served[1]);
    options.middleware = served;
    options.middleware_count = 2;
    t_service_start(&traced->service, "grpc://127.0.0.1:0", &options);
    cflight_tracer_client_middleware(&traced->client_tracer, &sent);
    client_options.middleware = &sent;
    client_options.middleware_count = client_traces ? 1 : 0;
    traced->client = t_client(&traced->service, &client_options);
}

static void close_traced(struct traced *traced)
{
    cflight_client_free(traced->client);
    t_service_stop(&traced->service);
    seen_done(&traced->at_server);
    seen_done(&traced->at_client);
}

static void check_same_trace(const struct cflight_trace *a, const struct cflight_trace *b)
{
    assert_memory_equal(a->trace_id, b->trace_id, sizeof a->trace_id);
}

/* Goal: both ends have one trace, the client's span is the parent of the server's, and both are
 * told of the end; the log has the trace. Method: a call that is well and one that fails. */
TEST(tracer, joins_client_and_server)
{
    struct traced traced;
    open_traced(&traced, true);
    CHECK_OK(t_rpc(traced.client, CFLIGHT_METHOD_DO_GET, "rows=1", NULL, NULL), NULL);
    CHECK_STATUS(t_rpc(traced.client, CFLIGHT_METHOD_DO_GET, "fail status=5", NULL, NULL),
                 CFLIGHT_NOT_FOUND);
    cflight_client_free(traced.client);
    traced.client = NULL;
    struct seen *server = &traced.at_server;
    struct seen *client = &traced.at_client;
    assert_int_equal(client->ended_count, 2);
    assert_int_equal(server->ended_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct cflight_trace *sent = &client->spans[i].trace;
        assert_true(server->spans[i].is_server && !client->spans[i].is_server);
        assert_true(server->spans[i].has_parent && !client->spans[i].has_parent);
        check_same_trace(&server->spans[i].trace, sent);
        assert_memory_equal(server->spans[i].parent.span_id, sent->span_id, 8);
        assert_memory_not_equal(server->spans[i].trace.span_id, sent->span_id, 8);
        assert_string_equal(server->names[i], "arrow.flight.protocol.FlightService/DoGet");
        assert_string_equal(client->names[i], server->names[i]);
        assert_int_equal(server->status[i], i == 0 ? CFLIGHT_OK : CFLIGHT_NOT_FOUND);
        assert_int_equal(client->status[i], server->status[i]);
    }
    assert_memory_not_equal(client->spans[0].trace.trace_id, client->spans[1].trace.trace_id, 16);
    char trace_id[33] = "";
    for (size_t i = 0; i < 16; i++) {
        (void)snprintf(trace_id + 2 * i, 3, "%02x", server->spans[1].trace.trace_id[i]);
    }
    assert_non_null(strstr(server->line, trace_id));
    close_traced(&traced);
}

/* Goal: attributes have the names of OpenTelemetry's conventions, the older and the newer. */
TEST(tracer, names_things_as_opentelemetry_does)
{
    struct traced traced;
    open_traced(&traced, true);
    CHECK_STATUS(t_rpc(traced.client, CFLIGHT_METHOD_DO_GET, "fail status=5", NULL, NULL),
                 CFLIGHT_NOT_FOUND);
    assert_string_equal(
        traced.at_server.attributes[0],
        "rpc.system=grpc rpc.service=arrow.flight.protocol.FlightService rpc.method=DoGet "
        "network.peer.address=127.0.0.1 network.peer.port=PORT rpc.grpc.status_code=5 "
        "rpc.system.name=grpc rpc.method=arrow.flight.protocol.FlightService/DoGet "
        "network.peer.address=127.0.0.1 network.peer.port=PORT "
        "rpc.response.status_code=NOT_FOUND ");
    assert_string_equal(
        traced.at_client.attributes[0],
        "rpc.system=grpc rpc.service=arrow.flight.protocol.FlightService rpc.method=DoGet "
        "rpc.grpc.status_code=5 rpc.system.name=grpc "
        "rpc.method=arrow.flight.protocol.FlightService/DoGet rpc.response.status_code=NOT_FOUND ");
    close_traced(&traced);
}

/* Goal: an SDK's ids and state are what travels. Method: a client's hook gives a span, then only a
 * parent. */
TEST(tracer, sends_what_the_sdk_gives)
{
    struct traced traced;
    open_traced(&traced, true);
    traced.at_client.gives_ids = true;
    CHECK_OK(t_rpc(traced.client, CFLIGHT_METHOD_DO_GET, "rows=1", NULL, NULL), NULL);
    traced.at_client.gives_ids = false;
    traced.at_client.gives_parent = true;
    CHECK_OK(t_rpc(traced.client, CFLIGHT_METHOD_DO_GET, "rows=1", NULL, NULL), NULL);
    for (size_t i = 0; i < 2; i++) {
        const struct cflight_trace_span *span = &traced.at_server.spans[i];
        check_same_trace(&span->trace, &GIVEN);
        assert_int_equal(span->trace.flags, 1);
        assert_int_equal(span->parent.state.len_bytes, GIVEN.state.len_bytes);
    }
    assert_memory_equal(traced.at_server.spans[0].parent.span_id, GIVEN.span_id, 8);
    assert_memory_not_equal(traced.at_server.spans[1].parent.span_id, GIVEN.span_id, 8);
    assert_memory_equal(traced.at_server.spans[1].parent.span_id,
                        traced.at_client.spans[1].trace.span_id, 8);
    close_traced(&traced);
}

/* Goal: what strangers send as context never counts unless it is whole. Method: headers by hand. */
TEST(tracer, begins_a_trace_where_none_is_valid)
{
    static const char *const WRONG[] = {"", "00-0-0-0",
                                        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                                        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};
    struct traced traced;
    open_traced(&traced, false);
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
        const struct cflight_header header = {t_text("traceparent"), t_text(WRONG[i])};
        options.headers = &header;
        options.header_count = 1;
        CHECK_OK(t_rpc(traced.client, CFLIGHT_METHOD_DO_GET, "rows=1", &options, NULL), NULL);
        assert_false(traced.at_server.spans[i].has_parent);
        assert_true(traced.at_server.spans[i].trace.trace_id[0] != 0);
        assert_int_equal(traced.at_server.spans[i].trace.flags, 0);
    }
    close_traced(&traced);
}

enum { WRITERS = 4, LINES = 3000 };

static void *write_lines(void *user_data)
{
    for (int i = 0; i < LINES; i++) {
        cflight_log_file_write(
            user_data, "a line of some length, so that they are flushed, too, by who writes");
    }
    return NULL;
}

static size_t count_lines(const char *path, size_t len_bytes)
{
    char line[256];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        assert_int_equal(strlen(line), len_bytes + 1); /* whole ones */
        count++;
    }
    (void)fclose(file);
    return count;
}

/* Goal: no line is lost or torn, by several writers, by renaming, at the end; without an end they
 * are there soon. */
TEST(log_file, keeps_each_line)
{
    static const char LINE[] =
        "a line of some length, so that they are flushed, too, by who writes";
    char path[] = "/tmp/cflight_log_XXXXXX";
    char former[sizeof path + 2];
    cflight_log_file *file = NULL;
    cflight_error *error = NULL;
    pthread_t threads[WRITERS];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)snprintf(former, sizeof former, "%s.1", path);
    CHECK_OK(cflight_log_file_new(path, &file, &error), error);
    cflight_log_file_write(file, LINE);
    while (count_lines(path, strlen(LINE)) == 0) {
        (void)sched_yield();
    }
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, file), 0);
    }
    assert_int_equal(rename(path, former), 0);
    CHECK_OK(cflight_log_file_reopen(file, &error), error);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    cflight_log_file_free(file);
    assert_int_equal(count_lines(path, strlen(LINE)) + count_lines(former, strlen(LINE)),
                     1 + WRITERS * LINES);
    (void)unlink(path);
    (void)unlink(former);
    CHECK_STATUS(cflight_log_file_new("/nowhere/at/all", &file, &error), CFLIGHT_NOT_FOUND);
    assert_non_null(strstr(cflight_error_message(error), "/nowhere/at/all"));
    cflight_error_free(error);
    cflight_log_file_free(NULL);
}

struct stream_ends {
    int reader_fd;
    int writer_fd;
    size_t line_count; /* that were read */
};

static void *read_lines(void *user_data)
{
    struct stream_ends *ends = user_data;
    char piece[4096];
    ssize_t count = 0;
    while ((count = read(ends->reader_fd, piece, sizeof piece)) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            ends->line_count += piece[i] == '\n' ? 1 : 0;
        }
    }
    return NULL;
}

/* Goal: who writes to a log that nobody reads does not wait, and neither does its end; what was
 * left out is counted, and the rest comes when somebody reads. */
static void check_no_wait(struct stream_ends ends)
{
    cflight_log_file *file = NULL;
    cflight_error *error = NULL;
    pthread_t reader;
    size_t count = 0;
    int flags = fcntl(ends.writer_fd, F_GETFL);
    CHECK_OK(cflight_log_file_new_fd(ends.writer_fd, &file, &error), error);
    while (cflight_log_file_lost(file) == 0) {
        cflight_log_file_write(file, "a line that nobody reads");
        count++;
    }
    cflight_log_file_free(file);
    CHECK_OK(cflight_log_file_new_fd(ends.writer_fd, &file, &error), error);
    for (count = 0; cflight_log_file_lost(file) == 0; count++) {
        cflight_log_file_write(file, "a line that somebody will read");
    }
    int former_count = -1; /* what the first log left in the pipe */
    assert_int_equal(ioctl(ends.reader_fd, FIONREAD, &former_count), 0);
    uint64_t lost_count = cflight_log_file_lost(file);
    assert_int_equal(pthread_create(&reader, NULL, read_lines, &ends), 0);
    cflight_log_file_free(file);
    assert_int_equal(fcntl(ends.writer_fd, F_GETFL), flags); /* others write there, too */
    (void)close(ends.writer_fd);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_true(former_count > 0 && ends.line_count >= count - lost_count);
    (void)close(ends.reader_fd);
}

TEST(log_file, does_not_wait_for_a_reader)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    check_no_wait((struct stream_ends){.reader_fd = fds[0], .writer_fd = fds[1]});
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    check_no_wait((struct stream_ends){.reader_fd = fds[0], .writer_fd = fds[1]});
}

/* Goal: a reader that has gone, and a descriptor that is none. */
TEST(log_file, loses_what_cannot_be_written)
{
    int fds[2];
    cflight_log_file *file = NULL;
    cflight_error *error = NULL;
    assert_int_equal(pipe(fds), 0);
    CHECK_OK(cflight_log_file_new_fd(fds[1], &file, &error), error);
    (void)close(fds[0]);
    cflight_log_file_write(file, "a line");
    while (cflight_log_file_lost(file) == 0) {
        (void)sched_yield();
    }
    assert_int_equal(cflight_log_file_lost(file), 1);
    CHECK_OK(cflight_log_file_reopen(file, &error), error); /* there is nothing to open */
    cflight_log_file_free(file);
    (void)close(fds[1]);
    CHECK_STATUS(cflight_log_file_new_fd(-1, &file, &error), CFLIGHT_INVALID_ARGUMENT);
    cflight_error_free(error);
}

/* Goal: a pipe of the file system that nobody reads is an error, not a wait. */
TEST(log_file, does_not_wait_for_a_pipe_to_be_opened)
{
    char path[] = "/tmp/cflight_log_XXXXXX";
    cflight_log_file *file = NULL;
    cflight_error *error = NULL;
    assert_non_null(mkdtemp(path));
    char name[sizeof path + 8];
    (void)snprintf(name, sizeof name, "%s/pipe", path);
    assert_int_equal(mkfifo(name, 0600), 0);
    CHECK_STATUS(cflight_log_file_new(name, &file, &error), CFLIGHT_UNKNOWN);
    assert_non_null(strstr(cflight_error_message(error), name));
    cflight_error_free(error);
    (void)unlink(name);
    (void)rmdir(path);
}
