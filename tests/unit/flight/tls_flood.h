/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_TLS_FLOOD_H
#define CFLIGHT_TESTS_TLS_FLOOD_H

#include <openssl/ssl.h>

#include "certs.h"
#include "raw.h"

/* Peers under TLS that shake hands as they should and then send nothing but handshake messages. The
 * records are made beforehand: making some of them costs as much as reading them. */

enum t_flood_kind {
    T_FLOOD_KEY_UPDATES,    /* TLS 1.3, from either side */
    T_FLOOD_RENEGOTIATIONS, /* TLS 1.2: a ClientHello, or a HelloRequest, without content */
    T_FLOOD_TICKETS,        /* TLS 1.3, from a server */
};

struct t_flood {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    struct t_raw records;
};

/* Shakes hands with the server at a port of 127.0.0.1, sends the preface of HTTP/2, and makes
 * `count` messages. */
void t_flood_connect(struct t_flood *flood, int port, enum t_flood_kind kind, size_t count);
/* The same for the server side of a socket, which stays the caller's; false when the client is
 * gone. */
bool t_flood_accept(struct t_flood *flood, int fd, const struct t_cert *cert,
                    enum t_flood_kind kind, size_t count);
/* Sends everything, and reads until the other side hangs up. May run on any thread. */
void t_flood_send(struct t_flood *flood);
/* Closes the socket of t_flood_connect() too. */
void t_flood_done(struct t_flood *flood);

#endif /* CFLIGHT_TESTS_TLS_FLOOD_H */
