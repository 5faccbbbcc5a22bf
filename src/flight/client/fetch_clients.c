/* SPDX-License-Identifier: Apache-2.0 */
/* Clients by location. Spec: flight-api, location URIs. Thread class: one at a time. */
#include "flight/client/fetch_clients.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

static bool means_own(const char *location)
{
    return location[0] == '\0' || strcmp(location, CFLIGHT_LOCATION_REUSE_CONNECTION) == 0;
}

static cflight_status make_client(struct cfl_fetch_clients *clients, const char *location,
                                  cflight_client **ret_client, cflight_error **reterr)
{
    cflight_client *client = NULL;
    cflight_status status = cflight_client_new(location, &clients->options, &client, reterr);
    if (status == CFLIGHT_NOT_FOUND) {
        return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                 "%s cannot be read: its scheme is not Flight over gRPC", location);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cfl_fetch_place place = {cfl_strndup(clients->alloc, location, strlen(location)),
                                    client};
    if (place.location == NULL ||
        !cfl_grow_array(clients->alloc, (void **)&clients->places, &clients->place_capacity,
                        clients->place_count + 1, sizeof *clients->places)) {
        cfl_strfree(clients->alloc, place.location);
        cflight_client_free(client);
        return cfl_error_no_memory(reterr);
    }
    clients->places[clients->place_count++] = place;
    *ret_client = client;
    return CFLIGHT_OK;
}

static cflight_status find_client(struct cfl_fetch_clients *clients, const char *location,
                                  cflight_client **ret_client, cflight_error **reterr)
{
    if (clients->rewrite != NULL && !means_own(location)) {
        const char *rewritten = clients->rewrite(clients->user_data, location);
        if (rewritten == NULL) {
            return cflight_error_set(reterr, CFLIGHT_UNIMPLEMENTED,
                                     "%s is not used, as the caller wishes", location);
        }
        location = rewritten;
    }
    if (means_own(location)) {
        *ret_client = clients->own;
        return CFLIGHT_OK;
    }
    for (size_t i = 0; i < clients->place_count; i++) {
        if (strcmp(clients->places[i].location, location) == 0) {
            *ret_client = clients->places[i].client;
            return CFLIGHT_OK;
        }
    }
    return make_client(clients, location, ret_client, reterr);
}

cflight_status cfl_fetch_clients_get(struct cfl_fetch_clients *clients,
                                     struct cflight_bytes location, cflight_client **ret_client,
                                     cflight_error **reterr)
{
    if (location.len_bytes > 0 && memchr(location.data, 0, location.len_bytes) != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "the location holds a zero byte");
    }
    char *text = cfl_strndup(clients->alloc, (const char *)location.data, location.len_bytes);
    if (text == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = find_client(clients, text, ret_client, reterr);
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
