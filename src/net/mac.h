/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_MAC_H
#define CFL_NET_MAC_H

#include <stddef.h>
#include <stdint.h>

#include "cflight/bytes.h"
#include "cflight/error.h"

enum { CFL_MAC_BYTES = 32 };

/* HMAC-SHA-256 (RFC 2104) of pieces one after another. Thread class: free. */
cflight_status cfl_mac_sha256(struct cflight_bytes key, const struct cflight_bytes *pieces,
                              size_t count, uint8_t ret_mac[CFL_MAC_BYTES], cflight_error **reterr);

#endif /* CFL_NET_MAC_H */
