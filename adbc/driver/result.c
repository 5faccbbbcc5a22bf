/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of rows.
 *
 * A stream holds its operation, and by that the statement and the connection, so that a program may
 * release it last. Who gets the error of a cancelled one tells the server as well: RST_STREAM has
 * been sent already, but a query may have work elsewhere. Thread class: one at a time. */
#include "adbc/driver/result.h"

#include <errno.h>
#include <stdlib.h>

#include "adbc/driver/columns.h"

enum { CANCEL_MS = 1000 };

struct result {
    struct ArrowArrayStream rows;
    struct adbc_call *call;
    cflight_client *client;    /* held */
    struct cflight_info *info; /* NULL where nothing is left to cancel */
    bool is_here;              /* no call runs any more: the rows are in memory */
    AdbcStatusCode status;     /* of the last function */
    struct AdbcError error;
};

/* Asks the server to stop a query that has been cancelled. */
static void tell_server(const struct adbc_call *call, cflight_client *client,
                        const struct cflight_info *info)
{
    struct cflight_call_options call_options = CFLIGHT_CALL_OPTIONS_INIT;
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    enum cflight_cancel_status how = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    if (info == NULL || !cflight_cancel_is_triggered(call->cancel)) {
        return;
    }
    call_options.timeout_ms = CANCEL_MS;
    call_options.headers = call->settings.headers.items;
    call_options.header_count = call->settings.headers.count;
    options.call_options = &call_options;
    cflight_status status = cflight_sql_cancel(client, info, &options, &how, NULL);
    (void)status; /* the program has its error already */
}

static int errno_of(AdbcStatusCode code)
{
    static const int NUMBERS[] = {
        [ADBC_STATUS_OK] = 0,
        [ADBC_STATUS_UNKNOWN] = EIO,
        [ADBC_STATUS_NOT_IMPLEMENTED] = ENOTSUP,
        [ADBC_STATUS_NOT_FOUND] = ENOENT,
        [ADBC_STATUS_ALREADY_EXISTS] = EEXIST,
        [ADBC_STATUS_INVALID_ARGUMENT] = EINVAL,
        [ADBC_STATUS_INVALID_STATE] = EINVAL,
        [ADBC_STATUS_INVALID_DATA] = EIO,
        [ADBC_STATUS_INTEGRITY] = EIO,
        [ADBC_STATUS_INTERNAL] = EIO,
        [ADBC_STATUS_IO] = EIO,
        [ADBC_STATUS_CANCELLED] = ECANCELED,
        [ADBC_STATUS_TIMEOUT] = ETIMEDOUT,
        [ADBC_STATUS_UNAUTHENTICATED] = EACCES,
        [ADBC_STATUS_UNAUTHORIZED] = EACCES,
    };
    return code < sizeof NUMBERS / sizeof *NUMBERS ? NUMBERS[code] : EIO;
}

/* ---- the functions of a stream ---- */

/* What a function ended with: after a failure the error, as ADBC has it. */
static int conclude(struct result *result, int number)
{
    adbc_error_reset(&result->error);
    result->status = ADBC_STATUS_OK;
    if (number == 0) {
        return 0;
    }
    result->status = adbc_rows_explain(&result->rows, &result->error);
    if (result->status == ADBC_STATUS_CANCELLED) {
        tell_server(result->call, result->client, result->info);
        cflight_info_free(result->info);
        result->info = NULL;
    }
    return errno_of(result->status);
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct result *result = stream->private_data;
    return conclude(result, result->rows.get_schema(&result->rows, ret_schema));
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_batch)
{
    struct result *result = stream->private_data;
    if (result->is_here && cflight_cancel_is_triggered(result->call->cancel)) {
        adbc_error_reset(&result->error);
        result->status = adbc_fail(&result->error, ADBC_STATUS_CANCELLED,
                                   "the operation that these rows are of was cancelled");
        return ECANCELED;
    }
    return conclude(result, result->rows.get_next(&result->rows, ret_batch));
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    struct result *result = stream->private_data;
    return result->error.message;
}

static void release(struct ArrowArrayStream *stream)
{
    struct result *result = stream->private_data;
    result->rows.release(&result->rows);
    adbc_error_reset(&result->error);
    cflight_info_free(result->info);
    cflight_client_free(result->client);
    adbc_call_end(result->call);
    free(result);
    stream->release = NULL;
}

