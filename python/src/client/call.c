/* SPDX-License-Identifier: Apache-2.0 */
/* What each call begins with: its options, and the handle by which Ctrl+C and others end it.
 * Thread class: with the GIL. */
#include "client/call.h"

#include "arrow/ipc_options.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"
#include "client/call_options.h"

static int new_handle(struct cfp_state *state, cflight_cancel **ret_cancel)
{
    cflight_error *error = NULL;
    cflight_status status = cflight_cancel_new(ret_cancel, &error);
    if (status == CFLIGHT_OK) {
        return 0;
    }
    cfp_raise(state, status, error);
    return -1;
}

/* The main thread's handle for unary calls; a new one after an interruption. */
static int shared_handle(struct cfp_state *state, cflight_cancel **ret_cancel)
{
    if (state->unary_cancel != NULL && cflight_cancel_is_triggered(state->unary_cancel)) {
        cflight_cancel_unref(state->unary_cancel);
        state->unary_cancel = NULL;
    }
    if (state->unary_cancel == NULL && new_handle(state, &state->unary_cancel) < 0) {
        return -1;
    }
    *ret_cancel = cflight_cancel_ref(state->unary_cancel);
    return 0;
}

static int choose_handle(struct cfp_state *state, enum cfp_call_kind kind, struct cfp_call *call)
{
    if (call->cancel != NULL) {
        return 0;
    }
    switch (kind) {
    case CFP_CALL_UNARY:
        return cfp_is_main_thread(state) ? shared_handle(state, &call->cancel) : 0;
    case CFP_CALL_STREAM:
        return cfp_is_main_thread(state) ? new_handle(state, &call->cancel) : 0;
    case CFP_CALL_LOOP:
        return 0;
    case CFP_CALL_ITERATOR:
        break;
    }
    return new_handle(state, &call->cancel);
}

int cfp_call_begin(struct cfp_state *state, PyObject *value, enum cfp_call_kind kind,
                   struct cfp_call *ret_call)
{
    *ret_call = (struct cfp_call){.options = CFLIGHT_CALL_OPTIONS_INIT};
    ret_call->options.write_options = &cfp_write_defaults;
    int is_given = value == NULL ? 0 : PyObject_IsTrue(value);
    if (is_given < 0) {
        return -1;
    }
    if (is_given) {
        if (cfp_check_type(value, state->call_options_type, "options",
                           "cflight.FlightCallOptions") < 0 ||
            cfp_call_options_load(value, &ret_call->scratch, &ret_call->options) < 0) {
            return -1;
        }
        ret_call->source = Py_NewRef(value);
        if (ret_call->options.cancel != NULL) {
            ret_call->cancel = cflight_cancel_ref(ret_call->options.cancel);
        }
    }
    if (choose_handle(state, kind, ret_call) < 0) {
        return -1;
    }
    ret_call->options.cancel = ret_call->cancel;
    return 0;
}

void cfp_call_end(struct cfp_call *call)
{
    cflight_cancel_unref(call->cancel);
    call->cancel = NULL;
    Py_CLEAR(call->source);
    cfp_scratch_done(&call->scratch);
}
