/* SPDX-License-Identifier: Apache-2.0 */
/* The places of --listen: locations, and names of sockets that were passed; and those of
 * --advertise and --location, of which none may be an address that means every address. */
#include "cli/commands/serve_places.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client/location.h"

static const char DEFAULT_LOCATION[] = "localhost:32010";
static const char PASSED[] = "fd:";
static const char PASSED_TLS[] = "fd+tls:";

static cflight_status too_many(const char *option, cflight_error **reterr)
{
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "there may be at most %d %s",
                             (int)CLI_PASSED_SOCKETS_MAX, option);
}

/* Notes what a listener means for passwords. `host` is "" for Unix sockets. */
static void note_exposure(struct cli_serve_places *places, const char *host, bool is_tls)
{
    places->has_tls = places->has_tls || is_tls;
    if (!is_tls && host[0] != '\0' && !cli_host_is_loopback(host)) {
        places->is_exposed = true;
    }
}

static cflight_status add_location(struct cli_serve_places *places, const char *uri, bool has_cert,
                                   cflight_error **reterr)
{
    struct cflight_location *location = NULL;
    if (places->location_count == CLI_PASSED_SOCKETS_MAX) {
        return too_many("--listen", reterr);
    }
    char **ret_complete = &places->locations[places->location_count];
    cflight_status status = cli_location_complete(uri, has_cert, true, ret_complete, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    places->location_count++;
    status = cflight_location_parse(cflight_bytes_from_text(*ret_complete), &location, reterr);
    if (status == CFLIGHT_OK) {
        note_exposure(places, location->host, strcmp(location->scheme, "grpc+tls") == 0);
    }
    cflight_location_free(location);
    return status;
}

static cflight_status add_socket(struct cli_serve_places *places,
                                 const struct cli_passed_socket *passed, bool is_tls,
                                 cflight_error **reterr)
{
    if (passed->is_unix && is_tls) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the socket '%s' is a Unix socket: there is no TLS on those",
                                 passed->name);
    }
    for (size_t i = 0; i < places->socket_count; i++) {
        if (places->sockets[i].fd == passed->fd) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "--listen names the socket '%s' twice", passed->name);
        }
    }
    places->sockets[places->socket_count++] =
        (struct cflight_server_socket){.fd = passed->fd, .is_tls = is_tls};
    note_exposure(places, passed->host, is_tls);
    return CFLIGHT_OK;
}

/* All sockets of a name. */
static cflight_status add_named(struct cli_serve_places *places,
                                const struct cli_passed_sockets *passed, const char *name,
                                bool is_tls, cflight_error **reterr)
{
    bool is_found = false;
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; status == CFLIGHT_OK && i < passed->count; i++) {
        if (strcmp(passed->items[i].name, name) == 0) {
            is_found = true;
            status = add_socket(places, &passed->items[i], is_tls, reterr);
        }
    }
    if (status == CFLIGHT_OK && !is_found) {
        status =
            cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                              "no socket '%s' was passed to this process (LISTEN_FDNAMES)", name);
    }
    return status;
}

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static cflight_status add_given(struct cli_serve_places *places,
                                const struct cli_passed_sockets *passed, const char *text,
                                bool has_cert, cflight_error **reterr)
{
    if (begins_with(text, PASSED)) {
        return add_named(places, passed, text + strlen(PASSED), false, reterr);
    }
    if (begins_with(text, PASSED_TLS)) {
        return add_named(places, passed, text + strlen(PASSED_TLS), true, reterr);
    }
    return add_location(places, text, has_cert, reterr);
}

/* A socket that nobody listens on would let clients wait for ever. */
static cflight_status check_all_used(const struct cli_serve_places *places,
                                     const struct cli_passed_sockets *passed,
                                     cflight_error **reterr)
{
    for (size_t i = 0; i < passed->count; i++) {
        bool is_used = false;
        for (size_t j = 0; j < places->socket_count; j++) {
            is_used = is_used || places->sockets[j].fd == passed->items[i].fd;
        }
        if (!is_used) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "the socket '%s' was passed to this process, and no --listen "
                                     "names it (fd:%s)",
                                     passed->items[i].name, passed->items[i].name);
        }
    }
    return CFLIGHT_OK;
}

