/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_CALL_H
#define CFP_CALL_H

#include "values/values.h"

/* The options of one call, borrowed from a FlightCallOptions or the defaults. */
struct cfp_call {
    struct cflight_call_options options;
    cflight_cancel *cancel; /* NULL when nothing can interrupt the call */
    PyObject *source;
    struct cfp_scratch scratch;
};

/* Which calls get a cancel handle of their own when the caller gave none. A handle costs a
 * descriptor, so only those that need one have it. */
enum cfp_call_kind {
    CFP_CALL_UNARY,    /* main thread: one handle for all, as only one such call runs there */
    CFP_CALL_STREAM,   /* main thread: a new one, for the start; the stream has other means */
    CFP_CALL_LOOP,     /* none: an event loop never waits */
    CFP_CALL_ITERATOR, /* always a new one: the iterator has no other means */
};

/* A falsy `value` (or NULL) means the defaults. */
int cfp_call_begin(struct cfp_state *state, PyObject *value, enum cfp_call_kind kind,
                   struct cfp_call *ret_call);
/* Safe on what cfp_call_begin left after a failure. */
void cfp_call_end(struct cfp_call *call);

#endif /* CFP_CALL_H */
