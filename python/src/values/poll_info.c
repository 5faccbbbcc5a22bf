/* SPDX-License-Identifier: Apache-2.0 */
/* PollInfo: the state of a long query. Immutable. Thread class: with the GIL. */
#include "values/values.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "values/value_class.h"

struct poll_info {
    CFP_VALUE_HEAD
    PyObject *info;       /* FlightInfo or None */
    PyObject *descriptor; /* FlightDescriptor or None */
    bool has_progress;
    double progress;
    struct cflight_time expiration_time;
};

PyObject *cfp_poll_info_new(struct cfp_state *state, const struct cflight_poll_info *poll_info)
{
    PyTypeObject *type = state->poll_info_type;
    struct poll_info *self = (struct poll_info *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->has_progress = poll_info->has_progress;
    self->progress = poll_info->progress;
    self->expiration_time = poll_info->expiration_time;
    self->info =
        poll_info->info == NULL ? Py_NewRef(Py_None) : cfp_info_new(state, poll_info->info);
    self->descriptor = poll_info->descriptor == NULL
                           ? Py_NewRef(Py_None)
                           : cfp_descriptor_new(state, poll_info->descriptor);
    if (self->info == NULL || self->descriptor == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

int cfp_poll_info_view(PyObject *object, struct cfp_scratch *scratch,
                       struct cflight_poll_info *ret_view)
{
    struct poll_info *self = (struct poll_info *)object;
    struct cflight_poll_info view = {
        .has_progress = self->has_progress,
        .progress = self->progress,
        .expiration_time = self->expiration_time,
    };
    if (self->info != Py_None) {
        struct cflight_info *info = cfp_scratch_new(scratch, 1, sizeof(*info));
        if (info == NULL || cfp_info_view(self->info, scratch, info) < 0) {
            return -1;
        }
        view.info = info;
    }
    if (self->descriptor != Py_None) {
        struct cflight_descriptor *descriptor = cfp_scratch_new(scratch, 1, sizeof(*descriptor));
        if (descriptor == NULL || cfp_descriptor_view(self->descriptor, scratch, descriptor) < 0) {
            return -1;
        }
        view.descriptor = descriptor;
    }
    *ret_view = view;
    return 0;
}

static void drop_members(struct poll_info *poll_info)
{
    Py_CLEAR(poll_info->info);
    Py_CLEAR(poll_info->descriptor);
}

/* Makes the members from what was given; those of `ret_poll_info` are NULL before. */
static int poll_info_fill(struct cfp_state *state, PyObject *info, PyObject *descriptor,
                          PyObject *progress, PyObject *expiration_time,
                          struct poll_info *ret_poll_info)
{
    if (info != Py_None &&
        cfp_check_type(info, state->info_type, "info", "cflight.FlightInfo") < 0) {
        return -1;
    }
    ret_poll_info->info = Py_NewRef(info);
    if (descriptor != Py_None && cfp_check_type(descriptor, state->descriptor_type, "descriptor",
                                                "cflight.FlightDescriptor") < 0) {
        return -1;
    }
    ret_poll_info->descriptor =
        descriptor == Py_None ? Py_NewRef(Py_None) : cfp_descriptor_plain(state, descriptor);
    if (ret_poll_info->descriptor == NULL) {
        return -1;
    }
    if (progress != Py_None) {
        ret_poll_info->has_progress = true;
        ret_poll_info->progress = PyFloat_AsDouble(progress);
        if (PyErr_Occurred() != NULL) {
            return -1;
        }
    }
    return cfp_time_get(state, expiration_time, &ret_poll_info->expiration_time);
}

static PyObject *poll_info_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    struct poll_info *self = (struct poll_info *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->info = Py_NewRef(Py_None);
        self->descriptor = Py_NewRef(Py_None);
    }
    return cfp_value_open((PyObject *)self);
}

static int poll_info_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"info", "descriptor", "progress", "expiration_time", NULL};
    struct poll_info *self = (struct poll_info *)object;
    struct poll_info filled = {.info = NULL};
    PyObject *info = NULL;
    PyObject *descriptor = Py_None;
    PyObject *progress = Py_None;
    PyObject *expiration_time = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OOO:PollInfo", names, &info, &descriptor,
                                     &progress, &expiration_time)) {
        return -1;
    }
    if (poll_info_fill(cfp_state_of(object), info, descriptor, progress, expiration_time, &filled) <
            0 ||
        cfp_value_fill(object) < 0) {
        drop_members(&filled);
        return -1;
    }
    Py_SETREF(self->info, filled.info);
    Py_SETREF(self->descriptor, filled.descriptor);
    self->has_progress = filled.has_progress;
    self->progress = filled.progress;
    self->expiration_time = filled.expiration_time;
    return 0;
}

