/* SPDX-License-Identifier: Apache-2.0 */
/* TLS as users of Flight see it: who is let in, what is said when somebody is not, on which side,
 * and that the server goes on. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "certs.h"
#include "log_capture.h"
#include "peer.h"
#include "rpcs.h"
#include "service.h"
#include "test.h"

/* ---- a server with TLS, and what it saw of its callers ---- */

struct tls_service {
    struct t_service service;
    struct cflight_server_middleware middleware;
    pthread_mutex_t mutex;
    char subject[128]; /* of the last call */
    char sans[128];
    char identity[128];
};

static void note(char *target, const char *from)
{
    (void)snprintf(target, 128, "%s", from);
}

static cflight_status note_caller(void *user_data, cflight_server_context *context,
                                  enum cflight_method method, void **ret_instance,
                                  cflight_error **reterr)
{
    struct tls_service *service = user_data;
    const char *const *sans = NULL;
    size_t san_count = cflight_server_context_tls_sans(context, &sans);
    struct cflight_bytes identity = cflight_server_context_peer_identity(context);
    (void)method;
    (void)ret_instance;
    (void)reterr;
    (void)pthread_mutex_lock(&service->mutex);
    note(service->subject, cflight_server_context_tls_subject(context));
    note(service->sans, san_count > 0 ? sans[0] : "");
    (void)snprintf(service->identity, sizeof service->identity, "%.*s", (int)identity.len_bytes,
                   (const char *)identity.data);
    (void)pthread_mutex_unlock(&service->mutex);
    return CFLIGHT_OK;
}

static struct cflight_tls_key_pair key_pair(const struct t_cert *cert)
{
    struct cflight_tls_key_pair pair = {t_cert_pem(cert), t_key_pem(cert)};
    return pair;
}

static void start_tls(struct tls_service *service, const struct t_cert *leaf,
                      enum cflight_client_certificate client_certificate,
                      const struct t_cert *client_root)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_tls_key_pair pair = key_pair(leaf);
    memset(service, 0, sizeof *service);
    (void)pthread_mutex_init(&service->mutex, NULL);
    service->middleware = (struct cflight_server_middleware)CFLIGHT_SERVER_MIDDLEWARE_INIT;
    service->middleware.user_data = service;
    service->middleware.start_call = note_caller;
    options.middleware = &service->middleware;
    options.middleware_count = 1;
    options.tls.key_pairs = &pair;
    options.tls.key_pair_count = 1;
    options.tls.client_certificate = client_certificate;
    if (client_root != NULL) {
        options.tls.client_root_certs = t_cert_pem(client_root);
    }
    t_service_start(&service->service, "grpc+tls://localhost:0", &options);
}

static void stop_tls(struct tls_service *service)
{
    t_service_stop(&service->service);
    (void)pthread_mutex_destroy(&service->mutex);
}

/* One call of a new client. */
static cflight_status ask_once(const char *location, const struct cflight_client_options *options,
                               cflight_error **reterr)
{
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cflight_client_new(location, options, &client, &error), error);
    cflight_status status = t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, reterr);
    cflight_client_free(client);
    return status;
}

static void check_good(const char *location, const struct cflight_client_options *options)
{
    cflight_error *error = NULL;
    CHECK_OK(ask_once(location, options, &error), error);
}

static void check_failure(const char *location, const struct cflight_client_options *options,
                          const char *part)
{
    cflight_error *error = NULL;
    CHECK_STATUS(ask_once(location, options, &error), CFLIGHT_UNAVAILABLE);
    if (strstr(cflight_error_message(error), part) == NULL) {
        fail_msg("'%s' is not in: %s", part, cflight_error_message(error));
    }
    cflight_error_free(error);
}

static struct t_cert new_ca(void)
{
    struct t_cert_options options = {.common_name = "cflight test CA", .is_ca = true};
    return t_cert_new(&options);
}

static struct t_cert new_leaf(const struct t_cert *ca, const char *sans)
{
    struct t_cert_options options = {.common_name = "leaf", .issuer = ca, .sans = sans};
    return t_cert_new(&options);
}

/* ---- the client checks the server ---- */

struct check {
    const char *what;
    struct t_cert_options leaf;
    bool is_self_signed;
    struct cflight_client_tls tls; /* roots are filled in */
    const char *refusal;           /* NULL: accepted */
};

