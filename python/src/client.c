/* SPDX-License-Identifier: Apache-2.0 */
/* FlightClient: making and closing it, and the table of its methods.
 * Thread class: free. */
#include "client.h"

#include <string.h>
#include <time.h>

#include "call_options.h"
#include "callbacks.h"
#include "convert.h"
#include "exceptions.h"
#include "loop.h"
#include "values.h"
#include "wait.h"

#define AVAILABLE_POLL_NS (25 * 1000 * 1000)

/* Everything the constructor was given, and the memory that holds it while the client is made. */
struct client_arguments {
    PyObject *location;
    PyObject *tls_root_certs;
    PyObject *cert_chain;
    PyObject *private_key;
    PyObject *override_hostname;
    PyObject *middleware;
    PyObject *write_size_limit_bytes;
    PyObject *disable_server_verification;
    PyObject *generic_options;
    PyObject *connect_timeout;
};

/* Keeps the object (taken) until the client is made, and returns it borrowed. */
static PyObject *keep(struct cfp_client_build *build, PyObject *object)
{
    if (object == NULL || PyList_Append(build->kept, object) < 0) {
        Py_XDECREF(object);
        return NULL;
    }
    Py_DECREF(object);
    return object;
}

static int pem_of(struct cfp_client_build *build, PyObject *value, struct cflight_bytes *ret_pem)
{
    int is_given = PyObject_IsTrue(value);
    if (is_given <= 0) {
        return is_given;
    }
    PyObject *bytes = keep(build, cfp_to_bytes(value));
    if (bytes == NULL) {
        return -1;
    }
    *ret_pem = cfp_view(bytes);
    return 0;
}

static int text_of(struct cfp_client_build *build, PyObject *value, const char **ret_text)
{
    struct cflight_bytes bytes = {0};
    if (pem_of(build, value, &bytes) < 0) {
        return -1;
    }
    *ret_text = (const char *)bytes.data;
    return 0;
}

static int tls_of(struct cfp_client_build *build, const struct client_arguments *given)
{
    struct cflight_client_tls *tls = &build->options.tls;
    int skip = PyObject_IsTrue(given->disable_server_verification);
    if (skip < 0) {
        return -1;
    }
    /* As other Flight clients do: certificates without alternative names are matched by CN. */
    tls->allow_common_name = true;
    tls->skip_verification = skip != 0;
    if (text_of(build, given->override_hostname, &tls->override_hostname) < 0) {
        return -1;
    }
    if (skip) {
        return 0;
    }
    return pem_of(build, given->tls_root_certs, &tls->root_certs) < 0 ||
                   pem_of(build, given->cert_chain, &tls->cert_chain) < 0 ||
                   pem_of(build, given->private_key, &tls->private_key) < 0
               ? -1
               : 0;
}

static int set_integer_option(struct cfp_client_build *build, const char *name, long long value)
{
    struct cflight_client_options *options = &build->options;
    uint64_t amount = value < 0 ? 0 : (uint64_t)value;
    if (strcmp(name, "grpc.max_receive_message_length") == 0) {
        options->message_bytes_max = amount;
    } else if (strcmp(name, "grpc.keepalive_time_ms") == 0) {
        options->keepalive_interval_ms = (int64_t)amount;
    } else if (strcmp(name, "grpc.keepalive_timeout_ms") == 0) {
        options->keepalive_timeout_ms = (int64_t)amount;
    } else if (strcmp(name, "grpc.keepalive_permit_without_calls") == 0) {
        options->keepalive_without_calls = amount != 0;
    } else if (strcmp(name, "grpc.max_metadata_size") == 0) {
        options->metadata_bytes_max = amount > UINT32_MAX ? UINT32_MAX : (uint32_t)amount;
    }
    return 0;
}

static int set_text_option(struct cfp_client_build *build, const char *name, PyObject *value)
{
    struct cflight_client_options *options = &build->options;
    if (strcmp(name, "grpc.ssl_target_name_override") == 0) {
        return text_of(build, value, &options->tls.override_hostname);
    }
    if (strcmp(name, "grpc.primary_user_agent") == 0) {
        return text_of(build, value, &options->user_agent);
    }
    if (strcmp(name, "grpc.default_authority") == 0) {
        return text_of(build, value, &options->authority);
    }
    return 0;
}