static void poll_info_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    drop_members((struct poll_info *)self);
    cfp_object_end_dealloc(self);
}

static PyObject *poll_info_info(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct poll_info *)self)->info);
}

static PyObject *poll_info_descriptor(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct poll_info *)self)->descriptor);
}

static PyObject *poll_info_progress(PyObject *self, void *unused)
{
    (void)unused;
    struct poll_info *poll_info = (struct poll_info *)self;
    if (!poll_info->has_progress) {
        Py_RETURN_NONE;
    }
    return PyFloat_FromDouble(poll_info->progress);
}

static PyObject *poll_info_expiration_time(PyObject *self, void *unused)
{
    (void)unused;
    return cfp_time_new(cfp_state_of(self), ((struct poll_info *)self)->expiration_time);
}

static PyObject *poll_info_key(PyObject *self)
{
    struct poll_info *poll_info = (struct poll_info *)self;
    struct cflight_time time = poll_info->expiration_time;
    PyObject *progress = poll_info_progress(self, NULL);
    PyObject *key = NULL;
    if (progress != NULL) {
        key = Py_BuildValue("OOOOL", poll_info->info, poll_info->descriptor, progress,
                            time.has_value ? Py_True : Py_False,
                            time.has_value ? (long long)time.unix_ns : 0LL);
    }
    Py_XDECREF(progress);
    return key;
}

DEFINE_COMPARE(poll_info, "cflight.PollInfo")

static PyObject *poll_info_repr(PyObject *self)
{
    struct poll_info *poll_info = (struct poll_info *)self;
    PyObject *progress = poll_info_progress(self, NULL);
    PyObject *time = poll_info_expiration_time(self, NULL);
    PyObject *text = NULL;
    if (progress != NULL && time != NULL) {
        text = PyUnicode_FromFormat("<cflight.PollInfo info=%R descriptor=%R progress=%S "
                                    "expiration_time=%S>",
                                    poll_info->info, poll_info->descriptor, progress, time);
    }
    Py_XDECREF(progress);
    Py_XDECREF(time);
    return text;
}

DEFINE_SERIALIZE(poll_info)

DEFINE_DESERIALIZE(poll_info)

static PyMethodDef poll_info_methods[] = {
    CFP_SERIALIZED_METHODS(poll_info),
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef poll_info_getset[] = {
    {"info", poll_info_info, NULL,
     PyDoc_STR("Everything known so far: a :class:`FlightInfo`, or None."), NULL},
    {"descriptor", poll_info_descriptor, NULL,
     PyDoc_STR("What to poll next: a :class:`FlightDescriptor`; None when the query has finished."),
     NULL},
    {"progress", poll_info_progress, NULL, PyDoc_STR("0 to 1, or None when unknown."), NULL},
    {"expiration_time", poll_info_expiration_time, NULL,
     PyDoc_STR("Until when to poll again, as :attr:`FlightEndpoint.expiration_time`; or None."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(poll_info_doc,
             "PollInfo(info, descriptor=None, progress=None, expiration_time=None)\n--\n\n"
             "The state of a long query.\n\n"
             "Parameters\n----------\ninfo : FlightInfo or None\n"
             "descriptor : FlightDescriptor, optional\n    None when the query has finished.\n"
             "progress : float, optional\n    0 to 1.\n"
             "expiration_time : pyarrow.TimestampScalar or int, optional\n\n"
             "Raises\n------\nTypeError\n    A value has another type.\n\n"
             "Examples\n--------\n>>> poll = client.poll_flight_info(descriptor)\n"
             ">>> while poll.descriptor is not None:\n"
             "...     poll = client.poll_flight_info(poll.descriptor)");

DEFINE_VALUE_SPEC(poll_info, "cflight.PollInfo", poll_info)
