/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_HEADERS_H
#define CFLIGHT_ADBC_DRIVER_HEADERS_H

#include <stdbool.h>

#include "cflight/bytes.h"

/* Header fields that own their texts. One at a time. */
struct adbc_headers {
    struct cflight_header *items;
    size_t count;
};

/* Adds a field, name in lower case. False when there is no memory. */
bool adbc_headers_add(struct adbc_headers *headers, struct cflight_bytes name,
                      struct cflight_bytes value);
/* Takes all fields of this name away, in whatever case. */
void adbc_headers_remove(struct adbc_headers *headers, struct cflight_bytes name);
/* The value of the last field of this name; NULL data when there is none. */
struct cflight_bytes adbc_headers_find(const struct adbc_headers *headers,
                                       struct cflight_bytes name);
/* Adds copies of all fields of another. */
bool adbc_headers_add_all(struct adbc_headers *headers, const struct adbc_headers *others);
void adbc_headers_done(struct adbc_headers *headers);

#endif /* CFLIGHT_ADBC_DRIVER_HEADERS_H */
