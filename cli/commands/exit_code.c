/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes and their meaning, for the program, its help and its manual. */
#include "cli/commands/exit_code.h"

const struct cli_exit_text cli_exit_texts[] = {
    {CLI_EXIT_OK, "Success."},
    {CLI_EXIT_FAILURE,
     "The server reported a failure, the transfer failed, or a local file could not be read or "
     "written."},
    {CLI_EXIT_USAGE, "The command line makes no sense."},
    {CLI_EXIT_UNAVAILABLE, "No connection, or it broke (UNAVAILABLE)."},
    {CLI_EXIT_NOT_FOUND, "There is no such flight (NOT_FOUND)."},
    {CLI_EXIT_TIMEOUT, "A time limit passed (DEADLINE_EXCEEDED)."},
    {CLI_EXIT_DENIED, "Not logged in, or not allowed (UNAUTHENTICATED, PERMISSION_DENIED)."},
    {CLI_EXIT_INTERRUPTED, "Interrupted by SIGINT."},
    {CLI_EXIT_CLOSED_PIPE, "The reader of standard output went away."},
    {CLI_EXIT_TERMINATED, "Ended by SIGTERM."},
};

const size_t cli_exit_text_count = sizeof cli_exit_texts / sizeof cli_exit_texts[0];

enum cli_exit_code cli_exit_code_from_status(cflight_status status)
{
    switch (status) {
    case CFLIGHT_OK:
        return CLI_EXIT_OK;
    case CFLIGHT_UNAVAILABLE:
        return CLI_EXIT_UNAVAILABLE;
    case CFLIGHT_NOT_FOUND:
        return CLI_EXIT_NOT_FOUND;
    case CFLIGHT_DEADLINE_EXCEEDED:
        return CLI_EXIT_TIMEOUT;
    case CFLIGHT_UNAUTHENTICATED:
    case CFLIGHT_PERMISSION_DENIED:
        return CLI_EXIT_DENIED;
    default:
        return CLI_EXIT_FAILURE;
    }
}
