/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated values (RFC 4180, with line feeds as line ends): a header row, then a row per
 * row.
 *
 * A null is an empty field, an empty text is a quoted empty field. A null that is alone in its row
 * is quoted too, because readers skip empty lines, and the row with them. A field is quoted when it
 * holds a comma, a quote, a line end, or a blank at its start or end; quotes inside are doubled. */

#include "cli/values/sink_text.h"
#include "cli/values/value.h"

static bool needs_quotes(const char *field, size_t len_bytes)
{
    if (len_bytes == 0 || field[0] == ' ' || field[len_bytes - 1] == ' ') {
        return true;
    }
    for (size_t i = 0; i < len_bytes; i++) {
        if (field[i] == ',' || field[i] == '"' || field[i] == '\n' || field[i] == '\r') {
            return true;
        }
    }
    return false;
}

/* Quotes the field that was appended since `start`, if it needs it. */
static void quote_field(struct cli_text *text, size_t start)
{
    if (text->failed || !needs_quotes(text->data + start, text->len_bytes - start)) {
        return;
    }
    size_t quote_count = 0;
    for (size_t i = start; i < text->len_bytes; i++) {
        quote_count += text->data[i] == '"';
    }
    if (!cli_text_reserve(text, quote_count + 2)) {
        return;
    }
    /* From the end, so that every byte moves once: the gap is what is still to be inserted before
     * it. */
    size_t target = text->len_bytes + quote_count + 2;
    text->len_bytes = target;
    text->data[--target] = '"';
    for (size_t source = target - quote_count - 1; source-- > start;) {
        text->data[--target] = text->data[source];
        if (text->data[source] == '"') {
            text->data[--target] = '"';
        }
    }
    text->data[--target] = '"';
}

static cflight_status csv_begin(struct cli_sink *sink, const struct ArrowSchema *schema,
                                cflight_error **reterr)
{
    struct cli_sink_text *self = (struct cli_sink_text *)sink;
    (void)schema;
    for (size_t i = 0; i < self->sink.root.child_count; i++) {
        if (i > 0) {
            cli_text_append_char(&self->text, ',');
        }
        size_t start = self->text.len_bytes;
        cli_text_append_string(&self->text, self->sink.root.children[i].name);
        quote_field(&self->text, start);
    }
    cli_text_append_char(&self->text, '\n');
    return cli_sink_text_flush_some(self, reterr);
}

static void append_row(struct cli_sink_text *self, const struct ArrowArray *batch, int64_t row)
{
    for (size_t i = 0; i < self->sink.root.child_count; i++) {
        const struct cli_column *column = &self->sink.root.children[i];
        if (i > 0) {
            cli_text_append_char(&self->text, ',');
        }
        if (cli_value_is_null(column, batch->children[i], batch->offset + row)) {
            cli_text_append_string(&self->text, self->sink.root.child_count == 1 ? "\"\"" : "");
            continue;
        }
        size_t start = self->text.len_bytes;
        cli_value_append_plain(&self->text, column, batch->children[i], batch->offset + row);
        quote_field(&self->text, start);
    }
    cli_text_append_char(&self->text, '\n');
}

static cflight_status csv_write(struct cli_sink *sink, const struct ArrowArray *batch,
                                cflight_error **reterr)
{
    struct cli_sink_text *self = (struct cli_sink_text *)sink;
    cflight_status status = CFLIGHT_OK;
    cli_sink_text_limit(self, batch);
    for (int64_t row = 0; row < batch->length && status == CFLIGHT_OK; row++) {
        append_row(self, batch, row);
        status = cli_sink_text_flush_some(self, reterr);
    }
    return status;
}

struct cli_sink *cli_sink_new_csv(struct cli_output *output)
{
    static const struct cli_sink_functions functions = {
        .begin = csv_begin,
        .write = csv_write,
        .end = cli_sink_text_end,
        .done = cli_sink_text_done,
    };
    return cli_sink_text_new(output, &functions);
}
