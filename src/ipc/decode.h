/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_DECODE_H
#define CFL_IPC_DECODE_H

#include "base/body.h"
#include "base/budget.h"
#include "base/limits.h"
#include "cflight/arrow_abi.h"
#include "cflight/ipc.h"
#include "ipc/byteswap.h"
#include "ipc/decompress.h"
#include "ipc/message.h"
#include "ipc/schema.h"

/* The inside of the reader: one message with columns to arrays, given everything it depends on.
 * Nothing here is changed by decoding except the decompressor, so several threads may decode with
 * one schema and one set of dictionaries. */

struct cfl_dictionary_set;

struct cfl_decode_env {
    const struct cflight_allocator *alloc;
    struct cfl_pool *pool;
    const struct cfl_limits *limits;
    enum cflight_validation validation;
    const struct cfl_schema *schema; /* all columns */
    const int32_t *included;         /* columns to keep, ascending; NULL keeps all */
    size_t included_count;
    const struct cfl_dictionary_set *dictionaries;
    struct cfl_decompressor *decompressor; /* one at a time */
    struct cfl_budget *budget;             /* of memory that is made and kept; NULL for none */
};

/* A message's body: bytes, and who keeps them alive. Borrowed. */
struct cfl_body_view {
    struct cflight_bytes bytes;
    cflight_buffer *owner;
};

/* A buffer of a body as arrays will see it. When it had to be made (decompressed, turned, moved),
 * `fresh` is the new memory and the slice holds a reference to it. */
struct cfl_slice {
    const uint8_t *data;
    size_t len_bytes;
    cflight_buffer *owner;
    cflight_buffer *fresh;
};

/* One message while it is decoded. */
struct cfl_decode {
    const struct cfl_decode_env *env;
    struct cfl_body_view body;
    int16_t metadata_version;
    bool is_swapped;
    enum cflight_compression codec;
    int64_t batch_length;
    struct cfl_fb_vector nodes;
    struct cfl_fb_vector buffers;
    struct cfl_fb_vector view_counts;
    size_t node_index;
    size_t buffer_index;
    size_t view_count_index;
    uint64_t unpacked_bytes; /* decompressed */
    uint64_t fresh_bytes;    /* memory made for this message, taken from the budget */
    uint64_t copied_bytes;   /* of it, copied for its alignment only */
};

/* Reads the message's RecordBatch table. `message` must outlive `decode`. */
cflight_status cfl_decode_init(struct cfl_decode *ret_decode, const struct cfl_decode_env *env,
                               const struct cfl_message *message,
                               const struct cfl_fb_table *record_batch, struct cfl_body_view body,
                               cflight_error **reterr);

/* What data of `body_bytes` bytes may unpack to. */
uint64_t cfl_unpacked_limit(const struct cfl_limits *limits, uint64_t body_bytes);
/* RESOURCE_EXHAUSTED: the budget has not that much left. */
cflight_status cfl_decode_over_budget(const struct cfl_budget *budget, uint64_t len_bytes,
                                      cflight_error **reterr);
/* Gives back to the budget what the message took. */
void cfl_decode_done(struct cfl_decode *decode);

/* Takes the next buffer, which must have at least `needed_bytes` bytes, decompressed, in this
 * machine's byte order and aligned to `alignment_bytes`. Release it with cfl_slice_done. */
struct cfl_buffer_want {
    uint64_t needed_bytes;
    enum cfl_swap swap;
    size_t alignment_bytes;
};
cflight_status cfl_decode_buffer(struct cfl_decode *decode, const struct cfl_buffer_want *want,
                                 struct cfl_slice *ret_slice, cflight_error **reterr);
/* Takes the next buffer as cfl_decode_buffer would, but for unpacking it: one that is compressed is
 * taken at its word, which must be possible and within what may be unpacked. */
cflight_status cfl_decode_measure(struct cfl_decode *decode, uint64_t needed_bytes,
                                  cflight_error **reterr);
/* Passes over buffers without looking at them. */
cflight_status cfl_decode_skip_buffers(struct cfl_decode *decode, uint64_t count,
                                       cflight_error **reterr);
void cfl_slice_done(struct cfl_slice *slice);

/* The parts of the walk over a message. */
struct cfl_node {
    int64_t length;
    int64_t null_count; /* -1: not counted */
};
cflight_status cfl_decode_node(struct cfl_decode *decode, struct cfl_node *ret_node,
                               cflight_error **reterr);
/* One that was taken before. */
struct cfl_node cfl_decode_node_at(const struct cfl_decode *decode, size_t index);
/* (count + extra) * width, or DATA_LOSS when no memory could hold it. */
cflight_status cfl_decode_bytes_needed(int64_t count, int64_t extra, int64_t width_bytes,
                                       uint64_t *ret_bytes, cflight_error **reterr);
cflight_status cfl_decode_skip_node(struct cfl_decode *decode, cflight_error **reterr);
/* How many data buffers the next view array has. */
cflight_status cfl_decode_view_count(struct cfl_decode *decode, size_t *ret_count,
                                     cflight_error **reterr);
/* The next array: a column or child, or the values of a field's type whether it is
 * dictionary-encoded or not. A failed value leaves `*ret_array` to be dropped. */
cflight_status cfl_decode_field(struct cfl_decode *decode, const struct cfl_field *field,
                                struct ArrowArray *ret_array, cflight_error **reterr);
cflight_status cfl_decode_value(struct cfl_decode *decode, const struct cfl_field *field,
                                struct ArrowArray *ret_array, cflight_error **reterr);

/* A record batch to a struct array of the included columns. What was unpacked counts in the budget
 * until the batch is handed on. */
cflight_status cfl_decode_batch(const struct cfl_decode_env *env, const struct cfl_message *message,
                                struct cfl_body_view body, struct ArrowArray *ret_batch,
                                cflight_error **reterr);
/* A dictionary's values: one column of the value type of `field`. `*ret_bytes` is the memory it
 * keeps alive. */
cflight_status cfl_decode_values(const struct cfl_decode_env *env,
                                 const struct cfl_message *message,
                                 const struct cfl_fb_table *record_batch, struct cfl_body_view body,
                                 const struct cfl_field *field, struct ArrowArray *ret_values,
                                 uint64_t *ret_bytes, cflight_error **reterr);
/* A column's length must be that of its batch, a dictionary's that of its message. */
cflight_status cfl_decode_check_column_length(const struct cfl_decode *decode,
                                              const struct cfl_field *field, int64_t length,
                                              cflight_error **reterr);
cflight_status cfl_decode_check_values_length(const struct cfl_decode *decode, int64_t length,
                                              cflight_error **reterr);
/* DATA_LOSS: values of the field came before their dictionary. */
cflight_status cfl_decode_no_dictionary(const struct cfl_field *field, cflight_error **reterr);
/* An array of the value type of `field` with no rows. */
cflight_status cfl_decode_empty(const struct cflight_allocator *alloc,
                                const struct cfl_field *field, struct ArrowArray *ret_values,
                                cflight_error **reterr);

#endif /* CFL_IPC_DECODE_H */
