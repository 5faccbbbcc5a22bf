/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_VALUES_TABLE_CELL_H
#define CFLIGHT_CLI_VALUES_TABLE_CELL_H

#include "cli/system/text.h"
#include "cli/values/column.h"

/* Cells of tables: values as text that is harmless to show, and its width. Thread class: one at a
 * time. */
struct cli_cell {
    char *text;
    size_t width;
    bool is_null;
};

/* What may happen to a cell that is wider than its column. */
enum cli_cut {
    CLI_CUT_NEVER,    /* numbers and times: a part of one is another one */
    CLI_CUT_WORDS,    /* values in values: not inside of what may be a number */
    CLI_CUT_ANYWHERE, /* text and binary */
};
enum cli_cut cli_cell_cut(const struct cli_column *column);

cflight_status cli_cell_of_text(struct cli_cell *ret_cell, struct cflight_bytes bytes,
                                cflight_error **reterr);
/* `scratch` is memory that is used again. */
cflight_status cli_cell_of_value(struct cli_cell *ret_cell, const struct cli_column *column,
                                 const struct ArrowArray *array, int64_t index,
                                 struct cli_text *scratch, cflight_error **reterr);
/* Appends a text in at most `width` columns, an ellipsis in the place of what is cut. @return
 * columns used */
size_t cli_cell_append_cut(struct cli_text *line, const struct cli_cell *cell, size_t width,
                           enum cli_cut cut);
/* Empties a cell; safe to repeat. */
void cli_cell_done(struct cli_cell *cell);

#endif /* CFLIGHT_CLI_VALUES_TABLE_CELL_H */