static const struct check CHECKS[] = {
    {.what = "good", .leaf = {.sans = "DNS:localhost"}},
    {.what = "wrong host",
     .leaf = {.sans = "DNS:other.example"},
     .refusal = "certificate is for DNS:other.example, not for 'localhost'"},
    {.what = "another name is asked for",
     .leaf = {.sans = "DNS:other.example"},
     .tls = {.override_hostname = "other.example"}},
    {.what = "the name asked for is wrong",
     .leaf = {.sans = "DNS:localhost"},
     .tls = {.override_hostname = "other.example"},
     .refusal = "certificate is for DNS:localhost, not for 'other.example'"},
    {.what = "expired",
     .leaf = {.sans = "DNS:localhost", .is_expired = true},
     .refusal = "certificate for 'localhost' is not valid: certificate has expired"},
    {.what = "not yet valid",
     .leaf = {.sans = "DNS:localhost", .is_future = true},
     .refusal = "not yet valid"},
    {.what = "signs itself",
     .leaf = {.sans = "DNS:localhost"},
     .is_self_signed = true,
     .refusal = "self-signed certificate"},
    {.what = "old style",
     .leaf = {.common_name = "localhost", .is_v1 = true, .is_rsa = true},
     .refusal = "CN:localhost without a subject alternative name"},
    {.what = "old style, allowed",
     .leaf = {.common_name = "localhost", .is_v1 = true, .is_rsa = true},
     .tls = {.allow_common_name = true}},
    {.what = "old style, allowed, wrong host",
     .leaf = {.common_name = "other.example", .is_v1 = true, .is_rsa = true},
     .tls = {.allow_common_name = true},
     .refusal = "not for 'localhost'"},
    {.what = "nothing is checked",
     .leaf = {.sans = "DNS:other.example", .is_expired = true},
     .is_self_signed = true,
     .tls = {.skip_verification = true}},
};

/* Goal: a client believes a server for the right name, time and issuer only; the error names what
 * was found and what was wanted; the server serves the next client. Method: a certificate for each
 * rule, and after each refusal a client that checks nothing. */
TEST(security, a_client_checks_its_server)
{
    struct t_cert ca = new_ca();
    for (size_t i = 0; i < sizeof CHECKS / sizeof CHECKS[0]; i++) {
        const struct check *check = &CHECKS[i];
        struct tls_service service;
        struct t_cert_options leaf_options = check->leaf;
        struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
        struct cflight_client_options careless = CFLIGHT_CLIENT_OPTIONS_INIT;
        leaf_options.issuer = check->is_self_signed ? NULL : &ca;
        leaf_options.common_name = leaf_options.common_name ? leaf_options.common_name : "leaf";
        struct t_cert leaf = t_cert_new(&leaf_options);
        start_tls(&service, &leaf, CFLIGHT_CLIENT_CERTIFICATE_IGNORED, NULL);
        options.tls = check->tls;
        options.tls.root_certs = t_cert_pem(&ca);
        careless.tls.skip_verification = true;
        print_message("%s\n", check->what);
        if (check->refusal != NULL) {
            check_failure(service.service.location, &options, check->refusal);
        } else {
            check_good(service.service.location, &options);
        }
        check_good(service.service.location, &careless);
        stop_tls(&service);
        t_cert_done(&leaf);
    }
    t_cert_done(&ca);
}

/* Goal: without roots of its own a client trusts what the system trusts, and no test authority is
 * among that. */
TEST(security, the_system_trusts_no_stranger)
{
    struct tls_service service;
    struct t_cert ca = new_ca();
    struct t_cert leaf = new_leaf(&ca, "DNS:localhost");
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    start_tls(&service, &leaf, CFLIGHT_CLIENT_CERTIFICATE_IGNORED, NULL);
    check_failure(service.service.location, &options, "certificate for 'localhost' is not valid");
    stop_tls(&service);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}

/* ---- the server checks the client ---- */

/* Goal: a server lets in whom it should, says why not in its log, shows handlers who it was, and
 * goes on. Method: clients without a certificate, with one of their own making, and with a good
 * one, at servers that ignore, accept and demand certificates. */
