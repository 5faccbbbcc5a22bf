/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_DICTIONARY_ENTRY_H
#define CFL_IPC_DICTIONARY_ENTRY_H

#include "ipc/dictionary_set.h"

/* The inside of a set of dictionaries, for dictionary_set.c and dictionary_feed.c. */

/* What a dictionary weighs. */
struct cfl_dictionary_weight {
    uint64_t len_bytes;  /* memory that the values keep alive */
    uint64_t body_bytes; /* of the messages that brought them */
};

struct cfl_dictionary_entry {
    int64_t id;
    const struct cfl_field *field; /* one of those with the id; all have the same value type */
    bool is_included;
    bool is_seen;
    struct ArrowArray values; /* released until the first message, and always when not included */
    struct cfl_dictionary_weight weight;
    bool has_room; /* the values may be appended to in place */
};

struct cfl_dictionary_set {
    const struct cflight_allocator *alloc;
    const struct cfl_limits *limits;
    struct cfl_budget *budget; /* that the weight was taken from */
    struct cfl_dictionary_entry *entries;
    size_t count;
    size_t capacity;
    struct cfl_dictionary_weight weight; /* of all */
    uint64_t last_lineage;
};

/* NULL when no field has the id. */
struct cfl_dictionary_entry *cfl_dictionary_set_entry(const struct cfl_dictionary_set *dictionaries,
                                                      int64_t id);

#endif /* CFL_IPC_DICTIONARY_ENTRY_H */
