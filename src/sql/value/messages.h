/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_VALUE_MESSAGES_H
#define CFL_SQL_VALUE_MESSAGES_H

#include "cflight/alloc.h"
#include "cflight/sql.h"

/* The public functions of messages with an allocator of the caller's. Thread class: free. */

cflight_status cfl_sql_message_serialize(const struct cflight_allocator *alloc,
                                         const struct cflight_sql_message *message, bool in_any,
                                         cflight_buffer **ret_buffer, cflight_error **reterr);
cflight_status cfl_sql_message_parse(const struct cflight_allocator *alloc,
                                     enum cflight_sql_type type, struct cflight_bytes bytes,
                                     struct cflight_sql_message **ret_message,
                                     cflight_error **reterr);
cflight_status cfl_sql_message_unpack(const struct cflight_allocator *alloc,
                                      struct cflight_bytes any,
                                      struct cflight_sql_message **ret_message,
                                      cflight_error **reterr);

#endif /* CFL_SQL_VALUE_MESSAGES_H */
