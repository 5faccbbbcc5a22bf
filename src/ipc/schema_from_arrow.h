/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_SCHEMA_FROM_ARROW_H
#define CFL_IPC_SCHEMA_FROM_ARROW_H

#include "cflight/error.h"
#include "ipc/schema.h"

/* As cfl_schema_from_arrow, for a field of any type: the result is a schema with that field as its
 * only column. */
cflight_status cfl_schema_from_arrow_field(const struct cflight_allocator *alloc,
                                           const struct ArrowSchema *source,
                                           const struct cfl_limits *limits,
                                           struct cfl_schema **ret_schema, cflight_error **reterr);

#endif /* CFL_IPC_SCHEMA_FROM_ARROW_H */
