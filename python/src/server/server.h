/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_SERVER_H
#define CFP_SERVER_H

#include "arrow/ipc_options.h"
#include "base/callbacks.h"

/* What the library's handlers know of a Python server. It outlives the library's server; the Python
 * object may go first, so it is held by a weak reference. */
struct cfp_server_link {
    struct cfp_state *state;
    const struct cfp_server_kind *kind;
    void *kit;        /* of the kind */
    PyObject *server; /* weak reference */
    cflight_server *handle;
    bool is_finished;
    struct cfp_hold *auth;
    struct cfp_hold *middleware;
    struct cfp_services *services;       /* or NULL */
    struct cfp_request_log *request_log; /* or NULL */
    struct cfp_ipc_options ipc;
};

/* How the library's server is made and ended: one of Flight alone, or of more. `start` sets the
 * link's handle; without the GIL, both. */
struct cfp_server_kind {
    cflight_status (*start)(struct cfp_server_link *link, const char *location,
                            const struct cflight_server_handlers *handlers,
                            const struct cflight_server_options *options, cflight_error **reterr);
    void (*end)(struct cfp_server_link *link);
    /* Has what calls left behind ended, by methods of the server object: when no call runs any
     * more, while the object is still there. NULL for nothing. */
    void (*finish)(struct cfp_server_link *link);
};
/* The method _cflight_start of a FlightServerCore, which FlightServerBase calls. `kit` is the
 * kind's, which ends it, unless -1 is returned with an exception set. */
int cfp_server_start(PyObject *self, PyObject *args, const struct cfp_server_kind *kind, void *kit);
/* A new reference to the server; NULL without an exception when it is gone. */
PyObject *cfp_server_of(PyObject *weak);

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
