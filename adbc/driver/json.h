/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_DRIVER_JSON_H
#define CFLIGHT_ADBC_DRIVER_JSON_H

#include <stdbool.h>

#include "cflight/types.h"

/* The JSON that session options travel in through ADBC (RFC 8259). Thread class: free. */

/* All options as an object; free() it. NULL when there is no memory. */
char *adbc_json_of_options(const struct cflight_session_options *options);
/* A list of texts; free() it. NULL when there is no memory. */
char *adbc_json_of_texts(const struct cflight_bytes *texts, size_t count);

/* Texts of one block, read from a list. */
struct adbc_json_texts {
    struct cflight_bytes *texts;
    size_t count;
    char *block;
};

/* Reads a list of texts. False when it is none (or there is no memory: *ret_is_valid is true). */
bool adbc_json_read_texts(struct cflight_bytes json, struct adbc_json_texts *ret_texts,
                          bool *ret_is_valid);
void adbc_json_texts_done(struct adbc_json_texts *texts);

#endif /* CFLIGHT_ADBC_DRIVER_JSON_H */
