/* SPDX-License-Identifier: Apache-2.0 */
/* RecordBatch: what the module hands out where pyarrow.RecordBatch is not to be had.
 *
 * The array lives in a counted box. Every export is a tree of structures of its own, as consumers
 * may take children apart, and each node holds the box: the data lives until the last node is
 * released, on whatever thread that is, without the GIL. Thread class: with the GIL; releases of
 * exported arrays: free. */
#include "arrow/arrow.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/convert.h"

struct box {
    atomic_size_t refs;
    struct ArrowArray array;
};

struct own_batch {
    CFP_HEAD
    PyObject *schema;
    struct box *box;
};

static void box_unref(struct box *box)
{
    if (atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) == 1) {
        box->array.release(&box->array);
        PyMem_RawFree(box);
    }
}

/* Releases one node: children that were not moved away first, then the node's arrays and its hold.
 */
static void node_release(struct ArrowArray *node)
{
    for (int64_t i = 0; i < node->n_children; i++) {
        struct ArrowArray *child = node->children[i];
        if (child != NULL && child->release != NULL) {
            child->release(child);
        }
        PyMem_RawFree(child);
    }
    PyMem_RawFree(node->children);
    if (node->dictionary != NULL) {
        if (node->dictionary->release != NULL) {
            node->dictionary->release(node->dictionary);
        }
        PyMem_RawFree(node->dictionary);
    }
    struct box *box = node->private_data;
    node->release = NULL;
    box_unref(box);
}

static int node_share(struct box *box, const struct ArrowArray *source, struct ArrowArray *node);

static struct ArrowArray *child_share(struct box *box, const struct ArrowArray *source)
{
    struct ArrowArray *child = PyMem_RawCalloc(1, sizeof(*child));
    if (child != NULL && node_share(box, source, child) < 0) {
        PyMem_RawFree(child);
        child = NULL;
    }
    return child;
}

/* The depth is that of a schema the library accepted, so recursion is bounded. */
static int node_share(struct box *box, const struct ArrowArray *source, struct ArrowArray *node)
{
    *node = *source;
    node->children = NULL;
    node->n_children = 0;
    node->dictionary = NULL;
    node->release = node_release;
    node->private_data = box;
    atomic_fetch_add_explicit(&box->refs, 1, memory_order_relaxed);
    if (source->n_children > 0) {
        node->children = PyMem_RawCalloc((size_t)source->n_children, sizeof(struct ArrowArray *));
        if (node->children == NULL) {
            goto failed;
        }
    }
    for (int64_t i = 0; i < source->n_children; i++) {
        node->children[i] = child_share(box, source->children[i]);
        if (node->children[i] == NULL) {
            goto failed;
        }
        node->n_children = i + 1;
    }
    if (source->dictionary != NULL) {
        node->dictionary = child_share(box, source->dictionary);
        if (node->dictionary == NULL) {
            goto failed;
        }
    }
    return 0;

failed:
    node_release(node);
    return -1;
}

PyObject *cfp_own_batch_take(struct cfp_state *state, PyObject *schema, struct ArrowArray *array)
{
    PyTypeObject *type = state->record_batch_type;
    struct own_batch *self = (struct own_batch *)type->tp_alloc(type, 0);
    struct box *box = PyMem_RawCalloc(1, sizeof(*box));
    if (self == NULL || box == NULL) {
        PyMem_RawFree(box);
        Py_XDECREF(self);
        array->release(array);
        return PyErr_NoMemory();
    }
    atomic_init(&box->refs, 1);
    box->array = *array;
    array->release = NULL;
    self->box = box;
    self->schema = Py_NewRef(schema);
    return (PyObject *)self;
}

/* Fills *ret_array with another view of the same data; the caller releases it. */
static int share(PyObject *batch, struct ArrowArray *ret_array)
{
    struct box *box = ((struct own_batch *)batch)->box;
    if (node_share(box, &box->array, ret_array) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

int64_t cfp_own_batch_rows(PyObject *batch)
{
    return ((struct own_batch *)batch)->box->array.length;
}

/* A stream over shared arrays; needs no Python once it is made. */
struct batch_list {
    struct ArrowSchema schema;
    struct ArrowArray *arrays;
    size_t count;
    size_t next;
};

static int list_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct batch_list *list = stream->private_data;
    cflight_status status = cflight_schema_copy(&list->schema, ret_schema, NULL);
    return status == CFLIGHT_OK ? 0 : ENOMEM;
}

static int list_get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_array)
{
    struct batch_list *list = stream->private_data;
    if (list->next == list->count) {
        ret_array->release = NULL;
        return 0;
    }
    *ret_array = list->arrays[list->next];
    list->arrays[list->next].release = NULL;
    list->next++;
    return 0;
}

static const char *list_get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "out of memory";
}

static void list_free(struct batch_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->arrays[i].release != NULL) {
            list->arrays[i].release(&list->arrays[i]);
        }
    }
    if (list->schema.release != NULL) {
        list->schema.release(&list->schema);
    }
    PyMem_RawFree(list->arrays);
    PyMem_RawFree(list);
}

