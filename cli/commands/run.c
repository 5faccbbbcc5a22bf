/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands share: printing, and the exit code of a failed output. */
#include <errno.h>

#include "cli/commands/commands.h"
#include "cli/system/interrupt.h"

void cli_run_blame_output(struct cli_run *run, const struct cli_output *output)
{
    int os_code = cli_output_os_code(output);
    if (os_code == EPIPE) {
        run->exit_code = CLI_EXIT_CLOSED_PIPE;
    } else if (os_code != 0 && os_code != EINTR && os_code != ETIMEDOUT) {
        run->exit_code = CLI_EXIT_FAILURE;
    }
}

cflight_status cli_run_print(struct cli_run *run, const struct cli_text *text,
                             cflight_error **reterr)
{
    struct cli_output *output = NULL;
    cflight_status status = cli_text_status(text, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    status = cli_output_open(&output, "-", cli_interrupt_flag(), reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)cli_output_write_text(output, cli_text_bytes(text));
    status = cli_output_close(output, reterr);
    cli_run_blame_output(run, output);
    cli_output_free(output);
    return status;
}
