/* SPDX-License-Identifier: Apache-2.0 */
/* The session store.
 *
 * Sessions are found by the first half of their id, with binary search, and admitted by the second
 * half, compared in constant time, for the owner who made them and nobody else. Two lists keep them
 * in the order of use, those without options apart: a flood of calls without a cookie, each of
 * which begins a session, pushes out only the like. Each owner has a share, beyond which its own
 * sessions go; when all are too many, the owner that has most loses one, so that nobody's greed
 * costs another his session (session_owners.c). A session that was closed or pushed out lives until
 * the calls that have it are over, but no new call finds it, and it counts no more.
 *
 * Locks: the store's protects the index, the lists and what a session has in `in_store`; a
 * session's protects its options. Neither is held while the other is taken; both are leaves. Owner:
 * the application. Thread class: free. */
#include "flight/kit/session_store.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "base/search.h"
#include "base/secrets.h"
#include "flight/value/values.h"

enum {
    ID_INDEX_BYTES = 8,
    DEFAULT_SESSIONS_MAX = 10000,
    DEFAULT_OPTIONS_MAX = 256,
    DEFAULT_SESSION_BYTES_MAX = 65536,
    DEFAULT_IDLE_TIMEOUT_MS = 3600 * 1000,
    DEFAULT_PER_OWNER_MAX = 64,
    DEFAULT_BYTES_MAX = 64 << 20,
};

const struct cflight_allocator *cfl_session_store_allocator(const cflight_session_store *store)
{
    return store->options.allocator;
}

cflight_status cfl_session_store_new(const struct cflight_session_store_options *options,
                                     const struct cfl_clock *clock,
                                     cflight_session_store **ret_store, cflight_error **reterr)
{
    struct cflight_session_store_options loaded;
    cflight_status status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cfl_option_default(&loaded.sessions_max, DEFAULT_SESSIONS_MAX);
    cfl_option_default(&loaded.options_max, DEFAULT_OPTIONS_MAX);
    cfl_option_default(&loaded.session_bytes_max, DEFAULT_SESSION_BYTES_MAX);
    cfl_option_default(&loaded.sessions_per_owner_max, DEFAULT_PER_OWNER_MAX);
    if (loaded.bytes_max == 0) {
        loaded.bytes_max = DEFAULT_BYTES_MAX;
    }
    if (loaded.idle_timeout_ms == 0) {
        loaded.idle_timeout_ms = DEFAULT_IDLE_TIMEOUT_MS;
    }
    cflight_session_store *store = cfl_alloc_zeroed(loaded.allocator, sizeof *store);
    if (store == NULL || pthread_mutex_init(&store->mutex, NULL) != 0) {
        cfl_free(loaded.allocator, store, sizeof *store);
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&store->users);
    cfl_refcount_init(&store->refs);
    store->options = loaded;
    store->clock = clock;
    cfl_list_init(&store->locked.empty);
    cfl_list_init(&store->locked.filled);
    *ret_store = store;
    return CFLIGHT_OK;
}

cflight_status cflight_session_store_new(const struct cflight_session_store_options *options,
                                         cflight_session_store **ret_store, cflight_error **reterr)
{
    if (ret_store == NULL) {
        return cfl_error_null_argument(reterr, "ret_store");
    }
    return cfl_session_store_new(options, NULL, ret_store, reterr);
}

cflight_session_store *cflight_session_store_ref(cflight_session_store *store)
{
    if (store != NULL) {
        cfl_refcount_up(&store->users);
    }
    return store;
}

static void unref_memory(cflight_session_store *store)
{
    if (!cfl_refcount_down(&store->refs)) {
        return;
    }
    cfl_free_array(store->options.allocator, store->locked.sessions, store->locked.capacity,
                   sizeof(cflight_session *));
    cfl_free_array(store->options.allocator, store->locked.owners, store->locked.owner_capacity,
                   sizeof *store->locked.owners);
    (void)pthread_mutex_destroy(&store->mutex);
    cfl_free(store->options.allocator, store, sizeof *store);
}

void cfl_session_unref(cflight_session *session)
{
    if (session == NULL || !cfl_refcount_down(&session->refs)) {
        return;
    }
    cflight_session_store *store = session->store;
    const struct cflight_allocator *alloc = store->options.allocator;
    for (size_t i = 0; i < session->locked.count; i++) {
        cfl_block_free(session->locked.options[i]);
    }
    cfl_free_array(alloc, session->locked.options, session->locked.capacity,
                   sizeof *session->locked.options);
    if (session->locked.release_data != NULL) {
        session->locked.release_data(session->locked.data);
    }
    (void)pthread_mutex_destroy(&session->mutex);
    explicit_bzero(session, sizeof *session);
    cfl_free(alloc, session, sizeof *session);
    unref_memory(store);
}

