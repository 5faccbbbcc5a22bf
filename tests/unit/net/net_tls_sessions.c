/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: sessions that are resumed, and those that are not any more. */
#include <stdio.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "net/socket.h"
#include "tls_support.h"

/* Connects, talks, and tells whether both ends resumed a session. */
static bool is_resumed(struct cfl_tls_client *client, const char *name,
                       struct cfl_tls_server *server, const char *client_subject)
{
    t_log_start();
    struct t_tls_pair pair = t_handshake(client, name, server);
    t_log_stop();
    t_expect_established(&pair);
    t_expect_talk(&pair);
    assert_string_equal(cfl_transport_peer(pair.server.transport)->cert_subject, client_subject);
    assert_string_equal(cfl_transport_peer(pair.client.transport)->cert_identity, "localhost");
    cfl_transport_shutdown(pair.client.transport);
    t_tls_pair_done(&pair);
    return strstr(t_log_text, "resumed") != NULL;
}

/* Goal: a second connection resumes the session, with the facts about the peer kept; not under
 * another name, and not after the server changed what it demands. Method: connect again and again;
 * the debug log tells. */
TEST(tls_sessions, are_resumed)
{
    struct t_cert ca = t_ca_new();
    struct t_cert server_cert = t_leaf_new(&ca, "server", "DNS:localhost,DNS:other");
    struct t_cert cert = t_leaf_new(&ca, "client", NULL);
    struct cfl_tls_client *client = t_tls_client_showing(&ca, &cert);
    struct cfl_tls_server *server =
        t_tls_server_new(&server_cert, CFL_TLS_CLIENT_AUTH_REQUIRED, &ca);
    assert_false(is_resumed(client, "localhost", server, "CN=client"));
    assert_true(is_resumed(client, "localhost", server, "CN=client"));
    assert_true(is_resumed(client, "localhost", server, "CN=client"));
    assert_false(is_resumed(client, "other", server, "CN=client"));
    struct cfl_tls_key_pair pair = {t_cert_pem(&server_cert), t_key_pem(&server_cert)};
    struct cfl_tls_server_options none = {.key_pairs = &pair, .key_pair_count = 1};
    cflight_error *error = NULL;
    CHECK_OK(cfl_tls_server_reload(server, &none, &error), error);
    assert_false(is_resumed(client, "localhost", server, ""));
    cfl_tls_server_free(server);
    cfl_tls_client_unref(client);
    t_cert_done(&cert);
    t_cert_done(&server_cert);
    t_cert_done(&ca);
}

/* Goal: a client that talks to many names keeps a bounded number of sessions, the youngest.
 * Method: more names than it keeps; the last is resumed, the first is not. */
TEST(tls_sessions, are_forgotten_when_there_are_many)
{
    enum { NAMES = 20 };
    struct t_cert ca = t_ca_new();
    struct t_cert server_cert = t_leaf_new(&ca, "server", "DNS:localhost,DNS:*.example.org");
    struct cfl_tls_client *client = t_tls_client_trusting(&ca);
    struct cfl_tls_server *server = t_tls_server_showing(&server_cert);
    char name[32] = "";
    for (int i = 0; i < NAMES; i++) {
        (void)snprintf(name, sizeof name, "n%d.example.org", i);
        assert_false(is_resumed(client, name, server, ""));
    }
    assert_true(is_resumed(client, name, server, ""));
    assert_false(is_resumed(client, "n0.example.org", server, ""));
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    t_cert_done(&server_cert);
    t_cert_done(&ca);
}

/* ---- Until when ---- */

enum { MINUTE_S = 60, HOUR_S = 60 * MINUTE_S };

/* A wall clock that a test sets. */
struct wall_clock {
    struct cfl_clock clock;
    int64_t start_ns;
    int64_t passed_s;
};

static int64_t wall_now_ns(void *user_data)
{
    const struct wall_clock *wall = user_data;
    return wall->start_ns + wall->passed_s * CFL_NS_PER_S;
}

static void wall_clock_init(struct wall_clock *wall)
{
    *wall = (struct wall_clock){.clock = {.now_ns = wall_now_ns, .user_data = wall},
                                .start_ns = cfl_clock_wall_ns()};
}

/* A client and a server that demands its certificate, both by one clock. */
struct site {
    struct wall_clock wall;
    struct t_cert ca;
    struct t_cert server_cert;
    struct t_cert client_cert;
    struct cfl_tls_client *client;
    struct cfl_tls_server *server;
    struct cfl_tls_key_pair pair;
    struct cfl_tls_server_options server_options;
};

