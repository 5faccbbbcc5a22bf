/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets stay out of log lines and error texts. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "certs.h"
#include "log_capture.h"
#include "service.h"
#include "test.h"

/* What nothing may repeat. The first is in all the others, so one search would do; each has its own
 * so that a failure names it. */
#define MARK "Xyzzy"
static const char PASSWORD[] = MARK "-password";
static const char WRONG_PASSWORD[] = MARK "-wrong-password";
static const char TOKEN[] = MARK "-token";
static const char HEADER[] = MARK "-header";
static const char BROKEN_HEADER[] = MARK "-header\nsecond line";
static const char COOKIE[] = "session=" MARK "-cookie";
static const char HASH[] = "bob:" MARK "-hash\n" MARK "-line-without-name\n";
static const char BROKEN_KEY[] =
    "-----BEGIN PRIVATE KEY-----\n" MARK "key\n-----END PRIVATE KEY-----\n";
static const char CREDENTIALS_64[] = "Ym9iOlh5enp5LXBhc3N3b3Jk"; /* bob:Xyzzy-password */
enum { SECRETS_MAX = 16, SECRET_BYTES_MAX = 256, BIG_HEADER_BYTES = 100000 };

struct run {
    struct t_capture capture;
    struct t_service service;
    struct t_cert ca;
    struct t_cert leaf;
    cflight_bearer_auth *kit;
    struct cflight_server_auth handshake;
    struct cflight_server_middleware middleware[3];
    struct cflight_request_log request_log;
    cflight_session_store *sessions;
    char found[SECRETS_MAX][SECRET_BYTES_MAX]; /* that came up in the run: keys, tokens */
    size_t found_count;
};

/* Every text of an error, to be searched; the error is freed. */
static void keep_error(struct run *run, cflight_error **error)
{
    if (*error != NULL) {
        t_capture_add(&run->capture, cflight_error_message(*error));
        t_capture_add(&run->capture, cflight_error_detail(*error));
        t_capture_add(&run->capture, cflight_error_operation(*error));
        t_capture_add(&run->capture, cflight_error_peer(*error));
    }
    cflight_error_free(*error);
    *error = NULL;
}

static void add_secret(struct run *run, struct cflight_bytes secret)
{
    assert_true(run->found_count < SECRETS_MAX && secret.len_bytes < SECRET_BYTES_MAX);
    memcpy(run->found[run->found_count++], secret.data, secret.len_bytes);
}

/* One line of a key's text is enough to know it by. */
static void add_key(struct run *run, const struct t_cert *cert)
{
    const char *line = strchr(cert->key_pem, '\n') + 1;
    add_secret(run, cflight_bytes_make(line, strcspn(line, "\n")));
}

static cflight_status verify(void *user_data, struct cflight_bytes username,
                             struct cflight_bytes password, cflight_buffer **ret_identity,
                             cflight_error **reterr)
{
    (void)user_data;
    (void)username;
    (void)ret_identity;
    if (!cflight_bytes_equal(password, t_text(PASSWORD))) {
        return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "no such user");
    }
    return CFLIGHT_OK;
}

static void run_start(struct run *run)
{
    struct t_cert_options ca_options = {.common_name = "test CA", .is_ca = true};
    struct cflight_bearer_auth_options kit_options = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    cflight_error *error = NULL;
    memset(run, 0, sizeof *run);
    run->request_log = (struct cflight_request_log)CFLIGHT_REQUEST_LOG_INIT;
    t_capture_start(&run->capture, CFLIGHT_LOG_TRACE);
    run->ca = t_cert_new(&ca_options);
    struct t_cert_options leaf_options = {
        .common_name = "leaf", .issuer = &run->ca, .sans = "DNS:localhost"};
    run->leaf = t_cert_new(&leaf_options);
    add_key(run, &run->ca);
    add_key(run, &run->leaf);
    kit_options.verify = verify;
    CHECK_OK(cflight_bearer_auth_new(&kit_options, &run->kit, &error), error);
    cflight_request_log_middleware(&run->request_log, &run->middleware[0]);
    cflight_bearer_auth_server(run->kit, &run->handshake, &run->middleware[1]);
    CHECK_OK(cflight_session_store_new(NULL, &run->sessions, &error), error);
    cflight_session_store_middleware(run->sessions, &run->middleware[2]);
    struct cflight_tls_key_pair pair = {t_cert_pem(&run->leaf), t_key_pem(&run->leaf)};
    options.auth = &run->handshake;
    options.middleware = run->middleware;
    options.middleware_count = 3;
    options.tls.key_pairs = &pair;
    options.tls.key_pair_count = 1;
    options.tls.client_certificate = CFLIGHT_CLIENT_CERTIFICATE_REQUIRED;
    options.tls.client_root_certs = t_cert_pem(&run->ca);
    t_service_start(&run->service, "grpc+tls://localhost:0", &options);
}

