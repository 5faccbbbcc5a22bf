/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata commands: catalogs, schemas, tables, table types, keys. Each is a walk over GetObjects
 * whose visitor adds rows to the kit's list; the kit filters, sorts and drops doubles.
 *
 * Filters go to the driver where they mean the same there. Types of columns come from
 * GetTableSchema, since GetObjects has only their numbers. Thread class: one at a time, with the
 * turn of the session. */
#include <stdlib.h>
#include <string.h>

#include "adbc/gateway/column_facts.h"
#include "adbc/gateway/keys.h"
#include "adbc/gateway/rows.h"
#include "cflight/builder.h"
#include "cflight/schema.h"

struct listing {
    struct gateway_session *session;
    cflight_sql_rows *rows;
};

static cflight_status walk(struct gateway *gateway, cflight_sql_call *call,
                           const struct gateway_objects_filter *filter,
                           struct gateway_visitor *visitor, cflight_sql_rows *rows,
                           cflight_error **reterr)
{
    struct listing listing = {NULL, rows};
    cflight_status status = gateway_session_of(gateway, call, &listing.session, reterr);
    if (status == CFLIGHT_OK) {
        status = gateway_session_hold(listing.session, reterr);
    }
    if (status == CFLIGHT_OK) {
        visitor->user_data = &listing;
        status = gateway_objects_walk(listing.session, filter, visitor, reterr);
        gateway_session_drop(listing.session);
    }
    return status;
}

/* ---- catalogs and schemas ---- */

static cflight_status add_catalog(void *user_data, struct cflight_bytes catalog,
                                  cflight_error **reterr)
{
    const struct listing *listing = user_data;
    return catalog.len_bytes == 0 ? CFLIGHT_OK
                                  : cflight_sql_rows_add_catalog(listing->rows, catalog, reterr);
}

static cflight_status list_catalogs(void *user_data, cflight_sql_call *call, cflight_sql_rows *rows,
                                    cflight_error **reterr)
{
    struct gateway_objects_filter filter = {.depth = ADBC_OBJECT_DEPTH_CATALOGS};
    struct gateway_visitor visitor = {.catalog = add_catalog};
    return walk(user_data, call, &filter, &visitor, rows, reterr);
}

static cflight_status add_db_schema(void *user_data, struct cflight_bytes catalog,
                                    struct cflight_bytes db_schema, cflight_error **reterr)
{
    const struct listing *listing = user_data;
    return cflight_sql_rows_add_db_schema(listing->rows, catalog, db_schema, reterr);
}

static cflight_status list_db_schemas(void *user_data, cflight_sql_call *call,
                                      const struct cflight_sql_db_schemas *given,
                                      cflight_sql_rows *rows, cflight_error **reterr)
{
    struct gateway_objects_filter filter = {.depth = ADBC_OBJECT_DEPTH_DB_SCHEMAS};
    struct gateway_visitor visitor = {.db_schema = add_db_schema};
    filter.db_schema = given->schema_pattern;
    return walk(user_data, call, &filter, &visitor, rows, reterr);
}

/* ---- tables ---- */

static cflight_status add_table(void *user_data, const struct gateway_table *table,
                                cflight_error **reterr)
{
    const struct listing *listing = user_data;
    return cflight_sql_rows_add_table(listing->rows, &table->name, table->type, NULL, reterr);
}

static cflight_status add_table_with_schema(void *user_data, const struct gateway_table *table,
                                            cflight_error **reterr)
{
    const struct listing *listing = user_data;
    struct ArrowSchema schema;
    cflight_status status = gateway_table_schema(listing->session, table, &schema, reterr);
    if (status == CFLIGHT_OK) {
        status =
            cflight_sql_rows_add_table(listing->rows, &table->name, table->type, &schema, reterr);
        schema.release(&schema);
    }
    return status;
}

static cflight_status list_tables(void *user_data, cflight_sql_call *call,
                                  const struct cflight_sql_tables *given, cflight_sql_rows *rows,
                                  cflight_error **reterr)
{
    struct gateway_objects_filter filter = {
        .depth = given->include_schema ? ADBC_OBJECT_DEPTH_COLUMNS : ADBC_OBJECT_DEPTH_TABLES};
    struct gateway_visitor visitor = {.table = given->include_schema ? add_table_with_schema
                                                                     : add_table};
    filter.db_schema = given->schema_pattern;
    filter.table = given->table_pattern;
    return walk(user_data, call, &filter, &visitor, rows, reterr);
}

