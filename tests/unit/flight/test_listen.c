/* SPDX-License-Identifier: Apache-2.0 */
/* A server with several locations, and on sockets that it was given. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "certs.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

/* ---- support ---- */

static struct t_cert new_leaf(void)
{
    const struct t_cert_options options = {.common_name = "leaf",
                                           .sans = "DNS:localhost,IP:127.0.0.1"};
    return t_cert_new(&options);
}

/* One call of a new client. */
static cflight_status ask(const char *location, const struct t_cert *trusted,
                          cflight_error **reterr)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    cflight_client *client = NULL;
    if (trusted != NULL) {
        options.tls.root_certs = t_cert_pem(trusted);
    }
    cflight_status status = cflight_client_new(location, &options, &client, reterr);
    if (status == CFLIGHT_OK) {
        status = t_rpc(client, CFLIGHT_METHOD_DO_GET, "batches=1 rows=1", NULL, reterr);
    }
    cflight_client_free(client);
    return status;
}

static void expect_answer(const char *location, const struct t_cert *trusted)
{
    cflight_error *error = NULL;
    CHECK_OK(ask(location, trusted, &error), error);
}

/* A socket that listens on a free port of 127.0.0.1, as a service manager makes it. */
static int new_socket(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static cflight_status start_with(const struct cflight_server_options *options, const char *location,
                                 cflight_error **reterr)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_server *server = NULL;
    cflight_status status = cflight_server_new(location, &handlers, options, &server, reterr);
    cflight_server_free(server);
    return status;
}

static void expect_refusal(const struct cflight_server_options *options, const char *location,
                           cflight_status expected, const char *part)
{
    cflight_error *error = NULL;
    CHECK_STATUS(start_with(options, location, &error), expected);
    assert_non_null(strstr(cflight_error_message(error), part));
    cflight_error_free(error);
}

static void check_locations(const cflight_server *server, size_t expected_count)
{
    const char *const *locations = NULL;
    assert_int_equal(cflight_server_locations(server, &locations), expected_count);
    assert_string_equal(locations[0], cflight_server_location(server));
}

/* ---- tests ---- */

