/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what clients have a handle of.
 *
 * A handle is 128 random bits and found only for its owner: another's is NOT_FOUND, as one that
 * never was. Who has no name pays for his handles by his address, and is protected by the random
 * bits alone. What is in use does not end; what was taken out of the table ends with its last
 * reference. Results that their clients have make room for new ones where the table is full, the
 * longest unused first; nothing else does. The latest that ended for their age, or made room, are
 * remembered, for the error. Owner: the server. Thread class: free. */
#include "sql/server/handles.h"

#include <string.h>

#include "base/condition.h"
#include "base/secrets.h"

struct cfl_sql_owner {
    struct cfl_list node;
    struct cfl_list spare_results; /* that may make room, the longest unused first */
    uint32_t counts[CFL_SQL_HANDLE_KINDS];
    uint32_t total_count;
    bool is_identity;
    size_t key_bytes;
    uint8_t key[];
};

static const char *const NAMES[] = {"prepared statement", "transaction", "result"};
/* Why something is there no more. */
static const char UNUSED[] = "it was not used in time, and has ended";
static const char MADE_ROOM[] = "it was fetched, and has made room for newer ones";

/* ---- owners: all under the server's lock ---- */

static struct cflight_bytes owner_key(const struct cfl_sql_owner *owner)
{
    return cflight_bytes_make(owner->key, owner->key_bytes);
}

static struct cfl_sql_owner *find_owner_locked(cflight_sql_server *server, bool is_identity,
                                               struct cflight_bytes key)
{
    for (struct cfl_list *node = server->locked.owners.next; node != &server->locked.owners;
         node = node->next) {
        struct cfl_sql_owner *owner = CFL_LIST_ENTRY(node, struct cfl_sql_owner, node);
        if (owner->is_identity == is_identity && cflight_bytes_equal(owner_key(owner), key)) {
            return owner;
        }
    }
    return NULL;
}

static struct cfl_sql_owner *add_owner_locked(const cflight_sql_call *call)
{
    cflight_sql_server *server = call->server;
    bool is_identity = call->identity.len_bytes > 0;
    struct cflight_bytes key = is_identity ? call->identity : cfl_sql_call_address(call);
    struct cfl_sql_owner *owner = find_owner_locked(server, is_identity, key);
    if (owner != NULL) {
        return owner;
    }
    owner = cfl_alloc_zeroed(server->alloc, sizeof *owner + key.len_bytes);
    if (owner != NULL) {
        owner->is_identity = is_identity;
        owner->key_bytes = key.len_bytes;
        if (key.len_bytes > 0) {
            memcpy(owner->key, key.data, key.len_bytes);
        }
        cfl_list_init(&owner->spare_results);
        cfl_list_append(&server->locked.owners, &owner->node);
    }
    return owner;
}

static void drop_unused_owner_locked(cflight_sql_server *server, struct cfl_sql_owner *owner)
{
    if (owner->total_count == 0) {
        cfl_list_remove(&owner->node);
        cfl_free(server->alloc, owner, sizeof *owner + owner->key_bytes);
    }
}

/* ---- limits ---- */

struct limits {
    uint32_t all_max;
    uint32_t owner_max;
    const char *all_name;
    const char *owner_name;
};

static struct limits limits_of(const cflight_sql_server *server, enum cfl_sql_handle_kind kind)
{
    const struct cflight_sql_server_options *options = &server->options;
    const struct limits limits[] = {
        {options->statements_max, options->statements_per_owner_max, "statements_max",
         "statements_per_owner_max"},
        {options->transactions_max, options->transactions_per_owner_max, "transactions_max",
         "transactions_per_owner_max"},
        {options->results_max, options->results_per_owner_max, "results_max",
         "results_per_owner_max"},
    };
    return limits[kind];
}

static struct cfl_list *bucket_of(cflight_sql_server *server, const uint8_t *id)
{
    return &server->locked.buckets[((size_t)id[0] << 8 | id[1]) % CFL_SQL_BUCKETS];
}

