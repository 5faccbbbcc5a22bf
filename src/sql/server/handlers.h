/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_SERVER_HANDLERS_H
#define CFL_SQL_SERVER_HANDLERS_H

#include "sql/server/plan.h"
#include "sql/server/transaction.h"

/* The handlers of the Flight server; `user_data` is the cflight_sql_server. */
cflight_status cfl_sql_get_flight_info(void *user_data, cflight_server_context *context,
                                       const struct cflight_descriptor *descriptor,
                                       cflight_response *response, cflight_error **reterr);
cflight_status cfl_sql_poll_flight_info(void *user_data, cflight_server_context *context,
                                        const struct cflight_descriptor *descriptor,
                                        cflight_response *response, cflight_error **reterr);
cflight_status cfl_sql_get_schema(void *user_data, cflight_server_context *context,
                                  const struct cflight_descriptor *descriptor,
                                  cflight_response *response, cflight_error **reterr);
cflight_status cfl_sql_do_get(void *user_data, cflight_server_context *context,
                              struct cflight_bytes ticket, cflight_writer *writer,
                              cflight_error **reterr);
cflight_status cfl_sql_do_put(void *user_data, cflight_server_context *context,
                              const struct cflight_descriptor *descriptor, cflight_reader *reader,
                              cflight_metadata_writer *writer, cflight_error **reterr);
cflight_status cfl_sql_do_action(void *user_data, cflight_server_context *context,
                                 const struct cflight_action *action, cflight_response *response,
                                 cflight_error **reterr);
cflight_status cfl_sql_list_actions(void *user_data, cflight_server_context *context,
                                    cflight_response *response, cflight_error **reterr);

cflight_status cfl_sql_list_flights(void *user_data, cflight_server_context *context,
                                    struct cflight_bytes criteria, cflight_response *response,
                                    cflight_error **reterr);
cflight_status cfl_sql_do_exchange(void *user_data, cflight_server_context *context,
                                   const struct cflight_descriptor *descriptor,
                                   cflight_reader *reader, cflight_writer *writer,
                                   cflight_error **reterr);

/* What a descriptor asks for; NULL when it is not of Flight SQL. Freed with
 * cflight_sql_message_free(). */
cflight_status cfl_sql_command_read(const struct cflight_descriptor *descriptor,
                                    struct cflight_sql_message **ret_command,
                                    cflight_error **reterr);
/* The error for what is neither Flight SQL nor the application's. */
cflight_status cfl_sql_not_known(cflight_error **reterr);
/* A message that has no business here. */
cflight_status cfl_sql_not_here(const struct cflight_sql_message *message, const char *method,
                                cflight_error **reterr);
/* Copies the statement of a command, and puts the call into the session that it names, with the
 * turn; UNIMPLEMENTED for Substrait where there is none. `*ret_transaction` is NULL, or to be put
 * back. */
cflight_status cfl_sql_query_enter(cflight_sql_call *call,
                                   const struct cflight_sql_message *command,
                                   struct cfl_sql_source **ret_source,
                                   struct cfl_sql_transaction **ret_transaction,
                                   cflight_error **reterr);
/* Some clients take 8 KiB of headers in all: a long text of an error is cut. */
cflight_status cfl_sql_answered(cflight_status status, cflight_error **reterr);

#endif /* CFL_SQL_SERVER_HANDLERS_H */
