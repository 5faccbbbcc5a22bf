/* SPDX-License-Identifier: Apache-2.0 */
/* The first rows as a table: names, types, a rule, then the rows.
 *
 * Cells are kept as text until the end, when the widths are known. Every text of the peer is made
 * harmless (cli_text_append_visible) before it is measured. A table that is too wide gives up width
 * at its widest columns first, and last whole columns at the right, with a note of how many. */
#include <string.h>

#include "cli/memory.h"
#include "cli/sink.h"
#include "cli/utf8.h"
#include "cli/value.h"

enum {
    HEADER_ROWS = 2,       /* name and type */
    CELL_WIDTH_MAX = 64,   /* without a terminal to fit */
    CELL_WIDTH_MIN = 8,    /* cells are not cut below this before columns are dropped */
    CELL_BYTES_MAX = 4096, /* of a value that is looked at */
    TYPE_WIDTH_MAX = 16,   /* what a type may ask for */
    GAP = 2,
};

#define NULL_CELL "<null>"
#define ELLIPSIS "\xe2\x80\xa6"

struct cell {
    char *text;
    size_t width;
    bool is_null;
};

struct table_sink {
    struct cli_sink sink;
    struct cli_output *output;
    size_t terminal_width;
    bool has_style;
    struct cli_column root;
    struct cell *cells; /* row by row, the two header rows first */
    size_t cell_count;
    size_t cell_capacity;
    struct cli_text scratch;
    struct cli_text line;
};

/* Cuts a text to CELL_BYTES_MAX bytes, not inside a character. */
static struct cflight_bytes shorten(struct cflight_bytes bytes)
{
    if (bytes.len_bytes > CELL_BYTES_MAX) {
        bytes.len_bytes = CELL_BYTES_MAX;
        while (bytes.len_bytes > 0 && (bytes.data[bytes.len_bytes] & 0xC0) == 0x80) {
            bytes.len_bytes--;
        }
    }
    return bytes;
}

static cflight_status add_cell(struct table_sink *self, struct cflight_bytes bytes, bool is_null,
                               cflight_error **reterr)
{
    struct cli_text visible = CLI_TEXT_INIT;
    void *cells = self->cells;
    bool is_quoted = !is_null && cflight_bytes_equal(bytes, cflight_bytes_from_text(NULL_CELL));
    cli_text_append_string(&visible, is_quoted ? "\"" : "");
    cli_text_append_visible(&visible, shorten(bytes));
    cli_text_append_string(&visible, is_quoted ? "\"" : "");
    (void)cli_text_terminated(&visible);
    if (visible.failed ||
        !cli_grow_array(&cells, &self->cell_capacity, self->cell_count + 1, sizeof *self->cells)) {
        cli_text_done(&visible);
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                         "out of memory for the table");
    }
    self->cells = cells;
    struct cell cell = {visible.data, cli_utf8_text_width(cli_text_bytes(&visible)), is_null};
    self->cells[self->cell_count++] = cell;
    return CFLIGHT_OK;
}

static cflight_status table_begin(struct cli_sink *sink, const struct ArrowSchema *schema,
                                  cflight_error **reterr)
{
    struct table_sink *self = (struct table_sink *)sink;
    cflight_status status = cli_column_init(&self->root, schema, reterr);
    for (size_t i = 0; status == CFLIGHT_OK && i < self->root.child_count; i++) {
        status =
            add_cell(self, cflight_bytes_from_text(self->root.children[i].name), false, reterr);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < self->root.child_count; i++) {
        char *type_text = NULL;
        status = cflight_schema_type_text(schema->children[i], &type_text, reterr);
        if (status == CFLIGHT_OK) {
            status = add_cell(self, cflight_bytes_from_text(type_text), false, reterr);
            cflight_text_free(type_text);
        }
    }
    return status;
}

