/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: which peers are trusted, what is said when they are not, and how bytes get through.
 *
 * Both ends of a connection live in one thread and take turns, so that nothing depends on timing.
 * Peers that our own transports cannot play (old versions, no ALPN) are played by OpenSSL itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "cflight/log.h"
#include "certs.h"
#include "net/address.h"
#include "net/socket.h"
#include "net_support.h"

enum { TRANSFER_BYTES = 64 << 20, CHUNK_BYTES_MAX = 100000, RECORD_BYTES = 16384 };

/* ---- Helpers ---- */

static struct t_cert make_named_ca(const char *name)
{
    struct t_cert_options options = {.common_name = name, .is_ca = true};
    return t_cert_new(&options);
}

static struct t_cert make_ca(void)
{
    return make_named_ca("test CA");
}

static struct t_cert make_leaf(const struct t_cert *ca, const char *common_name, const char *sans)
{
    struct t_cert_options options = {.common_name = common_name, .issuer = ca, .sans = sans};
    return t_cert_new(&options);
}

static struct cfl_tls_client *client_with(const struct cfl_tls_client_options *options)
{
    struct cfl_tls_client *tls = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_tls_client_new(NULL, options, &tls, &error), error);
    return tls;
}

static struct cfl_tls_client *client_trusting(const struct t_cert *root)
{
    struct cfl_tls_client_options options = {.root_certs_pem = t_cert_pem(root)};
    return client_with(&options);
}

/* A server that shows `cert` and verifies clients by `roots`, which may be NULL. */
static struct cfl_tls_server *server_with(const struct t_cert *cert, enum cfl_tls_client_auth auth,
                                          const struct t_cert *roots)
{
    struct cfl_tls_key_pair pair = {t_cert_pem(cert), t_key_pem(cert)};
    struct cfl_tls_server_options options = {
        .key_pairs = &pair, .key_pair_count = 1, .client_auth = auth};
    struct cfl_tls_server *tls = NULL;
    cflight_error *error = NULL;
    if (roots != NULL) {
        options.client_roots_pem = t_cert_pem(roots);
    }
    CHECK_OK(cfl_tls_server_new(NULL, &options, &tls, &error), error);
    return tls;
}

static struct cfl_tls_server *server_showing(const struct t_cert *cert)
{
    return server_with(cert, CFL_TLS_CLIENT_AUTH_NONE, NULL);
}

static void socket_pair(int ret_fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds),
                     0);
}

static struct cfl_transport *transport_on(const struct cflight_allocator *alloc, int fd)
{
    struct cfl_address address;
    struct cfl_transport *transport = NULL;
    CHECK_STATUS(cfl_address_from_unix("/peer", &address, NULL), CFLIGHT_OK);
    if (cfl_transport_new(alloc, fd, &address, &transport, NULL) != CFLIGHT_OK) {
        (void)close(fd);
    }
    return transport;
}

/* One end of a connection and how its handshake went. */
struct end {
    struct cfl_transport *transport;
    cflight_status status;
    cflight_error *error;
    bool is_done;
};

struct tls_pair {
    struct end client;
    struct end server;
};

static void end_failed(struct end *end)
{
    cfl_transport_free(end->transport);
    end->transport = NULL;
    end->is_done = true;
}

static void step(struct end *end)
{
    unsigned int wait = CFL_READY_NONE;
    if (end->is_done) {
        return;
    }
    end->status = cfl_transport_handshake(end->transport, &wait, &end->error);
    if (end->status != CFLIGHT_OK) {
        end_failed(end);
    }
    end->is_done = end->is_done || wait == CFL_READY_NONE;
}

/* Shakes hands between two contexts. What fails has its transport freed, so that the other end
 * notices. */
static struct tls_pair handshake_alloc(const struct cflight_allocator *alloc,
                                       struct cfl_tls_client *client, const char *name,
                                       struct cfl_tls_server *server)
{
    struct tls_pair pair = {.client = {.status = CFLIGHT_RESOURCE_EXHAUSTED},
                            .server = {.status = CFLIGHT_RESOURCE_EXHAUSTED}};
    int fds[2];
    socket_pair(fds);
    pair.client.transport = transport_on(alloc, fds[0]);
    pair.server.transport = transport_on(alloc, fds[1]);
    if (pair.client.transport == NULL ||
        cfl_transport_start_tls_client(pair.client.transport, client, name, &pair.client.error) !=
            CFLIGHT_OK) {
        end_failed(&pair.client);
    }
    if (pair.server.transport == NULL ||
        cfl_transport_start_tls_server(pair.server.transport, server, &pair.server.error) !=
            CFLIGHT_OK) {
        end_failed(&pair.server);
    }
    for (int i = 0; i < 100 && !(pair.client.is_done && pair.server.is_done); i++) {
        step(&pair.client);
        step(&pair.server);
    }
    assert_true(pair.client.is_done && pair.server.is_done);
    return pair;
}

static struct tls_pair handshake(struct cfl_tls_client *client, const char *name,
                                 struct cfl_tls_server *server)
{
    return handshake_alloc(NULL, client, name, server);
}

static void tls_pair_done(struct tls_pair *pair)
{
    cfl_transport_free(pair->client.transport);
    cfl_transport_free(pair->server.transport);
    cflight_error_free(pair->client.error);
    cflight_error_free(pair->server.error);
}

static void expect_text(cflight_error *error, const char *part)
{
    if (strstr(cflight_error_message(error), part) == NULL) {
        fail_msg("the error is \"%s\", which lacks \"%s\"", cflight_error_message(error), part);
    }
}

static void expect_established(const struct tls_pair *pair)
{
    CHECK_OK(pair->client.status, pair->client.error);
    CHECK_OK(pair->server.status, pair->server.error);
}

/* Sends a byte each way, after which session tickets have arrived too. */
static void expect_talk(struct tls_pair *pair)
{
    char byte = 0;
    t_write_all(pair->client.transport, "c", 1);
    t_read_all(pair->server.transport, &byte, 1);
    assert_int_equal(byte, 'c');
    t_write_all(pair->server.transport, "s", 1);
    t_read_all(pair->client.transport, &byte, 1);
    assert_int_equal(byte, 's');
}

/* Collects log lines. */
static char log_text[8192];
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;

static void collect_log(void *user_data, enum cflight_log_level level, const char *subsystem,
                        const char *line)
{
    (void)user_data;
    (void)level;
    (void)subsystem;
    (void)pthread_mutex_lock(&log_mutex);
    size_t have_bytes = strlen(log_text);
    (void)snprintf(log_text + have_bytes, sizeof log_text - have_bytes, "%s\n", line);
    (void)pthread_mutex_unlock(&log_mutex);
}

static void start_log(void)
{
    log_text[0] = '\0';
    cflight_log_set(collect_log, NULL, CFLIGHT_LOG_TRACE);
}

static void stop_log(void)
{
    cflight_log_set(NULL, NULL, CFLIGHT_LOG_OFF);
}

/* ---- Trust and names ---- */

struct trust_case {
    const char *what;
    struct t_cert_options leaf; /* issuer is filled in */
    bool is_self_signed;
    bool trusts_leaf; /* the leaf itself is the root certificate */
    bool allow_common_name;
    const char *name;
    const char *refusal; /* part of the client's error; NULL: accepted */
};

