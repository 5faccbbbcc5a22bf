/* SPDX-License-Identifier: Apache-2.0 */
/* FlightClient: making and closing it, and the table of its methods.
 * Thread class: free. */
#include "client/client.h"

#include <string.h>
#include <time.h>

#include "base/callbacks.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/settings.h"
#include "base/wait.h"
#include "client/loop.h"
#include "values/values.h"

#define AVAILABLE_POLL_NS (25 * 1000 * 1000)

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
    if (self->client != NULL) {
        PyErr_SetString(PyExc_ValueError, "the client is made already");
        return -1;
    }
    Py_XSETREF(self->settings, settings_of(kwargs));
    if (self->settings == NULL) {
        return -1;
    }
    self->client = cfp_client_make(cfp_state_of(object), args, kwargs, &self->holds);
    return self->client == NULL ? -1 : 0;
}

static void free_client(void *client)
{
    cflight_client_free(client);
}

static int client_traverse(PyObject *self, visitproc visit, void *arg)
{
    const struct cfp_client *client = (struct cfp_client *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(client->settings);
    return cfp_hold_list_traverse(&client->holds, visit, arg);
}

/* Ends the client, too: only with it the library lets go of what it holds. Nothing that is still in
 * use can have a client that is cleared. */
static int client_clear(PyObject *self)
{
    struct cfp_client *client = (struct cfp_client *)self;
    cflight_client *handle = client->client;
    cfp_hold_list_leave(&client->holds);
    client->client = NULL;
    if (handle != NULL) {
        cfp_release(free_client, handle);
    }
    Py_CLEAR(client->settings);
    return 0;
}

static void client_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    (void)client_clear(self);
    cfp_object_end_dealloc(self);
}