static cflight_status add_value(struct table_sink *self, const struct ArrowArray *batch,
                                size_t column_index, int64_t row, cflight_error **reterr)
{
    const struct cli_column *column = &self->root.children[column_index];
    const struct ArrowArray *array = batch->children[column_index];
    if (cli_value_is_null(column, array, batch->offset + row)) {
        return add_cell(self, cflight_bytes_from_text(NULL_CELL), true, reterr);
    }
    cli_text_clear(&self->scratch);
    cli_value_append_plain(&self->scratch, column, array, batch->offset + row);
    cflight_status status = cli_text_status(&self->scratch, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return add_cell(self, cli_text_bytes(&self->scratch), false, reterr);
}

static cflight_status table_write(struct cli_sink *sink, const struct ArrowArray *batch,
                                  cflight_error **reterr)
{
    struct table_sink *self = (struct table_sink *)sink;
    cflight_status status = CFLIGHT_OK;
    for (int64_t row = 0; row < batch->length; row++) {
        for (size_t i = 0; status == CFLIGHT_OK && i < self->root.child_count; i++) {
            status = add_value(self, batch, i, row, reterr);
        }
    }
    return status;
}

/* Natural widths of the columns. A long type does not make a column wide: it is cut instead. */
static void measure(const struct table_sink *self, size_t *widths)
{
    size_t column_count = self->root.child_count;
    for (size_t i = 0; i < self->cell_count; i++) {
        bool is_type = i / column_count == 1;
        size_t width = self->cells[i].width;
        width = is_type && width > TYPE_WIDTH_MAX ? TYPE_WIDTH_MAX : width;
        width = width == 0 ? 1 : width;
        if (width > widths[i % column_count]) {
            widths[i % column_count] = width;
        }
    }
}

static size_t total_width(const size_t *widths, size_t column_count, size_t cap)
{
    size_t total = 0;
    for (size_t i = 0; i < column_count; i++) {
        total += (widths[i] < cap ? widths[i] : cap) + (i > 0 ? GAP : 0);
    }
    return total;
}

/* Caps the widths so that the columns fit. @return how many columns are shown */
static size_t fit(const struct table_sink *self, size_t *widths)
{
    size_t shown_count = self->root.child_count;
    size_t cap = CELL_WIDTH_MAX;
    if (self->terminal_width > 0) {
        while (shown_count > 1 &&
               total_width(widths, shown_count, CELL_WIDTH_MIN) > self->terminal_width) {
            shown_count--;
        }
        cap = self->terminal_width;
        while (cap > CELL_WIDTH_MIN &&
               total_width(widths, shown_count, cap) > self->terminal_width) {
            cap--;
        }
    }
    for (size_t i = 0; i < shown_count; i++) {
        widths[i] = widths[i] < cap ? widths[i] : cap;
    }
    return shown_count;
}

/* Appends as many characters as fit in one column less than `width`, then an ellipsis. @return
 * columns used */
static size_t append_cut(struct cli_text *line, struct cflight_bytes bytes, size_t width)
{
    size_t used = 0;
    size_t offset = 0;
    while (offset < bytes.len_bytes) {
        size_t next = offset;
        bool is_valid = false;
        size_t character_width = (size_t)cli_utf8_width(cli_utf8_next(bytes, &next, &is_valid));
        if (used + character_width > width - 1) {
            break;
        }
        cli_text_append(line, bytes.data + offset, next - offset);
        used += character_width;
        offset = next;
    }
    cli_text_append_string(line, ELLIPSIS);
    return used + 1;
}

static void append_cell(struct table_sink *self, const struct cell *cell, size_t width,
                        bool is_right, bool is_last)
{
    struct cli_text *line = &self->line;
    size_t padding = cell->width < width ? width - cell->width : 0;
    bool is_dim = self->has_style && cell->is_null;
    if (is_right) {
        cli_text_append_repeated(line, ' ', padding);
    }
    cli_text_append_string(line, is_dim ? "\x1b[2m" : "");
    if (cell->width <= width) {
        cli_text_append_string(line, cell->text);
    } else {
        padding = width - append_cut(line, cflight_bytes_from_text(cell->text), width);
    }
    cli_text_append_string(line, is_dim ? "\x1b[0m" : "");
    if (!is_right && !is_last) {
        cli_text_append_repeated(line, ' ', padding);
    }
}

static cflight_status end_line(struct table_sink *self, cflight_error **reterr)
{
    cli_text_append_char(&self->line, '\n');
    cflight_status status = cli_text_status(&self->line, reterr);
    if (status == CFLIGHT_OK &&
        cli_output_write_text(self->output, cli_text_bytes(&self->line)) != 0) {
        status = cli_output_error(self->output, reterr);
    }
    cli_text_clear(&self->line);
    return status;
}

/* Row 0 is the names (bold), row 1 the types (dim). */
static cflight_status print_row(struct table_sink *self, size_t row, const size_t *widths,
                                size_t shown_count, cflight_error **reterr)
{
    const char *style = row == 0 ? "\x1b[1m" : "\x1b[2m";
    bool has_row_style = self->has_style && row < HEADER_ROWS;
    cli_text_append_string(&self->line, has_row_style ? style : "");
    for (size_t i = 0; i < shown_count; i++) {
        const struct cell *cell = &self->cells[row * self->root.child_count + i];
        cli_text_append_repeated(&self->line, ' ', i > 0 ? GAP : 0);
        append_cell(self, cell, widths[i], cli_column_is_number(&self->root.children[i]),
                    i + 1 == shown_count);
    }
    cli_text_append_string(&self->line, has_row_style ? "\x1b[0m" : "");
    return end_line(self, reterr);
}

static cflight_status print_rule(struct table_sink *self, const size_t *widths, size_t shown_count,
                                 cflight_error **reterr)
{
    for (size_t i = 0; i < shown_count; i++) {
        cli_text_append_repeated(&self->line, ' ', i > 0 ? GAP : 0);
        cli_text_append_repeated(&self->line, '-', widths[i]);
    }
    return end_line(self, reterr);
}

static cflight_status print_table(struct table_sink *self, size_t *widths, cflight_error **reterr)
{
    size_t column_count = self->root.child_count;
    measure(self, widths);
    size_t shown_count = fit(self, widths);
    cflight_status status = CFLIGHT_OK;
    for (size_t row = 0; status == CFLIGHT_OK && row < self->cell_count / column_count; row++) {
        status = print_row(self, row, widths, shown_count, reterr);
        if (status == CFLIGHT_OK && row + 1 == HEADER_ROWS) {
            status = print_rule(self, widths, shown_count, reterr);
        }
    }
    if (status == CFLIGHT_OK && shown_count < column_count) {
        cli_text_append_format(&self->line, ELLIPSIS " and %zu more %s", column_count - shown_count,
                               column_count - shown_count == 1 ? "column" : "columns");
        status = end_line(self, reterr);
    }
    return status;
}

static cflight_status table_end(struct cli_sink *sink, cflight_error **reterr)
{
    struct table_sink *self = (struct table_sink *)sink;
    if (self->root.child_count == 0) {
        return CFLIGHT_OK;
    }
    size_t *widths = cli_alloc_array(self->root.child_count, sizeof *widths);
    if (widths == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                         "out of memory for the table");
    }
    cflight_status status = print_table(self, widths, reterr);
    cli_free(widths);
    return status;
}

static void table_free(struct cli_sink *sink)
{
    struct table_sink *self = (struct table_sink *)sink;
    for (size_t i = 0; i < self->cell_count; i++) {
        cli_free(self->cells[i].text);
    }
    cli_free(self->cells);
    cli_column_done(&self->root);
    cli_text_done(&self->scratch);
    cli_text_done(&self->line);
    cli_free(self);
}

struct cli_sink *cli_sink_new_table(struct cli_output *output, size_t width, bool has_style)
{
    static const struct cli_sink_functions functions = {table_begin, table_write, table_end,
                                                        table_free};
    struct table_sink *self = cli_alloc_array(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->sink.functions = &functions;
    self->output = output;
    self->terminal_width = width;
    self->has_style = has_style;
    return &self->sink;
}
