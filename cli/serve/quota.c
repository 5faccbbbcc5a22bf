/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on what uploads store.
 *
 * Whose a file is stands in an extended attribute of it, so that it is known after a restart; where
 * the file system has none, files count for their users until then. Users are few: those who have
 * stored something. Thread class: free; the mutex is a leaf. */
#define _GNU_SOURCE /* O_PATH */
#include "cli/serve/quota.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cflight/bearer_auth.h"
#include "cli/system/memory.h"
#include "cli/system/os_error.h"

#define ATTRIBUTE "user.cflight.uploader"

struct cli_quota_user {
    char name[CLI_QUOTA_USER_BYTES];
    uint64_t stored_bytes;
    uint64_t pending_bytes;
};

cflight_status cli_quota_init(struct cli_quota *quota, cflight_error **reterr)
{
    int os_code = pthread_mutex_init(&quota->mutex, NULL);
    quota->has_mutex = os_code == 0;
    return os_code == 0 ? CFLIGHT_OK : cli_error_from_errno(reterr, os_code, "make", "a lock");
}

void cli_quota_done(struct cli_quota *quota)
{
    free(quota->locked.users);
    if (quota->has_mutex) {
        (void)pthread_mutex_destroy(&quota->mutex);
    }
    memset(quota, 0, sizeof *quota);
}

bool cli_quota_is_on(const struct cli_quota *quota)
{
    return quota->bytes_max > 0 || quota->files_max > 0 || quota->user_bytes_max > 0;
}

/* The user, made when he is new; NULL for nobody and without memory. */
static struct cli_quota_user *find_user_locked(struct cli_quota *quota, const char *name)
{
    for (size_t i = 0; i < quota->locked.user_count; i++) {
        if (strcmp(quota->locked.users[i].name, name) == 0) {
            return &quota->locked.users[i];
        }
    }
    void *users = quota->locked.users;
    if (quota->user_bytes_max == 0 || name[0] == '\0' ||
        !cli_grow_array(&users, &quota->locked.user_capacity, quota->locked.user_count + 1,
                        sizeof *quota->locked.users)) {
        return NULL;
    }
    quota->locked.users = users;
    struct cli_quota_user *user = &quota->locked.users[quota->locked.user_count++];
    memset(user, 0, sizeof *user);
    (void)snprintf(user->name, sizeof user->name, "%s", name);
    return user;
}

static void read_owner(int fd, char *ret_name)
{
    ssize_t len_bytes = fgetxattr(fd, ATTRIBUTE, ret_name, CLI_QUOTA_USER_BYTES - 1);
    ret_name[len_bytes < 0 ? 0 : len_bytes] = '\0';
}

static void remember_locked(struct cli_quota *quota, int fd)
{
    struct stat about;
    char owner[CLI_QUOTA_USER_BYTES] = "";
    read_owner(fd, owner);
    if (fstat(fd, &about) == 0) {
        struct cli_quota_user *user = find_user_locked(quota, owner);
        quota->locked.stored_bytes += (uint64_t)about.st_size;
        quota->locked.stored_files++;
        if (user != NULL) {
            user->stored_bytes += (uint64_t)about.st_size;
        }
    }
}

struct counting {
    struct cli_quota *quota;
    const struct cli_catalog *catalog;
};

static cflight_status count_flight(void *user_data, const struct cli_found *found,
                                   cflight_error **reterr)
{
    struct counting *counting = user_data;
    struct cli_text path = CLI_TEXT_INIT;
    int fd = -1;
    (void)reterr;
    cflight_status status =
        cli_catalog_open(counting->catalog, found->name, O_RDONLY, &path, &fd, NULL);
    if (status == CFLIGHT_PERMISSION_DENIED) {
        status = cli_catalog_open(counting->catalog, found->name, O_PATH, &path, &fd, NULL);
    }
    cli_text_done(&path);
    if (status != CFLIGHT_OK) {
        return CFLIGHT_OK; /* gone meanwhile */
    }
    remember_locked(counting->quota, fd);
    (void)close(fd);
    return CFLIGHT_OK;
}

cflight_status cli_quota_count(struct cli_quota *quota, const struct cli_catalog *catalog,
                               cflight_error **reterr)
{
    struct counting counting = {quota, catalog};
    if (!cli_quota_is_on(quota)) {
        return CFLIGHT_OK;
    }
    (void)pthread_mutex_lock(&quota->mutex);
    quota->locked.stored_bytes = 0;
    quota->locked.stored_files = 0;
    for (size_t i = 0; i < quota->locked.user_count; i++) {
        quota->locked.users[i].stored_bytes = 0;
    }
    cflight_status status = cli_catalog_each(catalog, count_flight, &counting, reterr);
    (void)pthread_mutex_unlock(&quota->mutex);
    return status;
}

void cli_quota_share_init(struct cli_quota_share *ret_share, const cflight_server_context *context)
{
    struct cflight_bytes name = cflight_server_context_peer_identity(context);
    const char *peer = cflight_server_context_peer(context);
    memset(ret_share, 0, sizeof *ret_share);
    if (name.len_bytes == 0) {
        name = cflight_bearer_auth_identity(context);
    }
    if (name.len_bytes > 0) {
        (void)snprintf(ret_share->user, sizeof ret_share->user, "user %.*s", (int)name.len_bytes,
                       (const char *)name.data);
        return;
    }
    const char *port = strncmp(peer, "unix:", 5) == 0 ? NULL : strrchr(peer, ':');
    (void)snprintf(ret_share->user, sizeof ret_share->user, "peer %.*s",
                   port == NULL ? 5 : (int)(port - peer), peer);
}

