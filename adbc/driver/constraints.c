/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of tables.
 *
 * Servers give the columns of a key one after the other, with numbers that begin at 1. A key ends
 * where the name, the table that it points at, or the order of the numbers breaks: keys need not
 * have names. A primary key is the only one of its table, and its columns are put in order, since
 * some servers list them by name. Thread class: one at a time. */
#include "adbc/driver/constraints.h"

#include <stdlib.h>
#include <string.h>

#include "adbc/driver/columns.h"

/* The columns of listings of keys, as far as they are looked at. */
enum {
    OWN_COLUMN,
    KEY_NAME,
    TEXTS_OF_PRIMARY,
    PK_CATALOG = TEXTS_OF_PRIMARY,
    PK_SCHEMA,
    PK_TABLE,
    PK_COLUMN,
    TEXTS_OF_FOREIGN
};
static const char *const PRIMARY_NAMES[] = {"column_name", "key_name"};
static const char *const FOREIGN_NAMES[] = {"fk_column_name",    "fk_key_name",   "pk_catalog_name",
                                            "pk_db_schema_name", "pk_table_name", "pk_column_name"};

struct key_row {
    struct cflight_bytes texts[TEXTS_OF_FOREIGN];
    int32_t sequence;
    uint8_t *block;
};

struct keys {
    const char *const *names;
    size_t text_count;
    struct key_row *rows;
    size_t count;
};

enum { KEY_ROWS_MAX = 16384 }; /* of one table */

/* ---- reading ---- */

static AdbcStatusCode add_row(struct keys *keys, const struct adbc_column *columns,
                              const struct adbc_column *sequence, int64_t row,
                              struct AdbcError *error)
{
    struct key_row *added = &keys->rows[keys->count];
    size_t bytes = 1;
    size_t offset = 0;
    memset(added, 0, sizeof *added);
    for (size_t i = 0; i < keys->text_count; i++) {
        added->texts[i] = adbc_column_text(&columns[i], row);
        bytes += added->texts[i].len_bytes;
    }
    added->block = malloc(bytes);
    if (added->block == NULL) {
        return adbc_fail_no_memory(error);
    }
    for (size_t i = 0; i < keys->text_count; i++) {
        if (added->texts[i].data != NULL) {
            memcpy(added->block + offset, added->texts[i].data, added->texts[i].len_bytes);
            added->texts[i].data = added->block + offset;
            offset += added->texts[i].len_bytes;
        }
    }
    added->sequence = adbc_column_int(sequence, row);
    keys->count++;
    return ADBC_STATUS_OK;
}

static AdbcStatusCode take_batch(void *user_data, const struct ArrowSchema *schema,
                                 const struct ArrowArray *batch, struct AdbcError *error)
{
    struct keys *keys = user_data;
    struct adbc_column columns[TEXTS_OF_FOREIGN];
    struct adbc_column sequence;
    AdbcStatusCode code = adbc_column_find(schema, batch, "key_sequence", "i", &sequence, error);
    for (size_t i = 0; code == ADBC_STATUS_OK && i < keys->text_count; i++) {
        code = adbc_column_find(schema, batch, keys->names[i], "uU", &columns[i], error);
    }
    if (code != ADBC_STATUS_OK || batch->length == 0) {
        return code;
    }
    if (batch->length > KEY_ROWS_MAX - (int64_t)keys->count) {
        return adbc_fail(error, ADBC_STATUS_INTERNAL,
                         "the server lists more than %d columns of keys of one table",
                         KEY_ROWS_MAX);
    }
    struct key_row *rows =
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

static void keys_done(struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        free(keys->rows[i].block);
    }
    free(keys->rows);
}

/* ---- writing ---- */

/* One row of what a foreign key points at. */
static void append_usage(cflight_column *usage, const struct key_row *row)
{
    adbc_append_text(cflight_column_child(usage, 0), row->texts[PK_CATALOG]);
    adbc_append_text(cflight_column_child(usage, 1), row->texts[PK_SCHEMA]);
    cflight_append_bytes(cflight_column_child(usage, 2), row->texts[PK_TABLE]);
    cflight_append_bytes(cflight_column_child(usage, 3), row->texts[PK_COLUMN]);
    cflight_append_nested(usage);
}

