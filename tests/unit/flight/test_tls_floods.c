/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that send handshake messages without end, over TLS: others are served meanwhile, time
 * limits hold, and the connection ends with an error that says why. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "log_capture.h"
#include "peer.h"
#include "service.h"
#include "test.h"
#include "tls_flood.h"

enum {
    CONNECTIONS_MAX = 32,
    CALLS = 20,
    SHORT_TIMEOUT_MS = 4,
    PATIENCE_MS = 30000,
    LATENCY_MS = 10000, /* some ms, but on a machine that has much other work */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    SHARE = 10, /* floods cost more time there */
#else
    SHARE = 1,
#endif
};

static const char REFUSAL[] = "more than 100 handshake messages within a second";

static struct t_cert new_cert(void)
{
    struct t_cert_options options = {.common_name = "leaf", .sans = "DNS:localhost,IP:127.0.0.1"};
    return t_cert_new(&options);
}

static void start_service(struct t_service *service, const struct t_cert *cert)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_tls_key_pair pair = {t_cert_pem(cert), t_key_pem(cert)};
    options.tls.key_pairs = &pair;
    options.tls.key_pair_count = 1;
    t_service_start(service, "grpc+tls://localhost:0", &options);
}

/* One call of a new client; returns how long it took. */
static int64_t ask(const char *location, const struct t_cert *cert, int64_t timeout_ms,
                   cflight_status *ret_status, cflight_error **reterr)
{
    int64_t start_ns = cfl_clock_now_ns(NULL);
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_call_options call = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = cflight_bytes_from_text("any")};
    struct cflight_info *info = NULL;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    options.tls.root_certs = t_cert_pem(cert);
    call.timeout_ms = timeout_ms;
    CHECK_OK(cflight_client_new(location, &options, &client, &error), error);
    *ret_status = cflight_client_get_flight_info(client, &descriptor, &call, &info, reterr);
    if (*ret_status == CFLIGHT_OK) {
        cflight_info_free(info);
    }
    cflight_client_free(client);
    return (cfl_clock_now_ns(NULL) - start_ns) / CFL_NS_PER_MS;
}

static void *send_flood(void *user_data)
{
    t_flood_send(user_data);
    return NULL;
}

struct attack {
    enum t_flood_kind kind;
    size_t connections;
    size_t messages; /* of each */
};

static const struct attack ATTACKS[] = {
    {T_FLOOD_RENEGOTIATIONS, 1, 500000},
    {T_FLOOD_RENEGOTIATIONS, CONNECTIONS_MAX, 50000},
    {T_FLOOD_KEY_UPDATES, 1, 50000},
    {T_FLOOD_KEY_UPDATES, CONNECTIONS_MAX, 3000},
};

static void attack_server(const struct attack *attack, const struct t_service *service,
                          const struct t_cert *cert)
{
    struct t_flood floods[CONNECTIONS_MAX];
    pthread_t threads[CONNECTIONS_MAX];
    int64_t longest_ms = 0;
    for (size_t i = 0; i < attack->connections; i++) {
        t_flood_connect(&floods[i], cflight_server_port(service->server), attack->kind,
                        attack->messages / SHARE);
    }
    for (size_t i = 0; i < attack->connections; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, send_flood, &floods[i]), 0);
    }
    for (int i = 0; i < CALLS; i++) {
        cflight_status status = CFLIGHT_OK;
        cflight_error *error = NULL;
        /* A time limit that passes makes the server look at other connections too. */
        (void)ask(service->location, cert, SHORT_TIMEOUT_MS, &status, NULL);
        int64_t took_ms = ask(service->location, cert, 0, &status, &error);
        CHECK_OK(status, error);
        longest_ms = took_ms > longest_ms ? took_ms : longest_ms;
    }
    for (size_t i = 0; i < attack->connections; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        t_flood_done(&floods[i]);
    }
    print_message("%zu connections: the longest call took %d ms\n", attack->connections,
                  (int)longest_ms);
    assert_in_range(longest_ms, 0, LATENCY_MS);
}

/* Goal: nobody who shakes hands can keep a server's threads or locks busy. Method: renegotiations
 * and key updates without end on one connection and on many; others call meanwhile, some with time
 * limits that pass. The server hangs up and names the address. */
TEST(tls_floods, a_server_serves_others)
{
    struct t_cert cert = new_cert();
    for (size_t i = 0; i < sizeof ATTACKS / sizeof ATTACKS[0]; i++) {
        struct t_service service;
        struct t_capture log;
        char line[128];
        t_capture_start(&log, CFLIGHT_LOG_WARN);
        start_service(&service, &cert);
        attack_server(&ATTACKS[i], &service, &cert);
        (void)snprintf(line, sizeof line, "the peer sent %s", REFUSAL);
        t_capture_wait(&log, line);
        assert_true(t_capture_has(&log, "127.0.0.1:") || t_capture_has(&log, "[::1]:"));
        t_service_stop(&service);
        t_capture_stop(&log);
    }
    t_cert_done(&cert);
}

/* ---- a server that floods ---- */

struct flooder {
    const struct t_cert *cert;
    enum t_flood_kind kind;
    size_t messages;
};

static void serve_flood(void *user_data, int fd)
{
    const struct flooder *flooder = user_data;
    struct t_flood flood;
    if (t_flood_accept(&flood, fd, flooder->cert, flooder->kind, flooder->messages)) {
        t_flood_send(&flood);
    }
    t_flood_done(&flood);
}

/* Goal: a client does not read without end either, and says why it hung up. Method: servers that
 * send hello requests, key updates or tickets instead of an answer. */
TEST(tls_floods, a_client_hangs_up)
{
    struct t_cert cert = new_cert();
    struct flooder flooders[] = {
        {&cert, T_FLOOD_RENEGOTIATIONS, 500000 / SHARE},
        {&cert, T_FLOOD_KEY_UPDATES, 30000 / SHARE},
        {&cert, T_FLOOD_TICKETS, 10000 / SHARE},
    };
    for (size_t i = 0; i < sizeof flooders / sizeof flooders[0]; i++) {
        struct t_peer peer;
        char location[80];
        cflight_status status = CFLIGHT_OK;
        cflight_error *error = NULL;
        t_peer_start(&peer, serve_flood, &flooders[i]);
        (void)snprintf(location, sizeof location, "grpc+tls%s", strstr(peer.location, "://"));
        (void)ask(location, &cert, PATIENCE_MS, &status, &error);
        CHECK_STATUS(status, CFLIGHT_UNAVAILABLE);
        if (strstr(cflight_error_message(error), REFUSAL) == NULL) {
            fail_msg("'%s' is not in: %s", REFUSAL, cflight_error_message(error));
        }
        cflight_error_free(error);
        t_peer_stop(&peer);
    }
    t_cert_done(&cert);
}