TEST(security, a_server_checks_its_clients)
{
    struct t_cert ca = new_ca();
    struct t_cert leaf = new_leaf(&ca, "DNS:localhost");
    struct t_cert client_cert = new_leaf(&ca, "URI:spiffe://cflight.example/client");
    struct t_cert stranger = new_leaf(NULL, "DNS:localhost");
    struct cflight_client_options bare = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_client_options good = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_client_options bad = CFLIGHT_CLIENT_OPTIONS_INIT;
    bare.tls.root_certs = good.tls.root_certs = bad.tls.root_certs = t_cert_pem(&ca);
    good.tls.cert_chain = t_cert_pem(&client_cert);
    good.tls.private_key = t_key_pem(&client_cert);
    bad.tls.cert_chain = t_cert_pem(&stranger);
    bad.tls.private_key = t_key_pem(&stranger);
    struct t_capture log;
    struct tls_service service;
    t_capture_start(&log, CFLIGHT_LOG_TRACE);

    start_tls(&service, &leaf, CFLIGHT_CLIENT_CERTIFICATE_REQUIRED, &ca);
    check_failure(service.service.location, &bare, "certificate required");
    t_capture_wait(&log, "the peer sent no certificate, and one is required");
    check_failure(service.service.location, &bad, "the peer refused");
    t_capture_wait(&log, "certificate of the client is not valid: self-signed certificate");
    check_good(service.service.location, &good);
    assert_string_equal(service.subject, "CN=leaf");
    assert_string_equal(service.sans, "URI:spiffe://cflight.example/client");
    assert_string_equal(service.identity, "spiffe://cflight.example/client");
    stop_tls(&service);

    start_tls(&service, &leaf, CFLIGHT_CLIENT_CERTIFICATE_OPTIONAL, &ca);
    check_good(service.service.location, &bare);
    assert_string_equal(service.identity, "");
    assert_string_equal(service.subject, "");
    check_failure(service.service.location, &bad, "the peer refused");
    check_good(service.service.location, &good);
    assert_string_equal(service.identity, "spiffe://cflight.example/client");
    stop_tls(&service);

    start_tls(&service, &leaf, CFLIGHT_CLIENT_CERTIFICATE_IGNORED, NULL);
    check_good(service.service.location, &bad);
    assert_string_equal(service.identity, "");
    stop_tls(&service);

    t_capture_stop(&log);
    t_cert_done(&stranger);
    t_cert_done(&client_cert);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}

/* Goal: TLS and plain connections never mix on a port; each side says what it found, and the server
 * goes on. Method: the wrong kind of client at either kind of server. */
TEST(security, plain_and_tls_do_not_mix)
{
    struct t_cert ca = new_ca();
    struct t_cert leaf = new_leaf(&ca, "DNS:localhost");
    struct tls_service secure;
    struct t_service plain;
    struct t_capture log;
    char location[64];
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    options.tls.root_certs = t_cert_pem(&ca);
    start_tls(&secure, &leaf, CFLIGHT_CLIENT_CERTIFICATE_IGNORED, NULL);
    t_service_start(&plain, NULL, NULL);
    t_capture_start(&log, CFLIGHT_LOG_TRACE);

    (void)snprintf(location, sizeof location, "grpc://localhost:%d",
                   cflight_server_port(secure.service.server));
    check_failure(location, NULL, "or expect TLS");
    t_capture_wait(&log, "the peer does not speak TLS");
    check_good(secure.service.location, &options);

    (void)snprintf(location, sizeof location, "grpc+tls://localhost:%d",
                   cflight_server_port(plain.server));
    check_failure(location, &options, "speak TLS");
    t_capture_wait(&log, "speaks TLS, but this connection was made without it");
    check_good(plain.location, NULL);

    t_service_stop(&plain);
    stop_tls(&secure);
    t_capture_stop(&log);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}

static void check_refused_in_plain(const struct cflight_client_tls *tls, const char *name)
{
    static const char *const locations[] = {"grpc://h:1", "grpc+tcp://h:1", "grpc+unix:///tmp/x"};
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    options.tls = *tls;
    for (int i = 0; i < 3; i++) {
        cflight_client *client = NULL;
        cflight_error *error = NULL;
        char expected[128];
        (void)snprintf(expected, sizeof expected, "%s: the location %s is not of TLS", name,
                       locations[i]);
        CHECK_OK(cflight_client_new(locations[i], &options, &client, &error), error);
        CHECK_STATUS(cflight_client_connect(client, NULL, &error), CFLIGHT_INVALID_ARGUMENT);
        if (strstr(cflight_error_message(error), expected) == NULL) {
            fail_msg("'%s' is not in: %s", expected, cflight_error_message(error));
        }
        cflight_error_free(error);
        cflight_client_free(client);
    }
}

/* Goal: what is meant for TLS never ends in plain text. Method: each such option with locations
 * that have none, and what programs may always say. */
