/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_VALUE_FIELDS_H
#define CFL_SQL_VALUE_FIELDS_H

#include "base/arena.h"
#include "base/block.h"
#include "sql/value/layouts.h"

/* From a message as a struct to one of protobuf-c, and back, along its layout. Thread class: free.
 */

/* Borrows the struct's bytes. INVALID_ARGUMENT says what is wrong with it. `name` is the message's.
 */
cflight_status cfl_sql_fields_to_pb(struct cfl_arena *arena, const struct cfl_sql_layout *layout,
                                    const char *name, const struct cflight_sql_message *message,
                                    ProtobufCMessage **ret_pb, cflight_error **reterr);
/* Fills the fields of the layout; they borrow the bytes of `pb`. "Not a valid NAME: ..." */
cflight_status cfl_sql_fields_from_pb(struct cfl_arena *arena, const struct cfl_sql_layout *layout,
                                      const char *name, const ProtobufCMessage *pb,
                                      struct cflight_sql_message *message, cflight_error **reterr);
/* Copies the fields of the layout into a block (cfl_block_layout_fn without its layout). */
void cfl_sql_fields_copy(struct cfl_block *block, const struct cfl_sql_layout *layout,
                         const struct cflight_sql_message *message,
                         struct cflight_sql_message *ret_copy);

#endif /* CFL_SQL_VALUE_FIELDS_H */
