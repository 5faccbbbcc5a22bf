/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of TLS share. */
#include "tls_support.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cflight/log.h"
#include "net/address.h"
#include "net/socket.h"

struct t_cert t_named_ca_new(const char *name)
{
    struct t_cert_options options = {.common_name = name, .is_ca = true};
    return t_cert_new(&options);
}

struct t_cert t_ca_new(void)
{
    return t_named_ca_new("test CA");
}

struct t_cert t_leaf_new(const struct t_cert *ca, const char *common_name, const char *sans)
{
    struct t_cert_options options = {.common_name = common_name, .issuer = ca, .sans = sans};
    return t_cert_new(&options);
}

struct cfl_tls_client *t_tls_client_new(const struct cfl_tls_client_options *options)
{
    struct cfl_tls_client *tls = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_tls_client_new(NULL, options, &tls, &error), error);
    return tls;
}

struct cfl_tls_client *t_tls_client_trusting(const struct t_cert *root)
{
    struct cfl_tls_client_options options = {.root_certs_pem = t_cert_pem(root)};
    return t_tls_client_new(&options);
}

struct cfl_tls_client *t_tls_client_showing(const struct t_cert *root, const struct t_cert *cert)
{
    struct cfl_tls_client_options options = {.root_certs_pem = t_cert_pem(root),
                                             .cert_chain_pem = t_cert_pem(cert),
                                             .private_key_pem = t_key_pem(cert)};
    return t_tls_client_new(&options);
}

/* A server that shows `cert` and verifies clients by `roots`, which may be NULL. */
struct cfl_tls_server *t_tls_server_new(const struct t_cert *cert, enum cfl_tls_client_auth auth,
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

struct cfl_tls_server *t_tls_server_showing(const struct t_cert *cert)
{
    return t_tls_server_new(cert, CFL_TLS_CLIENT_AUTH_NONE, NULL);
}

void t_socket_pair(int ret_fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds),
                     0);
}

struct cfl_transport *t_transport_on(const struct cflight_allocator *alloc, int fd)
{
    struct cfl_address address;
    struct cfl_transport *transport = NULL;
    CHECK_STATUS(cfl_address_from_unix("/peer", &address, NULL), CFLIGHT_OK);
    if (cfl_transport_new(alloc, fd, &address, &transport, NULL) != CFLIGHT_OK) {
        (void)close(fd);
    }
    return transport;
}

static void end_failed(struct t_tls_end *end)
{
    cfl_transport_free(end->transport);
    end->transport = NULL;
    end->is_done = true;
}

void t_tls_end_step(struct t_tls_end *end)
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
struct t_tls_pair t_handshake_alloc(const struct cflight_allocator *alloc,
                                    struct cfl_tls_client *client, const char *name,
                                    struct cfl_tls_server *server)
{
    struct t_tls_pair pair = {.client = {.status = CFLIGHT_RESOURCE_EXHAUSTED},
                              .server = {.status = CFLIGHT_RESOURCE_EXHAUSTED}};
    int fds[2];
    t_socket_pair(fds);
    pair.client.transport = t_transport_on(alloc, fds[0]);
    pair.server.transport = t_transport_on(alloc, fds[1]);
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
        t_tls_end_step(&pair.client);
        t_tls_end_step(&pair.server);
    }
    assert_true(pair.client.is_done && pair.server.is_done);
    return pair;
}

struct t_tls_pair t_handshake(struct cfl_tls_client *client, const char *name,
                              struct cfl_tls_server *server)
{
    return t_handshake_alloc(NULL, client, name, server);
}

void t_tls_pair_done(struct t_tls_pair *pair)
{
    cfl_transport_free(pair->client.transport);
    cfl_transport_free(pair->server.transport);
    cflight_error_free(pair->client.error);
    cflight_error_free(pair->server.error);
}

void t_expect_text(const cflight_error *error, const char *part)
{
    if (strstr(cflight_error_message(error), part) == NULL) {
        fail_msg("the error is \"%s\", which lacks \"%s\"", cflight_error_message(error), part);
    }
}

void t_expect_established(const struct t_tls_pair *pair)
{
    CHECK_OK(pair->client.status, pair->client.error);
    CHECK_OK(pair->server.status, pair->server.error);
}

/* Sends a byte each way, after which session tickets have arrived too. */
void t_expect_talk(struct t_tls_pair *pair)
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
char t_log_text[8192];
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;

static void collect_log(void *user_data, enum cflight_log_level level, const char *subsystem,
                        const char *line)
{
    (void)user_data;
    (void)level;
    (void)subsystem;
    (void)pthread_mutex_lock(&log_mutex);
    size_t have_bytes = strlen(t_log_text);
    (void)snprintf(t_log_text + have_bytes, sizeof t_log_text - have_bytes, "%s\n", line);
    (void)pthread_mutex_unlock(&log_mutex);
}

void t_log_start(void)
{
    t_log_text[0] = '\0';
    cflight_log_set(collect_log, NULL, CFLIGHT_LOG_TRACE);
}

void t_log_stop(void)
{
    cflight_log_set(NULL, NULL, CFLIGHT_LOG_OFF);
}
