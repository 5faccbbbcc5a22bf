/* SPDX-License-Identifier: Apache-2.0 */
/* Where a server listens: its locations, and sockets that the process was given. The certificates
 * are loaded once, when the first of them needs TLS. Thread class: the start and the end; what says
 * `_locked` under the server's lock. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "flight/server/server.h"
#include "flight/value/values.h"
#include "net/address.h"

enum { LOCATION_BYTES = 512 };

static cflight_status set_location(struct cflight_server *server,
                                   struct cfl_server_listener *listener, const char *text,
                                   cflight_error **reterr)
{
    listener->location = cfl_strndup(server->alloc, text, strlen(text));
    if (listener->location == NULL) {
        return cfl_error_no_memory(reterr);
    }
    server->locations[listener - server->listeners] = listener->location;
    return CFLIGHT_OK;
}

/* The location with the port that was bound. */
static cflight_status name_location(struct cflight_server *server,
                                    struct cfl_server_listener *listener,
                                    const struct cflight_location *location, cflight_error **reterr)
{
    char text[LOCATION_BYTES];
    bool has_colons = strchr(location->host, ':') != NULL;
    if (listener->port < 0) {
        return set_location(server, listener, location->uri, reterr);
    }
    (void)snprintf(text, sizeof text, "%s://%s%s%s:%d", location->scheme, has_colons ? "[" : "",
                   location->host, has_colons ? "]" : "", listener->port);
    return set_location(server, listener, text, reterr);
}

/* A place for one more. What is in it is freed with the server, whatever comes of it. */
static cflight_status add_listener(struct cflight_server *server, bool is_tls,
                                   struct cfl_server_listener **ret_listener,
                                   cflight_error **reterr)
{
    if (server->listener_count == CFL_SERVER_LISTENERS_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "a server listens on at most %d locations and sockets",
                                 (int)CFL_SERVER_LISTENERS_MAX);
    }
    if (is_tls && server->tls == NULL) {
        cflight_status status = cfl_server_load_tls(server, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    *ret_listener = &server->listeners[server->listener_count];
    (*ret_listener)->is_tls = is_tls;
    return CFLIGHT_OK;
}

static cflight_status listen_at(struct cflight_server *server,
                                const struct cflight_location *location, cflight_error **reterr)
{
    struct cfl_server_listener *listener = NULL;
    enum cfl_location_kind kind = cfl_location_kind(location);
    bool is_unix = kind == CFL_LOCATION_UNIX;
    struct cfl_listen_target target = {
        .host = is_unix ? NULL : location->host,
        .port = (uint16_t)(location->port < 0 ? 0 : location->port),
        .unix_path = is_unix ? location->path : NULL,
    };
    if (kind == CFL_LOCATION_OTHER) {
        return cflight_error_set(reterr, CFLIGHT_NOT_FOUND,
                                 "No server transport implementation for %s", location->scheme);
    }
    cflight_status status = add_listener(server, kind == CFL_LOCATION_TLS, &listener, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_listen(server->alloc, &target, &listener->sockets, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    server->listener_count++;
    listener->port = is_unix ? -1 : (int)cfl_listener_port(listener->sockets);
    return name_location(server, listener, location, reterr);
}

static cflight_status listen_at_text(struct cflight_server *server, const char *text,
                                     cflight_error **reterr)
{
    struct cflight_location *location = NULL;
    cflight_status status =
        cflight_location_parse(cflight_bytes_from_text(text), &location, reterr);
    if (status == CFLIGHT_OK) {
        status = listen_at(server, location, reterr);
    }
    cflight_location_free(location);
    return status;
}

static cflight_status listen_by_socket(struct cflight_server *server,
                                       const struct cflight_server_socket *given,
                                       cflight_error **reterr)
{
    char address_text[CFL_ADDRESS_TEXT_BYTES];
    char text[LOCATION_BYTES];
    struct cfl_address address;
    struct cfl_server_listener *listener = NULL;
    cflight_status status = add_listener(server, given->is_tls, &listener, reterr);
    if (status == CFLIGHT_OK) {
        status = cfl_listener_adopt(server->alloc, given->fd, &listener->sockets, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    server->listener_count++;
    cfl_listener_address(listener->sockets, &address);
    bool is_unix = address.storage.ss_family == AF_UNIX;
    if (is_unix && given->is_tls) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "descriptor %d is a Unix socket: there is no TLS on those",
                                 given->fd);
    }
    listener->port = is_unix ? -1 : (int)cfl_listener_port(listener->sockets);
    cfl_address_text(&address, address_text);
    (void)snprintf(text, sizeof text, "%s://%s",
                   is_unix ? "grpc+unix" : (given->is_tls ? "grpc+tls" : "grpc"), address_text);
    return set_location(server, listener, text, reterr);
}

cflight_status cfl_server_start_listening(struct cflight_server *server, const char *location,
                                          cflight_error **reterr)
{
    const struct cflight_server_options *options = &server->options;
    if (location == NULL && options->more_location_count == 0 && options->socket_count == 0) {
        return cfl_error_null_argument(reterr, "location");
    }
    if (options->more_location_count > 0 && options->more_locations == NULL) {
        return cfl_error_null_argument(reterr, "more_locations");
    }
    if (options->socket_count > 0 && options->sockets == NULL) {
        return cfl_error_null_argument(reterr, "sockets");
    }
    cflight_status status =
        location == NULL ? CFLIGHT_OK : listen_at_text(server, location, reterr);
    for (size_t i = 0; status == CFLIGHT_OK && i < options->more_location_count; i++) {
        status = options->more_locations[i] == NULL
                     ? cfl_error_null_argument(reterr, "more_locations")
                     : listen_at_text(server, options->more_locations[i], reterr);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < options->socket_count; i++) {
        status = listen_by_socket(server, &options->sockets[i], reterr);
    }
    return status;
}

void cfl_server_stop_listening_locked(struct cflight_server *server)
{
    int fds[CFL_LISTENER_FDS_MAX];
    for (size_t i = 0; i < server->listener_count; i++) {
        size_t count = cfl_listener_fds(server->listeners[i].sockets, fds);
        for (size_t j = 0; j < count; j++) {
            cfl_poller_remove(server->poller, fds[j]);
        }
        cfl_listener_stop(server->listeners[i].sockets);
    }
}

void cfl_server_free_listeners(struct cflight_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        cfl_listener_free(server->listeners[i].sockets);
        cfl_strfree(server->alloc, server->listeners[i].location);
    }
    server->listener_count = 0;
}

int cflight_server_port(const cflight_server *server)
{
    return server->listeners[0].port;
}

const char *cflight_server_location(const cflight_server *server)
{
    return server->locations[0];
}

size_t cflight_server_locations(const cflight_server *server, const char *const **ret_locations)
{
    *ret_locations = server->locations;
    return server->listener_count;
}
