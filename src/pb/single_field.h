/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_PB_SINGLE_FIELD_H
#define CFL_PB_SINGLE_FIELD_H

#include "cflight/error.h"
#include "pb/field.h"

/* Messages that are one bytes field: PutResult (1), Criteria (1), HandshakeRequest and
 * HandshakeResponse (2). They are on the path of every upload, so they are written and read in
 * place. */

enum {
    CFL_FIELD_PUT_RESULT_METADATA = 1,
    CFL_FIELD_CRITERIA_EXPRESSION = 1,
    CFL_FIELD_HANDSHAKE_PAYLOAD = 2,
};

/* `*ret_value` points into `message`, and is empty with NULL data when the field is absent; other
 * fields are skipped. INVALID_ARGUMENT: "Not a valid NAME: ...". */
cflight_status cfl_single_field_read(struct cflight_bytes message, uint32_t field, const char *name,
                                     struct cflight_bytes *ret_value, cflight_error **reterr);

#endif /* CFL_PB_SINGLE_FIELD_H */
