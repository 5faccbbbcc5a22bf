/* SPDX-License-Identifier: Apache-2.0 */
/* The limit of connections for each address at a server. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log_capture.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

/* A connection from another address of this machine. */
static int connect_from(const char *host, int port)
{
    struct sockaddr_in own = {.sin_family = AF_INET};
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(inet_pton(AF_INET, host, &own.sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&server, sizeof server), 0);
    return fd;
}

/* Goal: an address that has all its connections gets no more, and keeps nobody else out. Method: a
 * stranger opens more than the server takes of all together. */
TEST(addresses, a_stranger_leaves_room_for_others)
{
    enum { STRANGERS = 50 };
    struct t_service service;
    struct t_capture log;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    int fds[STRANGERS];
    cflight_error *error = NULL;
    options.connections_per_address_max = 2;
    options.connections_max = STRANGERS / 2;
    t_service_start(&service, "grpc://127.0.0.1:0", &options);
    t_capture_start(&log, CFLIGHT_LOG_WARN);
    for (int i = 0; i < STRANGERS; i++) {
        fds[i] = connect_from("127.0.0.2", cflight_server_port(service.server));
    }
    cflight_client *client = t_client(&service, NULL);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", NULL, &error), error);
    t_capture_wait(&log, "refused: as many connections of its address are open (2) as the server "
                         "allows (connections_per_address_max)");
    for (int i = 0; i < STRANGERS; i++) {
        (void)close(fds[i]);
    }
    cflight_client_free(client);
    t_service_stop(&service);
    t_capture_stop(&log);
}

/* Goal: who has too many is told so in HTTP/2, and has room again when he has closed one. */
TEST(addresses, connections_of_an_address_are_refused_retryably)
{
    struct t_service service;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
    cflight_client *clients[3];
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    call_options.timeout_ms = 30000;
    options.connections_per_address_max = 2;
    t_service_start(&service, "grpc://127.0.0.1:0", &options);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(status, error);
        clients[i] = t_client(&service, NULL);
        status = t_rpc(clients[i], CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", &call_options, &error);
    }
    CHECK_STATUS(status, CFLIGHT_UNAVAILABLE);
    assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_SAFE);
    cflight_client_free(clients[0]);
    for (int i = 0; i < 10000 && status == CFLIGHT_UNAVAILABLE; i++) { /* until the close is seen */
        cflight_error_free(error);
        error = NULL;
        status = t_rpc(clients[2], CFLIGHT_METHOD_GET_FLIGHT_INFO, "x", &call_options, &error);
    }
    CHECK_OK(status, error);
    cflight_client_free(clients[1]);
    cflight_client_free(clients[2]);
    t_service_stop(&service);
}
