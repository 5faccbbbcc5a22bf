/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_HISTORY_H
#define CFLIGHT_CLI_SYSTEM_HISTORY_H

#include "cli/system/text.h"

/* Entries that a file keeps from one run to the next, for its owner alone: a line for each, below
 * $XDG_STATE_HOME/cflight, which is ~/.local/state/cflight. Several programs may add to it at once.
 * Thread class: one at a time. */
struct cli_history {
    int fd; /* -1: nothing is kept */
};
#define CLI_HISTORY_INIT \
    {                    \
        .fd = -1         \
    }

enum { CLI_HISTORY_ENTRIES_MAX = 1000 };

typedef void (*cli_history_fn)(void *user_data, const char *entry);

/* Opens the file, which is made if it is not there, and hands out what is in it, the oldest first.
 * @return CFLIGHT_OK, also where there is no place for it (no home); as cli_error_from_errno() */
cflight_status cli_history_open(struct cli_history *ret_history, const char *name,
                                cli_history_fn take, void *user_data, cflight_error **reterr);
/* Adds an entry; one that cannot be written is not kept. */
void cli_history_add(const struct cli_history *history, struct cflight_bytes entry);
void cli_history_done(struct cli_history *history);

#endif /* CFLIGHT_CLI_SYSTEM_HISTORY_H */
