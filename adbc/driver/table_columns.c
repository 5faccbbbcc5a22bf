/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of tables for GetObjects: their Arrow types, and what the metadata of their fields says.
 * Thread class: one at a time. */
#include "adbc/driver/table_columns.h"

#include "adbc/shared/xdbc.h"
#include "cflight/ipc.h"
#include "cflight/sql.h"

/* The members of a column, in the order of adbc/driver/objects_schema.c. */
enum member {
    COLUMN_NAME,
    ORDINAL_POSITION,
    REMARKS,
    DATA_TYPE,
    TYPE_NAME,
    COLUMN_SIZE,
    DECIMAL_DIGITS,
    NUM_PREC_RADIX,
    NULLABLE,
    COLUMN_DEF,
    SQL_DATA_TYPE,
    DATETIME_SUB,
    CHAR_OCTET_LENGTH,
    IS_NULLABLE,
    SCOPE_CATALOG,
    SCOPE_SCHEMA,
    SCOPE_TABLE,
    IS_AUTOINCREMENT,
    IS_GENERATEDCOLUMN,
    MEMBER_COUNT,
};

static void append_text(cflight_column *column, struct cflight_bytes text)
{
    if (text.len_bytes == 0) {
        cflight_append_null(column);
    } else {
        cflight_append_bytes(column, text);
    }
}

static void append_number(cflight_column *column, bool is_known, int64_t number)
{
    if (is_known) {
        cflight_append_int(column, number);
    } else {
        cflight_append_null(column);
    }
}

static void append_flag(cflight_column *column, enum cflight_sql_flag flag)
{
    if (flag == CFLIGHT_SQL_FLAG_NONE) {
        cflight_append_null(column);
    } else {
        cflight_append_bool(column, flag == CFLIGHT_SQL_FLAG_YES);
    }
}

static void append_field(const struct ArrowSchema *field, int64_t position, cflight_column *item)
{
    struct cflight_sql_column said = {.has_precision = false};
    cflight_column *members[MEMBER_COUNT];
    bool is_nullable = (field->flags & ARROW_FLAG_NULLABLE) != 0;
    int16_t type = adbc_xdbc_type(field);
    (void)cflight_sql_column_read(field, &said);
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        members[i] = cflight_column_child(item, i);
    }
    cflight_append_text(members[COLUMN_NAME], field->name == NULL ? "" : field->name);
    cflight_append_int(members[ORDINAL_POSITION], position);
    append_text(members[REMARKS], said.remarks);
    cflight_append_int(members[DATA_TYPE], type);
    append_text(members[TYPE_NAME], said.type_name);
    append_number(members[COLUMN_SIZE], said.has_precision, said.precision);
    append_number(members[DECIMAL_DIGITS],
                  said.has_scale && said.scale >= INT16_MIN && said.scale <= INT16_MAX, said.scale);
    cflight_append_null(members[NUM_PREC_RADIX]);
    cflight_append_int(members[NULLABLE], is_nullable ? 1 : 0);
    cflight_append_null(members[COLUMN_DEF]);
    cflight_append_int(members[SQL_DATA_TYPE], type);
    cflight_append_null(members[DATETIME_SUB]);
    cflight_append_null(members[CHAR_OCTET_LENGTH]);
    cflight_append_text(members[IS_NULLABLE], is_nullable ? "YES" : "NO");
    cflight_append_null(members[SCOPE_CATALOG]);
    cflight_append_null(members[SCOPE_SCHEMA]);
    cflight_append_null(members[SCOPE_TABLE]);
    append_flag(members[IS_AUTOINCREMENT], said.is_auto_increment);
    cflight_append_null(members[IS_GENERATEDCOLUMN]);
    cflight_append_nested(item);
}

AdbcStatusCode adbc_table_columns_append(struct cflight_bytes schema, const char *pattern,
                                         cflight_column *list, struct AdbcError *error)
{
    struct ArrowSchema parsed = {.release = NULL};
    cflight_error *cause = NULL;
    if (schema.len_bytes > 0 && cflight_ipc_schema_parse(schema, &parsed, &cause) != CFLIGHT_OK) {
        return adbc_fail_by(error, cause);
    }
    for (int64_t i = 0; parsed.release != NULL && i < parsed.n_children; i++) {
        const struct ArrowSchema *field = parsed.children[i];
        bool is_wanted = pattern == NULL ||
                         cflight_sql_pattern_matches(cflight_bytes_from_text(pattern),
                                                     cflight_bytes_from_text(field->name), false);
        if (is_wanted) {
            append_field(field, i + 1, cflight_column_child(list, 0));
        }
    }
    cflight_append_nested(list);
    if (parsed.release != NULL) {
        parsed.release(&parsed);
    }
    return ADBC_STATUS_OK;
}
