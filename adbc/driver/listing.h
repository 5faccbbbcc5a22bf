/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_LISTING_H
#define CFLIGHT_ADBC_DRIVER_LISTING_H

#include "adbc/driver/columns.h"

/* Rows of listings, kept and put in order: catalogs, schemas, or tables. One at a time. */

enum adbc_part { ADBC_CATALOG, ADBC_DB_SCHEMA, ADBC_TABLE, ADBC_TYPE, ADBC_SCHEMA, ADBC_PARTS };

/* What a row does not have has NULL data, and comes before what is empty. */
struct adbc_list_row {
    struct cflight_bytes parts[ADBC_PARTS];
    uint8_t *block; /* the memory of them */
};

struct adbc_listing {
    struct adbc_list_row *rows;
    size_t count;
    size_t capacity;
    uint64_t bytes; /* bounded: the rows are the server's */
};

/* Adds a copy of a row with its first `part_count` parts. */
AdbcStatusCode adbc_listing_add(struct adbc_listing *listing, const struct cflight_bytes *parts,
                                size_t part_count, struct AdbcError *error);
/* Sorts by catalog, schema and table, and drops rows that have these alike. */
void adbc_listing_sort(struct adbc_listing *listing);
/* Compares the first `part_count` parts. */
int adbc_list_row_compare(const struct adbc_list_row *a, const struct adbc_list_row *b,
                          size_t part_count);
void adbc_listing_done(struct adbc_listing *listing);

#endif /* CFLIGHT_ADBC_DRIVER_LISTING_H */
