/* SPDX-License-Identifier: Apache-2.0 */
/* TLS: what a peer must be capable of, and certificates that were revoked. */
#include <stdlib.h>

#include <openssl/ssl.h>

#include "tls_support.h"

enum { HOUR_S = 60 * 60, DAY_S = 24 * HOUR_S };

/* A client and a server with certificates of one authority; the policies may be NULL. */
struct site {
    struct t_cert ca;
    struct t_cert server_cert;
    struct t_cert client_cert;
    struct cfl_tls_key_pair pair;
    struct cfl_tls_client_options client_options;
    struct cfl_tls_server_options server_options;
};

static void site_init(struct site *site)
{
    memset(site, 0, sizeof *site);
    site->ca = t_ca_new();
    site->server_cert = t_leaf_new(&site->ca, "server", "DNS:localhost");
    site->client_cert = t_leaf_new(&site->ca, "client", NULL);
    site->pair =
        (struct cfl_tls_key_pair){t_cert_pem(&site->server_cert), t_key_pem(&site->server_cert)};
    site->client_options = (struct cfl_tls_client_options){
        .root_certs_pem = t_cert_pem(&site->ca),
        .cert_chain_pem = t_cert_pem(&site->client_cert),
        .private_key_pem = t_key_pem(&site->client_cert),
    };
    site->server_options = (struct cfl_tls_server_options){
        .key_pairs = &site->pair,
        .key_pair_count = 1,
        .client_auth = CFL_TLS_CLIENT_AUTH_REQUIRED,
        .client_roots_pem = t_cert_pem(&site->ca),
    };
}

static void site_done(struct site *site)
{
    t_cert_done(&site->client_cert);
    t_cert_done(&site->server_cert);
    t_cert_done(&site->ca);
}

static struct t_tls_pair connect_site(const struct site *site,
                                      const struct cflight_tls_policy *client_policy,
                                      const struct cflight_tls_policy *server_policy)
{
    struct cfl_tls_client_options client_options = site->client_options;
    struct cfl_tls_server_options server_options = site->server_options;
    struct cfl_tls_server *server = NULL;
    cflight_error *error = NULL;
    client_options.policy = client_policy;
    server_options.policy = server_policy;
    CHECK_OK(cfl_tls_server_new(NULL, &server_options, &server, &error), error);
    struct cfl_tls_client *client = t_tls_client_new(&client_options);
    struct t_tls_pair pair = t_handshake(client, "localhost", server);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    return pair;
}

static struct cflight_tls_policy revoking(const char *lists)
{
    struct cflight_tls_policy policy = {.revocation_lists = cflight_bytes_from_text(lists)};
    return policy;
}

/* Goal: a revoked certificate is refused and called that, in both roles; so is one when the list
 * has run out, or when its issuer has none. Method: lists of the authority, and of another. */
