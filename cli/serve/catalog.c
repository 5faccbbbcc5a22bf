/* SPDX-License-Identifier: Apache-2.0 */
/* Finds flights on disk.
 *
 * Nothing but complaints is remembered between requests, so new files appear and removed ones
 * vanish at once. Files are opened below the descriptor of the served directory (beneath.c) and
 * what was opened is what is checked, listed and sent, so that nobody who exchanges files and links
 * meanwhile makes anything else of it. Links to directories are not followed in listings, so that a
 * loop of links cannot hold one up. */
#define _GNU_SOURCE /* O_PATH */
#include "cli/serve/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/serve/name.h"
#include "cli/system/beneath.h"
#include "cli/system/files.h"
#include "cli/system/memory.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

enum { DEPTH_MAX = 32 };

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

/* Whether a complaint is new for what lies at the path now. */
static bool is_new(const struct cli_catalog *catalog, const char *path, const char *complaint)
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
    if (is_new(catalog, path, cflight_error_message(error))) {
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

struct walk {
    const struct cli_catalog *catalog;
    cli_visit_fn visit;
    void *user_data;
};

/* Length of the name without the ending of a flight; 0 when it has none. */
static size_t stem_len(const char *file_name)
{
    size_t len_bytes = strlen(file_name);
    for (size_t i = 0; i < CLI_ENDING_COUNT; i++) {
        size_t ending_bytes = strlen(cli_endings[i]);
        if (len_bytes > ending_bytes &&
            strcmp(file_name + len_bytes - ending_bytes, cli_endings[i]) == 0) {
            return len_bytes - ending_bytes;
        }
    }
    return 0;
}

/* Visits a file that has the ending of a flight, if it is what its name stands for. A link to
 * nothing is no flight, and no fault. */
static cflight_status visit_file(const struct walk *walk, const char *path, size_t name_len_bytes,
                                 bool is_link, cflight_error **reterr)
{
    struct cli_text found = CLI_TEXT_INIT;
    cflight_error *problem = NULL;
    int fd = -1;
    char *name = strndup(path, name_len_bytes);
    if (name == NULL) {
        return cli_error_no_memory(reterr, "listing flights");
    }
    cflight_status status = cli_name_check(cflight_bytes_from_text(name), &problem);
    if (status == CFLIGHT_OK) {
        status = cli_catalog_open(walk->catalog, name, O_PATH, &found, &fd, &problem);
    }
    cli_close(fd);
    if (status != CFLIGHT_OK) {
        if (status != CFLIGHT_NOT_FOUND || !is_link) {
            cli_catalog_complain(walk->catalog, path, problem);
        }
        status = CFLIGHT_OK;
    } else if (strcmp(cli_text_terminated(&found), path) != 0) {
        if (is_new(walk->catalog, path, found.data)) {
            cli_log(CLI_LOG_WARN, "left out of the list: '%s' has the same name as '%s'", path,
                    found.data);
        }
    } else {
        status = walk->visit(walk->user_data, name, path, reterr);
    }
    cflight_error_free(problem);
    cli_text_done(&found);
    free(name);
    return status;
}

/* A directory on the way. */
struct place {
    int fd;
    const char *path; /* "." for the served one */
    int depth;
};

static cflight_status walk_directory(const struct walk *walk, const struct place *place,
                                     cflight_error **reterr);

/* Goes into a directory that is no link. */
static cflight_status enter(const struct walk *walk, const struct place *place, const char *name,
                            const char *path, cflight_error **reterr)
{
    struct place inner = {openat(place->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                          path, place->depth + 1};
    cflight_status status = CFLIGHT_OK;
    if (inner.fd < 0) {
        if (errno != ENOENT && is_new(walk->catalog, path, "unreadable")) {
            cli_log(CLI_LOG_WARN, "left out of the list: cannot read the directory '%s'", path);
        }
        return CFLIGHT_OK;
    }
    if (inner.depth <= DEPTH_MAX) {
        status = walk_directory(walk, &inner, reterr);
    } else if (is_new(walk->catalog, path, "deep")) {
        cli_log(CLI_LOG_WARN, "left out of the list: '%s' is deeper than %d directories", path,
                DEPTH_MAX);
    }
    (void)close(inner.fd);
    return status;
}

static cflight_status visit_entry(const struct walk *walk, const struct place *place,
                                  const char *file_name, cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    struct stat about;
    bool is_top = place->depth == 0;
    cli_text_append_string(&path, is_top ? "" : place->path);
    cli_text_append_string(&path, is_top ? "" : "/");
    size_t prefix_bytes = path.len_bytes;
    cli_text_append_string(&path, file_name);
    const char *terminated = cli_text_terminated(&path);
    size_t stem_bytes = stem_len(file_name);
    cflight_status status = cli_text_status(&path, reterr);
    if (status == CFLIGHT_OK && fstatat(place->fd, file_name, &about, AT_SYMLINK_NOFOLLOW) == 0) {
        bool is_link = S_ISLNK(about.st_mode);
        if (S_ISDIR(about.st_mode)) {
            status = enter(walk, place, file_name, terminated, reterr);
        } else if (stem_bytes > 0 && (is_link || S_ISREG(about.st_mode))) {
            status = visit_file(walk, terminated, prefix_bytes + stem_bytes, is_link, reterr);
        }
    }
    cli_text_done(&path);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;
    return strcmp(*left, *right);
}

struct names {
    char **items;
    size_t count;
    size_t capacity;
};

static void names_done(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
}

/* The visible names in a directory, sorted. @return 0 or an errno */
static int read_names(int directory_fd, struct names *names)
{
    DIR *entries = cli_entries_open(directory_fd);
    int os_code = entries == NULL ? errno : 0;
    const struct dirent *entry = NULL;
    while (os_code == 0 && (entry = readdir(entries)) != NULL) {
        void *items = names->items;
        char *name = entry->d_name[0] == '.' ? NULL : strdup(entry->d_name);
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (name == NULL ||
            !cli_grow_array(&items, &names->capacity, names->count + 1, sizeof *names->items)) {
            free(name);
            os_code = ENOMEM;
        } else {
            names->items = items;
            names->items[names->count++] = name;
        }
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    if (os_code == 0 && names->count > 0) {
        qsort(names->items, names->count, sizeof *names->items, compare_names);
    }
    return os_code;
}

static cflight_status walk_directory(const struct walk *walk, const struct place *place,
                                     cflight_error **reterr)
{
    struct names names = {0};
    cflight_status status = CFLIGHT_OK;
    int os_code = read_names(place->fd, &names);
    if (os_code == ENOMEM) {
        status = cli_error_no_memory(reterr, "listing flights");
    } else if (os_code != 0 && is_new(walk->catalog, place->path, "unreadable")) {
        cli_log(CLI_LOG_WARN, "left out of the list: cannot read the directory '%s'", place->path);
    }
    for (size_t i = 0; os_code == 0 && i < names.count && status == CFLIGHT_OK; i++) {
        status = visit_entry(walk, place, names.items[i], reterr);
    }
    names_done(&names);
    return status;
}

cflight_status cli_catalog_each(const struct cli_catalog *catalog, cli_visit_fn visit,
                                void *user_data, cflight_error **reterr)
{
    struct walk walk = {catalog, visit, user_data};
    struct place top = {catalog->root_fd, ".", 0};
    return walk_directory(&walk, &top, reterr);
}
