/* SPDX-License-Identifier: Apache-2.0 */
/* Kept rows of listings. How many there are, and how long, the server chooses; beyond a limit they
 * are refused. Thread class: one at a time. */
#include "adbc/driver/listing.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_PARTS = ADBC_TABLE + 1 };
static const uint64_t LISTING_BYTES_MAX = 256 << 20;

static AdbcStatusCode grow(struct adbc_listing *listing, struct AdbcError *error)
{
    if (listing->count < listing->capacity) {
        return ADBC_STATUS_OK;
    }
    size_t capacity = listing->capacity == 0 ? 64 : listing->capacity * 2;
    struct adbc_list_row *rows = realloc(listing->rows, capacity * sizeof *rows);
    if (rows == NULL) {
        return adbc_fail_no_memory(error);
    }
    listing->rows = rows;
    listing->capacity = capacity;
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_listing_add(struct adbc_listing *listing, const struct cflight_bytes *parts,
                                size_t part_count, struct AdbcError *error)
{
    struct adbc_list_row row = {.block = NULL};
    uint64_t bytes = sizeof row;
    size_t offset = 0;
    for (size_t i = 0; i < part_count; i++) {
        bytes += parts[i].len_bytes;
    }
    if (bytes > LISTING_BYTES_MAX - listing->bytes) {
        return adbc_fail(error, ADBC_STATUS_INTERNAL,
                         "the server lists more than 256 MiB of names and schemas");
    }
    AdbcStatusCode code = grow(listing, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    row.block = malloc((size_t)bytes);
    if (row.block == NULL) {
        return adbc_fail_no_memory(error);
    }
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].data != NULL) {
            memcpy(row.block + offset, parts[i].data, parts[i].len_bytes);
            row.parts[i] = cflight_bytes_make(row.block + offset, parts[i].len_bytes);
            offset += parts[i].len_bytes;
        }
    }
    listing->bytes += bytes;
    listing->rows[listing->count++] = row;
    return ADBC_STATUS_OK;
}

int adbc_list_row_compare(const struct adbc_list_row *a, const struct adbc_list_row *b,
                          size_t part_count)
{
    int order = 0;
    for (size_t i = 0; order == 0 && i < part_count; i++) {
        order = adbc_text_compare(a->parts[i], b->parts[i]);
    }
    return order;
}

static int compare(const void *a, const void *b)
{
    return adbc_list_row_compare(a, b, KEY_PARTS);
}

void adbc_listing_sort(struct adbc_listing *listing)
{
    size_t kept = 0;
    if (listing->count == 0) {
        return;
    }
    qsort(listing->rows, listing->count, sizeof *listing->rows, compare);
    for (size_t i = 1; i < listing->count; i++) {
        if (compare(&listing->rows[kept], &listing->rows[i]) == 0) {
            free(listing->rows[i].block);
        } else {
            listing->rows[++kept] = listing->rows[i];
        }
    }
    listing->count = kept + 1;
}

void adbc_listing_done(struct adbc_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->rows[i].block);
    }
    free(listing->rows);
    memset(listing, 0, sizeof *listing);
}
