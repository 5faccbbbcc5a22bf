/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_SIGPIPE_H
#define CFL_BASE_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

/* Keeps SIGPIPE from the application while a library below us writes to a socket without
 * MSG_NOSIGNAL. Thread class: free; both calls come from the same thread. */

struct cfl_sigpipe {
    sigset_t before; /* what the thread blocked */
    bool was_pending;
};

void cfl_sigpipe_hold(struct cfl_sigpipe *sigpipe);
/* Takes away the signal that came since, unless one waited before, and gives the thread back what
 * it blocked. `may_have_come` false saves looking. Leaves errno alone. */
void cfl_sigpipe_release(const struct cfl_sigpipe *sigpipe, bool may_have_come);

#endif /* CFL_BASE_SIGPIPE_H */