static PyObject *client_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    cflight_client *client = ((struct cfp_client *)self)->client;
    if (client != NULL) {
        Py_BEGIN_ALLOW_THREADS
        cflight_client_close(client);
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
    Py_BEGIN_ALLOW_THREADS
    nanosleep(&pause, NULL);
    Py_END_ALLOW_THREADS
    return PyErr_CheckSignals();
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
    int64_t start_ms = now_ns() / 1000000;
    for (;;) {
        int outcome = try_available(self, state);
        if (outcome == 1) {
            Py_RETURN_NONE;
        }
        if (outcome < 0 || now_ns() / 1000000 - start_ms >= timeout_ms) {
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
    CALL(fetch,
         "($self, info, options=None, *, parallel=0, any_order=False, attempts=0, "
         "rewrite_location=None, location_is_trusted=None, progress=None)",
         "Fetch all endpoints of a :class:`FlightInfo`: return one pyarrow.RecordBatchReader, or a "
         ":class:`RecordBatchReader`.\n\n"
         "Clients of other locations have this client's settings; what a caller logged in with is "
         "not sent there.\n\n"
         "Parameters\n----------\n"
         "info : FlightInfo\n"
         "options : FlightCallOptions, optional\n"
         "    Its headers, middleware and tokens go only to the client's own host, and never from "
         "TLS to plain text, but where `location_is_trusted` says so.\n"
         "parallel : int\n"
         "    Endpoints that are open at once; 0 is 4. They are read in their order.\n"
         "any_order : bool\n"
         "    Give batches as they come.\n"
         "attempts : int\n"
         "    How often the locations of an endpoint, which are replicas, are tried; 0 is 3.\n"
         "rewrite_location : callable, optional\n"
         "    Gets each location as str and returns the one to use, or None to skip it.\n"
         "location_is_trusted : callable, optional\n"
         "    Gets a location as str and returns whether to send headers and tokens there.\n"
         "progress : callable, optional\n"
         "    Gets a :class:`FetchProgress` after each batch and at the end, on the thread that "
         "reads.\n\n"
         "Examples\n--------\n"
         ">>> client.fetch(client.get_flight_info(descriptor)).read_all()"),
    CALL(close_session, "($self, options=None)",
         "End the session: return a :class:`CloseSessionStatus`."),
    CALL(reload_tls,
         "($self, *, tls_root_certs=..., cert_chain=..., private_key=..., "
         "disable_server_verification=..., allow_common_name=..., tls_revocation_lists=..., "
         "tls_min_version=..., tls12_ciphers=..., tls13_ciphers=...)",
         "Replace what the client trusts, shows and demands, for connections made from now on; the "
         "one that exists stays.\n\n"
         "The arguments are those of the constructor. What is not given stays as it was, and None "
         "is the default. Nothing changes when it fails: ArrowInvalid for a text that cannot be "
         "parsed, or a client without TLS."),
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
    {"_cflight_loop_state", cfp_client_loop_state, METH_NOARGS,
     PyDoc_STR("Return (descriptor to watch or -1, milliseconds to wait or -1).")},
    {"_cflight_loop_process", cfp_client_loop_process, METH_NOARGS,
     PyDoc_STR("Do what can be done without waiting; run callbacks.")},
    {"_cflight_loop_start", cfp_client_loop_start, METH_VARARGS,
     PyDoc_STR("Start a call: method, message, options, the schema of an upload.")},
    {"_cflight_standard_request", cfp_client_standard_request, METH_VARARGS,
     PyDoc_STR("Return the body of a standard action: its type, its argument or None.")},
    {"_cflight_standard_result", cfp_client_standard_result, METH_VARARGS,
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
    "disable_server_verification=None, generic_options=None, connect_timeout=None, "
    "token_provider=None, keepalive_interval=None, keepalive_timeout=None, "
    "keepalive_without_calls=False, keepalive_is_agreed=False, message_bytes_max=None, "
    "metadata_bytes_max=None, stream_window_bytes=None, pool_bytes_max=None, user_agent=None, "
    "authority=None, allow_common_name=True, idle_watch_is_off=False, tls_revocation_lists=None, "
    "tls_min_version=None, tls12_ciphers=None, tls13_ciphers=None, proxy=None, "
    "metrics=None, balance=None, shared_bodies_are_off=False)\n--\n\n"
    "A client of one service. Any number of threads may use it at once.\n\n"
    "Nothing is sent until the first call. One quiet thread of the library listens on the idle "
    "connections of all clients; it never runs Python.\n\n"
    "Parameters\n----------\n"
    "location : str, bytes, tuple of (host, port), or Location\n"
    "    grpc://, grpc+tcp://, grpc+tls:// or grpc+unix://. A tuple means TLS when "
    "`tls_root_certs` is "
    "given or `disable_server_verification` is not None.\n"
    "tls_root_certs : str or bytes, optional\n"
    "    PEM; None is the file that GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names, or else the system's "
    "trust store.\n"
    "cert_chain, private_key : str or bytes, optional\n    PEM, for mutual TLS.\n"
    "override_hostname : str, optional\n    Name to verify instead of the location's host.\n"
    "middleware : list of ClientMiddlewareFactory, optional\n"
    "write_size_limit_bytes : int, optional\n    Largest message sent.\n"
    "disable_server_verification : bool, optional\n    Check neither certificate nor name.\n"
    "generic_options : list of (str, int or str), optional\n"
    "    ``grpc.*`` options: max_receive_message_length, max_send_message_length, "
    "ssl_target_name_override, "
    "keepalive_time_ms, "
    "keepalive_timeout_ms, keepalive_permit_without_calls, primary_user_agent, "
    "secondary_user_agent, max_metadata_size, default_authority, http_proxy, "
    "enable_http_proxy, lb_policy_name (pick_first, round_robin); others are warned about, and "
    "keywords below win over them.\n"
    "connect_timeout : float, optional\n"
    "    Seconds, from name lookup to the server's first words; None is 20.\n"
    "token_provider : callable, optional\n"
    "    Gives the bearer token of each call (str, bytes, or None for none). Its argument is None, "
    "or the "
    "token that the server has just refused, a str: then give a newer one. A call whose request is "
    "one message is then started once more. It runs on the thread that makes the call, the event "
    "loop's for an asyncio client; what it raises, the call raises. fetch() uses it at the "
    "client's own host, and where `location_is_trusted` says so.\n"
    "keepalive_interval, keepalive_timeout : float, optional\n"
    "    Seconds between pings, None is off; and for their answer, None is 20. Unless "
    "`keepalive_is_agreed` with the server, pings are at least 10 s apart.\n"
    "keepalive_without_calls : bool\n    Ping when no call runs too.\n"
    "keepalive_is_agreed : bool\n    The server allows pings as often as they are sent.\n"
    "message_bytes_max : int, optional\n    Largest message accepted; None is 4 GiB - 1.\n"
    "metadata_bytes_max : int, optional\n"
    "    Largest block of response headers or trailers; None is 64 KiB.\n"
    "stream_window_bytes : int, optional\n"
    "    Bytes of one stream that may wait unread; None is 4 MiB.\n"
    "pool_bytes_max : int, optional\n"
    "    Idle memory that is kept for message bodies; None is 64 MiB.\n"
    "user_agent : str, optional\n    Put before the library's own.\n"
    "authority : str, optional\n    Sent instead of host and port.\n"
    "idle_watch_is_off : bool\n"
    "    No thread listens on the connection while no call waits.\n"
    "allow_common_name : bool\n"
    "    Accept the common name of a certificate that has no alternative names.\n"
    "tls_revocation_lists : bytes or str, optional\n"
    "    Refuse certificates that these CRLs name (PEM), and those of issuers without one.\n"
    "tls_min_version : str, optional\n    \"1.2\" or \"1.3\"; None is \"1.2\".\n"
    "tls12_ciphers, tls13_ciphers : str, optional\n"
    "    Names as OpenSSL has them, with colons between them; None is the default.\n"
    "proxy : str, optional\n"
    "    The HTTP proxy that leads to the server, http://USER:PASSWORD@HOST:PORT. None is the "
    "first "
    "of the variables grpc_proxy, https_proxy and http_proxy that is set, \"\" is no proxy. Hosts "
    "in no_grpc_proxy, or else no_proxy, are reached directly.\n"
    "metrics : Metrics, optional\n    Where the client counts its calls.\n"
    "balance : str, optional\n"
    "    \"round_robin\": calls that may (list_flights, get_flight_info, get_schema, list_actions) "
    "go to the addresses of the location's name one after another, do_get to the server that gave "
    "the ticket, all others to one of them, and all once there is a session. None or \"sticky\": "
    "there is one connection.\n"
    "shared_bodies_are_off : bool\n"
    "    Batches never go through memory that is shared with the server's process.\n\n"
    "Raises\n------\nArrowInvalid\n    The location or a PEM text cannot be parsed.\n"
    "ArrowKeyError\n    The location's scheme is not one of those above.\n"
    "TypeError\n    A value has another type.\n"
    "ValueError\n    A number is out of its range.\n\n"
    "Examples\n--------\n"
    ">>> with FlightClient(\"grpc://localhost:32010\") as client:\n"
    "...     table = client.do_get(Ticket(b\"airports\")).read_all()");

static PyType_Slot client_slots[] = {
    {Py_tp_doc, (void *)client_doc},     {Py_tp_new, (void *)client_new},
    {Py_tp_init, (void *)client_init},   {Py_tp_dealloc, (void *)client_dealloc},
    {Py_tp_methods, client_methods},     {Py_tp_getset, client_getset},
    {Py_tp_members, cfp_members},        {Py_tp_traverse, (void *)client_traverse},
    {Py_tp_clear, (void *)client_clear}, {0, NULL},
};

PyType_Spec cfp_client_spec = {
    .name = "cflight.FlightClient",
    .basicsize = sizeof(struct cfp_client),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = client_slots,
};