static int compare_id(const void *element, const void *id)
{
    const cflight_session *const *session = element;
    return memcmp((*session)->id, id, ID_INDEX_BYTES);
}

/* Where the id is, or where it would go. */
static bool find_locked(const cflight_session_store *store, const uint8_t *id, size_t *ret_index)
{
    return cfl_search(store->locked.sessions, store->locked.count, sizeof *store->locked.sessions,
                      id, compare_id, ret_index);
}

/* Takes a session out of the index and its list. The reference becomes the caller's, through the
 * node of `ended`, to be dropped outside the lock. */
static void end_locked(cflight_session_store *store, cflight_session *session,
                       struct cfl_list *ended)
{
    size_t index = 0;
    if (find_locked(store, session->id, &index)) {
        cflight_session **place = &store->locked.sessions[index];
        store->locked.count--;
        memmove(place, place + 1, (store->locked.count - index) * sizeof *place);
    }
    struct cfl_session_owner *owner = session->in_store.owner;
    owner->count--;
    owner->used_bytes -= session->in_store.used_bytes;
    store->locked.used_bytes -= session->in_store.used_bytes;
    session->in_store.used_bytes = 0;
    session->in_store.owner = NULL;
    session->in_store.is_listed = false;
    cfl_list_remove(&session->in_store.owner_node);
    cfl_session_owner_drop_unused_locked(store, owner);
    cfl_list_remove(&session->in_store.node);
    cfl_list_append(ended, &session->in_store.node);
}

static cflight_session *first_of(struct cfl_list *list)
{
    return cfl_list_is_empty(list) ? NULL
                                   : CFL_LIST_ENTRY(list->next, cflight_session, in_store.node);
}

static void end_expired_locked(cflight_session_store *store, int64_t now_ns, struct cfl_list *ended)
{
    struct cfl_list *const lists[] = {&store->locked.empty, &store->locked.filled};
    for (size_t i = 0; i < 2; i++) {
        cflight_session *session = first_of(lists[i]);
        while (session != NULL && session->in_store.expires_ns <= now_ns) {
            end_locked(store, session, ended);
            session = first_of(lists[i]);
        }
    }
}

/* Drops the references of sessions that ended. Not under a lock. */
static void drop_ended(struct cfl_list *ended)
{
    for (cflight_session *session = first_of(ended); session != NULL; session = first_of(ended)) {
        cfl_list_remove(&session->in_store.node);
        cfl_session_unref(session);
    }
}

void cflight_session_store_unref(cflight_session_store *store)
{
    if (store == NULL || !cfl_refcount_down(&store->users)) {
        return;
    }
    struct cfl_list ended;
    cflight_session *session = NULL;
    cfl_list_init(&ended);
    (void)pthread_mutex_lock(&store->mutex);
    while ((session = first_of(&store->locked.empty)) != NULL ||
           (session = first_of(&store->locked.filled)) != NULL) {
        end_locked(store, session, &ended);
    }
    (void)pthread_mutex_unlock(&store->mutex);
    drop_ended(&ended);
    unref_memory(store);
}

/* Makes an unlisted session with two references, the caller's and the index's. */
static cflight_session *new_session(cflight_session_store *store, cflight_error **reterr)
{
    const struct cflight_allocator *alloc = store->options.allocator;
    cflight_session *session = cfl_alloc_zeroed(alloc, sizeof *session);
    if (session == NULL || pthread_mutex_init(&session->mutex, NULL) != 0) {
        cfl_free(alloc, session, sizeof *session);
        (void)cfl_error_no_memory(reterr);
        return NULL;
    }
    cfl_refcount_init(&session->refs);
    cfl_refcount_up(&store->refs);
    session->store = store;
    if (cfl_random_bytes(session->id, CFL_SESSION_ID_BYTES, reterr) != CFLIGHT_OK) {
        cfl_session_unref(session);
        return NULL;
    }
    cfl_hex_write(session->id, CFL_SESSION_ID_BYTES, session->id_text);
    return session;
}

static void touch_locked(cflight_session_store *store, cflight_session *session, int64_t now_ns)
{
    struct cfl_list *list =
        session->in_store.has_options ? &store->locked.filled : &store->locked.empty;
    cfl_list_remove(&session->in_store.node);
    cfl_list_append(list, &session->in_store.node);
    cfl_list_remove(&session->in_store.owner_node);
    cfl_list_append(session->in_store.has_options ? &session->in_store.owner->filled
                                                  : &session->in_store.owner->empty,
                    &session->in_store.owner_node);
    session->in_store.expires_ns = cfl_deadline_after_ms(now_ns, store->options.idle_timeout_ms);
}

