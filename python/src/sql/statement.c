/* SPDX-License-Identifier: Apache-2.0 */
/* sql.Statement, and how one is prepared. One that nobody has closed is closed when the object
 * goes. Thread class: one call at a time; a second one is refused. */
#include "sql/sql.h"

#include "arrow/arrow.h"
#include "base/convert.h"
#include "base/exceptions.h"

static void release(void *handle)
{
    cflight_sql_statement_free(handle);
}

static int statement_clear(PyObject *self)
{
    cfp_sql_remote_clear(self, release);
    return 0;
}

static void statement_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    (void)statement_clear(self);
    cfp_object_end_dealloc(self);
}

static cflight_status prepare(struct cfp_sql_call *call, const struct cflight_sql_message *message,
                              cflight_sql_statement **ret_handle)
{
    struct cfp_frame *frame = &call->frame;
    return message->type == CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN
               ? cflight_sql_prepare_plan(frame->client, &message->substrait, &call->options,
                                          ret_handle, &frame->error)
               : cflight_sql_prepare(frame->client, message->statement.query, &call->options,
                                     ret_handle, &frame->error);
}

PyObject *cfp_sql_client_prepare(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_sql_command command = CFP_SQL_COMMAND_INIT;
    struct cfp_sql_call call = {0};
    cflight_sql_statement *handle = NULL;
    struct cfp_sql_remote *result = NULL;
    if (cfp_sql_parse_prepare(args, kwargs, &command) < 0 ||
        cfp_sql_call_begin(&call, self, NULL, command.options, command.transaction) < 0) {
        goto done;
    }
    result = cfp_sql_remote_new(call.frame.state->sql_statement_type, self);
    if (result == NULL || cfp_frame_block(&call.frame) < 0) {
        Py_CLEAR(result);
        goto done;
    }
    cflight_status status = prepare(&call, &command.message, &handle);
    if (cfp_frame_unblock(&call.frame, status) < 0) {
        Py_CLEAR(result);
        goto done;
    }
    result->handle = handle;

done:
    cfp_sql_call_end(&call);
    return (PyObject *)result;
}

static PyObject *statement_bind(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"rows", "options", NULL};
    struct cfp_sql_remote *remote = (struct cfp_sql_remote *)self;
    struct cfp_sql_call call = {0};
    struct ArrowArrayStream rows = {0};
    PyObject *object = NULL;
    PyObject *options = Py_None;
    PyObject *result = NULL;
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:bind", names, &object, &options) &&
        cfp_sql_call_begin(&call, remote->client, remote, options, NULL) == 0 &&
        cfp_sql_rows_get(call.frame.state, object, "rows", &rows) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status =
            cflight_sql_statement_bind(remote->handle, &rows, &call.options, &call.frame.error);
        result = cfp_frame_unblock(&call.frame, status) < 0 ? NULL : Py_NewRef(Py_None);
    }
    cfp_sql_rows_release(&rows);
    cfp_sql_call_end(&call);
    return result;
}

static PyObject *statement_update(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"rows", "options", NULL};
    struct cfp_sql_remote *remote = (struct cfp_sql_remote *)self;
    struct cfp_sql_call call = {0};
    struct ArrowArrayStream rows = {0};
    PyObject *object = Py_None;
    PyObject *options = Py_None;
    PyObject *result = NULL;
    int64_t row_count = -1;
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:update", names, &object, &options) &&
        cfp_sql_call_begin(&call, remote->client, remote, options, NULL) == 0 &&
        (object == Py_None || cfp_sql_rows_get(call.frame.state, object, "rows", &rows) == 0) &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status =
            cflight_sql_statement_update(remote->handle, rows.release == NULL ? NULL : &rows,
                                         &call.options, &row_count, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = PyLong_FromLongLong(row_count);
        }
    }
    cfp_sql_rows_release(&rows);
    cfp_sql_call_end(&call);
    return result;
}

