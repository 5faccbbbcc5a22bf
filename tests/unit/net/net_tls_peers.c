/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: peers of every kind. Those that our own transports cannot play (old versions, no ALPN) are
 * played by OpenSSL itself. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "net/socket.h"
#include "tls_support.h"

/* ---- Servers with several certificates, and reload ---- */

static void expect_shown(struct cfl_tls_client *client, struct cfl_tls_server *server,
                         const char *name, const char *subject)
{
    struct t_tls_pair pair = t_handshake(client, name, server);
    t_expect_established(&pair);
    assert_string_equal(cfl_transport_peer(pair.client.transport)->cert_subject, subject);
    t_tls_pair_done(&pair);
}

/* Goal: the certificate is chosen by the name the client asks for, and the first one serves
 * everybody else. Method: two key pairs, three names. */
TEST(tls, key_pairs_are_chosen_by_name)
{
    struct t_cert ca = t_ca_new();
    struct t_cert a = t_leaf_new(&ca, "a", "DNS:a.example,IP:127.0.0.1");
    struct t_cert b = t_leaf_new(&ca, "b", "DNS:*.b.example");
    struct cfl_tls_key_pair pairs[2] = {{t_cert_pem(&a), t_key_pem(&a)},
                                        {t_cert_pem(&b), t_key_pem(&b)}};
    struct cfl_tls_server_options options = {.key_pairs = pairs,
                                             .key_pair_count = 2,
                                             .client_auth = CFL_TLS_CLIENT_AUTH_OPTIONAL,
                                             .client_roots_pem = t_cert_pem(&ca)};
    struct cfl_tls_server *server = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_tls_server_new(NULL, &options, &server, &error), error);
    struct cfl_tls_client *client = t_tls_client_trusting(&ca);
    expect_shown(client, server, "a.example", "CN=a");
    expect_shown(client, server, "x.b.example", "CN=b");
    expect_shown(client, server, "127.0.0.1", "CN=a");
    struct t_tls_pair pair = t_handshake(client, "c.example", server);
    CHECK_STATUS(pair.client.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(pair.client.error, "certificate is for DNS:a.example");
    t_tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    t_cert_done(&b);
    t_cert_done(&a);
    t_cert_done(&ca);
}

/* Goal: a reload counts for new connections, leaves old ones alone, and a bad one changes nothing.
 * Method: connect, reload, talk on the old connection, connect anew, reload with a wrong key. */
TEST(tls, a_reload_is_for_new_connections)
{
    struct t_cert ca = t_ca_new();
    struct t_cert first = t_leaf_new(&ca, "first", "DNS:localhost");
    struct t_cert second = t_leaf_new(&ca, "second", "DNS:localhost");
    struct cfl_tls_client *client = t_tls_client_trusting(&ca);
    struct cfl_tls_server *server = t_tls_server_showing(&first);
    cflight_error *error = NULL;
    struct t_tls_pair old = t_handshake(client, "localhost", server);
    t_expect_established(&old);
    t_expect_talk(&old);
    struct cfl_tls_key_pair pair = {t_cert_pem(&second), t_key_pem(&second)};
    struct cfl_tls_server_options options = {.key_pairs = &pair, .key_pair_count = 1};
    CHECK_OK(cfl_tls_server_reload(server, &options, &error), error);
    t_expect_talk(&old);
    expect_shown(client, server, "localhost", "CN=second");
    pair.private_key_pem = t_key_pem(&first);
    CHECK_STATUS(cfl_tls_server_reload(server, &options, &error), CFLIGHT_INVALID_ARGUMENT);
    t_expect_error(error, "does not match");
    expect_shown(client, server, "localhost", "CN=second");
    cfl_tls_server_free(server);
    t_expect_talk(&old);
    t_tls_pair_done(&old);
    cfl_tls_client_unref(client);
    t_cert_done(&second);
    t_cert_done(&first);
    t_cert_done(&ca);
}

/* ---- Peers played by OpenSSL ---- */

