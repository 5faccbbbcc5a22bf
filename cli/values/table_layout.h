/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_VALUES_TABLE_LAYOUT_H
#define CFLIGHT_CLI_VALUES_TABLE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

/* Widths of the columns of a table. */
struct cli_column_width {
    size_t wanted;  /* of everything in it */
    size_t minimum; /* less cannot be read */
    size_t width;   /* what it gets */
};

enum { CLI_TABLE_GAP = 2 };

/* Gives every column a width: what it wants up to `cap` columns without a terminal
 * (`terminal_width` 0), else so that the table fits. Wide columns give up width first, then columns
 * at the right are left out; the first one is shown in any case. @return how many are shown */
size_t cli_table_fit(struct cli_column_width *columns, size_t count, size_t terminal_width,
                     size_t cap);

#endif /* CFLIGHT_CLI_VALUES_TABLE_LAYOUT_H */
