/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics, the series of an application's own, and the port that Prometheus scrapes.
 * The library keeps what servers and clients count in, so these go in any order. Thread class: with
 * the GIL; the library is called without it where it may wait for its lock. */
#include "base/metrics.h"

#include <pthread.h>
#include <string.h>

#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"

enum { LABELS_MAX = 16, BOUNDS_MAX = 64 };

struct metrics {
    CFP_HEAD
    cflight_metrics *metrics;
};

struct metric {
    CFP_HEAD
    PyObject *metrics; /* that it is of */
    enum cflight_metric_kind kind;
    pthread_mutex_t lock;   /* taken without the GIL */
    cflight_metric *metric; /* under the lock; NULL once it was removed */
};

struct port {
    CFP_HEAD
    cfp_mutex mutex;
    cflight_metrics_http *http; /* NULL once it is closed */
    int number;
};

int cfp_metrics_get(struct cfp_state *state, PyObject *value, const char *name,
                    cflight_metrics **ret_metrics)
{
    *ret_metrics = NULL;
    if (value == Py_None) {
        return 0;
    }
    if (cfp_check_type(value, state->metrics_type, name, "cflight.Metrics") < 0) {
        return -1;
    }
    *ret_metrics = ((struct metrics *)value)->metrics;
    return 0;
}

/* ---- Metrics ---- */

static PyObject *metrics_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"series_max", NULL};
    struct cflight_metrics_options options = CFLIGHT_METRICS_OPTIONS_INIT;
    cflight_error *error = NULL;
    PyObject *series_max = Py_None;
    int number = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$O:Metrics", names, &series_max) ||
        (series_max != Py_None && cfp_int_get(series_max, &number) < 0)) {
        return NULL;
    }
    if (series_max != Py_None && number <= 0) {
        return PyErr_Format(PyExc_ValueError, "series_max must be 1 or more");
    }
    options.series_max = (uint32_t)number;
    struct metrics *self = (struct metrics *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    cflight_status status = cflight_metrics_new(&options, &self->metrics, &error);
    if (status != CFLIGHT_OK) {
        Py_DECREF((PyObject *)self);
        return cfp_raise(cfp_state_of_type(type), status, error);
    }
    return (PyObject *)self;
}

static void free_metrics(void *metrics)
{
    cflight_metrics_free(metrics);
}

static void metrics_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    cfp_release(free_metrics, ((struct metrics *)self)->metrics);
    cfp_object_end_dealloc(self);
}

static PyObject *metrics_text(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"openmetrics", NULL};
    struct metrics *self = (struct metrics *)object;
    cflight_buffer *text = NULL;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    int is_open = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:text", names, &is_open)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = cflight_metrics_text(
        self->metrics, is_open ? CFLIGHT_METRICS_OPENMETRICS : CFLIGHT_METRICS_PROMETHEUS, &text,
        &error);
    Py_END_ALLOW_THREADS
    if (status != CFLIGHT_OK) {
        return cfp_raise(cfp_state_of(object), status, error);
    }
    PyObject *result = cfp_text_new(cflight_buffer_bytes(text));
    cflight_buffer_unref(text);
    return result;
}

static PyObject *metrics_snapshot(PyObject *self, PyObject *unused)
{
    (void)unused;
    return cfp_metrics_snapshot(cfp_state_of(self), ((struct metrics *)self)->metrics);
}

/* The labels of a dict of str to str, which keeps the texts. -1 with an exception. */
static Py_ssize_t labels_get(PyObject *dict, struct cflight_metric_label labels[LABELS_MAX])
{
    PyObject *name = NULL;
    PyObject *value = NULL;
    Py_ssize_t position = 0;
    Py_ssize_t count = 0;
    if (dict == NULL || dict == Py_None) {
        return 0;
    }
    if (!PyDict_Check(dict)) {
        cfp_argument_error("labels", "dict", dict);
        return -1;
    }
    while (PyDict_Next(dict, &position, &name, &value)) {
        if (count == LABELS_MAX) {
            PyErr_Format(PyExc_ValueError, "there are more than %d labels", LABELS_MAX);
            return -1;
        }
        labels[count].name = PyUnicode_AsUTF8(name);
        labels[count].value = labels[count].name == NULL ? NULL : PyUnicode_AsUTF8(value);
        if (labels[count].value == NULL) {
            return -1;
        }
        count++;
    }
    return count;
}