struct raw {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

static struct raw raw_new(bool is_server, const struct t_cert *cert, int version, bool has_alpn,
                          int fd)
{
    static const unsigned char H2[] = "\x02h2";
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL's own sockets raise it */
    struct raw raw = {.ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method()),
                      .fd = fd};
    (void)SSL_CTX_set_min_proto_version(raw.ctx, version);
    (void)SSL_CTX_set_max_proto_version(raw.ctx, version);
    (void)SSL_CTX_set_cipher_list(raw.ctx, "ALL:@SECLEVEL=0");
    if (cert != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(raw.ctx, cert->cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(raw.ctx, cert->key), 1);
    }
    if (has_alpn) {
        assert_int_equal(SSL_CTX_set_alpn_protos(raw.ctx, H2, sizeof H2 - 1), 0);
    }
    raw.ssl = SSL_new(raw.ctx);
    assert_int_equal(SSL_set_fd(raw.ssl, fd), 1);
    if (is_server) {
        SSL_set_accept_state(raw.ssl);
    } else {
        SSL_set_connect_state(raw.ssl);
    }
    return raw;
}

static void raw_done(struct raw *raw)
{
    SSL_free(raw->ssl);
    SSL_CTX_free(raw->ctx);
    (void)close(raw->fd);
}

/* Shakes hands between our end and OpenSSL's until ours is done and OpenSSL's is done or stuck.
 * True when the latter succeeded. */
static bool shake(struct t_tls_end *ours, struct raw *raw)
{
    int result = -1;
    for (int i = 0; i < 20; i++) {
        result = result == 1 ? 1 : SSL_do_handshake(raw->ssl);
        t_tls_end_step(ours);
    }
    assert_true(ours->is_done);
    return result == 1;
}

static struct t_tls_end our_server(struct cfl_tls_server *server, int fd)
{
    struct t_tls_end end = {.transport = t_transport_on(NULL, fd)};
    CHECK_STATUS(cfl_transport_start_tls_server(end.transport, server, &end.error), CFLIGHT_OK);
    return end;
}

static struct t_tls_end our_client(struct cfl_tls_client *client, int fd)
{
    struct t_tls_end end = {.transport = t_transport_on(NULL, fd)};
    CHECK_STATUS(cfl_transport_start_tls_client(end.transport, client, "localhost", &end.error),
                 CFLIGHT_OK);
    return end;
}

static void end_done(struct t_tls_end *end)
{
    cfl_transport_free(end->transport);
    cflight_error_free(end->error);
}

/* A client of OpenSSL at our server, after the handshake. */
struct visit {
    struct t_cert ca;
    struct t_cert leaf;
    struct cfl_tls_server *server;
    struct raw raw;
    struct t_tls_end ours;
};

static struct visit visit_new(int version)
{
    int fds[2];
    struct visit visit;
    visit.ca = t_ca_new();
    visit.leaf = t_leaf_new(&visit.ca, "leaf", "DNS:localhost");
    visit.server = t_tls_server_showing(&visit.leaf);
    t_socket_pair(fds);
    visit.raw = raw_new(false, NULL, version, true, fds[0]);
    visit.ours = our_server(visit.server, fds[1]);
    assert_true(shake(&visit.ours, &visit.raw));
    return visit;
}

static void visit_done(struct visit *visit)
{
    end_done(&visit->ours);
    raw_done(&visit->raw);
    cfl_tls_server_free(visit->server);
    t_cert_done(&visit->leaf);
    t_cert_done(&visit->ca);
}

static void expect_server_says(struct cfl_tls_server *server, int version, bool has_alpn,
                               const char *text)
{
    int fds[2];
    t_socket_pair(fds);
    struct raw raw = raw_new(false, NULL, version, has_alpn, fds[0]);
    struct t_tls_end ours = our_server(server, fds[1]);
    bool is_shaken = shake(&ours, &raw);
    if (text == NULL) {
        CHECK_OK(ours.status, ours.error);
        assert_true(is_shaken);
    } else {
        CHECK_STATUS(ours.status, CFLIGHT_UNAVAILABLE);
        assert_false(is_shaken);
        t_expect_text(ours.error, text);
    }
    end_done(&ours);
    raw_done(&raw);
}

