/* SPDX-License-Identifier: Apache-2.0 */
/* Updates and uploads of rows.
 *
 * The descriptor and the schema leave in one message, then batches, then the client's half is
 * closed before anything is waited for: there are servers that answer only then. The first answer
 * counts, but what the server says at the end of the call wins. A stream of rows that fails ends
 * the call, so that the server keeps nothing.
 *
 * A prepared update without rows has a batch of none: Java's servers run it for each batch that
 * comes, and without one not at all. Others may have run it, and ended the call, before that batch
 * is there, so that it fails to be written is no failure. Thread class: free. */
#include "sql/client/upload.h"

#include "base/error.h"

static void release_nothing(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_no_rows(struct ArrowArray *batch)
{
    batch->release = NULL;
}

struct ArrowSchema cfl_sql_no_fields(void)
{
    return (struct ArrowSchema){.format = "+s", .name = "", .release = release_nothing};
}

struct ArrowArray cfl_sql_no_rows(void)
{
    static const void *no_validity[1];
    return (struct ArrowArray){.n_buffers = 1, .buffers = no_validity, .release = release_no_rows};
}

bool cfl_sql_needs_batch(enum cflight_sql_type type)
{
    return type == CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE;
}

cflight_status cfl_sql_rows_failure(struct ArrowArrayStream *rows, int code, cflight_error **reterr)
{
    const char *reason = rows->get_last_error(rows);
    return cfl_error_set_os(reterr, CFLIGHT_INTERNAL, code, "the stream to send failed: %s",
                            reason == NULL ? "it gave no reason" : reason);
}

cflight_status cfl_sql_rows_schema(struct ArrowArrayStream *rows, struct ArrowSchema *ret_schema,
                                   cflight_error **reterr)
{
    if (rows == NULL) {
        *ret_schema = cfl_sql_no_fields();
        return CFLIGHT_OK;
    }
    int code = rows->get_schema(rows, ret_schema);
    return code == 0 ? CFLIGHT_OK : cfl_sql_rows_failure(rows, code, reterr);
}

/* The first answer, NULL when there is none; then to the end, where the status is. */
static cflight_status read_answers(cflight_metadata_reader *metadata, cflight_buffer **ret_first,
                                   cflight_error **reterr)
{
    cflight_buffer *first = NULL;
    cflight_status status = cflight_metadata_reader_next(metadata, &first, reterr);
    cflight_buffer *next = first;
    while (status == CFLIGHT_OK && next != NULL) {
        if (next != first) {
            cflight_buffer_unref(next);
        }
        status = cflight_metadata_reader_next(metadata, &next, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_buffer_unref(first);
        return status;
    }
    *ret_first = first;
    return CFLIGHT_OK;
}

static cflight_status send(const struct cfl_sql_request *request,
                           const struct cflight_sql_message *command, struct ArrowArrayStream *rows,
                           cflight_buffer **ret_first, cflight_error **reterr)
{
    struct cflight_descriptor descriptor;
    struct ArrowSchema schema;
    cflight_buffer *packed = NULL;
    cflight_writer *writer = NULL;
    cflight_metadata_reader *metadata = NULL;
    bool is_over = false; /* before all was sent: the answers tell how it went */
    cflight_status status = cfl_sql_rows_schema(rows, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cfl_sql_request_command(command, &descriptor, &packed, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_client_do_put(request->client, &descriptor, &schema,
                                       &request->call_options, &writer, &metadata, reterr);
    }
    if (status == CFLIGHT_OK && rows != NULL) {
        status = cflight_writer_write_stream(writer, rows, reterr);
    } else if (status == CFLIGHT_OK && cfl_sql_needs_batch(command->type)) {
        const struct ArrowArray nothing = cfl_sql_no_rows();
        is_over = cflight_writer_write(writer, &nothing, NULL, NULL) != CFLIGHT_OK;
    }
    if (status == CFLIGHT_OK && !is_over) {
        status = cflight_writer_done_writing(writer, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = read_answers(metadata, ret_first, reterr);
    }
    cflight_metadata_reader_free(metadata);
    cflight_writer_free(writer);
    cflight_buffer_unref(packed);
    schema.release(&schema);
    return status;
}

cflight_status cfl_sql_upload(const struct cfl_sql_request *request,
                              const struct cflight_sql_message *command,
                              struct ArrowArrayStream *rows, enum cflight_sql_type answer_type,
                              struct cflight_sql_message **ret_answer, cflight_error **reterr)
{
    cflight_buffer *first = NULL;
    const struct cflight_sql_message complete = cfl_sql_request_message(request, command);
    cflight_status status = send(request, &complete, rows, &first, reterr);
    if (status == CFLIGHT_OK && first != NULL) {
        status = cfl_sql_answer_read(answer_type, cflight_buffer_bytes(first), ret_answer, reterr);
    }
    cflight_buffer_unref(first);
    return cfl_sql_blame(command->type, status, reterr);
}

cflight_status cfl_sql_upload_count(const struct cfl_sql_request *request,
                                    const struct cflight_sql_message *command,
                                    struct ArrowArrayStream *rows, int64_t *ret_row_count,
                                    cflight_error **reterr)
{
    struct cflight_sql_message *answer = NULL;
    cflight_status status =
        cfl_sql_upload(request, command, rows, CFLIGHT_SQL_UPDATE_RESULT, &answer, reterr);
    if (status == CFLIGHT_OK) {
        *ret_row_count = answer == NULL ? -1 : answer->record_count;
    }
    cflight_sql_message_free(answer);
    return status;
}

/* ---- statements and ingests ---- */

static cflight_status update(cflight_client *client, const struct cflight_sql_message *command,
                             struct ArrowArrayStream *rows,
                             const struct cflight_sql_options *options, int64_t *ret_row_count,
                             cflight_error **reterr)
{
    struct cfl_sql_request request;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(client), CFL_ARG(ret_row_count));
    if (status == CFLIGHT_OK) {
        status = cfl_sql_request_init(&request, client, options, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_upload_count(&request, command, rows, ret_row_count, reterr);
    }
    return status;
}

cflight_status cflight_sql_update(cflight_client *client, struct cflight_bytes query,
                                  const struct cflight_sql_options *options, int64_t *ret_row_count,
                                  cflight_error **reterr)
{
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_STATEMENT_UPDATE};
    command.statement.query = query;
    return update(client, &command, NULL, options, ret_row_count, reterr);
}

cflight_status cflight_sql_update_by_plan(cflight_client *client,
                                          const struct cflight_sql_substrait_plan *plan,
                                          const struct cflight_sql_options *options,
                                          int64_t *ret_row_count, cflight_error **reterr)
{
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(plan));
    if (status == CFLIGHT_OK) {
        command.substrait = *plan;
        status = update(client, &command, NULL, options, ret_row_count, reterr);
    }
    return status;
}

cflight_status cfl_sql_check_target(const struct cflight_sql_ingest_target *target,
                                    cflight_error **reterr)
{
    if (target->name.table.len_bytes == 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the ingest names no table");
    }
    if (target->if_missing == CFLIGHT_SQL_IF_MISSING_UNSPECIFIED ||
        target->if_exists == CFLIGHT_SQL_IF_EXISTS_UNSPECIFIED) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "the ingest does not say what to do when the table is missing, or is there");
    }
    return CFLIGHT_OK;
}

cflight_status cflight_sql_ingest(cflight_client *client,
                                  const struct cflight_sql_ingest_target *target,
                                  struct ArrowArrayStream *rows,
                                  const struct cflight_sql_options *options, int64_t *ret_row_count,
                                  cflight_error **reterr)
{
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_STATEMENT_INGEST};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(target), CFL_ARG(rows));
    if (status == CFLIGHT_OK) {
        status = cfl_sql_check_target(target, reterr);
    }
    if (status == CFLIGHT_OK) {
        command.ingest = *target;
        status = update(client, &command, rows, options, ret_row_count, reterr);
    }
    return status;
}
