/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_KIT_SESSION_STORE_H
#define CFL_FLIGHT_KIT_SESSION_STORE_H

#include <pthread.h>

#include "base/list.h"
#include "base/refcount.h"
#include "flight/kit/sessions.h"

/* What sessions.c, which knows where sessions are kept, and session_options.c, which knows what is
 * in one, share. Locks: see sessions.c. */

enum { CFL_SESSION_ID_BYTES = 16 };

/* Whoever made sessions. */
struct cfl_session_owner {
    size_t count;
    size_t used_bytes;
    struct cfl_list empty; /* its sessions, least recently used first */
    struct cfl_list filled;
    size_t key_bytes;
    uint8_t key[];
};

struct cflight_session {
    struct cfl_refcount refs;
    cflight_session_store *store; /* its memory is counted */
    uint8_t id[CFL_SESSION_ID_BYTES];
    char id_text[2 * CFL_SESSION_ID_BYTES + 1];
    struct {
        struct cfl_list node; /* in a list of the store; of whoever ended the session, after that */
        bool is_listed;
        int64_t expires_ns;
        bool has_options;
        struct cfl_session_owner *owner; /* while it is listed */
        struct cfl_list owner_node;
        size_t used_bytes; /* what it counts in the store */
    } in_store;
    pthread_mutex_t mutex;
    struct {
        struct cflight_session_option **options; /* a block each */
        size_t count;
        size_t capacity;
        size_t used_bytes;
        void *data; /* the application's */
        void (*release_data)(void *data);
    } locked;
};

struct cflight_session_store {
    struct cfl_refcount users; /* handles; the last one ends all sessions */
    struct cfl_refcount refs;  /* one for all users, one for each session: the memory */
    struct cflight_session_store_options options;
    const struct cfl_clock *clock;
    pthread_mutex_t mutex;
    struct {
        cflight_session **sessions; /* in the order of their ids; a reference each */
        size_t count;
        size_t capacity;
        struct cfl_list empty; /* least recently used first */
        struct cfl_list filled;
        struct cfl_session_owner **owners; /* in the order of their keys */
        size_t owner_count;
        size_t owner_capacity;
        uint64_t used_bytes; /* of all listed sessions */
    } locked;
};

/* Moves a session to the list where it belongs now that it has options, or none, and marks it used.
 * Not under a lock. */
void cfl_session_store_relist(cflight_session *session, bool has_options);
/* Counts bytes of a session before they are kept. When the bound on all of them is reached, other
 * sessions end: those of the same owner first, oldest first, then of the owner that has most. False
 * when there is still no room. What a session that has ended keeps is not counted: it goes with the
 * calls that have it. Not under a lock. */
bool cfl_session_store_reserve(cflight_session *session, size_t len_bytes);
void cfl_session_store_release(cflight_session *session, size_t len_bytes);

/* Owners: session_owners.c. All of these under the store's lock. */
struct cfl_session_owner *cfl_session_owner_find_locked(const cflight_session_store *store,
                                                        struct cflight_bytes key);
/* The owner, made when it is new; NULL without memory. */
struct cfl_session_owner *cfl_session_owner_add_locked(cflight_session_store *store,
                                                       struct cflight_bytes key);
/* Frees an owner that has no session; NULL is ignored. */
void cfl_session_owner_drop_unused_locked(cflight_session_store *store,
                                          struct cfl_session_owner *owner);
/* The session of an owner that goes first, other than `spared`; NULL when there is none. */
cflight_session *cfl_session_owner_oldest_locked(struct cfl_session_owner *owner,
                                                 const cflight_session *spared);
/* The same of the owner that has most sessions, or bytes. */
cflight_session *cfl_session_owner_victim_locked(const cflight_session_store *store, bool by_bytes,
                                                 const cflight_session *spared);

#endif /* CFL_FLIGHT_KIT_SESSION_STORE_H */