/* Whether `more` fits under a limit. */
static bool fits(uint64_t max, uint64_t stored, uint64_t pending, uint64_t more)
{
    return max == 0 || more == 0 ||
           (stored <= max && pending <= max - stored && more <= max - stored - pending);
}

cflight_status cli_quota_take(struct cli_quota *quota, struct cli_quota_share *share,
                              uint64_t len_bytes, uint64_t file_count, cflight_error **reterr)
{
    if (!cli_quota_is_on(quota)) {
        return CFLIGHT_OK;
    }
    const char *limit = NULL;
    uint64_t max = 0;
    (void)pthread_mutex_lock(&quota->mutex);
    struct cli_quota_user *user = find_user_locked(quota, share->user);
    if (!fits(quota->bytes_max, quota->locked.stored_bytes, quota->locked.pending_bytes,
              len_bytes)) {
        limit = "bytes of all flights together";
        max = quota->bytes_max;
    } else if (!fits(quota->files_max, quota->locked.stored_files, quota->locked.pending_files,
                     file_count)) {
        limit = "flights";
        max = quota->files_max;
    } else if (user != NULL &&
               !fits(quota->user_bytes_max, user->stored_bytes, user->pending_bytes, len_bytes)) {
        limit = "bytes of one user";
        max = quota->user_bytes_max;
    } else {
        quota->locked.pending_bytes += len_bytes;
        quota->locked.pending_files += file_count;
        share->bytes += len_bytes;
        share->files += file_count;
        if (user != NULL) {
            user->pending_bytes += len_bytes;
        }
    }
    (void)pthread_mutex_unlock(&quota->mutex);
    return limit == NULL
               ? CFLIGHT_OK
               : cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                   "the upload is more than this server stores: its limit is "
                                   "%" PRIu64 " %s",
                                   max, limit);
}

static void settle_locked(struct cli_quota *quota, struct cli_quota_share *share)
{
    struct cli_quota_user *user = find_user_locked(quota, share->user);
    quota->locked.pending_bytes -= share->bytes;
    quota->locked.pending_files -= share->files;
    if (user != NULL) {
        user->pending_bytes -=
            user->pending_bytes < share->bytes ? user->pending_bytes : share->bytes;
    }
}

/* A user who stores nothing and is about to store nothing is nobody to remember: anybody may begin
 * an upload. */
static void forget_unused_locked(struct cli_quota *quota, const char *name)
{
    for (size_t i = 0; i < quota->locked.user_count; i++) {
        struct cli_quota_user *user = &quota->locked.users[i];
        if (strcmp(user->name, name) == 0) {
            if (user->stored_bytes == 0 && user->pending_bytes == 0) {
                *user = quota->locked.users[--quota->locked.user_count];
            }
            return;
        }
    }
}

void cli_quota_give_back(struct cli_quota *quota, struct cli_quota_share *share)
{
    if (cli_quota_is_on(quota)) {
        (void)pthread_mutex_lock(&quota->mutex);
        settle_locked(quota, share);
        forget_unused_locked(quota, share->user);
        (void)pthread_mutex_unlock(&quota->mutex);
    }
    share->bytes = 0;
    share->files = 0;
}

void cli_quota_mark(const struct cli_quota *quota, const struct cli_quota_share *share, int fd)
{
    if (quota->user_bytes_max > 0) {
        (void)fsetxattr(fd, ATTRIBUTE, share->user, strlen(share->user), 0);
    }
}

static void subtract(uint64_t *from, uint64_t what)
{
    *from -= what < *from ? what : *from;
}

void cli_quota_forget(struct cli_quota *quota, int fd)
{
    struct stat about;
    char owner[CLI_QUOTA_USER_BYTES] = "";
    if (!cli_quota_is_on(quota) || fd < 0 || fstat(fd, &about) != 0) {
        return;
    }
    read_owner(fd, owner);
    (void)pthread_mutex_lock(&quota->mutex);
    subtract(&quota->locked.stored_bytes, (uint64_t)about.st_size);
    subtract(&quota->locked.stored_files, 1);
    struct cli_quota_user *user = find_user_locked(quota, owner);
    if (user != NULL) {
        subtract(&user->stored_bytes, (uint64_t)about.st_size);
        forget_unused_locked(quota, owner);
    }
    (void)pthread_mutex_unlock(&quota->mutex);
}

void cli_quota_remember(struct cli_quota *quota, int fd)
{
    if (cli_quota_is_on(quota) && fd >= 0) {
        (void)pthread_mutex_lock(&quota->mutex);
        remember_locked(quota, fd);
        (void)pthread_mutex_unlock(&quota->mutex);
    }
}

void cli_quota_commit(struct cli_quota *quota, struct cli_quota_share *share, int former_fd)
{
    if (!cli_quota_is_on(quota)) {
        return;
    }
    (void)pthread_mutex_lock(&quota->mutex);
    settle_locked(quota, share);
    quota->locked.stored_bytes += share->bytes;
    quota->locked.stored_files++;
    struct cli_quota_user *user = find_user_locked(quota, share->user);
    if (user != NULL) {
        user->stored_bytes += share->bytes;
    }
    (void)pthread_mutex_unlock(&quota->mutex);
    share->bytes = 0;
    share->files = 0;
    cli_quota_forget(quota, former_fd);
}
