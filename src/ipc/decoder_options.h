/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_DECODER_OPTIONS_H
#define CFL_IPC_DECODER_OPTIONS_H

#include "ipc/decode.h"
#include "ipc/decoder.h"

/* What streams and files share: the caller's options, checked and copied, and what follows from a
 * schema. */

struct cfl_read_setup {
    const struct cflight_allocator *alloc;
    struct cfl_limits limits; /* with what the options change */
    enum cflight_validation validation;
    int32_t *included; /* NULL keeps all */
    size_t included_count;
};

/* `options` NULL for defaults; `limits` is copied. */
cflight_status cfl_read_setup_init(struct cfl_read_setup *ret_setup,
                                   const struct cflight_allocator *alloc,
                                   const struct cflight_ipc_read_options *options,
                                   const struct cfl_limits *limits, cflight_error **reterr);
void cfl_read_setup_done(struct cfl_read_setup *setup);

struct cfl_read_schemas {
    struct cfl_schema *all;
    struct cfl_schema *selected;
    struct cfl_dictionary_set *dictionaries;
};

/* From a flatbuffer table Schema. The setup must outlive the dictionaries. */
cflight_status cfl_read_schemas_init(struct cfl_read_schemas *ret_schemas,
                                     const struct cflight_allocator *alloc,
                                     const struct cfl_fb_table *table,
                                     const struct cfl_read_setup *setup, cflight_error **reterr);
void cfl_read_schemas_done(struct cfl_read_schemas *schemas);

/* As cfl_decoder_feed, for a body that is part of a larger buffer (a memory map). */
cflight_status cfl_decoder_feed_view(struct cfl_decoder *decoder, struct cflight_bytes header,
                                     struct cfl_body_view body, enum cfl_message_kind *ret_kind,
                                     struct ArrowArray *ret_batch, cflight_error **reterr);

#endif /* CFL_IPC_DECODER_OPTIONS_H */
