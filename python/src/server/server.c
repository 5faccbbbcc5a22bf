/* SPDX-License-Identifier: Apache-2.0 */
/* FlightServerCore: the part of FlightServerBase that is written in C. Starts, waits for and stops
 * the library's server.
 *
 * The server runs as long as the Python object lives, or until it is shut down. A handler holds the
 * object while it runs, so the last reference may go inside a handler, where waiting for handlers
 * would never end: then a thread of its own stops the server.
 * Thread class: free. */
#include "server/server.h"

#include <pthread.h>
#include <stdatomic.h>

#include "arrow/ipc_options.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "base/wait.h"
#include "server/request_log.h"
#include "server/services.h"
#include "values/values.h"

/* How long the answer of a call that held its server last may take to leave. */
#define LAST_ANSWER_MS 2000
/* The log of requests, and that of Python. */
#define MIDDLEWARE_MAX 2

struct server {
    CFP_HEAD
    _Atomic(struct cfp_server_link *) link; /* set once */
    bool is_left;                           /* the interpreter ends, a handler does not */
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
    int code = link == NULL ? 0 : cfp_services_traverse(link->services, visit, arg);
    return link == NULL || code != 0 ? code
                                     : cfp_request_log_traverse(link->request_log, visit, arg);
}

/* Methods of the server itself may be all that a cycle has. No call runs any more: it would hold
 * the server. */
static int server_clear(PyObject *self)
{
    struct cfp_server_link *link = ((struct server *)self)->link;
    if (link != NULL) {
        cfp_services_clear(link->services);
        cfp_request_log_clear(link->request_log);
    }
    return 0;
}

/* Stops the server and frees the link. Without the GIL, not in a handler. */
static void link_free(void *pointer)
{
    struct cfp_server_link *link = pointer;
    link->kind->end(link);
    cfp_hold_free(link->auth);
    cfp_hold_free(link->middleware);
    cfp_services_free(link->services);
    cfp_request_log_free(link->request_log);
    PyGILState_STATE gil = PyGILState_Ensure();
    cfp_ipc_options_end(&link->ipc);
    Py_XDECREF(link->server);
    PyGILState_Release(gil);
    PyMem_RawFree(link);
}

/* Whoever dropped the server last has yet to answer its call. */
static void *link_free_thread(void *pointer)
{
    struct cfp_server_link *link = pointer;
    cflight_server_shutdown(link->handle, LAST_ANSWER_MS);
    cflight_server_wait(link->handle);
    link_free(link);
    return NULL;
}