static int generic_option(struct cfp_client_build *build, PyObject *item)
{
    PyObject *pair = keep(build, PySequence_Tuple(item));
    if (pair == NULL) {
        return -1;
    }
    if (PyTuple_GET_SIZE(pair) != 2) {
        PyErr_SetString(PyExc_ValueError, "a generic option is a pair of name and value");
        return -1;
    }
    PyObject *name = keep(build, cfp_to_bytes(PyTuple_GET_ITEM(pair, 0)));
    PyObject *value = PyTuple_GET_ITEM(pair, 1);
    if (name == NULL) {
        return -1;
    }
    if (PyUnicode_Check(value) || PyBytes_Check(value)) {
        return set_text_option(build, PyBytes_AS_STRING(name), value);
    }
    long long number = PyLong_AsLongLong(value);
    if (number == -1 && PyErr_Occurred() != NULL) {
        return -1;
    }
    return set_integer_option(build, PyBytes_AS_STRING(name), number);
}

static int generic_options_of(struct cfp_client_build *build, PyObject *value)
{
    if (value == Py_None) {
        return 0;
    }
    PyObject *list = keep(build, PySequence_List(value));
    if (list == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        if (generic_option(build, PyList_GET_ITEM(list, i)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int middleware_of(struct cfp_client_build *build, PyObject *value)
{
    if (value == Py_None) {
        return 0;
    }
    PyObject *list = keep(build, PySequence_List(value));
    if (list == NULL) {
        return -1;
    }
    size_t count = (size_t)PyList_GET_SIZE(list);
    build->middleware = cfp_scratch_new(&build->scratch, count, sizeof(*build->middleware));
    if (build->middleware == NULL) {
        return -1;
    }
    build->options.middleware = build->middleware;
    for (size_t i = 0; i < count; i++) {
        if (cfp_client_middleware_table(build->state, PyList_GET_ITEM(list, (Py_ssize_t)i),
                                        &build->middleware[i]) < 0) {
            return -1;
        }
        build->options.middleware_count = i + 1;
    }
    return 0;
}

/* "host" and "port" as a URI. TLS when roots are given, or anything was said about verification. */
static PyObject *uri_of_tuple(PyObject *location, const struct client_arguments *given)
{
    PyObject *host = NULL;
    int port = 0;
    if (!PyArg_ParseTuple(location, "Oi;`location` must be a pair of host and port", &host,
                          &port)) {
        return NULL;
    }
    int has_roots = PyObject_IsTrue(given->tls_root_certs);
    PyObject *host_bytes = has_roots < 0 ? NULL : cfp_to_bytes(host);
    if (host_bytes == NULL) {
        return NULL;
    }
    const char *text = PyBytes_AS_STRING(host_bytes);
    bool is_tls = has_roots || given->disable_server_verification != Py_None;
    bool is_bare_ipv6 = strchr(text, ':') != NULL && text[0] != '[';
    PyObject *uri =
        PyBytes_FromFormat("grpc+%s://%s%s%s:%d", is_tls ? "tls" : "tcp", is_bare_ipv6 ? "[" : "",
                           text, is_bare_ipv6 ? "]" : "", port);
    Py_DECREF(host_bytes);
    return uri;
}

static PyObject *uri_of(struct cfp_state *state, const struct client_arguments *given)
{
    PyObject *location = given->location;
    if (PyTuple_Check(location)) {
        return uri_of_tuple(location, given);
    }
    if (!PyUnicode_Check(location) && !PyBytes_Check(location) &&
        !PyObject_TypeCheck(location, state->location_type)) {
        return PyErr_Format(PyExc_TypeError,
                            "`location` argument must be a string, tuple or a Location instance");
    }
    return cfp_location_uri(state, location, "");
}

static int fill_options(struct cfp_client_build *build, const struct client_arguments *given)
{
    if (cfp_timeout_get(given->connect_timeout, "connect_timeout",
                        &build->options.connect_timeout_ms) < 0) {
        return -1;
    }
    if (given->write_size_limit_bytes != Py_None) {
        long long limit = PyLong_AsLongLong(given->write_size_limit_bytes);
        if (limit == -1 && PyErr_Occurred() != NULL) {
            return -1;
        }
        build->options.write_size_limit_bytes = limit < 0 ? 0 : (uint64_t)limit;
    }
    return tls_of(build, given) < 0 || generic_options_of(build, given->generic_options) < 0 ||
                   middleware_of(build, given->middleware) < 0
               ? -1
               : 0;
}

static int build_begin(struct cfp_client_build *build, struct cfp_state *state,
                       const struct client_arguments *given)
{
    *build = (struct cfp_client_build){.state = state, .options = CFLIGHT_CLIENT_OPTIONS_INIT};
    build->kept = PyList_New(0);
    return build->kept == NULL ? -1 : fill_options(build, given);
}

void cfp_client_options_end(struct cfp_client_build *build)
{
    for (size_t i = 0; !build->is_taken && i < build->options.middleware_count; i++) {
        cfp_hold_free(build->middleware[i].user_data);
    }
    Py_CLEAR(build->kept);
    cfp_scratch_done(&build->scratch);
}

static cflight_client *make_client(struct cfp_state *state, const struct client_arguments *given)
{
    struct cfp_client_build build;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    PyObject *uri = NULL;
    if (build_begin(&build, state, given) < 0) {
        goto done;
    }
    uri = uri_of(state, given);
    if (uri == NULL) {
        goto done;
    }
    cflight_status status =
        cflight_client_new(PyBytes_AS_STRING(uri), &build.options, &client, &error);
    if (status == CFLIGHT_OK) {
        build.is_taken = true;
    } else {
        cfp_raise(state, status, error);
    }

done:
    Py_XDECREF(uri);
    cfp_client_options_end(&build);
    return client;
}

static int parse_arguments(PyObject *args, PyObject *kwargs, struct client_arguments *ret_given)
{
    static char *names[] = {"location",
                            "tls_root_certs",
                            "cert_chain",
                            "private_key",
                            "override_hostname",
                            "middleware",
                            "write_size_limit_bytes",
                            "disable_server_verification",
                            "generic_options",
                            "connect_timeout",
                            NULL};
    struct client_arguments given = {NULL,    Py_None, Py_None, Py_None, Py_None,
                                     Py_None, Py_None, Py_None, Py_None, Py_None};
    int is_parsed = PyArg_ParseTupleAndKeywords(
        args, kwargs, "O|$OOOOOOOOO:FlightClient", names, &given.location, &given.tls_root_certs,
        &given.cert_chain, &given.private_key, &given.override_hostname, &given.middleware,
        &given.write_size_limit_bytes, &given.disable_server_verification, &given.generic_options,
        &given.connect_timeout);
    *ret_given = given;
    return is_parsed ? 0 : -1;
}

int cfp_client_options_begin(PyObject *client, struct cfp_client_build *ret_build)
{
    struct client_arguments given;
    PyObject *args = PyTuple_Pack(1, Py_None);
    int result = -1;
    if (args != NULL &&
        parse_arguments(args, ((struct cfp_client *)client)->settings, &given) == 0) {
        result = build_begin(ret_build, cfp_state_of(client), &given);
    }
    Py_XDECREF(args);
    for (size_t i = 0; result == 0 && i < ret_build->options.middleware_count; i++) {
        ret_build->middleware[i].release = NULL;
    }
    return result;
}

static PyObject *client_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    return type->tp_alloc(type, 0);
}

/* The keywords without the location, which may be one too. */
static PyObject *settings_of(PyObject *kwargs)
{
    PyObject *settings = kwargs == NULL ? PyDict_New() : PyDict_Copy(kwargs);
    if (settings != NULL && PyDict_GetItemString(settings, "location") != NULL &&
        PyDict_DelItemString(settings, "location") < 0) {
        Py_CLEAR(settings);
    }
    return settings;
}

static int client_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    struct cfp_client *self = (struct cfp_client *)object;
    struct client_arguments given;
    if (parse_arguments(args, kwargs, &given) < 0) {
        return -1;
    }
    if (self->client != NULL) {
        PyErr_SetString(PyExc_ValueError, "the client is made already");
        return -1;
    }
    self->settings = settings_of(kwargs);
    if (self->settings == NULL) {
        return -1;
    }
    self->client = make_client(cfp_state_of(object), &given);
    return self->client == NULL ? -1 : 0;
}

static void free_client(void *client)
{
    cflight_client_free(client);
}

static void client_dealloc(PyObject *self)
{
    struct cfp_client *client = (struct cfp_client *)self;
    cfp_object_begin_dealloc(self);
    cfp_client_loop_end_connect(client);
    if (client->client != NULL) {
        cfp_release(free_client, client->client);
    }
    Py_CLEAR(client->on_connected.callback);
    Py_CLEAR(client->settings);
    cfp_object_end_dealloc(self);
}

static PyObject *client_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_client *client = ((struct cfp_client *)self)->client;
    cfp_client_loop_end_connect((struct cfp_client *)self);
    if (client != NULL) {
        Py_BEGIN_ALLOW_THREADS cflight_client_close(client);
        Py_END_ALLOW_THREADS
    }
    Py_RETURN_NONE;
}

static PyObject *client_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static int pause_for(int64_t ns)
{
    struct timespec pause = {.tv_sec = (time_t)(ns / 1000000000),
                             .tv_nsec = (long)(ns % 1000000000)};
    Py_BEGIN_ALLOW_THREADS(void) nanosleep(&pause, NULL);
    Py_END_ALLOW_THREADS return PyErr_CheckSignals();
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* One try: 1 the server answers, 0 it is unavailable (the exception stays set), -1 another failure.
 */
static int try_available(PyObject *self, struct cfp_state *state)
{
    PyObject *flights = PyObject_CallMethod(self, "list_flights", NULL);
    PyObject *list = flights == NULL ? NULL : PySequence_List(flights);
    Py_XDECREF(flights);
    Py_XDECREF(list);
    if (list != NULL) {
        return 1;
    }
    if (PyErr_ExceptionMatches(PyExc_NotImplementedError)) {
        PyErr_Clear();
        return 1;
    }
    return PyErr_ExceptionMatches(state->flight_unavailable_error) ? 0 : -1;
}

static PyObject *client_wait_for_available(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"timeout", NULL};
    struct cfp_state *state = cfp_state_of(self);
    double timeout = 5;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|d:wait_for_available", names, &timeout)) {
        return NULL;
    }
    int64_t timeout_ms = 0;
    if (cfp_milliseconds(timeout, "timeout", &timeout_ms) < 0) {
        return NULL;
    }
    int64_t deadline = now_ns() + timeout_ms * 1000000;
    for (;;) {
        int outcome = try_available(self, state);
        if (outcome == 1) {
            Py_RETURN_NONE;
        }
        if (outcome < 0 || now_ns() >= deadline) {
            return NULL;
        }
        PyErr_Clear();
        if (pause_for(AVAILABLE_POLL_NS) < 0) {
            return NULL;
        }
    }
}