TEST(security, tls_options_of_a_plain_client_are_refused)
{
    struct cflight_bytes pem = cflight_bytes_from_text("x");
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    check_refused_in_plain(&(struct cflight_client_tls){.root_certs = pem}, "root_certs");
    check_refused_in_plain(&(struct cflight_client_tls){.cert_chain = pem}, "cert_chain");
    check_refused_in_plain(&(struct cflight_client_tls){.private_key = pem}, "private_key");
    check_refused_in_plain(&(struct cflight_client_tls){.override_hostname = "x"},
                           "override_hostname");
    check_refused_in_plain(
        &(struct cflight_client_tls){.root_certs = pem, .skip_verification = true}, "root_certs");
    options.tls.skip_verification = true;
    options.tls.allow_common_name = true;
    CHECK_OK(cflight_client_new("grpc://h:1", &options, &client, &error), error);
    cflight_client_free(client);
}

/* Goal: a TLS client of a plain port reads an answer to its end, however much it said: HTTP/2,
 * which its library can only take for no TLS. Method: a greeting with more behind it than the
 * server reads. */
TEST(security, a_tls_client_of_a_plain_port_is_answered)
{
    static const uint8_t GREETING[256 << 10] = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01};
    struct t_service plain;
    struct t_raw raw = {0};
    struct t_frame frame;
    t_service_start(&plain, NULL, NULL);
    int fd = t_socket_connect(cflight_server_port(plain.server));
    t_raw_append(&raw, GREETING, sizeof GREETING);
    (void)t_socket_send(fd, &raw);
    t_raw_clear(&raw);
    errno = 0;
    t_socket_read_to_end(fd, &raw);
    assert_int_equal(errno, 0); /* no reset, and no end of the test's patience */
    assert_true(t_raw_find(&raw, T_SETTINGS, 0, &frame));
    assert_true(t_raw_find(&raw, T_GOAWAY, 0, &frame));
    (void)close(fd);
    t_raw_done(&raw);
    t_service_stop(&plain);
}

static void answer_with_an_alert(void *user_data, int fd)
{
    static const uint8_t ALERT[] = {0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46};
    struct t_raw raw = {0};
    (void)user_data;
    if (t_socket_read(fd, &raw)) {
        t_raw_clear(&raw);
        t_raw_append(&raw, ALERT, sizeof ALERT);
        (void)t_socket_send(fd, &raw);
        t_socket_read_to_end(fd, &raw);
    }
    t_raw_done(&raw);
}

/* Goal: a plain client of a port that speaks TLS says so. Method: a server that answers HTTP/2 with
 * an alert, as OpenSSL does. */
TEST(security, a_plain_client_knows_the_alert_of_tls)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct t_peer peer;
    t_peer_start(&peer, answer_with_an_alert, NULL);
    check_failure(peer.location, &options,
                  "the peer speaks TLS, but this connection was made without it (use grpc+tls://)");
    t_peer_stop(&peer);
}

/* Goal: a client that runs learns which certificates were revoked, for new connections; a broken
 * list changes nothing, and a client without TLS has nothing to learn. */
TEST(security, a_client_reloads_what_it_trusts)
{
    struct t_cert ca = new_ca();
    struct t_cert leaf = new_leaf(&ca, "DNS:localhost");
    char *lists = t_revocation_list(&ca, &leaf, 24 * 60 * 60);
    struct tls_service service;
    struct t_service plain;
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_client_tls tls = {.root_certs = t_cert_pem(&ca)};
    cflight_error *error = NULL;
    options.tls = tls;
    start_tls(&service, &leaf, CFLIGHT_CLIENT_CERTIFICATE_IGNORED, NULL);
    t_service_start(&plain, NULL, NULL);
    cflight_client *client = t_client(&service.service, &options);
    cflight_client *fresh = t_client(&service.service, &options);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error), error);
    tls.policy.revocation_lists = t_text("-----BEGIN X509 CRL-----");
    CHECK_STATUS(cflight_client_reload_tls(client, &tls, &error), CFLIGHT_INVALID_ARGUMENT);
    cflight_error_free(error);
    error = NULL;
    tls.policy.revocation_lists = t_text(lists);
    CHECK_OK(cflight_client_reload_tls(client, &tls, &error), error);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error),
             error); /* on the connection that exists */
    CHECK_OK(cflight_client_reload_tls(fresh, &tls, &error), error);
    CHECK_STATUS(t_rpc(fresh, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error),
                 CFLIGHT_UNAVAILABLE);
    assert_non_null(strstr(cflight_error_message(error), "certificate revoked"));
    cflight_error_free(error);
    error = NULL;
    cflight_client_free(fresh);
    cflight_client_free(client);
    stop_tls(&service);
    client = t_client(&plain, NULL);
    CHECK_STATUS(cflight_client_reload_tls(client, &tls, &error), CFLIGHT_INVALID_ARGUMENT);
    cflight_error_free(error);
    cflight_client_free(client);
    t_service_stop(&plain);
    free(lists);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}

