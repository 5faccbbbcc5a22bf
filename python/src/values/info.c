/* SPDX-License-Identifier: Apache-2.0 */
/* FlightInfo: describes a dataset. Immutable; the schema is kept encoded and decoded on access.
 * Thread class: with the GIL. */
#include "values/values.h"

#include "arrow/arrow.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "values/value_class.h"

static PyObject *endpoints_new(struct cfp_state *state, const struct cflight_endpoint *endpoints,
                               size_t count)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *endpoint = cfp_endpoint_new(state, &endpoints[i]);
        if (endpoint == NULL) {
            Py_CLEAR(tuple);
            break;
        }
        PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, endpoint);
    }
    return tuple;
}

PyObject *cfp_info_new(struct cfp_state *state, const struct cflight_info *info)
{
    struct cfp_info *self = (struct cfp_info *)state->info_type->tp_alloc(state->info_type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->schema = cfp_bytes_new(info->schema);
    self->descriptor = cfp_descriptor_new(state, &info->descriptor);
    self->endpoints = endpoints_new(state, info->endpoints, info->endpoint_count);
    self->total_records = info->total_records;
    self->total_bytes = info->total_bytes;
    self->ordered = info->ordered;
    self->app_metadata = cfp_bytes_new(info->app_metadata);
    if (self->schema == NULL || self->descriptor == NULL || self->endpoints == NULL ||
        self->app_metadata == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

int cfp_info_view(PyObject *object, struct cfp_scratch *scratch, struct cflight_info *ret_view)
{
    struct cfp_info *self = (struct cfp_info *)object;
    size_t count = (size_t)PyTuple_GET_SIZE(self->endpoints);
    struct cflight_endpoint *endpoints = cfp_scratch_new(scratch, count, sizeof(*endpoints));
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_UNKNOWN};
    if (endpoints == NULL || (self->descriptor != NULL &&
                              cfp_descriptor_view(self->descriptor, scratch, &descriptor) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *endpoint = PyTuple_GET_ITEM(self->endpoints, (Py_ssize_t)i);
        if (cfp_endpoint_view(endpoint, scratch, &endpoints[i]) < 0) {
            return -1;
        }
    }
    *ret_view = (struct cflight_info){
        .schema = cfp_view(self->schema),
        .descriptor = descriptor,
        .endpoints = endpoints,
        .endpoint_count = count,
        .total_records = self->total_records,
        .total_bytes = self->total_bytes,
        .ordered = self->ordered,
        .app_metadata = cfp_view(self->app_metadata),
    };
    return 0;
}

/* A tuple of endpoints that refer to nothing else. */
static PyObject *endpoints_of(struct cfp_state *state, PyObject *values)
{
    PyObject *list = PySequence_List(values);
    PyObject *tuple = list == NULL ? NULL : PyTuple_New(PyList_GET_SIZE(list));
    for (Py_ssize_t i = 0; tuple != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *given = PyList_GET_ITEM(list, i);
        PyObject *endpoint = NULL;
        if (PyObject_TypeCheck(given, state->endpoint_type)) {
            endpoint = cfp_endpoint_plain(state, given);
        } else {
            PyErr_Format(PyExc_TypeError, "Endpoint %R is not instance of FlightEndpoint", given);
        }
        if (endpoint == NULL) {
            Py_CLEAR(tuple);
            break;
        }
        PyTuple_SET_ITEM(tuple, i, endpoint);
    }
    Py_XDECREF(list);
    return tuple;
}

/* None is unknown, -1. */
static int count_of(PyObject *value, int64_t *ret_count)
{
    *ret_count = -1;
    return value == Py_None ? 0 : cfp_int64_get(value, ret_count);
}

struct info_arguments {
    PyObject *schema;
    PyObject *descriptor;
    PyObject *endpoints;
    PyObject *total_records;
    PyObject *total_bytes;
    int ordered;
    PyObject *app_metadata;
};

/* Makes the members of an info from what was given; those of `ret_info` are NULL before. */
static int info_fill(struct cfp_state *state, const struct info_arguments *given,
                     struct cfp_info *ret_info)
{
    ret_info->schema = given->schema == Py_None ? PyBytes_FromStringAndSize(NULL, 0)
                                                : cfp_schema_encode(state, given->schema, "schema");
    if (ret_info->schema == NULL || cfp_check_type(given->descriptor, state->descriptor_type,
                                                   "descriptor", "cflight.FlightDescriptor") < 0) {
        return -1;
    }
    ret_info->descriptor = cfp_descriptor_plain(state, given->descriptor);
    ret_info->endpoints =
        ret_info->descriptor == NULL ? NULL : endpoints_of(state, given->endpoints);
    if (ret_info->endpoints == NULL ||
        count_of(given->total_records, &ret_info->total_records) < 0 ||
        count_of(given->total_bytes, &ret_info->total_bytes) < 0) {
        return -1;
    }
    ret_info->ordered = given->ordered != 0;
    ret_info->app_metadata = given->app_metadata == NULL ? PyBytes_FromStringAndSize(NULL, 0)
                                                         : cfp_to_bytes(given->app_metadata);
    return ret_info->app_metadata == NULL ? -1 : 0;
}

static PyObject *info_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    struct cfp_info *self = (struct cfp_info *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->schema = PyBytes_FromStringAndSize(NULL, 0);
    self->endpoints = PyTuple_New(0);
    self->app_metadata = PyBytes_FromStringAndSize(NULL, 0);
    self->total_records = -1;
    self->total_bytes = -1;
    if (self->schema == NULL || self->endpoints == NULL || self->app_metadata == NULL) {
        Py_CLEAR(self);
    }
    return cfp_value_open((PyObject *)self);
}

static void drop_members(struct cfp_info *info)
{
    Py_CLEAR(info->schema);
    Py_CLEAR(info->descriptor);
    Py_CLEAR(info->endpoints);
    Py_CLEAR(info->app_metadata);
}

static int info_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"schema",      "descriptor", "endpoints",    "total_records",
                            "total_bytes", "ordered",    "app_metadata", NULL};
    struct cfp_info *self = (struct cfp_info *)object;
    struct info_arguments given = {.total_records = Py_None, .total_bytes = Py_None};
    struct cfp_info filled = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO|OOpO:FlightInfo", names, &given.schema,
                                     &given.descriptor, &given.endpoints, &given.total_records,
                                     &given.total_bytes, &given.ordered, &given.app_metadata)) {
        return -1;
    }
    if (info_fill(cfp_state_of(object), &given, &filled) < 0 || cfp_value_fill(object) < 0) {
        drop_members(&filled);
        return -1;
    }
    Py_SETREF(self->schema, filled.schema);
    Py_XSETREF(self->descriptor, filled.descriptor);
    Py_SETREF(self->endpoints, filled.endpoints);
    self->total_records = filled.total_records;
    self->total_bytes = filled.total_bytes;
    self->ordered = filled.ordered;
    Py_SETREF(self->app_metadata, filled.app_metadata);
    return 0;
}

