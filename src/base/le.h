/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_LE_H
#define CFL_BASE_LE_H

#include <stdint.h>
#include <string.h>

/* Little-endian numbers in memory of any alignment: one instruction each where the machine's order
 * is the same. The caller knows that the bytes are there. Thread class: free. */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CFL_LE_16(value) (value)
#define CFL_LE_32(value) (value)
#define CFL_LE_64(value) (value)
#else
#define CFL_LE_16(value) __builtin_bswap16(value)
#define CFL_LE_32(value) __builtin_bswap32(value)
#define CFL_LE_64(value) __builtin_bswap64(value)
#endif

static inline uint16_t cfl_load_u16le(const uint8_t *source)
{
    uint16_t value = 0;
    memcpy(&value, source, sizeof value);
    return CFL_LE_16(value);
}

static inline uint32_t cfl_load_u32le(const uint8_t *source)
{
    uint32_t value = 0;
    memcpy(&value, source, sizeof value);
    return CFL_LE_32(value);
}

static inline uint64_t cfl_load_u64le(const uint8_t *source)
{
    uint64_t value = 0;
    memcpy(&value, source, sizeof value);
    return CFL_LE_64(value);
}

static inline void cfl_store_u16le(uint8_t *target, uint16_t value)
{
    value = CFL_LE_16(value);
    memcpy(target, &value, sizeof value);
}

static inline void cfl_store_u32le(uint8_t *target, uint32_t value)
{
    value = CFL_LE_32(value);
    memcpy(target, &value, sizeof value);
}

static inline void cfl_store_u64le(uint8_t *target, uint64_t value)
{
    value = CFL_LE_64(value);
    memcpy(target, &value, sizeof value);
}

#endif /* CFL_BASE_LE_H */
