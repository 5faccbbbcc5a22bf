/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TLS_H
#define CFLIGHT_TLS_H

#include "cflight/bytes.h"
#include "cflight/export.h"

/// @file
/// What clients and servers may demand of TLS beyond the defaults: part of struct
/// cflight_client_tls and struct cflight_server_tls. And how their certificates and keys are read.
///
///     cflight_buffer *roots = NULL;
///     if (cflight_pem_read("ca.pem", &roots, &error) != CFLIGHT_OK) { ... }
///     struct cflight_client_tls tls = {.root_certs = cflight_buffer_bytes(roots)};
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

enum cflight_tls_version {
    CFLIGHT_TLS_VERSION_DEFAULT = 0, ///< 1.2
    CFLIGHT_TLS_VERSION_1_2 = 12,
    CFLIGHT_TLS_VERSION_1_3 = 13,
};

/// Zeros are the defaults. Whatever is set, there is forward secrecy, and keys and signatures have
/// 112 bits of security at least (RSA of 2048 bits, no SHA-1).
struct cflight_tls_policy {
    enum cflight_tls_version min_version;
    /// Ciphers in the order of preference, by OpenSSL's names, with colons between them; NULL for
    /// all of AES-GCM and ChaCha20-Poly1305. A name that is not one of these is an error.
    const char *tls12_ciphers; ///< such as "ECDHE-ECDSA-AES256-GCM-SHA384"
    const char *tls13_ciphers; ///< such as "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    /// Certificates that were revoked: X.509 CRLs, PEM. When it is not empty, each certificate of
    /// the peer's chain must be covered by a list of its issuer that has not run out.
    struct cflight_bytes revocation_lists;
};

/// Reads a file for the PEM texts of TLS: certificates, a key, revocation lists. Whether it holds
/// such is found out where it is used. Blocks on the disk. Thread class: free.
///
/// @param path     Borrowed. A pipe is read to its end.
/// @param ret_pem  Receives the content; unref it once the client or server is made, which copies
///                 it. The memory is wiped then, since it may be a key. Untouched on failure.
/// @return CFLIGHT_OK; CFLIGHT_NOT_FOUND, CFLIGHT_PERMISSION_DENIED or CFLIGHT_UNKNOWN (it cannot
/// be
///         read); CFLIGHT_RESOURCE_EXHAUSTED (more than 16 MiB, or memory ran out);
///         CFLIGHT_INVALID_ARGUMENT (NULL)
CFLIGHT_CHECKED cflight_status
cflight_pem_read(const char *path, cflight_buffer **ret_pem, cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_TLS_H */
