/* SPDX-License-Identifier: Apache-2.0 */
/* What peers say, in lines for people and for tools that read logs. Thread class: free. */
#include "flight/kit/log_text.h"

void cfl_log_text_append(struct cfl_buf *line, const uint8_t *text, size_t len_bytes,
                         size_t bytes_max, char quote)
{
    size_t shown_bytes = len_bytes < bytes_max ? len_bytes : bytes_max;
    for (size_t i = 0; i < shown_bytes; i++) {
        if (text[i] < 0x20 || text[i] >= 0x7F || text[i] == (uint8_t)quote || text[i] == '\\') {
            (void)cfl_buf_append_format(line, "\\x%02x", text[i]);
        } else {
            (void)cfl_buf_append_u8(line, text[i]);
        }
    }
    (void)cfl_buf_append_text(line, shown_bytes < len_bytes ? "..." : "");
}
