/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of Flight SQL under an event loop: what sql.Client offers to the package's asyncio part.
 *
 * A call has the arguments of the blocking one, by keyword, and gives what its message means: see
 * `value_of`. Nothing here waits. Thread class: loop only, with the GIL. */
#include "sql/sql.h"

#include <string.h>

#include "arrow/arrow.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "streams/notifier.h"

struct sql_async {
    CFP_HEAD
    cflight_sql_async *async; /* NULL once closed */
    struct cfp_notifier notifier;
    PyObject *options; /* of the call */
    bool binds;        /* the answer is a handle */
};

/* ---- arguments ---- */

static int take_bytes(PyObject *kwargs, const char *format, char *name,
                      struct cfp_sql_command *command, struct cflight_bytes *ret_bytes)
{
    char *names[] = {name, "options", NULL};
    struct cfp_sql_text bytes = {0};
    PyObject *nothing = PyTuple_New(0);
    int is_parsed =
        nothing != NULL && PyArg_ParseTupleAndKeywords(nothing, kwargs, format, names, &bytes.data,
                                                       &bytes.len_bytes, &command->options);
    Py_XDECREF(nothing);
    *ret_bytes = cfp_sql_view(bytes);
    return is_parsed ? 0 : -1;
}

static int parse_handle(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    (void)args;
    return take_bytes(kwargs, "y#|O", "handle", command, &command->message.handle);
}

/* A call of a statement with rows, which may be None. */
static int parse_rows(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    static char *names[] = {"handle", "rows", "options", NULL};
    struct cfp_sql_text handle = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y#O|O", names, &handle.data, &handle.len_bytes,
                                     &command->rows, &command->options)) {
        return -1;
    }
    command->rows = command->rows == Py_None ? NULL : command->rows;
    command->message.handle = cfp_sql_view(handle);
    return 0;
}

static int parse_info(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    (void)args;
    return take_bytes(kwargs, "y#|O", "info", command, &command->message.info);
}

static int parse_begin(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    PyObject *options = cfp_sql_options_only(args, kwargs, "|O");
    command->options = options == NULL ? Py_None : options;
    return options == NULL ? -1 : 0;
}

static int parse_savepoint(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    static char *names[] = {"id", "name", "options", NULL};
    struct cfp_sql_text id = {0};
    struct cfp_sql_text name = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y#s#|O:savepoint", names, &id.data,
                                     &id.len_bytes, &name.data, &name.len_bytes,
                                     &command->options)) {
        return -1;
    }
    command->message.savepoint =
        (struct cflight_sql_savepoint_name){cfp_sql_view(id), cfp_sql_view(name)};
    return 0;
}

static int parse_keeping_end(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    (void)args;
    command->message.end.action = CFLIGHT_SQL_END_COMMIT;
    return take_bytes(kwargs, "y#|O", "id", command, &command->message.end.id);
}

static int parse_undoing_end(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    (void)args;
    command->message.end.action = CFLIGHT_SQL_END_ROLLBACK;
    return take_bytes(kwargs, "y#|O", "id", command, &command->message.end.id);
}

