/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_CATALOG_H
#define CFLIGHT_CLI_SERVE_CATALOG_H

#include <sys/stat.h>

#include "cflight/error.h"
#include "cli/serve/notes.h"
#include "cli/system/text.h"

/* The flights below a directory, looked up when they are asked for. Paths are relative to it, so
 * that messages that reach a client tell nothing about the machine. Thread class: free. */
struct cli_catalog {
    int root_fd; /* the served directory: nothing else is reached, however paths change */
    struct cli_notes *notes;
};

/* Endings that make a file a flight. When several files share a name, the first ending wins. */
enum { CLI_ENDING_COUNT = 3 };
extern const char *const cli_endings[CLI_ENDING_COUNT];

#define CLI_CATALOG_INIT \
    {                    \
        .root_fd = -1    \
    }

cflight_status cli_catalog_init(struct cli_catalog *ret_catalog, const char *directory,
                                cflight_error **reterr);
void cli_catalog_done(struct cli_catalog *catalog);

/* Whether a complaint is new for what lies at the path now. */
bool cli_catalog_is_new(const struct cli_catalog *catalog, const char *path, const char *complaint);

/* Says on standard error why the file at `path` is left out of a list; once, until it changes. */
void cli_catalog_complain(const struct cli_catalog *catalog, const char *path,
                          const cflight_error *error);

/* "there is no flight 'NAME'". @return CFLIGHT_NOT_FOUND */
cflight_status cli_catalog_no_flight(const char *name, cflight_error **reterr);

/* Opens the file of a flight, which is a regular one: with O_RDONLY to read it, with O_PATH to look
 * at it. `name` must have passed cli_name_check(); `*ret_path` says where the file is.
 * @return CFLIGHT_OK, CFLIGHT_NOT_FOUND, CFLIGHT_INVALID_ARGUMENT (a link leads out of the
 * directory), or as cli_error_from_errno() */
cflight_status cli_catalog_open(const struct cli_catalog *catalog, const char *name, int flags,
                                struct cli_text *ret_path, int *ret_fd, cflight_error **reterr);

/* Looks at the file of a flight: as cli_catalog_open() with O_PATH and fstat(), in fewer steps
 * where that is safe. */
cflight_status cli_catalog_look(const struct cli_catalog *catalog, const char *name,
                                struct stat *ret_state, cflight_error **reterr);

/* What a visit is told. */
struct cli_found {
    const char *name;
    const char *path;
    struct stat state;
};

/* Calls `visit` for every flight, sorted within each directory, until it gives something other than
 * CFLIGHT_OK. Files that cannot be flights are left out, with a message on standard error the first
 * time. */
typedef cflight_status (*cli_visit_fn)(void *user_data, const struct cli_found *found,
                                       cflight_error **reterr);
cflight_status cli_catalog_each(const struct cli_catalog *catalog, cli_visit_fn visit,
                                void *user_data, cflight_error **reterr);

#endif /* CFLIGHT_CLI_SERVE_CATALOG_H */
