/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_PEER_H
#define CFL_NET_PEER_H

#include <stdbool.h>
#include <stddef.h>

/* Facts about the peer; texts are never NULL, valid as long as the transport. */
struct cfl_peer {
    const char *name; /* "ipv4:127.0.0.1:41234", "ipv6:[::1]:41234", "unix:/path" or "unix:" */
    bool is_tls;
    const char *tls_version;      /* "TLSv1.3", or "" */
    const char *cert_subject;     /* RFC 2253 text of the peer's verified certificate, or "" */
    const char *const *cert_sans; /* "DNS:...", "IP:...", "URI:...", "email:..." */
    size_t cert_san_count;
    const char *cert_identity; /* first identity of the verified certificate: SAN URI or DNS, else
                                  the CN, or ""; as the certificate has it */
};

#endif /* CFL_NET_PEER_H */
