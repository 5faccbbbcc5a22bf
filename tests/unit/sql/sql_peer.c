/* SPDX-License-Identifier: Apache-2.0 */
/* The scripted server. No handler holds the lock while it calls the library. */
#include "sql_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/condition.h"

enum { PATIENCE_MS = 60000 };

/* ---- what was asked ---- */

static int text_of(const struct cflight_sql_message *message, char *target, size_t size)
{
    struct cflight_bytes text = {NULL, 0};
    struct cflight_bytes id = {NULL, 0};
    int number = 0;
    switch ((int)message->type) {
    case CFLIGHT_SQL_STATEMENT_QUERY:
    case CFLIGHT_SQL_STATEMENT_UPDATE:
    case CFLIGHT_SQL_CREATE_PREPARED_STATEMENT:
        text = message->statement.query;
        id = message->statement.transaction_id;
        break;
    case CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN:
    case CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN:
        text = message->substrait.plan;
        id = message->substrait.transaction_id;
        break;
    case CFLIGHT_SQL_PREPARED_STATEMENT_QUERY:
    case CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE:
    case CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT:
        text = message->handle;
        break;
    case CFLIGHT_SQL_STATEMENT_INGEST:
        text = message->ingest.name.table;
        id = message->ingest.transaction_id;
        number = (int)message->ingest.if_missing * 10 + (int)message->ingest.if_exists;
        break;
    case CFLIGHT_SQL_END_TRANSACTION:
    case CFLIGHT_SQL_END_SAVEPOINT:
        text = message->end.id;
        number = (int)message->end.action;
        break;
    case CFLIGHT_SQL_BEGIN_SAVEPOINT:
        text = message->savepoint.name;
        id = message->savepoint.transaction_id;
        break;
    case CFLIGHT_SQL_GET_TABLES:
        text = message->tables.table_pattern;
        break;
    default:
        break;
    }
    int used = snprintf(target, size, "%s%s%.*s%s%.*s", cflight_sql_type_name(message->type),
                        text.len_bytes > 0 ? " " : "", (int)text.len_bytes, (const char *)text.data,
                        id.data != NULL ? " in " : "", (int)id.len_bytes, (const char *)id.data);
    if (number > 0) {
        used += snprintf(target + used, size - (size_t)used, " %d", number);
    }
    return used;
}

static void write_down(struct t_sql_peer *peer, const char *method, struct cflight_bytes any,
                       const char *rest)
{
    char line[512] = "";
    struct cflight_sql_message *message = NULL;
    if (cflight_sql_message_unpack(any, &message, NULL) == CFLIGHT_OK) {
        (void)text_of(message, line, sizeof line);
        cflight_sql_message_free(message);
    } else {
        (void)snprintf(line, sizeof line, "%.*s", (int)any.len_bytes, (const char *)any.data);
    }
    (void)pthread_mutex_lock(&peer->mutex);
    peer->locked.call_count++;
    int used =
        snprintf(peer->locked.log + peer->locked.log_bytes,
                 sizeof peer->locked.log - peer->locked.log_bytes, "%s %s%s\n", method, line, rest);
    peer->locked.log_bytes += (size_t)used;
    (void)pthread_cond_broadcast(&peer->changed);
    (void)pthread_mutex_unlock(&peer->mutex);
}

static void copy_header(struct t_sql_peer *peer, const cflight_server_context *context,
                        const char *name, char target[16])
{
    struct cflight_bytes value = cflight_server_context_header(context, name);
    (void)pthread_mutex_lock(&peer->mutex);
    (void)snprintf(target, 16, "%.*s", (int)value.len_bytes, (const char *)value.data);
    (void)pthread_mutex_unlock(&peer->mutex);
}

void t_sql_peer_check(struct t_sql_peer *peer, const char *expected)
{
    char log[sizeof peer->locked.log];
    (void)pthread_mutex_lock(&peer->mutex);
    memcpy(log, peer->locked.log, sizeof log);
    peer->locked.log_bytes = 0;
    peer->locked.log[0] = '\0';
    (void)pthread_mutex_unlock(&peer->mutex);
    assert_string_equal(log, expected);
}