/* The calls by name. NONE: the parser says the type. */
static const struct {
    const char *name;
    cfp_sql_parse *parse;
    enum cflight_sql_type type;
    bool is_upload;
} calls[] = {
    {"query", cfp_sql_parse_query, CFLIGHT_SQL_NONE, false},
    {"update", cfp_sql_parse_update, CFLIGHT_SQL_NONE, true},
    {"prepare", cfp_sql_parse_prepare, CFLIGHT_SQL_NONE, false},
    {"ingest", cfp_sql_parse_ingest, CFLIGHT_SQL_NONE, true},
    {"catalogs", cfp_sql_parse_catalogs, CFLIGHT_SQL_NONE, false},
    {"schemas", cfp_sql_parse_schemas, CFLIGHT_SQL_NONE, false},
    {"tables", cfp_sql_parse_tables, CFLIGHT_SQL_NONE, false},
    {"table_types", cfp_sql_parse_table_types, CFLIGHT_SQL_NONE, false},
    {"primary_keys", cfp_sql_parse_primary_keys, CFLIGHT_SQL_NONE, false},
    {"exported_keys", cfp_sql_parse_exported_keys, CFLIGHT_SQL_NONE, false},
    {"imported_keys", cfp_sql_parse_imported_keys, CFLIGHT_SQL_NONE, false},
    {"cross_reference", cfp_sql_parse_cross_reference, CFLIGHT_SQL_NONE, false},
    {"type_info", cfp_sql_parse_type_info, CFLIGHT_SQL_NONE, false},
    {"sql_info", cfp_sql_parse_sql_info, CFLIGHT_SQL_NONE, false},
    {"statement_query", parse_handle, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY, false},
    {"statement_bind", parse_rows, CFLIGHT_SQL_PREPARED_STATEMENT_QUERY, true},
    {"statement_update", parse_rows, CFLIGHT_SQL_PREPARED_STATEMENT_UPDATE, true},
    {"statement_close", parse_handle, CFLIGHT_SQL_CLOSE_PREPARED_STATEMENT, false},
    {"transaction", parse_begin, CFLIGHT_SQL_BEGIN_TRANSACTION, false},
    {"commit", parse_keeping_end, CFLIGHT_SQL_END_TRANSACTION, false},
    {"rollback", parse_undoing_end, CFLIGHT_SQL_END_TRANSACTION, false},
    {"savepoint", parse_savepoint, CFLIGHT_SQL_BEGIN_SAVEPOINT, false},
    {"release", parse_keeping_end, CFLIGHT_SQL_END_SAVEPOINT, false},
    {"rollback_to", parse_undoing_end, CFLIGHT_SQL_END_SAVEPOINT, false},
    {"cancel_query", parse_info, CFLIGHT_SQL_CANCEL_QUERY, false},
};

/* Puts the id of a transaction, bytes, into the messages that can have one. */
static int take_transaction(struct cfp_sql_command *command)
{
    if (command->transaction == Py_None) {
        return 0;
    }
    if (cfp_check_type(command->transaction, &PyBytes_Type, "transaction", "bytes") < 0) {
        return -1;
    }
    struct cflight_sql_message *message = &command->message;
    struct cflight_bytes id = cflight_bytes_make(PyBytes_AS_STRING(command->transaction),
                                                 (size_t)PyBytes_GET_SIZE(command->transaction));
    if (message->type == CFLIGHT_SQL_STATEMENT_INGEST) {
        message->ingest.transaction_id = id;
    } else if (message->type == CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN ||
               message->type == CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN) {
        message->substrait.transaction_id = id;
    } else {
        message->statement.transaction_id = id;
    }
    return 0;
}

/* ---- starting ---- */

/* What is started, and how. */
struct start {
    struct cfp_sql_command command;
    struct cfp_frame frame;
    bool is_upload;
    bool wants_schema;
    bool wants_state;
    struct cflight_poll_info before;
    const struct cflight_descriptor *descriptor;
    struct ArrowArrayStream rows;
};

static int parse(struct start *start, struct cfp_state *state, PyObject *args, PyObject *kwargs)
{
    const char *name = NULL;
    const char *purpose = "result";
    PyObject *after = Py_None;
    if (!PyArg_ParseTuple(args, "s|sO", &name, &purpose, &after)) {
        return -1;
    }
    start->wants_schema = strcmp(purpose, "schema") == 0;
    start->wants_state = strcmp(purpose, "state") == 0;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(calls[i].name, name) != 0) {
            continue;
        }
        PyObject *nothing = PyTuple_New(0);
        start->is_upload = calls[i].is_upload;
        int result = nothing == NULL ? -1 : calls[i].parse(nothing, kwargs, &start->command);
        Py_XDECREF(nothing);
        if (result == 0 && calls[i].type != CFLIGHT_SQL_NONE) {
            start->command.message.type = calls[i].type;
        }
        return result < 0 ? -1
                          : cfp_sql_next_descriptor(state, after, &start->command.scratch,
                                                    &start->before, &start->descriptor);
    }
    PyErr_Format(PyExc_ValueError, "there is no call '%s'", name);
    return -1;
}

