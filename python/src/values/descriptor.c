/* SPDX-License-Identifier: Apache-2.0 */
/* FlightDescriptor: names a dataset by path or by command. Immutable. Thread class: with the GIL.
 */
#include "values/values.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "values/value_class.h"

/* Takes command and path, either of which may be NULL. */
static PyObject *descriptor_alloc(PyTypeObject *class, enum cflight_descriptor_type type,
                                  PyObject *command, PyObject *path)
{
    struct cfp_descriptor *self = (struct cfp_descriptor *)class->tp_alloc(class, 0);
    if (self == NULL) {
        Py_XDECREF(command);
        Py_XDECREF(path);
        return NULL;
    }
    self->type = type;
    self->command = command;
    self->path = path;
    return (PyObject *)self;
}

static PyObject *path_new(const struct cflight_bytes *elements, size_t count)
{
    PyObject *path = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; path != NULL && i < count; i++) {
        PyObject *element = cfp_bytes_new(elements[i]);
        if (element == NULL) {
            Py_CLEAR(path);
            break;
        }
        PyTuple_SET_ITEM(path, (Py_ssize_t)i, element);
    }
    return path;
}

PyObject *cfp_descriptor_new(struct cfp_state *state, const struct cflight_descriptor *descriptor)
{
    PyObject *command = NULL;
    PyObject *path = NULL;
    if (descriptor->type == CFLIGHT_DESCRIPTOR_CMD) {
        command = cfp_bytes_new(descriptor->cmd);
        if (command == NULL) {
            return NULL;
        }
    } else if (descriptor->type == CFLIGHT_DESCRIPTOR_PATH) {
        path = path_new(descriptor->path, descriptor->path_count);
        if (path == NULL) {
            return NULL;
        }
    }
    return descriptor_alloc(state->descriptor_type, descriptor->type, command, path);
}

int cfp_descriptor_view(PyObject *object, struct cfp_scratch *scratch,
                        struct cflight_descriptor *ret_view)
{
    struct cfp_descriptor *self = (struct cfp_descriptor *)object;
    struct cflight_descriptor view = {.type = self->type};
    if (self->command != NULL) {
        view.cmd = cfp_view(self->command);
    }
    if (self->path != NULL) {
        view.path_count = (size_t)PyTuple_GET_SIZE(self->path);
        struct cflight_bytes *path = cfp_scratch_new(scratch, view.path_count, sizeof(*path));
        if (path == NULL) {
            return -1;
        }
        for (size_t i = 0; i < view.path_count; i++) {
            path[i] = cfp_view(PyTuple_GET_ITEM(self->path, (Py_ssize_t)i));
        }
        view.path = path;
    }
    *ret_view = view;
    return 0;
}

PyObject *cfp_descriptor_plain(struct cfp_state *state, PyObject *object)
{
    struct cfp_descriptor *self = (struct cfp_descriptor *)object;
    if (Py_IS_TYPE(object, state->descriptor_type)) {
        return Py_NewRef(object);
    }
    return descriptor_alloc(state->descriptor_type, self->type, Py_XNewRef(self->command),
                            Py_XNewRef(self->path));
}

static PyObject *descriptor_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    return descriptor_alloc(type, CFLIGHT_DESCRIPTOR_UNKNOWN, NULL, NULL);
}

static int descriptor_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    (void)self;
    (void)args;
    (void)kwargs;
    PyErr_SetString(PyExc_TypeError, "Do not call FlightDescriptor's constructor directly, use "
                                     "`FlightDescriptor.for_{path,command}` instead.");
    return -1;
}

static void descriptor_dealloc(PyObject *self)
{
    struct cfp_descriptor *descriptor = (struct cfp_descriptor *)self;
    cfp_object_begin_dealloc(self);
    Py_CLEAR(descriptor->command);
    Py_CLEAR(descriptor->path);
    cfp_object_end_dealloc(self);
}

static PyObject *descriptor_for_path(PyObject *type, PyObject *args)
{
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *path = PyTuple_New(count);
    for (Py_ssize_t i = 0; path != NULL && i < count; i++) {
        PyObject *element = cfp_to_bytes(PyTuple_GET_ITEM(args, i));
        if (element == NULL) {
            Py_CLEAR(path);
            break;
        }
        PyTuple_SET_ITEM(path, i, element);
    }
    return path == NULL ? NULL
                        : descriptor_alloc(cfp_state_of_type((PyTypeObject *)type)->descriptor_type,
                                           CFLIGHT_DESCRIPTOR_PATH, NULL, path);
}

static PyObject *descriptor_for_command(PyObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"command", NULL};
    PyObject *value = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:for_command", names, &value)) {
        return NULL;
    }
    PyObject *command = cfp_to_bytes(value);
    return command == NULL
               ? NULL
               : descriptor_alloc(cfp_state_of_type((PyTypeObject *)type)->descriptor_type,
                                  CFLIGHT_DESCRIPTOR_CMD, command, NULL);
}

