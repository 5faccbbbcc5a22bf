/* SPDX-License-Identifier: Apache-2.0 */
/* Statements: their life, and what they are given. A stream that is still open holds its statement,
 * which is closed at the server after that. Thread class: one at a time, but for cancel. */
#include "adbc/driver/statement_life.h"

#include <stdlib.h>

static void destroy(struct adbc_object *object)
{
    struct adbc_statement *statement = (struct adbc_statement *)object;
    adbc_statement_clear(statement);
    adbc_bound_clear(&statement->bound);
    free(statement->ingest.catalog);
    free(statement->ingest.db_schema);
    adbc_headers_done(&statement->ingest.options);
    free(statement->substrait_version);
    adbc_object_drop(&statement->connection->base);
    adbc_object_done(object);
}

AdbcStatusCode adbc_statement_new(struct AdbcConnection *connection,
                                  struct AdbcStatement *statement, struct AdbcError *error)
{
    enum { QUEUE_SIZE_DEFAULT = 5 };
    struct adbc_connection *owner = adbc_connection_of(connection, error);
    if (owner == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    if (statement == NULL || statement->private_data != NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE, "the statement has been made already");
    }
    struct adbc_statement *made =
        (struct adbc_statement *)adbc_object_new(sizeof *made, destroy, &owner->base);
    if (made == NULL) {
        return adbc_fail_no_memory(error);
    }
    adbc_object_hold(&owner->base);
    made->connection = owner;
    made->queue_size = QUEUE_SIZE_DEFAULT;
    made->ingest.if_missing = CFLIGHT_SQL_IF_MISSING_CREATE;
    made->ingest.if_exists = CFLIGHT_SQL_IF_EXISTS_FAIL;
    statement->private_data = made;
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_statement_release(struct AdbcStatement *statement, struct AdbcError *error)
{
    if (statement == NULL || statement->private_data == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                         "the statement has not been made, or has been released");
    }
    struct adbc_statement *self = statement->private_data;
    statement->private_data = NULL;
    adbc_object_drop(&self->base);
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_statement_set_query(struct AdbcStatement *statement, const char *query,
                                        struct AdbcError *error)
{
    struct adbc_statement *self = adbc_statement_of(statement, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    char *copy = query == NULL ? NULL : strdup(query);
    if (copy == NULL) {
        return query == NULL ? adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "the query is NULL")
                             : adbc_fail_no_memory(error);
    }
    adbc_statement_clear(self);
    adbc_statement_forget_used(self);
    self->query = copy;
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_statement_set_plan(struct AdbcStatement *statement, const uint8_t *plan,
                                       size_t len_bytes, struct AdbcError *error)
{
    cflight_buffer *copy = NULL;
    cflight_error *cause = NULL;
    struct adbc_statement *self = adbc_statement_of(statement, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    if (plan == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "the plan is NULL");
    }
    if (cflight_buffer_new_copy(cflight_bytes_make(plan, len_bytes), &copy, &cause) != CFLIGHT_OK) {
        return adbc_fail_by(error, cause);
    }
    adbc_statement_clear(self);
    adbc_statement_forget_used(self);
    self->plan = copy;
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_statement_bind(struct AdbcStatement *statement, struct ArrowArray *batch,
                                   struct ArrowSchema *schema, struct AdbcError *error)
{
    struct adbc_statement *self = adbc_statement_of(statement, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    if (batch == NULL || batch->release == NULL || schema == NULL || schema->release == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT,
                         "a batch and its schema are needed, not NULL and not released");
    }
    adbc_bound_set_batch(&self->bound, batch, schema);
    self->bound_is_sent = false;
    self->bound_is_used = false;
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_statement_bind_stream(struct AdbcStatement *statement,
                                          struct ArrowArrayStream *stream, struct AdbcError *error)
{
    struct adbc_statement *self = adbc_statement_of(statement, error);
    if (self == NULL) {
        return ADBC_STATUS_INVALID_STATE;
    }
    if (stream == NULL || stream->release == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT,
                         "a stream is needed, not NULL and not released");
    }
    adbc_bound_set_stream(&self->bound, stream);
    self->bound_is_sent = false;
    self->bound_is_used = false;
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_statement_cancel(struct AdbcStatement *statement, struct AdbcError *error)
{
    if (statement == NULL || statement->private_data == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE,
                         "the statement has not been made, or has been released");
    }
    struct adbc_statement *self = statement->private_data;
    return adbc_object_cancel(&self->base, "statement", error);
}
