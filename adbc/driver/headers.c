/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields: each is one block, its name and its value. Thread class: one at a time. */
#include "adbc/driver/headers.h"

#include <stdlib.h>
#include <string.h>

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_named(const struct cflight_header *header, struct cflight_bytes name)
{
    bool is_same = header->name.len_bytes == name.len_bytes;
    for (size_t i = 0; is_same && i < name.len_bytes; i++) {
        is_same = header->name.data[i] == lower(name.data[i]);
    }
    return is_same;
}

bool adbc_headers_add(struct adbc_headers *headers, struct cflight_bytes name,
                      struct cflight_bytes value)
{
    struct cflight_header *items = realloc(headers->items, (headers->count + 1) * sizeof *items);
    if (items == NULL) {
        return false;
    }
    headers->items = items;
    uint8_t *block = malloc(name.len_bytes + value.len_bytes + 1);
    if (block == NULL) {
        return false;
    }
    for (size_t i = 0; i < name.len_bytes; i++) {
        block[i] = lower(name.data[i]);
    }
    if (value.len_bytes > 0) {
        memcpy(block + name.len_bytes, value.data, value.len_bytes);
    }
    items[headers->count].name = cflight_bytes_make(block, name.len_bytes);
    items[headers->count].value = cflight_bytes_make(block + name.len_bytes, value.len_bytes);
    headers->count++;
    return true;
}

void adbc_headers_remove(struct adbc_headers *headers, struct cflight_bytes name)
{
    size_t kept = 0;
    for (size_t i = 0; i < headers->count; i++) {
        if (is_named(&headers->items[i], name)) {
            free((void *)headers->items[i].name.data);
        } else {
            headers->items[kept++] = headers->items[i];
        }
    }
    headers->count = kept;
}

struct cflight_bytes adbc_headers_find(const struct adbc_headers *headers,
                                       struct cflight_bytes name)
{
    for (size_t i = headers->count; i-- > 0;) {
        if (is_named(&headers->items[i], name)) {
            return headers->items[i].value;
        }
    }
    return cflight_bytes_make(NULL, 0);
}

bool adbc_headers_add_all(struct adbc_headers *headers, const struct adbc_headers *others)
{
    bool is_added = true;
    for (size_t i = 0; is_added && i < others->count; i++) {
        is_added = adbc_headers_add(headers, others->items[i].name, others->items[i].value);
    }
    return is_added;
}

void adbc_headers_done(struct adbc_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        free((void *)headers->items[i].name.data);
    }
    free(headers->items);
    headers->items = NULL;
    headers->count = 0;
}
