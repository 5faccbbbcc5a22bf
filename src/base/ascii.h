/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_ASCII_H
#define CFL_BASE_ASCII_H

#include <stdbool.h>
#include <stdint.h>

/* Single characters of protocols, whatever the locale. Thread class: free. */

static inline uint8_t cfl_ascii_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

static inline bool cfl_ascii_is_alnum(uint8_t byte)
{
    uint8_t letter = cfl_ascii_lower(byte);
    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9');
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

#endif /* CFL_BASE_ASCII_H */
