/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_DICTIONARIES_H
#define CFL_IPC_DICTIONARIES_H

#include "ipc/parts.h"

/* Which dictionaries of a batch have to be sent.
 *
 * For every dictionary the content that was sent last is kept as a copy of its own (the caller's
 * arrays are gone by then, and an address that comes again may hold other data), so the memory this
 * takes is that of the dictionaries themselves, and a comparison costs one pass over them. Thread
 * class: one at a time. */

enum cfl_dictionary_plan {
    CFL_DICTIONARY_UNCHANGED,
    CFL_DICTIONARY_WHOLE,
    CFL_DICTIONARY_DELTA,
};

struct cfl_dictionary {
    const struct cfl_field *field;
    size_t first_inner;    /* dictionaries inside its values are those from here to this one */
    struct cfl_parts sent; /* what receivers have */
    bool was_sent;
    /* Of the batch at hand: */
    enum cfl_dictionary_plan plan;
    struct cfl_parts next;    /* what receivers will have */
    struct cfl_parts message; /* what goes into the message */
    bool is_in_message;       /* a message was made of it */
};

struct cfl_dictionaries {
    const struct cflight_allocator *alloc;
    struct cfl_dictionary *items; /* inner ones before outer ones */
    size_t count;
    bool emit_deltas;
};

cflight_status cfl_dictionaries_init(struct cfl_dictionaries *dictionaries,
                                     const struct cflight_allocator *alloc,
                                     const struct cfl_field *root, int16_t metadata_version,
                                     bool emit_deltas, cflight_error **reterr);
void cfl_dictionaries_done(struct cfl_dictionaries *dictionaries);

/* Looks at the dictionaries of `batch`, whose shape below the root was checked, and plans. */
cflight_status cfl_dictionaries_begin(struct cfl_dictionaries *dictionaries,
                                      const struct cfl_field *root, const struct ArrowArray *batch,
                                      cflight_error **reterr);
/* Those with is_in_message count as sent if `was_sent`. */
void cfl_dictionaries_end(struct cfl_dictionaries *dictionaries, bool was_sent);

#endif /* CFL_IPC_DICTIONARIES_H */
