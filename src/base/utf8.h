/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_UTF8_H
#define CFL_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Thread class:
 * free. */
bool cfl_utf8_is_valid(const uint8_t *text, size_t len_bytes);
/* All bytes below 0x80; a few bytes per cycle. */
bool cfl_utf8_is_ascii(const uint8_t *text, size_t len_bytes);
/* In valid text, tells whether a character may begin with this byte. */
static inline bool cfl_utf8_is_start(uint8_t byte)
{
    return (byte & 0xC0) != 0x80;
}

#endif /* CFL_BASE_UTF8_H */