static const struct trust_case TRUST_CASES[] = {
    {"trusted", {.sans = "DNS:localhost"}, .name = "localhost"},
    {"trailing dot", {.sans = "DNS:localhost"}, .name = "localhost."},
    {"letter case", {.sans = "DNS:LocalHost"}, .name = "localHOST"},
    {"second name", {.sans = "DNS:a.example,DNS:b.example"}, .name = "b.example"},
    {"wildcard", {.sans = "DNS:*.example.org"}, .name = "x.example.org"},
    {"wildcard is one label",
     {.sans = "DNS:*.example.org"},
     .name = "x.y.example.org",
     .refusal = "not for 'x.y.example.org'"},
    {"partial wildcard",
     {.sans = "DNS:x*.example.org"},
     .name = "xy.example.org",
     .refusal = "not for 'xy.example.org'"},
    {"leading dot", {.sans = "DNS:a.example"}, .name = ".example", .refusal = "not for '.example'"},
    {"wrong host",
     {.sans = "DNS:foo"},
     .name = "localhost",
     .refusal = "certificate is for DNS:foo, not for 'localhost'"},
    {"several wrong hosts",
     {.sans = "DNS:foo,IP:10.0.0.1"},
     .name = "localhost",
     .refusal = "certificate is for DNS:foo, IP:10.0.0.1, not for 'localhost'"},
    {"IPv4", {.sans = "IP:127.0.0.1"}, .name = "127.0.0.1"},
    {"IPv6", {.sans = "IP:::1"}, .name = "::1"},
    {"other IP",
     {.sans = "IP:127.0.0.2"},
     .name = "127.0.0.1",
     .refusal = "certificate is for IP:127.0.0.2, not for '127.0.0.1'"},
    {"IP as DNS name",
     {.sans = "DNS:127.0.0.1"},
     .name = "127.0.0.1",
     .refusal = "not for '127.0.0.1'"},
    {"CN refused",
     {.common_name = "localhost"},
     .name = "localhost",
     .refusal = "certificate is for CN:localhost without a subject alternative name, which alone "
                "counts, not for 'localhost'"},
    {"CN allowed", {.common_name = "localhost"}, .allow_common_name = true, .name = "localhost"},
    {"CN allowed, other",
     {.common_name = "foo"},
     .allow_common_name = true,
     .name = "localhost",
     .refusal = "certificate is for CN:foo, not for 'localhost'"},
    {"CN never beside a SAN",
     {.common_name = "localhost", .sans = "IP:10.0.0.1"},
     .allow_common_name = true,
     .name = "localhost",
     .refusal = "certificate is for IP:10.0.0.1, not for 'localhost'"},
    {"CN never for an address",
     {.common_name = "127.0.0.1"},
     .allow_common_name = true,
     .name = "127.0.0.1",
     .refusal = "not for '127.0.0.1'"},
    {"X.509 v1, RSA, PKCS#1",
     {.common_name = "localhost", .is_v1 = true, .is_rsa = true},
     .allow_common_name = true,
     .name = "localhost"},
    {"untrusted",
     {.sans = "DNS:localhost"},
     .is_self_signed = true,
     .name = "localhost",
     .refusal =
         "certificate for 'localhost' is not valid: self-signed certificate (subject \"CN=leaf\")"},
    {"self-signed and trusted",
     {.sans = "DNS:localhost"},
     .is_self_signed = true,
     .trusts_leaf = true,
     .name = "localhost"},
    {"trusted though not a root",
     {.sans = "DNS:localhost"},
     .trusts_leaf = true,
     .name = "localhost"},
    {"expired",
     {.sans = "DNS:localhost", .is_expired = true},
     .name = "localhost",
     .refusal = "certificate for 'localhost' is not valid: certificate has expired"},
    {"not valid yet",
     {.sans = "DNS:localhost", .is_future = true},
     .name = "localhost",
     .refusal = "certificate for 'localhost' is not valid: certificate is not yet valid"},
};

static void run_trust_case(const struct trust_case *test, const struct t_cert *ca)
{
    struct t_cert_options leaf_options = test->leaf;
    leaf_options.issuer = test->is_self_signed ? NULL : ca;
    leaf_options.common_name = leaf_options.common_name == NULL ? "leaf" : leaf_options.common_name;
    struct t_cert leaf = t_cert_new(&leaf_options);
    struct cfl_tls_client_options options = {.root_certs_pem =
                                                 t_cert_pem(test->trusts_leaf ? &leaf : ca),
                                             .allow_common_name = test->allow_common_name};
    struct cfl_tls_client *client = client_with(&options);
    struct cfl_tls_server *server = server_showing(&leaf);
    struct tls_pair pair = handshake(client, test->name, server);
    if (test->refusal == NULL) {
        if (pair.client.status != CFLIGHT_OK) {
            fail_msg("%s: %s", test->what, cflight_error_message(pair.client.error));
        }
        expect_established(&pair);
        expect_talk(&pair);
    } else {
        if (pair.client.status != CFLIGHT_UNAVAILABLE) {
            fail_msg("%s: %s", test->what, cflight_status_name(pair.client.status));
        }
        expect_text(pair.client.error, "TLS handshake with /peer failed: ");
        expect_text(pair.client.error, test->refusal);
        assert_string_equal(cflight_error_peer(pair.client.error), "unix:/peer");
        assert_int_equal(cflight_error_retry(pair.client.error), CFLIGHT_RETRY_NEVER);
        CHECK_STATUS(pair.server.status, CFLIGHT_UNAVAILABLE);
        expect_text(pair.server.error, "the peer refused: ");
    }
    tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_unref(server);
    t_cert_done(&leaf);
}

/* Goal: exactly the right certificates are accepted, and an error names the check and both names.
 * Method: a table of certificates against expected names. */
TEST(tls, certificates_are_checked_against_roots_and_names)
{
    struct t_cert ca = make_ca();
    for (size_t i = 0; i < sizeof TRUST_CASES / sizeof TRUST_CASES[0]; i++) {
        run_trust_case(&TRUST_CASES[i], &ca);
    }
    t_cert_done(&ca);
}

/* Goal: a chain over an intermediate authority is sent and followed.
 * Method: leaf and intermediate in one PEM, the client trusts the root only; then without the
 * intermediate. */
TEST(tls, a_chain_is_followed_to_its_root)
{
    struct t_cert ca = make_ca();
    struct t_cert_options middle_options = {.common_name = "middle", .issuer = &ca, .is_ca = true};
    struct t_cert middle = t_cert_new(&middle_options);
    struct t_cert leaf = make_leaf(&middle, "leaf", "DNS:localhost");
    char chain[8192];
    (void)snprintf(chain, sizeof chain, "junk before\n%s\n%s", leaf.cert_pem, middle.cert_pem);
    struct t_cert chained = leaf;
    chained.cert_pem = chain;
    struct cfl_tls_client *client = client_trusting(&ca);
    struct cfl_tls_server *server = server_showing(&chained);
    struct tls_pair pair = handshake(client, "localhost", server);
    expect_established(&pair);
    tls_pair_done(&pair);
    cfl_tls_server_unref(server);
    server = server_showing(&leaf);
    pair = handshake(client, "localhost", server);
    CHECK_STATUS(pair.client.status, CFLIGHT_UNAVAILABLE);
    expect_text(pair.client.error, "unable to get local issuer certificate");
    tls_pair_done(&pair);
    cfl_tls_server_unref(server);
    cfl_tls_client_unref(client);
    t_cert_done(&leaf);
    t_cert_done(&middle);
    t_cert_done(&ca);
}

