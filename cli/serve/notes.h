/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_NOTES_H
#define CFLIGHT_CLI_SERVE_NOTES_H

#include <stdbool.h>
#include <sys/stat.h>

#include "cflight/error.h"

/* What the operator was told about files, so that a file that stays as it is is complained about
 * once and not each time a client asks for a list. Thread class: free. */
struct cli_notes;

cflight_status cli_notes_new(struct cli_notes **ret_notes, cflight_error **reterr);
void cli_notes_free(struct cli_notes *notes);

/* Tells whether a complaint about the file or directory at `path`, which is in this state (zeros
 * when there is none), is new: not made before, or made when the file was another or had other
 * content or rights. It counts as made from then on. When there is no memory to remember it, it
 * stays new. */
bool cli_notes_is_new(struct cli_notes *notes, const char *path, const struct stat *state,
                      const char *complaint);

#endif /* CFLIGHT_CLI_SERVE_NOTES_H */
