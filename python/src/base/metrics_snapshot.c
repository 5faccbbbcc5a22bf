/* SPDX-License-Identifier: Apache-2.0 */
/* All series as Python values. The library holds a lock while it gives them, under which no Python
 * code may run (an object that the garbage collector finds may be a server that waits for it): they
 * are copied without the GIL first. Thread class: with the GIL. */
#include <string.h>

#include "base/convert.h"
#include "base/exceptions.h"
#include "base/metrics.h"

/* A series; behind it bounds, counts and texts, in one allocation. */
struct copy {
    struct copy *next;
    enum cflight_metric_kind kind;
    double value;
    uint64_t count;
    size_t label_count;
    size_t bound_count;
    double *bounds;
    uint64_t *counts;
    char *texts; /* the name, then each label's name and value, all terminated */
};

struct copies {
    struct copy *first;
    struct copy **end;
    bool is_out_of_memory;
};

static size_t texts_size(const struct cflight_metric_sample *sample)
{
    size_t size_bytes = strlen(sample->name) + 1;
    for (size_t i = 0; i < sample->label_count; i++) {
        size_bytes += strlen(sample->labels[i].name) + strlen(sample->labels[i].value) + 2;
    }
    return size_bytes;
}

static char *put_text(char *place, const char *text)
{
    size_t size_bytes = strlen(text) + 1;
    memcpy(place, text, size_bytes);
    return place + size_bytes;
}

/* Without the GIL. */
static void visit(void *user_data, const struct cflight_metric_sample *sample)
{
    struct copies *copies = user_data;
    size_t bounds_bytes = sample->bound_count * sizeof(double);
    size_t counts_bytes = sample->bound_count * sizeof(uint64_t);
    struct copy *copy =
        PyMem_RawMalloc(sizeof(*copy) + bounds_bytes + counts_bytes + texts_size(sample));
    if (copy == NULL) {
        copies->is_out_of_memory = true;
        return;
    }
    *copy = (struct copy){
        .kind = sample->kind,
        .value = sample->value,
        .count = sample->count,
        .label_count = sample->label_count,
        .bound_count = sample->bound_count,
        .bounds = (double *)(void *)(copy + 1),
    };
    copy->counts = (uint64_t *)(void *)((char *)copy->bounds + bounds_bytes);
    copy->texts = (char *)copy->counts + counts_bytes;
    if (sample->bound_count > 0) {
        memcpy(copy->bounds, sample->bounds, bounds_bytes);
        memcpy(copy->counts, sample->counts, counts_bytes);
    }
    char *place = put_text(copy->texts, sample->name);
    for (size_t i = 0; i < sample->label_count; i++) {
        place = put_text(place, sample->labels[i].name);
        place = put_text(place, sample->labels[i].value);
    }
    *copies->end = copy;
    copies->end = &copy->next;
}

static PyObject *take_text(const char **place)
{
    PyObject *text = cfp_text_new(cflight_bytes_from_text(*place));
    *place += strlen(*place) + 1;
    return text;
}

static PyObject *labels_of(const struct copy *copy, const char *place)
{
    PyObject *labels = PyTuple_New((Py_ssize_t)copy->label_count);
    for (size_t i = 0; labels != NULL && i < copy->label_count; i++) {
        PyObject *name = take_text(&place);
        PyObject *value = take_text(&place);
        PyObject *pair = name == NULL || value == NULL ? NULL : PyTuple_Pack(2, name, value);
        Py_XDECREF(name);
        Py_XDECREF(value);
        if (pair == NULL) {
            Py_CLEAR(labels);
        } else {
            PyTuple_SET_ITEM(labels, (Py_ssize_t)i, pair);
        }
    }
    return labels;
}

static PyObject *value_of(const struct copy *copy)
{
    if (copy->kind != CFLIGHT_METRIC_HISTOGRAM) {
        return PyFloat_FromDouble(copy->value);
    }
    PyObject *buckets = PyDict_New();
    for (size_t i = 0; buckets != NULL && i < copy->bound_count; i++) {
        PyObject *bound = PyFloat_FromDouble(copy->bounds[i]);
        PyObject *count = PyLong_FromUnsignedLongLong(copy->counts[i]);
        if (bound == NULL || count == NULL || PyDict_SetItem(buckets, bound, count) < 0) {
            Py_CLEAR(buckets);
        }
        Py_XDECREF(bound);
        Py_XDECREF(count);
    }
    return buckets == NULL
               ? NULL
               : Py_BuildValue("(KdN)", (unsigned long long)copy->count, copy->value, buckets);
}

/* The dict under a name, made when it is not there. Borrowed. */
static PyObject *family_of(PyObject *snapshot, PyObject *name)
{
    PyObject *family = PyDict_GetItemWithError(snapshot, name);
    if (family != NULL || PyErr_Occurred() != NULL) {
        return family;
    }
    family = PyDict_New();
    if (family == NULL || PyDict_SetItem(snapshot, name, family) < 0) {
        Py_XDECREF(family);
        return NULL;
    }
    Py_DECREF(family);
    return family;
}

static int put_copy(PyObject *snapshot, const struct copy *copy)
{
    const char *place = copy->texts;
    PyObject *name = take_text(&place);
    PyObject *family = name == NULL ? NULL : family_of(snapshot, name);
    PyObject *labels = family == NULL ? NULL : labels_of(copy, place);
    PyObject *value = labels == NULL ? NULL : value_of(copy);
    int code = value == NULL ? -1 : PyDict_SetItem(family, labels, value);
    Py_XDECREF(name);
    Py_XDECREF(labels);
    Py_XDECREF(value);
    return code;
}

PyObject *cfp_metrics_snapshot(struct cfp_state *state, cflight_metrics *metrics)
{
    struct copies copies = {.end = &copies.first};
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    PyObject *snapshot = PyDict_New();
    Py_BEGIN_ALLOW_THREADS
    status = cflight_metrics_visit(metrics, visit, &copies, &error);
    Py_END_ALLOW_THREADS
    *copies.end = NULL;
    if (status != CFLIGHT_OK) {
        cfp_raise(state, status, error);
        Py_CLEAR(snapshot);
    } else if (copies.is_out_of_memory) {
        PyErr_NoMemory();
        Py_CLEAR(snapshot);
    }
    while (copies.first != NULL) {
        struct copy *copy = copies.first;
        copies.first = copy->next;
        if (snapshot != NULL && put_copy(snapshot, copy) < 0) {
            Py_CLEAR(snapshot);
        }
        PyMem_RawFree(copy);
    }
    return snapshot;
}
