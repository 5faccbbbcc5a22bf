/* SPDX-License-Identifier: Apache-2.0 */
/* Round robin: a connection for each address of the client's name.
 *
 * Each address has a lane. A call that may take turns gets the next lane that has a connection or
 * may have one, which the call itself makes: the client has no thread for that. It has little
 * patience while others work, and an address that fails rests, twice as long each time. When none
 * works, each is tried whether it rests or not. The client's own connection, where sessions are, is
 * one of these. Everything is under the client's mutex, which is not held while connecting, nor
 * while a connection is let go of. Thread class: free. */
#include "base/error.h"
#include "flight/call/cancel.h"
#include "flight/client/client_spread_internal.h"

#define REST_FIRST_NS (1000 * CFL_NS_PER_MS)
#define PATIENCE_NS (1000 * CFL_NS_PER_MS) /* while others work; doubled as the rest is */

enum { DOUBLINGS_MAX = 7 /* of a rest: to 128 s */ };

bool cfl_spread_join_loop_locked(struct cflight_client *client)
{
    struct cfl_spread *spread = client->spread;
    bool is_ok = true;
    for (size_t i = 0; is_ok && i < spread->count; i++) {
        struct cfl_connection *connection = spread->lanes[i].connection;
        is_ok = connection == NULL || cfl_loop_set_add(client->locked.loop_set, connection);
    }
    return is_ok;
}

/* ---- whose turn it is ---- */

/* What a call found. */
struct choice {
    struct cfl_connection *connection; /* with a reference; or */
    uint32_t dial_id;                  /* the lane to connect, 0 for none; or */
    bool must_wait;                    /* for others who connect */
    struct cfl_address address;        /* of the lane */
    int64_t patience_ns;               /* for it */
};

static bool is_due(const struct cfl_lane *lane, int64_t now_ns)
{
    return lane->connection == NULL && !lane->is_dialling && now_ns >= lane->rests_until_ns;
}

static unsigned int doublings(const struct cfl_lane *lane)
{
    return lane->failure_count < DOUBLINGS_MAX ? lane->failure_count : (unsigned int)DOUBLINGS_MAX;
}

/* Takes what the lane has; true when it has a connection or is to get one. */
static bool choose_locked(struct cfl_spread *spread, struct cfl_lane *lane, bool may_dial,
                          struct choice *choice)
{
    if (lane->connection != NULL) {
        choice->connection = cfl_connection_ref(lane->connection);
        return true;
    }
    if (!may_dial) {
        return false;
    }
    lane->is_dialling = true;
    choice->dial_id = lane->id;
    choice->address = lane->address;
    choice->patience_ns = cfl_spread_any_locked(spread) != NULL
                              ? PATIENCE_NS << doublings(lane)
                              : spread->patience_ns / (int64_t)spread->count;
    if (choice->patience_ns < PATIENCE_NS) {
        choice->patience_ns = PATIENCE_NS;
    }
    return true;
}

/* The lane that the call has to take, if it can be had. */
static bool choose_wanted_locked(struct cfl_spread *spread, uint32_t wanted_id, bool may_dial,
                                 int64_t now_ns, struct choice *choice)
{
    struct cfl_lane *lane = wanted_id == 0 ? NULL : cfl_spread_lane_locked(spread, wanted_id);
    if (lane == NULL) {
        return false;
    }
    if (lane->is_dialling && may_dial) {
        choice->must_wait = true;
        return true;
    }
    return choose_locked(spread, lane, may_dial && is_due(lane, now_ns), choice);
}

static bool choose_next_locked(struct cfl_spread *spread, bool may_dial, int64_t now_ns,
                               struct choice *choice)
{
    for (size_t i = 0; i < spread->count; i++) {
        size_t index = (spread->next + i) % spread->count;
        struct cfl_lane *lane = &spread->lanes[index];
        if (choose_locked(spread, lane, may_dial && is_due(lane, now_ns), choice)) {
            spread->next = index + 1;
            return true;
        }
    }
    return false;
}

/* When all rest or are being connected: waits for those, or tries the one that rested longest. */
static void choose_last_locked(struct cfl_spread *spread, struct choice *choice)
{
    struct cfl_lane *first = NULL;
    for (size_t i = 0; i < spread->count; i++) {
        struct cfl_lane *lane = &spread->lanes[i];
        if (lane->is_dialling) {
            choice->must_wait = true;
            return;
        }
        first = first == NULL || lane->rests_until_ns < first->rests_until_ns ? lane : first;
    }
    (void)choose_locked(spread, first, true, choice);
}

static uint32_t wanted_locked(const struct cfl_spread *spread, struct cfl_route route)
{
    if (route.kind != CFL_ROUTE_TICKET) {
        return route.kind == CFL_ROUTE_OWN ? spread->own_id : 0;
    }
    if (spread->tickets == NULL) {
        return 0;
    }
    const struct cfl_spread_ticket *ticket = &spread->tickets[route.ticket_id % CFL_SPREAD_TICKETS];
    return ticket->id == route.ticket_id ? ticket->lane_id : 0;
}

