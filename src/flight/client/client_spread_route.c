/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls may take turns between a client's connections.
 *
 * Those that ask for what any server of a name knows: flights, infos, schemas, kinds of actions. A
 * ticket goes back to the server that gave it, as an endpoint without a location demands; whose
 * that was is remembered for the newest tickets by a hash. All else, uploads, exchanges, actions,
 * long queries, may depend on what came before, and keeps to the client's own connection, as does
 * every call from the moment there is a session: a handshake, a cookie, an action about sessions.
 * Spec: flight-api, FlightEndpoint. Thread class: free. */
#include "base/alloc.h"
#include "base/hash.h"
#include "flight/client/client_spread_internal.h"

static uint32_t lane_of_locked(const struct cfl_spread *spread,
                               const struct cfl_connection *connection)
{
    for (size_t i = 0; i < spread->count; i++) {
        if (spread->lanes[i].connection == connection) {
            return spread->lanes[i].id;
        }
    }
    return 0;
}

static void note_locked(struct cfl_spread *spread, uint64_t id, uint32_t lane_id)
{
    if (spread->tickets == NULL) {
        spread->tickets =
            cfl_alloc_array(spread->alloc, CFL_SPREAD_TICKETS, sizeof *spread->tickets);
    }
    if (spread->tickets != NULL && lane_id != 0) {
        spread->tickets[id % CFL_SPREAD_TICKETS] = (struct cfl_spread_ticket){id, lane_id};
    }
}

static void note_ticket(struct cflight_client *client, const struct cfl_connection *connection,
                        struct cflight_bytes ticket)
{
    cflight_buffer *request = NULL;
    if (cflight_ticket_serialize(ticket, &request, NULL) != CFLIGHT_OK) {
        return; /* without memory it goes where the client's own calls go */
    }
    uint64_t id = cfl_hash(cflight_buffer_bytes(request));
    cflight_buffer_unref(request);
    (void)pthread_mutex_lock(&client->mutex);
    note_locked(client->spread, id, lane_of_locked(client->spread, connection));
    (void)pthread_mutex_unlock(&client->mutex);
}

void cfl_spread_note(struct cflight_client *client, const struct cfl_call *call,
                     const cflight_buffer *answer)
{
    enum cflight_method method = call->method->id;
    struct cflight_info *info = NULL;
    bool has_tickets =
        method == CFLIGHT_METHOD_GET_FLIGHT_INFO || method == CFLIGHT_METHOD_LIST_FLIGHTS;
    if (client->spread == NULL || answer == NULL || !has_tickets ||
        cflight_info_parse(cflight_buffer_bytes(answer), &info, NULL) != CFLIGHT_OK) {
        return;
    }
    for (size_t i = 0; i < info->endpoint_count; i++) {
        note_ticket(client, call->connection, info->endpoints[i].ticket);
    }
    cflight_info_free(info);
}

void cfl_spread_bind(struct cflight_client *client, struct cfl_connection *connection)
{
    struct cfl_connection *former = NULL;
    if (client->spread == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&client->mutex);
    uint32_t lane_id = connection == NULL ? 0 : lane_of_locked(client->spread, connection);
    if (!client->spread->is_bound && lane_id != 0 && !client->locked.is_closed) {
        former = client->locked.connection;
        client->locked.connection = cfl_connection_ref(connection);
        client->spread->own_id = lane_id;
    }
    client->spread->is_bound = true;
    (void)pthread_mutex_unlock(&client->mutex);
    cfl_connection_unref(former);
}

void cfl_spread_see_headers(struct cflight_client *client, struct cfl_connection *connection,
                            const struct cfl_metadata *headers)
{
    struct cflight_bytes value;
    if (client->spread != NULL && headers != NULL &&
        cfl_metadata_get(headers, "set-cookie", &value)) {
        cfl_spread_bind(client, connection);
    }
}

/* Whether an action is about a session. */
static bool is_of_session(struct cflight_bytes request)
{
    static const char *const ACTIONS[] = {
        CFLIGHT_ACTION_SET_SESSION_OPTIONS,
        CFLIGHT_ACTION_GET_SESSION_OPTIONS,
        CFLIGHT_ACTION_CLOSE_SESSION,
    };
    struct cflight_action *action = NULL;
    bool is_found = false;
    if (cflight_action_parse(request, &action, NULL) != CFLIGHT_OK) {
        return false;
    }
    for (size_t i = 0; i < sizeof ACTIONS / sizeof *ACTIONS; i++) {
        is_found =
            is_found || cflight_bytes_equal(action->type, cflight_bytes_from_text(ACTIONS[i]));
    }
    cflight_action_free(action);
    return is_found;
}

/* What any server of the name can answer. */
static bool is_open(enum cflight_method method)
{
    return method == CFLIGHT_METHOD_LIST_FLIGHTS || method == CFLIGHT_METHOD_GET_FLIGHT_INFO ||
           method == CFLIGHT_METHOD_GET_SCHEMA || method == CFLIGHT_METHOD_LIST_ACTIONS;
}

static bool knows_locked(const struct cfl_spread *spread, uint64_t ticket_id)
{
    return spread->tickets != NULL &&
           spread->tickets[ticket_id % CFL_SPREAD_TICKETS].id == ticket_id;
}

struct cfl_route cfl_spread_route(struct cflight_client *client, enum cflight_method method,
                                  const struct cfl_client_call_options *options,
                                  struct cflight_bytes request)
{
    struct cfl_route route = {.kind = CFL_ROUTE_OWN};
    if (client->spread == NULL) {
        return route;
    }
    if (method == CFLIGHT_METHOD_HANDSHAKE ||
        (method == CFLIGHT_METHOD_DO_ACTION && is_of_session(request))) {
        cfl_spread_bind(client, NULL);
    }
    if (method == CFLIGHT_METHOD_DO_GET) {
        route.ticket_id = cfl_hash(request);
    }
    (void)pthread_mutex_lock(&client->mutex);
    if (method == CFLIGHT_METHOD_DO_GET && knows_locked(client->spread, route.ticket_id)) {
        route.kind = CFL_ROUTE_TICKET;
    } else if (is_open(method) && !options->user.is_sticky && !client->spread->is_bound) {
        route.kind = CFL_ROUTE_TURN;
    }
    (void)pthread_mutex_unlock(&client->mutex);
    return route;
}
