/* SPDX-License-Identifier: Apache-2.0 */
/* Whole datasets: endpoints, locations, order, replicas, expiry. */
#include <stdio.h>
#include <string.h>

#include "cflight/fetch.h"
#include "service.h"
#include "test.h"

enum { ENDPOINTS_MAX = 16 };

struct dataset {
    struct cflight_endpoint endpoints[ENDPOINTS_MAX];
    struct cflight_bytes locations[ENDPOINTS_MAX][3];
    struct cflight_info info;
};

static void dataset_init(struct dataset *dataset)
{
    memset(dataset, 0, sizeof *dataset);
    dataset->info.descriptor.type = CFLIGHT_DESCRIPTOR_CMD;
    dataset->info.endpoints = dataset->endpoints;
    dataset->info.total_records = -1;
    dataset->info.total_bytes = -1;
}

/* Adds an endpoint with up to three locations; NULL ends them. */
static void dataset_add(struct dataset *dataset, const char *ticket, const char *a, const char *b)
{
    size_t index = dataset->info.endpoint_count++;
    struct cflight_endpoint *endpoint = &dataset->endpoints[index];
    const char *texts[] = {a, b};
    endpoint->ticket = cflight_bytes_from_text(ticket);
    endpoint->locations = dataset->locations[index];
    for (size_t i = 0; i < 2 && texts[i] != NULL; i++) {
        dataset->locations[index][endpoint->location_count++] = cflight_bytes_from_text(texts[i]);
    }
}

/* Reads the stream to its end; returns its errno and adds up rows and batches. */
static int drain(struct ArrowArrayStream *stream, int64_t *ret_rows, int64_t *ret_batches)
{
    *ret_rows = 0;
    *ret_batches = 0;
    for (;;) {
        struct ArrowArray batch = {0};
        int code = stream->get_next(stream, &batch);
        if (code != 0 || batch.release == NULL) {
            return code;
        }
        *ret_rows += batch.length;
        ++*ret_batches;
        batch.release(&batch);
    }
}

/* Goal: endpoints on several services become one stream, in order, whatever the locations say of
 * the connection. Method: rows number themselves from 0 in every endpoint; sizes differ, so the
 * order shows. */
TEST(fetch, endpoints_become_one_stream_in_order)
{
    struct t_service services[2];
    struct dataset dataset;
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    static const int64_t ROWS[] = {10, 20, 30, 40};
    t_service_start(&services[0], NULL, NULL);
    t_service_start(&services[1], NULL, NULL);
    cflight_client *client = t_client(&services[0], NULL);
    dataset_init(&dataset);
    dataset_add(&dataset, "batches=2 rows=10", NULL, NULL);
    dataset_add(&dataset, "batches=2 rows=20", services[1].location, NULL);
    dataset_add(&dataset, "batches=2 rows=30", CFLIGHT_LOCATION_REUSE_CONNECTION, NULL);
    dataset_add(&dataset, "batches=2 rows=40", services[1].location, NULL);
    dataset.info.ordered = true;
    CHECK_OK(cflight_fetch(client, &dataset.info, NULL, &stream, &error), error);
    cflight_client_free(client); /* the stream keeps it */
    for (int i = 0; i < 8; i++) {
        struct ArrowArray batch = {0};
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        assert_int_equal(batch.length, ROWS[i / 2]);
        t_check_batch(&batch, i % 2 * ROWS[i / 2]);
        batch.release(&batch);
    }
    struct ArrowArray end = {0};
    assert_int_equal(stream.get_next(&stream, &end), 0);
    assert_null(end.release);
    stream.release(&stream);
    assert_int_equal(t_service_read(&services[1], &services[1].locked.started_count), 2);
    t_service_stop(&services[0]);
    t_service_stop(&services[1]);
}

/* Goal: a location that a server ends early, to name another place than it seems to, is refused.
 * Method: a good location, a zero byte, and more. */
