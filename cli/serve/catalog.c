/* SPDX-License-Identifier: Apache-2.0 */
/* Finds flights on disk.
 *
 * Nothing about names but complaints is remembered between requests, so new files appear and
 * removed ones vanish at once. Files are opened below the descriptor of the served directory
 * (beneath.c) and what was opened is what is checked, listed and sent, so that nobody who exchanges
 * files and links meanwhile makes anything else of it. */
#define _GNU_SOURCE /* O_PATH */
#include "cli/serve/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/system/beneath.h"
#include "cli/system/files.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

const char *const cli_endings[CLI_ENDING_COUNT] = {".arrow", ".feather", ".arrows"};

cflight_status cli_catalog_init(struct cli_catalog *ret_catalog, const char *directory,
                                cflight_error **reterr)
{
    ret_catalog->root_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ret_catalog->root_fd < 0) {
        return cli_error_from_errno(reterr, errno, "serve", directory);
    }
    return cli_notes_new(&ret_catalog->notes, reterr);
}

void cli_catalog_done(struct cli_catalog *catalog)
{
    cli_close(catalog->root_fd);
    cli_notes_free(catalog->notes);
    *catalog = (struct cli_catalog)CLI_CATALOG_INIT;
}

bool cli_catalog_is_new(const struct cli_catalog *catalog, const char *path, const char *complaint)
{
    struct stat state;
    int fd = cli_beneath_open(catalog->root_fd, path, O_PATH);
    if (fd < 0) {
        fd = cli_beneath_open(catalog->root_fd, path, O_PATH | O_NOFOLLOW);
    }
    if (fd < 0 || fstat(fd, &state) != 0) {
        memset(&state, 0, sizeof state);
    }
    cli_close(fd);
    return cli_notes_is_new(catalog->notes, path, &state, complaint);
}

cflight_status cli_catalog_no_flight(const char *name, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "there is no flight '%s'", name);
}

void cli_catalog_complain(const struct cli_catalog *catalog, const char *path,
                          const cflight_error *error)
{
    if (cli_catalog_is_new(catalog, path, cflight_error_message(error))) {
        cli_message_warning("left out of the list", error);
    }
}

/* Opens a regular file. @return 0 or an errno, ENOENT for anything else */
static int open_regular(const struct cli_catalog *catalog, const char *path, int flags, int *ret_fd)
{
    struct stat about;
    /* A pipe that is no flight must not hold anybody up. */
    bool is_path = (flags & O_PATH) != 0;
    int fd =
        cli_beneath_open(catalog->root_fd, path, is_path ? flags : flags | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return errno == ENOTDIR || errno == ELOOP || errno == ENXIO ? ENOENT : errno;
    }
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        (void)close(fd);
        return ENOENT;
    }
    *ret_fd = fd;
    return 0;
}

cflight_status cli_catalog_open(const struct cli_catalog *catalog, const char *name, int flags,
                                struct cli_text *ret_path, int *ret_fd, cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    cflight_status status = CFLIGHT_OK;
    int os_code = ENOENT;
    for (size_t i = 0; i < CLI_ENDING_COUNT && os_code == ENOENT; i++) {
        cli_text_clear(&path);
        cli_text_append_string(&path, name);
        cli_text_append_string(&path, cli_endings[i]);
        status = cli_text_status(&path, reterr);
        if (status != CFLIGHT_OK) {
            cli_text_done(&path);
            return status;
        }
        os_code = open_regular(catalog, cli_text_terminated(&path), flags, ret_fd);
    }
    if (os_code == 0) {
        *ret_path = path;
        return CFLIGHT_OK;
    }
    if (os_code == ENOENT) {
        status = cli_catalog_no_flight(name, reterr);
    } else if (os_code == EXDEV) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "'%s' leads out of the served directory", name);
    } else {
        status = cli_error_from_errno(reterr, os_code, "open", path.data);
    }
    cli_text_done(&path);
    return status;
}

/* The file of a flight in the served directory itself, whose name leads through no directory and,
 * being that of a regular file, through no link. */
static bool look_at_top(const struct cli_catalog *catalog, const char *name, struct stat *ret_state)
{
    char path[NAME_MAX + 1];
    struct stat state;
    if (strchr(name, '/') != NULL) {
        return false;
    }
    for (size_t i = 0; i < CLI_ENDING_COUNT; i++) {
        int len = snprintf(path, sizeof path, "%s%s", name, cli_endings[i]);
        if (len < 0 || (size_t)len >= sizeof path) {
            return false;
        }
        if (fstatat(catalog->root_fd, path, &state, AT_SYMLINK_NOFOLLOW) == 0) {
            *ret_state = state;
            return S_ISREG(state.st_mode);
        }
        if (errno != ENOENT) {
            return false;
        }
    }
    return false;
}

cflight_status cli_catalog_look(const struct cli_catalog *catalog, const char *name,
                                struct stat *ret_state, cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    int fd = -1;
    if (look_at_top(catalog, name, ret_state)) {
        return CFLIGHT_OK;
    }
    cflight_status status = cli_catalog_open(catalog, name, O_PATH, &path, &fd, reterr);
    if (status == CFLIGHT_OK && fstat(fd, ret_state) != 0) {
        status = cli_error_from_errno(reterr, errno, "look at", path.data);
    }
    cli_close(fd);
    cli_text_done(&path);
    return status;
}
