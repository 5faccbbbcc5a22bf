/* SPDX-License-Identifier: Apache-2.0 */
/* The frame around handlers. Thread class: free. */
#include "server/handler.h"

#include "base/attach.h"
#include "base/exceptions.h"
#include "base/variables.h"

PyObject *cfp_server_of(PyObject *weak)
{
#if PY_VERSION_HEX >= 0x030d0000
    PyObject *server = NULL;
    (void)PyWeakref_GetRef(weak, &server);
    return server;
#else
    PyObject *server = PyWeakref_GetObject(weak);
    return server == Py_None ? NULL : Py_XNewRef(server);
#endif
}

cflight_status cfp_handler_begin(struct cfp_handler *handler, struct cfp_server_link *link,
                                 cflight_server_context *context, cflight_error **reterr)
{
    *handler = (struct cfp_handler){.state = link->state, .context = context};
    handler->gil = cfp_attach();
    handler->server = cfp_server_of(link->server);
    if (handler->server == NULL) {
        cfp_detach(handler->gil);
        return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE, "the server has gone");
    }
    handler->variables = cfp_variables_enter(cfp_server_variables(context));
    handler->context_object = cfp_context_new(link->state, context);
    cfp_handler_enter();
    return CFLIGHT_OK;
}

cflight_status cfp_handler_end(struct cfp_handler *handler, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (PyErr_Occurred() != NULL) {
        status = cfp_handler_failed(handler->state, handler->context, reterr);
    }
    if (handler->context_object != NULL && !handler->is_handed_over) {
        cfp_context_detach(handler->context_object);
    }
    Py_XDECREF(handler->context_object);
    Py_DECREF(handler->server);
    cfp_handler_leave();
    cfp_variables_leave(handler->variables);
    cfp_detach(handler->gil);
    return status;
}
