/* SPDX-License-Identifier: Apache-2.0 */
/* What the metadata of a field says of its column.
 *
 * The specification has DB_SCHEMA_NAME where all implementations write and read SCHEMA_NAME; that
 * is written, both are read. Flags are "1", and anything else is no. Thread class: free. (Flight
 * SQL: FlightSql.proto, CommandGetTables) */
#include <stdio.h>

#include "base/error.h"
#include "base/utf8.h"
#include "cflight/builder.h"
#include "cflight/sql.h"

#define PREFIX "ARROW:FLIGHT:SQL:"

enum { KEY_COUNT = 11, NUMBER_BYTES_MAX = 12 };

struct text_key {
    const char *key;
    size_t offset; /* in struct cflight_sql_column */
};
static const struct text_key TEXT_KEYS[] = {
    {PREFIX "CATALOG_NAME", offsetof(struct cflight_sql_column, catalog_name)},
    {PREFIX "SCHEMA_NAME", offsetof(struct cflight_sql_column, db_schema_name)},
    {PREFIX "TABLE_NAME", offsetof(struct cflight_sql_column, table_name)},
    {PREFIX "TYPE_NAME", offsetof(struct cflight_sql_column, type_name)},
    {PREFIX "REMARKS", offsetof(struct cflight_sql_column, remarks)},
};
static const struct text_key FLAG_KEYS[] = {
    {PREFIX "IS_AUTO_INCREMENT", offsetof(struct cflight_sql_column, is_auto_increment)},
    {PREFIX "IS_CASE_SENSITIVE", offsetof(struct cflight_sql_column, is_case_sensitive)},
    {PREFIX "IS_READ_ONLY", offsetof(struct cflight_sql_column, is_read_only)},
    {PREFIX "IS_SEARCHABLE", offsetof(struct cflight_sql_column, is_searchable)},
};
enum {
    TEXT_COUNT = sizeof TEXT_KEYS / sizeof TEXT_KEYS[0],
    FLAG_COUNT = sizeof FLAG_KEYS / sizeof FLAG_KEYS[0],
};
static const char OTHER_SCHEMA_KEY[] = PREFIX "DB_SCHEMA_NAME";
static const char PRECISION_KEY[] = PREFIX "PRECISION";
static const char SCALE_KEY[] = PREFIX "SCALE";

static struct cflight_bytes look_up(const struct ArrowSchema *field, const char *key)
{
    return cflight_schema_metadata(field, cflight_bytes_from_text(key));
}

/* A decimal number in the range of int32_t, and nothing else. */
static bool read_number(struct cflight_bytes text, int32_t *ret_number)
{
    bool is_negative = text.len_bytes > 0 && text.data[0] == '-';
    size_t start = is_negative ? 1 : 0;
    int64_t number = 0;
    if (text.len_bytes == start || text.len_bytes > NUMBER_BYTES_MAX - 1) {
        return false;
    }
    for (size_t i = start; i < text.len_bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (text.data[i] - '0');
    }
    number = is_negative ? -number : number;
    if (number < INT32_MIN || number > INT32_MAX) {
        return false;
    }
    *ret_number = (int32_t)number;
    return true;
}

