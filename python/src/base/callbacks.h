/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_CALLBACKS_H
#define CFP_CALLBACKS_H

#include "base/state.h"

/* Auth handlers and middleware: tables for the library whose functions call Python objects. The
 * functions run on any thread, take the GIL, and never let an exception out. */

/* A Python object that the library holds through a user_data pointer. */
struct cfp_hold {
    struct cfp_state *state;
    PyObject *object;
    struct cfp_hold *next;
    struct cfp_hold **place; /* what points at it in a list; NULL when it is in none */
};
struct cfp_hold *cfp_hold_new(struct cfp_state *state, PyObject *object);
/* Takes the GIL; fits `release` of the tables. */
void cfp_hold_free(void *hold);

/* Drops the object, with None in its place; NULL is ignored. With the GIL. */
void cfp_hold_clear(struct cfp_hold *hold);

/* The holds of one Python object, for the garbage collector: through the library's object, which
 * only the Python object owns, it refers to what they hold. A hold that is freed leaves the list.
 */
struct cfp_hold_list {
    struct cfp_hold *first;
};
void cfp_hold_list_add(struct cfp_hold_list *list, struct cfp_hold *hold);
/* Before the Python object goes, or lets go of the library's: the holds may live on. */
void cfp_hold_list_leave(struct cfp_hold_list *list);
int cfp_hold_list_traverse(const struct cfp_hold_list *list, visitproc visit, void *arg);

/* The client's half; the table's user_data is a hold. */
int cfp_client_auth_table(struct cfp_state *state, PyObject *handler,
                          struct cflight_client_auth *ret_table);
/* The provider is any callable. */
int cfp_token_provider_table(struct cfp_state *state, PyObject *provider,
                             struct cflight_token_provider *ret_table);
int cfp_client_middleware_table(struct cfp_state *state, PyObject *factory,
                                struct cflight_client_middleware *ret_table);

/* The server's half. `hold` is the ServerAuthHandler, or the dict of key to factory; the caller
 * owns it. */
void cfp_server_auth_table(struct cfp_hold *hold, struct cflight_server_auth *ret_table);
void cfp_server_middleware_table(struct cfp_hold *hold,
                                 struct cflight_server_middleware *ret_table);
/* The key of that one table. */
#define CFP_MIDDLEWARE_KEY "cflight.python"
/* What it makes for a call. */
struct cfp_server_call {
    PyObject *instances; /* dict of key to middleware */
    PyObject *exception; /* what the handler raised, or NULL */
    PyObject *variables; /* contextvars.Context */
};
/* What was made for the call in hand, or NULL: there is no middleware, or the method is open. */
struct cfp_server_call *cfp_server_call_of(const cflight_server_context *context);
/* The call's variables, borrowed, or NULL. */
PyObject *cfp_server_variables(const cflight_server_context *context);

/* A dict of str to list of str (of bytes for -bin names), in the order of the names. */
PyObject *cfp_headers_dict(const struct cflight_header *headers, size_t count);
/* `path` may be NULL: that of the method. */
PyObject *cfp_call_info_new(struct cfp_state *state, enum cflight_method method, const char *path);

#endif /* CFP_CALLBACKS_H */
