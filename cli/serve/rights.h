/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_RIGHTS_H
#define CFLIGHT_CLI_SERVE_RIGHTS_H

#include "cflight/server.h"

/* Which users see and fetch, and which upload, what flights, by a file:
 *
 *     # comment
 *     [alice]
 *     read = *
 *     write = sales/2026
 *     [*]
 *     read = public
 *
 * A section is a user, by the name that authentication has found, byte for byte; "*" is everybody
 * who has no section. A value is "*", every flight, or a name: it stands for the flight of that
 * name and for those whose names go on with "/" behind it. A key may come several times. What is
 * not allowed is not. Thread class: free. */
struct cli_rights;

enum cli_right { CLI_RIGHT_READ, CLI_RIGHT_WRITE, CLI_RIGHT_COUNT };

/* Reads the file. `path` is borrowed. `is_of_database`: every value is "*". @return CFLIGHT_OK,
 * CFLIGHT_INVALID_ARGUMENT (the line that is wrong), CFLIGHT_RESOURCE_EXHAUSTED, or as
 * cli_error_from_errno() */
cflight_status cli_rights_new(const char *path, bool is_of_database, struct cli_rights **ret_rights,
                              cflight_error **reterr);
void cli_rights_free(struct cli_rights *rights);
/* Reads the file again; after a failure the former rights stay. */
cflight_status cli_rights_reload(struct cli_rights *rights, cflight_error **reterr);
const char *cli_rights_path(const struct cli_rights *rights);

/* Whether a user has a right to a flight. NULL rights are everybody's to everything. */
bool cli_rights_allow(struct cli_rights *rights, struct cflight_bytes user, enum cli_right right,
                      const char *name);
/* Whether the caller has. */
bool cli_rights_allow_caller(struct cli_rights *rights, const cflight_server_context *context,
                             enum cli_right right, const char *name);

#endif /* CFLIGHT_CLI_SERVE_RIGHTS_H */