bool t_sql_peer_wait(struct t_sql_peer *peer, const char *line)
{
    int64_t until_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), PATIENCE_MS);
    bool in_time = true;
    (void)pthread_mutex_lock(&peer->mutex);
    while (strstr(peer->locked.log, line) == NULL && in_time) {
        in_time = cfl_condition_wait_until(&peer->changed, &peer->mutex, until_ns);
    }
    bool is_there = strstr(peer->locked.log, line) != NULL;
    (void)pthread_mutex_unlock(&peer->mutex);
    return is_there;
}

/* ---- answers ---- */

cflight_status t_sql_answer(cflight_response *response, const struct cflight_sql_message *message,
                            cflight_error **reterr)
{
    cflight_buffer *body = NULL;
    cflight_status status = cflight_sql_message_pack(message, &body, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_response_result(response, cflight_buffer_bytes(body), reterr);
    }
    cflight_buffer_unref(body);
    return status;
}

cflight_status t_sql_put_answer(cflight_metadata_writer *writer,
                                const struct cflight_sql_message *message, cflight_error **reterr)
{
    cflight_buffer *body = NULL;
    cflight_status status = cflight_sql_message_serialize(message, &body, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_metadata_writer_write(writer, cflight_buffer_bytes(body), reterr);
    }
    cflight_buffer_unref(body);
    return status;
}

cflight_status t_sql_answer_info(cflight_response *response,
                                 const struct cflight_descriptor *descriptor, int endpoint_count,
                                 const struct ArrowSchema *schema, cflight_error **reterr)
{
    char tickets[8][4];
    struct cflight_endpoint endpoints[8] = {{.ticket = {NULL, 0}}};
    cflight_buffer *bytes = NULL;
    cflight_status status = CFLIGHT_OK;
    if (schema != NULL) {
        status = cflight_ipc_schema_serialize(schema, &bytes, reterr);
    }
    for (int i = 0; i < endpoint_count; i++) {
        (void)snprintf(tickets[i], sizeof tickets[i], "%d", i % 100);
        endpoints[i].ticket = cflight_bytes_from_text(tickets[i]);
    }
    struct cflight_info info = {.schema = cflight_buffer_bytes(bytes),
                                .descriptor = *descriptor,
                                .endpoints = endpoints,
                                .endpoint_count = (size_t)endpoint_count,
                                .total_records = -1,
                                .total_bytes = -1};
    if (status == CFLIGHT_OK) {
        status = cflight_response_info(response, &info, reterr);
    }
    cflight_buffer_unref(bytes);
    return status;
}

cflight_status t_sql_write_rows(cflight_writer *writer, int64_t first_row, int64_t row_count,
                                cflight_error **reterr)
{
    struct ArrowSchema schema;
    struct ArrowArray batch;
    t_schema(&schema);
    t_batch(first_row, row_count, &batch);
    cflight_status status = cflight_writer_begin(writer, &schema, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_writer_write(writer, &batch, NULL, reterr);
    }
    batch.release(&batch);
    schema.release(&schema);
    return status;
}

/* ---- handlers ---- */

static cflight_status get_flight_info(void *user_data, cflight_server_context *context,
                                      const struct cflight_descriptor *descriptor,
                                      cflight_response *response, cflight_error **reterr)
{
    struct t_sql_peer *peer = user_data;
    copy_header(peer, context, "cflight-inline-max", peer->locked.inline_max);
    copy_header(peer, context, "tag", peer->locked.tag);
    write_down(peer, "GetFlightInfo", descriptor->cmd, "");
    if (peer->script.info != NULL) {
        return peer->script.info(peer, descriptor, response, reterr);
    }
    return t_answer_info(response, descriptor, reterr);
}

static cflight_status get_schema(void *user_data, cflight_server_context *context,
                                 const struct cflight_descriptor *descriptor,
                                 cflight_response *response, cflight_error **reterr)
{
    struct t_sql_peer *peer = user_data;
    struct ArrowSchema schema;
    cflight_buffer *bytes = NULL;
    (void)context;
    write_down(peer, "GetSchema", descriptor->cmd, "");
    t_schema(&schema);
    cflight_status status = cflight_ipc_schema_serialize(&schema, &bytes, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_response_schema(response, cflight_buffer_bytes(bytes), reterr);
    }
    cflight_buffer_unref(bytes);
    schema.release(&schema);
    return status;
}