static PyObject *metrics_value(PyObject *object, PyObject *args, PyObject *kwargs)
{
    struct metrics *self = (struct metrics *)object;
    struct cflight_metric_label labels[LABELS_MAX];
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    const char *name = NULL;
    double value = 0;
    if (!PyArg_ParseTuple(args, "s:value", &name)) {
        return NULL;
    }
    Py_ssize_t count = labels_get(kwargs, labels);
    if (count < 0) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = cflight_metrics_value(self->metrics, name, labels, (size_t)count, &value, &error);
    Py_END_ALLOW_THREADS
    return status == CFLIGHT_OK ? PyFloat_FromDouble(value)
                                : cfp_raise(cfp_state_of(object), status, error);
}

/* ---- series ---- */

static int bounds_get(PyObject *sequence, double bounds[BOUNDS_MAX],
                      struct cflight_metric_params *params)
{
    if (sequence == NULL || sequence == Py_None) {
        return 0;
    }
    PyObject *list = PySequence_List(sequence);
    Py_ssize_t count = list == NULL ? -1 : PyList_GET_SIZE(list);
    if (count == 0 || count > BOUNDS_MAX) {
        PyErr_Format(PyExc_ValueError, "bounds must be 1 to %d numbers", BOUNDS_MAX);
        count = -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        bounds[i] = PyFloat_AsDouble(PyList_GET_ITEM(list, i));
        if (bounds[i] == -1.0 && PyErr_Occurred() != NULL) {
            count = -1;
        }
    }
    Py_XDECREF(list);
    params->bounds = bounds;
    params->bound_count = count < 0 ? 0 : (size_t)count;
    return count < 0 ? -1 : 0;
}

static PyObject *metric_make(PyObject *object, struct cflight_metric_params *params)
{
    struct cfp_state *state = cfp_state_of(object);
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    struct metric *metric = (struct metric *)state->metric_type->tp_alloc(state->metric_type, 0);
    if (metric == NULL) {
        return NULL;
    }
    (void)pthread_mutex_init(&metric->lock, NULL);
    metric->metrics = Py_NewRef(object);
    metric->kind = params->kind;
    Py_BEGIN_ALLOW_THREADS
    status =
        cflight_metrics_add(((struct metrics *)object)->metrics, params, &metric->metric, &error);
    Py_END_ALLOW_THREADS
    if (status != CFLIGHT_OK) {
        Py_DECREF((PyObject *)metric);
        return cfp_raise(state, status, error);
    }
    return (PyObject *)metric;
}

static PyObject *series_add(PyObject *self, PyObject *args, PyObject *kwargs,
                            enum cflight_metric_kind kind)
{
    static char *plain_names[] = {"name", "help", "labels", NULL};
    static char *histogram_names[] = {"name", "help", "labels", "bounds", NULL};
    bool is_histogram = kind == CFLIGHT_METRIC_HISTOGRAM;
    struct cflight_metric_params params = CFLIGHT_METRIC_PARAMS_INIT;
    struct cflight_metric_label labels[LABELS_MAX];
    double bounds[BOUNDS_MAX];
    PyObject *dict = NULL;
    PyObject *sequence = NULL;
    int is_parsed = is_histogram
                        ? PyArg_ParseTupleAndKeywords(args, kwargs, "s|zOO", histogram_names,
                                                      &params.name, &params.help, &dict, &sequence)
                        : PyArg_ParseTupleAndKeywords(args, kwargs, "s|zO", plain_names,
                                                      &params.name, &params.help, &dict);
    Py_ssize_t count = is_parsed ? labels_get(dict, labels) : -1;
    if (count < 0 || bounds_get(sequence, bounds, &params) < 0) {
        return NULL;
    }
    params.kind = kind;
    params.labels = labels;
    params.label_count = (size_t)count;
    return metric_make(self, &params);
}

static PyObject *metrics_counter(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return series_add(self, args, kwargs, CFLIGHT_METRIC_COUNTER);
}

static PyObject *metrics_gauge(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return series_add(self, args, kwargs, CFLIGHT_METRIC_GAUGE);
}

static PyObject *metrics_histogram(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return series_add(self, args, kwargs, CFLIGHT_METRIC_HISTOGRAM);
}

static void metric_dealloc(PyObject *self)
{
    struct metric *metric = (struct metric *)self;
    cfp_object_begin_dealloc(self);
    Py_CLEAR(metric->metrics);
    (void)pthread_mutex_destroy(&metric->lock);
    cfp_object_end_dealloc(self);
}

