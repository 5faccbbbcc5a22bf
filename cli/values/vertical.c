/* SPDX-License-Identifier: Apache-2.0 */
/* Rows one below the other: a line with the row's number, then a line for each column, its name and
 * its value. Nothing is left out and no value is cut to a width. Rows are printed as they come. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/system/os_error.h"
#include "cli/values/sink.h"
#include "cli/values/table_cell.h"

enum { NAME_WIDTH_MAX = 40 }; /* longer names stand on lines of their own length */

struct vertical_sink {
    struct cli_sink sink;
    bool has_style;
    struct cli_cell *names;
    size_t name_width;
    int64_t row_count;
    struct cli_text scratch;
    struct cli_text text;
};

static cflight_status vertical_begin(struct cli_sink *sink, const struct ArrowSchema *schema,
                                     cflight_error **reterr)
{
    struct vertical_sink *self = (struct vertical_sink *)sink;
    cflight_status status = CFLIGHT_OK;
    size_t count = self->sink.root.child_count;
    (void)schema;
    self->names = calloc(count, sizeof *self->names);
    if (count > 0 && self->names == NULL) {
        return cli_error_no_memory(reterr, "making rows");
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        struct cli_cell *name = &self->names[i];
        status = cli_cell_of_text(name, cflight_bytes_from_text(self->sink.root.children[i].name),
                                  reterr);
        if (status == CFLIGHT_OK && name->width > self->name_width) {
            self->name_width = name->width;
        }
    }
    self->name_width = self->name_width < NAME_WIDTH_MAX ? self->name_width : NAME_WIDTH_MAX;
    return status;
}

static cflight_status print_value(struct vertical_sink *self, size_t column,
                                  const struct ArrowArray *batch, int64_t row,
                                  cflight_error **reterr)
{
    struct cli_cell value = {0};
    const struct cli_cell *name = &self->names[column];
    cflight_status status =
        cli_cell_of_value(&value, &self->sink.root.children[column], batch->children[column],
                          batch->offset + row, &self->scratch, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cli_text_append_string(&self->text, name->text);
    cli_text_append_repeated(&self->text, ' ',
                             name->width < self->name_width ? self->name_width - name->width : 0);
    cli_text_append_string(&self->text, self->has_style && value.is_null ? "  \x1b[2m" : "  ");
    cli_text_append_string(&self->text, value.text);
    cli_text_append_string(&self->text, self->has_style && value.is_null ? "\x1b[0m\n" : "\n");
    cli_cell_done(&value);
    return cli_sink_print(&self->sink, &self->text, reterr);
}

static cflight_status vertical_write(struct cli_sink *sink, const struct ArrowArray *batch,
                                     cflight_error **reterr)
{
    struct vertical_sink *self = (struct vertical_sink *)sink;
    cflight_status status = CFLIGHT_OK;
    for (int64_t row = 0; status == CFLIGHT_OK && row < batch->length; row++) {
        cli_text_append_format(&self->text, "%s-- row %" PRId64 " --%s\n",
                               self->has_style ? "\x1b[1m" : "", ++self->row_count,
                               self->has_style ? "\x1b[0m" : "");
        status = cli_sink_print(&self->sink, &self->text, reterr);
        for (size_t i = 0; status == CFLIGHT_OK && i < self->sink.root.child_count; i++) {
            status = print_value(self, i, batch, row, reterr);
        }
    }
    return status;
}

static void vertical_done(struct cli_sink *sink)
{
    struct vertical_sink *self = (struct vertical_sink *)sink;
    for (size_t i = 0; self->names != NULL && i < self->sink.root.child_count; i++) {
        cli_cell_done(&self->names[i]);
    }
    free(self->names);
    cli_text_done(&self->scratch);
    cli_text_done(&self->text);
}

struct cli_sink *cli_sink_new_vertical(struct cli_output *output, bool has_style)
{
    static const struct cli_sink_functions functions = {
        .begin = vertical_begin,
        .write = vertical_write,
        .done = vertical_done,
    };
    struct vertical_sink *self = cli_sink_alloc(sizeof *self, &functions, output);
    if (self == NULL) {
        return NULL;
    }
    self->has_style = has_style;
    return &self->sink;
}
