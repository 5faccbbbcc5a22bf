/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as a table: names, types, a rule, then the rows.
 *
 * The first rows are kept until the widths are known from them; later ones are printed as they
 * come, so memory does not grow with the rows. Text that is too wide is cut, numbers and times
 * never are: where there is no room for one, columns at the right are left out and named, and one
 * that comes later and is wider than its column pushes its row aside. */
#include <stdlib.h>
#include <string.h>

#include "cli/system/memory.h"
#include "cli/system/os_error.h"
#include "cli/values/sink.h"
#include "cli/values/table_cell.h"
#include "cli/values/table_layout.h"

enum {
    HEADER_ROWS = 2,             /* name and type */
    CELL_WIDTH_MAX = 64,         /* of text, without a terminal to fit */
    CELL_WIDTH_MIN = 8,          /* text is not cut below this before columns are left out */
    TYPE_WIDTH_MAX = 16,         /* what a type may ask for */
    MEASURED_ROWS = 1000,        /* and cells: */
    MEASURED_CELLS = 256 * 1024, /* the widths are those of the rows up to here */
    NAMED_WIDTH_MAX = 240,       /* for the names of columns that are left out */
};

#define ELLIPSIS "\xe2\x80\xa6"

struct table_sink {
    struct cli_sink sink;
    size_t terminal_width;
    bool has_style;
    struct cli_cell *cells; /* row by row, the two header rows first; one row once it is laid out */
    size_t cell_count;
    size_t cell_capacity;
    struct cli_column_width *widths;
    size_t shown_count;
    bool is_laid_out;
    struct cli_text scratch;
    struct cli_text line;
};

static cflight_status no_memory(cflight_error **reterr)
{
    return cli_error_no_memory(reterr, "making a table");
}

/* Room for one more cell; NULL for none. */
static struct cli_cell *next_cell(struct table_sink *self)
{
    void *cells = self->cells;
    if (!cli_grow_array(&cells, &self->cell_capacity, self->cell_count + 1, sizeof *self->cells)) {
        return NULL;
    }
    self->cells = cells;
    struct cli_cell *cell = &self->cells[self->cell_count];
    memset(cell, 0, sizeof *cell);
    return cell;
}

static cflight_status add_text(struct table_sink *self, const char *text, cflight_error **reterr)
{
    struct cli_cell *cell = next_cell(self);
    if (cell == NULL) {
        return no_memory(reterr);
    }
    cflight_status status = cli_cell_of_text(cell, cflight_bytes_from_text(text), reterr);
    self->cell_count += status == CFLIGHT_OK ? 1 : 0;
    return status;
}

