/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_SQL_INFO_H
#define CFL_SQL_SERVER_SQL_INFO_H

#include "sql/server/kit.h"

/* Fills the server's SqlInfo: what the application says, and what the kit knows. */
cflight_status cfl_sql_info_fill(cflight_sql_server *server, cflight_error **reterr);
/* The answer to GetSqlInfo. */
cflight_status cfl_sql_info_stream(const cflight_sql_server *server,
                                   const struct cflight_sql_message *command,
                                   struct ArrowArrayStream *ret_stream, cflight_error **reterr);

#endif /* CFL_SQL_SERVER_SQL_INFO_H */
