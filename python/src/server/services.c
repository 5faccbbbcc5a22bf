/* SPDX-License-Identifier: Apache-2.0 */
/* The services of a server: made from what the Python part has checked, in the order health,
 * reflection, methods of Python's; taken apart when the library's server is gone.
 * Thread class: with the GIL, but for what says otherwise. */
#include "server/services.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "values/values.h"

struct cfp_services {
    cflight_health *health;
    cflight_reflection *reflection;
    struct cfp_service_method *methods;
    size_t method_count;
    struct cflight_service_method *table; /* all of them, as the library takes them */
    size_t table_count;
};

static int health_new(struct cfp_services *services, struct cfp_state *state, PyObject *given)
{
    struct cflight_health_options options = CFLIGHT_HEALTH_OPTIONS_INIT;
    cflight_error *error = NULL;
    int needs_auth = 0;
    unsigned int watchers_max = 0;
    if (!PyArg_ParseTuple(given, "pI", &needs_auth, &watchers_max)) {
        return -1;
    }
    options.needs_auth = needs_auth != 0;
    options.watchers_max = watchers_max;
    cflight_status status = cflight_health_new(&options, &services->health, &error);
    if (status != CFLIGHT_OK) {
        cfp_raise(state, status, error);
        return -1;
    }
    cflight_health_methods(services->health, &services->table[services->table_count]);
    services->table_count += CFLIGHT_HEALTH_METHODS;
    return 0;
}

static int reflection_new(struct cfp_services *services, struct cfp_state *state, PyObject *given)
{
    struct cflight_reflection_options options = CFLIGHT_REFLECTION_OPTIONS_INIT;
    struct cfp_scratch scratch = CFP_SCRATCH_INIT;
    cflight_error *error = NULL;
    PyObject *sets = NULL;
    int is_open = 0;
    int code = -1;
    if (!PyArg_ParseTuple(given, "pO!", &is_open, &PyList_Type, &sets)) {
        return -1;
    }
    size_t count = (size_t)PyList_GET_SIZE(sets);
    struct cflight_bytes *views = cfp_scratch_new(&scratch, count, sizeof(*views));
    if (views != NULL) {
        for (size_t i = 0; i < count; i++) {
            views[i] = cfp_view(PyList_GET_ITEM(sets, (Py_ssize_t)i));
        }
        options.descriptor_sets = views;
        options.descriptor_set_count = count;
        options.is_open = is_open != 0;
        options.has_no_health = services->health == NULL;
        cflight_status status = cflight_reflection_new(&options, &services->reflection, &error);
        if (status == CFLIGHT_OK) {
            cflight_reflection_methods(services->reflection,
                                       &services->table[services->table_count]);
            services->table_count += CFLIGHT_REFLECTION_METHODS;
            code = 0;
        } else {
            cfp_raise(state, status, error);
        }
    }
    cfp_scratch_done(&scratch);
    return code;
}

static int method_add(struct cfp_services *services, struct cfp_server_link *link, PyObject *given)
{
    struct cfp_service_method *method = &services->methods[services->method_count];
    struct cflight_service_method *entry = &services->table[services->table_count];
    PyObject *path = NULL;
    PyObject *handler = NULL;
    PyObject *on_shutdown = NULL;
    unsigned long long message_bytes_max = 0;
    int client_streams = 0;
    int server_streams = 0;
    int is_open = 0;
    if (!PyArg_ParseTuple(given, "SOpppKO", &path, &handler, &client_streams, &server_streams,
                          &is_open, &message_bytes_max, &on_shutdown)) {
        return -1;
    }
    services->method_count++;
    method->link = link;
    method->client_streams = client_streams != 0;
    method->server_streams = server_streams != 0;
    method->handler = cfp_hold_new(link->state, handler);
    if (method->handler != NULL && on_shutdown != Py_None) {
        method->on_shutdown = cfp_hold_new(link->state, on_shutdown);
    }
    if (PyErr_Occurred() != NULL) {
        return -1;
    }
    *entry = (struct cflight_service_method)CFLIGHT_SERVICE_METHOD_INIT;
    entry->path = PyBytes_AS_STRING(path);
    entry->client_streams = method->client_streams;
    entry->server_streams = method->server_streams;
    entry->is_open = is_open != 0;
    entry->message_bytes_max = message_bytes_max;
    entry->handler = cfp_service_handle;
    entry->on_shutdown = method->on_shutdown == NULL ? NULL : cfp_service_on_shutdown;
    entry->user_data = method;
    services->table_count++;
    return 0;
}

