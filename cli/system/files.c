/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, directories, paths, and looks at files. Thread class: free. */
#include "cli/system/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/system/os_error.h"
#include "cli/system/text.h"

enum { CHUNK_BYTES = 65536 };

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

/* Links stay links: whoever renews a file may point one to the new file. */
cflight_status cli_absolute_path(const char *path, char **ret_path, cflight_error **reterr)
{
    struct cli_text text = CLI_TEXT_INIT;
    if (path == NULL) {
        return CFLIGHT_OK;
    }
    if (path[0] != '/') {
        char *directory = realpath(".", NULL);
        if (directory == NULL) {
            return cli_error_from_errno(reterr, errno, "read", path);
        }
        cli_text_append_format(&text, "%s/", directory);
        free(directory);
    }
    cli_text_append_string(&text, path);
    return cli_text_take(&text, ret_path, reterr);
}

cflight_status cli_file_read(const char *path, size_t bytes_max, struct cli_text *text,
                             cflight_error **reterr)
{
    char chunk[CHUNK_BYTES];
    size_t len_bytes = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return cli_error_from_errno(reterr, errno, "read", path);
    }
    text->limit_bytes = bytes_max;
    while ((len_bytes = fread(chunk, 1, sizeof chunk, file)) > 0) {
        cli_text_append(text, chunk, len_bytes);
    }
    bool is_damaged = ferror(file) != 0;
    int os_code = errno;
    (void)fclose(file);
    (void)cli_text_terminated(text);
    return is_damaged ? cli_error_from_errno(reterr, os_code, "read", path)
                      : cli_text_status(text, reterr);
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

bool cli_is_same_state(const struct stat *a, const struct stat *b)
{
    return cli_is_same_file(a, b) && cli_is_unchanged(a, b) &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}