static cflight_status poll_flight_info(void *user_data, cflight_server_context *context,
                                       const struct cflight_descriptor *descriptor,
                                       cflight_response *response, cflight_error **reterr)
{
    struct t_sql_peer *peer = user_data;
    (void)context;
    write_down(peer, "PollFlightInfo", descriptor->cmd, "");
    if (peer->script.poll == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_UNIMPLEMENTED, "no polling");
    }
    return peer->script.poll(peer, descriptor, response, reterr);
}

static cflight_status do_get(void *user_data, cflight_server_context *context,
                             struct cflight_bytes ticket, cflight_writer *writer,
                             cflight_error **reterr)
{
    struct t_sql_peer *peer = user_data;
    copy_header(peer, context, "tag", peer->locked.tag);
    write_down(peer, "DoGet", ticket, "");
    if (peer->script.get != NULL) {
        return peer->script.get(peer, ticket, writer, reterr);
    }
    return t_sql_write_rows(writer, 0, 3, reterr);
}

/* Reads an upload to the client's end; tells of it in words. */
static cflight_status read_upload(cflight_reader *reader, char *text, size_t text_bytes,
                                  cflight_error **reterr)
{
    struct ArrowSchema schema;
    int batch_count = 0;
    int64_t row_count = 0;
    cflight_status status = cflight_reader_schema(reader, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    int64_t field_count = schema.n_children;
    schema.release(&schema);
    for (bool is_end = false; status == CFLIGHT_OK && !is_end;) {
        struct cflight_chunk chunk;
        status = cflight_reader_next(reader, &chunk, reterr);
        if (status == CFLIGHT_OK) {
            batch_count += chunk.has_batch;
            row_count += chunk.has_batch ? chunk.batch.length : 0;
            is_end = chunk.is_end;
            cflight_chunk_release(&chunk);
        }
    }
    (void)snprintf(text, text_bytes, " [%lld fields, %d batches, %lld rows, %lld messages]",
                   (long long)field_count, batch_count, (long long)row_count,
                   (long long)cflight_reader_stats(reader).message_count);
    return status;
}

static cflight_status do_put(void *user_data, cflight_server_context *context,
                             const struct cflight_descriptor *descriptor, cflight_reader *reader,
                             cflight_metadata_writer *writer, cflight_error **reterr)
{
    struct t_sql_peer *peer = user_data;
    char text[96] = "";
    cflight_status status = CFLIGHT_OK;
    t_gate_open(&peer->put_began);
    copy_header(peer, context, "tag", peer->locked.tag);
    if (!peer->script.put_reads_nothing) {
        status = read_upload(reader, text, sizeof text, reterr);
    }
    write_down(peer, "DoPut", descriptor->cmd, status == CFLIGHT_OK ? text : " (cut)");
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (peer->script.put != NULL) {
        return peer->script.put(peer, writer, reterr);
    }
    const struct cflight_sql_message count = {.type = CFLIGHT_SQL_UPDATE_RESULT, .record_count = 7};
    return t_sql_put_answer(writer, &count, reterr);
}

static cflight_status answer_action(struct t_sql_peer *peer, const struct cflight_action *action,
                                    cflight_response *response, cflight_error **reterr)
{
    static const struct {
        const char *action;
        enum cflight_sql_type type;
    } ANSWERS[] = {
        {CFLIGHT_ACTION_CREATE_PREPARED_STATEMENT, CFLIGHT_SQL_CREATE_PREPARED_RESULT},
        {CFLIGHT_ACTION_CREATE_PREPARED_SUBSTRAIT_PLAN, CFLIGHT_SQL_CREATE_PREPARED_RESULT},
        {CFLIGHT_ACTION_BEGIN_TRANSACTION, CFLIGHT_SQL_BEGIN_TRANSACTION_RESULT},
        {CFLIGHT_ACTION_BEGIN_SAVEPOINT, CFLIGHT_SQL_BEGIN_SAVEPOINT_RESULT},
    };
    char id[16];
    (void)pthread_mutex_lock(&peer->mutex);
    (void)snprintf(id, sizeof id, "id%d", ++peer->locked.id_count);
    (void)pthread_mutex_unlock(&peer->mutex);
    for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
        struct cflight_sql_message message = {.type = ANSWERS[i].type};
        if (!t_is_text(action->type, ANSWERS[i].action)) {
            continue;
        }
        if (message.type == CFLIGHT_SQL_CREATE_PREPARED_RESULT) {
            message.prepared.handle = cflight_bytes_from_text(id);
        } else {
            message.handle = cflight_bytes_from_text(id);
        }
        return t_sql_answer(response, &message, reterr);
    }
    return CFLIGHT_OK;
}

