/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_SERVICES_H
#define CFP_SERVICES_H

#include "server/server.h"

/* What a server answers beside Flight: health checks, reflection, and methods that are Python
 * callables. It outlives the library's server. Functions take a pointer that may be NULL. */
struct cfp_services;

/* A method of Python's. */
struct cfp_service_method {
    struct cfp_server_link *link;
    struct cfp_hold *handler;
    struct cfp_hold *on_shutdown; /* or NULL */
    bool client_streams;
    bool server_streams;
};

/* Of what the Python part gives (cflight/_operations.py): a tuple of (needs_auth, watchers_max) or
 * None, (is_open, list of bytes) or None, and a list of methods. 0 or -1; `*ret_services` stays
 * NULL when nothing was asked for. */
int cfp_services_new(struct cfp_server_link *link, PyObject *given,
                     struct cfp_services **ret_services);
/* Without the GIL. */
void cfp_services_free(struct cfp_services *services);
/* Puts them into the options, which borrow them. */
void cfp_services_fill(const struct cfp_services *services, struct cflight_server_options *options);
/* Says how a service is; 0 or -1. */
int cfp_services_set_health(struct cfp_services *services, struct cfp_state *state,
                            const char *name, int serving);
int cfp_services_traverse(const struct cfp_services *services, visitproc visit, void *arg);
/* Lets go of the callables; the server's object is not reached any more. */
void cfp_services_clear(struct cfp_services *services);

/* The library's functions of a method of Python's; user_data is the method. */
cflight_status cfp_service_handle(void *user_data, cflight_server_context *context,
                                  cflight_service_call *call, cflight_error **reterr);
void cfp_service_on_shutdown(void *user_data);

#endif /* CFP_SERVICES_H */
