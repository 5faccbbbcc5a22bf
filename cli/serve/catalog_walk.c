/* SPDX-License-Identifier: Apache-2.0 */
/* Goes through all flights on disk, for lists.
 *
 * Directories are read each time and files are looked at, one step each. Links to directories are
 * not followed, so that a loop of links cannot hold a list up. */
#define _GNU_SOURCE /* O_PATH */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/serve/catalog.h"
#include "cli/serve/name.h"
#include "cli/system/files.h"
#include "cli/system/memory.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

enum { DEPTH_MAX = 32 };

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

/* Complains about a file that has the ending of a flight and is none. A link to nothing is no
 * fault.
 */
static void leave_out(const struct walk *walk, const char *path, bool is_link,
                      cflight_status status, const cflight_error *problem)
{
    if (status != CFLIGHT_NOT_FOUND || !is_link) {
        cli_catalog_complain(walk->catalog, path, problem);
    }
}

/* Whether the name of a flight leads to the file at this path, which it does not when there is one
 * with another ending, or when a link leads out; where it does, `found` has the state of what it
 * leads to. */
static bool leads_here(const struct walk *walk, struct cli_found *found, bool is_link)
{
    struct cli_text path = CLI_TEXT_INIT;
    cflight_error *problem = NULL;
    int fd = -1;
    cflight_status status =
        cli_catalog_open(walk->catalog, found->name, O_PATH, &path, &fd, &problem);
    bool is_here = status == CFLIGHT_OK && strcmp(cli_text_terminated(&path), found->path) == 0;
    if (status != CFLIGHT_OK) {
        leave_out(walk, found->path, is_link, status, problem);
    } else if (!is_here && cli_catalog_is_new(walk->catalog, found->path, path.data)) {
        cli_log(CLI_LOG_WARN, "left out of the list: '%s' has the same name as '%s'", found->path,
                path.data);
    }
    is_here = is_here && fstat(fd, &found->state) == 0;
    cli_close(fd);
    cflight_error_free(problem);
    cli_text_done(&path);
    return is_here;
}

/* Whether another file of the directory, with an ending that goes before, may have the name. */
static bool has_rival(const struct names *names, const char *file_name, size_t stem_bytes)
{
    char rival[NAME_MAX + 1];
    for (size_t i = 0; i < CLI_ENDING_COUNT && strcmp(file_name + stem_bytes, cli_endings[i]) != 0;
         i++) {
        const char *key = rival;
        int len =
            snprintf(rival, sizeof rival, "%.*s%s", (int)stem_bytes, file_name, cli_endings[i]);
        if (len > 0 && (size_t)len < sizeof rival &&
            bsearch(&key, names->items, names->count, sizeof *names->items, compare_names) !=
                NULL) {
            return true;
        }
    }
    return false;
}

/* Visits a file that has the ending of a flight, if it is what its name stands for. A regular file
 * without a rival is: it was looked at in a directory that was reached without links. */
static cflight_status visit_file(const struct walk *walk, struct cli_found *found,
                                 bool may_be_another, cflight_error **reterr)
{
    cflight_error *problem = NULL;
    bool is_link = S_ISLNK(found->state.st_mode);
    cflight_status status = cli_name_check(cflight_bytes_from_text(found->name), &problem);
    if (status != CFLIGHT_OK) {
        leave_out(walk, found->path, is_link, status, problem);
        cflight_error_free(problem);
        return CFLIGHT_OK;
    }
    return (is_link || may_be_another) && !leads_here(walk, found, is_link)
               ? CFLIGHT_OK
               : walk->visit(walk->user_data, found, reterr);
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
        if (errno != ENOENT && cli_catalog_is_new(walk->catalog, path, "unreadable")) {
            cli_log(CLI_LOG_WARN, "left out of the list: cannot read the directory '%s'", path);
        }
        return CFLIGHT_OK;
    }
    if (inner.depth <= DEPTH_MAX) {
        status = walk_directory(walk, &inner, reterr);
    } else if (cli_catalog_is_new(walk->catalog, path, "deep")) {
        cli_log(CLI_LOG_WARN, "left out of the list: '%s' is deeper than %d directories", path,
                DEPTH_MAX);
    }
    (void)close(inner.fd);
    return status;
}

/* Goes on with one name of a directory. */
static cflight_status visit_entry(const struct walk *walk, const struct place *place,
                                  const struct names *names, const char *file_name,
                                  cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    struct cli_text name = CLI_TEXT_INIT;
    struct cli_found found;
    size_t stem_bytes = stem_len(file_name);
    if (fstatat(place->fd, file_name, &found.state, AT_SYMLINK_NOFOLLOW) != 0) {
        return CFLIGHT_OK; /* gone meanwhile */
    }
    if (place->depth > 0) {
        cli_text_append_string(&path, place->path);
        cli_text_append_char(&path, '/');
    }
    size_t prefix_bytes = path.len_bytes;
    cli_text_append_string(&path, file_name);
    found.path = cli_text_terminated(&path);
    cli_text_append(&name, found.path, prefix_bytes + stem_bytes);
    found.name = cli_text_terminated(&name);
    cflight_status status = cli_text_status(&path, reterr);
    status = status == CFLIGHT_OK ? cli_text_status(&name, reterr) : status;
    if (status == CFLIGHT_OK && S_ISDIR(found.state.st_mode)) {
        status = enter(walk, place, file_name, found.path, reterr);
    } else if (status == CFLIGHT_OK && stem_bytes > 0 &&
               (S_ISLNK(found.state.st_mode) || S_ISREG(found.state.st_mode))) {
        status = visit_file(walk, &found, has_rival(names, file_name, stem_bytes), reterr);
    }
    cli_text_done(&name);
    cli_text_done(&path);
    return status;
}

static cflight_status walk_directory(const struct walk *walk, const struct place *place,
                                     cflight_error **reterr)
{
    struct names names = {0};
    cflight_status status = CFLIGHT_OK;
    int os_code = read_names(place->fd, &names);
    if (os_code == ENOMEM) {
        status = cli_error_no_memory(reterr, "listing flights");
    } else if (os_code != 0 && cli_catalog_is_new(walk->catalog, place->path, "unreadable")) {
        cli_log(CLI_LOG_WARN, "left out of the list: cannot read the directory '%s'", place->path);
    }
    for (size_t i = 0; os_code == 0 && i < names.count && status == CFLIGHT_OK; i++) {
        status = visit_entry(walk, place, &names, names.items[i], reterr);
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
