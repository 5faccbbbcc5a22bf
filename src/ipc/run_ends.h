/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_RUN_ENDS_H
#define CFL_IPC_RUN_ENDS_H

#include "ipc/offsets.h"

/* Run ends of 2, 4 or 8 bytes in buffers of any alignment (Arrow columnar: Run-End Encoded Layout).
 * Thread class: free. */

static inline int64_t cfl_load_run_end(const void *data, int64_t index, int32_t width_bytes)
{
    int16_t narrow = 0;

    if (width_bytes == 2) {
        memcpy(&narrow, (const uint8_t *)data + 2 * index, sizeof narrow);
        return narrow;
    }
    return cfl_load_offset(data, index, width_bytes == 8);
}

static inline void cfl_store_run_end(void *data, int64_t index, int64_t value, int32_t width_bytes)
{
    if (width_bytes == 2) {
        int16_t narrow = (int16_t)value;
        memcpy((uint8_t *)data + 2 * index, &narrow, sizeof narrow);
        return;
    }
    cfl_store_offset(data, index, value, width_bytes == 8);
}

/* The first run in [0, run_count) that ends after `row`; run_count when there is none. */
static inline int64_t cfl_find_run(const void *data, int64_t run_count, int32_t width_bytes,
                                   int64_t row)
{
    int64_t low = 0;
    int64_t high = run_count;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (cfl_load_run_end(data, middle, width_bytes) > row) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

#endif /* CFL_IPC_RUN_ENDS_H */
