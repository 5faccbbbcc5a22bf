/* SPDX-License-Identifier: Apache-2.0 */
/* Files that appear complete or not at all.
 *
 * Where the system has unnamed files (Linux O_TMPFILE), the content is written to one, so that even
 * a killed process leaves nothing behind; elsewhere to a hidden file beside the target. A name is
 * given with link(), which never replaces, or with rename(), which always does. Content and
 * directory are synced, so that a file that was reported as stored survives a power cut. Owner of
 * the descriptor and of the temporary name until commit or done. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "cli/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/memory.h"
#include "cli/os_error.h"
#include "cli/text.h"

enum { FILE_MODE = 0666, NAME_TRIES_MAX = 1000, NAME_PART_MAX = 100, PROC_PATH_BYTES = 40 };

static void make_proc_path(int fd, char *ret_path)
{
    (void)snprintf(ret_path, PROC_PATH_BYTES, "/proc/self/fd/%d", fd);
}

/* An unnamed file in the directory, -1 when the system has none or could not name it later. */
static int open_unnamed(const char *directory)
{
#ifdef O_TMPFILE
    char proc_path[PROC_PATH_BYTES];
    int fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return -1;
    }
    make_proc_path(fd, proc_path);
    if (access(proc_path, F_OK) == 0) {
        return fd;
    }
    (void)close(fd);
#else
    (void)directory;
#endif
    return -1;
}

/* Calls `use` with hidden names beside the target until one is free. The name that was used stays
 * in `*ret_name`.
 * @return 0 or an errno */
static int use_free_name(const struct cli_atomic_file *file,
                         int (*use)(const char *name, void *argument), void *argument,
                         char **ret_name)
{
    const char *slash = strrchr(file->path, '/');
    const char *base = slash == NULL ? file->path : slash + 1;
    for (int i = 0; i < NAME_TRIES_MAX; i++) {
        struct cli_text name = CLI_TEXT_INIT;
        cli_text_append_format(&name, "%s/.%.*s.cflight-%ld-%d", file->directory, NAME_PART_MAX,
                               base, (long)getpid(), i);
        int os_code = name.failed ? ENOMEM : use(cli_text_terminated(&name), argument);
        if (os_code == 0) {
            *ret_name = name.data;
            return 0;
        }
        cli_text_done(&name);
        if (os_code != EEXIST) {
            return os_code;
        }
    }
    return EEXIST;
}

static int create_named(const char *name, void *argument)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0) {
        return errno;
    }
    *(int *)argument = fd;
    return 0;
}

static int link_unnamed(const char *name, void *argument)
{
    char proc_path[PROC_PATH_BYTES];
    make_proc_path(*(const int *)argument, proc_path);
    return linkat(AT_FDCWD, proc_path, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return cli_strdup(".");
    }
    return slash == path ? cli_strdup("/") : cli_strndup(path, (size_t)(slash - path));
}

cflight_status cli_atomic_file_create(struct cli_atomic_file *ret_file, const char *directory,
                                      const char *path, cflight_error **reterr)
{
    struct cli_atomic_file file = CLI_ATOMIC_FILE_INIT;
    cflight_status status = CFLIGHT_OK;

    file.directory = directory == NULL ? directory_of(path) : cli_strdup(directory);
    file.path = cli_strdup(path);
    if (file.directory == NULL || file.path == NULL) {
        status = cli_error_no_memory(reterr, "creating a file");
        goto done;
    }
    file.fd = open_unnamed(file.directory);
    if (file.fd < 0) {
        int os_code = use_free_name(&file, create_named, &file.fd, &file.temporary);
        if (os_code != 0) {
            status = cli_error_from_errno(reterr, os_code, "create", path);
            goto done;
        }
    }
    *ret_file = file;
    file = (struct cli_atomic_file)CLI_ATOMIC_FILE_INIT;

done:
    cli_atomic_file_done(&file);
    return status;
}

/* Brings the directory entry of a path to disk. @return 0 or an errno */
static int sync_directory_of(const char *path)
{
    char *directory = directory_of(path);
    if (directory == NULL) {
        return ENOMEM;
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int open_code = errno;
    cli_free(directory);
    if (fd < 0) {
        return open_code;
    }
    /* File systems that cannot sync a directory say EINVAL; there is nothing more to do on them. */
    int os_code = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    (void)close(fd);
    return os_code;
}

/* Gives the file its final name. @return 0 or an errno */
static int name_file(struct cli_atomic_file *file, enum cli_replace replace)
{
    if (replace == CLI_REPLACE_NEVER) {
        if (file->temporary == NULL) {
            return link_unnamed(file->path, &file->fd);
        }
        return link(file->temporary, file->path) == 0 ? 0 : errno;
    }
    if (file->temporary == NULL) {
        int os_code = use_free_name(file, link_unnamed, &file->fd, &file->temporary);
        if (os_code != 0) {
            return os_code;
        }
    }
    if (rename(file->temporary, file->path) != 0) {
        return errno;
    }
    cli_free(file->temporary);
    file->temporary = NULL;
    return 0;
}

cflight_status cli_atomic_file_commit(struct cli_atomic_file *file, enum cli_replace replace,
                                      cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    int os_code = fsync(file->fd) == 0 || errno == EINVAL ? 0 : errno;
    if (os_code == 0) {
        os_code = name_file(file, replace);
    }
    if (os_code == 0) {
        os_code = sync_directory_of(file->path);
    }
    if (os_code != 0) {
        status = cli_error_from_errno(reterr, os_code, "store", file->path);
    }
    cli_atomic_file_done(file);
    return status;
}

void cli_atomic_file_done(struct cli_atomic_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    if (file->temporary != NULL) {
        (void)unlink(file->temporary);
    }
    cli_free(file->temporary);
    cli_free(file->directory);
    cli_free(file->path);
    *file = (struct cli_atomic_file)CLI_ATOMIC_FILE_INIT;
}
