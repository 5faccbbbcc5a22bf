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
    } in_store;
    pthread_mutex_t mutex;
    struct {
        struct cflight_session_option **options; /* a block each */
        size_t count;
        size_t capacity;
        size_t used_bytes;
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
    } locked;
};

/* Moves a session to the list where it belongs now that it has options, or none, and marks it used.
 * Not under a lock. */
void cfl_session_store_relist(cflight_session *session, bool has_options);

#endif /* CFL_FLIGHT_KIT_SESSION_STORE_H */
