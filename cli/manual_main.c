/* SPDX-License-Identifier: Apache-2.0 */
/* cflight_manual: prints the manual page, for docs/man/cflight.1. Built with the tests, not
 * installed. */
#include <stdio.h>

#include "cli/commands/help.h"

int main(void)
{
    struct cli_text text = CLI_TEXT_INIT;
    cli_append_manual(&text);
    size_t written_bytes = fwrite(cli_text_terminated(&text), 1, text.len_bytes, stdout);
    int failed = text.failed || written_bytes != text.len_bytes || fflush(stdout) != 0;
    cli_text_done(&text);
    return failed;
}