/* Writes to the series, which may have been removed. */
static PyObject *metric_write(PyObject *object, double value, enum cflight_metric_kind kind,
                              const char *what, void (*write)(cflight_metric *, double))
{
    struct metric *self = (struct metric *)object;
    bool fits = self->kind == kind ||
                (kind == CFLIGHT_METRIC_COUNTER && self->kind == CFLIGHT_METRIC_GAUGE);
    if (!fits) {
        return PyErr_Format(PyExc_TypeError, "this metric has no %s()", what);
    }
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&self->lock);
    write(self->metric, value);
    pthread_mutex_unlock(&self->lock);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *metric_increase(PyObject *self, PyObject *args)
{
    double amount = 1;
    return PyArg_ParseTuple(args, "|d:increase", &amount)
               ? metric_write(self, amount, CFLIGHT_METRIC_COUNTER, "increase",
                              cflight_metric_increase)
               : NULL;
}

static PyObject *metric_set(PyObject *self, PyObject *args)
{
    double value = 0;
    return PyArg_ParseTuple(args, "d:set", &value)
               ? metric_write(self, value, CFLIGHT_METRIC_GAUGE, "set", cflight_metric_set)
               : NULL;
}

static PyObject *metric_observe(PyObject *self, PyObject *args)
{
    double value = 0;
    return PyArg_ParseTuple(args, "d:observe", &value)
               ? metric_write(self, value, CFLIGHT_METRIC_HISTOGRAM, "observe",
                              cflight_metric_observe)
               : NULL;
}

static PyObject *metric_remove(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct metric *self = (struct metric *)object;
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&self->lock);
    cflight_metric_remove(self->metric);
    self->metric = NULL;
    pthread_mutex_unlock(&self->lock);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* ---- the port ---- */

static PyObject *metrics_listen(PyObject *object, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"address", NULL};
    struct cfp_state *state = cfp_state_of(object);
    const char *address = "127.0.0.1:0";
    cflight_metrics_http *http = NULL;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|s:listen", names, &address)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status =
        cflight_metrics_http_new(address, ((struct metrics *)object)->metrics, NULL, &http, &error);
    Py_END_ALLOW_THREADS
    if (status == CFLIGHT_ALREADY_EXISTS || status == CFLIGHT_UNAVAILABLE) {
        PyErr_SetString(state->arrow_exception, cflight_error_message(error));
        cflight_error_free(error);
        return NULL;
    }
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    PyTypeObject *type = state->metrics_port_type;
    struct port *port = (struct port *)type->tp_alloc(type, 0);
    if (port == NULL) {
        cflight_metrics_http_free(http);
        return NULL;
    }
    port->http = http;
    port->number = cflight_metrics_http_port(http);
    return (PyObject *)port;
}

static void free_http(void *http)
{
    cflight_metrics_http_free(http);
}

static void port_end(struct port *self)
{
    cfp_mutex_lock(&self->mutex);
    cflight_metrics_http *http = self->http;
    self->http = NULL;
    cfp_mutex_unlock(&self->mutex);
    if (http != NULL) {
        cfp_release(free_http, http);
    }
}

static void port_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    port_end((struct port *)self);
    cfp_object_end_dealloc(self);
}

static PyObject *port_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    port_end((struct port *)self);
    Py_RETURN_NONE;
}

static PyObject *port_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyObject *port_exit(PyObject *self, PyObject *args)
{
    return port_close(self, args);
}

static PyObject *port_port(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLong(((struct port *)self)->number);
}

/* ---- the types ---- */

