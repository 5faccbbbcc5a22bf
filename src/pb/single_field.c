/* SPDX-License-Identifier: Apache-2.0 */
/* One-field protobuf messages, in place. Spec: Protocol Buffers encoding. Thread class: free. */
#include "pb/single_field.h"

cflight_status cfl_single_field_read(struct cflight_bytes message, uint32_t field, const char *name,
                                     struct cflight_bytes *ret_value, cflight_error **reterr)
{
    struct cfl_cursor cursor = cfl_cursor_make(message);
    struct cflight_bytes found = {NULL, 0};
    while (cfl_cursor_left(&cursor) > 0) {
        uint64_t tag = 0;
        struct cflight_bytes value = {NULL, 0};
        if (!cfl_field_next(&cursor, &tag, &value)) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "Not a valid %s: malformed field at byte %zu", name,
                                     cursor.offset);
        }
        if (tag == cfl_field_tag(field)) {
            found = value;
        }
    }
    *ret_value = found;
    return CFLIGHT_OK;
}
