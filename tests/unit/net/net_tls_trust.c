/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: which certificates are accepted, on both sides, and what is said when they are not. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tls_support.h"

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
    struct cfl_tls_client *client = t_tls_client_new(&options);
    struct cfl_tls_server *server = t_tls_server_showing(&leaf);
    struct t_tls_pair pair = t_handshake(client, test->name, server);
    if (test->refusal == NULL) {
        if (pair.client.status != CFLIGHT_OK) {
            fail_msg("%s: %s", test->what, cflight_error_message(pair.client.error));
        }
        t_expect_established(&pair);
        t_expect_talk(&pair);
    } else {
        if (pair.client.status != CFLIGHT_UNAVAILABLE) {
            fail_msg("%s: %s", test->what, cflight_status_name(pair.client.status));
        }
        t_expect_text(pair.client.error, "TLS handshake with /peer failed: ");
        t_expect_text(pair.client.error, test->refusal);
        assert_string_equal(cflight_error_peer(pair.client.error), "unix:/peer");
        assert_int_equal(cflight_error_retry(pair.client.error), CFLIGHT_RETRY_NEVER);
        CHECK_STATUS(pair.server.status, CFLIGHT_UNAVAILABLE);
        t_expect_text(pair.server.error, "the peer refused: ");
    }
    t_tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    t_cert_done(&leaf);
}

/* Goal: exactly the right certificates are accepted, and an error names the check and both names.
 * Method: a table of certificates against expected names. */
