/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_CALL_ANY_H
#define CFL_FLIGHT_CALL_CALL_ANY_H

#include "flight/call/call.h"

enum { CFL_CALL_ANY_MAX = 256 };

/* One of several calls that one thread reads. Zeroed at first; its limits are kept between waits.
 */
struct cfl_call_any {
    struct cfl_call *call;
    bool is_wanted; /* false: its connection is driven meanwhile, and that is all */
    bool has_limit;
    uint64_t progress_bytes; /* as of when the limit was set */
    int64_t limit_ns;
};

/* Waits until a receive without waiting gives something on a call that is wanted (there is one),
 * or may do so: look, and wait again. The limits of calls hold, and a request that was not taken is
 * sent again. `waker` is for this thread alone. For the reader of all calls (up to
 * CFL_CALL_ANY_MAX). */
void cfl_call_wait_any(struct cfl_call_any *const *calls, size_t count, struct cfl_waker *waker);

#endif /* CFL_FLIGHT_CALL_CALL_ANY_H */
