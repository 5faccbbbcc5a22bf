/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_BYTES_MESSAGE_H
#define CFL_FLIGHT_BYTES_MESSAGE_H

#include "cflight/alloc.h"
#include "cflight/bytes.h"
#include "cflight/error.h"

/* Messages that are one bytes field: Ticket, Result, SchemaResult, Criteria, PutResult (field 1)
 * and HandshakeRequest and HandshakeResponse (field 2). They carry most of the control traffic, so
 * they are read in place and written with one copy. Thread class: free. */

enum { CFL_BODY_FIELD = 1, CFL_HANDSHAKE_PAYLOAD_FIELD = 2 };

/* Finds the field; the view points into `bytes` and is empty when the field is absent. Other fields
 * are skipped; of several, the last counts. `name` is for "Not a valid <name>: ...". */
cflight_status cfl_bytes_message_read(struct cflight_bytes bytes, uint32_t field, const char *name,
                                      struct cflight_bytes *ret_body, cflight_error **reterr);

/* Most bytes that go before the body: a tag and a length. */
enum { CFL_BYTES_MESSAGE_HEAD_BYTES_MAX = 16 };
/* Writes what goes before a body of `body_bytes`; returns its length, 0 for an empty body, which is
 * left out. */
size_t cfl_bytes_message_head(uint32_t field, size_t body_bytes, uint8_t *target);
cflight_status cfl_bytes_message_write(const struct cflight_allocator *alloc, uint32_t field,
                                       const char *name, struct cflight_bytes body,
                                       cflight_buffer **ret_buffer, cflight_error **reterr);

#endif /* CFL_FLIGHT_BYTES_MESSAGE_H */
