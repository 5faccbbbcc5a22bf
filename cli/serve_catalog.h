/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_CATALOG_H
#define CFLIGHT_CLI_SERVE_CATALOG_H

#include "cflight/error.h"
#include "cli/serve_notes.h"
#include "cli/text.h"

/* The flights below the working directory of the process, looked up when they are asked for. Paths
 * are relative, so that messages that reach a client tell nothing about the machine. Thread class:
 * free. */
struct cli_catalog {
    char *root; /* the served directory, absolute and without links */
    struct cli_notes *notes;
};

/* Endings that make a file a flight. When several files share a name, the first ending wins. */
enum { CLI_ENDING_COUNT = 3 };
extern const char *const cli_endings[CLI_ENDING_COUNT];

/* Takes the working directory as the one that is served. */
cflight_status cli_catalog_init(struct cli_catalog *ret_catalog, cflight_error **reterr);
void cli_catalog_done(struct cli_catalog *catalog);

/* Says on standard error why the file at `path` is left out of a list; once, until it changes. */
void cli_catalog_complain(const struct cli_catalog *catalog, const char *path,
                          const cflight_error *error);

/* Finds the file of a flight. `name` must have passed cli_name_check().
 * @return CFLIGHT_OK, CFLIGHT_NOT_FOUND, CFLIGHT_INVALID_ARGUMENT (a link leads out of the
 * directory) */
cflight_status cli_catalog_find(const struct cli_catalog *catalog, const char *name,
                                struct cli_text *ret_path, cflight_error **reterr);

/* Tells whether an existing path, links followed, is inside the served directory. */
bool cli_catalog_contains(const struct cli_catalog *catalog, const char *path);

/* Calls `visit` for every flight, sorted within each directory, until it gives something other than
 * CFLIGHT_OK. Files that cannot be flights are left out, with a message on standard error the first
 * time. */
typedef cflight_status (*cli_visit_fn)(void *user_data, const char *name, const char *path,
                                       cflight_error **reterr);
cflight_status cli_catalog_each(const struct cli_catalog *catalog, cli_visit_fn visit,
                                void *user_data, cflight_error **reterr);

#endif /* CFLIGHT_CLI_SERVE_CATALOG_H */
