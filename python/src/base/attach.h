/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_ATTACH_H
#define CFP_ATTACH_H

#include "base/state.h"

/* How threads of the library's server come to the interpreter. PyGILState_Ensure alone would make a
 * thread state for each function that is called, and take it apart afterwards, with a stack for
 * Python's frames each time. Here a thread keeps its own until it ends, and what belongs to the
 * thread (threading.local, context variables, what sys.settrace was given) is forgotten in between:
 * a call finds nothing of the one before. */

/* When the module starts. */
void cfp_attach_prepare(void);
/* Takes the GIL; nests. */
PyGILState_STATE cfp_attach(void);
/* Lets go of it. */
void cfp_detach(PyGILState_STATE gil);
/* Forgets what code that another library called on this thread left. Without the GIL. */
void cfp_attach_tidy(void);

#endif /* CFP_ATTACH_H */