/* The client's own connection stays where it is. */
static void note_own_locked(struct cfl_spread *spread, struct cfl_route route,
                            const struct cfl_connection *connection)
{
    for (size_t i = 0; route.kind == CFL_ROUTE_OWN && i < spread->count; i++) {
        if (spread->lanes[i].connection == connection) {
            spread->own_id = spread->lanes[i].id;
        }
    }
}

/* A connection that turned out to be spent: what is at its address, and at others, is looked at
 * anew. */
static void forget(struct cflight_client *client, struct cfl_connection *connection)
{
    struct cfl_spread *spread = client->spread;
    bool was_ours = false;
    (void)pthread_mutex_lock(&client->mutex);
    for (size_t i = 0; i < spread->count; i++) {
        if (spread->lanes[i].connection == connection) {
            spread->lanes[i].connection = NULL;
            spread->is_stale = true;
            was_ours = true;
        }
    }
    (void)pthread_mutex_unlock(&client->mutex);
    if (was_ours) {
        cfl_connection_unref(connection);
    }
}

/* ---- connecting ---- */

static void note_failure_locked(struct cfl_spread *spread, struct cfl_lane *lane)
{
    int64_t now_ns = cfl_clock_now_ns(NULL);
    int64_t rest_ns = REST_FIRST_NS << doublings(lane);
    /* Not all clients of a server come back in the same moment. */
    lane->rests_until_ns = now_ns + rest_ns - rest_ns / 4 + now_ns % (rest_ns / 2);
    lane->failure_count++;
    spread->is_stale = true;
}

/* Gives a new connection to its lane, which may be gone by now. */
static void keep_locked(struct cflight_client *client, struct cfl_lane *lane,
                        struct cfl_connection *connection)
{
    lane->failure_count = 0;
    lane->connection = cfl_connection_ref(connection);
    if (client->locked.loop_set != NULL) {
        /* Without memory the loop takes it up when it asks next. */
        (void)cfl_loop_set_add(client->locked.loop_set, connection);
    }
}

