/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a client's call. Thread class: one at a time. */
#include "client/client_frame.h"

#include "client/client.h"

cflight_client *cfp_client_handle(PyObject *client)
{
    cflight_client *handle = ((struct cfp_client *)client)->client;
    if (handle == NULL) {
        PyErr_SetString(PyExc_ValueError, "FlightClient.__init__ was not called");
    }
    return handle;
}

int cfp_frame_begin(struct cfp_frame *frame, PyObject *self, PyObject *options,
                    enum cfp_call_kind kind)
{
    *frame = (struct cfp_frame){.state = cfp_state_of(self), .client = cfp_client_handle(self)};
    return frame->client == NULL ? -1 : cfp_call_begin(frame->state, options, kind, &frame->call);
}

int cfp_frame_block(struct cfp_frame *frame)
{
    return cfp_wait_begin(&frame->wait, frame->state, cfp_interrupt_cancel, frame->call.cancel);
}

int cfp_frame_unblock(struct cfp_frame *frame, cflight_status status)
{
    return cfp_wait_end(&frame->wait, status, frame->error);
}

void cfp_frame_end(struct cfp_frame *frame)
{
    cfp_call_end(&frame->call);
}