static cflight_status add_table_types(const struct listing *listing,
                                      struct ArrowArrayStream *stream, cflight_error **reterr)
{
    const struct gateway *gateway = listing->session->gateway;
    struct ArrowSchema schema;
    cflight_status status = gateway_stream_schema(gateway, stream, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (bool is_over = false; status == CFLIGHT_OK && !is_over;) {
        struct ArrowArray batch;
        status = gateway_stream_next(gateway, stream, &schema, &batch, reterr);
        is_over = status == CFLIGHT_OK && batch.release == NULL;
        if (status != CFLIGHT_OK || is_over) {
            continue;
        }
        struct gateway_column types =
            gateway_column_member(gateway_column_of(&schema, &batch), "table_type");
        for (int64_t i = 0; i < batch.length && status == CFLIGHT_OK; i++) {
            struct cflight_bytes type = gateway_cell_text(types, i + batch.offset);
            if (type.data != NULL) {
                status = cflight_sql_rows_add_table_type(listing->rows, type, reterr);
            }
        }
        batch.release(&batch);
    }
    schema.release(&schema);
    return status;
}

static cflight_status list_table_types(void *user_data, cflight_sql_call *call,
                                       cflight_sql_rows *rows, cflight_error **reterr)
{
    struct listing listing = {NULL, rows};
    struct ArrowArrayStream stream;
    memset(&stream, 0, sizeof stream);
    cflight_status status = gateway_session_of(user_data, call, &listing.session, reterr);
    if (status == CFLIGHT_OK) {
        status = gateway_session_hold(listing.session, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct gateway *gateway = listing.session->gateway;
    struct AdbcError error = gateway_error_init(&gateway->driver);
    AdbcStatusCode code = gateway->driver.table.ConnectionGetTableTypes(
        &listing.session->connection->adbc, &stream, &error);
    status = gateway_fail(code, &error, NULL, reterr);
    if (status == CFLIGHT_OK) {
        status = add_table_types(&listing, &stream, reterr);
    }
    if (stream.release != NULL) {
        stream.release(&stream);
    }
    gateway_session_drop(listing.session);
    return status;
}

/* ---- keys and types ---- */

static cflight_status add_primary_keys(void *user_data, const struct gateway_table *table,
                                       cflight_error **reterr)
{
    const struct listing *listing = user_data;
    return gateway_add_primary_keys(listing->rows, table, reterr);
}

static cflight_status list_primary_keys(void *user_data, cflight_sql_call *call,
                                        const struct cflight_sql_table_name *table,
                                        cflight_sql_rows *rows, cflight_error **reterr)
{
    struct gateway_objects_filter filter = {
        .depth = ADBC_OBJECT_DEPTH_COLUMNS, .db_schema = table->db_schema, .table = table->table};
    struct gateway_visitor visitor = {.table = add_primary_keys};
    return walk(user_data, call, &filter, &visitor, rows, reterr);
}

static cflight_status add_foreign_keys(void *user_data, const struct gateway_table *table,
                                       cflight_error **reterr)
{
    const struct listing *listing = user_data;
    return gateway_add_foreign_keys(listing->rows, table, reterr);
}

/* Keys are known where they are declared: who asks which point at a table has all tables looked
 * at. */
static cflight_status list_foreign_keys(void *user_data, cflight_sql_call *call,
                                        const struct cflight_sql_cross_reference *given,
                                        cflight_sql_rows *rows, cflight_error **reterr)
{
    struct gateway_objects_filter filter = {.depth = ADBC_OBJECT_DEPTH_COLUMNS,
                                            .db_schema = given->fk.db_schema,
                                            .table = given->fk.table};
    struct gateway_visitor visitor = {.table = add_foreign_keys};
    return walk(user_data, call, &filter, &visitor, rows, reterr);
}

static cflight_status add_types(void *user_data, const struct gateway_table *table,
                                cflight_error **reterr)
{
    const struct listing *listing = user_data;
    return gateway_add_types(listing->rows, table, reterr);
}

static cflight_status list_types(void *user_data, cflight_sql_call *call, cflight_sql_rows *rows,
                                 cflight_error **reterr)
{
    struct gateway_objects_filter filter = {.depth = ADBC_OBJECT_DEPTH_COLUMNS};
    struct gateway_visitor visitor = {.table = add_types};
    return walk(user_data, call, &filter, &visitor, rows, reterr);
}

void gateway_add_listing_handlers(struct cflight_sql_handlers *handlers)
{
    handlers->list_catalogs = list_catalogs;
    handlers->list_db_schemas = list_db_schemas;
    handlers->list_tables = list_tables;
    handlers->list_table_types = list_table_types;
    handlers->list_primary_keys = list_primary_keys;
    handlers->list_foreign_keys = list_foreign_keys;
    handlers->list_types = list_types;
}
