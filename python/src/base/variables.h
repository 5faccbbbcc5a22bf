/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_VARIABLES_H
#define CFP_VARIABLES_H

#include "base/state.h"

/* The context variables (contextvars.Context) of one call of a server: what its middleware sets in
 * them its method sees, and whatever else runs for the call, on any thread. With the GIL. */

/* Enters them: a new reference for cfp_variables_leave, or NULL without an exception when there are
 * none, or this call has entered them already. No exception may be pending. */
PyObject *cfp_variables_enter(PyObject *variables);
/* Takes the reference, which may be NULL; keeps a pending exception. */
void cfp_variables_leave(PyObject *variables);

#endif /* CFP_VARIABLES_H */
