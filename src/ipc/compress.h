/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_COMPRESS_H
#define CFL_IPC_COMPRESS_H

#include "cflight/error.h"
#include "cflight/ipc.h"
#include "ipc/parts.h"
#include "ipc/scratch.h"

/* Compression of message bodies, buffer by buffer (Arrow columnar: Compression): a buffer becomes
 * the int64 length of its plain form and the compressed bytes, or -1 and the plain bytes when it
 * would not shrink. Empty buffers stay empty. */

struct cfl_compression {
    enum cflight_compression codec;
    int32_t level;      /* 0: the default */
    int32_t thread_max; /* threads that may work at once, the caller's included */
    void *zstd;         /* the codec's state, kept for the next call; zero at first */
};
void cfl_compression_done(struct cfl_compression *compression);

/* A buffer as it goes into a body: `prefix` (8 bytes, or NULL) and then `data`. */
struct cfl_body_buffer {
    const uint8_t *prefix;
    const uint8_t *data;
    uint64_t len_bytes; /* of data */
};

/* INVALID_ARGUMENT for a codec or level that does not exist. */
cflight_status cfl_compression_check(const struct cfl_compression *compression,
                                     cflight_error **reterr);

/* Compresses `count` buffers into `scratch`; buffers that do not shrink are referred to where they
 * are. With more than one thread, threads are started and joined within the call. */
cflight_status cfl_compress(struct cfl_compression *compression,
                            const struct cfl_part_buffer *buffers, size_t count,
                            struct cfl_scratch *scratch, struct cfl_body_buffer *ret_buffers,
                            cflight_error **reterr);

/* Of the ones that are loaded, such as "1.9.4". */
const char *cfl_lz4_version(void);
const char *cfl_zstd_version(void);

#endif /* CFL_IPC_COMPRESS_H */