TEST(fetch, a_location_with_a_zero_byte_is_refused)
{
    struct t_service service;
    struct dataset dataset;
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    char location[256] = "";
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    int len_bytes =
        snprintf(location, sizeof location, "%s%c.trusted.example:1", service.location, '\0');
    dataset_init(&dataset);
    dataset_add(&dataset, "batches=1 rows=10", service.location, NULL);
    dataset.locations[0][0] = cflight_bytes_make(location, (size_t)len_bytes);
    CHECK_STATUS(cflight_fetch(client, &dataset.info, NULL, &stream, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_non_null(strstr(cflight_error_message(error), "zero byte"));
    cflight_error_free(error);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: more data than all windows, over many endpoints, in either order, arrives whole. */
TEST(fetch, many_large_endpoints_arrive_whole)
{
    for (int any_order = 0; any_order < 2; any_order++) {
        struct t_service services[2];
        struct dataset dataset;
        struct ArrowArrayStream stream;
        struct cflight_fetch_options options = CFLIGHT_FETCH_OPTIONS_INIT;
        cflight_error *error = NULL;
        int64_t rows = 0;
        int64_t batches = 0;
        t_service_start(&services[0], NULL, NULL);
        t_service_start(&services[1], NULL, NULL);
        cflight_client *client = t_client(&services[0], NULL);
        dataset_init(&dataset);
        for (int i = 0; i < 8; i++) {
            dataset_add(&dataset, "batches=20 rows=50000", i % 2 == 0 ? NULL : services[1].location,
                        NULL);
        }
        options.any_order = any_order == 1;
        CHECK_OK(cflight_fetch(client, &dataset.info, &options, &stream, &error), error);
        assert_int_equal(drain(&stream, &rows, &batches), 0);
        assert_int_equal(rows, 8 * 20 * 50000);
        stream.release(&stream);
        cflight_client_free(client);
        t_service_stop(&services[0]);
        t_service_stop(&services[1]);
    }
}

/* Goal: locations are replicas: one that is dead, or that refuses, is passed over while nothing was
 * delivered. */
TEST(fetch, a_failed_replica_is_passed_over)
{
    struct t_service services[2];
    struct dataset dataset;
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    char dead[128];
    int64_t rows = 0;
    int64_t batches = 0;
    t_service_start(&services[0], NULL, NULL);
    t_service_start(&services[1], NULL, NULL);
    (void)snprintf(dead, sizeof dead, "%s", services[1].location);
    t_service_stop(&services[1]);
    cflight_client *client = t_client(&services[0], NULL);
    dataset_init(&dataset);
    dataset_add(&dataset, "batches=3 rows=10", dead, services[0].location);
    dataset_add(&dataset, "batches=3 rows=10", "https://example.com/data", services[0].location);
    CHECK_OK(cflight_fetch(client, &dataset.info, NULL, &stream, &error), error);
    assert_int_equal(drain(&stream, &rows, &batches), 0);
    assert_int_equal(rows, 60);
    stream.release(&stream);
    cflight_client_free(client);
    t_service_stop(&services[0]);
}

/* Goal: failures end the stream with a text that names endpoint and place: in the middle, no usable
 * location, expired. */
TEST(fetch, failures_name_the_endpoint)
{
    struct t_service service;
    struct dataset dataset;
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    int64_t rows = 0;
    int64_t batches = 0;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    dataset_init(&dataset);
    dataset_add(&dataset, "batches=3 rows=10", NULL, NULL);
    dataset_add(&dataset, "batches=3 rows=10 fail_after=2 status=14", NULL, NULL);
    CHECK_OK(cflight_fetch(client, &dataset.info, NULL, &stream, &error), error);
    assert_int_not_equal(drain(&stream, &rows, &batches), 0);
    assert_int_equal(rows, 50); /* what was delivered is not fetched again */
    assert_non_null(strstr(stream.get_last_error(&stream), "endpoint 2 of 2"));
    stream.release(&stream);

    dataset_init(&dataset);
    dataset_add(&dataset, "batches=1", "s3://bucket/key", "https://example.com/x");
    CHECK_STATUS(cflight_fetch(client, &dataset.info, NULL, &stream, &error),
                 CFLIGHT_UNIMPLEMENTED);
    assert_non_null(strstr(cflight_error_message(error), "https://example.com/x"));
    cflight_error_free(error);
    error = NULL;

    dataset_init(&dataset);
    dataset_add(&dataset, "batches=1", NULL, NULL);
    dataset.endpoints[0].expiration_time.has_value = true;
    dataset.endpoints[0].expiration_time.unix_ns = 0;
    CHECK_STATUS(cflight_fetch(client, &dataset.info, NULL, &stream, &error),
                 CFLIGHT_FAILED_PRECONDITION);
    assert_non_null(strstr(cflight_error_message(error), "expired at 1970-01-01T00:00:00Z"));
    cflight_error_free(error);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Goal: dropping the stream early, or triggering its cancel handle, ends all that is open. */
TEST(fetch, dropping_or_cancelling_ends_every_call)
{
    for (int is_cancel = 0; is_cancel < 2; is_cancel++) {
        struct t_service service;
        struct dataset dataset;
        struct ArrowArrayStream stream;
        struct ArrowArray batch = {0};
        struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
        struct cflight_fetch_options options = CFLIGHT_FETCH_OPTIONS_INIT;
        cflight_error *error = NULL;
        t_service_start(&service, NULL, NULL);
        cflight_client *client = t_client(&service, NULL);
        CHECK_OK(cflight_cancel_new(&call_options.cancel, &error), error);
        options.call_options = &call_options;
        dataset_init(&dataset);
        for (int i = 0; i < 4; i++) {
            dataset_add(&dataset, "batches=100000 rows=10000", NULL, NULL);
        }
        CHECK_OK(cflight_fetch(client, &dataset.info, &options, &stream, &error), error);
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        batch.release(&batch);
        if (is_cancel == 1) {
            int64_t rows = 0;
            int64_t batches = 0;
            cflight_cancel_trigger(call_options.cancel);
            assert_int_not_equal(drain(&stream, &rows, &batches), 0);
        }
        stream.release(&stream);
        assert_true(t_service_wait(&service, &service.locked.ended_count,
                                   t_service_read(&service, &service.locked.started_count)));
        cflight_cancel_unref(call_options.cancel);
        cflight_client_free(client);
        t_service_stop(&service);
    }
}
