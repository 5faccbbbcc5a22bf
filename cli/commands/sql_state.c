/* SPDX-License-Identifier: Apache-2.0 */
/* What a database says of an error beyond its text. Servers count the place in characters, from the
 * first of the statement; one that lies outside of it is not shown. Thread class: free. */
#include "cli/commands/sql_state.h"

#include <inttypes.h>

#include "cflight/sql.h"
#include "cli/system/message.h"
#include "cli/system/text.h"
#include "cli/system/utf8.h"

/* Characters of a long line that are shown before and after the place. */
enum { SHOWN_BEFORE = 40, SHOWN_AFTER = 30 };

/* Moves back to the beginning of the character before the offset. */
static size_t step_back(struct cflight_bytes text, size_t offset)
{
    do {
        offset--;
    } while (offset > 0 && (text.data[offset] & 0xC0) == 0x80);
    return offset;
}

/* The offset of a character, counted from 1; false when the text has not that many. */
static bool find_place(struct cflight_bytes text, int32_t position, size_t *ret_offset)
{
    size_t offset = 0;
    bool is_valid = true;
    for (int32_t i = 1; i < position && offset < text.len_bytes; i++) {
        (void)cli_utf8_next(text, &offset, &is_valid);
    }
    *ret_offset = offset;
    return offset < text.len_bytes;
}

/* The line that the place is in, or of a long one what is around it. */
static struct cflight_bytes cut_line(struct cflight_bytes text, size_t place, size_t *ret_start)
{
    size_t start = place;
    size_t end = place;
    bool is_valid = true;
    for (int i = 0; i < SHOWN_BEFORE && start > 0 && text.data[start - 1] != '\n'; i++) {
        start = step_back(text, start);
    }
    for (int i = 0; i < SHOWN_AFTER && end < text.len_bytes && text.data[end] != '\n'; i++) {
        (void)cli_utf8_next(text, &end, &is_valid);
    }
    *ret_start = start;
    return cflight_bytes_make(text.data + start, end - start);
}

/* "  SELECT * FROM nowhere" and "                ^". */
static void tell_place(struct cflight_bytes text, size_t place)
{
    struct cli_text shown = CLI_TEXT_INIT;
    struct cli_text before = CLI_TEXT_INIT;
    size_t start = 0;
    struct cflight_bytes line = cut_line(text, place, &start);
    cli_utf8_append_message(&shown, line);
    cli_utf8_append_message(&before, cflight_bytes_make(line.data, place - start));
    cli_message("  %s", cli_text_terminated(&shown));
    cli_message("  %*s", (int)cli_utf8_text_width(cli_text_bytes(&before)) + 1, "^");
    cli_text_done(&shown);
    cli_text_done(&before);
}

void cli_sql_tell_state(const cflight_error *error, const struct cli_statement *statement)
{
    struct cflight_sql_error_state state;
    struct cli_text note = CLI_TEXT_INIT;
    size_t place = 0;
    if (error == NULL || !cflight_sql_error_get_state(error, &state)) {
        return;
    }
    if (state.sqlstate[0] != '\0') {
        cli_text_append_format(&note, "SQLSTATE %s", state.sqlstate);
    }
    if (state.position > 0) {
        cli_text_append_format(&note, "%sat character %" PRId32, note.len_bytes > 0 ? ", " : "",
                               state.position);
    }
    if (state.hint.len_bytes > 0) {
        cli_text_append_string(&note, note.len_bytes > 0 ? "; hint: " : "hint: ");
        cli_text_append(&note, state.hint.data, state.hint.len_bytes);
    }
    if (note.len_bytes > 0) {
        cli_message("%s", cli_text_terminated(&note));
    }
    if (state.position > 0 && find_place(statement->text, state.position, &place)) {
        tell_place(statement->text, place);
    }
    cli_text_done(&note);
}
