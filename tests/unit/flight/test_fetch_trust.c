/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of a fetch: they stay with the host that they were given for, whatever locations its
 * server names, and never leave TLS. */
#include <ctype.h>
#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>

#include "certs.h"
#include "cflight/fetch.h"
#include "service.h"
#include "test.h"

enum credential { IN_OPTIONS, IN_TOKEN, IN_AUTH, IN_MIDDLEWARE, CREDENTIAL_COUNT };

/* A server that notes what it is told. */
struct spy {
    struct t_service service;
    struct cflight_server_middleware middleware;
    atomic_int call_count;
    atomic_int secret_count;
};

static cflight_status note_call(void *user_data, cflight_server_context *context,
                                enum cflight_method method, void **ret_instance,
                                cflight_error **reterr)
{
    static const char *const NAMES[] = {"authorization", "x-secret", "auth-token-bin",
                                        "x-middleware"};
    struct spy *spy = user_data;
    (void)method;
    (void)ret_instance;
    (void)reterr;
    atomic_fetch_add(&spy->call_count, 1);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (cflight_server_context_header(context, NAMES[i]).data != NULL) {
            atomic_fetch_add(&spy->secret_count, 1);
        }
    }
    return CFLIGHT_OK;
}

static void spy_start(struct spy *spy, const char *location, const struct t_cert *cert)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_tls_key_pair pair = {{NULL, 0}, {NULL, 0}};
    memset(spy, 0, sizeof *spy);
    spy->middleware.struct_size = sizeof spy->middleware;
    spy->middleware.user_data = spy;
    spy->middleware.start_call = note_call;
    options.middleware = &spy->middleware;
    options.middleware_count = 1;
    if (cert != NULL) {
        pair = (struct cflight_tls_key_pair){t_cert_pem(cert), t_key_pem(cert)};
        options.tls.key_pairs = &pair;
        options.tls.key_pair_count = 1;
    }
    t_service_start(&spy->service, location, &options);
}

/* ---- what a client has to give ---- */

static cflight_status give_token(void *user_data, struct cflight_bytes refused,
                                 cflight_buffer **ret_token, cflight_error **reterr)
{
    (void)user_data;
    (void)refused;
    return cflight_buffer_new_copy(t_text("from the provider"), ret_token, reterr);
}

static cflight_status give_auth_token(void *user_data, cflight_buffer **ret_token,
                                      cflight_error **reterr)
{
    (void)user_data;
    return cflight_buffer_new_copy(t_text("from the handshake"), ret_token, reterr);
}

static cflight_status start_call(void *user_data, enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    (void)method;
    (void)reterr;
    *ret_instance = user_data;
    return CFLIGHT_OK;
}

static void send_headers(void *user_data, void *instance, cflight_header_sink *sink)
{
    (void)user_data;
    (void)instance;
    (void)cflight_header_sink_add(sink, t_text("x-middleware"), t_text("secret"), NULL);
}

/* Options with one kind of credentials. */
struct credentials {
    struct cflight_header header;
    struct cflight_token_provider tokens;
    struct cflight_client_auth auth;
    struct cflight_client_middleware middleware;
    struct cflight_client_options client;
    struct cflight_call_options call;
};

static void credentials_init(struct credentials *credentials, enum credential which,
                             const struct t_cert *ca)
{
    *credentials = (struct credentials){
        .header = {t_text("x-secret"), t_text("1")},
        .tokens = {.struct_size = sizeof credentials->tokens, .get = give_token},
        .auth = {.struct_size = sizeof credentials->auth, .get_token = give_auth_token},
        .middleware = {.struct_size = sizeof credentials->middleware,
                       .user_data = credentials,
                       .start_call = start_call,
                       .sending_headers = send_headers},
        .client = CFLIGHT_CLIENT_OPTIONS_INIT,
        .call = CFLIGHT_CALL_OPTIONS_INIT,
    };
    credentials->client.tls.root_certs = t_cert_pem(ca);
    if (which == IN_OPTIONS) {
        credentials->call.headers = &credentials->header;
        credentials->call.header_count = 1;
    } else if (which == IN_TOKEN) {
        credentials->client.token_provider = &credentials->tokens;
    } else if (which == IN_AUTH) {
        credentials->client.auth = &credentials->auth;
    } else {
        credentials->client.middleware = &credentials->middleware;
        credentials->client.middleware_count = 1;
    }
}

static bool trust(void *user_data, const char *location)
{
    const char *const *trusted = user_data;
    return strcmp(*trusted, location) == 0;
}

/* Fetches over `own` what lies at `other`; returns how many secrets that saw. */
static int secrets_seen(struct spy *own, struct spy *other, enum credential which,
                        const struct t_cert *ca, const char *trusted)
{
    struct credentials credentials;
    struct ArrowArrayStream stream;
    struct ArrowArray batch = {0};
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    struct cflight_bytes location = t_text(other->service.location);
    struct cflight_endpoint endpoint = {
        .ticket = t_text("batches=1 rows=1"), .locations = &location, .location_count = 1};
    struct cflight_info info = {
        .endpoints = &endpoint, .endpoint_count = 1, .total_records = -1, .total_bytes = -1};
    struct cflight_fetch_options options = CFLIGHT_FETCH_OPTIONS_INIT;
    credentials_init(&credentials, which, ca);
    struct cflight_client_options own_options = credentials.client;
    if (strncmp(own->service.location, "grpc+tls:", 9) != 0) {
        own_options.tls = (struct cflight_client_tls){0};
    }
    options.call_options = &credentials.call;
    options.client_options = &credentials.client;
    if (trusted != NULL) {
        options.location_is_trusted = trust;
        options.user_data = &trusted;
    }
    atomic_store(&other->secret_count, 0);
    atomic_store(&other->call_count, 0);
    CHECK_OK(cflight_client_new(own->service.location, &own_options, &client, &error), error);
    CHECK_OK(cflight_fetch(client, &info, &options, &stream, &error), error);
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    assert_int_equal(batch.length, 1); /* read it is, with or without */
    batch.release(&batch);
    stream.release(&stream);
    cflight_client_free(client);
    assert_int_equal(atomic_load(&other->call_count), 1);
    return atomic_load(&other->secret_count);
}

