/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of peers made printable. Most are valid and go through at once; only broken ones are taken
 * apart, character by character. Thread class: one at a time. */
#include "flight/value/text_repair.h"

#include "base/utf8.h"

enum { CHARACTER_BYTES_MAX = 4 };

/* Length of the valid character at the front, 0 when there is none. */
static size_t character_len(const uint8_t *bytes, size_t left_bytes)
{
    for (size_t len_bytes = 1; len_bytes <= CHARACTER_BYTES_MAX && len_bytes <= left_bytes;
         len_bytes++) {
        if (cfl_utf8_is_valid(bytes, len_bytes)) {
            return len_bytes;
        }
    }
    return 0;
}

bool cfl_text_repair(struct cfl_buf *target, struct cflight_bytes text)
{
    size_t offset = 0;
    if (text.len_bytes > 0 && memchr(text.data, 0, text.len_bytes) == NULL &&
        cfl_utf8_is_valid(text.data, text.len_bytes)) {
        return cfl_buf_append_bytes(target, text);
    }
    while (offset < text.len_bytes) {
        size_t len_bytes = character_len(text.data + offset, text.len_bytes - offset);
        if (len_bytes == 0 || text.data[offset] == 0) {
            (void)cfl_buf_append_text(target, "\xEF\xBF\xBD");
            offset++;
            continue;
        }
        (void)cfl_buf_append(target, text.data + offset, len_bytes);
        offset += len_bytes;
    }
    return !target->failed;
}