static cflight_status choose_listeners(struct cli_serve_places *places,
                                       const struct cli_serve_arguments *given,
                                       const struct cli_passed_sockets *passed,
                                       cflight_error **reterr)
{
    bool has_cert = given->cert_path != NULL;
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; status == CFLIGHT_OK && i < given->listen.count; i++) {
        status = add_given(places, passed, given->listen.items[i], has_cert, reterr);
    }
    if (given->listen.count == 0 && passed->count == 0) {
        return add_location(places, DEFAULT_LOCATION, has_cert, reterr);
    }
    if (given->listen.count == 0) {
        for (size_t i = 0; status == CFLIGHT_OK && i < passed->count; i++) {
            const struct cli_passed_socket *socket = &passed->items[i];
            status = add_socket(places, socket, has_cert && !socket->is_unix, reterr);
        }
    }
    return status == CFLIGHT_OK ? check_all_used(places, passed, reterr) : status;
}

/* ---- advertised ---- */

/* "0.0.0.0", "::", and all other ways to write them. */
static bool is_wildcard(const char *host)
{
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (inet_aton(host, &ipv4) != 0) {
        return ipv4.s_addr == htonl(INADDR_ANY);
    }
    if (strcmp(host, "*") == 0) {
        return true;
    }
    static const uint8_t mapped[16] = {[10] = 0xFF, [11] = 0xFF};
    return inet_pton(AF_INET6, host, &ipv6) == 1 &&
           (memcmp(&ipv6, &in6addr_any, sizeof ipv6) == 0 ||
            memcmp(&ipv6, mapped, sizeof ipv6) == 0);
}

static cflight_status check_advertised(const char *option, const char *uri, cflight_error **reterr)
{
    struct cflight_location *location = NULL;
    cflight_status status = cflight_location_parse(cflight_bytes_from_text(uri), &location, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool is_unix = strcmp(location->scheme, "grpc+unix") == 0;
    if (!is_unix && is_wildcard(location->host)) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "%s %s: no client can connect to the address '%s', which means "
                                   "all of a machine; give the name that clients know",
                                   option, uri, location->host);
    } else if (!is_unix && location->port == 0) {
        status = cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                   "%s %s: no client can connect to port 0", option, uri);
    }
    cflight_location_free(location);
    return status;
}

static cflight_status add_advertised(struct cli_serve_places *places, const struct cli_list *given,
                                     const char *option, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (given->count > CLI_PASSED_SOCKETS_MAX - places->advertised_count) {
        return too_many(option, reterr);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < given->count; i++) {
        char *complete = NULL;
        status = cli_location_complete(given->items[i], places->has_tls, true, &complete, reterr);
        if (status == CFLIGHT_OK) {
            places->advertised[places->advertised_count++] = cflight_bytes_from_text(complete);
            status = check_advertised(option, complete, reterr);
        }
    }
    return status;
}

/* This server first: it is where the client has asked. */
static cflight_status choose_advertised(struct cli_serve_places *places,
                                        const struct cli_serve_arguments *given,
                                        cflight_error **reterr)
{
    if (given->replicas.count > 0 && given->advertise.count == 0) {
        return cflight_error_set_message(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "--location needs --advertise: an endpoint that names other servers has to name this "
            "one, too");
    }
    cflight_status status = add_advertised(places, &given->advertise, "--advertise", reterr);
    return status == CFLIGHT_OK ? add_advertised(places, &given->replicas, "--location", reterr)
                                : status;
}

cflight_status cli_serve_places_choose(const struct cli_serve_arguments *given,
                                       const struct cli_passed_sockets *passed,
                                       struct cli_serve_places *ret_places, cflight_error **reterr)
{
    cflight_status status = choose_listeners(ret_places, given, passed, reterr);
    return status == CFLIGHT_OK ? choose_advertised(ret_places, given, reterr) : status;
}

const char *cli_serve_places_use(const struct cli_serve_places *places,
                                 struct cflight_server_options *options)
{
    bool has_locations = places->location_count > 0;
    options->more_locations = (const char *const *)places->locations + (has_locations ? 1 : 0);
    options->more_location_count = places->location_count - (has_locations ? 1 : 0);
    options->sockets = places->sockets;
    options->socket_count = places->socket_count;
    return has_locations ? places->locations[0] : NULL;
}

void cli_serve_places_done(struct cli_serve_places *places)
{
    for (size_t i = 0; i < places->location_count; i++) {
        free(places->locations[i]);
    }
    for (size_t i = 0; i < places->advertised_count; i++) {
        free((char *)(uintptr_t)places->advertised[i].data);
    }
    places->location_count = 0;
    places->advertised_count = 0;
}
