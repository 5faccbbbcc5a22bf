/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_SQL_ENGINE_H
#define CFP_SQL_ENGINE_H

#include "server/server.h"

#include "cflight/sql_server.h"

/* What the library's kit calls: each function is a method of the Python server. A session is a
 * Python object, which the library holds as a pointer. */

/* A function of the engine while it runs. In this order: enter, with CFLIGHT_OK the GIL is held;
 * leave turns the pending exception into the status, and lets go of everything. */
struct cfp_sql_frame {
    struct cfp_state *state;
    cflight_sql_call *call; /* NULL where there is none */
    PyObject *server;
    PyObject *context;   /* ServerCallContext, or NULL */
    PyObject *about;     /* sql.Call, or NULL */
    PyObject *progress;  /* what set_progress() of that is about, or NULL */
    PyObject *variables; /* that were entered, or NULL */
    PyGILState_STATE gil;
};
cflight_status cfp_sql_enter(struct cfp_sql_frame *frame, void *user_data, cflight_sql_call *call,
                             bool wants_rows, cflight_error **reterr);
/* The same for a statement that runs. */
cflight_status cfp_sql_enter_execution(struct cfp_sql_frame *frame, void *user_data,
                                       cflight_sql_call *call, cflight_sql_execution *execution,
                                       cflight_error **reterr);
cflight_status cfp_sql_leave(struct cfp_sql_frame *frame, cflight_error **reterr);
/* Calls server.method(argument), which may be a tuple. */
PyObject *cfp_sql_ask(struct cfp_sql_frame *frame, const char *method, PyObject *argument);
/* Fills in the functions whose method's name is in `offered`, a frozenset; 0 or -1. */
int cfp_sql_handlers(PyObject *offered, struct cflight_sql_handlers *ret_handlers);

/* The listings: list_catalogs and so on. */
void cfp_sql_listings(struct cflight_sql_handlers *ret_handlers);

/* Gives what execute() returned to the kit: a number of rows, None, or rows. */
int cfp_sql_give_result(struct cfp_state *state, PyObject *result,
                        cflight_sql_execution *execution);
/* The bound rows as a list of tuples; None when nothing is bound. */
PyObject *cfp_sql_parameters_list(struct cfp_state *state, cflight_sql_parameters *parameters);

/* Sets a value of the dict that sql_info takes; 0 or -1. */
int cfp_sql_info_put(struct cfp_state *state, cflight_sql_info *info, PyObject *key,
                     PyObject *value);

/* Text, or None for one that is absent. */
PyObject *cfp_sql_text_or_none(struct cflight_bytes text);

#endif /* CFP_SQL_ENGINE_H */
