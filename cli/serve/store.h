/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_STORE_H
#define CFLIGHT_CLI_SERVE_STORE_H

#include "cli/serve/serve.h"

/* Where rows that are to be stored come from, and who is told. */
struct cli_rows {
    void *user_data;
    cflight_status (*schema)(void *user_data, struct ArrowSchema *ret_schema,
                             cflight_error **reterr);
    cflight_status (*next)(void *user_data, struct cflight_chunk *ret_chunk,
                           cflight_error **reterr);
    /* So many rows have been written; NULL for nobody to tell. */
    cflight_status (*acknowledge)(void *user_data, int64_t row_count, cflight_error **reterr);
    /* All rows are in the file, which gets its name next; one store at a time. May be NULL. */
    cflight_status (*appears)(void *user_data, int fd, int64_t row_count, cflight_error **reterr);
};

/* Stores rows as the flight `name`, which appears complete or not at all. Blocks as the rows do.
 * `share` begins empty.
 * @return CFLIGHT_OK, CFLIGHT_ALREADY_EXISTS, CFLIGHT_RESOURCE_EXHAUSTED (a limit, or the disk),
 * what the functions of the rows give, or as cli_error_from_errno() */
cflight_status cli_store(struct cli_serve *serve, const char *name, const struct cli_rows *rows,
                         struct cli_quota_share *share, int64_t *ret_row_count,
                         cflight_error **reterr);

#endif /* CFLIGHT_CLI_SERVE_STORE_H */
