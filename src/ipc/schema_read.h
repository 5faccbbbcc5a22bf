/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_SCHEMA_READ_H
#define CFL_IPC_SCHEMA_READ_H

#include "ipc/fb_reader.h"
#include "ipc/schema.h"

/* From a flatbuffer table Schema, wherever it lies (a message or a file's footer). `included` names
 * the columns to keep, ascending; NULL keeps all. An index that is not ascending or past the last
 * column is INVALID_ARGUMENT. */
cflight_status cfl_schema_from_table(const struct cflight_allocator *alloc,
                                     const struct cfl_fb_table *table,
                                     const struct cfl_limits *limits, const int32_t *included,
                                     size_t included_count, struct cfl_schema **ret_schema,
                                     cflight_error **reterr);

#endif /* CFL_IPC_SCHEMA_READ_H */
