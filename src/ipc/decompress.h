/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_DECOMPRESS_H
#define CFL_IPC_DECOMPRESS_H

#include "cflight/bytes.h"
#include "cflight/ipc.h"

/* The codecs of compressed bodies (Message.fbs: CompressionType), with the state they keep between
 * buffers. A zeroed struct is ready; done is safe to repeat. Thread class: one at a time. */
struct cfl_decompressor {
    void *lz4;
    void *zstd;
};

void cfl_decompressor_done(struct cfl_decompressor *decompressor);
/* Refuses (DATA_LOSS) a claimed size that the compressed bytes cannot hold, so that no memory is
 * taken for it. */
cflight_status cfl_decompress_check(enum cflight_compression codec, struct cflight_bytes source,
                                    uint64_t claimed_bytes, cflight_error **reterr);
/* Fills exactly `target_len_bytes` bytes; any other outcome is DATA_LOSS. */
cflight_status cfl_decompress(struct cfl_decompressor *decompressor, enum cflight_compression codec,
                              struct cflight_bytes source, uint8_t *target, size_t target_len_bytes,
                              cflight_error **reterr);

#endif /* CFL_IPC_DECOMPRESS_H */
