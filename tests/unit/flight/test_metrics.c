/* SPDX-License-Identifier: Apache-2.0 */
/* What servers and clients count, against what they were asked for; the application's own series;
 * the text. */
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "peer.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

enum { CONNECTIONS_MAX = 3, THREADS = 4, CALLS = 50 };

static cflight_metrics *new_metrics(void)
{
    cflight_metrics *metrics = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_metrics_new(NULL, &metrics, &error), error);
    return metrics;
}

static double value(cflight_metrics *metrics, const char *name, const char *label,
                    const char *label_value)
{
    const struct cflight_metric_label labels[] = {{label, label_value}};
    double sum = -1;
    cflight_error *error = NULL;
    CHECK_OK(cflight_metrics_value(metrics, name, labels, label == NULL ? 0 : 1, &sum, &error),
             error);
    return sum;
}

static double of_method(cflight_metrics *metrics, const char *name, enum cflight_method method)
{
    return value(metrics, name, "grpc_method", cflight_method_name(method));
}

/* The text, terminated. */
static char *text_of(cflight_metrics *metrics, enum cflight_metrics_format format)
{
    cflight_buffer *buffer = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_metrics_text(metrics, format, &buffer, &error), error);
    struct cflight_bytes bytes = cflight_buffer_bytes(buffer);
    char *text = strndup((const char *)bytes.data, bytes.len_bytes);
    cflight_buffer_unref(buffer);
    return text;
}

static void check_has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL) {
        fail_msg("'%s' is not in:\n%s", line, text);
    }
}

/* ---- what servers and clients count ---- */

static void start(struct t_service *service, cflight_metrics *metrics)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    options.metrics = metrics;
    options.connections_max = CONNECTIONS_MAX;
    t_service_start(service, "grpc://127.0.0.1:0", &options);
}

static cflight_client *counted_client(const struct t_service *service, cflight_metrics *metrics)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    options.metrics = metrics;
    return t_client(service, &options);
}

/* Goal: each call is counted once, under its method and status, on both sides. Method: every
 * method, once with success and once with a failure where the service can be asked for one. */
TEST(metrics, count_calls_by_method_and_status)
{
    cflight_metrics *metrics = new_metrics();
    struct t_service service;
    start(&service, metrics);
    cflight_client *client = counted_client(&service, metrics);
    double handled = 0;
    for (int id = T_METHOD_FIRST; id <= T_METHOD_LAST; id++) {
        enum cflight_method method = (enum cflight_method)id;
        cflight_error *error = NULL;
        cflight_status status = t_rpc(client, method, "rows=10", NULL, &error);
        cflight_error_free(error);
        handled++;
        for (int side = 0; side < 2; side++) {
            const struct cflight_metric_label labels[] = {
                {"grpc_method", cflight_method_name(method)},
                {"grpc_code", status == CFLIGHT_OK ? "OK" : "Unimplemented"},
            };
            const char *started =
                side == 0 ? "grpc_server_started_total" : "grpc_client_started_total";
            const char *total =
                side == 0 ? "grpc_server_handled_total" : "grpc_client_handled_total";
            double count = 0;
            CHECK_OK(cflight_metrics_value(metrics, total, labels, 2, &count, NULL), NULL);
            assert_true(status == CFLIGHT_OK || status == CFLIGHT_UNIMPLEMENTED);
            assert_true(count == 1);
            assert_true(of_method(metrics, started, method) == 1);
            assert_true(value(metrics, total, NULL, NULL) == handled);
        }
        assert_true(of_method(metrics, "grpc_server_handling_seconds", method) == 1);
        assert_true(of_method(metrics, "cflight_server_calls_in_flight", method) == 0);
        assert_true(of_method(metrics, "cflight_client_calls_in_flight", method) == 0);
    }
    CHECK_STATUS(t_rpc(client, CFLIGHT_METHOD_DO_GET, "fail status=5", NULL, NULL),
                 CFLIGHT_NOT_FOUND);
    assert_true(value(metrics, "grpc_server_handled_total", "grpc_code", "NotFound") == 1);
    assert_true(value(metrics, "grpc_client_handled_total", "grpc_code", "NotFound") == 1);
    cflight_client_free(client);
    t_service_stop(&service);
    cflight_metrics_free(metrics);
}

/* Goal: rows, batches, messages and bytes are those that moved, and the same on both ends. Method:
 * a DoGet of three batches of 100 rows, with a thread of the handler and without; a DoPut of one of
 * ten. */
