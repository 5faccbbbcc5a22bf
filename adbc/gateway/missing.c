/* SPDX-License-Identifier: Apache-2.0 */
/* Functions in the place of those that a driver has not.
 *
 * Only those that the gateway calls are here: nobody else sees the table. Thread class: free. */
#include "adbc/gateway/missing.h"

#include <stdbool.h>

static AdbcStatusCode no_connection(struct AdbcConnection *connection, struct AdbcError *error)
{
    (void)connection;
    (void)error;
    return ADBC_STATUS_NOT_IMPLEMENTED;
}

static AdbcStatusCode no_statement(struct AdbcStatement *statement, struct AdbcError *error)
{
    (void)statement;
    (void)error;
    return ADBC_STATUS_NOT_IMPLEMENTED;
}

static AdbcStatusCode no_get_info(struct AdbcConnection *connection, const uint32_t *codes,
                                  size_t count, struct ArrowArrayStream *ret_stream,
                                  struct AdbcError *error)
{
    (void)codes;
    (void)count;
    (void)ret_stream;
    return no_connection(connection, error);
}

static AdbcStatusCode no_get_objects(struct AdbcConnection *connection, int depth,
                                     const char *catalog, const char *db_schema, const char *table,
                                     const char **types, const char *column,
                                     struct ArrowArrayStream *ret_stream, struct AdbcError *error)
{
    (void)depth;
    (void)catalog;
    (void)db_schema;
    (void)table;
    (void)types;
    (void)column;
    (void)ret_stream;
    return no_connection(connection, error);
}

static AdbcStatusCode no_table_schema(struct AdbcConnection *connection, const char *catalog,
                                      const char *db_schema, const char *table,
                                      struct ArrowSchema *ret_schema, struct AdbcError *error)
{
    (void)catalog;
    (void)db_schema;
    (void)table;
    (void)ret_schema;
    return no_connection(connection, error);
}

static AdbcStatusCode no_table_types(struct AdbcConnection *connection,
                                     struct ArrowArrayStream *ret_stream, struct AdbcError *error)
{
    (void)ret_stream;
    return no_connection(connection, error);
}

static AdbcStatusCode no_connection_option(struct AdbcConnection *connection, const char *key,
                                           const char *value, struct AdbcError *error)
{
    (void)key;
    (void)value;
    return no_connection(connection, error);
}

static AdbcStatusCode no_read_partition(struct AdbcConnection *connection, const uint8_t *bytes,
                                        size_t len_bytes, struct ArrowArrayStream *ret_stream,
                                        struct AdbcError *error)
{
    (void)bytes;
    (void)len_bytes;
    (void)ret_stream;
    return no_connection(connection, error);
}

static AdbcStatusCode no_database_option(struct AdbcDatabase *database, const char *key,
                                         const char *value, struct AdbcError *error)
{
    (void)database;
    (void)key;
    (void)value;
    (void)error;
    return ADBC_STATUS_NOT_IMPLEMENTED;
}

static AdbcStatusCode no_bind_stream(struct AdbcStatement *statement,
                                     struct ArrowArrayStream *stream, struct AdbcError *error)
{
    (void)stream;
    return no_statement(statement, error);
}

static AdbcStatusCode no_partitions(struct AdbcStatement *statement, struct ArrowSchema *ret_schema,
                                    struct AdbcPartitions *ret_partitions, int64_t *ret_count,
                                    struct AdbcError *error)
{
    (void)ret_schema;
    (void)ret_partitions;
    (void)ret_count;
    return no_statement(statement, error);
}

static AdbcStatusCode no_schema(struct AdbcStatement *statement, struct ArrowSchema *ret_schema,
                                struct AdbcError *error)
{
    (void)ret_schema;
    return no_statement(statement, error);
}

static AdbcStatusCode no_statement_option(struct AdbcStatement *statement, const char *key,
                                          const char *value, struct AdbcError *error)
{
    (void)key;
    (void)value;
    return no_statement(statement, error);
}

static AdbcStatusCode no_plan(struct AdbcStatement *statement, const uint8_t *plan,
                              size_t len_bytes, struct AdbcError *error)
{
    (void)plan;
    (void)len_bytes;
    return no_statement(statement, error);
}

#define FILL(member, otherwise) table->member = table->member == NULL ? (otherwise) : table->member

void gateway_fill_missing(struct AdbcDriver *table)
{
    FILL(DatabaseSetOption, no_database_option);
    FILL(ConnectionCommit, no_connection);
    FILL(ConnectionRollback, no_connection);
    FILL(ConnectionCancel, no_connection);
    FILL(ConnectionGetInfo, no_get_info);
    FILL(ConnectionGetObjects, no_get_objects);
    FILL(ConnectionGetTableSchema, no_table_schema);
    FILL(ConnectionGetTableTypes, no_table_types);
    FILL(ConnectionSetOption, no_connection_option);
    FILL(ConnectionReadPartition, no_read_partition);
    FILL(StatementBindStream, no_bind_stream);
    FILL(StatementExecutePartitions, no_partitions);
    FILL(StatementGetParameterSchema, no_schema);
    FILL(StatementExecuteSchema, no_schema);
    FILL(StatementPrepare, no_statement);
    FILL(StatementCancel, no_statement);
    FILL(StatementSetOption, no_statement_option);
    FILL(StatementSetSubstraitPlan, no_plan);
}

const char *gateway_needed_missing(const struct AdbcDriver *table)
{
    const struct {
        bool is_there;
        const char *name;
    } needed[] = {
        {table->DatabaseNew != NULL, "DatabaseNew"},
        {table->DatabaseInit != NULL, "DatabaseInit"},
        {table->DatabaseRelease != NULL, "DatabaseRelease"},
        {table->ConnectionNew != NULL, "ConnectionNew"},
        {table->ConnectionInit != NULL, "ConnectionInit"},
        {table->ConnectionRelease != NULL, "ConnectionRelease"},
        {table->StatementNew != NULL, "StatementNew"},
        {table->StatementSetSqlQuery != NULL, "StatementSetSqlQuery"},
        {table->StatementExecuteQuery != NULL, "StatementExecuteQuery"},
        {table->StatementRelease != NULL, "StatementRelease"},
    };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (!needed[i].is_there) {
            return needed[i].name;
        }
    }
    return NULL;
}