static void expect_client_says(struct cfl_tls_client *client, const struct t_cert *cert,
                               int version, const char *text)
{
    int fds[2];
    t_socket_pair(fds);
    struct raw raw = raw_new(true, cert, version, false, fds[0]);
    struct t_tls_end ours = our_client(client, fds[1]);
    (void)shake(&ours, &raw);
    CHECK_STATUS(ours.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(ours.error, text);
    end_done(&ours);
    raw_done(&raw);
}

/* Goal: TLS 1.2 and 1.3 with ALPN "h2" and nothing else. Method: peers of each version, with and
 * without ALPN. */
TEST(tls, versions_and_alpn_are_demanded)
{
    struct t_cert ca = t_ca_new();
    struct t_cert leaf = t_leaf_new(&ca, "leaf", "DNS:localhost");
    struct cfl_tls_server *server = t_tls_server_showing(&leaf);
    struct cfl_tls_client *client = t_tls_client_trusting(&ca);
    expect_server_says(server, TLS1_3_VERSION, true, NULL);
    expect_server_says(server, TLS1_2_VERSION, true, NULL);
    expect_server_says(server, TLS1_1_VERSION, true,
                       "no TLS version in common; this side speaks TLS 1.2 and 1.3");
    expect_server_says(server, TLS1_3_VERSION, false,
                       "the peer does not offer HTTP/2 (ALPN \"h2\")");
    expect_server_says(server, TLS1_2_VERSION, false,
                       "the peer does not offer HTTP/2 (ALPN \"h2\")");
    expect_client_says(client, &leaf, TLS1_3_VERSION,
                       "the peer does not offer HTTP/2 (ALPN \"h2\")");
    expect_client_says(client, &leaf, TLS1_2_VERSION,
                       "the peer does not offer HTTP/2 (ALPN \"h2\")");
    expect_client_says(client, &leaf, TLS1_1_VERSION,
                       "no TLS version in common; this side speaks TLS 1.2 and 1.3");
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}

/* Goal: nobody can make us shake hands again. Method: a TLS 1.2 client asks for it; our end answers
 * no. */
TEST(tls, renegotiation_is_refused)
{
    char byte = 0;
    struct iovec view = {&byte, 1};
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    struct visit visit = visit_new(TLS1_2_VERSION);
    assert_int_equal(SSL_renegotiate(visit.raw.ssl), 1);
    (void)SSL_do_handshake(visit.raw.ssl);
    cflight_status status = cfl_transport_read(visit.ours.transport, &view, 1, &len_bytes, &is_eof,
                                               &wait, &visit.ours.error);
    assert_true(status != CFLIGHT_OK || wait == CFL_READY_READ);
    assert_int_not_equal(SSL_do_handshake(visit.raw.ssl), 1);
    assert_int_equal(
        SSL_num_renegotiations(visit.raw.ssl) > 0 && SSL_is_init_finished(visit.raw.ssl), 0);
    visit_done(&visit);
}

/* Goal: key updates of an honest peer do no harm, a flood of them is an error, and one read returns
 * however many there are. Method: a client of OpenSSL sends 50 and a byte, then 3000. */
TEST(tls, key_updates_are_counted)
{
    char byte = 0;
    struct iovec view = {&byte, 1};
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    struct visit visit = visit_new(TLS1_3_VERSION);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(SSL_key_update(visit.raw.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(visit.raw.ssl), 1);
    }
    assert_int_equal(SSL_write(visit.raw.ssl, "x", 1), 1);
    t_read_all(visit.ours.transport, &byte, 1);
    assert_int_equal(byte, 'x');
    for (int i = 0; i < 3000; i++) {
        (void)SSL_key_update(visit.raw.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
        (void)SSL_do_handshake(visit.raw.ssl); /* until the socket is full */
    }
    for (int i = 0; i < 100 && visit.ours.status == CFLIGHT_OK; i++) {
        visit.ours.status = cfl_transport_read(visit.ours.transport, &view, 1, &len_bytes, &is_eof,
                                               &wait, &visit.ours.error);
    }
    CHECK_STATUS(visit.ours.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(visit.ours.error,
                  "TLS read from /peer failed: the peer sent more than 100 handshake "
                  "messages within a second");
    visit_done(&visit);
}

/* Goal: a peer without TLS is called that. Method: an HTTP/2 preface to a server, HTTP/2 settings
 * to a client, a peer that closes, and one that resets. */
TEST(tls, a_plain_peer_is_recognised)
{
    static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static const uint8_t SETTINGS[] = {0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0};
    struct t_cert ca = t_ca_new();
    struct cfl_tls_server *server = t_tls_server_showing(&ca);
    struct cfl_tls_client *client = t_tls_client_trusting(&ca);
    int fds[2];
    t_socket_pair(fds);
    struct t_tls_end ours = our_server(server, fds[1]);
    assert_int_equal(write(fds[0], PREFACE, sizeof PREFACE - 1), sizeof PREFACE - 1);
    t_tls_end_step(&ours);
    CHECK_STATUS(ours.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(ours.error, "TLS handshake with /peer failed: the peer does not speak TLS");
    end_done(&ours);
    (void)close(fds[0]);

    t_socket_pair(fds);
    ours = our_client(client, fds[1]);
    assert_int_equal(write(fds[0], SETTINGS, sizeof SETTINGS), sizeof SETTINGS);
    t_tls_end_step(&ours);
    CHECK_STATUS(ours.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(ours.error, "TLS handshake with /peer failed: the peer does not speak TLS");
    end_done(&ours);
    (void)close(fds[0]);

    t_socket_pair(fds);
    ours = our_client(client, fds[1]);
    assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
    t_tls_end_step(&ours);
    CHECK_STATUS(ours.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(ours.error, "the peer closed the connection; it may not speak TLS on this port");
    end_done(&ours);
    (void)close(fds[0]);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    t_cert_done(&ca);
}

/* ---- Through dial and listen ---- */

struct acceptor {
    struct cfl_listener *listener;
    struct cfl_tls_server *tls;
    int connection_count;
    bool has_failed;
};

static bool finish_accept(struct cfl_transport *transport)
{
    for (;;) {
        unsigned int wait = CFL_READY_NONE;
        if (cfl_transport_handshake(transport, &wait, NULL) != CFLIGHT_OK) {
            return false;
        }
        if (wait == CFL_READY_NONE) {
            return true;
        }
        (void)cfl_wait_fd(cfl_transport_fd(transport), wait, NULL, T_PATIENCE_MS * CFL_NS_PER_MS);
    }
}

/* Accepts so many connections, shakes hands and waits for each to end. */
static void *accept_loop(void *user_data)
{
    struct acceptor *acceptor = user_data;
    int fds[CFL_LISTENER_FDS_MAX];
    (void)cfl_listener_fds(acceptor->listener, fds);
    for (int i = 0; i < acceptor->connection_count; i++) {
        struct cfl_transport *transport = NULL;
        while (transport == NULL) {
            (void)cfl_wait_fd(fds[0], CFL_READY_READ, NULL, T_PATIENCE_MS * CFL_NS_PER_MS);
            if (cfl_listener_accept(acceptor->listener, fds[0], acceptor->tls, &transport, NULL) !=
                CFLIGHT_OK) {
                acceptor->has_failed = true;
                return NULL;
            }
        }
        acceptor->has_failed = acceptor->has_failed || !finish_accept(transport);
        cfl_transport_free(transport);
    }
    return NULL;
}

struct dialer {
    uint16_t port;
    struct cfl_tls_client *tls;
    int connection_count;
    bool has_failed;
};

static void *dial_loop(void *user_data)
{
    struct dialer *dialer = user_data;
    for (int i = 0; i < dialer->connection_count; i++) {
        struct cfl_dial_target target = {
            .host = "127.0.0.1", .port = dialer->port, .tls = dialer->tls, .tls_name = "localhost"};
        struct cfl_transport *transport = NULL;
        cflight_status status = cfl_dial(NULL, &target, t_deadline(), NULL, -1, &transport, NULL);
        dialer->has_failed = dialer->has_failed || status != CFLIGHT_OK;
        cfl_transport_free(transport);
    }
    return NULL;
}

/* Goal: contexts may be used by any number of threads, and reloaded meanwhile.
 * Method: three threads dial ten times each, one accepts, this one reloads. */
TEST(tls, contexts_are_shared_by_threads)
{
    enum { DIALERS = 3, EACH = 10 };
    struct t_cert_options cert_options = {.common_name = "self", .sans = "DNS:localhost"};
    struct t_cert cert = t_cert_new(&cert_options);
    struct cfl_tls_key_pair pair = {t_cert_pem(&cert), t_key_pem(&cert)};
    struct cfl_tls_server_options options = {.key_pairs = &pair, .key_pair_count = 1};
    struct acceptor acceptor = {.listener = t_listen("127.0.0.1", 0),
                                .tls = t_tls_server_showing(&cert),
                                .connection_count = DIALERS * EACH};
    struct dialer dialers[DIALERS];
    struct cfl_tls_client *client = t_tls_client_trusting(&cert);
    pthread_t acceptor_thread;
    pthread_t threads[DIALERS];
    cflight_error *error = NULL;
    assert_int_equal(pthread_create(&acceptor_thread, NULL, accept_loop, &acceptor), 0);
    for (int i = 0; i < DIALERS; i++) {
        dialers[i] = (struct dialer){
            .port = cfl_listener_port(acceptor.listener), .tls = client, .connection_count = EACH};
        assert_int_equal(pthread_create(&threads[i], NULL, dial_loop, &dialers[i]), 0);
    }
    for (int i = 0; i < 5; i++) {
        CHECK_OK(cfl_tls_server_reload(acceptor.tls, &options, &error), error);
    }
    for (int i = 0; i < DIALERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(dialers[i].has_failed);
    }
    assert_int_equal(pthread_join(acceptor_thread, NULL), 0);
    assert_false(acceptor.has_failed);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(acceptor.tls);
    cfl_listener_free(acceptor.listener);
    t_cert_done(&cert);
}

/* Goal: dialing without a name of its own checks the host; the error has the address that was
 * dialed. Method: a certificate for 'localhost' only, dialed as 127.0.0.1. */
TEST(tls, dialing_checks_the_host_by_default)
{
    char expected[128];
    struct t_cert_options cert_options = {.common_name = "self", .sans = "DNS:localhost"};
    struct t_cert cert = t_cert_new(&cert_options);
    struct acceptor acceptor = {.listener = t_listen("127.0.0.1", 0),
                                .tls = t_tls_server_showing(&cert),
                                .connection_count = 1};
    struct cfl_tls_client *client = t_tls_client_trusting(&cert);
    struct cfl_dial_target target = {
        .host = "127.0.0.1", .port = cfl_listener_port(acceptor.listener), .tls = client};
    struct cfl_transport *transport = NULL;
    cflight_error *error = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, accept_loop, &acceptor), 0);
    CHECK_STATUS(cfl_dial(NULL, &target, t_deadline(), NULL, -1, &transport, &error),
                 CFLIGHT_UNAVAILABLE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)snprintf(expected, sizeof expected,
                   "TLS handshake with 127.0.0.1:%u failed: certificate is for DNS:localhost, not "
                   "for '127.0.0.1'",
                   (unsigned int)target.port);
    assert_int_equal(cflight_error_retry(error), CFLIGHT_RETRY_NEVER);
    t_expect_error(error, expected);
    assert_true(acceptor.has_failed);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(acceptor.tls);
    cfl_listener_free(acceptor.listener);
    t_cert_done(&cert);
}

/* Goal: a peer that never answers a handshake cannot hold the caller: the deadline and the cancel
 * descriptor count. Method: a listener that nobody accepts from. */
TEST(tls, a_silent_handshake_ends_with_the_deadline)
{
    struct t_cert ca = t_ca_new();
    struct cfl_listener *listener = t_listen("127.0.0.1", 0);
    struct cfl_tls_client *client = t_tls_client_trusting(&ca);
    struct cfl_dial_target target = {
        .host = "127.0.0.1", .port = cfl_listener_port(listener), .tls = client};
    struct cfl_transport *transport = NULL;
    struct cfl_waker waker = {0};
    cflight_error *error = NULL;
    int64_t deadline_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), 50);
    CHECK_STATUS(cfl_dial(NULL, &target, deadline_ns, NULL, -1, &transport, &error),
                 CFLIGHT_DEADLINE_EXCEEDED);
    t_expect_error(error, "connect timeout passed during the TLS handshake with 127.0.0.1:");
    error = NULL;
    CHECK_OK(cfl_waker_init(&waker, &error), error);
    cfl_waker_set(&waker);
    CHECK_STATUS(cfl_dial(NULL, &target, CFL_TIME_NEVER, NULL, waker.fd, &transport, &error),
                 CFLIGHT_CANCELLED);
    t_expect_error(error, "was cancelled");
    cfl_waker_done(&waker);
    cfl_tls_client_unref(client);
    cfl_listener_free(listener);
    t_cert_done(&ca);
}
