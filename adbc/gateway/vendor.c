/* SPDX-License-Identifier: Apache-2.0 */
/* The databases whose drivers leave something to be said. A row for each; no code knows them.
 * Thread class: free. */
#include "adbc/gateway/vendor.h"

#include <stddef.h>
#include <strings.h>

static const struct gateway_vendor VENDORS[] = {
    {.name = "SQLite",
     .open_sql = "PRAGMA busy_timeout = 5000",
     .is_reusable = true,
     .leaves_failed_rows = true,
     .read_only_sql = "PRAGMA query_only = ON",
     .quote = "\""},
    /* Opened by access_mode, which nothing takes back. */
    {.name = "duckdb",
     .is_reusable = true,
     .binds_single_rows = true,
     .is_read_only_by_uri = true,
     .quote = "\""},
    {.name = "PostgreSQL",
     .is_reusable = true,
     .reset_sql = "DISCARD ALL",
     .read_only_sql = "SET default_transaction_read_only = on",
     .quote = "\""},
};

const struct gateway_vendor *gateway_vendor_find(const char *name)
{
    static const struct gateway_vendor UNKNOWN = {.name = ""};
    for (size_t i = 0; i < sizeof VENDORS / sizeof VENDORS[0]; i++) {
        if (strcasecmp(VENDORS[i].name, name) == 0) {
            return &VENDORS[i];
        }
    }
    return &UNKNOWN;
}