static void info_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    drop_members((struct cfp_info *)self);
    cfp_object_end_dealloc(self);
}

static PyObject *info_schema(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_schema_decode(cfp_state_of(self), cfp_view(((struct cfp_info *)self)->schema));
}

static PyObject *info_descriptor(PyObject *self, void *unused)
{
    (void)unused;
    static const struct cflight_descriptor unknown = {.type = CFLIGHT_DESCRIPTOR_UNKNOWN};
    PyObject *descriptor = ((struct cfp_info *)self)->descriptor;
    return descriptor == NULL ? cfp_descriptor_new(cfp_state_of(self), &unknown)
                              : Py_NewRef(descriptor);
}

static PyObject *info_endpoints(PyObject *self, void *unused)
{
    (void)unused;
    return PySequence_List(((struct cfp_info *)self)->endpoints);
}

static PyObject *info_total_records(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(((struct cfp_info *)self)->total_records);
}

static PyObject *info_total_bytes(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(((struct cfp_info *)self)->total_bytes);
}

static PyObject *info_ordered(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((struct cfp_info *)self)->ordered);
}

static PyObject *info_app_metadata(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct cfp_info *)self)->app_metadata);
}

static PyObject *info_key(PyObject *self)
{
    struct cfp_info *info = (struct cfp_info *)self;
    return Py_BuildValue("ONOLLiO", info->schema, info_descriptor(self, NULL), info->endpoints,
                         (long long)info->total_records, (long long)info->total_bytes,
                         info->ordered ? 1 : 0, info->app_metadata);
}

