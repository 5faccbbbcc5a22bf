/* SPDX-License-Identifier: Apache-2.0 */
/* Cells of tables. Every text of the peer is made harmless (cli_utf8_append_visible) before it is
 * measured; of a long value the beginning is looked at only. Owner: of a cell's text. */
#include "cli/values/table_cell.h"

#include <stdlib.h>
#include <string.h>

#include "cli/system/utf8.h"
#include "cli/values/value.h"

enum { CELL_BYTES_MAX = 4096, NESTED_BYTES_MAX = 64 * 1024 };

#define NULL_CELL "<null>"
#define ELLIPSIS "\xe2\x80\xa6"

enum cli_cut cli_cell_cut(const struct cli_column *column)
{
    if (column->dictionary != NULL) {
        return cli_cell_cut(column->dictionary);
    }
    if (column->type.id == CFLIGHT_TYPE_RUN_END_ENCODED) {
        return cli_cell_cut(&column->children[1]);
    }
    if (column->type.id >= CFLIGHT_TYPE_BINARY && column->type.id <= CFLIGHT_TYPE_UTF8_VIEW) {
        return CLI_CUT_ANYWHERE;
    }
    return column->type.id < CFLIGHT_TYPE_LIST ? CLI_CUT_NEVER : CLI_CUT_WORDS;
}

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

/* Takes back what may be the beginning of a number or a time. @return what is left */
static size_t before_number(const char *text, size_t len_bytes)
{
    while (len_bytes > 0 && strchr("0123456789+-.:eETZ", text[len_bytes - 1]) != NULL) {
        len_bytes--;
    }
    return len_bytes;
}

static cflight_status make_cell(struct cli_cell *ret_cell, struct cflight_bytes bytes,
                                const char *quote, enum cli_cut cut, cflight_error **reterr)
{
    struct cli_text visible = CLI_TEXT_INIT;
    struct cflight_bytes shown = shorten(bytes);
    if (shown.len_bytes < bytes.len_bytes && cut == CLI_CUT_WORDS) {
        shown.len_bytes = before_number((const char *)shown.data, shown.len_bytes);
    }
    cli_text_append_string(&visible, quote);
    cli_utf8_append_visible(&visible, shown);
    cli_text_append_string(&visible, shown.len_bytes < bytes.len_bytes ? ELLIPSIS : "");
    cli_text_append_string(&visible, quote);
    struct cli_cell cell = {.width = cli_utf8_text_width(cli_text_bytes(&visible))};
    cflight_status status = cli_text_take(&visible, &cell.text, reterr);
    if (status == CFLIGHT_OK) {
        *ret_cell = cell;
    }
    return status;
}

cflight_status cli_cell_of_text(struct cli_cell *ret_cell, struct cflight_bytes bytes,
                                cflight_error **reterr)
{
    return make_cell(ret_cell, bytes, "", CLI_CUT_ANYWHERE, reterr);
}

cflight_status cli_cell_of_value(struct cli_cell *ret_cell, const struct cli_column *column,
                                 const struct ArrowArray *array, int64_t index,
                                 struct cli_text *scratch, cflight_error **reterr)
{
    struct cflight_bytes null_text = cflight_bytes_from_text(NULL_CELL);
    if (cli_value_is_null(column, array, index)) {
        cflight_status status = make_cell(ret_cell, null_text, "", CLI_CUT_ANYWHERE, reterr);
        ret_cell->is_null = status == CFLIGHT_OK;
        return status;
    }
    enum cli_cut cut = cli_cell_cut(column);
    cli_text_clear(scratch);
    /* Of a list without end the beginning is enough; more than is shown tells that there is more.
     */
    scratch->limit_bytes = cut == CLI_CUT_WORDS ? NESTED_BYTES_MAX : 0;
    cli_value_append_plain(scratch, column, array, index);
    cflight_status status = scratch->is_full ? CFLIGHT_OK : cli_text_status(scratch, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_bytes bytes = cli_text_bytes(scratch);
    return make_cell(ret_cell, bytes, cflight_bytes_equal(bytes, null_text) ? "\"" : "", cut,
                     reterr);
}

size_t cli_cell_append_cut(struct cli_text *line, const struct cli_cell *cell, size_t width,
                           enum cli_cut cut)
{
    struct cflight_bytes bytes = cflight_bytes_from_text(cell->text);
    size_t start = line->len_bytes;
    size_t used = 0;
    if (cell->width <= width || (cut == CLI_CUT_NEVER && !cell->is_null)) {
        cli_text_append(line, bytes.data, bytes.len_bytes);
        return cell->width;
    }
    for (size_t offset = 0; offset < bytes.len_bytes;) {
        size_t next = offset;
        size_t cluster_width = cli_utf8_next_cluster(bytes, &next);
        if (used + cluster_width + 1 > width) {
            break;
        }
        cli_text_append(line, bytes.data + offset, next - offset);
        used += cluster_width;
        offset = next;
    }
    if (cut == CLI_CUT_WORDS && !line->failed) {
        size_t kept = before_number(line->data + start, line->len_bytes - start);
        used -= line->len_bytes - start - kept;
        cli_text_truncate(line, start + kept);
    }
    cli_text_append_string(line, ELLIPSIS);
    return used + 1;
}

void cli_cell_done(struct cli_cell *cell)
{
    free(cell->text);
    memset(cell, 0, sizeof *cell);
}
