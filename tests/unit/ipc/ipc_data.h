/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_IPC_DATA_H
#define CFLIGHT_TESTS_IPC_DATA_H

#include "cflight/arrow_abi.h"
#include "cflight/bytes.h"
#include "cflight/ipc.h"
#include "ipc/decoder.h"
#include "source.h"

/* Small streams and files of known content (tests/fuzz/make_ipc_corpus.py). */
struct t_bytes {
    uint8_t *data;
    size_t len_bytes;
};
/* `name` is "ipc_stream/flat". Fails the test when it is not there. */
struct t_bytes t_load(const char *name);
void t_bytes_done(struct t_bytes *bytes);
/* Names of all streams, NULL at the end. */
extern const char *const t_stream_names[];

/* What a stream holds, so that two ways of reading it can be compared. */
struct t_summary {
    int64_t batch_count;
    int64_t row_count;
    uint64_t hash; /* of lengths, null counts and fixed-size content */
};
/* Reads all bytes through a framer and a decoder in steps; arrays are released, those of every
 * second batch after the decoder. */
cflight_status t_decode(const struct cflight_allocator *alloc, struct t_bytes bytes,
                        size_t step_bytes, const struct cflight_ipc_read_options *options,
                        struct t_summary *ret_summary, struct cflight_ipc_stats *ret_stats,
                        cflight_error **reterr);
/* Whether reading any bytes may end so. */
bool t_is_of_data(cflight_status status);
uint64_t t_array_hash(const struct ArrowArray *array);

#endif /* CFLIGHT_TESTS_IPC_DATA_H */
