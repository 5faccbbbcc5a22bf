/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_CLIENT_PROGRESS_H
#define CFLIGHT_CLI_CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/system/text.h"

/* How far a transfer is, on the last line of the terminal: redrawn at most ten times a second, gone
 * at the end. */
struct cli_progress {
    bool is_on;
    bool is_drawn;
    const char *verb;   /* "get" or "put"; borrowed */
    int64_t rows_total; /* -1: not known */
    int64_t started_ns;
    int64_t drawn_ns;
};

/* Begins; does nothing visible when standard error is no terminal, or with
 * cli_is_quiet(). */
void cli_progress_start(struct cli_progress *progress, const char *verb, int64_t rows_total);
void cli_progress_update(struct cli_progress *progress, int64_t rows, uint64_t bytes);
/* Takes the line away. Safe to repeat. */
void cli_progress_clear(struct cli_progress *progress);

/* "1.5 GB", "312 MB", "17 bytes": decimal units, three digits. */
void cli_append_size(struct cli_text *text, uint64_t bytes);
/* What update shows, for a time since the start. */
void cli_progress_append_line(struct cli_text *text, const struct cli_progress *progress,
                              int64_t elapsed_ns, int64_t rows, uint64_t bytes);

#endif /* CFLIGHT_CLI_CLIENT_PROGRESS_H */