TEST(metrics, count_rows_batches_and_bytes)
{
    static const enum cflight_method GET = CFLIGHT_METHOD_DO_GET;
    static const enum cflight_method PUT = CFLIGHT_METHOD_DO_PUT;
    cflight_metrics *metrics = new_metrics();
    struct t_service service;
    start(&service, metrics);
    cflight_client *client = counted_client(&service, metrics);
    CHECK_OK(t_rpc(client, GET, "batches=3 rows=100", NULL, NULL), NULL);
    CHECK_OK(t_rpc(client, GET, "handed batches=3 rows=100", NULL, NULL), NULL);
    assert_true(of_method(metrics, "cflight_server_sent_batches_total", GET) == 6);
    assert_true(of_method(metrics, "cflight_server_sent_rows_total", GET) == 600);
    assert_true(of_method(metrics, "cflight_client_received_batches_total", GET) == 6);
    assert_true(of_method(metrics, "cflight_client_received_rows_total", GET) == 600);
    assert_true(of_method(metrics, "grpc_server_msg_sent_total", GET) == 8); /* and two schemas */
    assert_true(of_method(metrics, "grpc_client_msg_received_total", GET) == 8);
    double sent = of_method(metrics, "cflight_server_sent_bytes_total", GET);
    assert_true(sent > 600 * 8 && sent < 600 * 40);
    assert_true(of_method(metrics, "cflight_client_received_bytes_total", GET) == sent);
    assert_true(of_method(metrics, "grpc_server_msg_received_total", GET) == 2);
    CHECK_OK(t_rpc(client, PUT, "x", NULL, NULL), NULL);
    assert_true(of_method(metrics, "cflight_server_received_batches_total", PUT) == 1);
    assert_true(of_method(metrics, "cflight_server_received_rows_total", PUT) == 10);
    assert_true(of_method(metrics, "cflight_client_sent_rows_total", PUT) == 10);
    assert_true(of_method(metrics, "cflight_client_sent_bytes_total", PUT) ==
                of_method(metrics, "cflight_server_received_bytes_total", PUT));
    assert_true(of_method(metrics, "cflight_server_sent_rows_total", PUT) == 0);
    cflight_client_free(client);
    t_service_stop(&service);
    cflight_metrics_free(metrics);
}

/* Goal: a call that runs is in flight, a stream that the client does not read is a stalled one, and
 * what the server holds goes when it goes. Method: a DoGet of more than the client's window that is
 * read only after the server was seen to wait. */
TEST(metrics, tell_of_streams_that_wait)
{
    static const enum cflight_method GET = CFLIGHT_METHOD_DO_GET;
    cflight_metrics *metrics = new_metrics();
    cflight_reader *reader = NULL;
    cflight_error *error = NULL;
    struct t_service service;
    start(&service, metrics);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(cflight_client_do_get(client, t_text("batches=400 rows=4000"), NULL, &reader, &error),
             error);
    struct cflight_chunk chunk;
    CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
    cflight_chunk_release(&chunk);
    while (of_method(metrics, "cflight_server_window_stalls_total", GET) == 0) {
        (void)sched_yield();
    }
    assert_true(of_method(metrics, "cflight_server_calls_in_flight", GET) == 1);
    assert_true(value(metrics, "cflight_server_connections", NULL, NULL) == 1);
    assert_true(value(metrics, "cflight_server_threads", NULL, NULL) >= 2);
    assert_true(value(metrics, "cflight_server_handlers_max", NULL, NULL) == 64);
    assert_true(value(metrics, "cflight_server_unread_bytes_max", NULL, NULL) > 0);
    cflight_reader_free(reader);
    while (of_method(metrics, "cflight_server_calls_in_flight", GET) != 0) {
        (void)sched_yield();
    }
    assert_true(value(metrics, "grpc_server_handled_total", "grpc_code", "Canceled") == 1);
    cflight_client_free(client);
    t_service_stop(&service);
    assert_true(value(metrics, "cflight_server_connections", NULL, NULL) == 0);
    assert_true(value(metrics, "cflight_server_handlers_max", NULL, NULL) == 0); /* no server */
    assert_true(value(metrics, "cflight_server_connections_accepted_total", NULL, NULL) == 1);
    cflight_metrics_free(metrics);
}

/* Goal: what is refused is counted, by the name of the limit. Method: more connections than may be,
 * a call of a method that there is not, metadata over its limit, a draining server. */
