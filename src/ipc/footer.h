/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_FOOTER_H
#define CFL_IPC_FOOTER_H

#include "ipc/fb_reader.h"
#include "ipc/decode.h"

/* The footer of the file format: where each message lies. All blocks are checked to lie between the
 * magic and the footer, and not to overlap, before one is believed. */

struct cfl_block {
    size_t offset;
    size_t metadata_len_bytes; /* prefix, flatbuffer and padding */
    size_t body_len_bytes;
};

struct cfl_footer {
    const struct cflight_allocator *alloc;
    struct cfl_fb fb;
    struct cfl_fb_table schema;
    struct cfl_block *blocks; /* dictionaries first, then batches, each in the footer's order */
    size_t dictionary_count;
    size_t batch_count;
};

/* True when the bytes begin with the magic of the file format. */
bool cfl_footer_has_magic(struct cflight_bytes bytes);
/* Borrows `bytes` for the footer's life; `schema` points into `ret_footer`, which is not moved. */
cflight_status cfl_footer_init(struct cfl_footer *ret_footer, const struct cflight_allocator *alloc,
                               struct cflight_bytes bytes, cflight_error **reterr);
void cfl_footer_done(struct cfl_footer *footer);
/* The message of block `index`, dictionaries counted first. */
cflight_status cfl_footer_message(const struct cfl_footer *footer, struct cflight_bytes bytes,
                                  size_t index, struct cflight_bytes *ret_header,
                                  struct cflight_bytes *ret_body, cflight_error **reterr);

/* DATA_LOSS: what a footer says of a message that is not so. */
cflight_status cfl_footer_other_kind(cflight_error **reterr);
cflight_status cfl_footer_short_body(uint64_t body_len_bytes, uint64_t footer_bytes,
                                     cflight_error **reterr);

#endif /* CFL_IPC_FOOTER_H */
