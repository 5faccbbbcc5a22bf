/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_STATEMENTS_H
#define CFLIGHT_CLI_CLIENT_STATEMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "cflight/bytes.h"
#include "cflight/error.h"

/* Statements of SQL as a script has them: with ';' between them, which counts for nothing in
 * quotes and comments. */

struct cli_statement {
    struct cflight_bytes text; /* without the ';' and blanks at the ends */
    struct cflight_bytes word; /* the first, behind comments and '('; empty for none */
    size_t line;               /* where the text begins, from 1 */
};

/* Where a script was read up to; starts zeroed, but for the first two. Thread class: one at a time.
 */
struct cli_script {
    struct cflight_bytes text;
    bool is_single; /* one statement, whatever ';' it has but for those at its end */
    size_t offset;
    size_t line_count; /* line ends before the offset */
};

/* Finds the next statement; what has nothing but comments is none. Views of the script.
 * @return CFLIGHT_OK, with an empty text at the end; CFLIGHT_INVALID_ARGUMENT (a quote or comment
 * without an end) */
cflight_status cli_script_next(struct cli_script *script, struct cli_statement *ret_statement,
                               cflight_error **reterr);

/* The same of a text that is still being typed, which a ';' must end. Without one the offset stays
 * where the statement begins.
 * @param ret_is_open  Whether one was begun and has no end; `*ret_mark` is what is open in it: a
 *                     quote, '$', '*' of a comment, '-' for nothing of these. */
void cli_script_next_typed(struct cli_script *script, struct cli_statement *ret_statement,
                           bool *ret_is_open, char *ret_mark);

/* Statements that are nothing but the begin or the end of a transaction: BEGIN, START TRANSACTION,
 * COMMIT, END, ROLLBACK, ABORT, perhaps with TRANSACTION or WORK. */
enum cli_statement_control {
    CLI_CONTROL_NONE,
    CLI_CONTROL_BEGIN,
    CLI_CONTROL_COMMIT,
    CLI_CONTROL_ROLLBACK,
};
enum cli_statement_control cli_statement_control(const struct cli_statement *statement);

/* What a statement gives, as far as its first word tells. */
enum cli_statement_kind {
    CLI_STATEMENT_UNKNOWN = 0, /* rows, if nobody knows better */
    CLI_STATEMENT_ROWS = 1,
    CLI_STATEMENT_UPDATE = 2, /* unless it says RETURNING, or the like */
};
enum cli_statement_kind cli_statement_kind(const struct cli_statement *statement);

#endif /* CFLIGHT_CLI_CLIENT_STATEMENTS_H */