static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    struct t_sql_peer *peer = user_data;
    char type[64] = "";
    (void)snprintf(type, sizeof type, "%.*s", (int)action->type.len_bytes,
                   (const char *)action->type.data);
    copy_header(peer, context, "tag", peer->locked.tag);
    write_down(peer, cflight_sql_type_of(action->body) == CFLIGHT_SQL_NONE ? type : "DoAction",
               cflight_sql_type_of(action->body) == CFLIGHT_SQL_NONE ? cflight_bytes_make(NULL, 0)
                                                                     : action->body,
               "");
    if (peer->script.action != NULL) {
        return peer->script.action(peer, action, response, reterr);
    }
    return answer_action(peer, action, response, reterr);
}

void t_sql_peer_start(struct t_sql_peer *peer, const struct t_sql_script *script)
{
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    cflight_error *error = NULL;
    memset(peer, 0, sizeof *peer);
    if (script != NULL) {
        peer->script = *script;
    }
    (void)pthread_mutex_init(&peer->mutex, NULL);
    cfl_condition_init(&peer->changed);
    t_gate_init(&peer->put_began);
    handlers.user_data = peer;
    handlers.get_flight_info = get_flight_info;
    handlers.get_schema = get_schema;
    handlers.poll_flight_info = poll_flight_info;
    handlers.do_get = do_get;
    handlers.do_put = do_put;
    handlers.do_action = do_action;
    CHECK_OK(cflight_server_new("grpc://localhost:0", &handlers, NULL, &peer->server, &error),
             error);
    CHECK_OK(cflight_client_new(cflight_server_location(peer->server), NULL, &peer->client, &error),
             error);
}

void t_sql_peer_stop(struct t_sql_peer *peer)
{
    cflight_client_free(peer->client);
    cflight_server_free(peer->server);
    t_gate_done(&peer->put_began);
    (void)pthread_cond_destroy(&peer->changed);
    (void)pthread_mutex_destroy(&peer->mutex);
}

/* ---- rows ---- */

struct rows {
    int64_t left;
    struct t_gate *fails_after;
};

static int rows_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    (void)stream;
    t_schema(ret_schema);
    return 0;
}

static int rows_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    struct rows *rows = stream->private_data;
    if (rows->left == 0 && rows->fails_after != NULL) {
        t_gate_wait(rows->fails_after);
        return EIO;
    }
    if (rows->left == 0) {
        *ret_batch = (struct ArrowArray){.release = NULL};
        return 0;
    }
    t_batch(0, rows->left, ret_batch);
    rows->left = 0;
    return 0;
}

static const char *rows_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "the cellar is empty";
}

static void rows_release(struct ArrowArrayStream *stream)
{
    free(stream->private_data);
    stream->release = NULL;
}

void t_sql_rows(int64_t row_count, struct t_gate *fails_after, struct ArrowArrayStream *ret_stream)
{
    struct rows *rows = calloc(1, sizeof *rows);
    assert_non_null(rows);
    *rows = (struct rows){row_count, fails_after};
    *ret_stream = (struct ArrowArrayStream){rows_schema, rows_next, rows_error, rows_release, rows};
}

static int next_forever(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    (void)stream;
    t_batch(0, 10000, ret_batch);
    return 0;
}

void t_sql_endless_rows(struct ArrowArrayStream *ret_stream)
{
    t_sql_rows(1, NULL, ret_stream);
    ret_stream->get_next = next_forever;
}

int64_t t_sql_drain(struct ArrowArrayStream *stream)
{
    int64_t row_count = 0;
    int code = 0;
    for (bool is_end = false; code == 0 && !is_end;) {
        struct ArrowArray batch = {.release = NULL};
        code = stream->get_next(stream, &batch);
        is_end = batch.release == NULL;
        if (code == 0 && !is_end) {
            row_count += batch.length;
            batch.release(&batch);
        }
    }
    stream->release(stream);
    return code == 0 ? row_count : -1;
}