/* Connects the lane of the choice, which is marked as being connected. */
static cflight_status dial(struct cflight_client *client, const struct choice *choice,
                           int64_t deadline_ns, cflight_cancel *cancel,
                           struct cfl_connection **ret_connection, cflight_error **reterr)
{
    struct cfl_connection *connection = NULL;
    struct cfl_client_limit limit = {"the call's limit", deadline_ns};
    int64_t patience_until_ns = cfl_deadline_after_ns(cfl_clock_now_ns(NULL), choice->patience_ns);
    if (patience_until_ns < deadline_ns) {
        limit =
            (struct cfl_client_limit){"the time for one of several addresses", patience_until_ns};
    }
    cflight_status status =
        cfl_client_dial(client, &choice->address, &limit, cancel, &connection, reterr);
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_lane *lane = cfl_spread_lane_locked(client->spread, choice->dial_id);
    bool is_closed = client->locked.is_closed;
    if (lane != NULL) {
        lane->is_dialling = false;
        if (status == CFLIGHT_OK && !is_closed) {
            keep_locked(client, lane, connection);
        } else if (status != CFLIGHT_OK && status != CFLIGHT_CANCELLED) {
            note_failure_locked(client->spread, lane);
        }
    }
    (void)pthread_cond_broadcast(&client->locked.dialled);
    (void)pthread_mutex_unlock(&client->mutex);
    if (status == CFLIGHT_OK && is_closed) {
        cfl_connection_unref(connection);
        return cfl_client_fail_closed(reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_connection = connection;
    }
    return status;
}

/* One look at the lanes: a connection, one to make, or neither after a wait for who makes one. */
static cflight_status look(struct cflight_client *client, struct cfl_route route,
                           int64_t deadline_ns, cflight_cancel *cancel, struct choice *choice,
                           cflight_error **reterr)
{
    struct cfl_spread *spread = client->spread;
    cflight_status status = CFLIGHT_OK;
    int64_t now_ns = cfl_clock_now_ns(NULL);
    (void)pthread_mutex_lock(&client->mutex);
    if (client->locked.is_closed) {
        status = cfl_client_fail_closed(reterr);
    } else if (!choose_wanted_locked(spread, wanted_locked(spread, route), true, now_ns, choice) &&
               !choose_next_locked(spread, true, now_ns, choice)) {
        choose_last_locked(spread, choice);
    }
    if (status == CFLIGHT_OK && choice->must_wait) {
        status = cfl_client_wait_dialled_locked(client, deadline_ns, cancel, reterr);
    }
    (void)pthread_mutex_unlock(&client->mutex);
    return status;
}

/* Whether it can carry a call; what cannot is let go of. */
static bool is_good(struct cflight_client *client, struct cfl_connection *connection)
{
    if (cfl_client_is_fit(connection)) {
        return true;
    }
    forget(client, connection);
    cfl_connection_unref(connection);
    return false;
}

/* Looks until there is a connection, or one to make. */
static cflight_status find(struct cflight_client *client, struct cfl_route route,
                           int64_t deadline_ns, cflight_cancel *cancel, struct choice *ret_choice,
                           cflight_error **reterr)
{
    for (;;) {
        struct choice choice = {.connection = NULL};
        cflight_status status = cfl_spread_look_up(client, deadline_ns, cancel, reterr);
        if (status == CFLIGHT_OK) {
            status = look(client, route, deadline_ns, cancel, &choice, reterr);
        }
        bool is_found = choice.dial_id != 0 ||
                        (choice.connection != NULL && is_good(client, choice.connection));
        if (status != CFLIGHT_OK || is_found) {
            *ret_choice = choice;
            return status;
        }
    }
}

/* Whether another address is worth a try. */
static bool may_go_on(struct cflight_client *client, cflight_status status, size_t dial_count,
                      int64_t deadline_ns)
{
    (void)pthread_mutex_lock(&client->mutex);
    bool has_more = dial_count < client->spread->count && !client->locked.is_closed;
    (void)pthread_mutex_unlock(&client->mutex);
    return has_more && status != CFLIGHT_CANCELLED && status != CFLIGHT_INVALID_ARGUMENT &&
           cfl_clock_now_ns(NULL) < deadline_ns;
}

cflight_status cfl_spread_connection(struct cflight_client *client, struct cfl_route route,
                                     int64_t deadline_ns, cflight_cancel *cancel,
                                     struct cfl_connection **ret_connection, cflight_error **reterr)
{
    for (size_t dial_count = 1;; dial_count++) {
        struct choice choice;
        cflight_status status = find(client, route, deadline_ns, cancel, &choice, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (choice.connection == NULL) {
            status = dial(client, &choice, deadline_ns, cancel, &choice.connection, reterr);
        }
        if (status == CFLIGHT_OK) {
            (void)pthread_mutex_lock(&client->mutex);
            note_own_locked(client->spread, route, choice.connection);
            (void)pthread_mutex_unlock(&client->mutex);
            *ret_connection = choice.connection;
            return CFLIGHT_OK;
        }
        if (!may_go_on(client, status, dial_count, deadline_ns)) {
            return status;
        }
        if (reterr != NULL) {
            cflight_error_free(*reterr); /* the next address may work */
            *reterr = NULL;
        }
    }
}

bool cfl_spread_at_hand(struct cflight_client *client, struct cfl_route route,
                        struct cfl_connection **ret_connection)
{
    struct cfl_spread *spread = client->spread;
    struct choice choice = {.connection = NULL};
    bool is_found = false;
    do {
        (void)pthread_mutex_lock(&client->mutex);
        is_found = choose_wanted_locked(spread, wanted_locked(spread, route), false, 0, &choice) ||
                   choose_next_locked(spread, false, 0, &choice);
        note_own_locked(spread, route, choice.connection);
        (void)pthread_mutex_unlock(&client->mutex);
    } while (is_found && !is_good(client, choice.connection));
    if (is_found) {
        *ret_connection = choice.connection;
    }
    return is_found;
}

bool cfl_spread_is_due(struct cflight_client *client)
{
    struct cfl_spread *spread = client->spread;
    int64_t now_ns = cfl_clock_now_ns(NULL);
    (void)pthread_mutex_lock(&client->mutex);
    bool has_work = spread->is_stale && now_ns >= spread->lookup_ns;
    for (size_t i = 0; !has_work && i < spread->count; i++) {
        has_work = is_due(&spread->lanes[i], now_ns);
    }
    (void)pthread_mutex_unlock(&client->mutex);
    return has_work;
}

void cfl_spread_connect_all(struct cflight_client *client, int64_t deadline_ns,
                            cflight_cancel *cancel)
{
    cflight_status status = cfl_spread_look_up(client, deadline_ns, cancel, NULL);
    while (status == CFLIGHT_OK || status == CFLIGHT_UNAVAILABLE ||
           status == CFLIGHT_DEADLINE_EXCEEDED) {
        struct choice choice = {.connection = NULL};
        struct cfl_connection *connection = NULL;
        int64_t now_ns = cfl_clock_now_ns(NULL);
        (void)pthread_mutex_lock(&client->mutex);
        for (size_t i = 0; choice.dial_id == 0 && i < client->spread->count; i++) {
            struct cfl_lane *lane = &client->spread->lanes[i];
            if (is_due(lane, now_ns)) {
                (void)choose_locked(client->spread, lane, true, &choice);
            }
        }
        (void)pthread_mutex_unlock(&client->mutex);
        if (choice.dial_id == 0 || now_ns >= deadline_ns) {
            return;
        }
        status = dial(client, &choice, deadline_ns, cancel, &connection, NULL);
        if (status == CFLIGHT_OK) {
            cfl_connection_unref(connection);
        }
    }
}