static void run_stop(struct run *run)
{
    t_service_stop(&run->service);
    cflight_bearer_auth_unref(run->kit);
    cflight_session_store_unref(run->sessions);
    t_cert_done(&run->leaf);
    t_cert_done(&run->ca);
    t_capture_stop(&run->capture);
}

static struct cflight_client_options tls_options(const struct run *run)
{
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    options.tls.root_certs = t_cert_pem(&run->ca);
    options.tls.cert_chain = t_cert_pem(&run->leaf);
    options.tls.private_key = t_key_pem(&run->leaf);
    return options;
}

static cflight_status ask(struct run *run, cflight_client *client, const char *name,
                          struct cflight_bytes value)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = t_text("fail")};
    struct cflight_header header = {t_text(name), value};
    struct cflight_call_options options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_info *info = NULL;
    cflight_error *error = NULL;
    options.headers = &header;
    options.header_count = 1;
    cflight_status status =
        cflight_client_get_flight_info(client, &descriptor, &options, &info, &error);
    keep_error(run, &error);
    return status;
}

static void try_passwords(struct run *run, cflight_client *client)
{
    const char *const PASSWORDS[] = {WRONG_PASSWORD, PASSWORD};
    for (int i = 0; i < 2; i++) {
        cflight_buffer *bearer = NULL;
        cflight_error *error = NULL;
        cflight_status status = cflight_client_authenticate_basic(
            client, t_text("bob"), t_text(PASSWORDS[i]), NULL, &bearer, &error);
        keep_error(run, &error);
        CHECK_STATUS(status, i == 0 ? CFLIGHT_UNAUTHENTICATED : CFLIGHT_OK);
        if (status == CFLIGHT_OK) {
            struct cflight_bytes value = cflight_buffer_bytes(bearer);
            add_secret(run, cflight_bytes_make(value.data + 7, value.len_bytes - 7));
            (void)ask(run, client, "authorization", value); /* fails in the handler */
            cflight_buffer_unref(bearer);
        }
    }
}

