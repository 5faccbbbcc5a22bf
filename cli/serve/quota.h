/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_QUOTA_H
#define CFLIGHT_CLI_SERVE_QUOTA_H

#include <pthread.h>
#include <stdint.h>

#include "cflight/server.h"
#include "cli/serve/catalog.h"

/* How much uploads may store: bytes and files of all flights together, and bytes of one user. What
 * is stored is counted when the server starts and when it is told to read files again; uploads that
 * are under way count as they grow. Limits are 0 for none. Thread class: free, by a lock. */

enum { CLI_QUOTA_USER_BYTES = 200 };

struct cli_quota_user;

struct cli_quota {
    uint64_t bytes_max;
    uint64_t files_max;
    uint64_t user_bytes_max;
    pthread_mutex_t mutex;
    bool has_mutex;
    struct {
        uint64_t stored_bytes;
        uint64_t stored_files;
        uint64_t pending_bytes; /* of uploads under way */
        uint64_t pending_files;
        struct cli_quota_user *users;
        size_t user_count;
        size_t user_capacity;
    } locked;
};

/* What one upload has taken. */
struct cli_quota_share {
    char user[CLI_QUOTA_USER_BYTES]; /* "" is nobody */
    uint64_t bytes;
    uint64_t files;
};

cflight_status cli_quota_init(struct cli_quota *quota, cflight_error **reterr);
void cli_quota_done(struct cli_quota *quota);
bool cli_quota_is_on(const struct cli_quota *quota);

/* Counts what is stored now. No upload may be committed meanwhile. */
cflight_status cli_quota_count(struct cli_quota *quota, const struct cli_catalog *catalog,
                               cflight_error **reterr);

/* Begins a share for the caller: the name that he logged in with, or his certificate's, or his
 * address. */
void cli_quota_share_init(struct cli_quota_share *ret_share, const cflight_server_context *context);
/* Takes more. @return CFLIGHT_OK, CFLIGHT_RESOURCE_EXHAUSTED (which limit) */
cflight_status cli_quota_take(struct cli_quota *quota, struct cli_quota_share *share,
                              uint64_t len_bytes, uint64_t file_count, cflight_error **reterr);
/* Gives all of it back: the upload failed. Safe to repeat. */
void cli_quota_give_back(struct cli_quota *quota, struct cli_quota_share *share);
/* Notes on the file `fd` whose it is, where the file system can. */
void cli_quota_mark(const struct cli_quota *quota, const struct cli_quota_share *share, int fd);
/* The upload is stored in the place of `former_fd`, -1 for none. */
void cli_quota_commit(struct cli_quota *quota, struct cli_quota_share *share, int former_fd);
/* The file `fd`, -1 for none, has been removed; or is there and was not counted. */
void cli_quota_forget(struct cli_quota *quota, int fd);
void cli_quota_remember(struct cli_quota *quota, int fd);

#endif /* CFLIGHT_CLI_SERVE_QUOTA_H */
