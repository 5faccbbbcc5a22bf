/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_BITMAP_H
#define CFL_IPC_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

/* Bitmaps, least significant bit first (Arrow columnar: Validity bitmaps). `first` and `length`
 * count bits; only bytes that hold one of those bits are read. Thread class: free. */

static inline uint64_t cfl_bitmap_bytes(int64_t length)
{
    return ((uint64_t)length + 7) / 8;
}

static inline bool cfl_bitmap_get(const uint8_t *bits, int64_t index)
{
    return (bits[index / 8] >> (index % 8) & 1) != 0;
}

/* Number of bits that are set. */
int64_t cfl_bitmap_count(const uint8_t *bits, int64_t first, int64_t length);
/* Copies bits to the start of `target`, cfl_bitmap_bytes(length) long; bits behind the last one
 * become 0. */
void cfl_bitmap_copy(uint8_t *target, const uint8_t *bits, int64_t first, int64_t length);

#endif /* CFL_IPC_BITMAP_H */