static void count_bytes_locked(cflight_session_store *store, cflight_session *session,
                               size_t len_bytes)
{
    session->in_store.used_bytes += len_bytes;
    session->in_store.owner->used_bytes += len_bytes;
    store->locked.used_bytes += len_bytes;
}

/* Ends sessions until `len_bytes` more can be kept; `session`, if it is listed, is not one of them.
 */
static bool make_room_for_bytes_locked(cflight_session_store *store, cflight_session *session,
                                       size_t len_bytes, struct cfl_list *ended)
{
    if (len_bytes > store->options.bytes_max) {
        return false;
    }
    while (store->locked.used_bytes > store->options.bytes_max - len_bytes) {
        struct cfl_session_owner *owner = session->in_store.owner;
        cflight_session *victim =
            owner == NULL ? NULL : cfl_session_owner_oldest_locked(owner, session);
        if (victim == NULL) {
            victim = cfl_session_owner_victim_locked(store, true, session);
        }
        if (victim == NULL) {
            return false;
        }
        end_locked(store, victim, ended);
    }
    return true;
}

/* Ends sessions until the owner may have one more. */
static bool make_room_locked(cflight_session_store *store, cflight_session *session,
                             struct cfl_session_owner *owner, struct cfl_list *ended)
{
    if (owner != NULL && owner->count >= store->options.sessions_per_owner_max) {
        end_locked(store, cfl_session_owner_oldest_locked(owner, NULL), ended);
    }
    if (store->locked.count >= store->options.sessions_max) {
        cflight_session *victim = first_of(&store->locked.empty);
        end_locked(store,
                   victim != NULL ? victim : cfl_session_owner_victim_locked(store, false, NULL),
                   ended);
    }
    return make_room_for_bytes_locked(store, session, sizeof *session, ended);
}

static bool insert_locked(cflight_session_store *store, cflight_session *session,
                          struct cflight_bytes owner_key, int64_t now_ns, struct cfl_list *ended)
{
    size_t index = 0;
    end_expired_locked(store, now_ns, ended);
    if (!make_room_locked(store, session, cfl_session_owner_find_locked(store, owner_key), ended) ||
        find_locked(store, session->id, &index) ||
        !cfl_grow_array(store->options.allocator, (void **)&store->locked.sessions,
                        &store->locked.capacity, store->locked.count + 1,
                        sizeof *store->locked.sessions)) {
        return false;
    }
    session->in_store.owner = cfl_session_owner_add_locked(store, owner_key);
    if (session->in_store.owner == NULL) {
        return false;
    }
    cflight_session **place = &store->locked.sessions[index];
    memmove(place + 1, place, (store->locked.count - index) * sizeof *place);
    *place = session;
    store->locked.count++;
    cfl_refcount_up(&session->refs);
    session->in_store.is_listed = true;
    session->in_store.owner->count++;
    count_bytes_locked(store, session, sizeof *session);
    touch_locked(store, session, now_ns);
    return true;
}

cflight_status cfl_session_store_begin(cflight_session_store *store, struct cflight_bytes owner,
                                       cflight_session **ret_session, cflight_error **reterr)
{
    struct cfl_list ended;
    cfl_list_init(&ended);
    cflight_error *error = NULL;
    cflight_session *session = new_session(store, &error);
    if (session == NULL) {
        cflight_status status = cflight_error_status(error);
        if (reterr != NULL) {
            *reterr = error;
        } else {
            cflight_error_free(error);
        }
        return status;
    }
    (void)pthread_mutex_lock(&store->mutex);
    bool is_in = insert_locked(store, session, owner, cfl_clock_now_ns(store->clock), &ended);
    (void)pthread_mutex_unlock(&store->mutex);
    drop_ended(&ended);
    if (!is_in) {
        cfl_session_unref(session);
        return cfl_error_no_memory(reterr);
    }
    *ret_session = session;
    return CFLIGHT_OK;
}

/* NULL unless the owner has a session with this id. */
static cflight_session *find_own_locked(cflight_session_store *store, struct cflight_bytes owner,
                                        const uint8_t *id)
{
    size_t index = 0;
    if (!find_locked(store, id, &index)) {
        return NULL;
    }
    cflight_session *session = store->locked.sessions[index];
    struct cflight_bytes key =
        cflight_bytes_make(session->in_store.owner->key, session->in_store.owner->key_bytes);
    bool is_own = cflight_bytes_equal(key, owner);
    return cfl_equal_in_constant_time(session->id, id, CFL_SESSION_ID_BYTES) && is_own ? session
                                                                                       : NULL;
}