/* Goal: plain, TLS and Unix at once lead to one service. Method: a call by each. */
TEST(listen, one_server_has_several_locations)
{
    struct t_cert leaf = new_leaf();
    char folder[] = "/tmp/cflight_listen_XXXXXX";
    char unix_location[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(unix_location, sizeof unix_location, "grpc+unix://%s/socket", folder);
    const char *more[] = {"grpc+tls://localhost:0", unix_location, "grpc://127.0.0.1:0"};
    struct cflight_tls_key_pair pair = {t_cert_pem(&leaf), t_key_pem(&leaf)};
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    const char *const *locations = NULL;
    cflight_error *error = NULL;
    struct t_service service;
    options.more_locations = more;
    options.more_location_count = 3;
    options.tls.key_pairs = &pair;
    options.tls.key_pair_count = 1;
    t_service_start(&service, NULL, &options);
    check_locations(service.server, 4);
    (void)cflight_server_locations(service.server, &locations);
    assert_int_equal(strncmp(locations[1], "grpc+tls://localhost:", 21), 0);
    assert_string_equal(locations[2], unix_location);
    for (size_t i = 0; i < 4; i++) {
        expect_answer(locations[i], i == 1 ? &leaf : NULL);
    }
    assert_int_equal(t_service_read(&service, &service.locked.started_count), 4);
    CHECK_STATUS(ask(locations[1], NULL, &error), CFLIGHT_UNAVAILABLE); /* nobody trusts the leaf */
    cflight_error_free(error);
    t_service_stop(&service);
    assert_int_equal(rmdir(folder), 0); /* the socket's file is gone */
    t_cert_done(&leaf);
}

/* Goal: a given socket outlives the server, and nobody who comes between two servers is refused.
 * Method: connections are made while no server is there. */
TEST(listen, a_given_socket_goes_from_server_to_server)
{
    struct cflight_server_socket given = {.fd = new_socket()};
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct sockaddr_in address;
    socklen_t len_bytes = sizeof address;
    static const char GREETING[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    struct t_service service;
    char location[64];
    options.sockets = &given;
    options.socket_count = 1;
    assert_int_equal(getsockname(given.fd, (struct sockaddr *)&address, &len_bytes), 0);
    (void)snprintf(location, sizeof location, "grpc://127.0.0.1:%d", ntohs(address.sin_port));
    for (int i = 0; i < 3; i++) {
        int early = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(early, (const struct sockaddr *)&address, len_bytes), 0);
        assert_int_equal(send(early, GREETING, sizeof GREETING, 0), sizeof GREETING);
        t_service_start(&service, "grpc://localhost:0", &options);
        check_locations(service.server, 2);
        const char *const *locations = NULL;
        (void)cflight_server_locations(service.server, &locations);
        assert_string_equal(locations[1], location);
        expect_answer(location, NULL);
        uint8_t first = 0; /* of SETTINGS: the early one was accepted, too */
        assert_int_equal(recv(early, &first, 1, 0), 1);
        t_service_stop(&service);
        (void)close(early);
    }
    (void)close(given.fd);
}

/* Goal: sockets alone suffice, and one of them may speak TLS. */
TEST(listen, sockets_need_no_location)
{
    struct t_cert leaf = new_leaf();
    struct cflight_server_socket given[] = {{new_socket(), true}, {new_socket(), false}};
    struct cflight_tls_key_pair pair = {t_cert_pem(&leaf), t_key_pem(&leaf)};
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    cflight_server *server = NULL;
    cflight_error *error = NULL;
    options.sockets = given;
    options.socket_count = 2;
    options.tls.key_pairs = &pair;
    options.tls.key_pair_count = 1;
    CHECK_OK(cflight_server_new(NULL, &handlers, &options, &server, &error), error);
    check_locations(server, 2);
    const char *const *locations = NULL;
    (void)cflight_server_locations(server, &locations);
    char port[8];
    (void)snprintf(port, sizeof port, "%d", cflight_server_port(server));
    assert_string_equal(strrchr(locations[0], ':') + 1, port);
    CHECK_STATUS(ask(locations[0], &leaf, &error), CFLIGHT_UNIMPLEMENTED);
    cflight_error_free(error);
    error = NULL;
    CHECK_STATUS(ask(locations[1], NULL, &error), CFLIGHT_UNIMPLEMENTED);
    cflight_error_free(error);
    cflight_server_free(server);
    (void)close(given[0].fd);
    (void)close(given[1].fd);
    t_cert_done(&leaf);
}

/* Goal: a Unix socket that was given keeps its file. */
TEST(listen, a_given_unix_socket_keeps_its_file)
{
    char folder[] = "/tmp/cflight_listen_XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_server_socket given = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct t_service service;
    char location[160];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
    assert_int_equal(bind(given.fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(given.fd, 16), 0);
    options.sockets = &given;
    options.socket_count = 1;
    (void)snprintf(location, sizeof location, "grpc+unix://%s", address.sun_path);
    t_service_start(&service, "grpc://localhost:0", &options);
    expect_answer(location, NULL);
    t_service_stop(&service);
    given.is_tls = true;
    expect_refusal(&options, "grpc://localhost:0", CFLIGHT_INVALID_ARGUMENT, "certificate");
    assert_int_equal(unlink(address.sun_path), 0);
    assert_int_equal(rmdir(folder), 0);
    (void)close(given.fd);
}

/* Goal: what cannot be listened on is told, and nothing stays open. Method: the location before the
 * one that fails can be bound again. */
TEST(listen, what_cannot_be_listened_on_is_told)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    const char *more[] = {"grpc://127.0.0.1:0", "http://127.0.0.1:1"};
    struct cflight_server_socket given = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct t_service service;
    expect_refusal(NULL, NULL, CFLIGHT_INVALID_ARGUMENT, "location");
    options.more_locations = more;
    options.more_location_count = 2;
    expect_refusal(&options, NULL, CFLIGHT_NOT_FOUND, "http");
    more[1] = NULL;
    expect_refusal(&options, NULL, CFLIGHT_INVALID_ARGUMENT, "more_locations");
    options.more_location_count = 1;
    t_service_start(&service, NULL, NULL);
    more[0] = service.location;
    expect_refusal(&options, "grpc://127.0.0.1:0", CFLIGHT_ALREADY_EXISTS, "cannot listen on");
    t_service_stop(&service);
    options.more_location_count = 0;
    options.sockets = &given;
    options.socket_count = 1;
    expect_refusal(&options, NULL, CFLIGHT_INVALID_ARGUMENT, "it does not listen");
    (void)close(given.fd);
    expect_refusal(&options, NULL, CFLIGHT_INVALID_ARGUMENT, "it is no socket");
    given.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    expect_refusal(&options, NULL, CFLIGHT_INVALID_ARGUMENT, "no stream socket");
    (void)close(given.fd);
}

/* Goal: the number of listeners is bounded. */
TEST(listen, there_are_at_most_sixty_four)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    const char *more[64];
    struct t_service service;
    for (size_t i = 0; i < 64; i++) {
        more[i] = "grpc://127.0.0.1:0";
    }
    options.more_locations = more;
    options.more_location_count = 64;
    expect_refusal(&options, "grpc://127.0.0.1:0", CFLIGHT_INVALID_ARGUMENT, "at most 64");
    options.more_location_count = 63;
    t_service_start(&service, "grpc://127.0.0.1:0", &options);
    const char *const *locations = NULL;
    check_locations(service.server, 64);
    (void)cflight_server_locations(service.server, &locations);
    expect_answer(locations[63], NULL);
    t_service_stop(&service);
}