bool cflight_sql_column_read(const struct ArrowSchema *field, struct cflight_sql_column *ret_column)
{
    struct cflight_sql_column column = {.has_precision = false};
    bool has_any = false;
    for (int i = 0; i < TEXT_COUNT; i++) {
        struct cflight_bytes *text = (void *)((uint8_t *)&column + TEXT_KEYS[i].offset);
        *text = look_up(field, TEXT_KEYS[i].key);
        has_any = has_any || text->data != NULL;
    }
    if (column.db_schema_name.data == NULL) {
        column.db_schema_name = look_up(field, OTHER_SCHEMA_KEY);
        has_any = has_any || column.db_schema_name.data != NULL;
    }
    for (int i = 0; i < FLAG_COUNT; i++) {
        enum cflight_sql_flag *flag = (void *)((uint8_t *)&column + FLAG_KEYS[i].offset);
        struct cflight_bytes value = look_up(field, FLAG_KEYS[i].key);
        bool is_yes = value.len_bytes == 1 && value.data[0] == '1';
        *flag = value.data == NULL ? CFLIGHT_SQL_FLAG_NONE
                : is_yes           ? CFLIGHT_SQL_FLAG_YES
                                   : CFLIGHT_SQL_FLAG_NO;
        has_any = has_any || value.data != NULL;
    }
    column.has_precision = read_number(look_up(field, PRECISION_KEY), &column.precision);
    column.has_scale = read_number(look_up(field, SCALE_KEY), &column.scale);
    *ret_column = column;
    return has_any || column.has_precision || column.has_scale;
}

static cflight_status check_texts(const struct cflight_sql_column *column, cflight_error **reterr)
{
    for (int i = 0; i < TEXT_COUNT; i++) {
        const struct cflight_bytes *text =
            (const void *)((const uint8_t *)column + TEXT_KEYS[i].offset);
        if ((text->data == NULL && text->len_bytes > 0) ||
            !cfl_utf8_is_valid(text->data, text->len_bytes)) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "what is said of the column is not UTF-8: %s",
                                     TEXT_KEYS[i].key);
        }
    }
    return CFLIGHT_OK;
}

static struct cflight_bytes write_number(bool has_number, int32_t number,
                                         char target[NUMBER_BYTES_MAX])
{
    if (!has_number) {
        return cflight_bytes_make(NULL, 0);
    }
    (void)snprintf(target, NUMBER_BYTES_MAX, "%d", (int)number);
    return cflight_bytes_from_text(target);
}

cflight_status cflight_sql_column_write(const struct ArrowSchema *field,
                                        const struct cflight_sql_column *column,
                                        struct ArrowSchema *ret_field, cflight_error **reterr)
{
    struct cflight_metadata pairs[KEY_COUNT + 1];
    size_t count = 0;
    char precision[NUMBER_BYTES_MAX];
    char scale[NUMBER_BYTES_MAX];
    cflight_status status =
        CFL_CHECK_ARGS(reterr, CFL_ARG(field), CFL_ARG(column), CFL_ARG(ret_field));
    if (status == CFLIGHT_OK) {
        status = check_texts(column, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    for (int i = 0; i < TEXT_COUNT; i++) {
        pairs[count].key = cflight_bytes_from_text(TEXT_KEYS[i].key);
        pairs[count++].value =
            *(const struct cflight_bytes *)(const void *)((const uint8_t *)column +
                                                          TEXT_KEYS[i].offset);
    }
    for (int i = 0; i < FLAG_COUNT; i++) {
        enum cflight_sql_flag flag =
            *(const enum cflight_sql_flag *)(const void *)((const uint8_t *)column +
                                                           FLAG_KEYS[i].offset);
        pairs[count].key = cflight_bytes_from_text(FLAG_KEYS[i].key);
        pairs[count++].value = cflight_bytes_from_text(flag == CFLIGHT_SQL_FLAG_NONE  ? NULL
                                                       : flag == CFLIGHT_SQL_FLAG_YES ? "1"
                                                                                      : "0");
    }
    pairs[count].key = cflight_bytes_from_text(PRECISION_KEY);
    pairs[count++].value = write_number(column->has_precision, column->precision, precision);
    pairs[count].key = cflight_bytes_from_text(SCALE_KEY);
    pairs[count++].value = write_number(column->has_scale, column->scale, scale);
    pairs[count].key = cflight_bytes_from_text(OTHER_SCHEMA_KEY);
    pairs[count++].value = cflight_bytes_make(NULL, 0);
    return cflight_schema_set_metadata(field, pairs, count, ret_field, reterr);
}
