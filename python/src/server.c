/* SPDX-License-Identifier: Apache-2.0 */
/* FlightServerCore: the part of FlightServerBase that is written in C. Starts, waits for and stops
 * the library's server.
 *
 * The server runs as long as the Python object lives, or until it is shut down. A handler holds the
 * object while it runs, so the last reference may go inside a handler, where waiting for handlers
 * would never end: then a thread of its own stops the server.
 * Thread class: free. */
#include "server.h"

#include <pthread.h>

#include "call_options.h"
#include "convert.h"
#include "exceptions.h"
#include "values.h"
#include "wait.h"

struct server {
    CFP_HEAD
    struct cfp_server_link *link;
};

static int server_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct cfp_server_link *link = ((struct server *)self)->link;
    Py_VISIT(Py_TYPE(self));
    if (link != NULL && link->auth != NULL) {
        Py_VISIT(link->auth->object);
    }
    if (link != NULL && link->middleware != NULL) {
        Py_VISIT(link->middleware->object);
    }
    return 0;
}

/* Stops the server and frees the link. Without the GIL, not in a handler. */
static void link_free(void *pointer)
{
    struct cfp_server_link *link = pointer;
    cflight_server_free(link->handle);
    cfp_hold_free(link->auth);
    cfp_hold_free(link->middleware);
    PyGILState_STATE gil = PyGILState_Ensure();
    Py_XDECREF(link->server);
    PyGILState_Release(gil);
    PyMem_RawFree(link);
}

static void *link_free_thread(void *link)
{
    link_free(link);
    return NULL;
}

static void server_dealloc(PyObject *self)
{
    struct cfp_server_link *link = ((struct server *)self)->link;
    pthread_t thread;
    cfp_object_begin_dealloc(self);
    if (link != NULL && !cfp_is_in_handler()) {
        cfp_release(link_free, link);
    } else if (link != NULL) {
        /* Without a thread the server is left running rather than waited for in vain. */
        cflight_server_shutdown(link->handle, 0);
        if (pthread_create(&thread, NULL, link_free_thread, link) == 0) {
            (void)pthread_detach(thread);
        }
    }
    cfp_object_end_dealloc(self);
}

static struct cfp_server_link *link_of(PyObject *self)
{
    struct cfp_server_link *link = ((struct server *)self)->link;
    if (link == NULL) {
        PyErr_SetString(PyExc_ValueError, "FlightServerBase.__init__ was not called");
    }
    return link;
}

/* What _start was given, checked by the Python part. */
struct start_arguments {
    PyObject *location;     /* bytes */
    PyObject *auth_handler; /* or None */
    PyObject *certificates; /* list of pairs of bytes */
    int verify_client;
    PyObject *root_certificates; /* bytes */
    PyObject *middleware;        /* dict */
    unsigned int handlers_max;
    unsigned long long split_batch_bytes;
};

static int key_pairs_of(PyObject *certificates, struct cfp_scratch *scratch,
                        struct cflight_server_tls *tls)
{
    size_t count = (size_t)PyList_GET_SIZE(certificates);
    struct cflight_tls_key_pair *pairs = cfp_scratch_new(scratch, count, sizeof(*pairs));
    if (pairs == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *pair = PyList_GET_ITEM(certificates, (Py_ssize_t)i);
        pairs[i].cert_chain = cfp_view(PyTuple_GET_ITEM(pair, 0));
        pairs[i].private_key = cfp_view(PyTuple_GET_ITEM(pair, 1));
    }
    tls->key_pairs = pairs;
    tls->key_pair_count = count;
    return 0;
}