static cflight_status table_begin(struct cli_sink *sink, const struct ArrowSchema *schema,
                                  cflight_error **reterr)
{
    struct table_sink *self = (struct table_sink *)sink;
    cflight_status status = CFLIGHT_OK;
    size_t count = self->sink.root.child_count;
    for (size_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        status = add_text(self, self->sink.root.children[i].name, reterr);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        char *type_text = NULL;
        status = cflight_schema_type_text(schema->children[i], &type_text, reterr);
        if (status == CFLIGHT_OK) {
            status = add_text(self, type_text, reterr);
            cflight_text_free(type_text);
        }
    }
    self->widths = calloc(count, sizeof *self->widths);
    return status == CFLIGHT_OK && count > 0 && self->widths == NULL ? no_memory(reterr) : status;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What the columns want and need. A long type does not make a column wide: it is cut instead, and
 * so are the names of columns of numbers. */
static void measure(struct table_sink *self)
{
    size_t column_count = self->sink.root.child_count;
    for (size_t i = 0; i < self->cell_count; i++) {
        struct cli_column_width *column = &self->widths[i % column_count];
        bool is_rigid = cli_cell_cut(&self->sink.root.children[i % column_count]) == CLI_CUT_NEVER;
        size_t row = i / column_count;
        size_t width = self->cells[i].width;
        width = row == 1 ? least(width, TYPE_WIDTH_MAX) : width;
        width = width == 0 ? 1 : width;
        size_t needed = is_rigid && row >= HEADER_ROWS ? width : least(width, CELL_WIDTH_MIN);
        column->wanted = width > column->wanted ? width : column->wanted;
        column->minimum = needed > column->minimum ? needed : column->minimum;
    }
}

static void append_cell(struct table_sink *self, const struct cli_cell *cell, size_t column_index,
                        bool is_header)
{
    struct cli_text *line = &self->line;
    const struct cli_column *column = &self->sink.root.children[column_index];
    size_t width = self->widths[column_index].width;
    enum cli_cut cut = is_header ? CLI_CUT_ANYWHERE : cli_cell_cut(column);
    bool is_right = cli_column_is_number(column);
    bool is_dim = self->has_style && cell->is_null;
    if (is_right && cell->width < width) {
        cli_text_append_repeated(line, ' ', width - cell->width);
    }
    cli_text_append_string(line, is_dim ? "\x1b[2m" : "");
    size_t used = cli_cell_append_cut(line, cell, width, cut);
    cli_text_append_string(line, is_dim ? "\x1b[0m" : "");
    if (!is_right && used < width && column_index + 1 < self->shown_count) {
        cli_text_append_repeated(line, ' ', width - used);
    }
}

static cflight_status end_line(struct table_sink *self, cflight_error **reterr)
{
    cli_text_append_char(&self->line, '\n');
    return cli_sink_print(&self->sink, &self->line, reterr);
}

/* Row 0 is the names (bold), row 1 the types (dim). */
static cflight_status print_row(struct table_sink *self, const struct cli_cell *cells, size_t row,
                                cflight_error **reterr)
{
    const char *style = row == 0 ? "\x1b[1m" : "\x1b[2m";
    bool is_header = row < HEADER_ROWS;
    cli_text_append_string(&self->line, self->has_style && is_header ? style : "");
    for (size_t i = 0; i < self->shown_count; i++) {
        cli_text_append_repeated(&self->line, ' ', i > 0 ? CLI_TABLE_GAP : 0);
        append_cell(self, &cells[i], i, is_header);
    }
    cli_text_append_string(&self->line, self->has_style && is_header ? "\x1b[0m" : "");
    return end_line(self, reterr);
}

static cflight_status print_rule(struct table_sink *self, cflight_error **reterr)
{
    for (size_t i = 0; i < self->shown_count; i++) {
        cli_text_append_repeated(&self->line, ' ', i > 0 ? CLI_TABLE_GAP : 0);
        cli_text_append_repeated(&self->line, '-', self->widths[i].width);
    }
    return end_line(self, reterr);
}

static void drop_cells(struct table_sink *self)
{
    for (size_t i = 0; i < self->cell_count; i++) {
        cli_cell_done(&self->cells[i]);
    }
    self->cell_count = 0;
}

/* Finds the widths from the cells there are, and prints them. */
static cflight_status lay_out(struct table_sink *self, cflight_error **reterr)
{
    size_t column_count = self->sink.root.child_count;
    measure(self);
    self->shown_count =
        cli_table_fit(self->widths, column_count, self->terminal_width, CELL_WIDTH_MAX);
    self->is_laid_out = true;
    cflight_status status = CFLIGHT_OK;
    for (size_t row = 0; status == CFLIGHT_OK && row < self->cell_count / column_count; row++) {
        status = print_row(self, &self->cells[row * column_count], row, reterr);
        if (status == CFLIGHT_OK && row + 1 == HEADER_ROWS) {
            status = print_rule(self, reterr);
        }
    }
    drop_cells(self);
    return status;
}

static cflight_status add_row(struct table_sink *self, const struct ArrowArray *batch, int64_t row,
                              cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    size_t count = self->is_laid_out ? self->shown_count : self->sink.root.child_count;
    for (size_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        struct cli_cell *cell = next_cell(self);
        status = cell == NULL
                     ? no_memory(reterr)
                     : cli_cell_of_value(cell, &self->sink.root.children[i], batch->children[i],
                                         batch->offset + row, &self->scratch, reterr);
        self->cell_count += status == CFLIGHT_OK ? 1 : 0;
    }
    return status;
}

static cflight_status table_write(struct cli_sink *sink, const struct ArrowArray *batch,
                                  cflight_error **reterr)
{
    struct table_sink *self = (struct table_sink *)sink;
    size_t column_count = self->sink.root.child_count;
    cflight_status status = CFLIGHT_OK;
    for (int64_t row = 0; column_count > 0 && status == CFLIGHT_OK && row < batch->length; row++) {
        status = add_row(self, batch, row, reterr);
        if (status == CFLIGHT_OK && self->is_laid_out) {
            status = print_row(self, self->cells, HEADER_ROWS, reterr);
            drop_cells(self);
        } else if (status == CFLIGHT_OK &&
                   (self->cell_count >= MEASURED_CELLS ||
                    self->cell_count / column_count >= MEASURED_ROWS + HEADER_ROWS)) {
            status = lay_out(self, reterr);
        }
    }
    return status;
}

/* Appends the name of a column that was left out; a line that gets too long is ended before it. */
static cflight_status append_left_out(struct table_sink *self, size_t index, size_t *line_width,
                                      size_t *ret_name_width, cflight_error **reterr)
{
    struct cli_cell name;
    const char *text = self->sink.root.children[index].name;
    size_t cap = self->terminal_width > 2 * CLI_TABLE_GAP
                     ? least(self->terminal_width - 2 * CLI_TABLE_GAP, CELL_WIDTH_MAX)
                     : CELL_WIDTH_MAX;
    cflight_status status = cli_cell_of_text(&name, cflight_bytes_from_text(text), reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    size_t width = least(name.width, cap);
    bool is_first = index == self->shown_count;
    cli_text_append_string(&self->line, is_first ? "" : ",");
    if (!is_first && *line_width + width + 2 > self->terminal_width && self->terminal_width > 0) {
        status = end_line(self, reterr);
        *line_width = 0;
    }
    cli_text_append_repeated(&self->line, ' ', *line_width == 0 ? CLI_TABLE_GAP : 1);
    (void)cli_cell_append_cut(&self->line, &name, cap, CLI_CUT_ANYWHERE);
    *line_width += width + (*line_width == 0 ? CLI_TABLE_GAP : 1) + 1; /* and a comma */
    *ret_name_width = width;
    cli_cell_done(&name);
    return status;
}

/* Says which columns there was no room for, as far as a few lines go. */
static cflight_status name_left_out(struct table_sink *self, cflight_error **reterr)
{
    size_t count = self->sink.root.child_count - self->shown_count;
    size_t line_width = 0;
    size_t named_width = 0;
    cli_text_append_format(&self->line, ELLIPSIS " and %zu more %s (--vertical shows all):", count,
                           count == 1 ? "column" : "columns");
    cflight_status status = end_line(self, reterr);
    for (size_t i = self->shown_count; status == CFLIGHT_OK && i < self->sink.root.child_count;
         i++) {
        size_t width = 0;
        if (named_width > NAMED_WIDTH_MAX) {
            cli_text_append_string(&self->line, ", " ELLIPSIS);
            break;
        }
        status = append_left_out(self, i, &line_width, &width, reterr);
        named_width += width;
    }
    return status == CFLIGHT_OK ? end_line(self, reterr) : status;
}

static cflight_status table_end(struct cli_sink *sink, cflight_error **reterr)
{
    struct table_sink *self = (struct table_sink *)sink;
    cflight_status status = CFLIGHT_OK;
    if (self->sink.root.child_count == 0) {
        return CFLIGHT_OK;
    }
    if (!self->is_laid_out) {
        status = lay_out(self, reterr);
    }
    if (status == CFLIGHT_OK && self->shown_count < self->sink.root.child_count) {
        status = name_left_out(self, reterr);
    }
    return status;
}

static void table_done(struct cli_sink *sink)
{
    struct table_sink *self = (struct table_sink *)sink;
    drop_cells(self);
    free(self->cells);
    free(self->widths);
    cli_text_done(&self->scratch);
    cli_text_done(&self->line);
}

struct cli_sink *cli_sink_new_table(struct cli_output *output, size_t width, bool has_style)
{
    static const struct cli_sink_functions functions = {
        .begin = table_begin,
        .write = table_write,
        .end = table_end,
        .done = table_done,
    };
    struct table_sink *self = cli_sink_alloc(sizeof *self, &functions, output);
    if (self == NULL) {
        return NULL;
    }
    self->terminal_width = width;
    self->has_style = has_style;
    return &self->sink;
}