/* Goal: without own roots the system's trust store decides.
 * Method: refused first; then the store is pointed at our authority, the way OpenSSL documents. */
TEST(tls, the_system_trust_store_is_the_default)
{
    struct t_dir dir = t_dir_new();
    char path[80];
    struct t_cert ca = make_ca();
    struct t_cert leaf = make_leaf(&ca, "leaf", "DNS:localhost");
    struct cfl_tls_client_options options = {.allow_common_name = false};
    struct cfl_tls_server *server = server_showing(&leaf);
    struct cfl_tls_client *client = client_with(&options);
    struct tls_pair pair = handshake(client, "localhost", server);
    CHECK_STATUS(pair.client.status, CFLIGHT_UNAVAILABLE);
    tls_pair_done(&pair);
    cfl_tls_client_unref(client);

    (void)snprintf(path, sizeof path, "%s/roots.pem", dir.path);
    FILE *file = fopen(path, "we");
    assert_true(file != NULL && fputs(ca.cert_pem, file) >= 0 && fclose(file) == 0);
    assert_int_equal(setenv("SSL_CERT_FILE", path, 1), 0);
    client = client_with(&options);
    pair = handshake(client, "localhost", server);
    (void)unsetenv("SSL_CERT_FILE");
    expect_established(&pair);
    tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_unref(server);
    assert_int_equal(unlink(path), 0);
    t_dir_done(&dir);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}

/* Goal: verification can be switched off, which is logged, and no fact of the certificate is then
 * presented as verified. Method: a self-signed, expired certificate for another name. */
TEST(tls, skipping_verification_is_logged)
{
    struct t_cert_options leaf_options = {.common_name = "foo", .is_expired = true};
    struct t_cert leaf = t_cert_new(&leaf_options);
    struct cfl_tls_client_options options = {.skip_verification = true};
    start_log();
    struct cfl_tls_client *client = client_with(&options);
    stop_log();
    assert_non_null(strstr(log_text, "certificates of servers are not verified"));
    struct cfl_tls_server *server = server_showing(&leaf);
    struct tls_pair pair = handshake(client, "localhost", server);
    expect_established(&pair);
    expect_talk(&pair);
    const struct cfl_peer *peer = cfl_transport_peer(pair.client.transport);
    assert_true(peer->is_tls);
    assert_string_equal(peer->tls_version, "TLSv1.3");
    assert_string_equal(peer->cert_subject, "");
    assert_string_equal(peer->cert_identity, "");
    assert_int_equal(peer->cert_san_count, 0);
    tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_unref(server);
    t_cert_done(&leaf);
}

/* ---- Clients with certificates ---- */

struct client_auth_case {
    const char *what;
    enum cfl_tls_client_auth auth;
    bool has_cert;
    bool is_of_other_ca;
    const char *server_refusal; /* NULL: accepted */
    bool is_known;              /* the server has facts about the client */
};

static const struct client_auth_case CLIENT_AUTH_CASES[] = {
    {"none, with", CFL_TLS_CLIENT_AUTH_NONE, true, false, NULL, false},
    {"optional, without", CFL_TLS_CLIENT_AUTH_OPTIONAL, false, false, NULL, false},
    {"optional, with", CFL_TLS_CLIENT_AUTH_OPTIONAL, true, false, NULL, true},
    {"optional, wrong CA", CFL_TLS_CLIENT_AUTH_OPTIONAL, true, true,
     "certificate of the client is not valid: unable to get local issuer certificate", false},
    {"required, without", CFL_TLS_CLIENT_AUTH_REQUIRED, false, false,
     "the peer sent no certificate, and one is required", false},
    {"required, with", CFL_TLS_CLIENT_AUTH_REQUIRED, true, false, NULL, true},
    {"required, wrong CA", CFL_TLS_CLIENT_AUTH_REQUIRED, true, true,
     "certificate of the client is not valid: unable to get local issuer certificate", false},
};

static void expect_client_facts(const struct cfl_peer *peer, bool is_known)
{
    if (!is_known) {
        assert_string_equal(peer->cert_subject, "");
        assert_string_equal(peer->cert_identity, "");
        assert_int_equal(peer->cert_san_count, 0);
        return;
    }
    assert_string_equal(peer->cert_subject, "CN=the client");
    assert_string_equal(peer->cert_identity, "spiffe://example/client");
    assert_int_equal(peer->cert_san_count, 3);
    assert_string_equal(peer->cert_sans[0], "email:a@b.example");
    assert_string_equal(peer->cert_sans[1], "URI:spiffe://example/client");
    assert_string_equal(peer->cert_sans[2], "IP:10.1.2.3");
}

/* The client finishes a TLS 1.3 handshake before the server judges its certificate; the verdict is
 * in the first read. */
static void expect_refused_later(struct end *client)
{
    char byte = 0;
    struct iovec view = {&byte, 1};
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    CHECK_OK(client->status, client->error);
    CHECK_STATUS(
        cfl_transport_read(client->transport, &view, 1, &len_bytes, &is_eof, &wait, &client->error),
        CFLIGHT_UNAVAILABLE);
    expect_text(client->error, "TLS read from /peer failed: the peer refused: ");
}

static void run_client_auth_case(const struct client_auth_case *test, const struct t_cert *ca,
                                 const struct t_cert *other_ca, const struct t_cert *server_cert)
{
    struct t_cert cert = make_leaf(test->is_of_other_ca ? other_ca : ca, "the client",
                                   "email:a@b.example,URI:spiffe://example/client,IP:10.1.2.3");
    struct cfl_tls_client_options options = {.root_certs_pem = t_cert_pem(ca)};
    if (test->has_cert) {
        options.cert_chain_pem = t_cert_pem(&cert);
        options.private_key_pem = t_key_pem(&cert);
    }
    struct cfl_tls_client *client = client_with(&options);
    struct cfl_tls_server *server =
        server_with(server_cert, test->auth, test->auth == CFL_TLS_CLIENT_AUTH_NONE ? NULL : ca);
    struct tls_pair pair = handshake(client, "localhost", server);
    if (test->server_refusal != NULL) {
        if (pair.server.status != CFLIGHT_UNAVAILABLE) {
            fail_msg("%s: %s", test->what, cflight_status_name(pair.server.status));
        }
        expect_text(pair.server.error, test->server_refusal);
        expect_refused_later(&pair.client);
    } else {
        if (pair.server.status != CFLIGHT_OK) {
            fail_msg("%s: %s", test->what, cflight_error_message(pair.server.error));
        }
        expect_established(&pair);
        expect_talk(&pair);
        expect_client_facts(cfl_transport_peer(pair.server.transport), test->is_known);
        assert_string_equal(cfl_transport_peer(pair.client.transport)->cert_identity, "localhost");
    }
    tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_unref(server);
    t_cert_done(&cert);
}

