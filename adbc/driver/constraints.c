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
#include "adbc/shared/all_keys.h"

enum { TABLES_FROM = 4 }; /* fewer are asked for one by one */

/* The rows of one table. */
struct rows {
    struct adbc_key_row *rows;
    size_t count;
    bool is_foreign;
};

/* ---- writing ---- */

/* One row of what a foreign key points at. */
static void append_usage(cflight_column *usage, const struct adbc_key_row *row)
{
    adbc_append_text(cflight_column_child(usage, 0), row->texts[ADBC_KEY_PK_CATALOG]);
    adbc_append_text(cflight_column_child(usage, 1), row->texts[ADBC_KEY_PK_SCHEMA]);
    cflight_append_bytes(cflight_column_child(usage, 2), row->texts[ADBC_KEY_PK_TABLE]);
    cflight_append_bytes(cflight_column_child(usage, 3), row->texts[ADBC_KEY_PK_COLUMN]);
    cflight_append_nested(usage);
}

/* A constraint of rows `first` to `end`. */
static void append_key(const struct rows *keys, size_t first, size_t end, cflight_column *list)
{
    cflight_column *constraint = cflight_column_child(list, 0);
    cflight_column *columns = cflight_column_child(constraint, 2);
    cflight_column *usage = cflight_column_child(constraint, 3);
    adbc_append_text(cflight_column_child(constraint, 0), keys->rows[first].texts[ADBC_KEY_NAME]);
    cflight_append_text(cflight_column_child(constraint, 1),
                        keys->is_foreign ? "FOREIGN KEY" : "PRIMARY KEY");
    for (size_t i = first; i < end; i++) {
        cflight_append_bytes(cflight_column_child(columns, 0),
                             keys->rows[i].texts[ADBC_KEY_COLUMN]);
        if (keys->is_foreign) {
            append_usage(cflight_column_child(usage, 0), &keys->rows[i]);
        }
    }
    cflight_append_nested(columns);
    if (keys->is_foreign) {
        cflight_append_nested(usage);
    } else {
        cflight_append_null(usage);
    }
    cflight_append_nested(constraint);
}

static bool is_same_key(const struct adbc_key_row *a, const struct adbc_key_row *b)
{
    bool is_same = b->sequence > a->sequence;
    for (size_t i = ADBC_KEY_NAME; is_same && i < ADBC_KEY_PK_COLUMN; i++) {
        is_same = cflight_bytes_equal(a->texts[i], b->texts[i]);
    }
    return is_same;
}

static void append_keys(const struct rows *keys, cflight_column *list)
{
    for (size_t first = 0, end = 1; first < keys->count; first = end++) {
        while (end < keys->count && is_same_key(&keys->rows[end - 1], &keys->rows[end])) {
            end++;
        }
        append_key(keys, first, end, list);
    }
}

static int compare_sequence(const void *a, const void *b)
{
    const struct adbc_key_row *left = a;
    const struct adbc_key_row *right = b;
    return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

/* ---- both ---- */

/* Whether the server lists the keys of all tables at once: asked where that is worth it. */
static AdbcStatusCode ask_for_all(struct adbc_constraints *constraints, struct AdbcError *error)
{
    static const uint32_t CODE = ADBC_SQL_INFO_HAS_ALL_KEYS;
    cflight_client *client = constraints->connection->link.client;
    const struct cflight_sql_options *options = &constraints->call->query;
    cflight_sql_info *info = NULL;
    AdbcStatusCode code = ADBC_STATUS_OK;
    constraints->is_begun = true;
    constraints->foreign.is_foreign = true;
    if (constraints->table_count < TABLES_FROM ||
        cflight_sql_get_sql_info(client, &CODE, 1, options, &info, NULL) != CFLIGHT_OK) {
        return ADBC_STATUS_OK; /* what is wrong the next call finds out */
    }
    constraints->is_of_all = cflight_sql_info_bool(info, CODE, false);
    cflight_sql_info_free(info);
    if (constraints->is_of_all) {
        code = adbc_keys_ask(&constraints->primary, client, options, NULL, error);
    }
    if (constraints->is_of_all && code == ADBC_STATUS_OK) {
        code = adbc_keys_ask(&constraints->foreign, client, options, NULL, error);
    }
    return code;
}

static AdbcStatusCode find(struct adbc_constraints *constraints, struct adbc_keys *keys,
                           const struct cflight_sql_table_name *table, struct rows *ret_rows,
                           struct AdbcError *error)
{
    AdbcStatusCode code = ADBC_STATUS_OK;
    memset(ret_rows, 0, sizeof *ret_rows);
    ret_rows->is_foreign = keys->is_foreign;
    /* An empty name may stand for all tables, or be one. */
    bool is_of_all = constraints->is_of_all || table->table.len_bytes == 0;
    if (!constraints->is_of_all) {
        adbc_keys_done(keys); /* of the table before */
        if (!keys->is_unknown) {
            code = adbc_keys_ask(keys, constraints->connection->link.client,
                                 &constraints->call->query, is_of_all ? NULL : table, error);
        }
    }
    ret_rows->rows = is_of_all ? adbc_keys_of(keys, table, &ret_rows->count) : keys->rows;
    ret_rows->count = is_of_all ? ret_rows->count : keys->count;
    return code;
}

AdbcStatusCode adbc_constraints_append(struct adbc_constraints *constraints,
                                       const struct cflight_sql_table_name *table,
                                       cflight_column *list, struct AdbcError *error)
{
    struct rows primary;
    struct rows foreign;
    AdbcStatusCode code = constraints->is_begun ? ADBC_STATUS_OK : ask_for_all(constraints, error);
    if (code == ADBC_STATUS_OK) {
        code = find(constraints, &constraints->primary, table, &primary, error);
    }
    if (code == ADBC_STATUS_OK) {
        code = find(constraints, &constraints->foreign, table, &foreign, error);
    }
    if (code == ADBC_STATUS_OK) {
        if (primary.count > 0) {
            qsort(primary.rows, primary.count, sizeof *primary.rows, compare_sequence);
            append_key(&primary, 0, primary.count, list);
        }
        append_keys(&foreign, list);
        cflight_append_nested(list);
    }
    return code;
}

void adbc_constraints_done(struct adbc_constraints *constraints)
{
    adbc_keys_done(&constraints->primary);
    adbc_keys_done(&constraints->foreign);
}
