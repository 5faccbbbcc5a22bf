/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_CLIENT_H
#define CFP_CLIENT_H

#include "base/callbacks.h"
#include "values/values.h"

struct cfp_client {
    CFP_HEAD
    cflight_client *client;
    PyObject *settings;         /* dict: the constructor's keywords */
    struct cfp_hold_list holds; /* middleware, token provider, auth handler */
};

/* Client options made of a constructor's keywords, and the memory that holds them. */
struct cfp_client_build {
    struct cfp_state *state;
    struct cflight_client_options options;
    struct cfp_scratch scratch;
    PyObject *kept; /* list: objects whose bytes the options point at */
    struct cflight_client_middleware *middleware;
    struct cflight_token_provider tokens;
    bool is_taken; /* the tables of middleware and tokens belong to a client */
};

/* Makes a client of a constructor's arguments, whose holds go into the list; NULL with an exception
 * set. */
cflight_client *cfp_client_make(struct cfp_state *state, PyObject *args, PyObject *kwargs,
                                struct cfp_hold_list *holds);

/* The options that a client was made with, for further clients, which do not take the tables. */
int cfp_client_options_begin(PyObject *client, struct cfp_client_build *ret_build);
void cfp_client_options_end(struct cfp_client_build *build);

/* The calls, by what they do; client.c lists them as methods. Each takes the FlightClient,
 * positional arguments and keywords. */
PyObject *cfp_client_list_flights(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_get_flight_info(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_poll_flight_info(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_get_schema(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_do_get(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_do_put(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_do_exchange(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_do_action(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_list_actions(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_authenticate(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_authenticate_basic_token(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_cancel_flight_info(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_renew_flight_endpoint(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_set_session_options(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_get_session_options(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_fetch(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *cfp_client_close_session(PyObject *self, PyObject *args, PyObject *kwargs);
/* In client_options.c. */
PyObject *cfp_client_reload_tls(PyObject *self, PyObject *args, PyObject *kwargs);

/* An iterator of FlightInfo whose call starts with the first step. `criteria` is bytes or NULL. */
PyObject *cfp_info_iterator_new(struct cfp_state *state, PyObject *client, PyObject *criteria,
                                PyObject *options);
/* Starts an action, waits until the server has begun with it, and returns an iterator of Result. */
PyObject *cfp_result_iterator_new(struct cfp_state *state, PyObject *client,
                                  const struct cflight_action *action, PyObject *options);

/* Session options of a dict, and what the server said as dicts. The views are of the dict, `kept`
 * (a list) and the scratch memory. */
int cfp_session_options_view(PyObject *dict, PyObject *kept, struct cfp_scratch *scratch,
                             struct cflight_session_options *ret_options);
PyObject *cfp_session_value(const struct cflight_session_option *option);
PyObject *cfp_session_options_dict(const struct cflight_session_options *options);
PyObject *cfp_session_errors_dict(struct cfp_state *state,
                                  const struct cflight_session_errors *errors);

/* Python's streams of a DoPut and a DoExchange, as pairs; they take the handles and the schema.
 * With `never_waits` they are an event loop's. */
PyObject *cfp_client_put_pair(struct cfp_state *state, cflight_writer *writer,
                              struct ArrowSchema *schema, cflight_metadata_reader *answers,
                              bool never_waits);
PyObject *cfp_client_exchange_pair(struct cfp_state *state, cflight_writer *writer,
                                   cflight_reader *reader, bool never_waits);

#endif /* CFP_CLIENT_H */