static void site_init(struct site *site, long server_valid_s, long client_valid_s)
{
    memset(site, 0, sizeof *site);
    wall_clock_init(&site->wall);
    site->ca = t_ca_new();
    struct t_cert_options server_cert = {.common_name = "server",
                                         .issuer = &site->ca,
                                         .sans = "DNS:localhost",
                                         .valid_s = server_valid_s};
    struct t_cert_options client_cert = {
        .common_name = "client", .issuer = &site->ca, .valid_s = client_valid_s};
    site->server_cert = t_cert_new(&server_cert);
    site->client_cert = t_cert_new(&client_cert);
    struct cfl_tls_client_options client_options = {
        .root_certs_pem = t_cert_pem(&site->ca),
        .cert_chain_pem = t_cert_pem(&site->client_cert),
        .private_key_pem = t_key_pem(&site->client_cert),
        .wall_clock = &site->wall.clock,
    };
    site->client = t_tls_client_new(&client_options);
    site->pair =
        (struct cfl_tls_key_pair){t_cert_pem(&site->server_cert), t_key_pem(&site->server_cert)};
    site->server_options = (struct cfl_tls_server_options){
        .key_pairs = &site->pair,
        .key_pair_count = 1,
        .client_auth = CFL_TLS_CLIENT_AUTH_REQUIRED,
        .client_roots_pem = t_cert_pem(&site->ca),
        .wall_clock = &site->wall.clock,
    };
    cflight_error *error = NULL;
    CHECK_OK(cfl_tls_server_new(NULL, &site->server_options, &site->server, &error), error);
}

static void site_done(struct site *site)
{
    cfl_tls_client_unref(site->client);
    cfl_tls_server_free(site->server);
    t_cert_done(&site->client_cert);
    t_cert_done(&site->server_cert);
    t_cert_done(&site->ca);
}

static bool is_resumed_at(struct site *site, int64_t passed_s)
{
    site->wall.passed_s = passed_s;
    return is_resumed(site->client, "localhost", site->server, "CN=client");
}

static struct t_tls_pair handshake_at(struct site *site, int64_t passed_s)
{
    site->wall.passed_s = passed_s;
    return t_handshake(site->client, "localhost", site->server);
}

/* Goal: a client whose certificate has ended does not stay by coming back in time. Method: a
 * certificate for an hour; sessions are resumed and renewed up to its end. */