const struct AdbcError *adbc_result_error(struct ArrowArrayStream *stream,
                                          AdbcStatusCode *ret_status)
{
    if (stream == NULL || stream->release != release) {
        return NULL;
    }
    const struct result *result = stream->private_data;
    if (result->status == ADBC_STATUS_OK) {
        return NULL;
    }
    if (ret_status != NULL) {
        *ret_status = result->status;
    }
    return &result->error;
}

/* ---- making them ---- */

static void hand_over(struct result *result, struct ArrowArrayStream *ret_stream)
{
    ret_stream->get_schema = get_schema;
    ret_stream->get_next = get_next;
    ret_stream->get_last_error = get_last_error;
    ret_stream->release = release;
    ret_stream->private_data = result;
}

/* Has the program get a stream that was opened, or its failure. Takes the rest in any case but the
 * call, which is taken on success. */
static AdbcStatusCode conclude_opening(struct result *result, cflight_status status,
                                       cflight_error *cause, struct cflight_info *info,
                                       struct ArrowArrayStream *ret_stream, struct AdbcError *error)
{
    struct cflight_fetch_counts counts;
    if (status != CFLIGHT_OK) {
        tell_server(result->call, result->client, info);
        cflight_info_free(info);
        free(result);
        return adbc_fail_by(error, cause);
    }
    result->is_here = !cflight_fetch_progress(&result->rows, &counts);
    if (result->is_here) {
        cflight_info_free(info);
    } else {
        result->info = info;
    }
    adbc_error_reset(&result->error);
    (void)cflight_client_ref(result->client);
    hand_over(result, ret_stream);
    return ADBC_STATUS_OK;
}

static struct result *result_new(struct adbc_call *call, cflight_client *client)
{
    struct result *result = calloc(1, sizeof *result);
    if (result != NULL) {
        result->call = call;
        result->client = client;
    }
    return result;
}

AdbcStatusCode adbc_result_fetch(struct adbc_call *call, cflight_client *client,
                                 struct cflight_info *info, struct ArrowArrayStream *ret_stream,
                                 struct AdbcError *error)
{
    cflight_error *cause = NULL;
    struct result *result = result_new(call, client);
    if (result == NULL) {
        cflight_info_free(info);
        return adbc_fail_no_memory(error);
    }
    cflight_status status = cflight_fetch(client, info, &call->fetch, &result->rows, &cause);
    return conclude_opening(result, status, cause, info, ret_stream, error);
}

AdbcStatusCode adbc_result_run(struct adbc_call *call, cflight_client *client,
                               const struct cflight_sql_message *command,
                               struct ArrowArrayStream *ret_stream, int64_t *ret_row_count,
                               struct AdbcError *error)
{
    struct cflight_sql_options options = call->query;
    struct cflight_info *info = NULL;
    cflight_error *cause = NULL;
    struct result *result = result_new(call, client);
    if (result == NULL) {
        return adbc_fail_no_memory(error);
    }
    options.ret_info = &info;
    cflight_status status = cflight_sql_get_rows(client, command, &options, &result->rows, &cause);
    if (status == CFLIGHT_OK && ret_row_count != NULL) {
        *ret_row_count = info->total_records;
    }
    return conclude_opening(result, status, cause, info, ret_stream, error);
}

AdbcStatusCode adbc_result_keep(struct adbc_call *call, cflight_builder *builder,
                                const struct ArrowSchema *schema,
                                struct ArrowArrayStream *ret_stream, struct AdbcError *error)
{
    struct ArrowArray batch = {.release = NULL};
    cflight_error *cause = NULL;
    struct result *result = result_new(call, NULL);
    if (result == NULL) {
        return adbc_fail_no_memory(error);
    }
    cflight_status status = cflight_builder_finish(builder, &batch, &cause);
    if (status == CFLIGHT_OK) {
        status = cflight_batches_to_stream(schema, &batch, 1, &result->rows, &cause);
    }
    if (status != CFLIGHT_OK) {
        if (batch.release != NULL) {
            batch.release(&batch);
        }
        free(result);
        return adbc_fail_by(error, cause);
    }
    result->is_here = true;
    hand_over(result, ret_stream);
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_result_empty(const struct cflight_field *fields, size_t field_count,
                                 struct ArrowArrayStream *ret_stream, struct AdbcError *error)
{
    struct ArrowSchema schema;
    cflight_error *cause = NULL;
    cflight_status status = cflight_schema_new(fields, field_count, &schema, &cause);
    if (status == CFLIGHT_OK) {
        status = cflight_batches_to_stream(&schema, NULL, 0, ret_stream, &cause);
        schema.release(&schema);
    }
    return adbc_outcome(status, cause, error);
}
