/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_SOURCE_H
#define CFLIGHT_ADBC_GATEWAY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include <stdbool.h>

#include "cflight/error.h"

enum { GATEWAY_SOURCE_OPTIONS_MAX = 64 };

/* A database as the user names it, taken apart. */
struct gateway_source {
    char *driver;        /* a name, or a path with '/' */
    char *entrypoint;    /* NULL: as the library's name says */
    const char *package; /* what brings the driver; NULL when that is not known */
    bool needs_anchor;   /* the database is gone with its last connection */
    size_t option_count;
    struct gateway_source_option {
        char *key;
        char *value;
    } options[GATEWAY_SOURCE_OPTIONS_MAX]; /* of the AdbcDatabase */
};

/* Takes "sqlite:shop.db" and so on apart.
 * @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT, CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status gateway_source_parse(const char *text, bool is_read_only,
                                    struct gateway_source *ret_source, cflight_error **reterr);
void gateway_source_done(struct gateway_source *source);

#endif /* CFLIGHT_ADBC_GATEWAY_SOURCE_H */