TEST(tls_sessions, end_with_the_certificate_of_the_client)
{
    struct site site;
    site_init(&site, 0, HOUR_S);
    assert_false(is_resumed_at(&site, 0));
    assert_true(is_resumed_at(&site, 30 * MINUTE_S));
    assert_true(is_resumed_at(&site, 59 * MINUTE_S));
    struct t_tls_pair pair = handshake_at(&site, 61 * MINUTE_S);
    CHECK_STATUS(pair.server.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(pair.server.error,
                  "certificate of the client is not valid: certificate has expired");
    t_tls_pair_done(&pair);
    site_done(&site);
}

/* Goal: a server whose certificate has ended gets no requests of a client that knows it. */
TEST(tls_sessions, end_with_the_certificate_of_the_server)
{
    struct site site;
    site_init(&site, HOUR_S, 0);
    assert_false(is_resumed_at(&site, 0));
    assert_true(is_resumed_at(&site, 59 * MINUTE_S));
    struct t_tls_pair pair = handshake_at(&site, 61 * MINUTE_S);
    CHECK_STATUS(pair.client.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(pair.client.error,
                  "certificate for 'localhost' is not valid: certificate has expired");
    t_tls_pair_done(&pair);
    site_done(&site);
}

/* Goal: certificates are looked at once a day at least. Method: sessions are resumed and renewed
 * for a day, over a change of the ticket keys; then there is a full handshake, and a new day. */
TEST(tls_sessions, end_after_a_day)
{
    struct site site;
    site_init(&site, 0, 0);
    assert_false(is_resumed_at(&site, 0));
    assert_true(is_resumed_at(&site, 11 * HOUR_S));
    assert_true(is_resumed_at(&site, 22 * HOUR_S));
    assert_true(is_resumed_at(&site, 23 * HOUR_S));
    assert_false(is_resumed_at(&site, 24 * HOUR_S));
    assert_true(is_resumed_at(&site, 40 * HOUR_S));
    assert_false(is_resumed_at(&site, 48 * HOUR_S));
    site_done(&site);
}

/* Goal: a reload that changes nothing keeps sessions, one that replaces the roots ends them. */
TEST(tls_sessions, outlive_only_a_reload_without_changes)
{
    struct site site;
    cflight_error *error = NULL;
    site_init(&site, 0, 0);
    struct t_cert other = t_named_ca_new("other CA");
    assert_false(is_resumed_at(&site, 0));
    CHECK_OK(cfl_tls_server_reload(site.server, &site.server_options, &error), error);
    assert_true(is_resumed_at(&site, 1));
    site.server_options.client_roots_pem = t_cert_pem(&other);
    CHECK_OK(cfl_tls_server_reload(site.server, &site.server_options, &error), error);
    struct t_tls_pair pair = t_handshake(site.client, "localhost", site.server);
    CHECK_STATUS(pair.server.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(pair.server.error, "certificate of the client is not valid");
    t_tls_pair_done(&pair);
    t_cert_done(&other);
    site_done(&site);
}

/* ---- Ticket keys ---- */

enum { KEY_NAME_BYTES = 16 };

/* A handshake of OpenSSL's client, which may offer a session; returns the session then. */
static SSL_SESSION *shake_raw(struct cfl_tls_server *server, SSL_CTX *ctx, SSL_SESSION *offered,
                              bool *ret_is_resumed)
{
    int fds[2];
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    t_socket_pair(fds);
    SSL *ssl = SSL_new(ctx);
    assert_int_equal(SSL_set_fd(ssl, fds[0]), 1);
    if (offered != NULL) {
        assert_int_equal(SSL_set_session(ssl, offered), 1);
    }
    SSL_set_connect_state(ssl);
    struct t_tls_end ours = {.transport = t_transport_on(NULL, fds[1])};
    CHECK_OK(cfl_transport_start_tls_server(ours.transport, server, &error), error);
    for (int i = 0; i < 20; i++) {
        (void)SSL_do_handshake(ssl);
        t_tls_end_step(&ours);
    }
    CHECK_OK(ours.status, ours.error);
    assert_int_equal(SSL_is_init_finished(ssl), 1);
    (void)cfl_transport_handshake(ours.transport, &wait, NULL);
    *ret_is_resumed = SSL_session_reused(ssl) == 1;
    SSL_SESSION *session = SSL_get1_session(ssl);
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
    (void)close(fds[0]);
    cfl_transport_free(ours.transport);
    return session;
}

static const unsigned char *key_name(const SSL_SESSION *session)
{
    const unsigned char *ticket = NULL;
    size_t ticket_bytes = 0;
    SSL_SESSION_get0_ticket(session, &ticket, &ticket_bytes);
    assert_true(ticket_bytes > KEY_NAME_BYTES);
    return ticket;
}

/* Goal: ticket keys change twice a day; a key still opens what it sealed, until it is forgotten.
 * Method: a TLS 1.2 client of OpenSSL, whose tickets name their key. */
TEST(tls_sessions, ticket_keys_rotate)
{
    static const unsigned char H2[] = "\x02h2";
    struct wall_clock wall;
    bool is_taken = false;
    cflight_error *error = NULL;
    wall_clock_init(&wall);
    struct t_cert ca = t_ca_new();
    struct t_cert leaf = t_leaf_new(&ca, "leaf", "DNS:localhost");
    struct cfl_tls_key_pair pair = {t_cert_pem(&leaf), t_key_pem(&leaf)};
    struct cfl_tls_server_options options = {
        .key_pairs = &pair, .key_pair_count = 1, .wall_clock = &wall.clock};
    struct cfl_tls_server *server = NULL;
    CHECK_OK(cfl_tls_server_new(NULL, &options, &server, &error), error);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_set_alpn_protos(ctx, H2, sizeof H2 - 1), 0);
    SSL_CTX_set_timeout(ctx, 7 * 24 * HOUR_S);

    SSL_SESSION *first = shake_raw(server, ctx, NULL, &is_taken);
    SSL_SESSION *same_key = shake_raw(server, ctx, NULL, &is_taken);
    assert_memory_equal(key_name(first), key_name(same_key), KEY_NAME_BYTES);
    wall.passed_s = 13 * HOUR_S;
    SSL_SESSION *second = shake_raw(server, ctx, first, &is_taken);
    assert_true(is_taken);
    assert_memory_not_equal(key_name(first), key_name(second), KEY_NAME_BYTES);
    wall.passed_s = 26 * HOUR_S;
    SSL_SESSION *third = shake_raw(server, ctx, first, &is_taken);
    assert_false(is_taken);

    SSL_SESSION_free(third);
    SSL_SESSION_free(second);
    SSL_SESSION_free(same_key);
    SSL_SESSION_free(first);
    SSL_CTX_free(ctx);
    cfl_tls_server_free(server);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}
