/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_EDITOR_H
#define CFLIGHT_CLI_SYSTEM_EDITOR_H

#include "cli/system/matches.h"
#include "cli/system/text.h"

/* Reads lines at a terminal: edited, with a history and completion, where the program was built
 * with libedit and the terminal can do more than lines; else as the terminal gives them. What it
 * shows goes to standard error. Thread class: the main thread. */
struct cli_editor;

/* Finds what the end of the text before the cursor can become; `matches` is empty before. */
typedef void (*cli_complete_fn)(void *user_data, struct cflight_bytes before,
                                struct cli_matches *matches);

struct cli_editor_options {
    const char *history_name; /* of the file that keeps what cli_editor_remember() is given */
    cli_complete_fn complete;
    void *user_data;
};

/* The version of libedit that the program was built with; NULL without it. */
const char *cli_editor_library_version(void);

cflight_status cli_editor_new(const struct cli_editor_options *options,
                              struct cli_editor **ret_editor, cflight_error **reterr);

enum cli_line {
    CLI_LINE_READ,
    CLI_LINE_END,         /* of the input */
    CLI_LINE_INTERRUPTED, /* cli_interrupt_signal() */
};
/* Reads a line, which is appended without its end. */
enum cli_line cli_editor_read(struct cli_editor *editor, const char *prompt, struct cli_text *line);
/* Adds to the history, which a line that begins with a blank is left out of. */
void cli_editor_remember(struct cli_editor *editor, struct cflight_bytes entry);
void cli_editor_free(struct cli_editor *editor);

/* ---- for its parts ---- */

struct cli_editor_functions {
    enum cli_line (*read)(struct cli_editor *editor, const char *prompt, struct cli_text *line);
    void (*remember)(struct cli_editor *editor, struct cflight_bytes entry);
    void (*done)(struct cli_editor *editor);
};

/* First member of each. */
struct cli_editor {
    const struct cli_editor_functions *functions;
};

/* NULL when the terminal, or memory, does not allow it. */
struct cli_editor *cli_editor_new_libedit(const struct cli_editor_options *options);

#endif /* CFLIGHT_CLI_SYSTEM_EDITOR_H */
