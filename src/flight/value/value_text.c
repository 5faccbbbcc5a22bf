/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of values, for people: one line, in the manner of pyarrow's reprs, whatever bytes are in
 * the value. Thread class: free. */
#include "flight/value/values.h"

#include "base/error.h"

enum { TEXT_BYTES_MAX = 256 };

static void append_byte(struct cfl_buf *target, uint8_t byte)
{
    if (byte == '\n') {
        (void)cfl_buf_append_text(target, "\\n");
    } else if (byte == '\r') {
        (void)cfl_buf_append_text(target, "\\r");
    } else if (byte == '\t') {
        (void)cfl_buf_append_text(target, "\\t");
    } else if (byte < 0x20 || byte >= 0x7F) {
        (void)cfl_buf_append_format(target, "\\x%02x", byte);
    } else {
        if (byte == '\'' || byte == '\\') {
            (void)cfl_buf_append_u8(target, '\\');
        }
        (void)cfl_buf_append_u8(target, byte);
    }
}

void cfl_append_bytes_text(struct cfl_buf *target, struct cflight_bytes bytes)
{
    size_t shown_bytes = bytes.len_bytes < TEXT_BYTES_MAX ? bytes.len_bytes : TEXT_BYTES_MAX;
    (void)cfl_buf_append_text(target, "b'");
    for (size_t i = 0; i < shown_bytes; i++) {
        append_byte(target, bytes.data[i]);
    }
    (void)cfl_buf_append_text(target, "'");
    if (shown_bytes < bytes.len_bytes) {
        (void)cfl_buf_append_format(target, "... (%zu bytes)", bytes.len_bytes);
    }
}

void cfl_append_bytes_list_text(struct cfl_buf *target, const struct cflight_bytes *items,
                                size_t count)
{
    (void)cfl_buf_append_text(target, "[");
    for (size_t i = 0; i < count; i++) {
        (void)cfl_buf_append_text(target, i == 0 ? "" : ", ");
        cfl_append_bytes_text(target, items[i]);
    }
    (void)cfl_buf_append_text(target, "]");
}

cflight_status cfl_text_finish(struct cfl_buf *buf, char **ret_text, cflight_error **reterr)
{
    char *text = cfl_buf_take_text(buf);
    if (text == NULL) {
        return cfl_error_no_memory(reterr);
    }
    *ret_text = text;
    return CFLIGHT_OK;
}
