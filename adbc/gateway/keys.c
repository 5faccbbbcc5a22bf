/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: what GetObjects calls constraints. What becomes of rows whose key changes is not said
 * there; NO ACTION is what SQL takes when nothing is. Thread class: free. ADBC 1.1, GetObjects. */
#include "adbc/gateway/keys.h"

#include <string.h>

/* A constraint of the wanted type, as the walk comes by. */
struct constraint {
    struct cflight_bytes name;
    struct gateway_column columns;
    struct gateway_range column_range;
    struct gateway_column usage;
    struct gateway_range usage_range;
};

static bool is_text(struct cflight_bytes bytes, const char *text)
{
    return bytes.len_bytes == strlen(text) && memcmp(bytes.data, text, bytes.len_bytes) == 0;
}

static bool read_constraint(const struct gateway_table *table, int64_t row, const char *type,
                            struct constraint *ret_constraint)
{
    struct gateway_column all = table->constraints;
    if (!is_text(gateway_cell_text(gateway_column_member(all, "constraint_type"), row), type)) {
        return false;
    }
    struct gateway_column columns = gateway_column_member(all, "constraint_column_names");
    struct gateway_column usage = gateway_column_member(all, "constraint_column_usage");
    ret_constraint->name = gateway_cell_text(gateway_column_member(all, "constraint_name"), row);
    ret_constraint->columns = gateway_column_items(columns);
    ret_constraint->column_range = gateway_cell_list(columns, row);
    ret_constraint->usage = gateway_column_items(usage);
    ret_constraint->usage_range = gateway_cell_list(usage, row);
    return true;
}

cflight_status gateway_add_primary_keys(cflight_sql_rows *rows, const struct gateway_table *table,
                                        cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    struct constraint key;
    for (int64_t row = table->constraint_range.begin; row < table->constraint_range.end; row++) {
        if (!read_constraint(table, row, "PRIMARY KEY", &key)) {
            continue;
        }
        for (int64_t i = key.column_range.begin; i < key.column_range.end && status == CFLIGHT_OK;
             i++) {
            status = cflight_sql_rows_add_primary_key(
                rows, &table->name, gateway_cell_text(key.columns, i),
                (int32_t)(i - key.column_range.begin + 1), key.name, reterr);
        }
    }
    return status;
}

static struct cflight_sql_foreign_key read_column(const struct gateway_table *table,
                                                  const struct constraint *constraint,
                                                  int64_t index)
{
    int64_t used = constraint->usage_range.begin + index;
    struct cflight_sql_foreign_key key;
    memset(&key, 0, sizeof key);
    key.fk_table = table->name;
    key.fk_column = gateway_cell_text(constraint->columns, constraint->column_range.begin + index);
    key.fk_name = constraint->name;
    key.pk_table.catalog =
        gateway_cell_text(gateway_column_member(constraint->usage, "fk_catalog"), used);
    key.pk_table.db_schema =
        gateway_cell_text(gateway_column_member(constraint->usage, "fk_db_schema"), used);
    key.pk_table.table =
        gateway_cell_text(gateway_column_member(constraint->usage, "fk_table"), used);
    key.pk_column =
        gateway_cell_text(gateway_column_member(constraint->usage, "fk_column_name"), used);
    key.sequence = (int32_t)(index + 1);
    key.update_rule = CFLIGHT_SQL_RULE_NO_ACTION;
    key.delete_rule = CFLIGHT_SQL_RULE_NO_ACTION;
    return key;
}

cflight_status gateway_add_foreign_keys(cflight_sql_rows *rows, const struct gateway_table *table,
                                        cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    struct constraint constraint;
    for (int64_t row = table->constraint_range.begin; row < table->constraint_range.end; row++) {
        if (!read_constraint(table, row, "FOREIGN KEY", &constraint)) {
            continue;
        }
        int64_t count = constraint.column_range.end - constraint.column_range.begin;
        int64_t used_count = constraint.usage_range.end - constraint.usage_range.begin;
        for (int64_t i = 0; i < count && i < used_count && status == CFLIGHT_OK; i++) {
            struct cflight_sql_foreign_key key = read_column(table, &constraint, i);
            if (key.pk_table.table.data != NULL && key.pk_column.data != NULL) {
                status = cflight_sql_rows_add_foreign_key(rows, &key, reterr);
            }
        }
    }
    return status;
}
