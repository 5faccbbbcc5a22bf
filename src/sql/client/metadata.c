/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that ask for metadata. Thread class: free. */
#include "base/error.h"
#include "sql/client/rows.h"

cflight_status cflight_sql_get_catalogs(cflight_client *client,
                                        const struct cflight_sql_options *options,
                                        struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    const struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_CATALOGS};
    return cflight_sql_get_rows(client, &command, options, ret_stream, reterr);
}

cflight_status cflight_sql_get_db_schemas(cflight_client *client,
                                          const struct cflight_sql_db_schemas *filter,
                                          const struct cflight_sql_options *options,
                                          struct ArrowArrayStream *ret_stream,
                                          cflight_error **reterr)
{
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_DB_SCHEMAS};
    if (filter != NULL) {
        command.db_schemas = *filter;
    }
    return cflight_sql_get_rows(client, &command, options, ret_stream, reterr);
}

cflight_status cflight_sql_get_tables(cflight_client *client,
                                      const struct cflight_sql_tables *filter,
                                      const struct cflight_sql_options *options,
                                      struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_TABLES};
    if (filter != NULL) {
        command.tables = *filter;
    }
    return cflight_sql_get_rows(client, &command, options, ret_stream, reterr);
}

cflight_status cflight_sql_get_table_types(cflight_client *client,
                                           const struct cflight_sql_options *options,
                                           struct ArrowArrayStream *ret_stream,
                                           cflight_error **reterr)
{
    const struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_TABLE_TYPES};
    return cflight_sql_get_rows(client, &command, options, ret_stream, reterr);
}

static cflight_status get_keys(cflight_client *client, enum cflight_sql_type type,
                               const struct cflight_sql_table_name *table,
                               const struct cflight_sql_options *options,
                               struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct cflight_sql_message command = {.type = type};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(table));
    if (status == CFLIGHT_OK) {
        command.table = *table;
        status = cflight_sql_get_rows(client, &command, options, ret_stream, reterr);
    }
    return status;
}

cflight_status cflight_sql_get_primary_keys(cflight_client *client,
                                            const struct cflight_sql_table_name *table,
                                            const struct cflight_sql_options *options,
                                            struct ArrowArrayStream *ret_stream,
                                            cflight_error **reterr)
{
    return get_keys(client, CFLIGHT_SQL_GET_PRIMARY_KEYS, table, options, ret_stream, reterr);
}

cflight_status cflight_sql_get_exported_keys(cflight_client *client,
                                             const struct cflight_sql_table_name *table,
                                             const struct cflight_sql_options *options,
                                             struct ArrowArrayStream *ret_stream,
                                             cflight_error **reterr)
{
    return get_keys(client, CFLIGHT_SQL_GET_EXPORTED_KEYS, table, options, ret_stream, reterr);
}

cflight_status cflight_sql_get_imported_keys(cflight_client *client,
                                             const struct cflight_sql_table_name *table,
                                             const struct cflight_sql_options *options,
                                             struct ArrowArrayStream *ret_stream,
                                             cflight_error **reterr)
{
    return get_keys(client, CFLIGHT_SQL_GET_IMPORTED_KEYS, table, options, ret_stream, reterr);
}

cflight_status cflight_sql_get_cross_reference(cflight_client *client,
                                               const struct cflight_sql_cross_reference *tables,
                                               const struct cflight_sql_options *options,
                                               struct ArrowArrayStream *ret_stream,
                                               cflight_error **reterr)
{
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_CROSS_REFERENCE};
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(tables));
    if (status == CFLIGHT_OK) {
        command.cross_reference = *tables;
        status = cflight_sql_get_rows(client, &command, options, ret_stream, reterr);
    }
    return status;
}

cflight_status cflight_sql_get_type_info(cflight_client *client,
                                         const struct cflight_sql_type_filter *filter,
                                         const struct cflight_sql_options *options,
                                         struct ArrowArrayStream *ret_stream,
                                         cflight_error **reterr)
{
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_XDBC_TYPE_INFO};
    if (filter != NULL) {
        command.type_info = *filter;
    }
    return cflight_sql_get_rows(client, &command, options, ret_stream, reterr);
}

static cflight_status add_infos(void *user_data, const struct ArrowSchema *schema,
                                const struct ArrowArray *batch, cflight_error **reterr)
{
    return cflight_sql_info_add_batch(user_data, schema, batch, reterr);
}

cflight_status cflight_sql_get_sql_info(cflight_client *client, const uint32_t *codes,
                                        size_t code_count,
                                        const struct cflight_sql_options *options,
                                        cflight_sql_info **ret_info, cflight_error **reterr)
{
    struct ArrowArrayStream stream;
    cflight_sql_info *info = NULL;
    struct cflight_sql_message command = {.type = CFLIGHT_SQL_GET_SQL_INFO};
    command.sql_info.codes = codes;
    command.sql_info.code_count = code_count;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_info));
    if (status == CFLIGHT_OK) {
        status = cflight_sql_info_new(&info, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_sql_get_rows(client, &command, options, &stream, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cfl_sql_rows_each(&stream, add_infos, info, reterr);
        status = cfl_sql_blame(command.type, status, reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_sql_info_free(info);
        return status;
    }
    *ret_info = info;
    return CFLIGHT_OK;
}
