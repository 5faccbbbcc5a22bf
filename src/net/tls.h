/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_TLS_H
#define CFL_NET_TLS_H

#include <stdbool.h>

#include "base/clock.h"
#include "cflight/alloc.h"
#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/tls.h"

/* TLS contexts (OpenSSL behind one folder, net/openssl). Counted; thread class: free. TLS 1.2
 * and 1.3 only, renegotiation off, ALPN "h2". Keys are wiped after parsing and never appear in
 * errors or logs. */

struct cfl_tls_client;
struct cfl_tls_server;

struct cfl_tls_client_options {
    struct cflight_bytes root_certs_pem; /* empty: as GRPC_DEFAULT_SSL_ROOTS_FILE_PATH says, or
                                            the system's trust store */
    struct cflight_bytes cert_chain_pem; /* empty: no client certificate */
    struct cflight_bytes private_key_pem;
    bool skip_verification; /* logs a warning */
    bool allow_common_name; /* fall back to the CN when the certificate has no SAN */
    const struct cflight_tls_policy *policy; /* NULL for defaults */
    /* Since 1970; must outlive the client. NULL: the system's. */
    const struct cfl_clock *wall_clock;
};

/* INVALID_ARGUMENT says which PEM is bad and how (truncated, no certificate in it, key does not
 * match). */
cflight_status cfl_tls_client_new(const struct cflight_allocator *alloc,
                                  const struct cfl_tls_client_options *options,
                                  struct cfl_tls_client **ret_tls, cflight_error **reterr);
struct cfl_tls_client *cfl_tls_client_ref(struct cfl_tls_client *tls);
void cfl_tls_client_unref(struct cfl_tls_client *tls);

struct cfl_tls_key_pair {
    struct cflight_bytes cert_chain_pem;
    struct cflight_bytes private_key_pem;
};

enum cfl_tls_client_auth {
    CFL_TLS_CLIENT_AUTH_NONE = 0,
    CFL_TLS_CLIENT_AUTH_OPTIONAL = 1,
    CFL_TLS_CLIENT_AUTH_REQUIRED = 2,
};

struct cfl_tls_server_options {
    const struct cfl_tls_key_pair
        *key_pairs; /* several are chosen from by SNI, the first is the default */
    size_t key_pair_count;
    enum cfl_tls_client_auth client_auth;
    struct cflight_bytes client_roots_pem;   /* needed unless client_auth is NONE */
    const struct cflight_tls_policy *policy; /* NULL for defaults */
    /* Since 1970; must outlive the server. NULL: the system's. */
    const struct cfl_clock *wall_clock;
};

cflight_status cfl_tls_server_new(const struct cflight_allocator *alloc,
                                  const struct cfl_tls_server_options *options,
                                  struct cfl_tls_server **ret_tls, cflight_error **reterr);
/* Connections go on without it. */
void cfl_tls_server_free(struct cfl_tls_server *tls);
/* Replaces certificates and roots for connections accepted from now on; on failure the old ones
 * stay. */
cflight_status cfl_tls_server_reload(struct cfl_tls_server *tls,
                                     const struct cfl_tls_server_options *options,
                                     cflight_error **reterr);

/* Of the one that is loaded, such as "3.0.17". */
const char *cfl_tls_library_version(void);

#endif /* CFL_NET_TLS_H */