static cflight_status start_query(void *request, cflight_client *client,
                                  const struct cflight_fetch_options *options,
                                  struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct cfp_sql_call *call = request;
    (void)client;
    call->options.call_options = options->call_options;
    call->options.fetch_options = options;
    return cflight_sql_statement_query(call->remote->handle, &call->options, ret_stream, reterr);
}

static PyObject *statement_query(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {
        "options",  "parallel", "any_order", "attempts", "rewrite_location", "location_is_trusted",
        "progress", NULL};
    struct cfp_sql_remote *remote = (struct cfp_sql_remote *)self;
    struct cfp_fetch_arguments given = CFP_FETCH_ARGUMENTS_INIT;
    struct cfp_sql_call call = {0};
    PyObject *reader = NULL;
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "|O$IpIOOO:query", names, &given.options,
                                    &given.parallel, &given.any_order, &given.attempts,
                                    &given.rewrite_location, &given.location_is_trusted,
                                    &given.progress) &&
        cfp_sql_call_take(&call, cfp_state_of(self), remote, NULL) == 0) {
        reader = cfp_fetch(remote->client, &given, start_query, &call);
    }
    cfp_sql_call_give(&call);
    return reader;
}

static PyObject *statement_query_info(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_sql_remote *remote = (struct cfp_sql_remote *)self;
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_PREPARED_STATEMENT_QUERY};
    struct cfp_sql_call call = {0};
    struct cflight_info *info = NULL;
    PyObject *options = cfp_sql_options_only(args, kwargs, "|O:query_info");
    PyObject *result = NULL;
    if (options != NULL && cfp_sql_call_begin(&call, remote->client, remote, options, NULL) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        message.handle = cflight_sql_statement_handle(remote->handle);
        cflight_status status = cflight_sql_get_info(call.frame.client, &message, &call.options,
                                                     &info, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = cfp_info_new(call.frame.state, info);
            cflight_info_free(info);
        }
    }
    cfp_sql_call_end(&call);
    return result;
}

static PyObject *close_with(PyObject *self, PyObject *options)
{
    struct cfp_sql_remote *remote = (struct cfp_sql_remote *)self;
    struct cfp_sql_call call = {0};
    PyObject *result = NULL;
    if (options != NULL && remote->handle == NULL) {
        return Py_NewRef(Py_None);
    }
    if (options != NULL && cfp_sql_call_begin(&call, remote->client, remote, options, NULL) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status =
            cflight_sql_statement_close(remote->handle, &call.options, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            void *handle = remote->handle;
            remote->handle = NULL;
            cfp_release(release, handle);
            result = Py_NewRef(Py_None);
        }
    }
    cfp_sql_call_end(&call);
    return result;
}

static PyObject *statement_close(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return close_with(self, cfp_sql_options_only(args, kwargs, "|O:close"));
}

static PyObject *statement_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

/* What the block raised goes on, whatever becomes of the closing. */
static PyObject *statement_exit(PyObject *self, PyObject *args)
{
    PyObject *result = close_with(self, Py_None);
    if (result == NULL && PyErr_ExceptionMatches(PyExc_Exception) && PyTuple_GET_SIZE(args) > 0 &&
        PyTuple_GET_ITEM(args, 0) != Py_None) {
        PyErr_Clear();
        result = Py_NewRef(Py_None);
    }
    return result;
}

/* None for a schema that the server gave not. */
static PyObject *schema_of(PyObject *self,
                           const struct ArrowSchema *(*get)(const cflight_sql_statement *))
{
    struct cfp_state *state = cfp_state_of(self);
    void *handle = ((struct cfp_sql_remote *)self)->handle;
    const struct ArrowSchema *schema = handle == NULL ? NULL : get(handle);
    struct ArrowSchema copy;
    cflight_error *error = NULL;
    if (schema == NULL) {
        Py_RETURN_NONE;
    }
    cflight_status status = cflight_schema_copy(schema, &copy, &error);
    return status != CFLIGHT_OK ? cfp_raise(state, status, error) : cfp_schema_take(state, &copy);
}

