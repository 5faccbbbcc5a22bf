/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_SERVER_H
#define CFP_SERVER_H

#include "arrow/ipc_options.h"
#include "base/callbacks.h"

/* What the library's handlers know of a Python server. It outlives the library's server; the Python
 * object may go first, so it is held by a weak reference. */
struct cfp_server_link {
    struct cfp_state *state;
    PyObject *server; /* weak reference */
    cflight_server *handle;
    struct cfp_hold *auth;
    struct cfp_hold *middleware;
    struct cfp_ipc_options ipc;
};

/* The table of handlers; user_data is the link. */
void cfp_server_handlers(struct cfp_server_link *link, struct cflight_server_handlers *ret_table);
/* Whether the calling thread is inside a handler, or in code of a stream that one handed over. */
bool cfp_is_in_handler(void);
void cfp_handler_enter(void);
void cfp_handler_leave(void);
/* Turns the pending exception into the status of the call, and keeps it for server middleware. */
cflight_status cfp_handler_failed(struct cfp_state *state, cflight_server_context *context,
                                  cflight_error **reterr);

PyObject *cfp_context_new(struct cfp_state *state, cflight_server_context *context);
/* The call is over: uses of the object are a ValueError from now on. */
void cfp_context_detach(PyObject *context);

#endif /* CFP_SERVER_H */
