/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_DICTIONARY_SET_H
#define CFL_IPC_DICTIONARY_SET_H

#include "ipc/decode.h"

/* The dictionaries of one stream or file: what each id stands for now (Arrow columnar: Dictionary
 * Messages). A batch that was decoded keeps the dictionary of its time. Thread class: one at a time
 * while messages are fed; find is free afterwards. */
struct cfl_dictionary_set;

/* Collects the ids of the schema, which must outlive the result. `included` as in the environment:
 * dictionaries of other columns are counted, not decoded. Ids shared by fields of different value
 * types are DATA_LOSS. */
cflight_status cfl_dictionary_set_new(const struct cflight_allocator *alloc,
                                      const struct cfl_limits *limits,
                                      const struct cfl_schema *schema, const int32_t *included,
                                      size_t included_count,
                                      struct cfl_dictionary_set **ret_dictionaries,
                                      cflight_error **reterr);
void cfl_dictionary_set_free(struct cfl_dictionary_set *dictionaries);
/* Back to the state before the first message. */
void cfl_dictionary_set_clear(struct cfl_dictionary_set *dictionaries);
/* How many ids the columns have. */
size_t cfl_dictionary_set_count(const struct cfl_dictionary_set *dictionaries);

/* What a dictionary message did. */
struct cfl_dictionary_change {
    bool is_delta;
    bool is_replacement;
};

/* Takes in one dictionary message. After a failure the old content stays. */
cflight_status cfl_dictionary_set_feed(struct cfl_dictionary_set *dictionaries,
                                       const struct cfl_decode_env *env,
                                       const struct cfl_message *message, struct cfl_body_view body,
                                       struct cfl_dictionary_change *ret_change,
                                       cflight_error **reterr);

/* The same for a dictionary that is passed on: its structure is checked, and that it came is noted;
 * there are no values then. */
cflight_status cfl_dictionary_set_check(struct cfl_dictionary_set *dictionaries,
                                        const struct cfl_decode_env *env,
                                        const struct cfl_message *message,
                                        struct cfl_body_view body,
                                        struct cfl_dictionary_change *ret_change,
                                        cflight_error **reterr);
/* The record batch of a dictionary message. */
struct cfl_fb_table cfl_dictionary_record_batch(const struct cfl_message *message);
/* Whether a message of this id came. */
bool cfl_dictionary_set_has(const struct cfl_dictionary_set *dictionaries, int64_t id);

/* The values of an id, borrowed until the next feed; NULL when none arrived. */
const struct ArrowArray *cfl_dictionary_set_find(const struct cfl_dictionary_set *dictionaries,
                                                 int64_t id);

#endif /* CFL_IPC_DICTIONARY_SET_H */
