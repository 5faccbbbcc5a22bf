/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_ASCII_H
#define CFL_BASE_ASCII_H

#include "cflight/bytes.h"

/* Characters and words of protocols, whatever the locale. Thread class: free. */

static inline uint8_t cfl_ascii_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static inline bool cfl_ascii_is_alnum(uint8_t byte)
{
    uint8_t letter = cfl_ascii_lower(byte);
    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9');
}

static inline bool cfl_ascii_is_printable(uint8_t byte)
{
    return byte >= 0x20 && byte <= 0x7e;
}

/* The value of a hexadecimal digit of either case; -1 for anything else. */
static inline int cfl_ascii_hex_value(uint8_t byte)
{
    uint8_t letter = cfl_ascii_lower(byte);
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Without the spaces and tabs at both ends. */
static inline struct cflight_bytes cfl_ascii_trim(struct cflight_bytes text)
{
    while (text.len_bytes > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len_bytes--;
    }
    while (text.len_bytes > 0 &&
           (text.data[text.len_bytes - 1] == ' ' || text.data[text.len_bytes - 1] == '\t')) {
        text.len_bytes--;
    }
    return text;
}

/* Copies what a stranger wrote, to be shown: '?' for what is not printable, cut to the size of
 * `target`, terminated. */
void cfl_ascii_show(struct cflight_bytes text, char *target, size_t target_bytes);

/* Letters compare without case here. */
static inline bool cfl_ascii_starts(struct cflight_bytes text, const char *prefix)
{
    size_t len_bytes = strlen(prefix);
    if (text.len_bytes < len_bytes) {
        return false;
    }
    for (size_t i = 0; i < len_bytes; i++) {
        uint8_t wanted = (uint8_t)prefix[i];
        if (text.data[i] != wanted && cfl_ascii_lower(text.data[i]) != cfl_ascii_lower(wanted)) {
            return false;
        }
    }
    return true;
}

static inline bool cfl_ascii_is(struct cflight_bytes text, const char *other)
{
    return text.len_bytes == strlen(other) && cfl_ascii_starts(text, other);
}

/* -1, 0 or 1. */
int cfl_ascii_compare(struct cflight_bytes a, struct cflight_bytes b);
/* Takes `prefix` off the front; false when it is not there. */
bool cfl_ascii_drop_front(struct cflight_bytes *text, const char *prefix);

/* Percent-decodes (RFC 3986 2.1) into `target`, which may be where the text is, and returns how
 * many bytes that are: never more than the text has. Wrong escapes stay as they are. */
size_t cfl_percent_decode(struct cflight_bytes text, uint8_t *target);

#endif /* CFL_BASE_ASCII_H */