/* Without the GIL. */
static cflight_status send(struct start *start, cflight_sql_async **ret_async)
{
    struct cflight_sql_options options = CFLIGHT_SQL_OPTIONS_INIT;
    const struct cflight_sql_message *message = &start->command.message;
    cflight_client *client = start->frame.client;
    cflight_error **reterr = &start->frame.error;
    options.call_options = &start->frame.call.options;
    if (start->is_upload) {
        struct ArrowArrayStream *rows = start->rows.release == NULL ? NULL : &start->rows;
        return cflight_sql_async_upload(client, message, rows, &options, ret_async, reterr);
    }
    if (start->wants_schema) {
        return cflight_sql_async_get_schema(client, message, &options, ret_async, reterr);
    }
    if (start->wants_state) {
        return cflight_sql_async_poll(client, message, start->descriptor, &options, ret_async,
                                      reterr);
    }
    return cflight_sql_async_start(client, message, &options, ret_async, reterr);
}

PyObject *cfp_sql_client_start(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct start start = {.command = CFP_SQL_COMMAND_INIT};
    struct cfp_state *state = cfp_state_of(self);
    struct sql_async *call =
        (struct sql_async *)state->sql_async_type->tp_alloc(state->sql_async_type, 0);
    if (call == NULL || parse(&start, state, args, kwargs) < 0 ||
        take_transaction(&start.command) < 0 ||
        (start.command.rows != NULL &&
         cfp_sql_rows_get(state, start.command.rows, "rows", &start.rows) < 0) ||
        cfp_frame_begin(&start.frame, self, start.command.options, CFP_CALL_LOOP) < 0 ||
        cfp_frame_block(&start.frame) < 0 ||
        cfp_frame_unblock(&start.frame, send(&start, &call->async)) < 0) {
        Py_CLEAR(call);
    } else {
        call->options = Py_NewRef(start.command.options);
        call->binds = start.command.message.type == CFLIGHT_SQL_PREPARED_STATEMENT_QUERY;
    }
    cfp_sql_rows_release(&start.rows);
    cfp_frame_end(&start.frame);
    cfp_sql_command_done(&start.command);
    return (PyObject *)call;
}

/* ---- answers ---- */

/* (info, reader of the rows that came with it, or None). */
static PyObject *info_value(struct sql_async *call, const struct cflight_info *info)
{
    struct cfp_state *state = cfp_state_of((PyObject *)call);
    struct ArrowArrayStream rows = {0};
    struct cfp_call borrowed;
    cflight_error *error = NULL;
    bool has_rows = false;
    if (cfp_call_begin(state, call->options, CFP_CALL_LOOP, &borrowed) < 0) {
        return NULL;
    }
    cflight_status status =
        cflight_sql_inline_rows(info, borrowed.options.read_options, &has_rows, &rows, &error);
    cfp_call_end(&borrowed);
    if (status != CFLIGHT_OK) {
        return cfp_raise(state, status, error);
    }
    PyObject *reader = has_rows ? cfp_own_stream_take(state, &rows) : Py_NewRef(Py_None);
    PyObject *object = reader == NULL ? NULL : cfp_info_new(state, info);
    PyObject *pair = object == NULL ? NULL : PyTuple_Pack(2, object, reader);
    Py_XDECREF(object);
    Py_XDECREF(reader);
    return pair;
}

/* (handle, schema, parameters, is_update). */
static PyObject *prepared_value(struct cfp_state *state,
                                const struct cflight_sql_prepared *prepared)
{
    PyObject *handle = cfp_bytes_new(prepared->handle);
    PyObject *schema = handle == NULL ? NULL : cfp_schema_decode(state, prepared->dataset_schema);
    PyObject *parameters =
        schema == NULL ? NULL : cfp_schema_decode(state, prepared->parameter_schema);
    PyObject *is_update = parameters == NULL ? NULL : cfp_sql_is_update(prepared->is_update);
    PyObject *result =
        is_update == NULL ? NULL : PyTuple_Pack(4, handle, schema, parameters, is_update);
    Py_XDECREF(handle);
    Py_XDECREF(schema);
    Py_XDECREF(parameters);
    Py_XDECREF(is_update);
    return result;
}

