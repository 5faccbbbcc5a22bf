/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_ATOMIC_FILE_H
#define CFLIGHT_CLI_SYSTEM_ATOMIC_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "cflight/error.h"

/* A file that appears under its name complete, or not at all. Thread class: one at a time. */
struct cli_atomic_file {
    int fd;           /* open for writing; -1 when there is none */
    int directory_fd; /* where the content is kept until commit; -1 for none */
    char *path;       /* its final name, for messages; its last element is its name */
    char *temporary;  /* name in use until then; NULL while the file has no name at all */
};

#define CLI_ATOMIC_FILE_INIT         \
    {                                \
        .fd = -1, .directory_fd = -1 \
    }

enum cli_replace {
    CLI_REPLACE_NEVER = 0, /* an existing file stays, commit gives CFLIGHT_ALREADY_EXISTS */
    CLI_REPLACE_EXISTING = 1,
};

/* Creates a file to write in the directory of `path`. What a process that was killed left of the
 * same file goes. @return CFLIGHT_OK, CFLIGHT_NOT_FOUND (no such directory),
 * CFLIGHT_PERMISSION_DENIED, CFLIGHT_RESOURCE_EXHAUSTED, CFLIGHT_UNKNOWN (anything else) */
cflight_status cli_atomic_file_create(struct cli_atomic_file *ret_file, const char *path,
                                      cflight_error **reterr);
/* The same with the content kept in a directory that is open; it may be closed afterwards. */
cflight_status cli_atomic_file_create_in(struct cli_atomic_file *ret_file, int directory_fd,
                                         const char *path, cflight_error **reterr);

/* Brings the content to disk, gives the file its name and brings the name to disk. A file that it
 * replaces hands over its mode and, as far as this process may give it away, its owner; without the
 * owner nobody gets rights that he had not. The file is closed in any case; after a failure nothing
 * of it is left. @return as above, CFLIGHT_ALREADY_EXISTS, CFLIGHT_ABORTED (the directory is gone)
 */
cflight_status cli_atomic_file_commit(struct cli_atomic_file *file, enum cli_replace replace,
                                      cflight_error **reterr);
/* The same under a directory that is open, on the same file system; `former` is a file of another
 * name that it takes the place of, NULL for none. */
cflight_status cli_atomic_file_commit_in(struct cli_atomic_file *file, int directory_fd,
                                         enum cli_replace replace, const struct stat *former,
                                         cflight_error **reterr);

/* Drops a file that was not committed. Safe to repeat. */
void cli_atomic_file_done(struct cli_atomic_file *file);

/* Removes the temporary files in a directory that processes that were killed have left: by the form
 * of their names, and only if no process has them. `name` is the file that they were for, NULL for
 * any. Returns how many there were. */
size_t cli_atomic_file_sweep(int directory_fd, const char *name);

#endif /* CFLIGHT_CLI_SYSTEM_ATOMIC_FILE_H */
