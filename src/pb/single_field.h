/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_PB_SINGLE_FIELD_H
#define CFL_PB_SINGLE_FIELD_H

#include "base/buf.h"
#include "base/cursor.h"
#include "cflight/error.h"

/* Messages that are one bytes field: PutResult (1), Criteria (1), HandshakeRequest and
 * HandshakeResponse (2). They are on the path of every upload, so they are written and read in
 * place. */

enum {
    CFL_FIELD_PUT_RESULT_METADATA = 1,
    CFL_FIELD_CRITERIA_EXPRESSION = 1,
    CFL_FIELD_HANDSHAKE_PAYLOAD = 2,
};

/* Reads the next field of a message: its tag, and the value of one that is length-delimited; that
 * of others is skipped and *ret_value is empty. False when it is malformed. */
bool cfl_field_next(struct cfl_cursor *cursor, uint64_t *ret_tag, struct cflight_bytes *ret_value);
/* The tag of a field that is length-delimited. */
static inline uint64_t cfl_field_tag(uint32_t field)
{
    return (uint64_t)field << 3 | 2;
}

/* Writes nothing for an empty value, as proto3 does. False when memory ran out. */
bool cfl_single_field_write(struct cfl_buf *target, uint32_t field, struct cflight_bytes value);
/* `*ret_value` points into `message`, and is empty with NULL data when the field is absent; other
 * fields are skipped. INVALID_ARGUMENT: "Not a valid NAME: ...". */
cflight_status cfl_single_field_read(struct cflight_bytes message, uint32_t field, const char *name,
                                     struct cflight_bytes *ret_value, cflight_error **reterr);

#endif /* CFL_PB_SINGLE_FIELD_H */
