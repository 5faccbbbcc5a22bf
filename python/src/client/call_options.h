/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_CALL_OPTIONS_H
#define CFP_CALL_OPTIONS_H

#include "values/values.h"

/* From the Python object to the struct, which borrows from it and from `scratch`; 0 or -1. Members
 * that it does not set are left alone. */
int cfp_call_options_load(PyObject *object, struct cfp_scratch *scratch,
                          struct cflight_call_options *ret_options);

/* The handle of a CancelToken, borrowed. */
cflight_cancel *cfp_cancel_token_handle(PyObject *token);

#endif /* CFP_CALL_OPTIONS_H */
