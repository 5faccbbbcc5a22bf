/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_FILE_CONTENT_H
#define CFLIGHT_CLI_SYSTEM_FILE_CONTENT_H

#include "cli/system/text.h"

/* Reads a whole small file (a certificate, an action's body); "-" is standard input. @return as
 * cli_error_from_errno(); CFLIGHT_RESOURCE_EXHAUSTED when it is larger than 64 MiB */
cflight_status cli_file_read(struct cli_text *ret_content, const char *path,
                             cflight_error **reterr);

/* read() that gives up with EINTR only once a signal came to a client command. */
int64_t cli_read(int fd, void *target, size_t len_bytes);
/* The same of standard input. Fits cflight_read_fn. */
int64_t cli_read_stdin(void *user_data, void *target, size_t len_bytes);

#endif /* CFLIGHT_CLI_SYSTEM_FILE_CONTENT_H */
