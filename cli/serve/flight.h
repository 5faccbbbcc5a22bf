/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SERVE_FLIGHT_H
#define CFLIGHT_CLI_SERVE_FLIGHT_H

#include "cli/serve/serve.h"
#include "cli/system/mapped_file.h"

/* The file of a flight. Names must have passed cli_name_check(). Thread class: free. */

/* @return as cli_catalog_open() and cli_mapped_file_open_fd(), but CFLIGHT_INTERNAL for what the
 * server has no right to read */
cflight_status cli_flight_open(const struct cli_serve *serve, const char *name,
                               struct cli_mapped_file *ret_file, cflight_error **reterr);

/* Whether what was read of a flight is to be believed. */
cflight_status cli_flight_check(const char *name, const struct cli_mapped_file *file,
                                cflight_error **reterr);

/* A flight that the caller may not see is not there, in the very words of one that is not. */
cflight_status cli_flight_check_rights(const struct cli_serve *serve,
                                       const cflight_server_context *context, const char *name,
                                       cflight_error **reterr);

/* Whether the caller may upload it, in the same words whether or not it is there; notes that the
 * call is about it. @return CFLIGHT_OK, CFLIGHT_PERMISSION_DENIED */
cflight_status cli_flight_check_upload(const struct cli_serve *serve,
                                       cflight_server_context *context, const char *name,
                                       cflight_error **reterr);

/* Prefixes an error, which is taken, with the flight it is about. */
cflight_status cli_flight_blame(const char *name, cflight_status status, cflight_error *cause,
                                cflight_error **reterr);

#endif /* CFLIGHT_CLI_SERVE_FLIGHT_H */