static PyObject *client_supports_async(PyObject *self, void *unused)
{
    (void)self;
    (void)unused;
    Py_RETURN_TRUE;
}

static PyObject *client_as_async(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *module = PyImport_ImportModule("cflight._async");
    PyObject *result =
        module == NULL ? NULL : PyObject_CallMethod(module, "AsyncioFlightClient", "(O)", self);
    Py_XDECREF(module);
    return result;
}

static PyObject *client_connect(PyObject *type, PyObject *args, PyObject *kwargs)
{
    static char *positions[] = {"location",    "tls_root_certs",    "cert_chain",
                                "private_key", "override_hostname", "disable_server_verification",
                                NULL};
    PyObject *values[6] = {NULL};
    if (PyErr_WarnEx(PyExc_UserWarning,
                     "The 'FlightClient.connect' method is deprecated, use FlightClient "
                     "constructor or cflight.connect function instead",
                     1) < 0 ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "O|OOOOO:connect", positions, &values[0],
                                     &values[1], &values[2], &values[3], &values[4], &values[5])) {
        return NULL;
    }
    PyObject *options = PyDict_New();
    PyObject *location = options == NULL ? NULL : PyTuple_Pack(1, values[0]);
    PyObject *client = NULL;
    for (size_t i = 1; location != NULL && i < 6; i++) {
        if (values[i] != NULL && PyDict_SetItemString(options, positions[i], values[i]) < 0) {
            Py_CLEAR(location);
        }
    }
    if (location != NULL) {
        client = PyObject_Call(type, location, options);
    }
    Py_XDECREF(options);
    Py_XDECREF(location);
    return client;
}

