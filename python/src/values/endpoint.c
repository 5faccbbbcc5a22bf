/* SPDX-License-Identifier: Apache-2.0 */
/* FlightEndpoint: a ticket and where it can be redeemed. Immutable. Thread class: with the GIL. */
#include "values/values.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "values/value_class.h"

static struct cfp_endpoint *endpoint_alloc(PyTypeObject *type)
{
    return (struct cfp_endpoint *)type->tp_alloc(type, 0);
}

/* Makes a tuple of bytes. */
static PyObject *locations_new(const struct cflight_bytes *locations, size_t count)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *uri = cfp_bytes_new(locations[i]);
        if (uri == NULL) {
            Py_CLEAR(tuple);
            break;
        }
        PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, uri);
    }
    return tuple;
}

PyObject *cfp_endpoint_new(struct cfp_state *state, const struct cflight_endpoint *endpoint)
{
    struct cfp_endpoint *self = endpoint_alloc(state->endpoint_type);
    if (self == NULL) {
        return NULL;
    }
    self->ticket = cfp_bytes_new(endpoint->ticket);
    self->locations = locations_new(endpoint->locations, endpoint->location_count);
    self->expiration_time = endpoint->expiration_time;
    self->app_metadata = cfp_bytes_new(endpoint->app_metadata);
    if (self->ticket == NULL || self->locations == NULL || self->app_metadata == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

int cfp_endpoint_view(PyObject *object, struct cfp_scratch *scratch,
                      struct cflight_endpoint *ret_view)
{
    struct cfp_endpoint *self = (struct cfp_endpoint *)object;
    size_t count = (size_t)PyTuple_GET_SIZE(self->locations);
    struct cflight_bytes *locations = cfp_scratch_new(scratch, count, sizeof(*locations));
    if (locations == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        locations[i] = cfp_view(PyTuple_GET_ITEM(self->locations, (Py_ssize_t)i));
    }
    *ret_view = (struct cflight_endpoint){
        .ticket = cfp_view(self->ticket),
        .locations = locations,
        .location_count = count,
        .expiration_time = self->expiration_time,
        .app_metadata = cfp_view(self->app_metadata),
    };
    return 0;
}

static PyObject *ticket_of(struct cfp_state *state, PyObject *value)
{
    if (PyObject_TypeCheck(value, state->ticket_type)) {
        return Py_NewRef(((struct cfp_ticket *)value)->ticket);
    }
    return cfp_to_bytes_argument(value,
                                 "Argument ticket must be a Ticket instance, string or bytes");
}

static PyObject *locations_of(struct cfp_state *state, PyObject *values)
{
    static const char message[] =
        "Argument locations must contain Location instances, strings or bytes";
    PyObject *items = PySequence_List(values);
    if (items == NULL) {
        return NULL;
    }
    Py_ssize_t count = PyList_GET_SIZE(items);
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *uri = cfp_location_uri(state, PyList_GET_ITEM(items, i), message);
        if (uri == NULL) {
            Py_CLEAR(tuple);
            break;
        }
        PyTuple_SET_ITEM(tuple, i, uri);
    }
    Py_DECREF(items);
    return tuple;
}

static PyObject *endpoint_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    struct cfp_endpoint *self = endpoint_alloc(type);
    if (self == NULL) {
        return NULL;
    }
    self->ticket = PyBytes_FromStringAndSize(NULL, 0);
    self->locations = PyTuple_New(0);
    self->app_metadata = PyBytes_FromStringAndSize(NULL, 0);
    if (self->ticket == NULL || self->locations == NULL || self->app_metadata == NULL) {
        Py_CLEAR(self);
    }
    return cfp_value_open((PyObject *)self);
}

static int endpoint_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"ticket", "locations", "expiration_time", "app_metadata", NULL};
    struct cfp_endpoint *self = (struct cfp_endpoint *)object;
    struct cfp_state *state = cfp_state_of(object);
    PyObject *ticket = NULL;
    PyObject *locations = NULL;
    PyObject *expiration_time = NULL;
    PyObject *app_metadata = NULL;
    struct cflight_time time = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|OO:FlightEndpoint", names, &ticket,
                                     &locations, &expiration_time, &app_metadata)) {
        return -1;
    }
    ticket = ticket_of(state, ticket);
    locations = ticket == NULL ? NULL : locations_of(state, locations);
    bool is_good = locations != NULL && cfp_time_get(state, expiration_time, &time) == 0;
    if (!is_good || app_metadata == NULL) {
        app_metadata = is_good ? Py_NewRef(self->app_metadata) : NULL;
    } else {
        app_metadata =
            cfp_to_bytes_argument(app_metadata, "Argument app_metadata must be a string or bytes");
    }
    if (app_metadata == NULL || cfp_value_fill(object) < 0) {
        Py_XDECREF(ticket);
        Py_XDECREF(locations);
        Py_XDECREF(app_metadata);
        return -1;
    }
    Py_SETREF(self->ticket, ticket);
    Py_SETREF(self->locations, locations);
    self->expiration_time = time;
    Py_SETREF(self->app_metadata, app_metadata);
    return 0;
}

