/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_TLS_SUPPORT_H
#define CFLIGHT_TESTS_TLS_SUPPORT_H

#include "certs.h"
#include "net/tls.h"
#include "net_support.h"

/* What the tests of TLS share. Both ends of a connection live in one thread and take turns, so that
 * nothing depends on timing. */

struct t_cert t_named_ca_new(const char *name);
struct t_cert t_ca_new(void);
/* A certificate of `ca`; `sans` as in struct t_cert_options. */
struct t_cert t_leaf_new(const struct t_cert *ca, const char *common_name, const char *sans);

struct cfl_tls_client *t_tls_client_new(const struct cfl_tls_client_options *options);
struct cfl_tls_client *t_tls_client_trusting(const struct t_cert *root);
/* One that also shows `cert`. */
struct cfl_tls_client *t_tls_client_showing(const struct t_cert *root, const struct t_cert *cert);
/* A server that shows `cert` and verifies clients by `roots`, which may be NULL. */
struct cfl_tls_server *t_tls_server_new(const struct t_cert *cert, enum cfl_tls_client_auth auth,
                                        const struct t_cert *roots);
struct cfl_tls_server *t_tls_server_showing(const struct t_cert *cert);

/* Two connected, non-blocking Unix sockets. */
void t_socket_pair(int ret_fds[2]);
/* A transport on one of them, whose peer is called "/peer"; NULL when memory ran out. */
struct cfl_transport *t_transport_on(const struct cflight_allocator *alloc, int fd);

/* One end of a connection and how its handshake went. */
struct t_tls_end {
    struct cfl_transport *transport; /* NULL once the handshake failed */
    cflight_status status;
    cflight_error *error;
    bool is_done;
};

/* Goes on with the handshake of one end. */
void t_tls_end_step(struct t_tls_end *end);

struct t_tls_pair {
    struct t_tls_end client;
    struct t_tls_end server;
};

/* Shakes hands between two contexts, each giving up when the other has. */
struct t_tls_pair t_handshake_alloc(const struct cflight_allocator *alloc,
                                    struct cfl_tls_client *client, const char *name,
                                    struct cfl_tls_server *server);
struct t_tls_pair t_handshake(struct cfl_tls_client *client, const char *name,
                              struct cfl_tls_server *server);
void t_tls_pair_done(struct t_tls_pair *pair);
/* Fails unless both ends are done and well. */
void t_expect_established(const struct t_tls_pair *pair);
/* Sends a byte each way, after which session tickets have arrived too. */
void t_expect_talk(struct t_tls_pair *pair);
/* Fails unless the text of `error` contains `part`; unlike t_expect_error, frees nothing. */
void t_expect_text(const cflight_error *error, const char *part);

/* Everything logged between start and stop, line by line. */
extern char t_log_text[8192];
void t_log_start(void);
void t_log_stop(void);

#endif /* CFLIGHT_TESTS_TLS_SUPPORT_H */