/* A constraint of rows `first` to `end`. */
static void append_key(const struct keys *keys, size_t first, size_t end, cflight_column *list)
{
    bool is_foreign = keys->text_count == TEXTS_OF_FOREIGN;
    cflight_column *constraint = cflight_column_child(list, 0);
    cflight_column *columns = cflight_column_child(constraint, 2);
    cflight_column *usage = cflight_column_child(constraint, 3);
    adbc_append_text(cflight_column_child(constraint, 0), keys->rows[first].texts[KEY_NAME]);
    cflight_append_text(cflight_column_child(constraint, 1),
                        is_foreign ? "FOREIGN KEY" : "PRIMARY KEY");
    for (size_t i = first; i < end; i++) {
        cflight_append_bytes(cflight_column_child(columns, 0), keys->rows[i].texts[OWN_COLUMN]);
        if (is_foreign) {
            append_usage(cflight_column_child(usage, 0), &keys->rows[i]);
        }
    }
    cflight_append_nested(columns);
    if (is_foreign) {
        cflight_append_nested(usage);
    } else {
        cflight_append_null(usage);
    }
    cflight_append_nested(constraint);
}

static bool is_same_key(const struct keys *keys, const struct key_row *a, const struct key_row *b)
{
    bool is_same = b->sequence > a->sequence;
    for (size_t i = KEY_NAME; is_same && i < keys->text_count && i < PK_COLUMN; i++) {
        is_same = cflight_bytes_equal(a->texts[i], b->texts[i]);
    }
    return is_same;
}

static void append_keys(const struct keys *keys, cflight_column *list)
{
    for (size_t first = 0, end = 1; first < keys->count; first = end++) {
        while (end < keys->count && is_same_key(keys, &keys->rows[end - 1], &keys->rows[end])) {
            end++;
        }
        append_key(keys, first, end, list);
    }
}

static int compare_sequence(const void *a, const void *b)
{
    const struct key_row *left = a;
    const struct key_row *right = b;
    return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

/* ---- both ---- */

/* What servers say that know no keys, or not of this kind of table. */
static bool is_none(AdbcStatusCode code)
{
    return code == ADBC_STATUS_NOT_IMPLEMENTED || code == ADBC_STATUS_NOT_FOUND ||
           code == ADBC_STATUS_INVALID_ARGUMENT;
}

typedef cflight_status (*list_fn)(cflight_client *client,
                                  const struct cflight_sql_table_name *table,
                                  const struct cflight_sql_options *options,
                                  struct ArrowArrayStream *ret_stream, cflight_error **reterr);

static AdbcStatusCode ask(const struct adbc_constraints *constraints, list_fn list,
                          const struct cflight_sql_table_name *table, struct keys *keys,
                          bool *ret_is_unknown, struct AdbcError *error)
{
    struct ArrowArrayStream stream;
    cflight_error *cause = NULL;
    AdbcStatusCode code = ADBC_STATUS_OK;
    if (list(constraints->connection->link.client, table, &constraints->call->query, &stream,
             &cause) == CFLIGHT_OK) {
        code = adbc_rows_each(&stream, take_batch, keys, error);
    } else {
        code = adbc_fail_by(error, cause);
    }
    *ret_is_unknown = code == ADBC_STATUS_NOT_IMPLEMENTED;
    return is_none(code) ? ADBC_STATUS_OK : code;
}

AdbcStatusCode adbc_constraints_append(struct adbc_constraints *constraints,
                                       const struct cflight_sql_table_name *table,
                                       cflight_column *list, struct AdbcError *error)
{
    struct keys primary = {PRIMARY_NAMES, TEXTS_OF_PRIMARY, NULL, 0};
    struct keys foreign = {FOREIGN_NAMES, TEXTS_OF_FOREIGN, NULL, 0};
    AdbcStatusCode code = ADBC_STATUS_OK;
    if (!constraints->primary_is_unknown) {
        code = ask(constraints, cflight_sql_get_primary_keys, table, &primary,
                   &constraints->primary_is_unknown, error);
    }
    if (code == ADBC_STATUS_OK && !constraints->foreign_is_unknown) {
        code = ask(constraints, cflight_sql_get_imported_keys, table, &foreign,
                   &constraints->foreign_is_unknown, error);
    }
    if (code == ADBC_STATUS_OK) {
        if (primary.count > 0) {
            qsort(primary.rows, primary.count, sizeof *primary.rows, compare_sequence);
            append_key(&primary, 0, primary.count, list);
        }
        append_keys(&foreign, list);
        cflight_append_nested(list);
    }
    keys_done(&primary);
    keys_done(&foreign);
    return code;
}
