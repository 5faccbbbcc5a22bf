/* SPDX-License-Identifier: Apache-2.0 */
/* FlightClient.fetch: all endpoints of a FlightInfo as one stream.
 *
 * The library borrows the options until the stream is released, so they live in a box behind a
 * stream of our own, which passes everything on. Reading it releases the GIL where the reader holds
 * it, and Ctrl+C ends the wait. Thread class: one at a time; the stream needs no GIL, but takes it
 * to rewrite a location and in its release. */
#include "client/fetch.h"

#include "arrow/arrow.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"
#include "client/call.h"
#include "client/client.h"
#include "client/client_frame.h"

struct fetch_box {
    struct cfp_state *state;
    struct cfp_call call;
    struct cfp_client_build build;
    struct cflight_fetch_options options;
    PyObject *rewrite;   /* a callable, or NULL */
    PyObject *rewritten; /* bytes: its last answer */
    PyObject *trust;     /* a callable, or NULL */
    PyObject *progress;  /* a callable, or NULL */
    struct ArrowArrayStream inner;
};

/* With the GIL. */
static void box_free(struct fetch_box *box)
{
    cfp_client_options_end(&box->build);
    cfp_call_end(&box->call);
    Py_XDECREF(box->rewrite);
    Py_XDECREF(box->rewritten);
    Py_XDECREF(box->trust);
    Py_XDECREF(box->progress);
    PyMem_RawFree(box);
}

static PyObject *rewrite(struct fetch_box *box, const char *location)
{
    PyObject *text = cfp_text_new(cflight_bytes_from_text(location));
    PyObject *answer = text == NULL ? NULL : PyObject_CallOneArg(box->rewrite, text);
    PyObject *bytes = NULL;
    if (answer != NULL && answer != Py_None) {
        bytes = cfp_location_uri(box->state, answer, "rewrite_location must return a location");
    }
    Py_XDECREF(text);
    Py_XDECREF(answer);
    return bytes;
}

static const char *on_rewrite(void *user_data, const char *location)
{
    struct fetch_box *box = user_data;
    PyGILState_STATE gil = PyGILState_Ensure();
    Py_XSETREF(box->rewritten, rewrite(box, location));
    if (PyErr_Occurred() != NULL) {
        cfp_warn_unraisable("rewrite_location of fetch()");
    }
    const char *answer = box->rewritten == NULL ? NULL : PyBytes_AS_STRING(box->rewritten);
    PyGILState_Release(gil);
    return answer;
}

/* What raises is not trusted. */
static bool on_trust(void *user_data, const char *location)
{
    struct fetch_box *box = user_data;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *text = cfp_text_new(cflight_bytes_from_text(location));
    PyObject *answer = text == NULL ? NULL : PyObject_CallOneArg(box->trust, text);
    int is_trusted = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(text);
    Py_XDECREF(answer);
    if (is_trusted < 0) {
        cfp_warn_unraisable("location_is_trusted of fetch()");
    }
    PyGILState_Release(gil);
    return is_trusted > 0;
}

static void tell_progress(struct fetch_box *box)
{
    struct cflight_fetch_counts counts;
    if (box->progress == NULL || !cflight_fetch_progress(&box->inner, &counts)) {
        return;
    }
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *value =
        PyObject_CallFunction(box->state->fetch_progress, "KKKKKLL", counts.batch_count,
                              counts.row_count, counts.body_bytes, counts.endpoints_done,
                              counts.endpoint_count, counts.total_records, counts.total_bytes);
    PyObject *answer = value == NULL ? NULL : PyObject_CallOneArg(box->progress, value);
    if (answer == NULL) {
        cfp_warn_unraisable("progress of fetch()");
    }
    Py_XDECREF(value);
    Py_XDECREF(answer);
    PyGILState_Release(gil);
}

struct pause {
    bool has_gil;
    PyGILState_STATE gil;
    struct cfp_wait wait;
};

static void pause_begin(struct pause *pause, struct fetch_box *box)
{
    pause->has_gil = cfp_is_main_thread(box->state) || PyGILState_Check();
    if (pause->has_gil) {
        pause->gil = PyGILState_Ensure();
        cfp_wait_begin_deferred(&pause->wait, box->state, cfp_interrupt_cancel, box->call.cancel);
    }
}

static void pause_end(struct pause *pause)
{
    if (pause->has_gil) {
        cfp_wait_end_deferred(&pause->wait);
        PyGILState_Release(pause->gil);
    }
}

static int fetch_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct fetch_box *box = stream->private_data;
    struct pause pause;
    pause_begin(&pause, box);
    int code = box->inner.get_schema(&box->inner, ret_schema);
    pause_end(&pause);
    return code;
}

static int fetch_get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_array)
{
    struct fetch_box *box = stream->private_data;
    struct pause pause;
    pause_begin(&pause, box);
    int code = box->inner.get_next(&box->inner, ret_array);
    pause_end(&pause);
    if (code == 0) {
        tell_progress(box);
    }
    return code;
}

static const char *fetch_get_last_error(struct ArrowArrayStream *stream)
{
    struct fetch_box *box = stream->private_data;
    return box->inner.get_last_error(&box->inner);
}

static void release_inner(void *pointer)
{
    struct ArrowArrayStream *inner = pointer;
    inner->release(inner);
}

