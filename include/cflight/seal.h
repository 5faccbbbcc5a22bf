/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_SEAL_H
#define CFLIGHT_SEAL_H

#include "cflight/bytes.h"
#include "cflight/error.h"
#include "cflight/export.h"

/// @file
/// Bytes that strangers carry and cannot change: tickets that say themselves what to read, so that
/// any server with the same key can serve them, and none has to remember them.
///
/// Sealed bytes are the content, until when it is good, and an HMAC-SHA-256 over both and over who
/// may bring them. They are not secret: who has them can read the content. They can be brought any
/// number of times until they end, so nothing may hang on their being used once. Thread class:
/// free.
///
///     cflight_buffer *ticket = NULL;
///     status = cflight_seal(key, identity, expires_unix_ns, content, &ticket, &error);
///     // in do_get
///     status = cflight_unseal(key, identity, ticket_bytes, &content, &error);
/// @since 0.1

#ifdef __cplusplus
extern "C" {
#endif

/// The least length of a key: that of the hash. Take random bytes.
#define CFLIGHT_SEAL_KEY_BYTES_MIN 32
/// What sealing adds to the content.
#define CFLIGHT_SEAL_BYTES 48

/// Seals bytes.
/// @param key              At least CFLIGHT_SEAL_KEY_BYTES_MIN bytes, the same at all servers.
/// @param holder           Who may bring them: what authentication has named. Empty is nobody, not
///                         anybody: it must be empty when they come back too.
/// @param expires_unix_ns  The end, in nanoseconds since 1970 (UTC); clocks of servers differ.
/// @param ret_sealed       To be freed with cflight_buffer_unref().
/// @return CFLIGHT_OK; CFLIGHT_INVALID_ARGUMENT (a short key); CFLIGHT_RESOURCE_EXHAUSTED
CFLIGHT_CHECKED cflight_status
cflight_seal(struct cflight_bytes key, struct cflight_bytes holder, int64_t expires_unix_ns,
             struct cflight_bytes content, cflight_buffer **ret_sealed, cflight_error **reterr);
/// Checks sealed bytes. Which of their bytes is wrong takes the same time to find.
/// @param ret_content  A view of `sealed`.
/// @return CFLIGHT_OK; CFLIGHT_NOT_FOUND (changed, of another key or for another holder; or their
///         time is over); CFLIGHT_INVALID_ARGUMENT (a short key)
CFLIGHT_CHECKED cflight_status
cflight_unseal(struct cflight_bytes key, struct cflight_bytes holder, struct cflight_bytes sealed,
               struct cflight_bytes *ret_content, cflight_error **reterr);

#ifdef __cplusplus
}
#endif

#endif /* CFLIGHT_SEAL_H */
