/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_ATOMIC_FILE_H
#define CFLIGHT_CLI_ATOMIC_FILE_H

#include <stdbool.h>

#include "cflight/error.h"

/* A file that appears under its name complete, or not at all. Thread class: one at a time. */
struct cli_atomic_file {
    int fd;          /* open for writing; -1 when there is none */
    char *directory; /* where the content is kept until commit */
    char *path;      /* its final name, directory included */
    char *temporary; /* name in use until then; NULL while the file has no name at all */
};

#define CLI_ATOMIC_FILE_INIT \
    {                        \
        .fd = -1             \
    }

enum cli_replace {
    CLI_REPLACE_NEVER = 0, /* an existing file stays, commit gives CFLIGHT_ALREADY_EXISTS */
    CLI_REPLACE_EXISTING = 1,
};

/* Creates a file to write. The content is kept in `directory`, or in that of `path` when it is
 * NULL; both must be on one file system. @return CFLIGHT_OK, CFLIGHT_NOT_FOUND (no such directory),
 * CFLIGHT_PERMISSION_DENIED, CFLIGHT_RESOURCE_EXHAUSTED, CFLIGHT_UNAVAILABLE (anything else) */
cflight_status cli_atomic_file_create(struct cli_atomic_file *ret_file, const char *directory,
                                      const char *path, cflight_error **reterr);

/* Brings the content to disk, gives the file its name and brings the name to disk. The file is
 * closed in any case; after a failure nothing of it is left. */
cflight_status cli_atomic_file_commit(struct cli_atomic_file *file, enum cli_replace replace,
                                      cflight_error **reterr);

/* Drops a file that was not committed. Safe to repeat. */
void cli_atomic_file_done(struct cli_atomic_file *file);

#endif /* CFLIGHT_CLI_ATOMIC_FILE_H */
