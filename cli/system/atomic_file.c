/* SPDX-License-Identifier: Apache-2.0 */
/* Files that appear complete or not at all.
 *
 * Where the system has unnamed files (Linux O_TMPFILE), the content is written to one, so that even
 * a killed process leaves nothing behind; elsewhere to a hidden file beside the target. A name is
 * given with link(), which never replaces, or with rename(), which always does. Content and
 * directory are synced, so that a file that was reported as stored survives a power cut.
 *
 * Everything happens in descriptors of directories, so that nobody who changes a path meanwhile
 * leads it elsewhere. Temporary names are ".NAME.cflight-PID-N", and their files are locked as long
 * as a process has them: what has such a name and no lock was left by one that was killed. Owner of
 * the descriptors and of the temporary name until commit or done. */
#define _GNU_SOURCE /* O_TMPFILE, O_PATH */
#include "cli/system/atomic_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli/system/files.h"
#include "cli/system/os_error.h"
#include "cli/system/text.h"

#define MARK ".cflight-"

enum {
    FILE_MODE = 0666,
    MODE_BITS = 0777,
    NAME_TRIES_MAX = 1000,
    NAME_PART_MAX = 100,
    PROC_PATH_BYTES = 40
};

static void make_proc_path(int fd, char *ret_path)
{
    (void)snprintf(ret_path, PROC_PATH_BYTES, "/proc/self/fd/%d", fd);
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* An unnamed file in the directory, -1 when the system has none or could not name it later. */
static int open_unnamed(int directory_fd)
{
#ifdef O_TMPFILE
    char proc_path[PROC_PATH_BYTES];
    int fd = openat(directory_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return -1;
    }
    make_proc_path(fd, proc_path);
    if (access(proc_path, F_OK) == 0) {
        return fd;
    }
    (void)close(fd);
#else
    (void)directory_fd;
#endif
    return -1;
}

/* Calls `use` with hidden names until one is free. The name that was used stays in `*ret_name`.
 * @return 0 or an errno */
static int use_free_name(const struct cli_atomic_file *file, int directory_fd,
                         int (*use)(int directory_fd, const char *name, void *argument),
                         void *argument, char **ret_name)
{
    for (int i = 0; i < NAME_TRIES_MAX; i++) {
        struct cli_text name = CLI_TEXT_INIT;
        cli_text_append_format(&name, ".%.*s" MARK "%ld-%d", NAME_PART_MAX, base_of(file->path),
                               (long)getpid(), i);
        int os_code =
            name.failed ? ENOMEM : use(directory_fd, cli_text_terminated(&name), argument);
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

/* What a new file may be for others while it is written, when it will replace one. */
static mode_t mode_to_begin(int directory_fd, const char *path)
{
    struct stat former;
    if (fstatat(directory_fd, base_of(path), &former, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(former.st_mode)) {
        return former.st_mode & FILE_MODE;
    }
    return FILE_MODE;
}

struct creation {
    mode_t mode;
    int fd;
};

static int create_named(int directory_fd, const char *name, void *argument)
{
    struct creation *creation = argument;
    creation->fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                          creation->mode);
    return creation->fd < 0 ? errno : 0;
}

static int link_unnamed(int directory_fd, const char *name, void *argument)
{
    char proc_path[PROC_PATH_BYTES];
    make_proc_path(*(const int *)argument, proc_path);
    return linkat(AT_FDCWD, proc_path, directory_fd, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

/* Opens the directory of a path. @return the descriptor; -1 with errno */
static int open_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    char *directory = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    if (directory == NULL) {
        errno = ENOMEM;
        return -1;
    }
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int os_code = errno;
    free(directory);
    errno = os_code;
    return fd;
}

/* Takes the directory's descriptor in any case. */
static cflight_status create(struct cli_atomic_file *ret_file, int directory_fd, const char *path,
                             cflight_error **reterr)
{
    struct cli_atomic_file file = CLI_ATOMIC_FILE_INIT;
    cflight_status status = CFLIGHT_OK;
    file.directory_fd = directory_fd;
    file.path = strdup(path);
    if (file.path == NULL) {
        status = cli_error_no_memory(reterr, "creating a file");
        goto done;
    }
    file.fd = open_unnamed(directory_fd);
    if (file.fd < 0) {
        struct creation creation = {mode_to_begin(directory_fd, path), -1};
        int os_code = use_free_name(&file, directory_fd, create_named, &creation, &file.temporary);
        if (os_code != 0) {
            status = cli_error_from_errno(reterr, os_code, "create", path);
            goto done;
        }
        file.fd = creation.fd;
    }
    (void)flock(file.fd, LOCK_EX | LOCK_NB);
    *ret_file = file;
    file = (struct cli_atomic_file)CLI_ATOMIC_FILE_INIT;

done:
    cli_atomic_file_done(&file);
    return status;
}

cflight_status cli_atomic_file_create(struct cli_atomic_file *ret_file, const char *path,
                                      cflight_error **reterr)
{
    int fd = open_directory_of(path);
    if (fd < 0) {
        return cli_error_from_errno(reterr, errno, "create", path);
    }
    (void)cli_atomic_file_sweep(fd, base_of(path));
    return create(ret_file, fd, path, reterr);
}

cflight_status cli_atomic_file_create_in(struct cli_atomic_file *ret_file, int directory_fd,
                                         const char *path, cflight_error **reterr)
{
    int fd = fcntl(directory_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return cli_error_from_errno(reterr, errno, "create", path);
    }
    return create(ret_file, fd, path, reterr);
}

/* Brings the entries of a directory to disk. @return 0 or an errno */
static int sync_directory(int directory_fd)
{
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    /* File systems that cannot sync a directory say EINVAL; there is nothing more to do on them. */
    int os_code = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    (void)close(fd);
    return os_code;
}

/* Gives a file the mode and the owner of the one that it replaces. An owner that cannot be kept
 * must not become rights for others: they get what everybody has. @return 0 or an errno */
static int inherit(int fd, const struct stat *former)
{
    struct stat own;
    mode_t mode = former->st_mode & MODE_BITS;
    if (fstat(fd, &own) != 0) {
        return errno;
    }
    if ((own.st_uid != former->st_uid || own.st_gid != former->st_gid) &&
        fchown(fd, former->st_uid, former->st_gid) != 0 &&
        fchown(fd, (uid_t)-1, former->st_gid) != 0) {
        mode &= ~(mode_t)S_IRWXG | (mode & S_IRWXO) << 3;
    }
    return fchmod(fd, mode) == 0 ? 0 : errno;
}

/* Gives the file its final name. @return 0 or an errno */
static int name_file(struct cli_atomic_file *file, int directory_fd, enum cli_replace replace)
{
    const char *base = base_of(file->path);
    int temporary_fd = file->directory_fd;
    char *temporary = NULL;
    if (replace == CLI_REPLACE_NEVER && file->temporary == NULL) {
        return link_unnamed(directory_fd, base, &file->fd);
    }
    if (replace == CLI_REPLACE_NEVER) {
        return linkat(temporary_fd, file->temporary, directory_fd, base, 0) == 0 ? 0 : errno;
    }
    if (file->temporary == NULL) {
        int os_code = use_free_name(file, directory_fd, link_unnamed, &file->fd, &temporary);
        if (os_code != 0) {
            return os_code;
        }
        temporary_fd = directory_fd;
    }
    const char *from = temporary == NULL ? file->temporary : temporary;
    int os_code = renameat(temporary_fd, from, directory_fd, base) == 0 ? 0 : errno;
    if (os_code != 0 && temporary != NULL) {
        (void)unlinkat(temporary_fd, temporary, 0);
    }
    free(temporary);
    if (os_code == 0) {
        free(file->temporary);
        file->temporary = NULL;
    }
    return os_code;
}

cflight_status cli_atomic_file_commit_in(struct cli_atomic_file *file, int directory_fd,
                                         enum cli_replace replace, const struct stat *former,
                                         cflight_error **reterr)
{
    struct stat there;
    cflight_status status = CFLIGHT_OK;
    int os_code = 0;
    if (replace == CLI_REPLACE_EXISTING &&
        fstatat(directory_fd, base_of(file->path), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(there.st_mode)) {
        former = &there;
    }
    if (replace == CLI_REPLACE_EXISTING && former != NULL) {
        os_code = inherit(file->fd, former);
    }
    if (os_code == 0) {
        os_code = fsync(file->fd) == 0 || errno == EINVAL ? 0 : errno;
    }
    if (os_code == 0) {
        os_code = name_file(file, directory_fd, replace);
    }
    if (os_code == 0) {
        os_code = sync_directory(directory_fd);
    }
    if (os_code == ENOENT) {
        /* The system says so of a directory that was removed while it was open. */
        status =
            cflight_error_set(reterr, CFLIGHT_ABORTED,
                              "cannot store '%s': its directory was removed meanwhile", file->path);
    } else if (os_code != 0) {
        status = cli_error_from_errno(reterr, os_code, "store", file->path);
    }
    cli_atomic_file_done(file);
    return status;
}

cflight_status cli_atomic_file_commit(struct cli_atomic_file *file, enum cli_replace replace,
                                      cflight_error **reterr)
{
    return cli_atomic_file_commit_in(file, file->directory_fd, replace, NULL, reterr);
}

void cli_atomic_file_done(struct cli_atomic_file *file)
{
    if (file->temporary != NULL) {
        (void)unlinkat(file->directory_fd, file->temporary, 0);
    }
    cli_close(file->fd);
    cli_close(file->directory_fd);
    free(file->temporary);
    free(file->path);
    *file = (struct cli_atomic_file)CLI_ATOMIC_FILE_INIT;
}

/* ---- what was left behind ---- */

static const char *skip_digits(const char *text)
{
    while (isdigit((unsigned char)*text) != 0) {
        text++;
    }
    return text;
}

/* Whether a name has the form that use_free_name() gives, for `base` if that is not NULL. */
static bool is_temporary(const char *name, const char *base)
{
    const char *mark = NULL;
    for (const char *at = strstr(name, MARK); at != NULL; at = strstr(at + 1, MARK)) {
        mark = at;
    }
    if (name[0] != '.' || mark == NULL || mark == name) {
        return false;
    }
    const char *pid = mark + sizeof MARK - 1;
    const char *dash = skip_digits(pid);
    if (dash == pid || *dash != '-' || skip_digits(dash + 1) == dash + 1 ||
        *skip_digits(dash + 1) != '\0') {
        return false;
    }
    size_t base_bytes = (size_t)(mark - name) - 1;
    size_t wanted_bytes = base == NULL ? 0 : strlen(base);
    if (wanted_bytes > NAME_PART_MAX) {
        wanted_bytes = NAME_PART_MAX;
    }
    return base_bytes <= NAME_PART_MAX &&
           (base == NULL ||
            (base_bytes == wanted_bytes && memcmp(name + 1, base, base_bytes) == 0));
}

static bool remove_left(int directory_fd, const char *name)
{
    struct stat opened;
    struct stat there;
    int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool is_left = fd >= 0 && fstat(fd, &opened) == 0 && S_ISREG(opened.st_mode) &&
                   flock(fd, LOCK_EX | LOCK_NB) == 0 &&
                   fstatat(directory_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                   cli_is_same_file(&opened, &there) && unlinkat(directory_fd, name, 0) == 0;
    cli_close(fd);
    return is_left;
}

size_t cli_atomic_file_sweep(int directory_fd, const char *name)
{
    size_t count = 0;
    DIR *entries = cli_entries_open(directory_fd);
    if (entries == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (is_temporary(entry->d_name, name) && remove_left(directory_fd, entry->d_name)) {
            count++;
        }
    }
    (void)closedir(entries);
    return count;
}