#define CALL(name, signature, text)                                           \
    {                                                                         \
#name, CFP_KEYWORDS(cfp_client_##name), METH_VARARGS | METH_KEYWORDS, \
            PyDoc_STR(#name signature "\n--\n\n" text)                        \
    }

static PyMethodDef client_methods[] = {
    CALL(list_flights, "($self, criteria=None, options=None)",
         "Return an iterator of :class:`FlightInfo`, which come as the server sends them.\n\n"
         "The call starts with the first step. `criteria` is opaque bytes."),
    CALL(get_flight_info, "($self, descriptor, options=None)",
         "Return the :class:`FlightInfo` of a :class:`FlightDescriptor`."),
    CALL(poll_flight_info, "($self, descriptor, options=None)",
         "Start a long query, or ask how it goes: return a :class:`PollInfo`."),
    CALL(get_schema, "($self, descriptor, options=None)",
         "Return the :class:`SchemaResult` of a :class:`FlightDescriptor`."),
    CALL(do_get, "($self, ticket, options=None)",
         "Fetch the data of a :class:`Ticket`: return a :class:`FlightStreamReader`.\n\n"
         "Waits for the schema, so that a refusal is raised here."),
    CALL(do_put, "($self, descriptor, schema, options=None)",
         "Upload data: return a :class:`FlightStreamWriter` that has begun with `schema`, and a "
         ":class:`FlightMetadataReader`.\n\n"
         "Closing the writer raises what the server ended the call with."),
    CALL(do_exchange, "($self, descriptor, options=None)",
         "Send and receive data at once: return a :class:`FlightStreamWriter`, to begin, and a "
         ":class:`FlightStreamReader`."),
    CALL(do_action, "($self, action, options=None)",
         "Run an action: return an iterator of :class:`Result`, which come as the server sends "
         "them.\n\n"
         "`action` is an :class:`Action`, its name, or a pair of name and body. When this returns, "
         "the server has begun; failures are raised by the iterator. Dropping or closing the "
         "iterator "
         "cancels the action."),
    CALL(list_actions, "($self, options=None)", "Return the list of :class:`ActionType`."),
    CALL(
        authenticate, "($self, auth_handler, options=None)",
        "Run a handshake with a :class:`ClientAuthHandler`, and use its token for all later calls, "
        "even when the handshake fails."),
    CALL(authenticate_basic_token, "($self, username, password, options=None)",
         "Log in with HTTP basic authentication: return the pair (b'authorization', b'Bearer ...') "
         "for the headers of later calls, or (b'', b'') when the server gave none."),
    CALL(cancel_flight_info, "($self, info, options=None)",
         "Ask the server to stop the query of a :class:`FlightInfo`: return a "
         ":class:`CancelStatus`."),
    CALL(renew_flight_endpoint, "($self, endpoint, options=None)",
         "Ask for a later expiration time: return the new :class:`FlightEndpoint`."),
    CALL(set_session_options, "($self, session_options, options=None)",
         "Set options of the session, a dict of str to str, bool, int, float, list of str, or None "
         "to remove one.\n\n"
         "Return a dict of those that were not set to a :class:`SessionOptionError`."),
    CALL(get_session_options, "($self, options=None)",
         "Return the options of the session, as a dict."),
    CALL(
        fetch,
        "($self, info, options=None, *, parallel=0, any_order=False, attempts=0, "
        "rewrite_location=None)",
        "Fetch all endpoints of a :class:`FlightInfo`: return one pyarrow.RecordBatchReader, or a "
        ":class:`RecordBatchReader`.\n\n"
        "Endpoints are read in their order, `parallel` of them (0 is 4) open at once; `any_order` "
        "gives batches as they come. The locations of an endpoint are replicas; `attempts` (0 is "
        "3) "
        "bounds how often they are tried. `rewrite_location` gets each location as str and returns "
        "the one to use, or None to skip it. Clients of other locations have this client's "
        "settings; what a caller logged in with is not sent there."),
    CALL(close_session, "($self, options=None)",
         "End the session: return a :class:`CloseSessionStatus`."),
    {"wait_for_available", CFP_KEYWORDS(client_wait_for_available), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("wait_for_available($self, timeout=5)\n--\n\n"
               "Wait until the server answers, at most `timeout` seconds, then raise "
               "FlightUnavailableError.")},
    {"as_async", client_as_async, METH_NOARGS,
     PyDoc_STR("as_async($self)\n--\n\nReturn an :class:`AsyncioFlightClient` over this client.")},
    {"connect", CFP_KEYWORDS(client_connect), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     PyDoc_STR("connect($type, location, tls_root_certs=None, cert_chain=None, private_key=None, "
               "override_hostname=None, disable_server_verification=None)\n--\n\n"
               "Deprecated: call the class.")},
    {"_loop_state", cfp_client_loop_state, METH_NOARGS,
     PyDoc_STR("Return (descriptor to watch or -1, milliseconds to wait or -1).")},
    {"_loop_process", cfp_client_loop_process, METH_NOARGS,
     PyDoc_STR("Do what can be done without waiting; run callbacks.")},
    {"_loop_is_connected", cfp_client_loop_is_connected, METH_NOARGS,
     PyDoc_STR("Tell whether a call can start without waiting.")},
    {"_loop_connect", cfp_client_loop_connect, METH_O,
     PyDoc_STR("Connect without waiting; the callback gets None or an exception.")},
    {"_loop_start", cfp_client_loop_start, METH_VARARGS,
     PyDoc_STR("Start a call with one request: method, message, options.")},
    {"_loop_do_get", CFP_KEYWORDS(cfp_client_loop_do_get), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("As do_get, without waiting.")},
    {"_loop_do_put", CFP_KEYWORDS(cfp_client_loop_do_put), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("As do_put, without waiting.")},
    {"_loop_do_exchange", CFP_KEYWORDS(cfp_client_loop_do_exchange), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("As do_exchange, without waiting.")},
    {"_standard_request", cfp_client_standard_request, METH_VARARGS,
     PyDoc_STR("Return the body of a standard action: its type, its argument or None.")},
    {"_standard_result", cfp_client_standard_result, METH_VARARGS,
     PyDoc_STR("Return what the result of a standard action means: its type, the body.")},
    {"close", client_close, METH_NOARGS,
     PyDoc_STR("close($self)\n--\n\n"
               "End the connection and all calls on it. Later calls are ArrowInvalid. Safe to "
               "repeat.")},
    {"__enter__", client_enter, METH_NOARGS, PyDoc_STR("__enter__($self)\n--\n\nReturn self.")},
    {"__exit__", client_close, METH_VARARGS,
     PyDoc_STR("__exit__($self, *args)\n--\n\nCall close().")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef client_getset[] = {
    {"supports_async", client_supports_async, NULL, PyDoc_STR("Whether as_async() works; True."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(
    client_doc,
    "FlightClient(location, *, tls_root_certs=None, cert_chain=None, private_key=None, "
    "override_hostname=None, middleware=None, write_size_limit_bytes=None, "
    "disable_server_verification=None, generic_options=None, connect_timeout=None)\n--\n\n"
    "A client of one service. Any number of threads may use it at once.\n\n"
    "Nothing is sent until the first call; there is no background thread.\n\n"
    "Parameters\n----------\n"
    "location : str, bytes, tuple of (host, port), or Location\n"
    "    grpc://, grpc+tcp://, grpc+tls:// or grpc+unix://. A tuple means TLS when "
    "`tls_root_certs` is "
    "given or `disable_server_verification` is not None.\n"
    "tls_root_certs : str or bytes, optional\n    PEM; None is the system's trust store.\n"
    "cert_chain, private_key : str or bytes, optional\n    PEM, for mutual TLS.\n"
    "override_hostname : str, optional\n    Name to verify instead of the location's host.\n"
    "middleware : list of ClientMiddlewareFactory, optional\n"
    "write_size_limit_bytes : int, optional\n    Largest message sent.\n"
    "disable_server_verification : bool, optional\n    Check neither certificate nor name.\n"
    "generic_options : list of (str, int or str), optional\n"
    "    ``grpc.*`` options: max_receive_message_length, ssl_target_name_override, "
    "keepalive_time_ms, "
    "keepalive_timeout_ms, keepalive_permit_without_calls, primary_user_agent, max_metadata_size, "
    "default_authority; others are ignored.\n"
    "connect_timeout : float, optional\n    Seconds, name lookup and TLS included; None is 20.\n\n"
    "Raises\n------\nArrowInvalid\n    The location or a PEM text cannot be parsed.\n"
    "ArrowKeyError\n    The location's scheme is not one of those above.\n"
    "TypeError\n    A value has another type.\n\n"
    "Examples\n--------\n"
    ">>> with FlightClient(\"grpc://localhost:32010\") as client:\n"
    "...     table = client.do_get(Ticket(b\"airports\")).read_all()");

static PyType_Slot client_slots[] = {
    {Py_tp_doc, (void *)client_doc},   {Py_tp_new, (void *)client_new},
    {Py_tp_init, (void *)client_init}, {Py_tp_dealloc, (void *)client_dealloc},
    {Py_tp_methods, client_methods},   {Py_tp_getset, client_getset},
    {Py_tp_members, cfp_members},      {0, NULL},
};

PyType_Spec cfp_client_spec = {
    .name = "cflight.FlightClient",
    .basicsize = sizeof(struct cfp_client),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = client_slots,
};
