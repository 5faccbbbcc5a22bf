/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_BYTESWAP_H
#define CFL_IPC_BYTESWAP_H

#include "ipc/schema.h"

/* Turns values of the other byte order into this machine's (Arrow columnar: Byte Order). `target`
 * and `source` hold `len_bytes` bytes and are the same memory or apart; bytes after the last whole
 * value are copied as they are. */

/* How the bytes of one element are turned. */
enum cfl_swap {
    CFL_SWAP_NONE,
    CFL_SWAP_16,
    CFL_SWAP_32,
    CFL_SWAP_64,
    CFL_SWAP_128,
    CFL_SWAP_256,
    CFL_SWAP_MONTH_DAY_NANO, /* int32, int32, int64 */
    CFL_SWAP_VIEW, /* int32 length; of long values also index and offset, but never the prefix */
};

/* For the values of a fixed-width type. */
enum cfl_swap cfl_swap_of(const struct cfl_type *type);
void cfl_swap_bytes(enum cfl_swap swap, uint8_t *target, const uint8_t *source, size_t len_bytes);

#endif /* CFL_IPC_BYTESWAP_H */
