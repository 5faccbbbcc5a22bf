/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_INTEGRATION_BATCHES_H
#define CFLIGHT_INTEGRATION_BATCHES_H

#include "cflight/cflight.h"

/* A schema and the batches of one dataset, in order. Owner of both. Thread class: one at a time to
 * change, free to read. */
struct itg_batches {
    struct ArrowSchema schema; /* released when there is none */
    struct ArrowArray *items;
    size_t count;
    size_t capacity;
};

/* Takes the batch on success, which is then released here. */
cflight_status itg_batches_add(struct itg_batches *batches, struct ArrowArray *batch,
                               cflight_error **reterr);
/* Reads an IPC file or stream whole; `batches` is zeroed. */
cflight_status itg_batches_read_file(struct itg_batches *batches, const char *path,
                                     cflight_error **reterr);
/* Reads a stream to its end; the caller releases it. `what` names it in errors. */
cflight_status itg_batches_read_stream(struct itg_batches *batches, struct ArrowArrayStream *stream,
                                       const char *what, cflight_error **reterr);
/* Fails unless the stream has this schema, metadata included if told so. */
cflight_status itg_check_schema(cflight_reader *reader, const struct ArrowSchema *expected,
                                bool with_metadata, cflight_error **reterr);
int64_t itg_batches_row_count(const struct itg_batches *batches);
/* Safe on zeroed storage and to repeat. */
void itg_batches_done(struct itg_batches *batches);

#endif /* CFLIGHT_INTEGRATION_BATCHES_H */
