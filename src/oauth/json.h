/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_OAUTH_JSON_H
#define CFL_OAUTH_JSON_H

#include <stdbool.h>

#include "cflight/bytes.h"

/* Reads the members of one JSON object (RFC 8259), and nothing else. Thread class: free. */

enum cfl_json_kind {
    CFL_JSON_NONE = 0, /* the member is not there, or null */
    CFL_JSON_TEXT,
    CFL_JSON_NUMBER, /* `value` is as it stands in the text */
    CFL_JSON_OTHER,  /* true, false, an array or an object: without `value` */
};

struct cfl_json_member {
    const char *name; /* that is wanted */
    enum cfl_json_kind kind;
    struct cflight_bytes value; /* borrows from the text */
};

/* Finds those of `members` that are there. Texts are unescaped in place, so `json` is changed.
 * False for what is no object, for nesting deeper than 16, and when a wanted member is there twice.
 */
bool cfl_json_read_object(uint8_t *json, size_t len_bytes, struct cfl_json_member *members,
                          size_t member_count);

#endif /* CFL_OAUTH_JSON_H */
