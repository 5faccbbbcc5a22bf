/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_EXIT_CODE_H
#define CFLIGHT_CLI_COMMANDS_EXIT_CODE_H

#include <stddef.h>

#include "cflight/status.h"

/* Exit codes are part of the interface: scripts rely on them. */
enum cli_exit_code {
    CLI_EXIT_OK = 0,
    CLI_EXIT_FAILURE = 1,
    CLI_EXIT_USAGE = 2,
    CLI_EXIT_UNAVAILABLE = 3,
    CLI_EXIT_NOT_FOUND = 4,
    CLI_EXIT_TIMEOUT = 5,
    CLI_EXIT_DENIED = 6,
    CLI_EXIT_INTERRUPTED = 130,
    CLI_EXIT_CLOSED_PIPE = 141,
    CLI_EXIT_TERMINATED = 143,
};

struct cli_exit_text {
    enum cli_exit_code code;
    const char *meaning;
};

extern const struct cli_exit_text cli_exit_texts[];
extern const size_t cli_exit_text_count;

/* The code for a call that ended with this status. */
enum cli_exit_code cli_exit_code_from_status(cflight_status status);

#endif /* CFLIGHT_CLI_COMMANDS_EXIT_CODE_H */