/* When it ends unless it is used. */
static int64_t due_ns(const struct cfl_sql_handle *handle)
{
    int64_t idle_ns = handle->user_count > 0
                          ? CFL_TIME_NEVER
                          : cfl_deadline_after_ms(handle->used_ns, handle->idle_ms);
    return cfl_deadline_earlier(idle_ns, handle->ends_ns);
}

void cfl_sql_handles_wake_locked(cflight_sql_server *server, int64_t next_ns)
{
    if (next_ns < server->locked.wake_ns) {
        server->locked.wake_ns = next_ns;
        (void)pthread_cond_signal(&server->changed);
    }
}

/* ---- making room: all under the server's lock ---- */

static void use_locked(struct cfl_sql_handle *handle)
{
    handle->user_count++;
    cfl_list_remove(&handle->spare_node);
    cfl_list_remove(&handle->owner_spare_node);
}

static void spare_if_unused_locked(struct cfl_sql_handle *handle)
{
    if (handle->is_taken && handle->is_listed && handle->user_count == 0) {
        cfl_list_remove(&handle->spare_node);
        cfl_list_remove(&handle->owner_spare_node);
        cfl_list_append(&handle->server->locked.spare_results, &handle->spare_node);
        cfl_list_append(&handle->owner->spare_results, &handle->owner_spare_node);
    }
}

/* The result that has to go for another of this owner, or of anybody. */
static struct cfl_sql_handle *spare_locked(const cflight_sql_server *server,
                                           const struct cfl_sql_owner *owner)
{
    if (owner != NULL) {
        return cfl_list_is_empty(&owner->spare_results)
                   ? NULL
                   : CFL_LIST_ENTRY(owner->spare_results.next, struct cfl_sql_handle,
                                    owner_spare_node);
    }
    return cfl_list_is_empty(&server->locked.spare_results)
               ? NULL
               : CFL_LIST_ENTRY(server->locked.spare_results.next, struct cfl_sql_handle,
                                spare_node);
}

static void remember_locked(cflight_sql_server *server, const uint8_t *id, const char *why)
{
    uint32_t place = server->locked.former_next++ % CFL_SQL_FORMER_MAX;
    memcpy(server->locked.former[place].id, id, CFL_SQL_ID_BYTES);
    server->locked.former[place].why = why;
}

/* The table's reference becomes the caller's. */
static bool remove_locked(struct cfl_sql_handle *handle)
{
    cflight_sql_server *server = handle->server;
    if (!handle->is_listed) {
        return false;
    }
    handle->is_listed = false;
    cfl_list_remove(&handle->node);
    cfl_list_remove(&handle->spare_node);
    cfl_list_remove(&handle->owner_spare_node);
    server->locked.counts[handle->kind]--;
    handle->owner->counts[handle->kind]--;
    handle->owner->total_count--;
    drop_unused_owner_locked(server, handle->owner);
    handle->owner = NULL;
    return true;
}

/* `spare` goes; NULL is ignored. Its reference is the caller's. */
static void make_room_locked(cflight_sql_server *server, struct cfl_sql_handle *spare)
{
    if (spare != NULL) {
        remember_locked(server, spare->id, MADE_ROOM);
        (void)remove_locked(spare);
    }
}

bool cfl_sql_handles_make_room(cflight_sql_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    struct cfl_sql_handle *spare = spare_locked(server, NULL);
    make_room_locked(server, spare);
    (void)pthread_mutex_unlock(&server->mutex);
    cfl_sql_handle_unref(spare);
    return spare != NULL;
}

void cfl_sql_handle_set_taken(struct cfl_sql_handle *handle)
{
    (void)pthread_mutex_lock(&handle->server->mutex);
    handle->is_taken = true;
    spare_if_unused_locked(handle);
    (void)pthread_mutex_unlock(&handle->server->mutex);
}

/* ---- the table ---- */