/* Goal: certificates are replaced while the server runs: for new connections, and only by good
 * ones. Method: a connection from before goes on; a client that trusts the new authority alone gets
 * in after the reload, and one that trusts the old no longer; a broken reload changes nothing. */
TEST(security, certificates_are_reloaded_without_a_restart)
{
    struct t_cert ca = new_ca();
    struct t_cert leaf = new_leaf(&ca, "DNS:localhost");
    struct t_cert new_authority = new_ca();
    struct t_cert fresh = new_leaf(&new_authority, "DNS:localhost");
    struct tls_service service;
    struct cflight_client_options former = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_client_options later = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_tls_key_pair pair = key_pair(&fresh);
    struct cflight_tls_key_pair mixed = {t_cert_pem(&leaf), t_key_pem(&fresh)};
    struct cflight_server_tls tls = {.key_pairs = &mixed, .key_pair_count = 1};
    cflight_error *error = NULL;
    former.tls.root_certs = t_cert_pem(&ca);
    later.tls.root_certs = t_cert_pem(&new_authority);
    start_tls(&service, &leaf, CFLIGHT_CLIENT_CERTIFICATE_IGNORED, NULL);
    cflight_client *client = t_client(&service.service, &former);
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error), error);

    CHECK_STATUS(cflight_server_reload_tls(service.service.server, &tls, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    cflight_error_free(error);
    error = NULL;
    check_good(service.service.location, &former);
    tls.key_pairs = &pair;
    CHECK_OK(cflight_server_reload_tls(service.service.server, &tls, &error), error);
    check_good(service.service.location, &later);
    check_failure(service.service.location, &former, "certificate for 'localhost' is not valid");
    CHECK_OK(t_rpc(client, CFLIGHT_METHOD_GET_FLIGHT_INFO, "any", NULL, &error), error);

    cflight_client_free(client);
    stop_tls(&service);
    t_cert_done(&fresh);
    t_cert_done(&new_authority);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}

/* ---- broken texts ---- */

struct pem_case {
    const char *what;
    struct cflight_bytes cert;
    struct cflight_bytes key;
    const char *reason;
};

static void check_pem_case(const struct pem_case *pem)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options server_options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_client_options client_options = CFLIGHT_CLIENT_OPTIONS_INIT;
    struct cflight_tls_key_pair pair = {pem->cert, pem->key};
    cflight_server *server = NULL;
    cflight_client *client = NULL;
    server_options.tls.key_pairs = &pair;
    server_options.tls.key_pair_count = 1;
    client_options.tls.skip_verification = true;
    client_options.tls.cert_chain = pem->cert;
    client_options.tls.private_key = pem->key;
    for (int i = 0; i < 2; i++) {
        cflight_error *error = NULL;
        CHECK_STATUS(
            i == 0 ? cflight_server_new("grpc+tls://localhost:0", &handlers, &server_options,
                                        &server, &error)
                   : cflight_client_new("grpc+tls://localhost:1", &client_options, &client, &error),
            CFLIGHT_INVALID_ARGUMENT);
        if (strstr(cflight_error_message(error), pem->reason) == NULL) {
            fail_msg("%s: %s", pem->what, cflight_error_message(error));
        }
        cflight_error_free(error);
    }
    assert_null(server);
    assert_null(client);
}

/* Goal: certificates and keys that are cut short, damaged, missing or of different pairs are
 * refused before anything listens or connects, and the error says which of these it is. */
TEST(security, broken_certificates_and_keys_are_explained)
{
    struct t_cert cert = new_leaf(NULL, "DNS:localhost");
    struct t_cert other = new_leaf(NULL, "DNS:localhost");
    struct cflight_bytes cut_cert = t_cert_pem(&cert);
    struct cflight_bytes cut_key = t_key_pem(&cert);
    struct cflight_bytes nothing = {NULL, 0};
    cut_cert.len_bytes -= 30;
    cut_key.len_bytes /= 2;
    const struct pem_case CASES[] = {
        {"cut certificate", cut_cert, t_key_pem(&cert), "cut short"},
        {"cut key", t_cert_pem(&cert), cut_key, "cut short"},
        {"key of another", t_cert_pem(&cert), t_key_pem(&other), "does not match"},
        {"no key", t_cert_pem(&cert), nothing, "there is no private key"},
        {"no certificate", nothing, t_key_pem(&cert), "there is no certificate"},
        {"no PEM at all", t_text("hello"), t_key_pem(&cert), "there is no certificate"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        check_pem_case(&CASES[i]);
    }
    t_cert_done(&other);
    t_cert_done(&cert);
}