static struct t_cert make_cert(const struct t_cert *ca)
{
    return t_cert_new(
        &(struct t_cert_options){.common_name = ca == NULL ? "ca" : "localhost",
                                 .sans = ca == NULL ? NULL : "DNS:localhost,IP:127.0.0.1",
                                 .issuer = ca,
                                 .is_ca = ca == NULL});
}

/* Goal: a stranger that a TLS server names sees no credentials of any kind, neither in plain text
 * nor over TLS at another host; where the caller says so, it does.
 * Method: servers that note what comes. */
TEST(fetch_trust, a_stranger_sees_no_credentials)
{
    struct t_cert ca = make_cert(NULL);
    struct t_cert leaf = make_cert(&ca);
    struct spy own;
    struct spy strangers[3];
    spy_start(&own, "grpc+tls://localhost:0", &leaf);
    spy_start(&strangers[0], "grpc://127.0.0.1:0", NULL);
    spy_start(&strangers[1], "grpc://localhost:0", NULL); /* the same host, but in plain text */
    spy_start(&strangers[2], "grpc+tls://127.0.0.1:0", &leaf);
    for (int which = 0; which < CREDENTIAL_COUNT; which++) {
        for (int i = 0; i < 3; i++) {
            const char *location = strangers[i].service.location;
            enum credential credential = (enum credential)which;
            assert_int_equal(secrets_seen(&own, &strangers[i], credential, &ca, NULL), 0);
            assert_int_equal(secrets_seen(&own, &strangers[i], credential, &ca, "grpc://x:1"), 0);
            assert_int_equal(secrets_seen(&own, &strangers[i], credential, &ca, location), 1);
        }
    }
    for (int i = 0; i < 3; i++) {
        t_service_stop(&strangers[i].service);
    }
    t_service_stop(&own.service);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}

/* Goal: another port of the same host is trusted, over TLS as before or better.
 * Method: as above. */
TEST(fetch_trust, the_same_host_is_trusted)
{
    struct t_cert ca = make_cert(NULL);
    struct t_cert leaf = make_cert(&ca);
    struct spy plain;
    struct spy secure[2];
    spy_start(&plain, "grpc://localhost:0", NULL);
    spy_start(&secure[0], "grpc+tls://localhost:0", &leaf);
    spy_start(&secure[1], "grpc+tls://localhost:0", &leaf);
    for (int which = 0; which < CREDENTIAL_COUNT; which++) {
        enum credential credential = (enum credential)which;
        assert_int_equal(secrets_seen(&secure[0], &secure[1], credential, &ca, NULL), 1);
        assert_int_equal(secrets_seen(&plain, &secure[0], credential, &ca, NULL), 1);
    }
    t_service_stop(&plain.service);
    t_service_stop(&secure[0].service);
    t_service_stop(&secure[1].service);
    t_cert_done(&leaf);
    t_cert_done(&ca);
}

/* ---- many places ---- */

static int count_descriptors(void)
{
    DIR *entries = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(entries);
    while (readdir(entries) != NULL) {
        count++;
    }
    assert_int_equal(closedir(entries), 0);
    return count;
}

/* Goal: a server that names ever new places does not have the fetch keep a connection to each.
 * Method: one service under 200 spellings of its name; at the end, the descriptors of both ends are
 * counted, three for a connection that is kept. */
TEST(fetch_trust, connections_to_many_places_are_bounded)
{
    enum { PLACES = 200, DESCRIPTORS_MAX = 2 * PLACES };
    static char names[PLACES][64];
    static struct cflight_bytes locations[PLACES];
    static struct cflight_endpoint endpoints[PLACES];
    struct t_service service;
    struct ArrowArrayStream stream;
    cflight_error *error = NULL;
    t_service_start(&service, "grpc://localhost:0", NULL);
    for (int i = 0; i < PLACES; i++) {
        (void)snprintf(names[i], sizeof names[i], "grpc://localhost:%d",
                       cflight_server_port(service.server));
        for (int bit = 0; bit < 9; bit++) {
            char *letter = &names[i][7 + bit];
            *letter = (i + 1) >> bit & 1 ? (char)toupper((unsigned char)*letter) : *letter;
        }
        locations[i] = t_text(names[i]);
        endpoints[i] = (struct cflight_endpoint){
            .ticket = t_text("batches=1 rows=1"), .locations = &locations[i], .location_count = 1};
    }
    struct cflight_info info = {
        .endpoints = endpoints, .endpoint_count = PLACES, .total_records = -1, .total_bytes = -1};
    cflight_client *client = t_client(&service, NULL);
    int before = count_descriptors();
    CHECK_OK(cflight_fetch(client, &info, NULL, &stream, &error), error);
    for (int i = 0; i <= PLACES; i++) {
        struct ArrowArray batch = {0};
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        assert_int_equal(batch.release != NULL, i < PLACES);
        if (batch.release != NULL) {
            batch.release(&batch);
        }
    }
    assert_true(count_descriptors() - before < DESCRIPTORS_MAX);
    stream.release(&stream);
    cflight_client_free(client);
    t_service_stop(&service);
}