static void list_locked(struct cfl_sql_handle *handle, struct cfl_sql_owner *owner)
{
    cflight_sql_server *server = handle->server;
    owner->counts[handle->kind]++;
    owner->total_count++;
    server->locked.counts[handle->kind]++;
    handle->owner = owner;
    handle->is_listed = true;
    handle->used_ns = cfl_clock_now_ns(NULL);
    cfl_refcount_up(&handle->refs);
    cfl_list_append(bucket_of(server, handle->id), &handle->node);
    cfl_sql_handles_wake_locked(server, due_ns(handle));
}

static cflight_status set_id(struct cfl_sql_handle *handle, const uint8_t *id,
                             cflight_error **reterr)
{
    if (id == NULL) {
        return cfl_random_bytes(handle->id, sizeof handle->id, reterr);
    }
    memcpy(handle->id, id, sizeof handle->id);
    return CFLIGHT_OK;
}

cflight_status cfl_sql_handle_add(struct cfl_sql_handle *handle, const cflight_sql_call *call,
                                  const uint8_t *id, cflight_error **reterr)
{
    cflight_sql_server *server = handle->server;
    struct limits limits = limits_of(server, handle->kind);
    struct cfl_sql_handle *spare = NULL;
    cflight_status status = set_id(handle, id, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&server->mutex);
    struct cfl_sql_owner *owner = add_owner_locked(call);
    bool is_full = server->locked.counts[handle->kind] >= limits.all_max;
    bool is_owner_full = owner != NULL && owner->counts[handle->kind] >= limits.owner_max;
    bool is_over = server->locked.is_over;
    if (handle->kind == CFL_SQL_HANDLE_RESULT && (is_full || is_owner_full) && !is_over) {
        spare = spare_locked(server, is_owner_full ? owner : NULL);
    }
    bool is_refused = (is_full || is_owner_full) && spare == NULL;
    if (owner != NULL && !is_refused && !is_over) {
        list_locked(handle, owner); /* first: an owner of nothing is dropped */
        make_room_locked(server, spare);
    } else if (owner != NULL) {
        drop_unused_owner_locked(server, owner);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    if (owner == NULL) {
        return cfl_error_no_memory(reterr);
    }
    if (is_over) {
        return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE, "The server shuts down");
    }
    if (is_refused) {
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                 "Too many of the kind \"%s\" are open%s: the limit %s is %u",
                                 NAMES[handle->kind], is_full ? "" : " for one user",
                                 is_full ? limits.all_name : limits.owner_name,
                                 is_full ? limits.all_max : limits.owner_max);
    }
    cfl_sql_handle_unref(spare);
    return CFLIGHT_OK;
}

static struct cfl_sql_handle *find_locked(const cflight_sql_call *call,
                                          enum cfl_sql_handle_kind kind, struct cflight_bytes id)
{
    struct cfl_list *bucket = bucket_of(call->server, id.data);
    for (struct cfl_list *node = bucket->next; node != bucket; node = node->next) {
        struct cfl_sql_handle *handle = CFL_LIST_ENTRY(node, struct cfl_sql_handle, node);
        if (handle->kind != kind ||
            !cfl_equal_in_constant_time(handle->id, id.data, sizeof handle->id)) {
            continue;
        }
        const struct cfl_sql_owner *owner = handle->owner;
        bool is_own = owner->is_identity ? cflight_bytes_equal(owner_key(owner), call->identity)
                                         : call->identity.len_bytes == 0;
        return is_own ? handle : NULL;
    }
    return NULL;
}

/* Why what had that id is there no more; NULL when nobody knows. */
static const char *why_former_locked(const cflight_sql_server *server, struct cflight_bytes id)
{
    for (size_t i = 0; i < CFL_SQL_FORMER_MAX; i++) {
        if (server->locked.former[i].why != NULL &&
            cfl_equal_in_constant_time(server->locked.former[i].id, id.data, CFL_SQL_ID_BYTES)) {
            return server->locked.former[i].why;
        }
    }
    return NULL;
}