static PyObject *descriptor_type(PyObject *self, void *unused)
{
    (void)unused;
    return PyObject_CallFunction(cfp_state_of(self)->descriptor_type_enum, "i",
                                 (int)((struct cfp_descriptor *)self)->type);
}

static PyObject *descriptor_command(PyObject *self, void *unused)
{
    (void)unused;
    PyObject *command = ((struct cfp_descriptor *)self)->command;
    return Py_NewRef(command == NULL ? Py_None : command);
}

static PyObject *descriptor_path(PyObject *self, void *unused)
{
    (void)unused;
    PyObject *path = ((struct cfp_descriptor *)self)->path;
    return path == NULL ? Py_NewRef(Py_None) : PySequence_List(path);
}

/* An UNKNOWN descriptor equals nothing: its key holds an object made for the comparison. */
static PyObject *descriptor_key(PyObject *self)
{
    struct cfp_descriptor *descriptor = (struct cfp_descriptor *)self;
    if (descriptor->command != NULL) {
        return PyTuple_Pack(1, descriptor->command);
    }
    if (descriptor->path != NULL) {
        return PyTuple_Pack(2, Py_None, descriptor->path);
    }
    return PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
}

DEFINE_COMPARE(descriptor, "cflight.FlightDescriptor")

static PyObject *descriptor_repr(PyObject *self)
{
    struct cfp_descriptor *descriptor = (struct cfp_descriptor *)self;
    if (descriptor->command != NULL) {
        return PyUnicode_FromFormat("<pyarrow.flight.FlightDescriptor cmd=%R>",
                                    descriptor->command);
    }
    if (descriptor->path == NULL) {
        return PyUnicode_FromString("<pyarrow.flight.FlightDescriptor UNKNOWN>");
    }
    PyObject *path = PySequence_List(descriptor->path);
    PyObject *text = path == NULL
                         ? NULL
                         : PyUnicode_FromFormat("<pyarrow.flight.FlightDescriptor path=%R>", path);
    Py_XDECREF(path);
    return text;
}

DEFINE_SERIALIZE(descriptor)

static PyObject *descriptor_deserialize(PyObject *type, PyObject *args, PyObject *kwargs)
{
    struct cfp_state *state = cfp_state_of_type((PyTypeObject *)type);
    Py_buffer view;
    struct cflight_descriptor *descriptor = NULL;
    cflight_error *error = NULL;
    if (cfp_serialized_get(args, kwargs, &view) < 0) {
        return NULL;
    }
    cflight_status status = cflight_descriptor_parse(cflight_bytes_make(view.buf, (size_t)view.len),
                                                     &descriptor, &error);
    PyBuffer_Release(&view);
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    PyObject *result = NULL;
    if (descriptor->type == CFLIGHT_DESCRIPTOR_UNKNOWN) {
        PyErr_SetString(state->arrow_invalid, "Client sent UNKNOWN descriptor type");
    } else {
        result = cfp_descriptor_new(state, descriptor);
    }
    cflight_descriptor_free(descriptor);
    return result;
}

static PyMethodDef descriptor_methods[] = {
    {"for_path", descriptor_for_path, METH_VARARGS | METH_CLASS,
     PyDoc_STR("for_path($type, *path)\n--\n\n"
               "A descriptor of path elements, each str or bytes; none is allowed.")},
    {"for_command", CFP_KEYWORDS(descriptor_for_command), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     PyDoc_STR(
         "for_command($type, command)\n--\n\nA descriptor of an opaque command, str or bytes.")},
    {"serialize", descriptor_serialize, METH_NOARGS,
     PyDoc_STR("serialize($self)\n--\n\nReturn the protobuf message as bytes.")},
    {"deserialize", CFP_KEYWORDS(descriptor_deserialize), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     PyDoc_STR(
         "deserialize($type, serialized)\n--\n\n"
         "Parse a protobuf message (bytes-like); ArrowInvalid when it is malformed or of type "
         "UNKNOWN.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef descriptor_getset[] = {
    {"descriptor_type", descriptor_type, NULL, PyDoc_STR("A :class:`DescriptorType`."), NULL},
    {"command", descriptor_command, NULL, PyDoc_STR("The command as bytes; None for a path."),
     NULL},
    {"path", descriptor_path, NULL, PyDoc_STR("The path as a list of bytes; None for a command."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(descriptor_doc,
             "Names a dataset: by path elements or by an opaque command.\n\n"
             "Made with :meth:`for_path` or :meth:`for_command`.\n\n"
             "Examples\n--------\n>>> FlightDescriptor.for_path(\"airports\", \"2024\")\n"
             "<pyarrow.flight.FlightDescriptor path=[b'airports', b'2024']>");

DEFINE_VALUE_SPEC(descriptor, "cflight.FlightDescriptor", cfp_descriptor)