static PyObject *statement_schema(PyObject *self, void *unused)
{
    (void)unused;
    return schema_of(self, cflight_sql_statement_schema);
}

static PyObject *statement_parameters(PyObject *self, void *unused)
{
    (void)unused;
    return schema_of(self, cflight_sql_statement_parameters);
}

PyObject *cfp_sql_is_update(enum cflight_sql_update update)
{
    if (update == CFLIGHT_SQL_UPDATE_UNKNOWN) {
        Py_RETURN_NONE;
    }
    return PyBool_FromLong(update == CFLIGHT_SQL_UPDATE_YES);
}

static PyObject *statement_is_update(PyObject *self, void *unused)
{
    (void)unused;
    void *handle = ((struct cfp_sql_remote *)self)->handle;
    return cfp_sql_is_update(handle == NULL ? CFLIGHT_SQL_UPDATE_UNKNOWN
                                            : cflight_sql_statement_is_update(handle));
}

#define CALL(name, signature, text)                                          \
    {                                                                        \
#name, CFP_KEYWORDS(statement_##name), METH_VARARGS | METH_KEYWORDS, \
            PyDoc_STR(#name signature "\n--\n\n" text)                       \
    }

static PyMethodDef statement_methods[] = {
    CALL(bind, "($self, rows, options=None)",
         "Send rows of parameters, anything with ``__arrow_c_stream__`` or "
         "``__arrow_c_array__``.\n\n"
         "Columns are taken by position, and the statement runs once for each row. They stay bound "
         "until others replace them."),
    CALL(query,
         "($self, options=None, *, parallel=0, any_order=False, attempts=0, rewrite_location=None, "
         "location_is_trusted=None, progress=None)",
         "Run it as a query: return a reader of all rows, as :meth:`Client.query` does."),
    CALL(query_info, "($self, options=None)",
         "Run it as a query and return its :class:`FlightInfo`, as :meth:`Client.query_info` "
         "does."),
    CALL(update, "($self, rows=None, options=None)",
         "Run it as an update: return the number of rows affected, or -1 when the server does not "
         "know.\n\n"
         "`rows` are parameters, sent with it; None are those that were bound."),
    CALL(close, "($self, options=None)",
         "Tell the server that it is needed no more. Safe to repeat."),
    {"__enter__", statement_enter, METH_NOARGS, PyDoc_STR("__enter__($self)\n--\n\nReturn self.")},
    {"__exit__", statement_exit, METH_VARARGS,
     PyDoc_STR("__exit__($self, *args)\n--\n\nCall close().")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef statement_getset[] = {
    {"schema", statement_schema, NULL,
     PyDoc_STR("The schema of its result; None when the server gave none."), NULL},
    {"parameters", statement_parameters, NULL,
     PyDoc_STR("The schema of its parameters, in their order; None when the server gave none."),
     NULL},
    {"is_update", statement_is_update, NULL,
     PyDoc_STR("Whether it changes something; None when the server does not say."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(
    statement_doc,
    "A prepared statement, of :meth:`Client.prepare`: runs any number of times.\n\n"
    "As a context manager it is closed at the end of the block; one that is dropped is "
    "closed, too. Threads take turns: a call while another is using it is a ValueError.\n\n"
    "Examples\n--------\n"
    ">>> with client.prepare(\"SELECT * FROM stations WHERE id = ?\") as statement:\n"
    "...     statement.bind(pa.table({\"id\": [7]}))\n"
    "...     table = statement.query().read_all()");

static PyType_Slot statement_slots[] = {
    {Py_tp_doc, (void *)statement_doc},
    {Py_tp_dealloc, (void *)statement_dealloc},
    {Py_tp_traverse, (void *)cfp_sql_remote_traverse},
    {Py_tp_clear, (void *)statement_clear},
    {Py_tp_methods, statement_methods},
    {Py_tp_getset, statement_getset},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_sql_statement_spec = {
    .name = "cflight.sql.Statement",
    .basicsize = sizeof(struct cfp_sql_remote),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = statement_slots,
};
