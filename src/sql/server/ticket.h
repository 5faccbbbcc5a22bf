/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_TICKET_H
#define CFL_SQL_SERVER_TICKET_H

#include "sql/server/plan.h"

/* Tickets that carry their statement (docs/internals/sql.md: Sealed tickets). */

/* Tells whether the server makes them. */
bool cfl_sql_seals(const cflight_sql_server *server);
/* Tells whether the handle of a ticket can only be a sealed one. */
bool cfl_sql_is_sealed(struct cflight_bytes handle);

/* When a ticket that is made now ends, in nanoseconds since 1970. */
int64_t cfl_sql_ticket_end_unix_ns(const cflight_sql_server *server);
/* Makes a ticket for a query with the rows that are bound to it, or NULL; or, with a NULL source,
 * for nothing at all. RESOURCE_EXHAUSTED when it would be too long. */
cflight_status cfl_sql_ticket_seal(const cflight_sql_call *call,
                                   const struct cfl_sql_source *source, cflight_buffer *bound,
                                   cflight_buffer **ret_ticket, cflight_error **reterr);
/* The same content in a ticket that ends later. */
cflight_status cfl_sql_ticket_renew(const cflight_sql_call *call, struct cflight_bytes handle,
                                    cflight_buffer **ret_ticket, cflight_error **reterr);
/* Reads the handle of one of the caller's. *ret_source is NULL for nothing, *ret_bound when nothing
 * is bound. NOT_FOUND. */
cflight_status cfl_sql_ticket_open(const cflight_sql_call *call, struct cflight_bytes handle,
                                   struct cfl_sql_source **ret_source, cflight_buffer **ret_bound,
                                   cflight_error **reterr);
/* By what the readings of one are listed. */
void cfl_sql_ticket_id(struct cflight_bytes handle, uint8_t ret_id[CFL_SQL_ID_BYTES]);

#endif /* CFL_SQL_SERVER_TICKET_H */