/* Goal: a server demands, takes or ignores client certificates as it was told, and knows whom it
 * talks to. Method: a table of demands against clients. */
TEST(tls, servers_verify_clients_as_told)
{
    struct t_cert ca = make_ca();
    struct t_cert other_ca = make_named_ca("other CA");
    struct t_cert server_cert = make_leaf(&ca, "server", "DNS:localhost");
    for (size_t i = 0; i < sizeof CLIENT_AUTH_CASES / sizeof CLIENT_AUTH_CASES[0]; i++) {
        run_client_auth_case(&CLIENT_AUTH_CASES[i], &ca, &other_ca, &server_cert);
    }
    t_cert_done(&server_cert);
    t_cert_done(&other_ca);
    t_cert_done(&ca);
}

/* Goal: text that a stranger put into a certificate reaches nobody raw.
 * Method: a client whose names hold a line break, a NUL-like escape and a backslash. */
TEST(tls, names_of_strangers_are_escaped)
{
    struct t_cert ca = make_ca();
    struct t_cert server_cert = make_leaf(&ca, "server", "DNS:localhost");
    struct t_cert cert = make_leaf(&ca, "evil\nline", "DNS:a b\\c");
    struct cfl_tls_client_options options = {.root_certs_pem = t_cert_pem(&ca),
                                             .cert_chain_pem = t_cert_pem(&cert),
                                             .private_key_pem = t_key_pem(&cert)};
    struct cfl_tls_client *client = client_with(&options);
    struct cfl_tls_server *server = server_with(&server_cert, CFL_TLS_CLIENT_AUTH_REQUIRED, &ca);
    struct tls_pair pair = handshake(client, "localhost", server);
    expect_established(&pair);
    const struct cfl_peer *peer = cfl_transport_peer(pair.server.transport);
    assert_string_equal(peer->cert_subject, "CN=evil\\0Aline");
    assert_int_equal(peer->cert_san_count, 1);
    assert_string_equal(peer->cert_sans[0], "DNS:a\\20b\\5cc");
    tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_unref(server);
    t_cert_done(&cert);
    t_cert_done(&server_cert);
    t_cert_done(&ca);
}

/* Goal: a certificate without SAN is known by its common name. Method: a version 1 client
 * certificate. */
TEST(tls, the_common_name_is_the_identity_of_last_resort)
{
    struct t_cert ca = make_ca();
    struct t_cert server_cert = make_leaf(&ca, "server", "DNS:localhost");
    struct t_cert_options old_options = {.common_name = "old client", .issuer = &ca, .is_v1 = true};
    struct t_cert cert = t_cert_new(&old_options);
    struct cfl_tls_client_options options = {.root_certs_pem = t_cert_pem(&ca),
                                             .cert_chain_pem = t_cert_pem(&cert),
                                             .private_key_pem = t_key_pem(&cert)};
    struct cfl_tls_client *client = client_with(&options);
    struct cfl_tls_server *server = server_with(&server_cert, CFL_TLS_CLIENT_AUTH_OPTIONAL, &ca);
    struct tls_pair pair = handshake(client, "localhost", server);
    expect_established(&pair);
    assert_string_equal(cfl_transport_peer(pair.server.transport)->cert_identity, "old\\20client");
    tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_unref(server);
    t_cert_done(&cert);
    t_cert_done(&server_cert);
    t_cert_done(&ca);
}

/* ---- PEM ---- */