TEST(metrics, count_what_is_refused)
{
    cflight_metrics *metrics = new_metrics();
    struct t_service service;
    struct t_raw raw = {0};
    start(&service, metrics);
    int fds[CONNECTIONS_MAX + 1];
    for (int i = 0; i <= CONNECTIONS_MAX; i++) {
        fds[i] = t_socket_connect(cflight_server_port(service.server));
        while (value(metrics, "cflight_server_connections_accepted_total", NULL, NULL) +
                   value(metrics, "cflight_server_connections_refused_total", NULL, NULL) <
               i + 1) {
            (void)sched_yield();
        }
    }
    assert_true(value(metrics, "cflight_server_connections_accepted_total", NULL, NULL) ==
                CONNECTIONS_MAX);
    assert_true(value(metrics, "cflight_server_limits_struck_total", "limit", "connections_max") ==
                1);
    t_raw_client_start(&raw);
    t_raw_ack(&raw);
    t_raw_request(&raw, 1, NULL);
    assert_true(t_socket_send(fds[0], &raw));
    while (value(metrics, "cflight_server_calls_refused_total", "reason", "unknown_method") == 0) {
        (void)sched_yield();
    }
    assert_true(value(metrics, "grpc_server_started_total", NULL, NULL) == 0);
    t_raw_done(&raw);
    for (int i = 0; i <= CONNECTIONS_MAX; i++) {
        (void)close(fds[i]);
    }
    t_service_stop(&service);
    cflight_metrics_free(metrics);
}

/* Goal: a client tells of connections, made and not made, and of calls that never got out. */
TEST(metrics, of_clients_tell_of_connections)
{
    cflight_metrics *metrics = new_metrics();
    struct t_service service;
    start(&service, metrics);
    cflight_client *client = counted_client(&service, metrics);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_DO_GET, "rows=1", NULL, NULL), NULL);
    assert_true(value(metrics, "cflight_client_connections_made_total", NULL, NULL) == 1);
    t_service_stop(&service);
    CHECK_STATUS(t_rpc(client, CFLIGHT_METHOD_DO_GET, "rows=1", NULL, NULL), CFLIGHT_UNAVAILABLE);
    assert_true(value(metrics, "cflight_client_connections_failed_total", NULL, NULL) == 1);
    assert_true(value(metrics, "grpc_client_started_total", NULL, NULL) == 2);
    assert_true(value(metrics, "grpc_client_handled_total", "grpc_code", "Unavailable") == 1);
    cflight_client_free(client);
    cflight_metrics_free(metrics);
}

static void *make_calls(void *user_data)
{
    cflight_client *client = user_data;
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(t_rpc(client, CFLIGHT_METHOD_DO_GET, "rows=7", NULL, NULL), CFLIGHT_OK);
    }
    return NULL;
}

/* Goal: no count is lost when threads count and others look. */
TEST(metrics, are_whole_under_load)
{
    cflight_metrics *metrics = new_metrics();
    struct t_service service;
    pthread_t threads[THREADS];
    double before = 0;
    start(&service, metrics);
    cflight_client *client = counted_client(&service, metrics);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_calls, client), 0);
    }
    while (before < THREADS * CALLS) {
        double now = value(metrics, "grpc_client_handled_total", "grpc_code", "OK");
        assert_true(now >= before);
        before = now;
        char *text = text_of(metrics, CFLIGHT_METRICS_OPENMETRICS);
        check_has(text, "# EOF\n");
        free(text);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_true(value(metrics, "grpc_server_handled_total", NULL, NULL) == THREADS * CALLS);
    assert_true(value(metrics, "cflight_server_sent_rows_total", NULL, NULL) ==
                THREADS * CALLS * 7);
    assert_true(value(metrics, "grpc_server_handling_seconds", NULL, NULL) == THREADS * CALLS);
    cflight_client_free(client);
    t_service_stop(&service);
    cflight_metrics_free(metrics);
}

/* Goal: servers and clients keep their metrics. */
TEST(metrics, may_be_freed_first)
{
    cflight_metrics *metrics = new_metrics();
    struct t_service service;
    start(&service, metrics);
    cflight_client *client = counted_client(&service, metrics);
    cflight_metrics_free(metrics);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_DO_GET, "rows=1", NULL, NULL), NULL);
    t_service_stop(&service);
    cflight_client_free(client);
}

/* ---- the application's own ---- */

static cflight_metric *add(cflight_metrics *metrics, struct cflight_metric_params *params)
{
    cflight_metric *metric = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_metrics_add(metrics, params, &metric, &error), error);
    return metric;
}

static struct cflight_metric_params params_of(const char *name, enum cflight_metric_kind kind)
{
    struct cflight_metric_params params = CFLIGHT_METRIC_PARAMS_INIT;
    params.name = name;
    params.kind = kind;
    return params;
}

static double read_seven(void *user_data)
{
    (*(int *)user_data)++;
    return 7;
}

/* Goal: series take what their kind takes, and appear in the text as Prometheus wants it: escapes,
 * buckets that add up, numbers with a point in any locale. */
