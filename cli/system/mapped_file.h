/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_MAPPED_FILE_H
#define CFLIGHT_CLI_SYSTEM_MAPPED_FILE_H

#include <stdint.h>
#include <sys/stat.h>

#include "cflight/ipc.h"

/* An Arrow file that is read from a memory map, watched while it is read: what is read from a file
 * that is written into or cut meanwhile is not worth anything. Thread class: one at a time. */
struct cli_mapped_file {
    cflight_ipc_file *file;
    int fd; /* the file that is mapped, whatever its name is by now; -1 for none */
    struct stat opened;
    uint64_t fault_count; /* of the process, when it was opened */
};

#define CLI_MAPPED_FILE_INIT \
    {                        \
        .fd = -1             \
    }

/* Lets the process live when a page of a mapped file is gone (SIGBUS): it reads as zeros then, and
 * cli_mapped_file_check() tells. Call it once, before files are opened. */
void cli_mapped_files_guard(void);

/* Opens a file that is there under `path`. @return as cflight_ipc_file_open() */
cflight_status cli_mapped_file_open(struct cli_mapped_file *ret_file, const char *path,
                                    const struct cflight_ipc_read_options *options,
                                    cflight_error **reterr);

/* The same of a descriptor, which is taken in any case; `path` is for messages. */
cflight_status cli_mapped_file_open_fd(struct cli_mapped_file *ret_file, int fd, const char *path,
                                       const struct cflight_ipc_read_options *options,
                                       cflight_error **reterr);

/* Tells whether what was read since the file was opened is what the file held then.
 * @return CFLIGHT_OK, CFLIGHT_DATA_LOSS (the file was written into or cut), CFLIGHT_UNAVAILABLE (a
 * page of some mapped file could not be read, perhaps of this one) */
cflight_status cli_mapped_file_check(const struct cli_mapped_file *file, cflight_error **reterr);

/* Safe to repeat. Streams of the file may live longer. */
void cli_mapped_file_done(struct cli_mapped_file *file);

#endif /* CFLIGHT_CLI_SYSTEM_MAPPED_FILE_H */