static struct cfp_services *services_alloc(size_t method_count)
{
    struct cfp_services *services = PyMem_RawCalloc(1, sizeof(*services));
    if (services != NULL) {
        size_t table_count = method_count + CFLIGHT_HEALTH_METHODS + CFLIGHT_REFLECTION_METHODS;
        services->table = PyMem_RawCalloc(table_count, sizeof(*services->table));
        services->methods = PyMem_RawCalloc(method_count + 1, sizeof(*services->methods));
        if (services->table == NULL || services->methods == NULL) {
            cfp_services_free(services);
            services = NULL;
        }
    }
    if (services == NULL) {
        PyErr_NoMemory();
    }
    return services;
}

int cfp_services_new(struct cfp_server_link *link, PyObject *given,
                     struct cfp_services **ret_services)
{
    PyObject *health = NULL;
    PyObject *reflection = NULL;
    PyObject *methods = NULL;
    if (!PyArg_ParseTuple(given, "OOO!", &health, &reflection, &PyList_Type, &methods)) {
        return -1;
    }
    Py_ssize_t count = PyList_GET_SIZE(methods);
    if (health == Py_None && reflection == Py_None && count == 0) {
        return 0;
    }
    struct cfp_services *services = services_alloc((size_t)count);
    if (services == NULL) {
        return -1;
    }
    *ret_services = services;
    if ((health != Py_None && health_new(services, link->state, health) < 0) ||
        (reflection != Py_None && reflection_new(services, link->state, reflection) < 0)) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (method_add(services, link, PyList_GET_ITEM(methods, i)) < 0) {
            return -1;
        }
    }
    return 0;
}

void cfp_services_free(struct cfp_services *services)
{
    if (services == NULL) {
        return;
    }
    for (size_t i = 0; i < services->method_count; i++) {
        cfp_hold_free(services->methods[i].handler);
        cfp_hold_free(services->methods[i].on_shutdown);
    }
    cflight_health_free(services->health);
    cflight_reflection_free(services->reflection);
    PyMem_RawFree(services->methods);
    PyMem_RawFree(services->table);
    PyMem_RawFree(services);
}

void cfp_services_fill(const struct cfp_services *services, struct cflight_server_options *options)
{
    if (services != NULL) {
        options->service_methods = services->table;
        options->service_method_count = services->table_count;
    }
}

int cfp_services_set_health(struct cfp_services *services, struct cfp_state *state,
                            const char *name, int serving)
{
    cflight_error *error = NULL;
    if (services == NULL || services->health == NULL) {
        PyErr_SetString(PyExc_ValueError,
                        "the server has no health service: make it with health=True");
        return -1;
    }
    cflight_status status =
        cflight_health_set(services->health, name, (enum cflight_serving)serving, &error);
    if (status != CFLIGHT_OK) {
        cfp_raise(state, status, error);
        return -1;
    }
    return 0;
}

int cfp_services_traverse(const struct cfp_services *services, visitproc visit, void *arg)
{
    for (size_t i = 0; services != NULL && i < services->method_count; i++) {
        Py_VISIT(services->methods[i].handler->object);
        if (services->methods[i].on_shutdown != NULL) {
            Py_VISIT(services->methods[i].on_shutdown->object);
        }
    }
    return 0;
}

void cfp_services_clear(struct cfp_services *services)
{
    for (size_t i = 0; services != NULL && i < services->method_count; i++) {
        cfp_hold_clear(services->methods[i].handler);
        cfp_hold_clear(services->methods[i].on_shutdown);
    }
}
