/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the extension module, and what all its objects have.
 *
 * The definition of the module stands here, as objects find their state by it; what the module
 * starts with (its types, what it imports) is put into it by module.c, which knows every type.
 *
 * Objects stand use by several threads at once without the GIL: what is set once is set before the
 * object is seen, or atomically; handles of the library are used under the locks of streams.h, and
 * other members under a cfp_mutex. Thread class: attached to the interpreter, which files of this
 * directory call "with the GIL". */
#include "base/state.h"

PyMemberDef cfp_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(struct cfp_object, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

void cfp_object_begin_dealloc(PyObject *self)
{
    if (PyType_IS_GC(Py_TYPE(self))) {
        PyObject_GC_UnTrack(self);
    }
    if (((struct cfp_object *)self)->weakrefs != NULL) {
        PyObject_ClearWeakRefs(self);
    }
}

void cfp_object_end_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

int cfp_init_any(PyObject *self, PyObject *args, PyObject *kwargs)
{
    (void)self;
    (void)args;
    (void)kwargs;
    return 0;
}

#if PY_VERSION_HEX >= 0x030b0000
struct cfp_state *cfp_state_of_type(PyTypeObject *type)
{
    return PyModule_GetState(PyType_GetModuleByDef(type, &cfp_module_def));
}
#else
/* Python 3.10 has no PyType_GetModuleByDef: walk the bases. A type that belongs to no module sets
 * an error, which is not one here. */
struct cfp_state *cfp_state_of_type(PyTypeObject *type)
{
    for (; type != NULL; type = type->tp_base) {
        if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) {
            continue;
        }
        PyObject *module = PyType_GetModule(type);
        if (module == NULL) {
            PyErr_Clear();
        } else if (PyModule_GetDef(module) == &cfp_module_def) {
            return PyModule_GetState(module);
        }
    }
    return NULL;
}
#endif

struct cfp_state *cfp_state_of(PyObject *self)
{
    return cfp_state_of_type(Py_TYPE(self));
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct cfp_state *state = PyModule_GetState(module);
#define CFP_VISIT(name) Py_VISIT(state->name##_type);
    CFP_STATE_TYPES(CFP_VISIT)
#undef CFP_VISIT
#define CFP_VISIT(name) Py_VISIT(state->name);
    CFP_STATE_OBJECTS(CFP_VISIT)
#undef CFP_VISIT
    return 0;
}

/* There is no m_clear: callbacks and methods may run while the interpreter takes modules apart, and
 * they need the state. It goes with the module, after its last object. */
static void module_free(void *module)
{
    struct cfp_state *state = PyModule_GetState((PyObject *)module);
    cflight_cancel_unref(state->unary_cancel);
    state->unary_cancel = NULL;
#define CFP_CLEAR(name) Py_CLEAR(state->name##_type);
    CFP_STATE_TYPES(CFP_CLEAR)
#undef CFP_CLEAR
#define CFP_CLEAR(name) Py_CLEAR(state->name);
    CFP_STATE_OBJECTS(CFP_CLEAR)
#undef CFP_CLEAR
}

struct PyModuleDef cfp_module_def = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "cflight._cflight",
    .m_doc = PyDoc_STR("The part of cflight that is written in C."),
    .m_size = sizeof(struct cfp_state),
    .m_traverse = module_traverse,
    .m_free = module_free,
};