TEST(tls_policy, revoked_certificates_are_refused)
{
    struct site site;
    site_init(&site);
    struct t_cert other = t_named_ca_new("other CA");
    struct {
        char *lists;
        const char *client_refusal; /* of a client that has the lists; NULL: accepted */
        const char *server_refusal;
    } cases[] = {
        {t_revocation_list(&site.ca, NULL, DAY_S), NULL, NULL},
        {t_revocation_list(&site.ca, &site.server_cert, DAY_S), "certificate revoked", NULL},
        {t_revocation_list(&site.ca, &site.client_cert, DAY_S), NULL, "certificate revoked"},
        {t_revocation_list(&site.ca, NULL, -1), "CRL has expired", "CRL has expired"},
        {t_revocation_list(&other, NULL, DAY_S), "unable to get certificate CRL",
         "unable to get certificate CRL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cflight_tls_policy policy = revoking(cases[i].lists);
        struct t_tls_pair pair = connect_site(&site, &policy, NULL);
        if (cases[i].client_refusal == NULL) {
            t_expect_established(&pair);
        } else {
            CHECK_STATUS(pair.client.status, CFLIGHT_UNAVAILABLE);
            t_expect_text(pair.client.error, "certificate for 'localhost' is not valid: ");
            t_expect_text(pair.client.error, cases[i].client_refusal);
        }
        t_tls_pair_done(&pair);
        pair = connect_site(&site, NULL, &policy);
        if (cases[i].server_refusal == NULL) {
            t_expect_established(&pair);
        } else {
            CHECK_STATUS(pair.server.status, CFLIGHT_UNAVAILABLE);
            t_expect_text(pair.server.error, "certificate of the client is not valid: ");
            t_expect_text(pair.server.error, cases[i].server_refusal);
        }
        t_tls_pair_done(&pair);
        free(cases[i].lists);
    }
    t_cert_done(&other);
    site_done(&site);
}

/* Goal: a reload with a list that names a client ends its sessions too. */
TEST(tls_policy, a_reload_revokes_sessions)
{
    struct site site;
    struct cfl_tls_server *server = NULL;
    cflight_error *error = NULL;
    site_init(&site);
    char *lists = t_revocation_list(&site.ca, &site.client_cert, DAY_S);
    struct cflight_tls_policy policy = revoking(lists);
    struct cfl_tls_client *client = t_tls_client_new(&site.client_options);
    CHECK_OK(cfl_tls_server_new(NULL, &site.server_options, &server, &error), error);
    struct t_tls_pair pair = t_handshake(client, "localhost", server);
    t_expect_established(&pair);
    t_expect_talk(&pair);
    cfl_transport_shutdown(pair.client.transport);
    t_tls_pair_done(&pair);
    site.server_options.policy = &policy;
    CHECK_OK(cfl_tls_server_reload(server, &site.server_options, &error), error);
    pair = t_handshake(client, "localhost", server);
    CHECK_STATUS(pair.server.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(pair.server.error, "certificate revoked (subject \"CN=client\")");
    t_tls_pair_done(&pair);
    cfl_tls_client_unref(client);
    cfl_tls_server_free(server);
    free(lists);
    site_done(&site);
}

/* Goal: versions and ciphers are what was chosen, and the log tells. */
TEST(tls_policy, versions_and_ciphers_are_chosen)
{
    struct site site;
    site_init(&site);
    struct cflight_tls_policy modern = {.min_version = CFLIGHT_TLS_VERSION_1_3,
                                        .tls13_ciphers = "TLS_CHACHA20_POLY1305_SHA256"};
    struct cflight_tls_policy other = {.min_version = CFLIGHT_TLS_VERSION_1_3,
                                       .tls13_ciphers =
                                           "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"};
    struct cflight_tls_policy old = {.min_version = CFLIGHT_TLS_VERSION_1_2,
                                     .tls12_ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"};
    t_log_start();
    struct t_tls_pair pair = connect_site(&site, &modern, NULL);
    t_log_stop();
    t_expect_established(&pair);
    assert_non_null(strstr(t_log_text, "unix:/peer: TLSv1.3, TLS_CHACHA20_POLY1305_SHA256"));
    t_tls_pair_done(&pair);
    pair = connect_site(&site, &old, &other);
    t_expect_established(&pair);
    t_tls_pair_done(&pair);
    pair = connect_site(&site, &modern, &other);
    CHECK_STATUS(pair.server.status, CFLIGHT_UNAVAILABLE);
    t_expect_text(pair.server.error, "no cipher or other parameter in common");
    t_tls_pair_done(&pair);
    site_done(&site);
}

/* Goal: what is not a cipher of today, or no version, is told when the context is made. */
TEST(tls_policy, senseless_policies_are_refused)
{
    struct site site;
    site_init(&site);
    const struct {
        struct cflight_tls_policy policy;
        const char *text;
    } CASES[] = {
        {{.tls12_ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:RC4-MD5"},
         "'RC4-MD5' is none of the ciphers that may be chosen for TLS 1.2"},
        {{.tls12_ciphers = ""}, "'' is none of the ciphers that may be chosen for TLS 1.2"},
        {{.tls12_ciphers = "AES256-SHA"}, "'AES256-SHA' is none"},
        {{.tls12_ciphers = "TLS_AES_256_GCM_SHA384"}, "'TLS_AES_256_GCM_SHA384' is none"},
        {{.tls13_ciphers = "TLS_AES_256_GCM_SHA384:"}, "'' is none of the ciphers"},
        {{.tls13_ciphers = "TLS_AES_128_CCM_SHA256"}, "chosen for TLS 1.3"},
        {{.min_version = (enum cflight_tls_version)11}, "11 is no version of TLS"},
        {{.revocation_lists = cflight_bytes_from_text("nothing")},
         "revocation lists: there is no revocation list (X509 CRL) in the PEM text"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct cfl_tls_client *client = NULL;
        cflight_error *error = NULL;
        site.client_options.policy = &CASES[i].policy;
        CHECK_STATUS(cfl_tls_client_new(NULL, &site.client_options, &client, &error),
                     CFLIGHT_INVALID_ARGUMENT);
        t_expect_text(error, CASES[i].text);
        cflight_error_free(error);
    }
    site_done(&site);
}

/* Goal: keys that are too weak today are refused, whatever OpenSSL was built or configured for.
 * Method: RSA of 1024 bits at a server. */
TEST(tls_policy, weak_keys_are_refused)
{
    struct t_cert_options options = {
        .common_name = "weak", .sans = "DNS:localhost", .is_rsa = true, .rsa_bits = 1024};
    struct t_cert cert = t_cert_new(&options);
    struct cfl_tls_key_pair pair = {t_cert_pem(&cert), t_key_pem(&cert)};
    struct cfl_tls_server_options server_options = {.key_pairs = &pair, .key_pair_count = 1};
    struct cfl_tls_server *server = NULL;
    cflight_error *error = NULL;
    CHECK_STATUS(cfl_tls_server_new(NULL, &server_options, &server, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    t_expect_text(error, "key too small");
    cflight_error_free(error);
    t_cert_done(&cert);
}
