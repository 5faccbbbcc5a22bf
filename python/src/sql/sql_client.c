/* SPDX-License-Identifier: Apache-2.0 */
/* sql.Client: a FlightClient with the calls of Flight SQL. Here are those that run statements, and
 * the table of methods. Thread class: free. */
#include "sql/sql.h"

#include <string.h>

#include "arrow/arrow.h"
#include "base/convert.h"
#include "client/client.h"

/* A statement whose rows are fetched. */
struct query {
    struct cfp_sql_call call;
    struct cflight_sql_message message;
};

static cflight_status start_query(void *request, cflight_client *client,
                                  const struct cflight_fetch_options *options,
                                  struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct query *query = request;
    query->call.options.call_options = options->call_options;
    query->call.options.fetch_options = options;
    return cflight_sql_get_rows(client, &query->message, &query->call.options, ret_stream, reterr);
}

static PyObject *client_query(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"query",     "options",  "transaction",      "parallel",
                            "any_order", "attempts", "rewrite_location", "location_is_trusted",
                            "progress",  NULL};
    struct cfp_fetch_arguments given = CFP_FETCH_ARGUMENTS_INIT;
    struct query query = {0};
    PyObject *text = NULL;
    PyObject *transaction = Py_None;
    PyObject *reader = NULL;
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "O|O$OIpIOOO:query", names, &text, &given.options,
                                    &transaction, &given.parallel, &given.any_order,
                                    &given.attempts, &given.rewrite_location,
                                    &given.location_is_trusted, &given.progress) &&
        cfp_sql_query_get(text, CFLIGHT_SQL_STATEMENT_QUERY, CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN,
                          &query.message) == 0 &&
        cfp_sql_call_take(&query.call, cfp_state_of(self), NULL, transaction) == 0) {
        reader = cfp_fetch(self, &given, start_query, &query);
    }
    cfp_sql_call_give(&query.call);
    return reader;
}

/* Parses, and begins the call. */
static int begin(PyObject *self, PyObject *args, PyObject *kwargs, cfp_sql_parse *parse,
                 struct cfp_sql_command *command, struct cfp_sql_call *call)
{
    if (parse(args, kwargs, command) < 0 ||
        cfp_sql_call_begin(call, self, NULL, command->options, command->transaction) < 0) {
        return -1;
    }
    return cfp_frame_block(&call->frame);
}

static PyObject *client_query_info(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_sql_command command = CFP_SQL_COMMAND_INIT;
    struct cfp_sql_call call = {0};
    struct cflight_info *info = NULL;
    PyObject *result = NULL;
    if (begin(self, args, kwargs, cfp_sql_parse_query, &command, &call) == 0) {
        cflight_status status = cflight_sql_get_info(call.frame.client, &command.message,
                                                     &call.options, &info, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = cfp_info_new(call.frame.state, info);
            cflight_info_free(info);
        }
    }
    cfp_sql_call_end(&call);
    return result;
}

static PyObject *client_query_schema(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_sql_command command = CFP_SQL_COMMAND_INIT;
    struct cfp_sql_call call = {0};
    struct ArrowSchema schema;
    PyObject *result = NULL;
    if (begin(self, args, kwargs, cfp_sql_parse_query, &command, &call) == 0) {
        cflight_status status = cflight_sql_get_schema(call.frame.client, &command.message,
                                                       &call.options, &schema, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = cfp_schema_take(call.frame.state, &schema);
        }
    }
    cfp_sql_call_end(&call);
    return result;
}

static cflight_status update(struct cfp_sql_call *call, const struct cflight_sql_message *message,
                             int64_t *ret_row_count)
{
    struct cfp_frame *frame = &call->frame;
    return message->type == CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN
               ? cflight_sql_update_by_plan(frame->client, &message->substrait, &call->options,
                                            ret_row_count, &frame->error)
               : cflight_sql_update(frame->client, message->statement.query, &call->options,
                                    ret_row_count, &frame->error);
}

static PyObject *client_update(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_sql_command command = CFP_SQL_COMMAND_INIT;
    struct cfp_sql_call call = {0};
    PyObject *result = NULL;
    int64_t row_count = -1;
    if (begin(self, args, kwargs, cfp_sql_parse_update, &command, &call) == 0) {
        cflight_status status = update(&call, &command.message, &row_count);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = PyLong_FromLongLong(row_count);
        }
    }
    cfp_sql_call_end(&call);
    return result;
}

static PyObject *client_query_poll(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"query", "options", "after", "transaction", NULL};
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_NONE};
    struct cfp_sql_call call = {0};
    struct cflight_poll_info before;
    const struct cflight_descriptor *descriptor = NULL;
    struct cflight_poll_info *state = NULL;
    PyObject *query = NULL;
    PyObject *options = Py_None;
    PyObject *after = Py_None;
    PyObject *transaction = Py_None;
    PyObject *result = NULL;
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "O|O$OO:query_poll", names, &query, &options,
                                    &after, &transaction) &&
        cfp_sql_query_get(query, CFLIGHT_SQL_STATEMENT_QUERY, CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN,
                          &message) == 0 &&
        cfp_sql_call_begin(&call, self, NULL, options, transaction) == 0 &&
        cfp_sql_next_descriptor(call.frame.state, after, &call.frame.call.scratch, &before,
                                &descriptor) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status = cflight_sql_poll(call.frame.client, &message, descriptor,
                                                 &call.options, &state, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = cfp_poll_info_new(call.frame.state, state);
            cflight_poll_info_free(state);
        }
    }
    cfp_sql_call_end(&call);
    return result;
}

