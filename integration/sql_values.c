/* SPDX-License-Identifier: Apache-2.0 */
/* What server and client of the scenarios of Flight SQL agree on. Constant. Thread class: free. */
#include "integration/sql_values.h"

#include "integration/info.h"

static const struct cflight_bytes TABLE_TYPES[] = {ITG_TEXT("table"), ITG_TEXT("view")};
static const uint32_t CODES[] = {CFLIGHT_SQL_INFO_SERVER_NAME, CFLIGHT_SQL_INFO_SERVER_READ_ONLY};
static const struct cflight_sql_option OPTIONS[] = {
    {.name = ITG_TEXT("key1"), .value = ITG_TEXT("val1")},
    {.name = ITG_TEXT("key2"), .value = ITG_TEXT("val2")},
};

const struct cflight_sql_db_schemas itg_sql_db_schemas = {
    .catalog = ITG_TEXT("catalog"), .schema_pattern = ITG_TEXT("db_schema_filter_pattern")};

const struct cflight_sql_tables itg_sql_tables = {
    .catalog = ITG_TEXT("catalog"),
    .schema_pattern = ITG_TEXT("db_schema_filter_pattern"),
    .table_pattern = ITG_TEXT("table_filter_pattern"),
    .table_types = TABLE_TYPES,
    .table_type_count = sizeof TABLE_TYPES / sizeof TABLE_TYPES[0],
    .include_schema = true};

const struct cflight_sql_table_name itg_sql_table = {
    .catalog = ITG_TEXT("catalog"), .db_schema = ITG_TEXT("db_schema"), .table = ITG_TEXT("table")};

const struct cflight_sql_cross_reference itg_sql_cross_reference = {
    .pk = {.catalog = ITG_TEXT("pk_catalog"),
           .db_schema = ITG_TEXT("pk_db_schema"),
           .table = ITG_TEXT("pk_table")},
    .fk = {.catalog = ITG_TEXT("fk_catalog"),
           .db_schema = ITG_TEXT("fk_db_schema"),
           .table = ITG_TEXT("fk_table")}};

const struct cflight_sql_info_codes itg_sql_codes = {.codes = CODES,
                                                     .code_count = sizeof CODES / sizeof CODES[0]};

const struct cflight_sql_ingest_target itg_sql_ingest_target = {
    .if_missing = CFLIGHT_SQL_IF_MISSING_CREATE,
    .if_exists = CFLIGHT_SQL_IF_EXISTS_REPLACE,
    .name = {.catalog = ITG_TEXT("test_catalog"),
             .db_schema = ITG_TEXT("test_schema"),
             .table = ITG_TEXT("test_table")},
    .temporary = true,
    .transaction_id = ITG_TEXT("123"),
    .options = OPTIONS,
    .option_count = sizeof OPTIONS / sizeof OPTIONS[0]};

int64_t itg_sql_update_count(bool is_prepared, bool in_transaction)
{
    return (is_prepared ? 20000 : 10000) + (in_transaction ? 5000 : 0);
}

cflight_status itg_sql_query_schema(bool in_transaction, struct ArrowSchema *ret_schema,
                                    cflight_error **reterr)
{
    const struct cflight_field field = {.name = in_transaction ? "pkey" : "id",
                                        .format = in_transaction ? "i" : "l"};
    const struct cflight_sql_column column = {.catalog_name = ITG_TEXT("catalog_test"),
                                              .db_schema_name = ITG_TEXT("schema_test"),
                                              .table_name = ITG_TEXT("test"),
                                              .type_name = ITG_TEXT("type_test"),
                                              .remarks = ITG_TEXT("test column"),
                                              .has_precision = true,
                                              .precision = 100,
                                              .is_auto_increment = CFLIGHT_SQL_FLAG_YES,
                                              .is_case_sensitive = CFLIGHT_SQL_FLAG_NO,
                                              .is_searchable = CFLIGHT_SQL_FLAG_YES};
    struct ArrowSchema told;

    cflight_status status = cflight_schema_new(&field, 1, ret_schema, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cflight_sql_column_write(ret_schema->children[0], &column, &told, reterr);
    if (status != CFLIGHT_OK) {
        ret_schema->release(ret_schema);
        return status;
    }
    ret_schema->children[0]->release(ret_schema->children[0]);
    *ret_schema->children[0] = told;
    return CFLIGHT_OK;
}

cflight_status itg_sql_ingest_schema(struct ArrowSchema *ret_schema, cflight_error **reterr)
{
    const struct cflight_field field = {.name = "test_field", .format = "l"};
    return cflight_schema_new(&field, 1, ret_schema, reterr);
}

cflight_status itg_sql_make_rows(const struct ArrowSchema *schema, const int64_t *values,
                                 int64_t row_count, struct ArrowArrayStream *ret_rows,
                                 cflight_error **reterr)
{
    struct ArrowArray batch;
    cflight_builder *builder = NULL;

    cflight_status status = cflight_builder_new(schema, NULL, &builder, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (int64_t i = 0; i < row_count; i++) {
        if (values == NULL) {
            cflight_append_null(cflight_builder_column(builder, 0));
        } else {
            cflight_append_int(cflight_builder_column(builder, 0), values[i]);
        }
        cflight_builder_end_row(builder);
    }
    status = cflight_builder_finish(builder, &batch, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_batches_to_stream(schema, &batch, 1, ret_rows, reterr);
        if (status != CFLIGHT_OK) {
            batch.release(&batch);
        }
    }
    cflight_builder_free(builder);
    return status;
}

bool itg_sql_same_text(struct cflight_bytes a, struct cflight_bytes b)
{
    return (a.data == NULL) == (b.data == NULL) && cflight_bytes_equal(a, b);
}

bool itg_sql_same_name(const struct cflight_sql_table_name *a,
                       const struct cflight_sql_table_name *b)
{
    return itg_sql_same_text(a->catalog, b->catalog) &&
           itg_sql_same_text(a->db_schema, b->db_schema) && itg_sql_same_text(a->table, b->table);
}
