/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_NOTIFIER_H
#define CFP_NOTIFIER_H

#include "base/state.h"

/* A Python callback that runs once. The owner embeds it, and takes it back before it goes. */
struct cfp_notifier {
    PyObject *callback;
};

/* Puts a callback in, or None to take it out; whether there is one now. */
bool cfp_notifier_set(struct cfp_notifier *notifier, PyObject *callback);
/* Calls it, and lets go of it. Fits cflight_ready_fn; `notifier` is a struct cfp_notifier. Takes
 * the GIL. */
void cfp_notifier_ready(void *notifier);

#endif /* CFP_NOTIFIER_H */
