/* SPDX-License-Identifier: Apache-2.0 */
/* Names below a directory that cannot be made to lead out of it.
 *
 * openat2() with RESOLVE_BENEATH does it in the kernel, from Linux 5.6 on. Elsewhere, or where a
 * sandbox does not let it through, the path is walked: each directory is opened by its one name in
 * the descriptor of the one before, never through a link; links are read and what they say is put
 * before the rest of the path. ".." goes back to the descriptor that was there before, so that a
 * directory that is moved away meanwhile leads nowhere new. Thread class: free. */
#define _GNU_SOURCE /* O_PATH, syscall() */
#include "cli/system/beneath.h"
#include "cli/system/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437 /* the same number everywhere */
#endif

enum {
    RESOLVE_NO_MAGICLINKS_BIT = 0x02, /* linux/openat2.h */
    RESOLVE_BENEATH_BIT = 0x08,
    KERNEL_TRIES_MAX = 1000, /* EAGAIN: something was renamed meanwhile */
    DEPTH_MAX = 600,         /* a path of 1000 bytes has no more directories */
    LINKS_MAX = 40,
    OPEN_TRIES_MAX = 1000, /* a name is a link one moment and none the next */
};

struct open_how_bits {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

static int open_in_kernel(int root_fd, const char *path, int flags)
{
    struct open_how_bits how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH_BIT | RESOLVE_NO_MAGICLINKS_BIT,
    };
    long fd = -1;
    int tries = 0;
    do {
        fd = syscall(SYS_openat2, root_fd, path, &how, sizeof how);
    } while (fd < 0 && (errno == EAGAIN || errno == EINTR) && ++tries < KERNEL_TRIES_MAX);
    return (int)fd;
}

int cli_beneath_open(int root_fd, const char *path, int flags)
{
    static atomic_bool is_missing;
    if (!atomic_load(&is_missing)) {
        int fd = open_in_kernel(root_fd, path, flags);
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) {
            return fd;
        }
        atomic_store(&is_missing, true); /* sandboxes say EPERM */
    }
    return cli_beneath_walk(root_fd, path, flags);
}

/* Where a walk is. */
struct walk {
    int fds[DEPTH_MAX]; /* of the directories on the way; the first is the caller's */
    size_t depth;
    char rest[2 * PATH_MAX];
    int link_count;
};

static void go_up(struct walk *walk)
{
    (void)close(walk->fds[walk->depth]);
    walk->depth--;
}

/* Takes the first name off the rest. False when there is none left. */
static bool take_name(struct walk *walk, char *ret_name, bool *ret_is_last)
{
    size_t start = strspn(walk->rest, "/");
    size_t len_bytes = strcspn(walk->rest + start, "/");
    if (len_bytes == 0 || len_bytes > NAME_MAX) {
        return false;
    }
    memcpy(ret_name, walk->rest + start, len_bytes);
    ret_name[len_bytes] = '\0';
    const char *behind = walk->rest + start + len_bytes;
    behind += strspn(behind, "/");
    *ret_is_last = behind[0] == '\0';
    memmove(walk->rest, behind, strlen(behind) + 1);
    return true;
}

/* Puts the target of a link before the rest. @return 0 or an errno */
static int follow(struct walk *walk, const char *target)
{
    char joined[2 * PATH_MAX];
    if (target[0] == '/') {
        return EXDEV;
    }
    if (++walk->link_count > LINKS_MAX) {
        return ELOOP;
    }
    int len_bytes = snprintf(joined, sizeof joined, "%s/%s", target, walk->rest);
    if (len_bytes < 0 || (size_t)len_bytes >= sizeof joined) {
        return ENAMETOOLONG;
    }
    memcpy(walk->rest, joined, (size_t)len_bytes + 1);
    return 0;
}

/* Opens one name, which is no link; follows one that is. `*ret_fd` stays -1 then. @return 0 or an
 * errno */
static int step(struct walk *walk, const char *name, int flags, int *ret_fd)
{
    char target[PATH_MAX];
    for (int i = 0; i < OPEN_TRIES_MAX; i++) {
        ssize_t len_bytes = readlinkat(walk->fds[walk->depth], name, target, sizeof target - 1);
        if (len_bytes >= 0 && (flags & O_NOFOLLOW) == 0) {
            target[len_bytes] = '\0';
            return follow(walk, target);
        }
        int fd = openat(walk->fds[walk->depth], name, flags | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno != ELOOP && errno != EINTR) {
            return errno;
        }
        /* With O_PATH a link that came meanwhile is opened itself. */
        bool is_link = fd >= 0 && (flags & O_NOFOLLOW) == 0 && (flags & O_PATH) != 0 &&
                       readlinkat(fd, "", target, sizeof target) >= 0;
        if (fd >= 0 && !is_link) {
            *ret_fd = fd;
            return 0;
        }
        cli_close(fd);
    }
    return ELOOP;
}

/* @return 0 or an errno */
static int walk_on(struct walk *walk, int flags, int *ret_fd)
{
    char name[NAME_MAX + 1];
    bool is_last = false;
    while (*ret_fd < 0) {
        int os_code = 0;
        int fd = -1;
        if (!take_name(walk, name, &is_last)) {
            return walk->rest[0] == '\0' ? step(walk, ".", flags, ret_fd) : ENAMETOOLONG;
        }
        if (strcmp(name, "..") == 0 && walk->depth == 0) {
            return EXDEV;
        }
        if (strcmp(name, "..") == 0) {
            go_up(walk);
        } else if (strcmp(name, ".") != 0) {
            os_code = step(walk, name, is_last ? flags : O_PATH | O_DIRECTORY, &fd);
        }
        if (os_code == 0 && fd >= 0 && is_last) {
            *ret_fd = fd;
        } else if (os_code == 0 && fd >= 0 && walk->depth + 1 < DEPTH_MAX) {
            walk->fds[++walk->depth] = fd;
        } else if (fd >= 0) {
            (void)close(fd);
            os_code = ENAMETOOLONG;
        }
        if (os_code != 0) {
            return os_code;
        }
    }
    return 0;
}

int cli_beneath_walk(int root_fd, const char *path, int flags)
{
    struct walk walk;
    int fd = -1;
    walk.fds[0] = root_fd;
    walk.depth = 0;
    walk.link_count = 0;
    if (path[0] == '/') {
        errno = EXDEV;
        return -1;
    }
    if (strlen(path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(walk.rest, path, strlen(path) + 1);
    int os_code = walk_on(&walk, flags, &fd);
    while (walk.depth > 0) {
        go_up(&walk);
    }
    errno = os_code;
    return os_code == 0 ? fd : -1;
}
