/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of keys, kept as they come from the server. A cflight gateway answers for all tables at once
 * when the name of the table is empty (adbc/shared/all_keys.h): with two calls, and not two for
 * each table. Thread class: one at a time. Flight SQL: CommandGetPrimaryKeys,
 * CommandGetImportedKeys. */
#include "adbc/driver/keys.h"

#include <stdlib.h>
#include <string.h>

#include "adbc/driver/columns.h"

static const char *const PRIMARY_NAMES[ADBC_KEY_TEXTS] = {
    "column_name",  "key_name",       NULL,        NULL, NULL, NULL,
    "catalog_name", "db_schema_name", "table_name"};
static const char *const FOREIGN_NAMES[ADBC_KEY_TEXTS] = {
    "fk_column_name", "fk_key_name",     "pk_catalog_name",   "pk_db_schema_name", "pk_table_name",
    "pk_column_name", "fk_catalog_name", "fk_db_schema_name", "fk_table_name"};

enum { ROWS_MAX = 16384, ROWS_OF_ALL_MAX = 1 << 20 };

/* ---- reading ---- */

static const char *name_of(const struct adbc_keys *keys, size_t text)
{
    bool is_left_out = text >= ADBC_KEY_CATALOG && !keys->is_of_all;
    return is_left_out ? NULL : (keys->is_foreign ? FOREIGN_NAMES : PRIMARY_NAMES)[text];
}

static AdbcStatusCode add_row(struct adbc_keys *keys, const struct adbc_column *columns,
                              const struct adbc_column *sequence, int64_t row,
                              struct AdbcError *error)
{
    struct adbc_key_row *added = &keys->rows[keys->count];
    size_t bytes = 1;
    size_t offset = 0;
    memset(added, 0, sizeof *added);
    for (size_t i = 0; i < ADBC_KEY_TEXTS; i++) {
        if (name_of(keys, i) != NULL) {
            added->texts[i] = adbc_column_text(&columns[i], row);
            bytes += added->texts[i].len_bytes;
        }
    }
    added->block = malloc(bytes);
    if (added->block == NULL) {
        return adbc_fail_no_memory(error);
    }
    for (size_t i = 0; i < ADBC_KEY_TEXTS; i++) {
        if (added->texts[i].data != NULL) {
            memcpy(added->block + offset, added->texts[i].data, added->texts[i].len_bytes);
            added->texts[i].data = added->block + offset;
            offset += added->texts[i].len_bytes;
        }
    }
    added->sequence = adbc_column_int(sequence, row);
    added->place = keys->count++;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode take_batch(void *user_data, const struct ArrowSchema *schema,
                                 const struct ArrowArray *batch, struct AdbcError *error)
{
    struct adbc_keys *keys = user_data;
    struct adbc_column columns[ADBC_KEY_TEXTS];
    struct adbc_column sequence;
    int64_t count_max = keys->is_of_all ? ROWS_OF_ALL_MAX : ROWS_MAX;
    AdbcStatusCode code = adbc_column_find(schema, batch, "key_sequence", "i", &sequence, error);
    for (size_t i = 0; code == ADBC_STATUS_OK && i < ADBC_KEY_TEXTS; i++) {
        if (name_of(keys, i) != NULL) {
            code = adbc_column_find(schema, batch, name_of(keys, i), "uU", &columns[i], error);
        }
    }
    if (code != ADBC_STATUS_OK || batch->length == 0) {
        return code;
    }
    if (batch->length > count_max - (int64_t)keys->count) {
        return adbc_fail(error, ADBC_STATUS_INTERNAL,
                         "the server lists more than %lld columns of keys of %s",
                         (long long)count_max, keys->is_of_all ? "all tables" : "one table");
    }
    struct adbc_key_row *rows =
        realloc(keys->rows, (keys->count + (size_t)batch->length) * sizeof *rows);
    if (rows == NULL) {
        return adbc_fail_no_memory(error);
    }
    keys->rows = rows;
    for (int64_t row = 0; code == ADBC_STATUS_OK && row < batch->length; row++) {
        code = add_row(keys, columns, &sequence, row, error);
    }
    return code;
}

void adbc_keys_done(struct adbc_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        free(keys->rows[i].block);
    }
    free(keys->rows);
    keys->rows = NULL;
    keys->count = 0;
}

/* ---- the order of tables ---- */

/* Listings of tables and of keys need not be alike in what is absent and what is empty. */
static struct cflight_bytes present(struct cflight_bytes text)
{
    return text.data == NULL ? cflight_bytes_from_text("") : text;
}

static int compare_tables(const struct adbc_key_row *left, const struct adbc_key_row *right)
{
    int order = 0;
    for (size_t i = ADBC_KEY_CATALOG; order == 0 && i <= ADBC_KEY_TABLE; i++) {
        order = adbc_text_compare(present(left->texts[i]), present(right->texts[i]));
    }
    return order;
}

static int compare_rows(const void *a, const void *b)
{
    const struct adbc_key_row *left = a;
    const struct adbc_key_row *right = b;
    int order = compare_tables(left, right);
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

struct adbc_key_row *adbc_keys_of(const struct adbc_keys *keys,
                                  const struct cflight_sql_table_name *table, size_t *ret_count)
{
    struct adbc_key_row wanted = {.place = 0};
    size_t first = 0;
    size_t end = keys->count;
    wanted.texts[ADBC_KEY_CATALOG] = table->catalog;
    wanted.texts[ADBC_KEY_SCHEMA] = table->db_schema;
    wanted.texts[ADBC_KEY_TABLE] = table->table;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (compare_tables(&keys->rows[middle], &wanted) < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    while (end < keys->count && compare_tables(&keys->rows[end], &wanted) == 0) {
        end++;
    }
    *ret_count = end - first;
    return first < end ? &keys->rows[first] : NULL;
}

/* ---- asking ---- */

/* What servers say that know no keys, or not of this kind of table. */
static bool is_none(AdbcStatusCode code)
{
    return code == ADBC_STATUS_NOT_IMPLEMENTED || code == ADBC_STATUS_NOT_FOUND ||
           code == ADBC_STATUS_INVALID_ARGUMENT;
}

AdbcStatusCode adbc_keys_ask(struct adbc_keys *keys, cflight_client *client,
                             const struct cflight_sql_options *options,
                             const struct cflight_sql_table_name *table, struct AdbcError *error)
{
    static const struct cflight_sql_table_name ALL = {.table = {(const uint8_t *)"", 0}};
    struct ArrowArrayStream stream;
    cflight_error *cause = NULL;
    AdbcStatusCode code = ADBC_STATUS_OK;
    keys->is_of_all = table == NULL;
    cflight_status status =
        keys->is_foreign ? cflight_sql_get_imported_keys(client, table == NULL ? &ALL : table,
                                                         options, &stream, &cause)
                         : cflight_sql_get_primary_keys(client, table == NULL ? &ALL : table,
                                                        options, &stream, &cause);
    if (status == CFLIGHT_OK) {
        code = adbc_rows_each(&stream, take_batch, keys, error);
    } else {
        code = adbc_fail_by(error, cause);
    }
    if (code == ADBC_STATUS_OK && keys->is_of_all && keys->count > 0) {
        qsort(keys->rows, keys->count, sizeof *keys->rows, compare_rows);
    }
    keys->is_unknown |= code == ADBC_STATUS_NOT_IMPLEMENTED;
    return is_none(code) ? ADBC_STATUS_OK : code;
}
