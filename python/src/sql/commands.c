/* SPDX-License-Identifier: Apache-2.0 */
/* What the arguments of calls with statements ask for. Thread class: with the GIL. */
#include "base/convert.h"
#include "sql/sql.h"

void cfp_sql_command_done(struct cfp_sql_command *command)
{
    Py_CLEAR(command->kept);
    cfp_scratch_done(&command->scratch);
}

static int take_plan(PyObject *plan, struct cflight_sql_substrait_plan *ret_plan)
{
    Py_ssize_t len_bytes = 0;
    PyObject *bytes = PyTuple_GET_ITEM(plan, 0);
    const char *version = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(plan, 1), &len_bytes);
    if (version == NULL || cfp_check_type(bytes, &PyBytes_Type, "plan", "bytes") < 0) {
        return -1;
    }
    ret_plan->version = cflight_bytes_make(version, (size_t)len_bytes);
    ret_plan->plan = cflight_bytes_make(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    return 0;
}

int cfp_sql_query_get(PyObject *query, enum cflight_sql_type text_type,
                      enum cflight_sql_type plan_type, struct cflight_sql_message *ret_message)
{
    Py_ssize_t len_bytes = 0;
    if (PyTuple_Check(query) && PyTuple_GET_SIZE(query) == 2) {
        ret_message->type = plan_type;
        return take_plan(query, &ret_message->substrait);
    }
    if (!PyUnicode_Check(query)) {
        cfp_argument_error("query", "str or cflight.sql.SubstraitPlan", query);
        return -1;
    }
    const char *text = PyUnicode_AsUTF8AndSize(query, &len_bytes);
    ret_message->type = text_type;
    ret_message->statement.query = cflight_bytes_make(text, (size_t)len_bytes);
    return text == NULL ? -1 : 0;
}

/* Parses (query, options, transaction). */
static int parse_statement(PyObject *args, PyObject *kwargs, const char *format,
                           enum cflight_sql_type text_type, enum cflight_sql_type plan_type,
                           struct cfp_sql_command *command)
{
    static char *names[] = {"query", "options", "transaction", NULL};
    PyObject *query = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, format, names, &query, &command->options,
                                     &command->transaction)) {
        return -1;
    }
    return cfp_sql_query_get(query, text_type, plan_type, &command->message);
}

int cfp_sql_parse_query(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    return parse_statement(args, kwargs, "O|O$O:query", CFLIGHT_SQL_STATEMENT_QUERY,
                           CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN, command);
}

int cfp_sql_parse_update(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    return parse_statement(args, kwargs, "O|O$O:update", CFLIGHT_SQL_STATEMENT_UPDATE,
                           CFLIGHT_SQL_STATEMENT_SUBSTRAIT_PLAN, command);
}

int cfp_sql_parse_prepare(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    return parse_statement(args, kwargs, "O|O$O:prepare", CFLIGHT_SQL_CREATE_PREPARED_STATEMENT,
                           CFLIGHT_SQL_CREATE_PREPARED_SUBSTRAIT_PLAN, command);
}

int cfp_sql_next_descriptor(struct cfp_state *state, PyObject *after, struct cfp_scratch *scratch,
                            struct cflight_poll_info *ret_view,
                            const struct cflight_descriptor **ret_descriptor)
{
    *ret_descriptor = NULL;
    if (after == Py_None) {
        return 0;
    }
    if (cfp_check_type(after, state->poll_info_type, "after", "cflight.PollInfo") < 0 ||
        cfp_poll_info_view(after, scratch, ret_view) < 0) {
        return -1;
    }
    if (ret_view->descriptor == NULL) {
        PyErr_SetString(PyExc_ValueError, "the query is complete: there is nothing to ask for");
        return -1;
    }
    *ret_descriptor = ret_view->descriptor;
    return 0;
}
