/* SPDX-License-Identifier: Apache-2.0 */
/* What all handlers share: reading commands, and errors that fit into headers. Thread class: free.
 */
#include <string.h>

#include "base/utf8.h"
#include "sql/server/handlers.h"

enum { ERROR_BYTES_MAX = 2048, EXTRA_BYTES_MAX = 4096 };

cflight_status cfl_sql_command_read(const struct cflight_descriptor *descriptor,
                                    struct cflight_sql_message **ret_command,
                                    cflight_error **reterr)
{
    if (descriptor->type != CFLIGHT_DESCRIPTOR_CMD ||
        cflight_sql_type_of(descriptor->cmd) == CFLIGHT_SQL_NONE) {
        *ret_command = NULL;
        return CFLIGHT_OK;
    }
    return cflight_sql_message_unpack(descriptor->cmd, ret_command, reterr);
}

cflight_status cfl_sql_not_known(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "This is not a command of Flight SQL");
}

cflight_status cfl_sql_not_here(const struct cflight_sql_message *message, const char *method,
                                cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s does not belong in %s",
                             cflight_sql_type_name(message->type), method);
}

static cflight_status read_query(const cflight_sql_server *server,
                                 const struct cflight_sql_message *command,
                                 struct cflight_sql_query *ret_query,
                                 struct cflight_bytes *ret_transaction_id, cflight_error **reterr)
{
    bool is_substrait = command->type == CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN ||
                        command->type == CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN;
    memset(ret_query, 0, sizeof *ret_query);
    if (!is_substrait) {
        ret_query->text = command->statement.query;
        *ret_transaction_id = command->statement.transaction_id;
        return CFLIGHT_OK;
    }
    if (!server->options.takes_substrait) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED, "This server has no %s",
                                 cflight_sql_type_name(command->type));
    }
    ret_query->is_substrait = true;
    ret_query->plan = command->substrait.plan;
    ret_query->version = command->substrait.version;
    *ret_transaction_id = command->substrait.transaction_id;
    return CFLIGHT_OK;
}

cflight_status cfl_sql_query_enter(cflight_sql_call *call,
                                   const struct cflight_sql_message *command,
                                   struct cfl_sql_source **ret_source,
                                   struct cfl_sql_transaction **ret_transaction,
                                   cflight_error **reterr)
{
    struct cflight_sql_query query;
    struct cflight_bytes transaction_id = {NULL, 0};
    struct cfl_sql_source *source = NULL;
    cflight_status status = read_query(call->server, command, &query, &transaction_id, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_sql_source_new(call->server->alloc, &query, &source, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_transaction_enter(call, transaction_id, ret_transaction, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_sql_source_unref(source);
        return status;
    }
    *ret_source = source;
    return CFLIGHT_OK;
}

cflight_status cfl_sql_answered(cflight_status status, cflight_error **reterr)
{
    if (status == CFLIGHT_OK || reterr == NULL || *reterr == NULL) {
        return status;
    }
    cflight_error *whole = *reterr;
    struct cflight_bytes extra = cflight_error_extra_info(whole);
    const char *text = cflight_error_message(whole);
    if (strlen(text) <= ERROR_BYTES_MAX && extra.len_bytes <= EXTRA_BYTES_MAX) {
        return status;
    }
    size_t len_bytes = strlen(text);
    len_bytes = len_bytes > ERROR_BYTES_MAX ? ERROR_BYTES_MAX - 8 : len_bytes;
    while (len_bytes > 0 && text[len_bytes] != '\0' &&
           !cfl_utf8_is_start((uint8_t)text[len_bytes])) {
        len_bytes--;
    }
    cflight_error *cut = NULL;
    (void)cflight_error_set(&cut, status, "%.*s%s", (int)len_bytes, text,
                            text[len_bytes] == '\0' ? "" : " [...]");
    cflight_error_set_flight_code(cut, cflight_error_flight_code(whole));
    if (extra.len_bytes <= EXTRA_BYTES_MAX) {
        cflight_error_set_extra_info(cut, extra);
    }
    *reterr = cut;
    cflight_error_free(whole);
    return status;
}

/* ---- methods without a meaning in Flight SQL: the application's ---- */

cflight_status cfl_sql_list_flights(void *user_data, cflight_server_context *context,
                                    struct cflight_bytes criteria, cflight_response *response,
                                    cflight_error **reterr)
{
    const cflight_sql_server *server = user_data;
    return server->flight.list_flights(server->flight.user_data, context, criteria, response,
                                       reterr);
}

cflight_status cfl_sql_do_exchange(void *user_data, cflight_server_context *context,
                                   const struct cflight_descriptor *descriptor,
                                   cflight_reader *reader, cflight_writer *writer,
                                   cflight_error **reterr)
{
    const cflight_sql_server *server = user_data;
    return server->flight.do_exchange(server->flight.user_data, context, descriptor, reader, writer,
                                      reterr);
}
