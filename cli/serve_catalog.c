/* SPDX-License-Identifier: Apache-2.0 */
/* Finds flights on disk.
 *
 * Nothing but complaints is remembered between requests, so new files appear and removed ones
 * vanish at once. A path is used only after realpath() has shown that it stays inside the served
 * directory; links to directories are not followed in listings, so that a loop of links cannot hold
 * one up. */
#include "cli/serve_catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/memory.h"
#include "cli/message.h"
#include "cli/os_error.h"
#include "cli/serve_name.h"

enum { DEPTH_MAX = 32 };

const char *const cli_endings[CLI_ENDING_COUNT] = {".arrow", ".feather", ".arrows"};

cflight_status cli_catalog_init(struct cli_catalog *ret_catalog, cflight_error **reterr)
{
    char *root = realpath(".", NULL);
    if (root == NULL) {
        return cli_error_from_errno(reterr, errno, "open", "the served directory");
    }
    ret_catalog->root = cli_strdup(root);
    free(root);
    if (ret_catalog->root == NULL) {
        return cli_error_no_memory(reterr, "starting");
    }
    return cli_notes_new(&ret_catalog->notes, reterr);
}

void cli_catalog_done(struct cli_catalog *catalog)
{
    cli_free(catalog->root);
    catalog->root = NULL;
    cli_notes_free(catalog->notes);
    catalog->notes = NULL;
}

void cli_catalog_complain(const struct cli_catalog *catalog, const char *path,
                          const cflight_error *error)
{
    if (cli_notes_is_new(catalog->notes, path, cflight_error_message(error))) {
        cli_message_error("left out of the list", error);
    }
}

bool cli_catalog_contains(const struct cli_catalog *catalog, const char *path)
{
    size_t root_len_bytes = strlen(catalog->root);
    char *real = realpath(path, NULL);
    if (real == NULL) {
        return false;
    }
    bool is_root_slash = strcmp(catalog->root, "/") == 0;
    bool is_inside =
        is_root_slash || (strncmp(real, catalog->root, root_len_bytes) == 0 &&
                          (real[root_len_bytes] == '/' || real[root_len_bytes] == '\0'));
    free(real);
    return is_inside;
}

cflight_status cli_catalog_find(const struct cli_catalog *catalog, const char *name,
                                struct cli_text *ret_path, cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < CLI_ENDING_COUNT; i++) {
        struct stat about;
        cli_text_clear(&path);
        cli_text_append_string(&path, name);
        cli_text_append_string(&path, cli_endings[i]);
        status = cli_text_status(&path, reterr);
        if (status != CFLIGHT_OK) {
            goto done;
        }
        if (stat(cli_text_terminated(&path), &about) != 0 || !S_ISREG(about.st_mode)) {
            continue;
        }
        if (!cli_catalog_contains(catalog, cli_text_terminated(&path))) {
            status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                       "'%s' leads out of the served directory", name);
            goto done;
        }
        *ret_path = path;
        path = (struct cli_text)CLI_TEXT_INIT;
        goto done;
    }
    status = cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "there is no flight '%s'", name);

done:
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

/* Visits a file that has the ending of a flight, if it is what its name stands for. */
static cflight_status visit_file(const struct walk *walk, const char *path, size_t name_len_bytes,
                                 cflight_error **reterr)
{
    struct cli_text found = CLI_TEXT_INIT;
    cflight_error *problem = NULL;
    char *name = cli_strndup(path, name_len_bytes);
    if (name == NULL) {
        return cli_error_no_memory(reterr, "listing flights");
    }
    cflight_status status = cli_name_check(cflight_bytes_from_text(name), &problem);
    if (status == CFLIGHT_OK) {
        status = cli_catalog_find(walk->catalog, name, &found, &problem);
    }
    if (status != CFLIGHT_OK) {
        cli_catalog_complain(walk->catalog, path, problem);
        status = CFLIGHT_OK;
    } else if (strcmp(cli_text_terminated(&found), path) != 0) {
        if (cli_notes_is_new(walk->catalog->notes, path, found.data)) {
            cli_message("left out of the list: '%s' has the same name as '%s'", path, found.data);
        }
    } else {
        status = walk->visit(walk->user_data, name, path, reterr);
    }
    cflight_error_free(problem);
    cli_text_done(&found);
    cli_free(name);
    return status;
}

static cflight_status walk_directory(const struct walk *walk, const char *directory, int depth,
                                     cflight_error **reterr);

static cflight_status visit_entry(const struct walk *walk, const char *directory,
                                  const char *file_name, int depth, cflight_error **reterr)
{
    struct cli_text path = CLI_TEXT_INIT;
    struct stat about;
    bool is_top = strcmp(directory, ".") == 0;
    cli_text_append_string(&path, is_top ? "" : directory);
    cli_text_append_string(&path, is_top ? "" : "/");
    size_t prefix_bytes = path.len_bytes;
    cli_text_append_string(&path, file_name);
    const char *terminated = cli_text_terminated(&path);
    size_t stem_bytes = stem_len(file_name);
    cflight_status status = cli_text_status(&path, reterr);
    if (status == CFLIGHT_OK && lstat(terminated, &about) == 0) {
        if (S_ISDIR(about.st_mode)) {
            status = walk_directory(walk, terminated, depth + 1, reterr);
        } else if (stem_bytes > 0 && stat(terminated, &about) == 0 && S_ISREG(about.st_mode)) {
            status = visit_file(walk, terminated, prefix_bytes + stem_bytes, reterr);
        }
    }
    cli_text_done(&path);
    return status;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static cflight_status walk_directory(const struct walk *walk, const char *directory, int depth,
                                     cflight_error **reterr)
{
    struct dirent **entries = NULL;
    cflight_status status = CFLIGHT_OK;
    if (depth > DEPTH_MAX) {
        if (cli_notes_is_new(walk->catalog->notes, directory, "deep")) {
            cli_message("left out of the list: '%s' is deeper than %d directories", directory,
                        DEPTH_MAX);
        }
        return CFLIGHT_OK;
    }
    int count = scandir(directory, &entries, is_visible, compare_entries);
    if (count < 0) {
        if (cli_notes_is_new(walk->catalog->notes, directory, "unreadable")) {
            cli_message("left out of the list: cannot read the directory '%s'", directory);
        }
        return CFLIGHT_OK;
    }
    for (int i = 0; i < count; i++) {
        if (status == CFLIGHT_OK) {
            status = visit_entry(walk, directory, entries[i]->d_name, depth, reterr);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

cflight_status cli_catalog_each(const struct cli_catalog *catalog, cli_visit_fn visit,
                                void *user_data, cflight_error **reterr)
{
    struct walk walk = {catalog, visit, user_data};
    return walk_directory(&walk, ".", 0, reterr);
}