cflight_status cfl_sql_handle_find(const cflight_sql_call *call, enum cfl_sql_handle_kind kind,
                                   struct cflight_bytes id, struct cfl_sql_handle **ret_handle,
                                   cflight_error **reterr)
{
    struct cfl_sql_handle *handle = NULL;
    const char *why = NULL;
    if (id.len_bytes == CFL_SQL_ID_BYTES) {
        (void)pthread_mutex_lock(&call->server->mutex);
        handle = find_locked(call, kind, id);
        if (handle != NULL) {
            use_locked(handle);
            cfl_refcount_up(&handle->refs);
        } else {
            why = why_former_locked(call->server, id);
        }
        (void)pthread_mutex_unlock(&call->server->mutex);
    }
    if (handle == NULL) {
        return cflight_error_set(reterr, CFLIGHT_NOT_FOUND, "This %s is unknown%s%s", NAMES[kind],
                                 why == NULL ? "" : ": ", why == NULL ? "" : why);
    }
    *ret_handle = handle;
    return CFLIGHT_OK;
}

void cfl_sql_handle_unref(struct cfl_sql_handle *handle)
{
    if (handle != NULL && cfl_refcount_down(&handle->refs)) {
        handle->release(handle);
    }
}

void cfl_sql_handle_put(struct cfl_sql_handle *handle)
{
    if (handle == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&handle->server->mutex);
    handle->user_count--;
    handle->used_ns = cfl_clock_now_ns(NULL);
    spare_if_unused_locked(handle);
    (void)pthread_mutex_unlock(&handle->server->mutex);
    cfl_sql_handle_unref(handle);
}

bool cfl_sql_handle_remove(struct cfl_sql_handle *handle)
{
    (void)pthread_mutex_lock(&handle->server->mutex);
    bool was_listed = remove_locked(handle);
    (void)pthread_mutex_unlock(&handle->server->mutex);
    if (was_listed) {
        cfl_sql_handle_unref(handle);
    }
    return was_listed;
}

bool cfl_sql_handle_is_listed(struct cfl_sql_handle *handle)
{
    (void)pthread_mutex_lock(&handle->server->mutex);
    bool is_listed = handle->is_listed;
    (void)pthread_mutex_unlock(&handle->server->mutex);
    return is_listed;
}

void cfl_sql_handle_extend(struct cfl_sql_handle *handle, int64_t total_ms)
{
    (void)pthread_mutex_lock(&handle->server->mutex);
    handle->idle_ms = -1;
    handle->ends_ns = cfl_deadline_after_ms(cfl_clock_now_ns(NULL), total_ms);
    cfl_sql_handles_wake_locked(handle->server, due_ns(handle));
    (void)pthread_mutex_unlock(&handle->server->mutex);
}

/* ---- age ---- */

int64_t cfl_sql_handles_sweep(cflight_sql_server *server, bool is_over)
{
    struct cfl_list ended;
    int64_t next_ns = CFL_TIME_NEVER;
    cfl_list_init(&ended);
    (void)pthread_mutex_lock(&server->mutex);
    int64_t now_ns = cfl_clock_now_ns(NULL);
    for (size_t i = 0; i < CFL_SQL_BUCKETS; i++) {
        struct cfl_list *bucket = &server->locked.buckets[i];
        for (struct cfl_list *node = bucket->next; node != bucket;) {
            struct cfl_sql_handle *handle = CFL_LIST_ENTRY(node, struct cfl_sql_handle, node);
            node = node->next;
            int64_t handle_due_ns = due_ns(handle);
            if (is_over || handle_due_ns <= now_ns) {
                remember_locked(server, handle->id, UNUSED);
                (void)remove_locked(handle);
                cfl_list_append(&ended, &handle->node);
            } else {
                next_ns = cfl_deadline_earlier(next_ns, handle_due_ns);
            }
        }
    }
    (void)pthread_mutex_unlock(&server->mutex);
    for (struct cfl_list *node = NULL; (node = cfl_list_take_first(&ended)) != NULL;) {
        struct cfl_sql_handle *handle = CFL_LIST_ENTRY(node, struct cfl_sql_handle, node);
        if (handle->end != NULL) {
            handle->end(handle);
        }
        cfl_sql_handle_unref(handle);
    }
    return next_ns;
}
