/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_OFFSETS_H
#define CFL_IPC_OFFSETS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Offsets of 32 or 64 bits in buffers of any alignment. Thread class: free. */

static inline int64_t cfl_load_offset(const uint8_t *data, int64_t index, bool is_64)
{
    int64_t wide = 0;
    int32_t narrow = 0;

    if (is_64) {
        memcpy(&wide, data + 8 * index, sizeof wide);
        return wide;
    }
    memcpy(&narrow, data + 4 * index, sizeof narrow);
    return narrow;
}

static inline void cfl_store_offset(uint8_t *data, int64_t index, int64_t value, bool is_64)
{
    if (is_64) {
        memcpy(data + 8 * index, &value, sizeof value);
        return;
    }
    int32_t narrow = (int32_t)(uint32_t)(uint64_t)value;
    memcpy(data + 4 * index, &narrow, sizeof narrow);
}

#endif /* CFL_IPC_OFFSETS_H */
