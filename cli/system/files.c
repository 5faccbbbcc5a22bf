/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, directories, and looks at files. Thread class: free. */
#include "cli/system/files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void cli_close(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

DIR *cli_entries_open(int directory_fd)
{
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (entries == NULL) {
        int os_code = errno;
        cli_close(fd);
        errno = os_code;
    }
    return entries;
}

bool cli_is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool cli_is_unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}
