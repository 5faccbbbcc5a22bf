/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_VALUE_CLASS_H
#define CFP_VALUE_CLASS_H

#include "base/convert.h"
#include "base/exceptions.h"
#include "values/values.h"

/* What the value classes have in common, for the files that define one. `prefix` begins the names
 * of what stands in such a file, and of the functions here and in the library that belong to it. */

/* serialize() of a class that has a view. */
#define DEFINE_SERIALIZE(prefix)                                                          \
    static PyObject *prefix##_serialize(PyObject *self, PyObject *unused)                 \
    {                                                                                     \
        (void)unused;                                                                     \
        struct cfp_scratch scratch = CFP_SCRATCH_INIT;                                    \
        struct cflight_##prefix view;                                                     \
        cflight_buffer *buffer = NULL;                                                    \
        cflight_error *error = NULL;                                                      \
        PyObject *result = NULL;                                                          \
        if (cfp_##prefix##_view(self, &scratch, &view) == 0) {                            \
            cflight_status status = cflight_##prefix##_serialize(&view, &buffer, &error); \
            result = cfp_serialized(cfp_state_of(self), status, buffer, error);           \
        }                                                                                 \
        cfp_scratch_done(&scratch);                                                       \
        return result;                                                                    \
    }

/* deserialize() of a class that is made of the library's struct. */
#define DEFINE_DESERIALIZE(prefix)                                                          \
    static PyObject *prefix##_deserialize(PyObject *type, PyObject *args, PyObject *kwargs) \
    {                                                                                       \
        struct cfp_state *state = cfp_state_of_type((PyTypeObject *)type);                  \
        Py_buffer view;                                                                     \
        struct cflight_##prefix *value = NULL;                                              \
        cflight_error *error = NULL;                                                        \
        if (cfp_serialized_get(args, kwargs, &view) < 0) {                                  \
            return NULL;                                                                    \
        }                                                                                   \
        cflight_status status = cflight_##prefix##_parse(                                   \
            cflight_bytes_make(view.buf, (size_t)view.len), &value, &error);                \
        PyBuffer_Release(&view);                                                            \
        if (status != CFLIGHT_OK) {                                                         \
            return cfp_raise(state, status, error);                                         \
        }                                                                                   \
        PyObject *result = cfp_##prefix##_new(state, value);                                \
        cflight_##prefix##_free(value);                                                     \
        return result;                                                                      \
    }

#define CFP_SERIALIZED_METHODS(prefix)                                                             \
    {"serialize", prefix##_serialize, METH_NOARGS,                                                 \
     PyDoc_STR("serialize($self)\n--\n\nReturn the protobuf message as bytes.")},                  \
    {                                                                                              \
        "deserialize", CFP_KEYWORDS(prefix##_deserialize),                                         \
            METH_VARARGS | METH_KEYWORDS | METH_CLASS,                                             \
            PyDoc_STR("deserialize($type, serialized)\n--\n\n"                                     \
                      "Parse a protobuf message (bytes-like); ArrowInvalid when it is malformed.") \
    }

/* == and !=, by what prefix_key gives. */
#define DEFINE_COMPARE(prefix, class)                                                     \
    static PyObject *prefix##_richcompare(PyObject *self, PyObject *other, int op)        \
    {                                                                                     \
        return cfp_richcompare(self, other, op, cfp_state_of(self)->prefix##_type, class, \
                               prefix##_key);                                             \
    }

/* The type, which may be derived from. */
#define DEFINE_VALUE_SPEC(prefix, class, type)                                                  \
    static PyType_Slot prefix##_slots[] = {                                                     \
        {Py_tp_doc, (void *)prefix##_doc},   {Py_tp_new, (void *)prefix##_new},                 \
        {Py_tp_init, (void *)prefix##_init}, {Py_tp_dealloc, (void *)prefix##_dealloc},         \
        {Py_tp_repr, (void *)prefix##_repr}, {Py_tp_richcompare, (void *)prefix##_richcompare}, \
        {Py_tp_methods, prefix##_methods},   {Py_tp_getset, prefix##_getset},                   \
        {Py_tp_members, cfp_members},        {0, NULL},                                         \
    };                                                                                          \
                                                                                                \
    PyType_Spec cfp_##prefix##_spec = {                                                         \
        .name = class,                                                                          \
        .basicsize = sizeof(struct type),                                                       \
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,                                      \
        .slots = prefix##_slots,                                                                \
    };

#endif /* CFP_VALUE_CLASS_H */
