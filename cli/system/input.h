/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_INPUT_H
#define CFLIGHT_CLI_SYSTEM_INPUT_H

#include "cli/system/text.h"

/* Reading, in a client command. */

/* read() that gives up with EINTR only once a signal came. */
int64_t cli_read(int fd, void *target, size_t len_bytes);
/* The same of standard input. Fits cflight_read_fn. */
int64_t cli_read_stdin(void *user_data, void *target, size_t len_bytes);
/* Appends all of standard input. @return as cli_error_from_errno(); CFLIGHT_RESOURCE_EXHAUSTED when
 * it is larger than 64 MiB */
cflight_status cli_read_all_stdin(struct cli_text *content, cflight_error **reterr);

#endif /* CFLIGHT_CLI_SYSTEM_INPUT_H */