static void expect_bad_client(const struct cfl_tls_client_options *options, const char *text,
                              const char *secret)
{
    struct cfl_tls_client *tls = NULL;
    cflight_error *error = NULL;
    CHECK_STATUS(cfl_tls_client_new(NULL, options, &tls, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_null(tls);
    assert_null(strstr(cflight_error_message(error), secret));
    t_expect_error(error, text);
}

/* Goal: an unusable PEM is an error that says which and how, and quotes none of it.
 * Method: damage each input in turn. */
TEST(tls, bad_pem_is_explained)
{
    struct t_cert ca = make_ca();
    struct t_cert cert = make_leaf(&ca, "client", NULL);
    struct t_cert other = make_leaf(&ca, "other", NULL);
    char secret[21] = "";
    char *cut = strdup(cert.key_pem);
    char *broken = strdup(cert.cert_pem);
    memcpy(secret, cert.key_pem + 60, 20);
    cut[strlen(cut) / 2] = '\0';
    memset(broken + 100, '!', 4);
    struct cfl_tls_client_options good = {.root_certs_pem = t_cert_pem(&ca),
                                          .cert_chain_pem = t_cert_pem(&cert),
                                          .private_key_pem = t_key_pem(&cert)};
    struct cfl_tls_client_options bad = good;
    bad.root_certs_pem = cflight_bytes_from_text("nothing");
    expect_bad_client(&bad, "root certificates: there is no certificate in the PEM text", secret);
    bad.root_certs_pem = cflight_bytes_make(ca.cert_pem, strlen(ca.cert_pem) - 30);
    expect_bad_client(&bad, "root certificates: the PEM text is cut short", secret);
    bad = good;
    bad.private_key_pem = cflight_bytes_from_text(cut);
    expect_bad_client(&bad, "client certificate and key: the PEM text is cut short", secret);
    bad.private_key_pem = t_cert_pem(&cert);
    expect_bad_client(&bad, "there is no private key in the PEM text", secret);
    bad.private_key_pem = cflight_bytes_make(NULL, 0);
    expect_bad_client(&bad, "there is no private key in the PEM text", secret);
    bad.private_key_pem = t_key_pem(&other);
    expect_bad_client(&bad, "the private key does not match the first certificate", secret);
    bad = good;
    bad.cert_chain_pem = cflight_bytes_make(NULL, 0);
    expect_bad_client(&bad, "there is no certificate in the PEM text", secret);
    bad.cert_chain_pem = cflight_bytes_from_text(broken);
    expect_bad_client(&bad, "client certificate and key: the PEM text is damaged", secret);
    free(cut);
    free(broken);
    t_cert_done(&other);
    t_cert_done(&cert);
    t_cert_done(&ca);
}

static const char ENCRYPTED_KEY[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                                    "MAAA\n"
                                    "-----END ENCRYPTED PRIVATE KEY-----\n";

/* Goal: an encrypted key is refused with the reason, without asking anybody for a password.
 * Method: a key of the encrypted kind, and one with an encryption header. */
TEST(tls, encrypted_keys_are_refused)
{
    static const char LEGACY[] = "-----BEGIN RSA PRIVATE KEY-----\n"
                                 "Proc-Type: 4,ENCRYPTED\n"
                                 "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
                                 "MAAA\n"
                                 "-----END RSA PRIVATE KEY-----\n";
    struct t_cert ca = make_ca();
    struct cfl_tls_client_options options = {.root_certs_pem = t_cert_pem(&ca),
                                             .cert_chain_pem = t_cert_pem(&ca)};
    options.private_key_pem = cflight_bytes_from_text(ENCRYPTED_KEY);
    expect_bad_client(&options, "the key is encrypted", "MAAA");
    options.private_key_pem = cflight_bytes_from_text(LEGACY);
    expect_bad_client(&options, "the key is encrypted", "MAAA");
    t_cert_done(&ca);
}

/* Goal: a server that could not work is refused. Method: no key pair; verification without roots;
 * the second pair bad. */
TEST(tls, senseless_servers_are_refused)
{
    struct t_cert ca = make_ca();
    struct t_cert other = make_ca();
    struct cfl_tls_server *tls = NULL;
    cflight_error *error = NULL;
    struct cfl_tls_key_pair pairs[2] = {{t_cert_pem(&ca), t_key_pem(&ca)},
                                        {t_cert_pem(&ca), t_key_pem(&other)}};
    struct cfl_tls_server_options options = {.key_pairs = pairs, .key_pair_count = 0};
    CHECK_STATUS(cfl_tls_server_new(NULL, &options, &tls, &error), CFLIGHT_INVALID_ARGUMENT);
    t_expect_error(error, "needs a certificate and key");
    error = NULL;
    options.key_pair_count = 1;
    options.client_auth = CFL_TLS_CLIENT_AUTH_OPTIONAL;
    CHECK_STATUS(cfl_tls_server_new(NULL, &options, &tls, &error), CFLIGHT_INVALID_ARGUMENT);
    t_expect_error(error, "needs root certificates");
    error = NULL;
    options.key_pair_count = 2;
    options.client_auth = CFL_TLS_CLIENT_AUTH_NONE;
    CHECK_STATUS(cfl_tls_server_new(NULL, &options, &tls, &error), CFLIGHT_INVALID_ARGUMENT);
    t_expect_error(error, "server certificate and key 2: the private key does not match");
    t_cert_done(&other);
    t_cert_done(&ca);
}

/* ---- Servers with several certificates, and reload ---- */

static void expect_shown(struct cfl_tls_client *client, struct cfl_tls_server *server,
                         const char *name, const char *subject)
{
    struct tls_pair pair = handshake(client, name, server);
    expect_established(&pair);
    assert_string_equal(cfl_transport_peer(pair.client.transport)->cert_subject, subject);
    tls_pair_done(&pair);
}

/* Goal: the certificate is chosen by the name the client asks for, and the first one serves
 * everybody else. Method: two key pairs, three names. */
TEST(tls, key_pairs_are_chosen_by_name)
{
    struct t_cert ca = make_ca();
    struct t_cert a = make_leaf(&ca, "a", "DNS:a.example,IP:127.0.0.1");
    struct t_cert b = make_leaf(&ca, "b", "DNS:*.b.example");
    struct cfl_tls_key_pair pairs[2] = {{t_cert_pem(&a), t_key_pem(&a)},
                                        {t_cert_pem(&b), t_key_pem(&b)}};
    struct cfl_tls_server_options options = {.key_pairs = pairs,
                                             .key_pair_count = 2,
                                             .client_auth = CFL_TLS_CLIENT_AUTH_OPTIONAL,
                                             .client_roots_pem = t_cert_pem(&ca)};
    struct cfl_tls_server *server = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_tls_server_new(NULL, &options, &server, &error), error);
    struct cfl_tls_client *client = client_trusting(&ca);
    expect_shown(client, server, "a.example", "CN=a");
    expect_shown(client, server, "x.b.example", "CN=b");
    expect_shown(client, server, "127.0.0.1", "CN=a");
    struct tls_pair pair = handshake(client, "c.example", server);
    CHECK_STATUS(pair.client.status, CFLIGHT_UNAVAILABLE);
    expect_text(pair.client.error, "certificate is for DNS:a.example");
    tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_unref(server);
    t_cert_done(&b);
    t_cert_done(&a);
    t_cert_done(&ca);
}

/* Goal: a reload counts for new connections, leaves old ones alone, and a bad one changes nothing.
 * Method: connect, reload, talk on the old connection, connect anew, reload with a wrong key. */
TEST(tls, a_reload_is_for_new_connections)
{
    struct t_cert ca = make_ca();
    struct t_cert first = make_leaf(&ca, "first", "DNS:localhost");
    struct t_cert second = make_leaf(&ca, "second", "DNS:localhost");
    struct cfl_tls_client *client = client_trusting(&ca);
    struct cfl_tls_server *server = server_showing(&first);
    cflight_error *error = NULL;
    struct tls_pair old = handshake(client, "localhost", server);
    expect_established(&old);
    expect_talk(&old);
    struct cfl_tls_key_pair pair = {t_cert_pem(&second), t_key_pem(&second)};
    struct cfl_tls_server_options options = {.key_pairs = &pair, .key_pair_count = 1};
    CHECK_OK(cfl_tls_server_reload(server, &options, &error), error);
    expect_talk(&old);
    expect_shown(client, server, "localhost", "CN=second");
    pair.private_key_pem = t_key_pem(&first);
    CHECK_STATUS(cfl_tls_server_reload(server, &options, &error), CFLIGHT_INVALID_ARGUMENT);
    t_expect_error(error, "does not match");
    expect_shown(client, server, "localhost", "CN=second");
    cfl_tls_server_unref(server);
    expect_talk(&old);
    tls_pair_done(&old);
    cfl_tls_client_unref(client);
    t_cert_done(&second);
    t_cert_done(&first);
    t_cert_done(&ca);
}

/* ---- Resumption ---- */

/* Connects, talks, and tells whether both ends resumed a session. */
static bool is_resumed(struct cfl_tls_client *client, const char *name,
                       struct cfl_tls_server *server, const char *client_subject)
{
    start_log();
    struct tls_pair pair = handshake(client, name, server);
    stop_log();
    expect_established(&pair);
    expect_talk(&pair);
    assert_string_equal(cfl_transport_peer(pair.server.transport)->cert_subject, client_subject);
    assert_string_equal(cfl_transport_peer(pair.client.transport)->cert_identity, "localhost");
    cfl_transport_shutdown(pair.client.transport);
    tls_pair_done(&pair);
    return strstr(log_text, "resumed") != NULL;
}

/* Goal: a second connection resumes the session, with the facts about the peer kept; not under
 * another name, and not after the server changed what it demands. Method: connect again and again;
 * the debug log tells. */
TEST(tls, sessions_are_resumed)
{
    struct t_cert ca = make_ca();
    struct t_cert server_cert = make_leaf(&ca, "server", "DNS:localhost,DNS:other");
    struct t_cert cert = make_leaf(&ca, "client", NULL);
    struct cfl_tls_client_options options = {.root_certs_pem = t_cert_pem(&ca),
                                             .cert_chain_pem = t_cert_pem(&cert),
                                             .private_key_pem = t_key_pem(&cert)};
    struct cfl_tls_client *client = client_with(&options);
    struct cfl_tls_server *server = server_with(&server_cert, CFL_TLS_CLIENT_AUTH_REQUIRED, &ca);
    assert_false(is_resumed(client, "localhost", server, "CN=client"));
    assert_true(is_resumed(client, "localhost", server, "CN=client"));
    assert_true(is_resumed(client, "localhost", server, "CN=client"));
    assert_false(is_resumed(client, "other", server, "CN=client"));
    struct cfl_tls_key_pair pair = {t_cert_pem(&server_cert), t_key_pem(&server_cert)};
    struct cfl_tls_server_options none = {.key_pairs = &pair, .key_pair_count = 1};
    cflight_error *error = NULL;
    CHECK_OK(cfl_tls_server_reload(server, &none, &error), error);
    assert_false(is_resumed(client, "localhost", server, ""));
    cfl_tls_server_unref(server);
    cfl_tls_client_unref(client);
    t_cert_done(&cert);
    t_cert_done(&server_cert);
    t_cert_done(&ca);
}

/* Goal: a client that talks to many names keeps a bounded number of sessions, the youngest.
 * Method: more names than it keeps; the last is resumed, the first is not. */
TEST(tls, a_client_forgets_its_oldest_sessions)
{
    enum { NAMES = 20 };
    struct t_cert ca = make_ca();
    struct t_cert server_cert = make_leaf(&ca, "server", "DNS:localhost,DNS:*.example.org");
    struct cfl_tls_client *client = client_trusting(&ca);
    struct cfl_tls_server *server = server_showing(&server_cert);
    char name[32] = "";
    for (int i = 0; i < NAMES; i++) {
        (void)snprintf(name, sizeof name, "n%d.example.org", i);
        assert_false(is_resumed(client, name, server, ""));
    }
    assert_true(is_resumed(client, name, server, ""));
    assert_false(is_resumed(client, "n0.example.org", server, ""));
    cfl_tls_client_unref(client);
    cfl_tls_server_unref(server);
    t_cert_done(&server_cert);
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
static bool shake(struct end *ours, struct raw *raw)
{
    int result = -1;
    for (int i = 0; i < 20; i++) {
        result = result == 1 ? 1 : SSL_do_handshake(raw->ssl);
        step(ours);
    }
    assert_true(ours->is_done);
    return result == 1;
}

static struct end our_server(struct cfl_tls_server *server, int fd)
{
    struct end end = {.transport = transport_on(NULL, fd)};
    CHECK_STATUS(cfl_transport_start_tls_server(end.transport, server, &end.error), CFLIGHT_OK);
    return end;
}

static struct end our_client(struct cfl_tls_client *client, int fd)
{
    struct end end = {.transport = transport_on(NULL, fd)};
    CHECK_STATUS(cfl_transport_start_tls_client(end.transport, client, "localhost", &end.error),
                 CFLIGHT_OK);
    return end;
}

static void end_done(struct end *end)
{
    cfl_transport_free(end->transport);
    cflight_error_free(end->error);
}

static void expect_server_says(struct cfl_tls_server *server, int version, bool has_alpn,
                               const char *text)
{
    int fds[2];
    socket_pair(fds);
    struct raw raw = raw_new(false, NULL, version, has_alpn, fds[0]);
    struct end ours = our_server(server, fds[1]);
    bool is_shaken = shake(&ours, &raw);
    if (text == NULL) {
        CHECK_OK(ours.status, ours.error);
        assert_true(is_shaken);
    } else {
        CHECK_STATUS(ours.status, CFLIGHT_UNAVAILABLE);
        assert_false(is_shaken);
        expect_text(ours.error, text);
    }
    end_done(&ours);
    raw_done(&raw);
}

static void expect_client_says(struct cfl_tls_client *client, const struct t_cert *cert,
                               int version, const char *text)
{
    int fds[2];
    socket_pair(fds);
    struct raw raw = raw_new(true, cert, version, false, fds[0]);
    struct end ours = our_client(client, fds[1]);
    (void)shake(&ours, &raw);
    CHECK_STATUS(ours.status, CFLIGHT_UNAVAILABLE);
    expect_text(ours.error, text);
    end_done(&ours);
    raw_done(&raw);
}

/* Goal: TLS 1.2 and 1.3 with ALPN "h2" and nothing else. Method: peers of each version, with and
 * without ALPN. */
TEST(tls, versions_and_alpn_are_demanded)
{
    struct t_cert ca = make_ca();
    struct t_cert leaf = make_leaf(&ca, "leaf", "DNS:localhost");
    struct cfl_tls_server *server = server_showing(&leaf);
    struct cfl_tls_client *client = client_trusting(&ca);
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
    cfl_tls_server_unref(server);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}

/* Goal: nobody can make us shake hands again. Method: a TLS 1.2 client asks for it; our end answers
 * no. */
TEST(tls, renegotiation_is_refused)
{
    int fds[2];
    char byte = 0;
    struct iovec view = {&byte, 1};
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    struct t_cert ca = make_ca();
    struct t_cert leaf = make_leaf(&ca, "leaf", "DNS:localhost");
    struct cfl_tls_server *server = server_showing(&leaf);
    socket_pair(fds);
    struct raw raw = raw_new(false, NULL, TLS1_2_VERSION, true, fds[0]);
    struct end ours = our_server(server, fds[1]);
    assert_true(shake(&ours, &raw));
    assert_int_equal(SSL_renegotiate(raw.ssl), 1);
    (void)SSL_do_handshake(raw.ssl);
    cflight_status status =
        cfl_transport_read(ours.transport, &view, 1, &len_bytes, &is_eof, &wait, &ours.error);
    assert_true(status != CFLIGHT_OK || wait == CFL_READY_READ);
    assert_int_not_equal(SSL_do_handshake(raw.ssl), 1);
    assert_int_equal(SSL_num_renegotiations(raw.ssl) > 0 && SSL_is_init_finished(raw.ssl), 0);
    end_done(&ours);
    raw_done(&raw);
    cfl_tls_server_unref(server);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}

/* Goal: a peer without TLS is called that. Method: an HTTP/2 preface to a server, HTTP/2 settings
 * to a client, a peer that closes, and one that resets. */
TEST(tls, a_plain_peer_is_recognised)
{
    static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static const uint8_t SETTINGS[] = {0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0};
    struct t_cert ca = make_ca();
    struct cfl_tls_server *server = server_showing(&ca);
    struct cfl_tls_client *client = client_trusting(&ca);
    int fds[2];
    socket_pair(fds);
    struct end ours = our_server(server, fds[1]);
    assert_int_equal(write(fds[0], PREFACE, sizeof PREFACE - 1), sizeof PREFACE - 1);
    step(&ours);
    CHECK_STATUS(ours.status, CFLIGHT_UNAVAILABLE);
    expect_text(ours.error, "TLS handshake with /peer failed: the peer does not speak TLS");
    end_done(&ours);
    (void)close(fds[0]);

    socket_pair(fds);
    ours = our_client(client, fds[1]);
    assert_int_equal(write(fds[0], SETTINGS, sizeof SETTINGS), sizeof SETTINGS);
    step(&ours);
    CHECK_STATUS(ours.status, CFLIGHT_UNAVAILABLE);
    expect_text(ours.error, "TLS handshake with /peer failed: the peer does not speak TLS");
    end_done(&ours);
    (void)close(fds[0]);

    socket_pair(fds);
    ours = our_client(client, fds[1]);
    assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
    step(&ours);
    CHECK_STATUS(ours.status, CFLIGHT_UNAVAILABLE);
    expect_text(ours.error, "the peer closed the connection; it may not speak TLS on this port");
    end_done(&ours);
    (void)close(fds[0]);
    cfl_tls_client_unref(client);
    cfl_tls_server_unref(server);
    t_cert_done(&ca);
}

/* ---- Bytes ---- */

static struct tls_pair established_pair(struct t_cert *ret_ca, struct cfl_tls_client **ret_client,
                                        struct cfl_tls_server **ret_server)
{
    struct t_cert_options options = {.common_name = "self", .sans = "DNS:localhost"};
    *ret_ca = t_cert_new(&options);
    *ret_client = client_trusting(ret_ca);
    *ret_server = server_showing(ret_ca);
    struct tls_pair pair = handshake(*ret_client, "localhost", *ret_server);
    expect_established(&pair);
    expect_talk(&pair);
    return pair;
}

static void established_done(struct tls_pair *pair, struct t_cert *ca,
                             struct cfl_tls_client *client, struct cfl_tls_server *server)
{
    tls_pair_done(pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_unref(server);
    t_cert_done(ca);
}

static uint32_t random_state = 1;

static size_t random_below(size_t limit)
{
    random_state = random_state * 1664525U + 1013904223U;
    return (random_state >> 8) % limit;
}

static uint8_t byte_at(size_t offset)
{
    return (uint8_t)(offset * 2654435761U >> 16);
}

struct flow {
    size_t offset; /* of the next byte in the pattern */
    uint8_t *scratch;
    bool is_blocked;
    bool has_ended;
};

/* Offers up to CHUNK_BYTES_MAX bytes in up to 40 views, at a fresh address every time; a blocked
 * flow offers the same bytes again, and more of them. */
static void send_some(struct cfl_transport *transport, struct flow *flow, size_t least_bytes,
                      size_t *ret_offered)
{
    struct iovec views[40];
    int count = 0;
    size_t offered_bytes = 0;
    size_t limit_bytes = TRANSFER_BYTES - flow->offset;
    size_t wanted_bytes = least_bytes + random_below(CHUNK_BYTES_MAX);
    wanted_bytes = wanted_bytes < limit_bytes ? wanted_bytes : limit_bytes;
    uint8_t *data = flow->scratch + random_below(64);
    for (size_t i = 0; i < wanted_bytes; i++) {
        data[i] = byte_at(flow->offset + i);
    }
    while (count < 40 && offered_bytes < wanted_bytes) {
        size_t part_bytes = random_below(4) == 0 ? random_below(60000) : random_below(30);
        part_bytes = count == 39 || part_bytes > wanted_bytes - offered_bytes
                         ? wanted_bytes - offered_bytes
                         : part_bytes;
        views[count++] = (struct iovec){data + offered_bytes, part_bytes};
        offered_bytes += part_bytes;
    }
    size_t len_bytes = 0;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    CHECK_OK(cfl_transport_write(transport, views, count, &len_bytes, &wait, &error), error);
    assert_int_equal(wait == CFL_READY_NONE, len_bytes == offered_bytes);
    flow->is_blocked = wait != CFL_READY_NONE;
    flow->offset += len_bytes;
    *ret_offered = offered_bytes - len_bytes;
}

static void receive_some(struct cfl_transport *transport, struct flow *flow)
{
    struct iovec views[3];
    size_t len_bytes = 0;
    size_t position = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    for (int i = 0; i < 3; i++) {
        views[i].iov_base = flow->scratch + position;
        views[i].iov_len =
            random_below(2) == 0 ? random_below(40) : random_below(CHUNK_BYTES_MAX / 3);
        position += views[i].iov_len;
    }
    CHECK_OK(cfl_transport_read(transport, views, 3, &len_bytes, &is_eof, &wait, &error), error);
    assert_false(is_eof);
    assert_int_equal(wait != CFL_READY_NONE, len_bytes == 0 && position > 0);
    if (wait != CFL_READY_NONE) {
        assert_false(cfl_transport_has_pending(transport));
    }
    for (size_t i = 0; i < len_bytes; i++) {
        if (flow->scratch[i] != byte_at(flow->offset + i)) {
            fail_msg("byte %zu is wrong", flow->offset + i);
        }
    }
    flow->offset += len_bytes;
}

/* Goal: every byte arrives in order, however writes and reads are cut and wherever a repeated write
 * lies in memory. Method: 64 MiB in random chunks and views; a write that blocks is repeated from
 * another address. */
TEST(tls, a_big_transfer_arrives_whole)
{
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    struct tls_pair pair = established_pair(&ca, &client, &server);
    struct flow out = {.scratch = malloc(2 * CHUNK_BYTES_MAX)};
    struct flow in = {.scratch = malloc(CHUNK_BYTES_MAX)};
    size_t left_bytes = 0;
    unsigned int blocked_count = 0;
    while (in.offset < TRANSFER_BYTES) {
        if (out.offset < TRANSFER_BYTES && random_below(4) != 0) {
            size_t least_bytes = left_bytes < RECORD_BYTES ? left_bytes : RECORD_BYTES;
            send_some(pair.client.transport, &out, out.is_blocked ? least_bytes : 0, &left_bytes);
            blocked_count += out.is_blocked ? 1 : 0;
        } else {
            receive_some(pair.server.transport, &in);
        }
    }
    assert_true(blocked_count > 0);
    free(out.scratch);
    free(in.scratch);
    established_done(&pair, &ca, client, server);
}

/* Goal: many small views make one record, not one each. Method: 900 views of 9 bytes; count the
 * bytes on the socket. */
TEST(tls, small_views_share_a_record)
{
    enum { VIEWS = 900 };
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    struct tls_pair pair = established_pair(&ca, &client, &server);
    struct iovec views[VIEWS];
    char text[9] = "nine byte";
    char target[VIEWS * 9];
    size_t len_bytes = 0;
    unsigned int wait = CFL_READY_NONE;
    int waiting_bytes = 0;
    cflight_error *error = NULL;
    for (int i = 0; i < VIEWS; i++) {
        views[i] = (struct iovec){text, sizeof text};
    }
    CHECK_OK(cfl_transport_write(pair.client.transport, views, VIEWS, &len_bytes, &wait, &error),
             error);
    assert_int_equal(len_bytes, VIEWS * sizeof text);
    assert_int_equal(ioctl(cfl_transport_fd(pair.server.transport), FIONREAD, &waiting_bytes), 0);
    assert_true(waiting_bytes < (int)(VIEWS * sizeof text) + 40);
    t_read_all(pair.server.transport, target, sizeof target);
    assert_memory_equal(target + sizeof target - 9, text, 9);
    established_done(&pair, &ca, client, server);
}

/* Goal: bytes that TLS holds back are announced, since no readiness shows them.
 * Method: read one byte of a record; then the rest. */
TEST(tls, decrypted_bytes_that_wait_are_announced)
{
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    struct tls_pair pair = established_pair(&ca, &client, &server);
    char target[8];
    t_write_all(pair.client.transport, "12345", 5);
    t_read_all(pair.server.transport, target, 1);
    assert_true(cfl_transport_has_pending(pair.server.transport));
    t_read_all(pair.server.transport, target, 4);
    assert_memory_equal(target, "2345", 4);
    assert_false(cfl_transport_has_pending(pair.server.transport));
    established_done(&pair, &ca, client, server);
}

static void expect_eof(struct cfl_transport *transport)
{
    char byte = 0;
    struct iovec view = {&byte, 1};
    for (int i = 0; i < 2; i++) {
        size_t len_bytes = 0;
        bool is_eof = false;
        unsigned int wait = CFL_READY_NONE;
        cflight_error *error = NULL;
        CHECK_OK(cfl_transport_read(transport, &view, 1, &len_bytes, &is_eof, &wait, &error),
                 error);
        assert_true(is_eof);
        assert_int_equal(wait, CFL_READY_NONE);
    }
}

/* Goal: the end of a stream is the end, said properly or not; writing after it is an error without
 * a signal. Method: shut one end down after a last byte; in a second pair, close it hard. SIGPIPE
 * keeps its deadly default. */
TEST(tls, the_end_comes_after_the_last_byte)
{
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    char byte = 0;
    struct iovec view = {&byte, 1};
    size_t len_bytes = 0;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    (void)signal(SIGPIPE, SIG_DFL);
    struct tls_pair pair = established_pair(&ca, &client, &server);
    t_write_all(pair.client.transport, "x", 1);
    cfl_transport_shutdown(pair.client.transport);
    t_read_all(pair.server.transport, &byte, 1);
    expect_eof(pair.server.transport);
    established_done(&pair, &ca, client, server);

    pair = established_pair(&ca, &client, &server);
    cfl_transport_free(pair.client.transport);
    pair.client.transport = NULL;
    expect_eof(pair.server.transport);
    CHECK_STATUS(cfl_transport_write(pair.server.transport, &view, 1, &len_bytes, &wait, &error),
                 CFLIGHT_UNAVAILABLE);
    t_expect_error(error, "TLS write to /peer failed");
    established_done(&pair, &ca, client, server);
}

/* Goal: bytes that are not TLS in the middle of a stream are an error, and no byte of them is
 * delivered. Method: write to the socket below TLS. */
TEST(tls, a_corrupted_stream_is_an_error)
{
    struct t_cert ca;
    struct cfl_tls_client *client = NULL;
    struct cfl_tls_server *server = NULL;
    static const uint8_t RECORD[] = {0x17, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                     9,    10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    char text[8];
    struct iovec view = {text, sizeof text};
    size_t len_bytes = 0;
    bool is_eof = false;
    unsigned int wait = CFL_READY_NONE;
    cflight_error *error = NULL;
    struct tls_pair pair = established_pair(&ca, &client, &server);
    t_write_all(pair.client.transport, "ok", 2);
    assert_int_equal(write(cfl_transport_fd(pair.client.transport), RECORD, sizeof RECORD),
                     sizeof RECORD);
    CHECK_OK(
        cfl_transport_read(pair.server.transport, &view, 1, &len_bytes, &is_eof, &wait, &error),
        error);
    assert_int_equal(len_bytes, 2);
    for (int i = 0; i < 2; i++) {
        error = NULL;
        CHECK_STATUS(
            cfl_transport_read(pair.server.transport, &view, 1, &len_bytes, &is_eof, &wait, &error),
            CFLIGHT_UNAVAILABLE);
        t_expect_error(error, "TLS read from /peer failed");
    }
    established_done(&pair, &ca, client, server);
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
                                .tls = server_showing(&cert),
                                .connection_count = DIALERS * EACH};
    struct dialer dialers[DIALERS];
    struct cfl_tls_client *client = client_trusting(&cert);
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
    cfl_tls_server_unref(acceptor.tls);
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
    struct acceptor acceptor = {
        .listener = t_listen("127.0.0.1", 0), .tls = server_showing(&cert), .connection_count = 1};
    struct cfl_tls_client *client = client_trusting(&cert);
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
    cfl_tls_server_unref(acceptor.tls);
    cfl_listener_free(acceptor.listener);
    t_cert_done(&cert);
}

/* Goal: a peer that never answers a handshake cannot hold the caller: the deadline and the cancel
 * descriptor count. Method: a listener that nobody accepts from. */
TEST(tls, a_silent_handshake_ends_with_the_deadline)
{
    struct t_cert ca = make_ca();
    struct cfl_listener *listener = t_listen("127.0.0.1", 0);
    struct cfl_tls_client *client = client_trusting(&ca);
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

/* ---- Memory ---- */

/* Goal: no allocation failure crashes, leaks or hides. Method: fail each in turn while contexts are
 * made. */
TEST(tls, every_allocation_failure_of_a_context_is_reported)
{
    struct t_cert ca = make_ca();
    struct cfl_tls_key_pair pair = {t_cert_pem(&ca), t_key_pem(&ca)};
    struct cfl_tls_server_options server_options = {.key_pairs = &pair, .key_pair_count = 1};
    struct cfl_tls_client_options client_options = {.root_certs_pem = t_cert_pem(&ca)};
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_tls_server *server = NULL;
        struct cfl_tls_client *client = NULL;
        cflight_status status =
            cfl_tls_server_new(&alloc->allocator, &server_options, &server, NULL);
        if (status == CFLIGHT_OK) {
            status = cfl_tls_client_new(&alloc->allocator, &client_options, &client, NULL);
        }
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        cfl_tls_client_unref(client);
        cfl_tls_server_unref(server);
        assert_int_equal(alloc->live_count, 0);
    }
    t_cert_done(&ca);
}

/* Goal: as above, for connections with certificates on both sides. Method: fail each allocation of
 * a handshake and a write in turn; one end reports it, or it concerned something that can be done
 * without. */
TEST(tls, every_allocation_failure_of_a_connection_is_survived)
{
    struct t_cert ca = make_ca();
    struct t_cert leaf = make_leaf(&ca, "leaf", "DNS:localhost,URI:x:y");
    struct cfl_tls_client_options options = {.root_certs_pem = t_cert_pem(&ca),
                                             .cert_chain_pem = t_cert_pem(&leaf),
                                             .private_key_pem = t_key_pem(&leaf)};
    struct cfl_tls_client *client = client_with(&options);
    struct cfl_tls_server *server = server_with(&leaf, CFL_TLS_CLIENT_AUTH_REQUIRED, &ca);
    T_EACH_ALLOC_FAILURE(alloc) {
        struct tls_pair pair = handshake_alloc(&alloc->allocator, client, "localhost", server);
        bool is_reported = pair.client.status == CFLIGHT_RESOURCE_EXHAUSTED ||
                           pair.server.status == CFLIGHT_RESOURCE_EXHAUSTED;
        if (pair.client.status == CFLIGHT_OK && pair.server.status == CFLIGHT_OK) {
            struct iovec views[2] = {{leaf.cert_pem, 5}, {leaf.cert_pem, 6}};
            size_t len_bytes = 0;
            unsigned int wait = CFL_READY_NONE;
            is_reported = cfl_transport_write(pair.client.transport, views, 2, &len_bytes, &wait,
                                              NULL) == CFLIGHT_RESOURCE_EXHAUSTED;
        }
        assert_int_equal(is_reported, alloc->did_fail);
        tls_pair_done(&pair);
        assert_int_equal(alloc->live_count, 0);
    }
    cfl_tls_client_unref(client);
    cfl_tls_server_unref(server);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}
