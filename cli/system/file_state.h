/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_FILE_STATE_H
#define CFLIGHT_CLI_SYSTEM_FILE_STATE_H

#include <stdbool.h>
#include <sys/stat.h>

/* What two looks at files tell. */

static inline bool cli_is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether nothing was written in between. */
static inline bool cli_is_unchanged(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

#endif /* CFLIGHT_CLI_SYSTEM_FILE_STATE_H */