static PyObject *message_value(struct sql_async *call, const struct cflight_sql_message *message)
{
    struct cfp_state *state = cfp_state_of((PyObject *)call);
    if (message->type == CFLIGHT_SQL_UPDATE_RESULT) {
        return PyLong_FromLongLong(message->record_count);
    }
    if (message->type == CFLIGHT_SQL_CREATE_PREPARED_RESULT) {
        return prepared_value(state, &message->prepared);
    }
    if (message->type == CFLIGHT_SQL_CANCEL_QUERY_RESULT) {
        return PyObject_CallFunction(state->cancel_status, "i", (int)message->cancel_status);
    }
    return cfp_bytes_new(message->handle);
}

/* Of a command its info and rows, a schema or a state; of an upload the count or the new handle; of
 * an action what it gives. None for nothing. */
static PyObject *value_of(struct sql_async *call, struct cflight_sql_answer *answer)
{
    struct cfp_state *state = cfp_state_of((PyObject *)call);
    if (answer->info != NULL) {
        return info_value(call, answer->info);
    }
    if (answer->poll_info != NULL) {
        return cfp_poll_info_new(state, answer->poll_info);
    }
    if (answer->schema.release != NULL) {
        return cfp_schema_take(state, &answer->schema);
    }
    return answer->message == NULL ? Py_NewRef(Py_None) : message_value(call, answer->message);
}

static int check_open(struct sql_async *call)
{
    if (call->async == NULL) {
        PyErr_SetString(PyExc_ValueError, "the call is closed");
        return -1;
    }
    return 0;
}

/* (is_ready, what it gave). */
static PyObject *sql_async_try_next(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct sql_async *call = (struct sql_async *)self;
    struct cflight_sql_answer answer = {.info = NULL};
    struct cfp_wait wait;
    cflight_error *error = NULL;
    bool is_ready = false;
    if (check_open(call) < 0 || cfp_wait_begin(&wait, cfp_state_of(self), NULL, NULL) < 0) {
        return NULL;
    }
    cflight_status status = cflight_sql_async_try_finish(call->async, &is_ready, &answer, &error);
    if (cfp_wait_end(&wait, status, error) < 0) {
        return NULL;
    }
    PyObject *value = is_ready ? value_of(call, &answer) : Py_NewRef(Py_None);
    cflight_sql_answer_done(&answer);
    return value == NULL ? NULL : Py_BuildValue("ON", is_ready ? Py_True : Py_False, value);
}

static PyObject *sql_async_notify(PyObject *self, PyObject *callback)
{
    struct sql_async *call = (struct sql_async *)self;
    if (check_open(call) < 0) {
        return NULL;
    }
    bool is_set = cfp_notifier_set(&call->notifier, callback);
    Py_BEGIN_ALLOW_THREADS
    cflight_sql_async_notify(call->async, is_set ? cfp_notifier_ready : NULL, &call->notifier);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static void free_async(void *async)
{
    cflight_sql_async_free(async);
}

static PyObject *sql_async_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    struct sql_async *call = (struct sql_async *)self;
    cflight_sql_async *async = call->async;
    call->async = NULL;
    if (async != NULL) {
        cfp_release(free_async, async);
    }
    Py_CLEAR(call->notifier.callback);
    Py_RETURN_NONE;
}

static int sql_async_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct sql_async *call = (struct sql_async *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(call->notifier.callback);
    Py_VISIT(call->options);
    return 0;
}

static int sql_async_clear(PyObject *self)
{
    struct sql_async *call = (struct sql_async *)self;
    Py_CLEAR(call->notifier.callback);
    Py_CLEAR(call->options);
    return 0;
}

