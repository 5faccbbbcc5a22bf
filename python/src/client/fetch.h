/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_FETCH_H
#define CFP_FETCH_H

#include "base/state.h"

#include "cflight/fetch.h"

/* What a fetch was asked for. Python objects are borrowed, and Py_None where they are not given. */
struct cfp_fetch_arguments {
    PyObject *options;
    unsigned int parallel;
    int any_order;
    unsigned int attempts;
    PyObject *rewrite_location;
    PyObject *location_is_trusted;
    PyObject *progress;
};

#define CFP_FETCH_ARGUMENTS_INIT                                                         \
    {                                                                                    \
        .options = Py_None, .rewrite_location = Py_None, .location_is_trusted = Py_None, \
        .progress = Py_None                                                              \
    }

/* Makes the stream, without the GIL; `options` are valid until it is released, and its call options
 * are for what comes before, too. */
typedef cflight_status cfp_fetch_start(void *request, cflight_client *client,
                                       const struct cflight_fetch_options *options,
                                       struct ArrowArrayStream *ret_stream, cflight_error **reterr);

/* Fetches what `start` gives: a reader. `client` is a FlightClient. */
PyObject *cfp_fetch(PyObject *client, const struct cfp_fetch_arguments *given,
                    cfp_fetch_start *start, void *request);

#endif /* CFP_FETCH_H */