static void try_headers(struct run *run, cflight_client *client)
{
    char *big = malloc(BIG_HEADER_BYTES);
    assert_non_null(big);
    for (size_t i = 0; i < BIG_HEADER_BYTES; i++) {
        big[i] = MARK[i % (sizeof MARK - 1)];
    }
    CHECK_STATUS(ask(run, client, "authorization", t_text(TOKEN)), CFLIGHT_UNAUTHENTICATED);
    CHECK_STATUS(ask(run, client, "x-key", t_text(HEADER)), CFLIGHT_UNAUTHENTICATED);
    CHECK_STATUS(ask(run, client, "x-key", t_text(BROKEN_HEADER)), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(ask(run, client, "grpc-key", t_text(HEADER)), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(ask(run, client, "x-big", cflight_bytes_make(big, BIG_HEADER_BYTES)),
                 CFLIGHT_RESOURCE_EXHAUSTED);
    CHECK_STATUS(ask(run, client, "auth-token-bin", t_text(TOKEN)), CFLIGHT_UNAUTHENTICATED);
    free(big);
}

static cflight_status get_broken_token(void *user_data, struct cflight_bytes refused,
                                       cflight_buffer **ret_token, cflight_error **reterr)
{
    (void)user_data;
    return cflight_buffer_new_copy(t_text(refused.len_bytes > 0 ? BROKEN_HEADER : TOKEN), ret_token,
                                   reterr);
}

/* A client with a provider, whose second token cannot be sent, and a jar. */
static void try_tables(struct run *run)
{
    struct cflight_token_provider provider = CFLIGHT_TOKEN_PROVIDER_INIT;
    struct cflight_client_options options = tls_options(run);
    struct cflight_client_middleware cookies;
    cflight_cookie_jar *jar = NULL;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    provider.get = get_broken_token;
    CHECK_OK(cflight_cookie_jar_new(NULL, &jar, &error), error);
    CHECK_OK(cflight_cookie_jar_set(jar, t_text(COOKIE), &error), error);
    cflight_cookie_jar_middleware(jar, &cookies);
    options.token_provider = &provider;
    options.middleware = &cookies;
    options.middleware_count = 1;
    CHECK_OK(cflight_client_new(run->service.location, &options, &client, &error), error);
    CHECK_STATUS(ask(run, client, "x-key", t_text(HEADER)), CFLIGHT_INVALID_ARGUMENT);
    cflight_client_free(client);
    cflight_cookie_jar_unref(jar);
}

static void try_keys(struct run *run)
{
    const char *const KEYS[] = {BROKEN_KEY, run->ca.key_pem};
    for (int i = 0; i < 2; i++) {
        struct cflight_client_options options = tls_options(run);
        cflight_client *client = NULL;
        cflight_error *error = NULL;
        options.tls.private_key = t_text(KEYS[i]);
        CHECK_STATUS(cflight_client_new(run->service.location, &options, &client, &error),
                     CFLIGHT_INVALID_ARGUMENT);
        keep_error(run, &error);
    }
}

static void try_password_file(struct run *run)
{
    char path[] = "/tmp/cflight_secrets_XXXXXX";
    cflight_password_file *file = NULL;
    cflight_error *error = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, HASH, sizeof HASH - 1), sizeof HASH - 1);
    (void)close(fd);
    CHECK_STATUS(cflight_password_file_new(path, &file, &error), CFLIGHT_INVALID_ARGUMENT);
    keep_error(run, &error);
    (void)unlink(path);
}

/* A peer that does not speak TLS, and one that is refused: their handshakes fail. */
static void try_strangers(struct run *run)
{
    struct cflight_client_options options = tls_options(run);
    char plain[64];
    (void)snprintf(plain, sizeof plain, "grpc://localhost:%d",
                   cflight_server_port(run->service.server));
    options.tls.cert_chain = options.tls.private_key = t_text("");
    for (int i = 0; i < 2; i++) {
        cflight_client *client = NULL;
        cflight_error *error = NULL;
        CHECK_OK(i == 0 ? cflight_client_new(plain, NULL, &client, &error)
                        : cflight_client_new(run->service.location, &options, &client, &error),
                 error);
        CHECK_STATUS(ask(run, client, "authorization", t_text(TOKEN)), CFLIGHT_UNAVAILABLE);
        cflight_client_free(client);
    }
}

/* Goal: no password, token, cookie, header value, key or password hash is in any log line or any
 * text of an error. Method: all of them go through a server and clients with TLS, the right way and
 * every wrong way there is, logging everything; then all lines and errors are searched. */
TEST(secrets, nothing_repeats_them)
{
    struct run run;
    cflight_error *error = NULL;
    cflight_client *client = NULL;
    run_start(&run);
    struct cflight_client_options options = tls_options(&run);
    CHECK_OK(cflight_client_new(run.service.location, &options, &client, &error), error);
    try_passwords(&run, client);
    try_headers(&run, client);
    try_tables(&run);
    try_keys(&run);
    try_password_file(&run);
    try_strangers(&run);
    cflight_client_free(client);

    assert_true(t_capture_count(&run.capture) > 50);
    assert_true(t_capture_has(&run.capture, "TLSv1.3"));      /* the log is on */
    assert_true(t_capture_has(&run.capture, "no such user")); /* errors are kept */
    assert_false(t_capture_has(&run.capture, MARK));
    assert_false(t_capture_has(&run.capture, CREDENTIALS_64));
    for (size_t i = 0; i < run.found_count; i++) {
        assert_false(t_capture_has(&run.capture, run.found[i]));
    }
    assert_int_equal(run.found_count, 3);
    t_capture_add(&run.capture, TOKEN); /* the search finds what is there */
    assert_true(t_capture_has(&run.capture, MARK));
    run_stop(&run);
}
