/* SPDX-License-Identifier: Apache-2.0 */
/* sql.Transaction, and how one begins. One that nobody has ended is rolled back when the object
 * goes. Thread class: one call at a time; a second one is refused. */
#include "sql/sql.h"

#include "base/convert.h"

static void release(void *handle)
{
    cflight_sql_transaction_free(handle);
}

static int transaction_clear(PyObject *self)
{
    cfp_sql_remote_clear(self, release);
    return 0;
}

static void transaction_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    (void)transaction_clear(self);
    cfp_object_end_dealloc(self);
}

PyObject *cfp_sql_client_transaction(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_sql_call call = {0};
    cflight_sql_transaction *handle = NULL;
    struct cfp_sql_remote *result = NULL;
    PyObject *options = cfp_sql_options_only(args, kwargs, "|O:transaction");
    if (options == NULL || cfp_sql_call_begin(&call, self, NULL, options, NULL) < 0) {
        goto done;
    }
    result = cfp_sql_remote_new(call.frame.state->sql_transaction_type, self);
    if (result == NULL || cfp_frame_block(&call.frame) < 0) {
        Py_CLEAR(result);
        goto done;
    }
    cflight_status status =
        cflight_sql_begin(call.frame.client, &call.options, &handle, &call.frame.error);
    if (cfp_frame_unblock(&call.frame, status) < 0) {
        Py_CLEAR(result);
        goto done;
    }
    result->handle = handle;

done:
    cfp_sql_call_end(&call);
    return (PyObject *)result;
}

typedef cflight_status end_fn(cflight_sql_transaction *, const struct cflight_sql_options *,
                              cflight_error **);

static PyObject *end(PyObject *self, PyObject *options, end_fn *function)
{
    struct cfp_sql_transaction *transaction = (struct cfp_sql_transaction *)self;
    struct cfp_sql_call call = {0};
    PyObject *result = NULL;
    if (options != NULL &&
        cfp_sql_call_begin(&call, transaction->remote.client, &transaction->remote, options,
                           NULL) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status =
            function(transaction->remote.handle, &call.options, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            transaction->is_over = true;
            result = Py_NewRef(Py_None);
        }
    }
    cfp_sql_call_end(&call);
    return result;
}

static PyObject *transaction_commit(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return end(self, cfp_sql_options_only(args, kwargs, "|O:commit"),
               cflight_sql_transaction_commit);
}

static PyObject *transaction_rollback(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return end(self, cfp_sql_options_only(args, kwargs, "|O:rollback"),
               cflight_sql_transaction_rollback);
}

static PyObject *transaction_savepoint(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"name", "options", NULL};
    struct cfp_sql_remote *remote = (struct cfp_sql_remote *)self;
    struct cfp_sql_call call = {0};
    struct cfp_sql_text name = {0};
    PyObject *options = Py_None;
    PyObject *result = NULL;
    cflight_buffer *id = NULL;
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "s#|O:savepoint", names, &name.data,
                                    &name.len_bytes, &options) &&
        cfp_sql_call_begin(&call, remote->client, remote, options, NULL) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status = cflight_sql_savepoint(remote->handle, cfp_sql_view(name),
                                                      &call.options, &id, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = cfp_bytes_take(id);
        }
    }
    cfp_sql_call_end(&call);
    return result;
}

static PyObject *end_savepoint(PyObject *self, PyObject *args, PyObject *kwargs, const char *format,
                               enum cflight_sql_end_action action)
{
    static char *names[] = {"savepoint", "options", NULL};
    struct cfp_sql_remote *remote = (struct cfp_sql_remote *)self;
    struct cfp_sql_call call = {0};
    struct cfp_sql_text id = {0};
    PyObject *options = Py_None;
    PyObject *result = NULL;
    if (PyArg_ParseTupleAndKeywords(args, kwargs, format, names, &id.data, &id.len_bytes,
                                    &options) &&
        cfp_sql_call_begin(&call, remote->client, remote, options, NULL) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status = cflight_sql_savepoint_end(remote->handle, cfp_sql_view(id), action,
                                                          &call.options, &call.frame.error);
        result = cfp_frame_unblock(&call.frame, status) < 0 ? NULL : Py_NewRef(Py_None);
    }
    cfp_sql_call_end(&call);
    return result;
}