static PyMethodDef metrics_methods[] = {
    {"text", CFP_KEYWORDS(metrics_text), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("text($self, *, openmetrics=False)\n--\n\n"
               "Return all series as text, in Prometheus' format or in that of OpenMetrics.")},
    {"snapshot", metrics_snapshot, METH_NOARGS,
     PyDoc_STR("snapshot($self)\n--\n\n"
               "Return all series as they are now: a dict of names to dicts of labels, a tuple of "
               "pairs, to a float, or for a histogram to a tuple of the count, the sum, and a dict "
               "of bounds to counts up to them.")},
    {"value", CFP_KEYWORDS(metrics_value), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("value($self, name, /, **labels)\n--\n\n"
               "Return the sum of the series of that name that have all of these labels (of "
               "histograms, of their counts); 0 when there are none.")},
    {"counter", CFP_KEYWORDS(metrics_counter), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("counter($self, name, help=None, labels=None)\n--\n\n"
               "Return a :class:`Metric` of yours that only grows; its name ends in ``_total``.\n\n"
               "`labels` is a dict. What has this name and these labels already is the same.")},
    {"gauge", CFP_KEYWORDS(metrics_gauge), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("gauge($self, name, help=None, labels=None)\n--\n\n"
               "Return a :class:`Metric` of yours that has any value.")},
    {"histogram", CFP_KEYWORDS(metrics_histogram), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("histogram($self, name, help=None, labels=None, bounds=None)\n--\n\n"
               "Return a :class:`Metric` of yours that counts how often values were up to each of "
               "`bounds`, by default 0.1 ms to 5 minutes in seconds.")},
    {"listen", CFP_KEYWORDS(metrics_listen), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("listen($self, address='127.0.0.1:0')\n--\n\n"
               "Answer HTTP requests for ``/metrics``, without password or encryption: return the "
               ":class:`MetricsPort`.")},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef metric_methods[] = {
    {"increase", metric_increase, METH_VARARGS,
     PyDoc_STR("increase($self, amount=1, /)\n--\n\nAdd to a counter or a gauge.")},
    {"set", metric_set, METH_VARARGS, PyDoc_STR("set($self, value, /)\n--\n\nSet a gauge.")},
    {"observe", metric_observe, METH_VARARGS,
     PyDoc_STR("observe($self, value, /)\n--\n\nAdd a value to a histogram.")},
    {"remove", metric_remove, METH_NOARGS,
     PyDoc_STR("remove($self)\n--\n\n"
               "Take the series away, when every object of it has; writing does nothing then. One "
               "that is dropped stays.")},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef port_methods[] = {
    {"close", port_close, METH_NOARGS,
     PyDoc_STR("close($self)\n--\n\nEnd it. Safe to repeat; dropping it does the same.")},
    {"__enter__", port_enter, METH_NOARGS, PyDoc_STR("Return self.")},
    {"__exit__", port_exit, METH_VARARGS, PyDoc_STR("Close it.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef port_getset[] = {
    {"port", port_port, NULL, PyDoc_STR("The bound port."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(metrics_doc,
             "Metrics(*, series_max=None)\n--\n\n"
             "What servers and clients count, and metrics of yours, for Prometheus.\n\n"
             "Parameters\n----------\nseries_max : int, optional\n"
             "    Most series of yours; one more is an ArrowMemoryError. None is 10000.\n\n"
             "Examples\n--------\n"
             ">>> metrics = Metrics()\n"
             ">>> server = Server(\"grpc://localhost:0\", metrics=metrics)\n"
             ">>> metrics.value(\"grpc_server_handled_total\", grpc_code=\"OK\")\n0.0");
PyDoc_STRVAR(metric_doc, "A series of the application's own, of :class:`Metrics`.\n\n"
                         "Examples\n--------\n"
                         ">>> queries = metrics.counter(\"app_queries_total\")\n"
                         ">>> queries.increase()");
PyDoc_STRVAR(port_doc, "The HTTP port of :meth:`Metrics.listen`.\n\n"
                       "Examples\n--------\n"
                       ">>> with metrics.listen(\"127.0.0.1:9090\") as port:\n"
                       "...     server.serve()");

static PyType_Slot metrics_slots[] = {
    {Py_tp_doc, (void *)metrics_doc},
    {Py_tp_new, (void *)metrics_new},
    {Py_tp_dealloc, (void *)metrics_dealloc},
    {Py_tp_methods, metrics_methods},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_metrics_spec = {
    .name = "cflight.Metrics",
    .basicsize = sizeof(struct metrics),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = metrics_slots,
};

static PyType_Slot metric_slots[] = {
    {Py_tp_doc, (void *)metric_doc},
    {Py_tp_dealloc, (void *)metric_dealloc},
    {Py_tp_methods, metric_methods},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_metric_spec = {
    .name = "cflight.Metric",
    .basicsize = sizeof(struct metric),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = metric_slots,
};

static PyType_Slot port_slots[] = {
    {Py_tp_doc, (void *)port_doc}, {Py_tp_dealloc, (void *)port_dealloc},
    {Py_tp_methods, port_methods}, {Py_tp_getset, port_getset},
    {Py_tp_members, cfp_members},  {0, NULL},
};

PyType_Spec cfp_metrics_port_spec = {
    .name = "cflight.MetricsPort",
    .basicsize = sizeof(struct port),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = port_slots,
};