static struct cfp_server_link *link_new(struct cfp_state *state, PyObject *self,
                                        const struct start_arguments *given)
{
    struct cfp_server_link *link = PyMem_RawCalloc(1, sizeof(*link));
    if (link == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    link->state = state;
    link->server = PyWeakref_NewRef(self, NULL);
    if (link->server == NULL) {
        goto failed;
    }
    if (given->auth_handler != Py_None) {
        link->auth = cfp_hold_new(state, given->auth_handler);
        if (link->auth == NULL) {
            goto failed;
        }
    }
    if (PyDict_Size(given->middleware) > 0) {
        link->middleware = cfp_hold_new(state, given->middleware);
        if (link->middleware == NULL) {
            goto failed;
        }
    }
    return link;

failed:
    cfp_release(link_free, link);
    return NULL;
}

/* Bind failures have an exception of their own; others are raised as usual. */
static void raise_start(struct cfp_state *state, cflight_status status, cflight_error *error)
{
    if (status == CFLIGHT_ALREADY_EXISTS || status == CFLIGHT_UNAVAILABLE) {
        PyErr_Format(state->arrow_exception, "Server did not start properly: %s",
                     cflight_error_message(error));
        cflight_error_free(error);
        return;
    }
    cfp_raise(state, status, error);
}

static int start(struct cfp_state *state, struct cfp_server_link *link,
                 const struct start_arguments *given)
{
    struct cflight_server_options options = CFLIGHT_SERVER_OPTIONS_INIT;
    struct cflight_server_handlers handlers;
    struct cflight_server_auth auth;
    struct cflight_server_middleware middleware;
    struct cfp_scratch scratch = CFP_SCRATCH_INIT;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    int result = -1;
    if (key_pairs_of(given->certificates, &scratch, &options.tls) < 0) {
        goto done;
    }
    options.tls.client_certificate = given->verify_client ? CFLIGHT_CLIENT_CERTIFICATE_REQUIRED
                                                          : CFLIGHT_CLIENT_CERTIFICATE_IGNORED;
    options.tls.client_root_certs = cfp_view(given->root_certificates);
    options.handlers_max = given->handlers_max;
    options.split_batch_bytes = given->split_batch_bytes;
    options.split_is_off = given->split_batch_bytes == 0;
    cfp_server_handlers(link, &handlers);
    if (link->auth != NULL) {
        cfp_server_auth_table(link->auth, &auth);
        options.auth = &auth;
    }
    if (link->middleware != NULL) {
        cfp_server_middleware_table(link->middleware, &middleware);
        options.middleware = &middleware;
        options.middleware_count = 1;
    }
    const char *location = PyBytes_AS_STRING(given->location);
    Py_BEGIN_ALLOW_THREADS status =
        cflight_server_new(location, &handlers, &options, &link->handle, &error);
    Py_END_ALLOW_THREADS if (status != CFLIGHT_OK)
    {
        raise_start(state, status, error);
    }
    else
    {
        result = 0;
    }

done:
    cfp_scratch_done(&scratch);
    return result;
}

static PyObject *server_start(PyObject *object, PyObject *args)
{
    struct server *self = (struct server *)object;
    struct cfp_state *state = cfp_state_of(object);
    struct start_arguments given;
    if (!PyArg_ParseTuple(args, "SOO!pSO!IK", &given.location, &given.auth_handler, &PyList_Type,
                          &given.certificates, &given.verify_client, &given.root_certificates,
                          &PyDict_Type, &given.middleware, &given.handlers_max,
                          &given.split_batch_bytes)) {
        return NULL;
    }
    if (self->link != NULL) {
        return PyErr_Format(PyExc_ValueError, "the server was started already");
    }
    struct cfp_server_link *link = link_new(state, object, &given);
    if (link == NULL) {
        return NULL;
    }
    /* Handlers may run before this returns: they need the link, not the object's. */
    if (start(state, link, &given) < 0) {
        cfp_release(link_free, link);
        return NULL;
    }
    self->link = link;
    Py_RETURN_NONE;
}

/* Waits in slices on the main thread, so that signal handlers run; elsewhere in one piece. */
static int wait_until_stopped(struct cfp_server_link *link)
{
    bool is_main = cfp_is_main_thread(link->state);
    bool is_stopped = false;
    while (!is_stopped) {
        Py_BEGIN_ALLOW_THREADS if (is_main)
        {
            is_stopped = cflight_server_wait_for(link->handle, CFP_WAIT_SLICE_MS);
        }
        else
        {
            cflight_server_wait(link->handle);
            is_stopped = true;
        }
        Py_END_ALLOW_THREADS if (is_main && PyErr_CheckSignals() < 0)
        {
            return -1;
        }
    }
    return 0;
}

static PyObject *server_wait(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct cfp_server_link *link = link_of(self);
    if (link == NULL) {
        return NULL;
    }
    if (cfp_is_in_handler()) {
        return PyErr_Format(PyExc_RuntimeError, "a handler cannot wait for its server to stop");
    }
    return wait_until_stopped(link) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *server_shutdown(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"grace", NULL};
    PyObject *grace = Py_None;
    int64_t grace_ms = -1;
    struct cfp_server_link *link = link_of(self);
    if (link == NULL || !PyArg_ParseTupleAndKeywords(args, kwargs, "|O:shutdown", names, &grace) ||
        cfp_timeout_get(grace, "grace", &grace_ms) < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS cflight_server_shutdown(link->handle, grace_ms);
    Py_END_ALLOW_THREADS if (cfp_is_in_handler())
    {
        Py_RETURN_NONE;
    }
    return wait_until_stopped(link) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *server_port(PyObject *self, void *unused)
{
    (void)unused;
    struct cfp_server_link *link = link_of(self);
    return link == NULL ? NULL : PyLong_FromLong(cflight_server_port(link->handle));
}

static PyObject *server_location(PyObject *self, void *unused)
{
    (void)unused;
    struct cfp_server_link *link = link_of(self);
    if (link == NULL) {
        return NULL;
    }
    PyObject *uri = PyBytes_FromString(cflight_server_location(link->handle));
    PyObject *location = uri == NULL ? NULL : cfp_location_new(link->state, uri);
    Py_XDECREF(uri);
    return location;
}

static PyMethodDef server_methods[] = {
    {"_start", server_start, METH_VARARGS,
     PyDoc_STR("Start to listen; FlightServerBase calls it.")},
    {"wait", server_wait, METH_NOARGS,
     PyDoc_STR("wait($self)\n--\n\nBlock until the server has stopped. Ctrl+C ends the wait.")},
    {"shutdown", CFP_KEYWORDS(server_shutdown), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR(
         "shutdown($self, grace=None)\n--\n\n"
         "Take no more calls, wait for those that run, and stop.\n\n"
         "After `grace` seconds they are cancelled; None waits without limit. In a handler it "
         "begins the shutdown and returns. Safe to repeat.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef server_getset[] = {
    {"port", server_port, NULL, PyDoc_STR("The bound port; -1 for a Unix socket."), NULL},
    {"location", server_location, NULL,
     PyDoc_STR("The :class:`Location` with the bound port, as clients can use it."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(server_doc, "The part of :class:`FlightServerBase` that is written in C.");

static PyType_Slot server_slots[] = {
    {Py_tp_doc, (void *)server_doc},
    {Py_tp_dealloc, (void *)server_dealloc},
    {Py_tp_traverse, (void *)server_traverse},
    {Py_tp_methods, server_methods},
    {Py_tp_getset, server_getset},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_server_spec = {
    .name = "cflight.FlightServerCore",
    .basicsize = sizeof(struct server),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = server_slots,
};