static PyObject *transaction_release(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return end_savepoint(self, args, kwargs, "y#|O:release", CFLIGHT_SQL_END_RELEASE);
}

static PyObject *transaction_rollback_to(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return end_savepoint(self, args, kwargs, "y#|O:rollback_to", CFLIGHT_SQL_END_ROLLBACK);
}

static PyObject *transaction_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

/* Commits after a body that went well. What a body raised goes on, whatever becomes of the
 * rollback. */
static PyObject *transaction_exit(PyObject *self, PyObject *args)
{
    PyObject *class = NULL;
    PyObject *value = NULL;
    PyObject *traceback = NULL;
    if (!PyArg_ParseTuple(args, "OOO:__exit__", &class, &value, &traceback)) {
        return NULL;
    }
    if (((struct cfp_sql_transaction *)self)->is_over) {
        Py_RETURN_NONE;
    }
    if (class == Py_None) {
        return end(self, Py_None, cflight_sql_transaction_commit);
    }
    PyObject *result = end(self, Py_None, cflight_sql_transaction_rollback);
    if (result == NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
        result = Py_NewRef(Py_None);
    }
    return result;
}

static PyObject *transaction_id(PyObject *self, void *unused)
{
    (void)unused;
    void *handle = ((struct cfp_sql_remote *)self)->handle;
    return cfp_bytes_new(handle == NULL ? (struct cflight_bytes){0}
                                        : cflight_sql_transaction_id(handle));
}

static PyObject *transaction_is_over(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((struct cfp_sql_transaction *)self)->is_over);
}

#define CALL(name, signature, text)                                            \
    {                                                                          \
#name, CFP_KEYWORDS(transaction_##name), METH_VARARGS | METH_KEYWORDS, \
            PyDoc_STR(#name signature "\n--\n\n" text)                         \
    }

static PyMethodDef transaction_methods[] = {
    CALL(commit, "($self, options=None)",
         "End it and keep what it did.\n\n"
         "When this fails it may have been kept or not; it can still be rolled back."),
    CALL(rollback, "($self, options=None)", "End it and take back what it did."),
    CALL(savepoint, "($self, name, options=None)",
         "Mark a point that it can be taken back to: return its id, bytes."),
    CALL(release, "($self, savepoint, options=None)",
         "Forget a savepoint and those after it; what was done stays."),
    CALL(rollback_to, "($self, savepoint, options=None)",
         "Take back what was done since a savepoint, which stays; later ones are gone."),
    {"__enter__", transaction_enter, METH_NOARGS,
     PyDoc_STR("__enter__($self)\n--\n\nReturn self.")},
    {"__exit__", transaction_exit, METH_VARARGS,
     PyDoc_STR("__exit__($self, *args)\n--\n\n"
               "Commit, or roll back after an exception, unless it is over.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef transaction_getset[] = {
    {"id", transaction_id, NULL, PyDoc_STR("What the server calls it: bytes."), NULL},
    {"is_over", transaction_is_over, NULL, PyDoc_STR("Whether it was committed or rolled back."),
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(transaction_doc,
             "A transaction, of :meth:`Client.transaction`.\n\n"
             "As a context manager it commits at the end of the block, and rolls back when the "
             "block raises. One that is dropped is rolled back. Threads take turns: a call while "
             "another is using it is a ValueError.\n\n"
             "Examples\n--------\n"
             ">>> with client.transaction() as transaction:\n"
             "...     client.update(\"DELETE FROM stations\", transaction=transaction)");

static PyType_Slot transaction_slots[] = {
    {Py_tp_doc, (void *)transaction_doc},
    {Py_tp_dealloc, (void *)transaction_dealloc},
    {Py_tp_traverse, (void *)cfp_sql_remote_traverse},
    {Py_tp_clear, (void *)transaction_clear},
    {Py_tp_methods, transaction_methods},
    {Py_tp_getset, transaction_getset},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_sql_transaction_spec = {
    .name = "cflight.sql.Transaction",
    .basicsize = sizeof(struct cfp_sql_transaction),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = transaction_slots,
};
