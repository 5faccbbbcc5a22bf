/* SPDX-License-Identifier: Apache-2.0 */
/* What a child of fork() can do with the clients and servers of its parent: let them go. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quiet_fork.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

enum { CHILD_PATIENCE_S = 120 };

/* Goal: in a child of fork() the parent's client and streams fail with the reason, and freeing them
 * there leaves the parent's connection in order.
 * Method: fork with a stream half read; the child uses and frees everything; the parent reads the
 * rest. */
TEST(forks, a_child_cannot_use_its_parents_client)
{
    struct t_service service;
    cflight_error *error = NULL;
    cflight_reader *reader = NULL;
    struct cflight_chunk chunk;
    int64_t rows = 0;
    int wait_status = 0;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(cflight_client_do_get(client, cflight_bytes_from_text("batches=50 rows=20000"), NULL,
                                   &reader, &error),
             error);
    CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
    rows = chunk.batch.length;
    cflight_chunk_release(&chunk);
    pid_t child = t_fork_quietly();
    if (child == 0) {
        cflight_status status = t_rpc(client, CFLIGHT_METHOD_DO_GET, "batches=1", NULL, &error);
        bool is_right = status == CFLIGHT_FAILED_PRECONDITION &&
                        strstr(cflight_error_message(error), "fork") != NULL;
        cflight_error_free(error);
        error = NULL;
        do {
            status = cflight_reader_next(reader, &chunk, &error);
        } while (status == CFLIGHT_OK && !chunk.is_end);
        is_right = is_right && status == CFLIGHT_UNAVAILABLE &&
                   strstr(cflight_error_message(error), "fork") != NULL;
        cflight_reader_free(reader);
        cflight_client_close(client);
        cflight_client_free(client);
        _exit(is_right ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
    for (;;) {
        CHECK_OK(cflight_reader_next(reader, &chunk, &error), error);
        if (chunk.is_end) {
            break;
        }
        rows += chunk.batch.length;
        cflight_chunk_release(&chunk);
    }
    assert_int_equal(rows, 1000000);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", NULL, &error), error);
    cflight_reader_free(reader);
    cflight_client_free(client);
    t_service_stop(&service);
}

/* Two streams of a client. */
struct streams {
    cflight_client *client;
    cflight_reader *first, *second;
};

static void look_at_headers(void *user_data)
{
    const struct cflight_header *headers = NULL;
    (void)cflight_reader_headers(((struct streams *)user_data)->first, &headers);
}

static void use_and_free(void *user_data)
{
    struct streams *streams = user_data;
    cflight_error *error = NULL;
    struct cflight_chunk chunk;
    bool is_right = cflight_reader_next(streams->second, &chunk, &error) == CFLIGHT_UNAVAILABLE &&
                    strstr(cflight_error_message(error), "fork") != NULL;
    cflight_error_free(error);
    look_at_headers(streams);
    cflight_reader_cancel(streams->second);
    cflight_reader_free(streams->second);
    cflight_reader_free(streams->first);
    cflight_client_close(streams->client);
    cflight_client_free(streams->client);
    if (!is_right) {
        _exit(1);
    }
}

/* Goal: the same while a thread of the parent is inside the connection, whose lock nobody gives
 * back in the child. Method: a thread that takes it again and again. */
TEST(forks, a_child_waits_for_no_thread_of_its_parent)
{
    struct t_service service;
    cflight_error *error = NULL;
    struct streams streams = {0};
    t_service_start(&service, NULL, NULL);
    streams.client = t_client(&service, NULL);
    struct cflight_bytes ticket = cflight_bytes_from_text("batches=50 rows=20000");
    CHECK_OK(cflight_client_do_get(streams.client, ticket, NULL, &streams.first, &error), error);
    CHECK_OK(cflight_client_do_get(streams.client, ticket, NULL, &streams.second, &error), error);
    t_fork_beside(look_at_headers, use_and_free, &streams);
    cflight_reader_free(streams.first);
    cflight_reader_free(streams.second);
    cflight_client_free(streams.client);
    t_service_stop(&service);
}

/* Goal: a child of fork() that ends its parent's server ends nothing of it, and does not wait for
 * threads that it does not have.
 * Method: fork while the server runs; the child shuts it down, waits, frees it; the parent's client
 * and a new one make calls. A child that hangs is killed by its own alarm. */
TEST(forks, a_child_cannot_end_its_parents_server)
{
    struct t_service service;
    cflight_error *error = NULL;
    int wait_status = 0;
    t_service_start(&service, NULL, NULL);
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", NULL, &error), error);
    pid_t child = t_fork_quietly();
    if (child == 0) {
        (void)alarm(CHILD_PATIENCE_S);
        cflight_server_shutdown(service.server, 0);
        cflight_server_wait(service.server);
        cflight_server_free(service.server);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", NULL, &error), error);
    cflight_client *other = t_client(&service, NULL);
    CHECK_OK(t_rpc(other, CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", NULL, &error), error);
    cflight_client_free(other);
    cflight_client_free(client);
    t_service_stop(&service);
}
