/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_READER_H
#define CFP_READER_H

#include "cflight/loop.h"
#include "streams/notifier.h"
#include "streams/streams.h"

/* The object behind MetadataRecordBatchReader and FlightStreamReader, for the files that make it
 * up: reader.c (the types), reader_steps.c (what waits). What outlives the object is its core:
 * read_core.c, and reader_stream.c, the Arrow stream that is exported.
 *
 * Statistics are copied out after each step, so reading them never blocks. Thread class: free;
 * reads of one stream take turns. */
struct cfp_reader {
    CFP_HEAD
    PyObject *dict;               /* callers may keep attributes here */
    struct cfp_notifier notifier; /* event loops */
    struct cfp_read_core *core;   /* one without a reader in what unit tests make */
    _Atomic(PyObject *) schema;   /* once it arrived; never replaced */
    cfp_mutex stats_mutex;
    struct cflight_ipc_stats stats;
};

/* Reads the next message, waiting at most so long (negative: without limit). 1, 0 when the time is
 * up, or -1. */
int cfp_reader_read_for(struct cfp_reader *self, int64_t timeout_ms,
                        struct cflight_chunk *ret_chunk);
/* Reads the next message, watching for Ctrl+C; 0 or -1. */
int cfp_reader_read_next(struct cfp_reader *self, struct cflight_chunk *ret_chunk);
struct cflight_ipc_stats cfp_reader_stats(struct cfp_reader *self);
/* Digests the batches that are read from now on, beginning with the schema, which it waits for; 0
 * or -1. */
int cfp_reader_keep_digest(struct cfp_reader *self, uint64_t seed, enum cfp_digest_scope scope);
/* The digest of what was read; false when none is kept. */
bool cfp_reader_digest(struct cfp_reader *self, uint8_t ret_bytes[CFP_DIGEST_BYTES]);
/* A method for event loops: has a callback called once when trying to read helps; None takes it
 * back. */
PyObject *cfp_reader_notify(PyObject *self, PyObject *callback);

#endif /* CFP_READER_H */
