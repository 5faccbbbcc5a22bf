/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_STREAM_EXPORT_H
#define CFL_IPC_STREAM_EXPORT_H

#include "cflight/alloc.h"
#include "cflight/arrow_abi.h"
#include "cflight/error.h"

/* An ArrowArrayStream over anything that gives batches. The text of an error stays until the next
 * call; after the first error of `next` the stream only repeats it. Thread class: one at a time. */
struct cfl_stream_source {
    cflight_status (*get_schema)(void *user_data, struct ArrowSchema *ret_schema,
                                 cflight_error **reterr);
    /* A released `*ret_batch` is the end. */
    cflight_status (*next)(void *user_data, struct ArrowArray *ret_batch, cflight_error **reterr);
    void (*release)(void *user_data);
    void *user_data;
};

/* Copies `source`; on success the stream owns `user_data`. */
cflight_status cfl_stream_export(const struct cflight_allocator *alloc,
                                 const struct cfl_stream_source *source,
                                 struct ArrowArrayStream *ret_stream, cflight_error **reterr);
/* The source's user data, for a stream that was made here over `next`; NULL for any other. */
void *cfl_stream_source_of(const struct ArrowArrayStream *stream,
                           cflight_status (*next)(void *user_data, struct ArrowArray *ret_batch,
                                                  cflight_error **reterr));
/* The last error of such a stream, NULL for none; borrowed until it is used again. */
const cflight_error *cfl_stream_error_of(const struct ArrowArrayStream *stream);

#endif /* CFL_IPC_STREAM_EXPORT_H */