TEST(metrics, of_applications_appear_in_the_text)
{
    static const double BOUNDS[] = {0.25, 2};
    const struct cflight_metric_label labels[] = {{"path", "C:\\a \"b\"\n"}, {"user", "\xC3\xA4"}};
    cflight_metrics *metrics = new_metrics();
    int read_count = 0;
    struct cflight_metric_params params = params_of("app_jobs_total", CFLIGHT_METRIC_COUNTER);
    params.help = "Jobs\\tasks\nthat ended.";
    params.labels = labels;
    params.label_count = 2;
    cflight_metric *counter = add(metrics, &params);
    assert_ptr_equal(add(metrics, &params), counter);
    params = params_of("app_queue", CFLIGHT_METRIC_GAUGE);
    cflight_metric *gauge = add(metrics, &params);
    params = params_of("app_read", CFLIGHT_METRIC_GAUGE);
    params.read = read_seven;
    params.user_data = &read_count;
    cflight_metric *read = add(metrics, &params);
    params = params_of("app_seconds", CFLIGHT_METRIC_HISTOGRAM);
    params.bounds = BOUNDS;
    params.bound_count = 2;
    cflight_metric *histogram = add(metrics, &params);
    cflight_metric_increase(counter, 2);
    cflight_metric_increase(counter, -1);
    cflight_metric_set(counter, 9);
    cflight_metric_set(gauge, 1.5);
    cflight_metric_increase(gauge, -2);
    cflight_metric_observe(histogram, 0.25);
    cflight_metric_observe(histogram, 1);
    cflight_metric_observe(histogram, 3);
    cflight_metric_increase(NULL, 1);
    cflight_metric_set(NULL, 1);
    cflight_metric_observe(NULL, 1);
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    char *text = text_of(metrics, CFLIGHT_METRICS_PROMETHEUS);
    char *open = text_of(metrics, CFLIGHT_METRICS_OPENMETRICS);
    (void)setlocale(LC_ALL, "C");
    check_has(text, "# HELP app_jobs_total Jobs\\\\tasks\\nthat ended.\n"
                    "# TYPE app_jobs_total counter\n"
                    "app_jobs_total{path=\"C:\\\\a \\\"b\\\"\\n\",user=\"\xC3\xA4\"} 2\n");
    check_has(text, "# TYPE app_queue gauge\napp_queue -0.5\n");
    check_has(text, "app_read 7\n");
    check_has(text, "# TYPE app_seconds histogram\napp_seconds_bucket{le=\"0.25\"} 1\n"
                    "app_seconds_bucket{le=\"2\"} 2\napp_seconds_bucket{le=\"+Inf\"} 3\n"
                    "app_seconds_sum 4.25\napp_seconds_count 3\n");
    check_has(open, "# TYPE app_jobs counter\napp_jobs_total{");
    check_has(open, "app_seconds_bucket{le=\"2.0\"} 2\n");
    free(text);
    free(open);
    assert_int_equal(read_count, 2);
    cflight_metric_remove(read);
    cflight_metric_remove(counter);
    text = text_of(metrics, CFLIGHT_METRICS_PROMETHEUS);
    assert_null(strstr(text, "app_read"));
    check_has(text, "app_jobs_total{"); /* added twice */
    free(text);
    cflight_metric_remove(counter);
    cflight_metric_remove(NULL);
    assert_true(value(metrics, "app_jobs_total", NULL, NULL) == 0);
    cflight_metrics_free(metrics);
}

static void check_refused(cflight_metrics *metrics, const struct cflight_metric_params *params,
                          cflight_status expected)
{
    cflight_metric *metric = NULL;
    cflight_error *error = NULL;
    CHECK_STATUS(cflight_metrics_add(metrics, params, &metric, &error), expected);
    assert_string_not_equal(cflight_error_message(error), "");
    assert_null(metric);
    cflight_error_free(error);
}

