/* SPDX-License-Identifier: Apache-2.0 */
/* GetObjects: asked once, at the least depth that answers, and walked from catalogs to tables.
 *
 * Columns are found by their names, and batches were validated, so a driver with a schema of its
 * own gives less, never a wrong read. Thread class: one at a time, with the turn of the session.
 * ADBC 1.1, GetObjects. */
#include "adbc/gateway/objects.h"

#include <stdlib.h>
#include <string.h>

#include "adbc/gateway/rows.h"

struct walk {
    const struct gateway_visitor *visitor;
    struct cflight_bytes catalog;
    struct cflight_bytes db_schema;
};

static cflight_status walk_tables(struct walk *walk, struct gateway_column tables,
                                  struct gateway_range range, cflight_error **reterr)
{
    struct gateway_column columns = gateway_column_member(tables, "table_columns");
    struct gateway_column constraints = gateway_column_member(tables, "table_constraints");
    struct gateway_column names = gateway_column_member(tables, "table_name");
    struct gateway_column types = gateway_column_member(tables, "table_type");
    cflight_status status = CFLIGHT_OK;
    for (int64_t row = range.begin; row < range.end && status == CFLIGHT_OK; row++) {
        struct gateway_table table;
        table.name.catalog = walk->catalog;
        table.name.db_schema = walk->db_schema;
        table.name.table = gateway_cell_text(names, row);
        table.type = gateway_cell_text(types, row);
        table.columns = gateway_column_items(columns);
        table.column_range = gateway_cell_list(columns, row);
        table.constraints = gateway_column_items(constraints);
        table.constraint_range = gateway_cell_list(constraints, row);
        if (table.name.table.data != NULL) {
            status = walk->visitor->table(walk->visitor->user_data, &table, reterr);
        }
    }
    return status;
}

static cflight_status walk_db_schemas(struct walk *walk, struct gateway_column schemas,
                                      struct gateway_range range, cflight_error **reterr)
{
    const struct gateway_visitor *visitor = walk->visitor;
    struct gateway_column names = gateway_column_member(schemas, "db_schema_name");
    struct gateway_column tables = gateway_column_member(schemas, "db_schema_tables");
    cflight_status status = CFLIGHT_OK;
    for (int64_t row = range.begin; row < range.end && status == CFLIGHT_OK; row++) {
        walk->db_schema = gateway_cell_text(names, row);
        if (visitor->db_schema != NULL && walk->db_schema.data != NULL) {
            status = visitor->db_schema(visitor->user_data, walk->catalog, walk->db_schema, reterr);
        }
        if (status == CFLIGHT_OK && visitor->table != NULL) {
            status = walk_tables(walk, gateway_column_items(tables), gateway_cell_list(tables, row),
                                 reterr);
        }
    }
    return status;
}

static cflight_status walk_batch(struct walk *walk, const struct ArrowSchema *schema,
                                 const struct ArrowArray *batch, cflight_error **reterr)
{
    const struct gateway_visitor *visitor = walk->visitor;
    struct gateway_column root = gateway_column_of(schema, batch);
    struct gateway_column catalogs = gateway_column_member(root, "catalog_name");
    struct gateway_column schemas = gateway_column_member(root, "catalog_db_schemas");
    cflight_status status = CFLIGHT_OK;
    for (int64_t row = 0; row < batch->length && status == CFLIGHT_OK; row++) {
        /* The offset of the batch is one of its members, too. */
        int64_t place = row + batch->offset;
        walk->catalog = gateway_cell_text(catalogs, place);
        if (visitor->catalog != NULL && walk->catalog.data != NULL) {
            status = visitor->catalog(visitor->user_data, walk->catalog, reterr);
        }
        if (status == CFLIGHT_OK && (visitor->db_schema != NULL || visitor->table != NULL)) {
            status = walk_db_schemas(walk, gateway_column_items(schemas),
                                     gateway_cell_list(schemas, place), reterr);
        }
    }
    return status;
}

static cflight_status walk_stream(struct gateway_session *session, struct ArrowArrayStream *stream,
                                  const struct gateway_visitor *visitor, cflight_error **reterr)
{
    struct walk walk = {.visitor = visitor};
    struct ArrowSchema schema;
    cflight_status status = gateway_stream_schema(session->gateway, stream, &schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (bool is_over = false; status == CFLIGHT_OK && !is_over;) {
        struct ArrowArray batch;
        status = gateway_stream_next(session->gateway, stream, &schema, &batch, reterr);
        is_over = status == CFLIGHT_OK && batch.release == NULL;
        if (status == CFLIGHT_OK && !is_over) {
            status = walk_batch(&walk, &schema, &batch, reterr);
            batch.release(&batch);
        }
    }
    schema.release(&schema);
    return status;
}

/* What can be handed on: an absent filter stays so, and so does what has an escape, or is empty,
 * which drivers do not take alike. */
static cflight_status pattern_of(struct cflight_bytes filter, char **ret_pattern,
                                 cflight_error **reterr)
{
    *ret_pattern = NULL;
    if (filter.len_bytes == 0 || memchr(filter.data, '\\', filter.len_bytes) != NULL) {
        return CFLIGHT_OK;
    }
    return gateway_terminate(filter, "a filter", ret_pattern, reterr);
}

cflight_status gateway_objects_walk(struct gateway_session *session,
                                    const struct gateway_objects_filter *filter,
                                    const struct gateway_visitor *visitor, cflight_error **reterr)
{
    const struct gateway_driver *driver = &session->gateway->driver;
    struct AdbcError error = gateway_error_init(driver);
    struct ArrowArrayStream stream;
    char *catalog = NULL;
    char *db_schema = NULL;
    char *table = NULL;
    memset(&stream, 0, sizeof stream);
    cflight_status status = pattern_of(filter->catalog, &catalog, reterr);
    if (status == CFLIGHT_OK) {
        status = pattern_of(filter->db_schema, &db_schema, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = pattern_of(filter->table, &table, reterr);
    }
    if (status == CFLIGHT_OK) {
        struct gateway_run run;
        gateway_run_begin(&run, session, NULL, -1);
        AdbcStatusCode code =
            driver->table.ConnectionGetObjects(&session->connection->adbc, filter->depth, catalog,
                                               db_schema, table, NULL, NULL, &stream, &error);
        (void)gateway_run_end(&run);
        status = gateway_fail(code, &error, NULL, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = walk_stream(session, &stream, visitor, reterr);
    }
    if (stream.release != NULL) {
        stream.release(&stream);
    }
    free(catalog);
    free(db_schema);
    free(table);
    return status;
}
