/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_BASE64_H
#define CFL_BASE_BASE64_H

#include "base/buf.h"

/* Base64 (RFC 4648 section 4): encodes without or with padding, decodes with or without. The last
 * fails on what is no base64. Thread class: free. */
bool cfl_base64_encode(struct cflight_bytes bytes, struct cfl_buf *target);
bool cfl_base64_encode_padded(struct cflight_bytes bytes, struct cfl_buf *target);
bool cfl_base64_decode(struct cflight_bytes text, struct cfl_buf *target);

#endif /* CFL_BASE_BASE64_H */
