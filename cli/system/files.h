/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_FILES_H
#define CFLIGHT_CLI_SYSTEM_FILES_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "cli/system/text.h"

/* Closes a descriptor; -1 is ignored. */
void cli_close(int fd);

/* Opens the entries of a directory that is open, whose descriptor stays with the caller. @return
 * NULL with errno */
DIR *cli_entries_open(int directory_fd);

/* Makes a path absolute, so that it stays good when the working directory changes; NULL stays NULL.
 * `*ret_path` is to be freed. */
cflight_status cli_absolute_path(const char *path, char **ret_path, cflight_error **reterr);

/* Appends a file's whole content, of at most `bytes_max` bytes, and ends it with a zero byte that
 * does not count. @return CFLIGHT_OK, CFLIGHT_RESOURCE_EXHAUSTED, or as cli_error_from_errno() */
cflight_status cli_file_read(const char *path, size_t bytes_max, struct cli_text *text,
                             cflight_error **reterr);

/* What two looks at files tell. */
bool cli_is_same_file(const struct stat *a, const struct stat *b);
/* Whether nothing was written in between. */
bool cli_is_unchanged(const struct stat *a, const struct stat *b);
/* Whether nothing was written, and no right taken or given, in between, to what is one file. */
bool cli_is_same_state(const struct stat *a, const struct stat *b);

#endif /* CFLIGHT_CLI_SYSTEM_FILES_H */