TEST(tls, certificates_are_checked_against_roots_and_names)
{
    struct t_cert ca = t_ca_new();
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
    struct t_cert ca = t_ca_new();
    struct t_cert_options middle_options = {.common_name = "middle", .issuer = &ca, .is_ca = true};
    struct t_cert middle = t_cert_new(&middle_options);
    struct t_cert leaf = t_leaf_new(&middle, "leaf", "DNS:localhost");
    char chain[8192];
    (void)snprintf(chain, sizeof chain, "junk before\n%s\n%s", leaf.cert_pem, middle.cert_pem);
    struct t_cert chained = leaf;
    chained.cert_pem = chain;
    struct cfl_tls_client *client = t_tls_client_trusting(&ca);
    struct cfl_tls_server *server = t_tls_server_showing(&chained);
    struct t_tls_pair pair = t_handshake(client, "localhost", server);
    t_expect_established(&pair);
    t_tls_pair_done(&pair);
    cfl_tls_server_free(server);
    server = t_tls_server_showing(&leaf);
    pair = t_handshake(client, "localhost", server);
    CHECK_STATUS(pair.client.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(pair.client.error, "unable to get local issuer certificate");
    t_tls_pair_done(&pair);
    cfl_tls_server_free(server);
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
    struct t_cert ca = t_ca_new();
    struct t_cert leaf = t_leaf_new(&ca, "leaf", "DNS:localhost");
    struct cfl_tls_client_options options = {.allow_common_name = false};
    struct cfl_tls_server *server = t_tls_server_showing(&leaf);
    struct cfl_tls_client *client = t_tls_client_new(&options);
    struct t_tls_pair pair = t_handshake(client, "localhost", server);
    CHECK_STATUS(pair.client.status, CFLIGHT_UNAVAILABLE);
    t_tls_pair_done(&pair);
    cfl_tls_client_unref(client);

    (void)snprintf(path, sizeof path, "%s/roots.pem", dir.path);
    FILE *file = fopen(path, "we");
    assert_true(file != NULL && fputs(ca.cert_pem, file) >= 0 && fclose(file) == 0);
    assert_int_equal(setenv("SSL_CERT_FILE", path, 1), 0);
    client = t_tls_client_new(&options);
    pair = t_handshake(client, "localhost", server);
    (void)unsetenv("SSL_CERT_FILE");
    t_expect_established(&pair);
    t_tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
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
    t_log_start();
    struct cfl_tls_client *client = t_tls_client_new(&options);
    t_log_stop();
    assert_non_null(strstr(t_log_text, "certificates of servers are not verified"));
    struct cfl_tls_server *server = t_tls_server_showing(&leaf);
    struct t_tls_pair pair = t_handshake(client, "localhost", server);
    t_expect_established(&pair);
    t_expect_talk(&pair);
    const struct cfl_peer *peer = cfl_transport_peer(pair.client.transport);
    assert_true(peer->is_tls);
    assert_string_equal(peer->tls_version, "TLSv1.3");
    assert_string_equal(peer->cert_subject, "");
    assert_string_equal(peer->cert_identity, "");
    assert_int_equal(peer->cert_san_count, 0);
    t_tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
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
static void expect_refused_later(struct t_tls_end *client)
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
    t_expect_text(client->error, "TLS read from /peer failed: the peer refused: ");
}

static void run_client_auth_case(const struct client_auth_case *test, const struct t_cert *ca,
                                 const struct t_cert *other_ca, const struct t_cert *server_cert)
{
    struct t_cert cert = t_leaf_new(test->is_of_other_ca ? other_ca : ca, "the client",
                                    "email:a@b.example,URI:spiffe://example/client,IP:10.1.2.3");
    struct cfl_tls_client_options options = {.root_certs_pem = t_cert_pem(ca)};
    if (test->has_cert) {
        options.cert_chain_pem = t_cert_pem(&cert);
        options.private_key_pem = t_key_pem(&cert);
    }
    struct cfl_tls_client *client = t_tls_client_new(&options);
    struct cfl_tls_server *server = t_tls_server_new(
        server_cert, test->auth, test->auth == CFL_TLS_CLIENT_AUTH_NONE ? NULL : ca);
    struct t_tls_pair pair = t_handshake(client, "localhost", server);
    if (test->server_refusal != NULL) {
        if (pair.server.status != CFLIGHT_UNAVAILABLE) {
            fail_msg("%s: %s", test->what, cflight_status_name(pair.server.status));
        }
        t_expect_text(pair.server.error, test->server_refusal);
        expect_refused_later(&pair.client);
    } else {
        if (pair.server.status != CFLIGHT_OK) {
            fail_msg("%s: %s", test->what, cflight_error_message(pair.server.error));
        }
        t_expect_established(&pair);
        t_expect_talk(&pair);
        expect_client_facts(cfl_transport_peer(pair.server.transport), test->is_known);
        assert_string_equal(cfl_transport_peer(pair.client.transport)->cert_identity, "localhost");
    }
    t_tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    t_cert_done(&cert);
}

/* Goal: a server demands, takes or ignores client certificates as it was told, and knows whom it
 * talks to. Method: a table of demands against clients. */
TEST(tls, servers_verify_clients_as_told)
{
    struct t_cert ca = t_ca_new();
    struct t_cert other_ca = t_named_ca_new("other CA");
    struct t_cert server_cert = t_leaf_new(&ca, "server", "DNS:localhost");
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
    struct t_cert ca = t_ca_new();
    struct t_cert server_cert = t_leaf_new(&ca, "server", "DNS:localhost");
    struct t_cert cert = t_leaf_new(&ca, "evil\nline", "DNS:a b\\c");
    struct cfl_tls_client *client = t_tls_client_showing(&ca, &cert);
    struct cfl_tls_server *server =
        t_tls_server_new(&server_cert, CFL_TLS_CLIENT_AUTH_REQUIRED, &ca);
    struct t_tls_pair pair = t_handshake(client, "localhost", server);
    t_expect_established(&pair);
    const struct cfl_peer *peer = cfl_transport_peer(pair.server.transport);
    assert_string_equal(peer->cert_subject, "CN=evil\\0Aline");
    assert_int_equal(peer->cert_san_count, 1);
    assert_string_equal(peer->cert_sans[0], "DNS:a\\20b\\5cc");
    t_tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    t_cert_done(&cert);
    t_cert_done(&server_cert);
    t_cert_done(&ca);
}

static void expect_identity(const struct t_cert *ca, const struct t_cert *server_cert,
                            const struct t_cert_options *options, const char *identity)
{
    struct t_cert cert = t_cert_new(options);
    struct cfl_tls_client *client = t_tls_client_showing(ca, &cert);
    struct cfl_tls_server *server = t_tls_server_new(server_cert, CFL_TLS_CLIENT_AUTH_REQUIRED, ca);
    struct t_tls_pair pair = t_handshake(client, "localhost", server);
    t_expect_established(&pair);
    assert_string_equal(cfl_transport_peer(pair.server.transport)->cert_identity, identity);
    t_tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    t_cert_done(&cert);
}

/* Goal: nobody becomes another by a zero byte in a name; other names are raw. Method: identities of
 * clients with such a byte in the common name and in a DNS name. */
TEST(tls, a_name_with_a_zero_byte_stays_escaped)
{
    struct t_cert ca = t_ca_new();
    struct t_cert server_cert = t_leaf_new(&ca, "server", "DNS:localhost");
    expect_identity(
        &ca, &server_cert,
        &(struct t_cert_options){.common_name = "admin\0 x", .common_name_bytes = 8, .issuer = &ca},
        "admin\\00\\20x");
    expect_identity(&ca, &server_cert,
                    &(struct t_cert_options){.common_name = "c",
                                             .dns = cflight_bytes_make("admin\0.evil", 11),
                                             .issuer = &ca},
                    "admin\\00.evil");
    expect_identity(&ca, &server_cert,
                    &(struct t_cert_options){.common_name = "admin x", .issuer = &ca}, "admin x");
    t_cert_done(&server_cert);
    t_cert_done(&ca);
}

/* Goal: a certificate without SAN is known by its common name. Method: a version 1 client
 * certificate. */
TEST(tls, the_common_name_is_the_identity_of_last_resort)
{
    struct t_cert ca = t_ca_new();
    struct t_cert server_cert = t_leaf_new(&ca, "server", "DNS:localhost");
    struct t_cert_options old_options = {.common_name = "old client", .issuer = &ca, .is_v1 = true};
    struct t_cert cert = t_cert_new(&old_options);
    struct cfl_tls_client *client = t_tls_client_showing(&ca, &cert);
    struct cfl_tls_server *server =
        t_tls_server_new(&server_cert, CFL_TLS_CLIENT_AUTH_OPTIONAL, &ca);
    struct t_tls_pair pair = t_handshake(client, "localhost", server);
    t_expect_established(&pair);
    assert_string_equal(cfl_transport_peer(pair.server.transport)->cert_identity, "old client");
    t_tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
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
    struct t_cert ca = t_ca_new();
    struct t_cert cert = t_leaf_new(&ca, "client", NULL);
    struct t_cert other = t_leaf_new(&ca, "other", NULL);
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
    struct t_cert ca = t_ca_new();
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
    struct t_cert ca = t_ca_new();
    struct t_cert other = t_ca_new();
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
