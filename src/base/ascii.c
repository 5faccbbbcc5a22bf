/* SPDX-License-Identifier: Apache-2.0 */
/* Words of protocols. Thread class: free. */
#include "base/ascii.h"

void cfl_ascii_show(struct cflight_bytes text, char *target, size_t target_bytes)
{
    size_t count = 0;
    for (; count < text.len_bytes && count < target_bytes - 1; count++) {
        uint8_t byte = text.data[count];
        target[count] = (char)(cfl_ascii_is_printable(byte) ? byte : '?');
    }
    target[count] = '\0';
}

int cfl_ascii_compare(struct cflight_bytes a, struct cflight_bytes b)
{
    for (size_t i = 0; i < a.len_bytes && i < b.len_bytes; i++) {
        int order = cfl_ascii_lower(a.data[i]) - cfl_ascii_lower(b.data[i]);
        if (order != 0) {
            return order < 0 ? -1 : 1;
        }
    }
    return (a.len_bytes > b.len_bytes) - (a.len_bytes < b.len_bytes);
}

bool cfl_ascii_drop_front(struct cflight_bytes *text, const char *prefix)
{
    if (!cfl_ascii_starts(*text, prefix)) {
        return false;
    }
    size_t len_bytes = strlen(prefix);
    *text = cflight_bytes_make(text->data + len_bytes, text->len_bytes - len_bytes);
    return true;
}

size_t cfl_percent_decode(struct cflight_bytes text, uint8_t *target)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len_bytes; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%' && text.len_bytes - i > 2) {
            int high = cfl_ascii_hex_value(text.data[i + 1]);
            int low = cfl_ascii_hex_value(text.data[i + 2]);
            if (high >= 0 && low >= 0) {
                byte = (uint8_t)(high << 4 | low);
                i += 2;
            }
        }
        target[count++] = byte;
    }
    return count;
}
