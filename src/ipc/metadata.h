/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_METADATA_H
#define CFL_IPC_METADATA_H

#include "cflight/bytes.h"

/* Key-value metadata in the C data interface's encoding: int32 count, then for each pair int32
 * length, key, int32 length, value; all numbers in native byte order (The Arrow C data interface:
 * ArrowSchema.metadata). Thread class: free. */

/* Finds the length of `metadata` (NULL: none), which is trusted to be terminated by its own counts.
 * False when a count or a length is negative. No pairs give an empty view. */
bool cfl_metadata_measure(const char *metadata, struct cflight_bytes *ret_metadata);

/* Walks over the pairs of a view that cfl_metadata_measure or cfl_schema_set_metadata made. */
struct cfl_metadata_reader {
    struct cflight_bytes metadata;
    size_t offset;
    int32_t left;
};
struct cfl_metadata_reader cfl_metadata_read(struct cflight_bytes metadata);
int32_t cfl_metadata_count(struct cflight_bytes metadata);
/* False at the end, or when the bytes end too early. */
bool cfl_metadata_next(struct cfl_metadata_reader *reader, struct cflight_bytes *ret_key,
                       struct cflight_bytes *ret_value);

/* The value of the first pair with this key; data is NULL when there is none. */
struct cflight_bytes cfl_metadata_find(struct cflight_bytes metadata, struct cflight_bytes key);

/* Tells whether both hold the same pairs, in any order. */
bool cfl_metadata_equal(struct cflight_bytes a, struct cflight_bytes b);

#endif /* CFL_IPC_METADATA_H */