static void fetch_release(struct ArrowArrayStream *stream)
{
    struct fetch_box *box = stream->private_data;
    stream->release = NULL;
    PyGILState_STATE gil = PyGILState_Ensure();
    cfp_release(release_inner, &box->inner);
    box_free(box);
    PyGILState_Release(gil);
}

static int raise_failure(struct cfp_state *state, struct ArrowArrayStream *stream, int code)
{
    struct fetch_box *box = stream->private_data;
    cflight_error *error = cflight_fetch_error(&box->inner);
    if (error == NULL) {
        return cfp_stream_raise(state, stream, code);
    }
    cfp_raise(state, cflight_error_status(error), error);
    return -1;
}

/* A reader of pyarrow's, where there is one, over an iterator: of an Arrow stream that fails it
 * would see no more than a number and a text. */
static PyObject *reader_over(struct cfp_state *state, struct ArrowArrayStream *stream)
{
    PyObject *own = cfp_own_stream_take_raising(state, stream, raise_failure);
    if (own == NULL || state->pa == NULL) {
        return own;
    }
    PyObject *schema = PyObject_GetAttrString(own, "schema");
    PyObject *result = NULL;
    if (schema != NULL) {
        PyObject *arguments[] = {schema, own};
        result = PyObject_Vectorcall(state->pa_reader_from_batches, arguments, 2, NULL);
    }
    Py_XDECREF(schema);
    Py_DECREF(own);
    return result;
}

static int box_fill(struct fetch_box *box, PyObject *self, const struct cfp_fetch_arguments *given)
{
    if (cfp_call_begin(box->state, given->options, CFP_CALL_ITERATOR, &box->call) < 0 ||
        cfp_client_options_begin(self, &box->build) < 0) {
        return -1;
    }
    box->options = (struct cflight_fetch_options)CFLIGHT_FETCH_OPTIONS_INIT;
    box->options.call_options = &box->call.options;
    box->options.client_options = &box->build.options;
    box->options.parallel_max = given->parallel;
    box->options.attempts_max = given->attempts;
    box->options.any_order = given->any_order != 0;
    if (given->rewrite_location != Py_None) {
        box->rewrite = Py_NewRef(given->rewrite_location);
        box->options.rewrite_location = on_rewrite;
    }
    if (given->location_is_trusted != Py_None) {
        box->trust = Py_NewRef(given->location_is_trusted);
        box->options.location_is_trusted = on_trust;
    }
    if (given->progress != Py_None) {
        box->progress = Py_NewRef(given->progress);
    }
    box->options.user_data = box;
    return 0;
}

/* Makes the stream. From then on it owns the box. */
static PyObject *start_box(struct fetch_box *box, cflight_client *client, cfp_fetch_start *start,
                           void *request, bool *ret_is_taken)
{
    struct cfp_wait wait;
    cflight_error *error = NULL;
    if (cfp_wait_begin(&wait, box->state, cfp_interrupt_cancel, box->call.cancel) < 0) {
        return NULL;
    }
    cflight_status status = start(request, client, &box->options, &box->inner, &error);
    if (cfp_wait_end(&wait, status, error) < 0) {
        return NULL;
    }
    struct ArrowArrayStream stream = {
        .get_schema = fetch_get_schema,
        .get_next = fetch_get_next,
        .get_last_error = fetch_get_last_error,
        .release = fetch_release,
        .private_data = box,
    };
    *ret_is_taken = true;
    return reader_over(box->state, &stream);
}

PyObject *cfp_fetch(PyObject *client, const struct cfp_fetch_arguments *given,
                    cfp_fetch_start *start, void *request)
{
    cflight_client *handle = cfp_client_handle(client);
    if (handle == NULL) {
        return NULL;
    }
    struct fetch_box *box = PyMem_RawCalloc(1, sizeof(*box));
    if (box == NULL) {
        return PyErr_NoMemory();
    }
    box->state = cfp_state_of(client);
    bool is_taken = false;
    PyObject *reader = NULL;
    if (box_fill(box, client, given) == 0) {
        reader = start_box(box, handle, start, request, &is_taken);
    }
    if (!is_taken) {
        box_free(box);
    }
    return reader;
}

static cflight_status start_info(void *info, cflight_client *client,
                                 const struct cflight_fetch_options *options,
                                 struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    return cflight_fetch(client, info, options, ret_stream, reterr);
}

PyObject *cfp_client_fetch(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"info",
                            "options",
                            "parallel",
                            "any_order",
                            "attempts",
                            "rewrite_location",
                            "location_is_trusted",
                            "progress",
                            NULL};
    struct cfp_fetch_arguments given = CFP_FETCH_ARGUMENTS_INIT;
    struct cfp_state *state = cfp_state_of(self);
    struct cfp_scratch scratch = CFP_SCRATCH_INIT;
    struct cflight_info info;
    PyObject *object = NULL;
    PyObject *reader = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O$IpIOOO:fetch", names, &object,
                                     &given.options, &given.parallel, &given.any_order,
                                     &given.attempts, &given.rewrite_location,
                                     &given.location_is_trusted, &given.progress) ||
        cfp_check_type(object, state->info_type, "info", "cflight.FlightInfo") < 0) {
        return NULL;
    }
    if (cfp_info_view(object, &scratch, &info) == 0) {
        reader = cfp_fetch(self, &given, start_info, &info);
    }
    cfp_scratch_done(&scratch);
    return reader;
}