cflight_session *cfl_session_store_find(cflight_session_store *store, struct cflight_bytes owner,
                                        struct cflight_bytes id)
{
    uint8_t bytes[CFL_SESSION_ID_BYTES];
    struct cfl_list ended;
    cflight_session *session = NULL;
    cfl_list_init(&ended);
    if (cfl_hex_read(id.data, id.len_bytes, bytes, sizeof bytes)) {
        int64_t now_ns = cfl_clock_now_ns(store->clock);
        (void)pthread_mutex_lock(&store->mutex);
        end_expired_locked(store, now_ns, &ended);
        session = find_own_locked(store, owner, bytes);
        if (session != NULL) {
            cfl_refcount_up(&session->refs);
            touch_locked(store, session, now_ns);
        }
        (void)pthread_mutex_unlock(&store->mutex);
        drop_ended(&ended);
    }
    explicit_bzero(bytes, sizeof bytes);
    return session;
}

size_t cflight_session_store_end_identity(cflight_session_store *store,
                                          struct cflight_bytes identity)
{
    struct cfl_list ended;
    size_t count = 0;
    cfl_list_init(&ended);
    (void)pthread_mutex_lock(&store->mutex);
    for (size_t i = store->locked.count; i-- > 0;) {
        cflight_session *session = store->locked.sessions[i];
        const struct cfl_session_owner *owner = session->in_store.owner;
        if (owner->key_bytes > 0 && owner->key[0] == CFL_SESSION_OWNER_IDENTITY &&
            cflight_bytes_equal(cflight_bytes_make(owner->key + 1, owner->key_bytes - 1),
                                identity)) {
            end_locked(store, session, &ended);
            count++;
        }
    }
    (void)pthread_mutex_unlock(&store->mutex);
    drop_ended(&ended);
    return count;
}

size_t cflight_session_store_count(cflight_session_store *store)
{
    struct cfl_list ended;
    cfl_list_init(&ended);
    (void)pthread_mutex_lock(&store->mutex);
    end_expired_locked(store, cfl_clock_now_ns(store->clock), &ended);
    size_t count = store->locked.count;
    (void)pthread_mutex_unlock(&store->mutex);
    drop_ended(&ended);
    return count;
}

void cflight_session_close(cflight_session *session)
{
    if (session == NULL) {
        return;
    }
    cflight_session_store *store = session->store;
    struct cfl_list ended;
    cfl_list_init(&ended);
    (void)pthread_mutex_lock(&store->mutex);
    if (session->in_store.is_listed) {
        end_locked(store, session, &ended);
    }
    (void)pthread_mutex_unlock(&store->mutex);
    drop_ended(&ended);
}

const char *cflight_session_id(const cflight_session *session)
{
    return session->id_text;
}

void cfl_session_store_relist(cflight_session *session, bool has_options)
{
    cflight_session_store *store = session->store;
    (void)pthread_mutex_lock(&store->mutex);
    if (session->in_store.is_listed) {
        session->in_store.has_options = has_options;
        touch_locked(store, session, cfl_clock_now_ns(store->clock));
    }
    (void)pthread_mutex_unlock(&store->mutex);
}

bool cfl_session_store_reserve(cflight_session *session, size_t len_bytes)
{
    cflight_session_store *store = session->store;
    struct cfl_list ended;
    cfl_list_init(&ended);
    (void)pthread_mutex_lock(&store->mutex);
    bool is_listed = session->in_store.is_listed;
    bool has_room = !is_listed || make_room_for_bytes_locked(store, session, len_bytes, &ended);
    if (is_listed && has_room) {
        count_bytes_locked(store, session, len_bytes);
    }
    (void)pthread_mutex_unlock(&store->mutex);
    drop_ended(&ended);
    return has_room;
}

void cfl_session_store_release(cflight_session *session, size_t len_bytes)
{
    cflight_session_store *store = session->store;
    (void)pthread_mutex_lock(&store->mutex);
    if (session->in_store.is_listed) { /* what ended counts no more */
        session->in_store.used_bytes -= len_bytes;
        session->in_store.owner->used_bytes -= len_bytes;
        store->locked.used_bytes -= len_bytes;
    }
    (void)pthread_mutex_unlock(&store->mutex);
}
