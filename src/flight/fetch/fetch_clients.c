/* SPDX-License-Identifier: Apache-2.0 */
/* Clients by location, and which of them may have credentials: those of the host that the caller
 * chose, and never in plain text what was meant for TLS. A server names any location it likes, so
 * what goes further is the caller's to say. Spec: flight-api, location URIs. Thread class: one at a
 * time. */
#include "flight/fetch/fetch_clients.h"

#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "flight/client/client.h"
#include "flight/value/values.h"

enum { PLACES_MAX = 64 }; /* beside our own; a server may name any number */

static bool means_own(const char *location)
{
    return location[0] == '\0' || strcmp(location, CFLIGHT_LOCATION_REUSE_CONNECTION) == 0;
}

/* Whether `other` is on the host of `own`, and not less protected. */
static bool is_same_host(const struct cflight_location *own, const struct cflight_location *other)
{
    enum cfl_location_kind own_kind = cfl_location_kind(own);
    enum cfl_location_kind other_kind = cfl_location_kind(other);
    if (own_kind == CFL_LOCATION_UNIX || other_kind == CFL_LOCATION_UNIX) {
        return own_kind == other_kind && strcmp(own->path, other->path) == 0;
    }
    return own->host[0] != '\0' && cfl_ascii_is(cflight_bytes_from_text(own->host), other->host) &&
           (other_kind == CFL_LOCATION_TLS || own_kind != CFL_LOCATION_TLS);
}

static cflight_status judge(const struct cfl_fetch_clients *clients, const char *location,
                            bool *ret_is_trusted, bool *ret_is_tls, cflight_error **reterr)
{
    struct cflight_location *parsed = NULL;
    cflight_status status =
        cflight_location_parse(cflight_bytes_from_text(location), &parsed, reterr);
    if (status == CFLIGHT_OK) {
        *ret_is_trusted =
            is_same_host(clients->own->location, parsed) ||
            (clients->is_trusted != NULL && clients->is_trusted(clients->user_data, location));
        *ret_is_tls = cfl_location_kind(parsed) == CFL_LOCATION_TLS;
    }
    cflight_location_free(parsed);
    return status;
}

/* The options for a location: a stranger gets nothing that is meant for another. Those of TLS are
 * for the locations that have it; the server may name others. */
static struct cflight_client_options options_for(const struct cfl_fetch_clients *clients,
                                                 bool is_trusted, bool is_tls)
{
    struct cflight_client_options options = clients->options;
    if (!is_tls) {
        options.tls = (struct cflight_client_tls){0};
    }
    if (!is_trusted) {
        options.auth = NULL;
        options.middleware = NULL;
        options.middleware_count = 0;
        options.token_provider = NULL;
    }
    return options;
}

/* Lets go of the client that was made first. Readers that are open hold it themselves. */
static void drop_first_place(struct cfl_fetch_clients *clients)
{
    cflight_client_free(clients->places[0].client);
    cfl_strfree(clients->alloc, clients->places[0].location);
    clients->place_count--;
    memmove(clients->places, clients->places + 1, clients->place_count * sizeof *clients->places);
}

static cflight_status make_place(struct cfl_fetch_clients *clients, const char *location,
                                 struct cfl_fetch_place **ret_place, cflight_error **reterr)
{
    cflight_client *client = NULL;
    bool is_trusted = false;
    bool is_tls = false;
    cflight_status status = judge(clients, location, &is_trusted, &is_tls, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (clients->place_count == PLACES_MAX) {
        drop_first_place(clients);
    }
    struct cflight_client_options options = options_for(clients, is_trusted, is_tls);
    status = cflight_client_new(location, &options, &client, reterr);
    if (status == CFLIGHT_NOT_FOUND) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "%s cannot be read: its scheme is not Flight over gRPC", location);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_fetch_place place = {cfl_strndup(clients->alloc, location, strlen(location)), client,
                                    is_trusted};
    if (place.location == NULL ||
        !cfl_grow_array(clients->alloc, (void **)&clients->places, &clients->place_capacity,
                        clients->place_count + 1, sizeof *clients->places)) {
        cfl_strfree(clients->alloc, place.location);
        cflight_client_free(client);
        return cfl_error_no_memory(reterr);
    }
    clients->places[clients->place_count++] = place;
    *ret_place = &clients->places[clients->place_count - 1];
    return CFLIGHT_OK;
}

static cflight_status find_client(struct cfl_fetch_clients *clients, const char *location,
                                  cflight_client **ret_client, bool *ret_is_trusted,
                                  cflight_error **reterr)
{
    struct cfl_fetch_place *place = NULL;
    if (clients->rewrite != NULL && !means_own(location)) {
        const char *rewritten = clients->rewrite(clients->user_data, location);
        if (rewritten == NULL) {
            return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                     "%s is not used, as the caller wishes", location);
        }
        location = rewritten;
    }
    if (means_own(location) || strcmp(location, clients->own->location->uri) == 0) {
        *ret_client = clients->own;
        *ret_is_trusted = true;
        return CFLIGHT_OK;
    }
    for (size_t i = 0; place == NULL && i < clients->place_count; i++) {
        if (strcmp(clients->places[i].location, location) == 0) {
            place = &clients->places[i];
        }
    }
    cflight_status status =
        place == NULL ? make_place(clients, location, &place, reterr) : CFLIGHT_OK;
    if (status == CFLIGHT_OK) {
        *ret_client = place->client;
        *ret_is_trusted = place->is_trusted;
    }
    return status;
}

cflight_status cfl_fetch_clients_get(struct cfl_fetch_clients *clients,
                                     struct cflight_bytes location, cflight_client **ret_client,
                                     bool *ret_is_trusted, cflight_error **reterr)
{
    if (location.len_bytes > 0 && memchr(location.data, 0, location.len_bytes) != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the location holds a zero byte");
    }
    char *text = cfl_strndup(clients->alloc, (const char *)location.data, location.len_bytes);
    if (text == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = find_client(clients, text, ret_client, ret_is_trusted, reterr);
    cfl_free(clients->alloc, text, location.len_bytes + 1);
    return status;
}

void cfl_fetch_clients_done(struct cfl_fetch_clients *clients)
{
    for (size_t i = 0; i < clients->place_count; i++) {
        cflight_client_free(clients->places[i].client);
        cfl_strfree(clients->alloc, clients->places[i].location);
    }
    cfl_free_array(clients->alloc, clients->places, clients->place_capacity,
                   sizeof *clients->places);
    cflight_client_free(clients->own);
}
