/* SPDX-License-Identifier: Apache-2.0 */
/* What auth handlers and middleware share: holds, headers, call infos.
 * Thread class: with the GIL, but for cfp_hold_free, which takes it. */
#include "base/callbacks.h"

#include <stdlib.h>
#include <string.h>

#include "base/convert.h"

/* Guards all lists of holds, as a hold may be freed while the owner of its list goes. */
static cfp_mutex lists_mutex;

struct cfp_hold *cfp_hold_new(struct cfp_state *state, PyObject *object)
{
    struct cfp_hold *hold = PyMem_RawCalloc(1, sizeof(*hold));
    if (hold == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    hold->state = state;
    hold->object = Py_NewRef(object);
    return hold;
}

static void unlink_locked(struct cfp_hold *hold)
{
    if (hold->place == NULL) {
        return;
    }
    *hold->place = hold->next;
    if (hold->next != NULL) {
        hold->next->place = hold->place;
    }
    hold->place = NULL;
    hold->next = NULL;
}

void cfp_hold_list_add(struct cfp_hold_list *list, struct cfp_hold *hold)
{
    cfp_mutex_lock(&lists_mutex);
    hold->next = list->first;
    hold->place = &list->first;
    if (hold->next != NULL) {
        hold->next->place = &hold->next;
    }
    list->first = hold;
    cfp_mutex_unlock(&lists_mutex);
}

void cfp_hold_list_leave(struct cfp_hold_list *list)
{
    cfp_mutex_lock(&lists_mutex);
    while (list->first != NULL) {
        unlink_locked(list->first);
    }
    cfp_mutex_unlock(&lists_mutex);
}

/* Without the lock: the collector has the GIL, or has stopped all threads that could change it. */
int cfp_hold_list_traverse(const struct cfp_hold_list *list, visitproc visit, void *arg)
{
    for (const struct cfp_hold *hold = list->first; hold != NULL; hold = hold->next) {
        Py_VISIT(hold->object);
    }
    return 0;
}

void cfp_hold_free(void *pointer)
{
    struct cfp_hold *hold = pointer;
    if (hold == NULL) {
        return;
    }
    PyGILState_STATE gil = PyGILState_Ensure();
    cfp_mutex_lock(&lists_mutex);
    unlink_locked(hold);
    cfp_mutex_unlock(&lists_mutex);
    Py_DECREF(hold->object);
    PyGILState_Release(gil);
    PyMem_RawFree(hold);
}

void cfp_hold_clear(struct cfp_hold *hold)
{
    if (hold != NULL) {
        Py_SETREF(hold->object, Py_NewRef(Py_None));
    }
}

static bool is_binary_name(struct cflight_bytes name)
{
    return name.len_bytes >= 4 && memcmp(name.data + name.len_bytes - 4, "-bin", 4) == 0;
}

/* The list under a name, made when it is not there. Borrowed from the dict. */
static PyObject *values_of(PyObject *dict, PyObject *name)
{
    PyObject *list = PyDict_GetItemWithError(dict, name);
    if (list != NULL || PyErr_Occurred() != NULL) {
        return list;
    }
    list = PyList_New(0);
    if (list == NULL || PyDict_SetItem(dict, name, list) < 0) {
        Py_XDECREF(list);
        return NULL;
    }
    Py_DECREF(list);
    return list;
}

static int add_header(PyObject *dict, const struct cflight_header *header)
{
    PyObject *name = cfp_text_new(header->name);
    PyObject *list = name == NULL ? NULL : values_of(dict, name);
    PyObject *value = NULL;
    if (list != NULL) {
        value = is_binary_name(header->name) ? cfp_bytes_new(header->value)
                                             : cfp_text_new(header->value);
    }
    int code = value == NULL ? -1 : PyList_Append(list, value);
    Py_XDECREF(name);
    Py_XDECREF(value);
    return code;
}

static int compare_names(const void *a, const void *b)
{
    const struct cflight_header *left = *(const struct cflight_header *const *)a;
    const struct cflight_header *right = *(const struct cflight_header *const *)b;
    size_t common =
        left->name.len_bytes < right->name.len_bytes ? left->name.len_bytes : right->name.len_bytes;
    int order = common == 0 ? 0 : memcmp(left->name.data, right->name.data, common);
    if (order == 0 && left->name.len_bytes != right->name.len_bytes) {
        order = left->name.len_bytes < right->name.len_bytes ? -1 : 1;
    }
    if (order == 0) {
        order = left < right ? -1 : left > right; /* the values of one name stay in their order */
    }
    return order;
}

/* Sorted by name, as in other clients: programs look at the first one. */
PyObject *cfp_headers_dict(const struct cflight_header *headers, size_t count)
{
    PyObject *dict = PyDict_New();
    const struct cflight_header **sorted = PyMem_Calloc(count + 1, sizeof(*sorted));
    if (dict == NULL || sorted == NULL) {
        PyMem_Free(sorted);
        Py_XDECREF(dict);
        return PyErr_NoMemory();
    }
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &headers[i];
    }
    qsort(sorted, count, sizeof(*sorted), compare_names);
    for (size_t i = 0; dict != NULL && i < count; i++) {
        if (add_header(dict, sorted[i]) < 0) {
            Py_CLEAR(dict);
        }
    }
    PyMem_Free(sorted);
    return dict;
}

/* An attribute beside the tuple's one item. */
static int set_path(PyObject *info, const char *path)
{
    PyObject *text = cfp_text_new(cflight_bytes_from_text(path));
    int code = text == NULL ? -1 : PyObject_SetAttrString(info, "_cflight_path", text);
    Py_XDECREF(text);
    return code;
}

PyObject *cfp_call_info_new(struct cfp_state *state, enum cflight_method method, const char *path)
{
    PyObject *value = PyObject_CallFunction(state->flight_method, "i", (int)method);
    PyObject *info = value == NULL ? NULL : PyObject_CallOneArg(state->call_info, value);
    Py_XDECREF(value);
    if (info != NULL && path != NULL && set_path(info, path) < 0) {
        Py_CLEAR(info);
    }
    return info;
}