static void sql_async_dealloc(PyObject *self)
{
    cfp_object_begin_dealloc(self);
    Py_XDECREF(sql_async_close(self, NULL));
    Py_CLEAR(((struct sql_async *)self)->options);
    cfp_object_end_dealloc(self);
}

static PyMethodDef sql_async_methods[] = {
    {"try_next", sql_async_try_next, METH_NOARGS,
     PyDoc_STR("try_next($self)\n--\n\nReturn (is ready, what the call gave).")},
    {"notify", sql_async_notify, METH_O,
     PyDoc_STR("notify($self, callback, /)\n--\n\nHave `callback` called once when trying helps.")},
    {"close", sql_async_close, METH_NOARGS,
     PyDoc_STR("close($self)\n--\n\nCancel the call if it runs. Safe to repeat.")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(sql_async_doc, "A call of Flight SQL that is driven by an event loop.");

static PyType_Slot sql_async_slots[] = {
    {Py_tp_doc, (void *)sql_async_doc},
    {Py_tp_dealloc, (void *)sql_async_dealloc},
    {Py_tp_traverse, (void *)sql_async_traverse},
    {Py_tp_clear, (void *)sql_async_clear},
    {Py_tp_methods, sql_async_methods},
    {Py_tp_members, cfp_members},
    {0, NULL},
};

PyType_Spec cfp_sql_async_spec = {
    .name = "cflight.sql.AsyncCall",
    .basicsize = sizeof(struct sql_async),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .slots = sql_async_slots,
};

/* ---- rows that were read under the event loop ---- */

/* Of a list of batches. */
PyObject *cfp_sql_client_read_info(PyObject *self, PyObject *batches)
{
    struct cfp_state *state = cfp_state_of(self);
    cflight_sql_info *info = NULL;
    cflight_error *error = NULL;
    if (cfp_check_type(batches, &PyList_Type, "batches", "list") < 0) {
        return NULL;
    }
    cflight_status status = cflight_sql_info_new(&info, &error);
    for (Py_ssize_t i = 0; status == CFLIGHT_OK && i < PyList_GET_SIZE(batches); i++) {
        struct cfp_batch batch;
        if (cfp_batch_get(state, PyList_GET_ITEM(batches, i), &batch) < 0) {
            cflight_sql_info_free(info);
            return NULL;
        }
        status = cflight_sql_info_add_batch(info, batch.schema, batch.array, &error);
        cfp_batch_done(&batch);
    }
    PyObject *result =
        status == CFLIGHT_OK ? cfp_sql_info_dict(info) : cfp_raise(state, status, error);
    cflight_sql_info_free(info);
    return result;
}

/* (rows, table, catalog, schema). */
PyObject *cfp_sql_client_read_schema(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_state *state = cfp_state_of(self);
    struct cfp_sql_command command = CFP_SQL_COMMAND_INIT;
    struct ArrowArrayStream stream = {0};
    struct ArrowSchema schema;
    cflight_error *error = NULL;
    PyObject *rows = NULL;
    PyObject *nothing = PyTuple_New(0);
    PyObject *result = NULL;
    if (nothing != NULL && PyArg_ParseTuple(args, "O", &rows) &&
        cfp_sql_parse_table_schema(nothing, kwargs, &command) == 0 &&
        cfp_stream_get(rows, &stream) == 0) {
        cflight_status status =
            cflight_sql_find_table_schema(&stream, &command.message.table, &schema, &error);
        result = status == CFLIGHT_OK ? cfp_schema_take(state, &schema)
                                      : cfp_raise(state, status, error);
    }
    Py_XDECREF(nothing);
    cfp_sql_command_done(&command);
    return result;
}

PyObject *cfp_sql_client_make_table(PyObject *self, PyObject *args)
{
    PyObject *schema = NULL;
    PyObject *batches = NULL;
    return PyArg_ParseTuple(args, "OO", &schema, &batches)
               ? cfp_table_new(cfp_state_of(self), schema, batches)
               : NULL;
}
