/* SPDX-License-Identifier: Apache-2.0 */
/* A client's call and its observer, which runs middleware.
 *
 * A call may have a reading and a writing thread, and the observer's second visit frees what the
 * first one uses: so one thread is inside at a time, and looks for the end after it has told of the
 * headers. Thread class: free. */
#include "flight/call/call.h"

static bool is_known(struct cfl_call *call, bool wants_end)
{
    if (!cfl_call_is_ours(call)) {
        return false;
    }
    cfl_connection_lock(call->connection);
    bool is_there = wants_end ? call->locked.is_over : call->locked.has_answer;
    cfl_connection_unlock(call->connection);
    return is_there;
}

/* Moves the observer's state on; true for the one thread that did. */
static bool moves_on(struct cfl_call *call, enum cfl_observed from, enum cfl_observed to)
{
    int expected = (int)from;
    return atomic_compare_exchange_strong(&call->observed, &expected, (int)to);
}

void cfl_call_observe(struct cfl_call *call)
{
    if (call->observe == NULL) {
        return;
    }
    if (atomic_load(&call->observed) == CFL_OBSERVED_NOTHING && is_known(call, false) &&
        moves_on(call, CFL_OBSERVED_NOTHING, CFL_OBSERVED_BUSY)) {
        call->observe(call->observe_user_data, call, false);
        atomic_store(&call->observed, CFL_OBSERVED_HEADERS);
    }
    if (atomic_load(&call->observed) == CFL_OBSERVED_HEADERS && is_known(call, true) &&
        moves_on(call, CFL_OBSERVED_HEADERS, CFL_OBSERVED_END)) {
        call->observe(call->observe_user_data, call, true);
    }
}
