/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a handshake, counted. Thread class: free. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "flight/client/client.h"

cflight_status cfl_client_auth_new(const struct cflight_allocator *alloc,
                                   const struct cflight_client_auth *table,
                                   struct cfl_client_auth **ret_auth, cflight_error **reterr)
{
    struct cfl_client_auth *auth = cfl_alloc_zeroed(alloc, sizeof *auth);
    if (auth == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cfl_refcount_init(&auth->refs);
    auth->alloc = alloc;
    auth->table = *table;
    *ret_auth = auth;
    return CFLIGHT_OK;
}

struct cfl_client_auth *cfl_client_auth_current(struct cflight_client *client)
{
    (void)pthread_mutex_lock(&client->mutex);
    struct cfl_client_auth *auth = client->locked.auth;
    if (auth != NULL) {
        cfl_refcount_up(&auth->refs);
    }
    (void)pthread_mutex_unlock(&client->mutex);
    return auth;
}

void cfl_client_auth_unref(struct cfl_client_auth *auth)
{
    if (auth == NULL || !cfl_refcount_down(&auth->refs)) {
        return;
    }
    if (auth->table.release != NULL) {
        auth->table.release(auth->table.user_data);
    }
    cfl_free(auth->alloc, auth, sizeof *auth);
}
