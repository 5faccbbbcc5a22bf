/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets that carry their statement, so that any server with the same key can run it.
 *
 * Sealed (cflight/seal.h) for the identity of the caller: how long the command is as four bytes,
 * little endian, the command in its Any, and the rows that are bound to it as an Arrow IPC stream.
 * What has no command is an update that has run: there is nothing to fetch. Thread class: free. */
#include "sql/server/ticket.h"

#include <string.h>

#include "base/buf.h"
#include "base/le.h"
#include "cflight/seal.h"

enum { LENGTH_BYTES = 4 };

bool cfl_sql_seals(const cflight_sql_server *server)
{
    return server->options.ticket_key.len_bytes > 0;
}

bool cfl_sql_is_sealed(struct cflight_bytes handle)
{
    return handle.len_bytes >= CFLIGHT_SEAL_BYTES;
}

/* ---- writing ---- */

int64_t cfl_sql_ticket_end_unix_ns(const cflight_sql_server *server)
{
    return cfl_deadline_after_ms(cfl_clock_wall_ns(), server->options.result_ms);
}

static cflight_status pack_source(const struct cfl_sql_source *source, cflight_buffer **ret_command,
                                  cflight_error **reterr)
{
    struct cflight_sql_message command;
    memset(&command, 0, sizeof command);
    if (source == NULL) {
        *ret_command = NULL;
        return CFLIGHT_OK;
    }
    if (source->query.is_substrait) {
        command.type = CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN;
        command.substrait.plan = source->query.plan;
        command.substrait.version = source->query.version;
    } else {
        command.type = CFLIGHT_SQL_STATEMENT_QUERY;
        command.statement.query = source->query.text;
    }
    return cflight_sql_message_pack(&command, ret_command, reterr);
}

static cflight_status seal(const cflight_sql_call *call, struct cflight_bytes content,
                           cflight_buffer **ret_ticket, cflight_error **reterr)
{
    const struct cflight_sql_server_options *options = &call->server->options;
    struct cflight_sql_message ticket = {.type = CFLIGHT_SQL_TICKET_STATEMENT_QUERY};
    cflight_buffer *sealed = NULL;
    if (content.len_bytes > options->ticket_bytes_max) {
        return cfl_sql_limit(reterr, "ticket_bytes_max", options->ticket_bytes_max,
                             "The statement, with what is bound to it, is too long for its ticket");
    }
    cflight_status status =
        cflight_seal(options->ticket_key, call->identity, cfl_sql_ticket_end_unix_ns(call->server),
                     content, &sealed, reterr);
    if (status == CFLIGHT_OK) {
        ticket.handle = cflight_buffer_bytes(sealed);
        status = cflight_sql_message_pack(&ticket, ret_ticket, reterr);
    }
    cflight_buffer_unref(sealed);
    return status;
}

cflight_status cfl_sql_ticket_seal(const cflight_sql_call *call,
                                   const struct cfl_sql_source *source, cflight_buffer *bound,
                                   cflight_buffer **ret_ticket, cflight_error **reterr)
{
    cflight_buffer *command = NULL;
    struct cfl_buf content;
    cflight_status status = pack_source(source, &command, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_buf_init(&content, call->server->alloc);
    struct cflight_bytes bytes = cflight_buffer_bytes(command);
    (void)cfl_buf_append_u32le(&content, (uint32_t)bytes.len_bytes);
    (void)cfl_buf_append_bytes(&content, bytes);
    (void)cfl_buf_append_bytes(&content, cflight_buffer_bytes(bound));
    status = content.failed ? cfl_error_no_memory(reterr)
                            : seal(call, cfl_buf_bytes(&content), ret_ticket, reterr);
    cfl_buf_done(&content);
    cflight_buffer_unref(command);
    return status;
}

/* ---- reading ---- */

static cflight_status unseal(const cflight_sql_call *call, struct cflight_bytes handle,
                             struct cflight_bytes *ret_content, cflight_error **reterr)
{
    return cfl_sql_seals(call->server)
               ? cflight_unseal(call->server->options.ticket_key, call->identity, handle,
                                ret_content, reterr)
               : cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "This result is unknown");
}

cflight_status cfl_sql_ticket_renew(const cflight_sql_call *call, struct cflight_bytes handle,
                                    cflight_buffer **ret_ticket, cflight_error **reterr)
{
    struct cflight_bytes content;
    cflight_status status = unseal(call, handle, &content, reterr);
    return status == CFLIGHT_OK ? seal(call, content, ret_ticket, reterr) : status;
}

void cfl_sql_ticket_id(struct cflight_bytes handle, uint8_t ret_id[CFL_SQL_ID_BYTES])
{
    /* Of the HMAC: who has no such ticket cannot know it. */
    memcpy(ret_id, handle.data + handle.len_bytes - CFL_SQL_ID_BYTES, CFL_SQL_ID_BYTES);
}

static cflight_status read_source(const cflight_sql_server *server, struct cflight_bytes command,
                                  struct cfl_sql_source **ret_source, cflight_error **reterr)
{
    struct cflight_sql_message *message = NULL;
    struct cflight_sql_query query;
    memset(&query, 0, sizeof query);
    cflight_status status = cflight_sql_message_unpack(command, &message, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    query.is_substrait = message->type == CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN;
    if (query.is_substrait) {
        query.plan = message->substrait.plan;
        query.version = message->substrait.version;
    } else {
        query.text = message->statement.query;
    }
    status = cfl_sql_source_new(server->alloc, &query, ret_source, reterr);
    cflight_sql_message_free(message);
    return status;
}

cflight_status cfl_sql_ticket_open(const cflight_sql_call *call, struct cflight_bytes handle,
                                   struct cfl_sql_source **ret_source, cflight_buffer **ret_bound,
                                   cflight_error **reterr)
{
    struct cflight_bytes content;
    struct cfl_sql_source *source = NULL;
    cflight_buffer *bound = NULL;
    cflight_status status = unseal(call, handle, &content, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t command_bytes = content.len_bytes < LENGTH_BYTES ? 0 : cfl_load_u32le(content.data);
    if (content.len_bytes < LENGTH_BYTES || command_bytes > content.len_bytes - LENGTH_BYTES) {
        return cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND,
                                         "The ticket is of another version of the server");
    }
    const uint8_t *rows = content.data + LENGTH_BYTES + command_bytes;
    size_t rows_bytes = content.len_bytes - LENGTH_BYTES - command_bytes;
    if (command_bytes > 0) {
        status = read_source(call->server,
                             cflight_bytes_make(content.data + LENGTH_BYTES, command_bytes),
                             &source, reterr);
    }
    if (status == CFLIGHT_OK && rows_bytes > 0) {
        status = cflight_buffer_new_copy(cflight_bytes_make(rows, rows_bytes), &bound, reterr);
    }
    if (status != CFLIGHT_OK) {
        cfl_sql_source_unref(source);
        return status;
    }
    *ret_source = source;
    *ret_bound = bound;
    return CFLIGHT_OK;
}