/* Goal: what would make a text that nobody can read is refused, with words. */
TEST(metrics, refuse_names_and_labels_that_are_none)
{
    static const struct {
        const char *name;
        enum cflight_metric_kind kind;
    } WRONG[] = {
        {"", CFLIGHT_METRIC_GAUGE},         {"1a", CFLIGHT_METRIC_GAUGE},
        {"a b", CFLIGHT_METRIC_GAUGE},      {"a:b", CFLIGHT_METRIC_GAUGE},
        {"a\n", CFLIGHT_METRIC_GAUGE},      {"\xC3\xA4", CFLIGHT_METRIC_GAUGE},
        {"a", CFLIGHT_METRIC_COUNTER},      {"a_total", CFLIGHT_METRIC_GAUGE},
        {"_total", CFLIGHT_METRIC_COUNTER}, {"a", (enum cflight_metric_kind)0},
        {"a", (enum cflight_metric_kind)4}, {NULL, CFLIGHT_METRIC_GAUGE},
    };
    static const struct cflight_metric_label LABELS[][2] = {
        {{"a", "1"}, {"a", "2"}},  {{"a b", "1"}, {"c", "2"}},  {{"__a", "1"}, {"c", "2"}},
        {{"le", "1"}, {"c", "2"}}, {{"a", "\xFF"}, {"c", "2"}}, {{"a", NULL}, {"c", "2"}},
        {{NULL, "1"}, {"c", "2"}},
    };
    static const double FALLING[] = {2, 1};
    cflight_metrics *metrics = new_metrics();
    struct cflight_metric_params params;
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        params = params_of(WRONG[i].name, WRONG[i].kind);
        check_refused(metrics, &params, CFLIGHT_INVALID_ARGUMENT);
    }
    for (size_t i = 0; i < sizeof LABELS / sizeof LABELS[0]; i++) {
        params = params_of("a", CFLIGHT_METRIC_GAUGE);
        params.labels = LABELS[i];
        params.label_count = 2;
        check_refused(metrics, &params, CFLIGHT_INVALID_ARGUMENT);
    }
    params = params_of("a", CFLIGHT_METRIC_GAUGE);
    params.label_count = 1;
    check_refused(metrics, &params, CFLIGHT_INVALID_ARGUMENT);
    params = params_of("a", CFLIGHT_METRIC_HISTOGRAM);
    params.bounds = FALLING;
    params.bound_count = 2;
    check_refused(metrics, &params, CFLIGHT_INVALID_ARGUMENT);
    params = params_of("grpc_server_handled_total", CFLIGHT_METRIC_COUNTER);
    check_refused(metrics, &params, CFLIGHT_ALREADY_EXISTS);
    params = params_of("a", CFLIGHT_METRIC_GAUGE);
    (void)add(metrics, &params);
    params.kind = CFLIGHT_METRIC_HISTOGRAM;
    check_refused(metrics, &params, CFLIGHT_INVALID_ARGUMENT);
    params = params_of("a", CFLIGHT_METRIC_GAUGE);
    params.read = read_seven;
    check_refused(metrics, &params, CFLIGHT_ALREADY_EXISTS);
    cflight_metrics_free(metrics);
}

/* Goal: labels from strangers have an end. */
TEST(metrics, have_at_most_so_many_series)
{
    struct cflight_metrics_options options = CFLIGHT_METRICS_OPTIONS_INIT;
    struct cflight_metric_params params = params_of("app_users", CFLIGHT_METRIC_GAUGE);
    struct cflight_metric_label label = {"user", "a"};
    cflight_metrics *metrics = NULL;
    options.series_max = 2;
    CHECK_OK(cflight_metrics_new(&options, &metrics, NULL), NULL);
    params.labels = &label;
    params.label_count = 1;
    cflight_metric *first = add(metrics, &params);
    label.value = "b";
    (void)add(metrics, &params);
    label.value = "c";
    check_refused(metrics, &params, CFLIGHT_RESOURCE_EXHAUSTED);
    cflight_metric_remove(first);
    (void)add(metrics, &params);
    cflight_metrics_free(metrics);
}

/* Goal: lack of memory is an error at any point, and nothing leaks. */
TEST(metrics, survive_lack_of_memory)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cflight_metrics_options options = CFLIGHT_METRICS_OPTIONS_INIT;
        struct cflight_metric_params params = params_of("app_s", CFLIGHT_METRIC_HISTOGRAM);
        const struct cflight_metric_label label = {"user", "a"};
        cflight_metrics *metrics = NULL;
        cflight_metric *metric = NULL;
        cflight_buffer *text = NULL;
        options.allocator = &alloc->allocator;
        params.labels = &label;
        params.label_count = 1;
        cflight_status status = cflight_metrics_new(&options, &metrics, NULL);
        if (status == CFLIGHT_OK) {
            status = cflight_metrics_add(metrics, &params, &metric, NULL);
        }
        if (status == CFLIGHT_OK) {
            status = cflight_metrics_text(metrics, CFLIGHT_METRICS_PROMETHEUS, &text, NULL);
        }
        assert_true(status == CFLIGHT_OK || status == CFLIGHT_RESOURCE_EXHAUSTED);
        cflight_buffer_unref(text);
        cflight_metrics_free(metrics);
        assert_int_equal(alloc->live_count, 0);
    }
}