PyObject *cfp_endpoint_plain(struct cfp_state *state, PyObject *object)
{
    struct cfp_endpoint *other = (struct cfp_endpoint *)object;
    if (Py_IS_TYPE(object, state->endpoint_type)) {
        return Py_NewRef(object);
    }
    struct cfp_endpoint *self = endpoint_alloc(state->endpoint_type);
    if (self != NULL) {
        self->ticket = Py_NewRef(other->ticket);
        self->locations = Py_NewRef(other->locations);
        self->expiration_time = other->expiration_time;
        self->app_metadata = Py_NewRef(other->app_metadata);
    }
    return (PyObject *)self;
}

static void endpoint_dealloc(PyObject *self)
{
    struct cfp_endpoint *endpoint = (struct cfp_endpoint *)self;
    cfp_object_begin_dealloc(self);
    Py_CLEAR(endpoint->ticket);
    Py_CLEAR(endpoint->locations);
    Py_CLEAR(endpoint->app_metadata);
    cfp_object_end_dealloc(self);
}

static PyObject *endpoint_ticket(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_ticket_new(cfp_state_of(self), cfp_view(((struct cfp_endpoint *)self)->ticket));
}

static PyObject *endpoint_locations(PyObject *self, void *unused)
{
    (void)unused;
    struct cfp_state *state = cfp_state_of(self);
    PyObject *uris = ((struct cfp_endpoint *)self)->locations;
    PyObject *list = PyList_New(PyTuple_GET_SIZE(uris));
    for (Py_ssize_t i = 0; list != NULL && i < PyTuple_GET_SIZE(uris); i++) {
        PyObject *location = cfp_location_new(state, PyTuple_GET_ITEM(uris, i));
        if (location == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, location);
    }
    return list;
}

static PyObject *endpoint_expiration_time(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_time_new(cfp_state_of(self), ((struct cfp_endpoint *)self)->expiration_time);
}

static PyObject *endpoint_app_metadata(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct cfp_endpoint *)self)->app_metadata);
}

static PyObject *endpoint_key(PyObject *self)
{
    struct cfp_endpoint *endpoint = (struct cfp_endpoint *)self;
    struct cflight_time time = endpoint->expiration_time;
    return Py_BuildValue("OOOLO", endpoint->ticket, endpoint->locations,
                         time.has_value ? Py_True : Py_False,
                         time.has_value ? (long long)time.unix_ns : 0LL, endpoint->app_metadata);
}

DEFINE_COMPARE(endpoint, "cflight.FlightEndpoint")

static PyObject *endpoint_repr(PyObject *self)
{
    struct cfp_endpoint *endpoint = (struct cfp_endpoint *)self;
    PyObject *ticket = endpoint_ticket(self, NULL);
    PyObject *locations = endpoint_locations(self, NULL);
    PyObject *time = endpoint_expiration_time(self, NULL);
    PyObject *text = NULL;
    if (ticket != NULL && locations != NULL && time != NULL) {
        text = PyUnicode_FromFormat("<pyarrow.flight.FlightEndpoint ticket=%R locations=%R "
                                    "expiration_time=%S app_metadata=%R>",
                                    ticket, locations, time, endpoint->app_metadata);
    }
    Py_XDECREF(ticket);
    Py_XDECREF(locations);
    Py_XDECREF(time);
    return text;
}

DEFINE_SERIALIZE(endpoint)

DEFINE_DESERIALIZE(endpoint)

static PyMethodDef endpoint_methods[] = {
    CFP_SERIALIZED_METHODS(endpoint),
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef endpoint_getset[] = {
    {"ticket", endpoint_ticket, NULL, PyDoc_STR("The :class:`Ticket`."), NULL},
    {"locations", endpoint_locations, NULL,
     PyDoc_STR("List of :class:`Location`; empty means the service that gave the endpoint."), NULL},
    {"expiration_time", endpoint_expiration_time, NULL,
     PyDoc_STR("Until when the ticket can be redeemed again: a pyarrow.TimestampScalar "
               "(nanoseconds, UTC), without pyarrow an int of nanoseconds since 1970; or None."),
     NULL},
    {"app_metadata", endpoint_app_metadata, NULL, PyDoc_STR("Opaque bytes of the application."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(endpoint_doc,
             "FlightEndpoint(ticket, locations, expiration_time=None, app_metadata='')\n--\n\n"
             "A ticket and where it can be redeemed.\n\n"
             "Parameters\n----------\nticket : Ticket, str or bytes\n"
             "locations : iterable of Location, str or bytes\n"
             "    None of them means the service that gives the endpoint.\n"
             "expiration_time : pyarrow.TimestampScalar or int, optional\n"
             "    An int is nanoseconds since 1970, UTC.\n"
             "app_metadata : str or bytes\n\n"
             "Raises\n------\nTypeError\n    A value has another type.\n"
             "ArrowInvalid\n    A location is not a URI.\n\n"
             "Examples\n--------\n>>> FlightEndpoint(b\"part-1\", [\"grpc://db1:32010\"])");

DEFINE_VALUE_SPEC(endpoint, "cflight.FlightEndpoint", cfp_endpoint)
