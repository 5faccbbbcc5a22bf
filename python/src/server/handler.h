/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_HANDLER_H
#define CFP_HANDLER_H

#include "server/server.h"

/* The frame around each handler of the library that calls Python code: it takes the GIL, and holds
 * the server and wraps the context for as long as the handler runs. Code runs in the variables
 * (contextvars.Context) that the call's middleware ran in, if there is any. */
struct cfp_handler {
    struct cfp_state *state;
    cflight_server_context *context;
    PyObject *server;
    PyObject *context_object; /* NULL with an exception set when memory is missing */
    PyObject *variables;      /* that were entered, or NULL */
    PyGILState_STATE gil;
    bool is_handed_over; /* the context goes on with a stream */
};

/* On CFLIGHT_OK the GIL is held, and the handler must be left. */
cflight_status cfp_handler_begin(struct cfp_handler *handler, struct cfp_server_link *link,
                                 cflight_server_context *context, cflight_error **reterr);
/* Turns a pending exception into the status, and lets go of everything. */
cflight_status cfp_handler_end(struct cfp_handler *handler, cflight_error **reterr);

#endif /* CFP_HANDLER_H */
