/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_KEYS_H
#define CFLIGHT_ADBC_DRIVER_KEYS_H

#include "adbc/driver/connection.h"

/* Rows of the listings of primary and of imported keys: of one table, or of all. One at a time. */

/* What the columns of a key are called, of whose tables they are, and where they point. */
enum adbc_key_text {
    ADBC_KEY_COLUMN,
    ADBC_KEY_NAME,
    ADBC_KEY_PK_CATALOG,
    ADBC_KEY_PK_SCHEMA,
    ADBC_KEY_PK_TABLE,
    ADBC_KEY_PK_COLUMN,
    ADBC_KEY_CATALOG, /* where they are of all tables */
    ADBC_KEY_SCHEMA,
    ADBC_KEY_TABLE,
    ADBC_KEY_TEXTS
};

struct adbc_key_row {
    struct cflight_bytes texts[ADBC_KEY_TEXTS];
    int32_t sequence;
    size_t place; /* among the rows as they came */
    uint8_t *block;
};

struct adbc_keys {
    bool is_foreign;
    bool is_of_all;
    bool is_unknown; /* the server has no such listing */
    struct adbc_key_row *rows;
    size_t count;
};

/* Asks for the keys of a table; NULL: of all, which are put in the order of their tables. */
AdbcStatusCode adbc_keys_ask(struct adbc_keys *keys, cflight_client *client,
                             const struct cflight_sql_options *options,
                             const struct cflight_sql_table_name *table, struct AdbcError *error);
/* Gives the rows of a table among those of all, and how many they are. */
struct adbc_key_row *adbc_keys_of(const struct adbc_keys *keys,
                                  const struct cflight_sql_table_name *table, size_t *ret_count);
/* Forgets the rows. */
void adbc_keys_done(struct adbc_keys *keys);

#endif /* CFLIGHT_ADBC_DRIVER_KEYS_H */
