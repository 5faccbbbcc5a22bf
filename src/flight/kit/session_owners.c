/* SPDX-License-Identifier: Apache-2.0 */
/* The owners of sessions: who made them, how many each has, how much memory they take, and whose go
 * when there is no room. An owner is here as long as it has a session. All functions run under the
 * store's lock. */
#include <string.h>

#include "base/alloc.h"
#include "base/search.h"
#include "flight/kit/session_store.h"

static int compare_key(const void *element, const void *any_key)
{
    const struct cfl_session_owner *const *owner = element;
    const struct cflight_bytes *key = any_key;
    if ((*owner)->key_bytes != key->len_bytes) {
        return (*owner)->key_bytes < key->len_bytes ? -1 : 1;
    }
    return key->len_bytes == 0 ? 0 : memcmp((*owner)->key, key->data, key->len_bytes);
}

static bool find_index_locked(const cflight_session_store *store, struct cflight_bytes key,
                              size_t *ret_index)
{
    return cfl_search(store->locked.owners, store->locked.owner_count, sizeof *store->locked.owners,
                      &key, compare_key, ret_index);
}

struct cfl_session_owner *cfl_session_owner_find_locked(const cflight_session_store *store,
                                                        struct cflight_bytes key)
{
    size_t index = 0;
    return find_index_locked(store, key, &index) ? store->locked.owners[index] : NULL;
}

struct cfl_session_owner *cfl_session_owner_add_locked(cflight_session_store *store,
                                                       struct cflight_bytes key)
{
    const struct cflight_allocator *alloc = store->options.allocator;
    size_t index = 0;
    if (find_index_locked(store, key, &index)) {
        return store->locked.owners[index];
    }
    struct cfl_session_owner *owner = cfl_alloc_zeroed(alloc, sizeof *owner + key.len_bytes);
    if (owner == NULL ||
        !cfl_grow_array(alloc, (void **)&store->locked.owners, &store->locked.owner_capacity,
                        store->locked.owner_count + 1, sizeof *store->locked.owners)) {
        cfl_free(alloc, owner, sizeof *owner + key.len_bytes);
        return NULL;
    }
    owner->key_bytes = key.len_bytes;
    if (key.len_bytes > 0) {
        memcpy(owner->key, key.data, key.len_bytes);
    }
    cfl_list_init(&owner->empty);
    cfl_list_init(&owner->filled);
    struct cfl_session_owner **place = &store->locked.owners[index];
    memmove(place + 1, place, (store->locked.owner_count - index) * sizeof *place);
    *place = owner;
    store->locked.owner_count++;
    return owner;
}

void cfl_session_owner_drop_unused_locked(cflight_session_store *store,
                                          struct cfl_session_owner *owner)
{
    size_t index = 0;
    if (owner == NULL || owner->count > 0 ||
        !find_index_locked(store, cflight_bytes_make(owner->key, owner->key_bytes), &index)) {
        return;
    }
    struct cfl_session_owner **place = &store->locked.owners[index];
    store->locked.owner_count--;
    memmove(place, place + 1, (store->locked.owner_count - index) * sizeof *place);
    cfl_free(store->options.allocator, owner, sizeof *owner + owner->key_bytes);
}

/* The first session of a list of an owner that is not `spared`. */
static cflight_session *first_but(struct cfl_list *list, const cflight_session *spared)
{
    for (struct cfl_list *node = list->next; node != list; node = node->next) {
        cflight_session *session = CFL_LIST_ENTRY(node, cflight_session, in_store.owner_node);
        if (session != spared) {
            return session;
        }
    }
    return NULL;
}

cflight_session *cfl_session_owner_oldest_locked(struct cfl_session_owner *owner,
                                                 const cflight_session *spared)
{
    cflight_session *session = first_but(&owner->empty, spared);
    return session != NULL ? session : first_but(&owner->filled, spared);
}

cflight_session *cfl_session_owner_victim_locked(const cflight_session_store *store, bool by_bytes,
                                                 const cflight_session *spared)
{
    struct cfl_session_owner *greediest = NULL;
    size_t most = 0;
    for (size_t i = 0; i < store->locked.owner_count; i++) {
        struct cfl_session_owner *owner = store->locked.owners[i];
        size_t has = by_bytes ? owner->used_bytes : owner->count;
        if (has > most && cfl_session_owner_oldest_locked(owner, spared) != NULL) {
            greediest = owner;
            most = has;
        }
    }
    return greediest == NULL ? NULL : cfl_session_owner_oldest_locked(greediest, spared);
}
