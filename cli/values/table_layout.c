/* SPDX-License-Identifier: Apache-2.0 */
/* Widths of the columns of a table. Thread class: free. */
#include "cli/values/table_layout.h"

static size_t width_under(const struct cli_column_width *column, size_t cap)
{
    size_t width = column->wanted < cap ? column->wanted : cap;
    return width > column->minimum ? width : column->minimum;
}

static size_t total_width(const struct cli_column_width *columns, size_t count, size_t cap)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += width_under(&columns[i], cap) + (i > 0 ? CLI_TABLE_GAP : 0);
    }
    return total;
}

/* The columns from the left whose smallest widths fit. */
static size_t count_fitting(const struct cli_column_width *columns, size_t count,
                            size_t terminal_width)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += columns[i].minimum + (i > 0 ? CLI_TABLE_GAP : 0);
        if (i > 0 && total > terminal_width) {
            return i;
        }
    }
    return count;
}

size_t cli_table_fit(struct cli_column_width *columns, size_t count, size_t terminal_width,
                     size_t cap)
{
    size_t shown_count = count;
    if (terminal_width > 0) {
        size_t high = terminal_width;
        shown_count = count_fitting(columns, count, terminal_width);
        cap = 0; /* the largest that fits is sought; this one does */
        while (cap < high) {
            size_t middle = cap + (high - cap + 1) / 2;
            if (total_width(columns, shown_count, middle) <= terminal_width) {
                cap = middle;
            } else {
                high = middle - 1;
            }
        }
    }
    for (size_t i = 0; i < shown_count; i++) {
        columns[i].width = width_under(&columns[i], cap);
    }
    return shown_count;
}