static PyObject *client_cancel(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"info", "options", NULL};
    struct cfp_sql_call call = {0};
    struct cflight_info info;
    enum cflight_cancel_status outcome = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
    PyObject *object = NULL;
    PyObject *options = Py_None;
    PyObject *result = NULL;
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:cancel", names, &object, &options) &&
        cfp_check_type(object, cfp_state_of(self)->info_type, "info", "cflight.FlightInfo") == 0 &&
        cfp_sql_call_begin(&call, self, NULL, options, NULL) == 0 &&
        cfp_info_view(object, &call.frame.call.scratch, &info) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status = cflight_sql_cancel(call.frame.client, &info, &call.options,
                                                   &outcome, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = PyObject_CallFunction(call.frame.state->cancel_status, "i", (int)outcome);
        }
    }
    cfp_sql_call_end(&call);
    return result;
}

static PyObject *client_as_async(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *module = PyImport_ImportModule("cflight._sql_async");
    PyObject *result =
        module == NULL ? NULL : PyObject_CallMethod(module, "AsyncClient", "(O)", self);
    Py_XDECREF(module);
    return result;
}

#define CALL(name, signature, text)                                       \
    {                                                                     \
#name, CFP_KEYWORDS(client_##name), METH_VARARGS | METH_KEYWORDS, \
            PyDoc_STR(#name signature "\n--\n\n" text)                    \
    }
#define ELSEWHERE(name, signature, text)                                          \
    {                                                                             \
#name, CFP_KEYWORDS(cfp_sql_client_##name), METH_VARARGS | METH_KEYWORDS, \
            PyDoc_STR(#name signature "\n--\n\n" text)                            \
    }

static PyMethodDef client_methods[] = {
    CALL(query,
         "($self, query, options=None, *, transaction=None, parallel=0, any_order=False, "
         "attempts=0, "
         "rewrite_location=None, location_is_trusted=None, progress=None)",
         "Run a query: return one reader of the rows of all endpoints, a pyarrow.RecordBatchReader "
         "or a :class:`RecordBatchReader`.\n\n"
         "Closing or dropping the reader ends the query. The arguments after `transaction` are "
         "those of :meth:`FlightClient.fetch`.\n\n"
         "Parameters\n----------\n"
         "query : str or SubstraitPlan\n"
         "options : FlightCallOptions, optional\n"
         "transaction : Transaction, optional\n"
         "    What it is part of; None: it is on its own."),
    CALL(query_info, "($self, query, options=None, *, transaction=None)",
         "Run a query and return its :class:`FlightInfo`, whose endpoints other processes may "
         "read.\n\n"
         "They go there as bytes, by :meth:`FlightEndpoint.serialize`, and are read by "
         ":meth:`FlightClient.do_get` of their ticket; :meth:`FlightClient.fetch` reads all."),
    CALL(query_poll, "($self, query, options=None, *, after=None, transaction=None)",
         "Start a query that may take long, or ask how far it is: return a :class:`PollInfo`.\n\n"
         "`after` is the last answer, None for a query that begins. The query is complete when the "
         "answer has no descriptor. Its info has the endpoints that can be read already.\n\n"
         "Examples\n--------\n"
         ">>> state = client.query_poll(query)\n"
         ">>> while state.descriptor is not None:\n"
         "...     state = client.query_poll(query, after=state)\n"
         ">>> table = client.fetch(state.info).read_all()"),
    CALL(query_schema, "($self, query, options=None, *, transaction=None)",
         "Return the schema of the result of a query, which does not run."),
    CALL(update, "($self, query, options=None, *, transaction=None)",
         "Run a statement that changes something: return the number of rows affected, or -1 when "
         "the server does not know.\n\n"
         "It is never sent twice."),
    CALL(cancel, "($self, info, options=None)",
         "Ask the server to stop the query of a :class:`FlightInfo`: return a "
         ":class:`CancelStatus`.\n\n"
         "Servers that do not know CancelFlightInfo are asked by CancelQuery."),
    ELSEWHERE(prepare, "($self, query, options=None, *, transaction=None)",
              "Have a statement planned: return a :class:`Statement`, to run any number of times."),
    ELSEWHERE(transaction, "($self, options=None)",
              "Begin a :class:`Transaction`, which is a context manager."),
    ELSEWHERE(ingest,
              "($self, table, rows, options=None, *, mode=\"create\", catalog=None, schema=None, "
              "temporary=False, transaction=None, settings=None)",
              "Upload rows into a table: return how many, or -1 when the server does not know.\n\n"
              "Parameters\n----------\n"
              "table : str\n"
              "rows : ArrowStream or ArrowArray\n"
              "    Anything with ``__arrow_c_stream__`` or ``__arrow_c_array__``.\n"
              "options : FlightCallOptions, optional\n"
              "mode : {\"create\", \"append\", \"create_append\", \"replace\"}\n"
              "    The table must not be there, must be there, is made when it is missing, or is "
              "made anew.\n"
              "catalog, schema : str, optional\n    Where the table is.\n"
              "temporary : bool\n    For the session only.\n"
              "transaction : Transaction, optional\n"
              "settings : dict of str to str, optional\n    What the server defines."),
    ELSEWHERE(catalogs, "($self, options=None)",
              "List catalogs: return a reader of `catalog_name`."),
    ELSEWHERE(schemas, "($self, options=None, *, catalog=None, schema_pattern=None)",
              "List schemas: return a reader of `catalog_name` and `db_schema_name`.\n\n"
              "In patterns ``%`` is any run of characters and ``_`` one. An empty catalog is those "
              "without one, None is all."),
    ELSEWHERE(tables,
              "($self, options=None, *, catalog=None, schema_pattern=None, table_pattern=None, "
              "table_types=None, include_schema=False)",
              "List tables: return a reader of `catalog_name`, `db_schema_name`, `table_name` and "
              "`table_type`, and with `include_schema` of `table_schema`, an IPC message."),
    ELSEWHERE(
        table_schema, "($self, table, options=None, *, catalog=None, schema=None)",
        "Return the schema of one table by its exact name; ArrowKeyError when there is none."),
    ELSEWHERE(table_types, "($self, options=None)",
              "List the types of tables: return a reader of `table_type`."),
    ELSEWHERE(primary_keys, "($self, table, options=None, *, catalog=None, schema=None)",
              "List the columns of a primary key: return a reader. Servers differ in the order of "
              "its columns."),
    ELSEWHERE(exported_keys, "($self, table, options=None, *, catalog=None, schema=None)",
              "List the foreign keys elsewhere that point at a table: return a reader."),
    ELSEWHERE(imported_keys, "($self, table, options=None, *, catalog=None, schema=None)",
              "List the foreign keys of a table: return a reader."),
    ELSEWHERE(cross_reference,
              "($self, pk_table, fk_table, options=None, *, pk_catalog=None, pk_schema=None, "
              "fk_catalog=None, fk_schema=None)",
              "List the foreign keys of one table that point at another: return a reader."),
    ELSEWHERE(type_info, "($self, data_type=None, options=None)",
              "List the types of the database, or those of one number of JDBC and ODBC: return a "
              "reader."),
    ELSEWHERE(sql_info, "($self, codes=None, options=None)",
              "Return what the server says of itself, as a dict.\n\n"
              "Its keys are the names of the specification, ``\"FLIGHT_SQL_SERVER_NAME\"``, and "
              "numbers for codes that it does not have. `codes` are names or numbers, None is all "
              "of the standard. What the server does not say is not there."),
    {"as_async", client_as_async, METH_NOARGS,
     PyDoc_STR("as_async($self)\n--\n\nReturn an :class:`AsyncClient` over this client.")},
    {"_cflight_sql_start", CFP_KEYWORDS(cfp_sql_client_start), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("Start a call that is driven by an event loop.")},
    {"_cflight_sql_read_info", cfp_sql_client_read_info, METH_O,
     PyDoc_STR("Make a dict of the rows of SqlInfo.")},
    {"_cflight_sql_read_schema", CFP_KEYWORDS(cfp_sql_client_read_schema),
     METH_VARARGS | METH_KEYWORDS, PyDoc_STR("Find the schema of a table in rows of tables.")},
    {"_cflight_sql_make_table", cfp_sql_client_make_table, METH_VARARGS,
     PyDoc_STR("Make a table of a schema and a list of batches.")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(
    client_doc,
    "Client(location, **kwargs)\n--\n\n"
    "A client of a Flight SQL server: a :class:`cflight.FlightClient`, whose arguments it "
    "takes, with statements, transactions, uploads and the catalog.\n\n"
    "Errors have the call in the attribute `sql_call`, and in `retry` whether trying again can "
    "help: \"never\", \"unsafe\" when the server may have run it, or \"safe\". One that the "
    "database explains has its SQLSTATE in the attribute `sqlstate`, and "
    "where it is known in `sql_position` the character of the statement, from 1, and in "
    "`sql_hint` an advice.\n\n"
    "Raises\n------\nArrowInvalid\n    The location or a PEM text cannot be parsed.\n\n"
    "Examples\n--------\n"
    ">>> with Client(\"grpc://localhost:31337\") as client:\n"
    "...     table = client.query(\"SELECT * FROM stations\").read_all()");

static PyType_Slot client_slots[] = {
    {Py_tp_doc, (void *)client_doc},
    {Py_tp_methods, client_methods},
    {0, NULL},
};

PyType_Spec cfp_sql_client_spec = {
    .name = "cflight.sql.Client",
    .basicsize = sizeof(struct cfp_client),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = client_slots,
};