static void server_dealloc(PyObject *self)
{
    struct cfp_server_link *link = ((struct server *)self)->link;
    pthread_t thread;
    cfp_object_begin_dealloc(self);
    if (((struct server *)self)->is_left) {
        cflight_server_shutdown(link->handle, 0); /* and nobody waits for the handler */
    } else if (link != NULL && !cfp_is_in_handler()) {
        cfp_release(link_free, link);
    } else if (link != NULL) {
        if (pthread_create(&thread, NULL, link_free_thread, link) == 0) {
            (void)pthread_detach(thread);
        } else {
            /* The server is left rather than waited for in vain. */
            cflight_server_shutdown(link->handle, LAST_ANSWER_MS);
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

/* What TLS was given, checked by the Python part. */
struct tls_arguments {
    PyObject *certificates; /* list of pairs of bytes */
    int client_certificate;
    PyObject *root_certificates; /* bytes */
    PyObject *revocation_lists;  /* bytes */
    PyObject *min_version;       /* "1.2", "1.3" or None */
    const char *tls12_ciphers;   /* NULL for the default */
    const char *tls13_ciphers;
};

/* What _start was given, checked by the Python part. */
struct start_arguments {
    PyObject *location;     /* bytes */
    PyObject *auth_handler; /* or None */
    struct tls_arguments tls;
    PyObject *middleware; /* dict */
    PyObject *write_options;
    PyObject *read_options;
    PyObject *services;    /* cfp_services_new() */
    PyObject *request_log; /* cfp_request_log_new() */
    PyObject *metrics;     /* or None */
    PyObject *settings;    /* dict, emptied */
};

#define SETTING(name, kind, member) CFP_SETTING(name, kind, cflight_server_options, member)
static const struct cfp_setting server_settings[] = {
    SETTING("handlers_max", U32, handlers_max),
    SETTING("waiting_max", U32, waiting_max),
    SETTING("queue_max", U32, queue_max),
    SETTING("connections_max", U32, connections_max),
    SETTING("connections_per_address_max", U32, connections_per_address_max),
    SETTING("calls_per_connection_max", U32, calls_per_connection_max),
    SETTING("stream_window_bytes", U32, stream_window_bytes),
    SETTING("message_bytes_max", U64, message_bytes_max),
    SETTING("metadata_bytes_max", U32, metadata_bytes_max),
    SETTING("pool_bytes_max", U64, pool_bytes_max),
    SETTING("shared_bodies_are_off", FLAG, shared_bodies_are_off),
    SETTING("unread_bytes_max", U64, unread_bytes_max),
    SETTING("split_batch_bytes", U64, split_batch_bytes),
    SETTING("idle_timeout", LIMIT, idle_timeout_ms),
    SETTING("contended_timeout", LIMIT, contended_timeout_ms),
    SETTING("message_timeout", LIMIT, message_timeout_ms),
    SETTING("connection_idle", LIMIT, connection_idle_ms),
    SETTING("keepalive_interval", SECONDS, keepalive_interval_ms),
    SETTING("keepalive_timeout", SECONDS, keepalive_timeout_ms),
    {NULL, CFP_SETTING_FLAG, 0},
};

static int tls_of(const struct tls_arguments *given, struct cfp_scratch *scratch,
                  struct cflight_server_tls *tls)
{
    size_t count = (size_t)PyList_GET_SIZE(given->certificates);
    struct cflight_tls_key_pair *pairs = cfp_scratch_new(scratch, count, sizeof(*pairs));
    if (pairs == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *pair = PyList_GET_ITEM(given->certificates, (Py_ssize_t)i);
        pairs[i].cert_chain = cfp_view(PyTuple_GET_ITEM(pair, 0));
        pairs[i].private_key = cfp_view(PyTuple_GET_ITEM(pair, 1));
    }
    tls->key_pairs = pairs;
    tls->key_pair_count = count;
    tls->client_certificate = (enum cflight_client_certificate)given->client_certificate;
    tls->client_root_certs = cfp_view(given->root_certificates);
    tls->policy.revocation_lists = cfp_view(given->revocation_lists);
    tls->policy.tls12_ciphers = given->tls12_ciphers;
    tls->policy.tls13_ciphers = given->tls13_ciphers;
    return cfp_tls_version_get(given->min_version, &tls->policy.min_version);
}

static struct cfp_server_link *link_new(struct cfp_state *state, PyObject *self,
                                        const struct start_arguments *given,
                                        const struct cfp_server_kind *kind)
{
    struct cfp_server_link *link = PyMem_RawCalloc(1, sizeof(*link));
    if (link == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    link->state = state;
    link->kind = kind;
    link->server = PyWeakref_NewRef(self, NULL);
    if (link->server == NULL) {
        goto failed;
    }
    if (cfp_ipc_options_begin(state, &link->ipc, given->write_options, given->read_options) < 0) {
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
    if (cfp_services_new(link, given->services, &link->services) < 0 ||
        cfp_request_log_new(state, given->request_log, &link->request_log) < 0) {
        goto failed;
    }
    return link;

failed:
    cfp_release(link_free, link);
    return NULL;
}

/* The log is the first: what other middleware refuses is in it. */
static size_t middleware_tables(const struct cfp_server_link *link,
                                struct cflight_server_middleware ret_tables[MIDDLEWARE_MAX])
{
    size_t count = 0;
    if (link->request_log != NULL) {
        cfp_request_log_fill(link->request_log, &ret_tables[count++]);
    }
    if (link->middleware != NULL) {
        cfp_server_middleware_table(link->middleware, &ret_tables[count++]);
    }
    return count;
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
    struct cflight_server_middleware middleware[MIDDLEWARE_MAX];
    struct cfp_scratch scratch = CFP_SCRATCH_INIT;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    int result = -1;
    if (tls_of(&given->tls, &scratch, &options.tls) < 0 ||
        cfp_metrics_get(state, given->metrics, "metrics", &options.metrics) < 0 ||
        cfp_settings_take(given->settings, server_settings, &options) < 0) {
        goto done;
    }
    options.split_is_off = options.split_batch_bytes == 0;
    options.write_options = &link->ipc.write;
    options.read_options = &link->ipc.read;
    cfp_server_handlers(link, &handlers);
    if (link->auth != NULL) {
        cfp_server_auth_table(link->auth, &auth);
        options.auth = &auth;
    }
    cfp_services_fill(link->services, &options);
    options.middleware = middleware;
    options.middleware_count = middleware_tables(link, middleware);
    const char *location = PyBytes_AS_STRING(given->location);
    Py_BEGIN_ALLOW_THREADS
    status = link->kind->start(link, location, &handlers, &options, &error);
    Py_END_ALLOW_THREADS
    if (status != CFLIGHT_OK) {
        raise_start(state, status, error);
    } else {
        result = 0;
    }

done:
    cfp_scratch_done(&scratch);
    return result;
}

int cfp_server_start(PyObject *object, PyObject *args, const struct cfp_server_kind *kind,
                     void *kit)
{
    struct server *self = (struct server *)object;
    struct cfp_state *state = cfp_state_of(object);
    struct start_arguments given;
    if (!PyArg_ParseTuple(args, "SOO!iS(SOzz)O!OOOOOO!", &given.location, &given.auth_handler,
                          &PyList_Type, &given.tls.certificates, &given.tls.client_certificate,
                          &given.tls.root_certificates, &given.tls.revocation_lists,
                          &given.tls.min_version, &given.tls.tls12_ciphers,
                          &given.tls.tls13_ciphers, &PyDict_Type, &given.middleware,
                          &given.write_options, &given.read_options, &given.services,
                          &given.request_log, &given.metrics, &PyDict_Type, &given.settings)) {
        return -1;
    }
    if (self->link != NULL) {
        PyErr_SetString(PyExc_ValueError, "the server was started already");
        return -1;
    }
    struct cfp_server_link *link = link_new(state, object, &given, kind);
    if (link == NULL) {
        return -1;
    }
    link->kit = kit;
    /* Handlers may run before this returns: they need the link, not the object's. */
    if (start(state, link, &given) < 0) {
        link->kit = NULL;
        cfp_release(link_free, link);
        return -1;
    }
    self->link = link;
    return 0;
}

static cflight_status start_flight(struct cfp_server_link *link, const char *location,
                                   const struct cflight_server_handlers *handlers,
                                   const struct cflight_server_options *options,
                                   cflight_error **reterr)
{
    return cflight_server_new(location, handlers, options, &link->handle, reterr);
}

static void end_flight(struct cfp_server_link *link)
{
    cflight_server_free(link->handle);
}

static PyObject *server_start(PyObject *self, PyObject *args)
{
    static const struct cfp_server_kind kind = {start_flight, end_flight, NULL};
    return cfp_server_start(self, args, &kind, NULL) < 0 ? NULL : Py_NewRef(Py_None);
}

/* Waits in slices on the main thread, so that signal handlers run; elsewhere in one piece. */
static int wait_until_stopped(struct cfp_server_link *link)
{
    bool is_main = cfp_is_main_thread(link->state);
    bool is_stopped = false;
    while (!is_stopped) {
        Py_BEGIN_ALLOW_THREADS
        if (is_main) {
            is_stopped = cflight_server_wait_for(link->handle, CFP_WAIT_SLICE_MS);
        } else {
            cflight_server_wait(link->handle);
            is_stopped = true;
        }
        Py_END_ALLOW_THREADS
        if (is_main && PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
    if (link->kind->finish != NULL && !link->is_finished) {
        link->is_finished = true;
        Py_BEGIN_ALLOW_THREADS
        link->kind->finish(link);
        Py_END_ALLOW_THREADS
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
    Py_BEGIN_ALLOW_THREADS
    cflight_server_shutdown(link->handle, grace_ms);
    Py_END_ALLOW_THREADS
    if (cfp_is_in_handler()) {
        Py_RETURN_NONE;
    }
    return wait_until_stopped(link) < 0 ? NULL : Py_NewRef(Py_None);
}

/* Parses the one argument, a number of seconds. */
static struct cfp_server_link *link_and_seconds(PyObject *self, PyObject *seconds, int64_t *ret_ms)
{
    struct cfp_server_link *link = link_of(self);
    return link == NULL || cfp_timeout_get(seconds, "seconds", ret_ms) < 0 ? NULL : link;
}

static PyObject *server_begin_shutdown(PyObject *self, PyObject *seconds)
{
    int64_t grace_ms = -1;
    struct cfp_server_link *link = link_and_seconds(self, seconds, &grace_ms);
    if (link == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    cflight_server_shutdown(link->handle, grace_ms);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* Waits for the end so long; a server that runs on is left to itself from then on. */
static PyObject *server_leave(PyObject *self, PyObject *seconds)
{
    struct server *server = (struct server *)self;
    int64_t limit_ms = 0;
    struct cfp_server_link *link = link_and_seconds(self, seconds, &limit_ms);
    if (link == NULL) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    server->is_left = !cflight_server_wait_for(link->handle, limit_ms);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *server_reload_tls(PyObject *self, PyObject *args)
{
    struct tls_arguments given;
    struct cflight_server_tls tls = {0};
    struct cfp_scratch scratch = CFP_SCRATCH_INIT;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    struct cfp_server_link *link = link_of(self);
    if (link == NULL || !PyArg_ParseTuple(args, "O!iS(SOzz)", &PyList_Type, &given.certificates,
                                          &given.client_certificate, &given.root_certificates,
                                          &given.revocation_lists, &given.min_version,
                                          &given.tls12_ciphers, &given.tls13_ciphers)) {
        return NULL;
    }
    int code = tls_of(&given, &scratch, &tls);
    if (code == 0) {
        Py_BEGIN_ALLOW_THREADS
        status = cflight_server_reload_tls(link->handle, &tls, &error);
        Py_END_ALLOW_THREADS
    }
    cfp_scratch_done(&scratch);
    if (code < 0) {
        return NULL;
    }
    return status == CFLIGHT_OK ? Py_NewRef(Py_None) : cfp_raise(link->state, status, error);
}

static PyObject *server_set_health(PyObject *self, PyObject *args)
{
    struct cfp_server_link *link = link_of(self);
    const char *name = NULL;
    int serving = 0;
    if (link == NULL || !PyArg_ParseTuple(args, "si", &name, &serving) ||
        cfp_services_set_health(link->services, link->state, name, serving) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *server_turn_log(PyObject *self, PyObject *descriptor)
{
    struct cfp_server_link *link = link_of(self);
    int fd = -1;
    if (link == NULL || cfp_int_get(descriptor, &fd) < 0 ||
        cfp_request_log_turn(link->request_log, fd) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
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
    {"_cflight_start", server_start, METH_VARARGS,
     PyDoc_STR("Start to listen; FlightServerBase calls it.")},
    {"_cflight_reload_tls", server_reload_tls, METH_VARARGS,
     PyDoc_STR("Replace certificates; FlightServerBase calls it.")},
    {"_cflight_begin_shutdown", server_begin_shutdown, METH_O,
     PyDoc_STR("Take no more calls, and cancel those that run so many seconds later.")},
    {"_cflight_leave", server_leave, METH_O,
     PyDoc_STR("Wait so many seconds for the server to stop, and then never again.")},
    {"_cflight_set_health", server_set_health, METH_VARARGS,
     PyDoc_STR("Say how a service is, by the number of the protocol.")},
    {"_cflight_turn_log", server_turn_log, METH_O,
     PyDoc_STR("Write the request log to the file of a descriptor from now on.")},
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

PyDoc_STRVAR(server_doc, "What a :class:`FlightServerBase` is besides its methods.");

static PyType_Slot server_slots[] = {
    {Py_tp_doc, (void *)server_doc},
    {Py_tp_dealloc, (void *)server_dealloc},
    {Py_tp_traverse, (void *)server_traverse},
    {Py_tp_clear, (void *)server_clear},
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
