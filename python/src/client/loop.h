/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_LOOP_H
#define CFP_LOOP_H

#include "client/client.h"

#include "cflight/loop.h"

/* Calls under an event loop. The Python part (_async.py) watches the descriptor and awaits; these
 * are its tools, private to the package. All of one client run on the loop's thread. */

/* Methods of FlightClient. */
PyObject *cfp_client_loop_state(PyObject *self, PyObject *unused);
PyObject *cfp_client_loop_process(PyObject *self, PyObject *unused);
PyObject *cfp_client_loop_start(PyObject *self, PyObject *args);
/* Methods of FlightClient: the messages of the standard actions. */
PyObject *cfp_client_standard_request(PyObject *self, PyObject *args);
PyObject *cfp_client_standard_result(PyObject *self, PyObject *args);

#endif /* CFP_LOOP_H */
