/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_COMMANDS_SERVE_PLACES_H
#define CFLIGHT_CLI_COMMANDS_SERVE_PLACES_H

#include "cli/commands/arguments.h"
#include "cli/system/service_manager.h"

/* Where a server listens, and where it tells its clients to go. Thread class: one at a time. */
struct cli_serve_places {
    char *locations[CLI_PASSED_SOCKETS_MAX];
    size_t location_count;
    struct cflight_server_socket sockets[CLI_PASSED_SOCKETS_MAX];
    size_t socket_count;
    struct cflight_bytes advertised[CLI_PASSED_SOCKETS_MAX]; /* allocated */
    size_t advertised_count;
    bool has_tls;    /* somewhere */
    bool is_exposed; /* without TLS, to other machines */
};

/* From --listen, --advertise and what was passed; `ret_places` is zeroed, and done with in any
 * case. @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (what makes no sense),
 * CFLIGHT_RESOURCE_EXHAUSTED */
cflight_status cli_serve_places_choose(const struct cli_serve_arguments *given,
                                       const struct cli_passed_sockets *passed,
                                       struct cli_serve_places *ret_places, cflight_error **reterr);
/* Puts them into the options of a server; they are borrowed. @return the first location, or NULL */
const char *cli_serve_places_use(const struct cli_serve_places *places,
                                 struct cflight_server_options *options);
void cli_serve_places_done(struct cli_serve_places *places);

#endif /* CFLIGHT_CLI_COMMANDS_SERVE_PLACES_H */