static void list_release(struct ArrowArrayStream *stream)
{
    list_free(stream->private_data);
    stream->release = NULL;
}

static struct batch_list *list_new(PyObject *schema, PyObject *batches)
{
    size_t count = (size_t)PyTuple_GET_SIZE(batches);
    struct batch_list *list = PyMem_RawCalloc(1, sizeof(*list));
    if (list == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    list->arrays = PyMem_RawCalloc(count == 0 ? 1 : count, sizeof(*list->arrays));
    if (list->arrays == NULL || cfp_schema_get(schema, "schema", &list->schema) < 0) {
        goto failed;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *batch = PyTuple_GET_ITEM(batches, (Py_ssize_t)i);
        if (share(batch, &list->arrays[i]) < 0) {
            goto failed;
        }
        list->count = i + 1;
    }
    return list;

failed:
    list_free(list);
    return PyErr_Occurred() == NULL ? (struct batch_list *)(void *)PyErr_NoMemory() : NULL;
}

PyObject *cfp_own_batches_stream(PyObject *schema, PyObject *batches, PyObject *args,
                                 PyObject *kwargs)
{
    static char *names[] = {"requested_schema", NULL};
    PyObject *requested_schema = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", names, &requested_schema)) {
        return NULL;
    }
    struct batch_list *list = list_new(schema, batches);
    if (list == NULL) {
        return NULL;
    }
    struct ArrowArrayStream stream = {
        .get_schema = list_get_schema,
        .get_next = list_get_next,
        .get_last_error = list_get_last_error,
        .release = list_release,
        .private_data = list,
    };
    return cfp_stream_capsule(&stream);
}

static void batch_dealloc(PyObject *self)
{
    struct own_batch *batch = (struct own_batch *)self;
    cfp_object_begin_dealloc(self);
    Py_CLEAR(batch->schema);
    if (batch->box != NULL) {
        box_unref(batch->box);
    }
    cfp_object_end_dealloc(self);
}

static PyObject *batch_capsules(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"requested_schema", NULL};
    PyObject *requested_schema = NULL;
    struct ArrowArray array;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O", names, &requested_schema)) {
        return NULL;
    }
    PyObject *schema =
        cfp_call_method(((struct own_batch *)self)->schema, "__arrow_c_schema__", NULL, 0);
    if (schema == NULL || share(self, &array) < 0) {
        Py_XDECREF(schema);
        return NULL;
    }
    PyObject *data = cfp_array_capsule(&array);
    PyObject *pair = data == NULL ? NULL : PyTuple_Pack(2, schema, data);
    Py_DECREF(schema);
    Py_XDECREF(data);
    return pair;
}

static PyObject *batch_stream(PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *batches = PyTuple_Pack(1, self);
    PyObject *capsule = batches == NULL ? NULL
                                        : cfp_own_batches_stream(((struct own_batch *)self)->schema,
                                                                 batches, args, kwargs);
    Py_XDECREF(batches);
    return capsule;
}

static PyObject *batch_schema(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct own_batch *)self)->schema);
}

static PyObject *batch_rows(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(cfp_own_batch_rows(self));
}

static PyObject *batch_columns(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(((struct own_batch *)self)->box->array.n_children);
}

static Py_ssize_t batch_length(PyObject *self)
{
    return (Py_ssize_t)cfp_own_batch_rows(self);
}

static PyMethodDef batch_methods[] = {
    {"__arrow_c_array__", CFP_KEYWORDS(batch_capsules), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("__arrow_c_array__($self, requested_schema=None)\n--\n\n"
               "Export as a pair of capsules of the Arrow C data interface. Nothing is copied.")},
    {"__arrow_c_stream__", CFP_KEYWORDS(batch_stream), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("__arrow_c_stream__($self, requested_schema=None)\n--\n\n"
               "Export as a capsule of the Arrow C stream interface. Nothing is copied.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef batch_getset[] = {
    {"schema", batch_schema, NULL, PyDoc_STR("The :class:`Schema`."), NULL},
    {"num_rows", batch_rows, NULL, PyDoc_STR("The number of rows."), NULL},
    {"num_columns", batch_columns, NULL, PyDoc_STR("The number of columns."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(batch_doc,
             "Rows of a few columns; used where pyarrow cannot be imported.\n\n"
             "Any library that speaks the Arrow PyCapsule interface takes it, without a copy.\n\n"
             "Examples\n--------\n>>> polars.DataFrame(chunk.data)");

static PyType_Slot batch_slots[] = {
    {Py_tp_doc, (void *)batch_doc},
    {Py_tp_dealloc, (void *)batch_dealloc},
    {Py_sq_length, (void *)batch_length},
    {Py_tp_methods, batch_methods},
    {Py_tp_getset, batch_getset},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_record_batch_spec = {
    .name = "cflight.RecordBatch",
    .basicsize = sizeof(struct own_batch),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = batch_slots,
};
