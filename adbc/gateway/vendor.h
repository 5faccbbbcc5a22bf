/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_ADBC_GATEWAY_VENDOR_H
#define CFLIGHT_ADBC_GATEWAY_VENDOR_H

#include <stdbool.h>

/* What is known of a database beyond what its driver says. */
struct gateway_vendor {
    const char *name;          /* as GetInfo has it */
    const char *open_sql;      /* for each new connection; NULL for none */
    bool is_reusable;          /* a connection is as new after statements that leave nothing */
    const char *reset_sql;     /* makes it so; NULL: nothing to do */
    const char *read_only_sql; /* before each statement of a read-only gateway; NULL: no way */
    bool binds_single_rows;    /* several would be refused */
    bool leaves_failed_rows;   /* rows or a stream that have failed are the caller's to release */
    bool is_read_only_by_uri;  /* the file was opened for reading alone, besides */
    const char *quote;         /* of identifiers; NULL: not known */
};

/* Never NULL: of a database that is not known, nothing is. */
const struct gateway_vendor *gateway_vendor_find(const char *name);

#endif /* CFLIGHT_ADBC_GATEWAY_VENDOR_H */
