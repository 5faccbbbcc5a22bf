/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls of Flight SQL have in common: their frame, what they are made with, rows that are
 * sent. Thread class: with the GIL. */
#include "sql/sql.h"

#include "arrow/arrow.h"
#include "base/convert.h"
#include "base/exceptions.h"

void *cfp_sql_remote_new(PyTypeObject *type, PyObject *client)
{
    struct cfp_sql_remote *self = (struct cfp_sql_remote *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->client = Py_NewRef(client);
    }
    return self;
}

int cfp_sql_remote_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((struct cfp_sql_remote *)self)->client);
    return 0;
}

void cfp_sql_remote_clear(PyObject *self, void (*release)(void *))
{
    struct cfp_sql_remote *remote = (struct cfp_sql_remote *)self;
    void *handle = remote->handle;
    remote->handle = NULL;
    if (handle != NULL) {
        cfp_release(release, handle);
    }
    Py_CLEAR(remote->client);
}

static int take(struct cfp_sql_remote *remote, const char *what, struct cfp_sql_remote **ret_taken)
{
    if (remote == NULL) {
        return 0;
    }
    if (remote->handle == NULL) {
        PyErr_Format(PyExc_ValueError, "there is no %s here any more", what);
        return -1;
    }
    if (atomic_exchange(&remote->is_busy, true)) {
        PyErr_Format(PyExc_ValueError, "another thread is using the %s", what);
        return -1;
    }
    *ret_taken = (struct cfp_sql_remote *)Py_NewRef((PyObject *)remote);
    return 0;
}

static void give(struct cfp_sql_remote **taken)
{
    struct cfp_sql_remote *remote = *taken;
    *taken = NULL;
    if (remote != NULL) {
        atomic_store(&remote->is_busy, false);
        Py_DECREF((PyObject *)remote);
    }
}

int cfp_sql_call_take(struct cfp_sql_call *call, struct cfp_state *state,
                      struct cfp_sql_remote *remote, PyObject *transaction)
{
    *call = (struct cfp_sql_call){.options = CFLIGHT_SQL_OPTIONS_INIT};
    struct cfp_sql_remote *other = NULL;
    if (transaction != NULL && transaction != Py_None) {
        if (cfp_check_type(transaction, state->sql_transaction_type, "transaction",
                           "cflight.sql.Transaction") < 0) {
            return -1;
        }
        other = (struct cfp_sql_remote *)transaction;
    }
    if (take(remote, "statement or transaction", &call->remote) < 0 ||
        take(other, "transaction", &call->transaction) < 0) {
        cfp_sql_call_give(call);
        return -1;
    }
    call->options.transaction = other == NULL ? NULL : other->handle;
    return 0;
}

void cfp_sql_call_give(struct cfp_sql_call *call)
{
    give(&call->transaction);
    give(&call->remote);
}

int cfp_sql_call_begin(struct cfp_sql_call *call, PyObject *client, struct cfp_sql_remote *remote,
                       PyObject *options, PyObject *transaction)
{
    if (cfp_sql_call_take(call, cfp_state_of(client), remote, transaction) < 0) {
        return -1;
    }
    call->options.call_options = &call->frame.call.options;
    return cfp_frame_begin(&call->frame, client, options, CFP_CALL_UNARY);
}

void cfp_sql_call_end(struct cfp_sql_call *call)
{
    cfp_frame_end(&call->frame);
    cfp_sql_call_give(call);
}

struct cflight_bytes cfp_sql_view(struct cfp_sql_text text)
{
    return cflight_bytes_make(text.data, (size_t)text.len_bytes);
}

PyObject *cfp_sql_options_only(PyObject *args, PyObject *kwargs, const char *format)
{
    static char *names[] = {"options", NULL};
    PyObject *options = Py_None;
    return PyArg_ParseTupleAndKeywords(args, kwargs, format, names, &options) ? options : NULL;
}

/* A stream of one batch. The array is moved out of its capsule, which is ours alone. */
static int rows_of_batch(struct cfp_state *state, PyObject *object,
                         struct ArrowArrayStream *ret_stream)
{
    struct cfp_batch batch;
    if (cfp_batch_get(state, object, &batch) < 0) {
        return -1;
    }
    cflight_error *error = NULL;
    struct ArrowArray *array =
        PyCapsule_GetPointer(PyTuple_GET_ITEM(batch.capsules, 1), "arrow_array");
    cflight_status status = cflight_batches_to_stream(batch.schema, array, 1, ret_stream, &error);
    cfp_batch_done(&batch);
    if (status != CFLIGHT_OK) {
        cfp_raise(state, status, error);
        return -1;
    }
    return 0;
}

static void release_stream(void *rows)
{
    struct ArrowArrayStream *stream = rows;
    stream->release(stream);
}

void cfp_sql_rows_release(struct ArrowArrayStream *rows)
{
    if (rows->release != NULL) {
        cfp_release(release_stream, rows);
    }
}

int cfp_sql_rows_get(struct cfp_state *state, PyObject *object, const char *name,
                     struct ArrowArrayStream *ret_stream)
{
    if (cfp_is_stream(object)) {
        return cfp_stream_get(object, ret_stream);
    }
    if (cfp_is_batch(state, object)) {
        return rows_of_batch(state, object, ret_stream);
    }
    cfp_argument_error(name, "an object with __arrow_c_stream__ or __arrow_c_array__", object);
    return -1;
}