DEFINE_COMPARE(info, "cflight.FlightInfo")

static PyObject *info_repr(PyObject *self)
{
    struct cfp_info *info = (struct cfp_info *)self;
    PyObject *schema = cfp_schema_text(cfp_state_of(self), cfp_view(info->schema));
    PyObject *descriptor = schema == NULL ? NULL : info_descriptor(self, NULL);
    PyObject *endpoints = descriptor == NULL ? NULL : info_endpoints(self, NULL);
    PyObject *text = NULL;
    if (endpoints != NULL) {
        text = PyUnicode_FromFormat("<pyarrow.flight.FlightInfo schema=%U descriptor=%R "
                                    "endpoints=%R total_records=%lld total_bytes=%lld ordered=%S "
                                    "app_metadata=%R>",
                                    schema, descriptor, endpoints, (long long)info->total_records,
                                    (long long)info->total_bytes,
                                    info->ordered ? Py_True : Py_False, info->app_metadata);
    }
    Py_XDECREF(schema);
    Py_XDECREF(descriptor);
    Py_XDECREF(endpoints);
    return text;
}

DEFINE_SERIALIZE(info)

DEFINE_DESERIALIZE(info)

static PyMethodDef info_methods[] = {
    CFP_SERIALIZED_METHODS(info),
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef info_getset[] = {
    {"schema", info_schema, NULL,
     PyDoc_STR("The schema: a pyarrow.Schema, or a :class:`Schema`; None when it was not given. "
               "Decoded on every access."),
     NULL},
    {"descriptor", info_descriptor, NULL, PyDoc_STR("The :class:`FlightDescriptor`."), NULL},
    {"endpoints", info_endpoints, NULL, PyDoc_STR("List of :class:`FlightEndpoint`."), NULL},
    {"total_records", info_total_records, NULL, PyDoc_STR("Rows in all; -1 when unknown."), NULL},
    {"total_bytes", info_total_bytes, NULL, PyDoc_STR("Bytes in all; -1 when unknown."), NULL},
    {"ordered", info_ordered, NULL,
     PyDoc_STR("Whether the endpoints are in the order of the data."), NULL},
    {"app_metadata", info_app_metadata, NULL, PyDoc_STR("Opaque bytes of the application."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(info_doc,
             "FlightInfo(schema, descriptor, endpoints, total_records=None, total_bytes=None, "
             "ordered=False, app_metadata='')\n--\n\n"
             "Describes a dataset: its schema and where its parts can be fetched.\n\n"
             "Parameters\n----------\nschema : object with ``__arrow_c_schema__``, or None\n"
             "descriptor : FlightDescriptor\nendpoints : iterable of FlightEndpoint\n"
             "total_records, total_bytes : int or None\n    -1 and None are unknown.\n"
             "ordered : bool\n    The endpoints are in the order of the data.\n"
             "app_metadata : str or bytes\n\n"
             "Raises\n------\nTypeError\n    A value has another type.\n\n"
             "Examples\n--------\n>>> info = client.get_flight_info(descriptor)\n"
             ">>> tables = [client.do_get(e.ticket).read_all() for e in info.endpoints]");

DEFINE_VALUE_SPEC(info, "cflight.FlightInfo", cfp_info)
