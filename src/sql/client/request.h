/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_SQL_CLIENT_REQUEST_H
#define CFL_SQL_CLIENT_REQUEST_H

#include "cflight/sql_client.h"

/* What all requests have in common. Thread class: free. */

/* Who asks, and how; `options.call_options` points at the user's own. */
struct cfl_sql_request {
    cflight_client *client;
    struct cflight_sql_options options;
    struct cflight_call_options call_options;
};

/* Loads the options. FAILED_PRECONDITION when their transaction is over. */
cflight_status cfl_sql_request_init(struct cfl_sql_request *request, cflight_client *client,
                                    const struct cflight_sql_options *options,
                                    cflight_error **reterr);
/* A shallow copy of a message, with the transaction of the options where it can have one and has
 * none. */
struct cflight_sql_message cfl_sql_request_message(const struct cfl_sql_request *request,
                                                   const struct cflight_sql_message *message);
/* Whether a message names what only the server that made it knows: a prepared statement, a
 * transaction, its own or that of the options; or the user says so. */
bool cfl_sql_is_sticky(const struct cfl_sql_request *request,
                       const struct cflight_sql_message *message);
/* Packs a message as the command of a descriptor, which shows the buffer's bytes. */
cflight_status cfl_sql_request_command(const struct cflight_sql_message *message,
                                       struct cflight_descriptor *ret_descriptor,
                                       cflight_buffer **ret_command, cflight_error **reterr);
/* Whether a message is a command with a result. */
bool cfl_sql_has_result(enum cflight_sql_type type);
/* The name of an action and the type of its result; NULL for what is no action. The type is NONE
 * for actions without a result. */
const char *cfl_sql_action_name(enum cflight_sql_type type, enum cflight_sql_type *ret_result_type);
/* Runs an action by its name. With NULL for `ret_result` it need not have one. */
cflight_status cfl_sql_request_run(const struct cfl_sql_request *request, const char *name,
                                   struct cflight_bytes body, cflight_buffer **ret_result,
                                   cflight_error **reterr);
/* Runs an action. Of its results the first counts; what follows is read and dropped, and the status
 * of the call wins.
 * @param ret_result  NULL for an action without a result; else free it. */
cflight_status cfl_sql_request_action(const struct cfl_sql_request *request,
                                      const struct cflight_sql_message *message,
                                      struct cflight_sql_message **ret_result,
                                      cflight_error **reterr);
/* Reads what a server answered: an Any, or for answers to uploads a bare message. INTERNAL when it
 * is something else. */
cflight_status cfl_sql_answer_read(enum cflight_sql_type type, struct cflight_bytes bytes,
                                   struct cflight_sql_message **ret_answer, cflight_error **reterr);
/* Puts the name of the message before the text of a failure. */
cflight_status cfl_sql_blame(enum cflight_sql_type type, cflight_status status,
                             cflight_error **reterr);

#endif /* CFL_SQL_CLIENT_REQUEST_H */
