/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses there are, for round robin: looked up when a client begins, and again after a
 * connection ended.
 *
 * The first lookup is waited for; later ones run behind the calls' backs (net/resolve.h), are asked
 * for by one call and taken by another, and are at least a second apart. Lanes of addresses that
 * are no longer told are dropped: what runs on their connections goes on, nothing new begins there
 * but what belongs to the client's own. Thread class: free. */
#include "base/blocking.h"
#include "base/error.h"
#include "flight/call/cancel.h"
#include "flight/client/client_spread_internal.h"

#define LOOKUP_PAUSE_NS (1000 * CFL_NS_PER_MS)

static struct cfl_lane *find_locked(struct cfl_spread *spread, const struct cfl_address *address)
{
    for (size_t i = 0; i < spread->count; i++) {
        if (cfl_address_is_same(&spread->lanes[i].address, address)) {
            return &spread->lanes[i];
        }
    }
    return NULL;
}

/* Takes over what is known of addresses that stay. `*ret_gone` gets the connections of the others,
 * to be let go of without the mutex. */
static void replace_locked(struct cfl_spread *spread, const struct cfl_address_list *list,
                           struct cfl_connection **ret_gone, size_t *ret_gone_count)
{
    struct cfl_lane lanes[CFL_ADDRESSES_MAX];
    for (size_t i = 0; i < list->count; i++) {
        struct cfl_lane *known = find_locked(spread, &list->items[i]);
        if (known != NULL) {
            lanes[i] = *known;
            known->connection = NULL;
        } else {
            lanes[i] = (struct cfl_lane){.id = ++spread->last_id, .address = list->items[i]};
        }
    }
    *ret_gone_count = 0;
    for (struct cfl_connection *gone = NULL; (gone = cfl_spread_take_locked(spread)) != NULL;) {
        ret_gone[(*ret_gone_count)++] = gone;
    }
    if (spread->count == 0) {
        /* Clients that start together do not all begin with one server. */
        spread->next = (size_t)(cfl_clock_now_ns(NULL) / 1000 % (int64_t)list->count);
    }
    memcpy(spread->lanes, lanes, list->count * sizeof *lanes);
    spread->count = list->count;
}

/* The end of a lookup: without a list the addresses are as before. */
static void settle(struct cflight_client *client, const struct cfl_address_list *list)
{
    struct cfl_connection *gone[CFL_ADDRESSES_MAX];
    size_t gone_count = 0;
    struct cfl_spread *spread = client->spread;
    (void)pthread_mutex_lock(&client->mutex);
    if (list != NULL && list->count > 0) {
        replace_locked(spread, list, gone, &gone_count);
    }
    spread->is_looking_up = false;
    spread->lookup_ns = cfl_deadline_after_ns(cfl_clock_now_ns(NULL), LOOKUP_PAUSE_NS);
    (void)pthread_cond_broadcast(&client->locked.dialled);
    (void)pthread_mutex_unlock(&client->mutex);
    for (size_t i = 0; i < gone_count; i++) {
        cfl_connection_unref(gone[i]);
    }
}

/* Waits for the addresses. */
static cflight_status look_up_first(struct cflight_client *client, int64_t deadline_ns,
                                    cflight_cancel *cancel, cflight_error **reterr)
{
    struct cfl_address_list list = {.count = 0};
    struct cfl_dial_target target = {
        .host = client->location->host,
        .port = (uint16_t)client->port,
        .limit_name = "the call's limit",
    };
    int64_t own_ns =
        cfl_deadline_after_ms(cfl_clock_now_ns(NULL), client->options.connect_timeout_ms);
    if (own_ns < deadline_ns) {
        target.limit_name = NULL;
        deadline_ns = own_ns;
    }
    cfl_blocking_begin();
    cflight_status status =
        cfl_dial_look_up(&target, deadline_ns, NULL, cfl_cancel_fd(cancel), &list, reterr);
    cfl_blocking_end();
    settle(client, status == CFLIGHT_OK ? &list : NULL);
    return status;
}

/* Asks without waiting, or sees whether the answer is there. */
static void look_up_again(struct cflight_client *client, struct cfl_resolve *resolve)
{
    struct cfl_address_list list = {.count = 0};
    const char *host = client->location->host;
    uint16_t port = (uint16_t)client->port;
    if (resolve == NULL && cfl_address_list_direct(host, port, &list)) {
        settle(client, &list);
        return;
    }
    if (resolve == NULL && cfl_resolve_start(host, port, &resolve, NULL) != CFLIGHT_OK) {
        settle(client, NULL);
        return;
    }
    if (!cfl_resolve_is_done(resolve)) {
        (void)pthread_mutex_lock(&client->mutex);
        client->spread->resolve = resolve;
        (void)pthread_mutex_unlock(&client->mutex);
        return;
    }
    bool is_ok = cfl_resolve_take(resolve, &list, NULL) == CFLIGHT_OK;
    cfl_resolve_free(resolve);
    settle(client, is_ok ? &list : NULL);
}

cflight_status cfl_spread_look_up(struct cflight_client *client, int64_t deadline_ns,
                                  cflight_cancel *cancel, cflight_error **reterr)
{
    struct cfl_spread *spread = client->spread;
    cflight_status status = CFLIGHT_OK;
    (void)pthread_mutex_lock(&client->mutex);
    while (status == CFLIGHT_OK && spread->count == 0 && spread->is_looking_up &&
           !client->locked.is_closed) {
        status = cfl_client_wait_dialled_locked(client, deadline_ns, cancel, reterr);
    }
    bool is_first = spread->count == 0;
    bool is_due = is_first || (spread->is_stale && cfl_clock_now_ns(NULL) >= spread->lookup_ns);
    bool is_ours = status == CFLIGHT_OK && is_due && !spread->is_looking_up;
    if (is_ours) {
        spread->is_looking_up = true;
        spread->is_stale = false;
    }
    struct cfl_resolve *resolve = spread->resolve;
    spread->resolve = NULL;
    (void)pthread_mutex_unlock(&client->mutex);
    if (is_ours && is_first) {
        return look_up_first(client, deadline_ns, cancel, reterr);
    }
    if (is_ours || resolve != NULL) {
        look_up_again(client, resolve);
    }
    return status;
}
