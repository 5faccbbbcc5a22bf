/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of the library's Flight SQL kit: each calls the Python server's method of the same
 * name, on threads of the library. Sessions are Python objects that are let go of when the kit
 * closes them.
 * Thread class: free; the kit calls one at a time for a session. */
#include "sql/engine.h"

#include <string.h>

#include "arrow/arrow.h"
#include "base/attach.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "client/client.h"

/* ---- sessions ---- */

static cflight_status on_open_session(void *user_data, cflight_sql_call *call, void **ret_session,
                                      cflight_error **reterr)
{
    struct cfp_sql_frame frame;
    cflight_status status = cfp_sql_enter(&frame, user_data, call, false, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *session = cfp_sql_ask(&frame, "open_session", frame.about);
    status = cfp_sql_leave(&frame, reterr);
    if (status == CFLIGHT_OK) {
        *ret_session = session;
    }
    return status;
}

/* The method first; the object goes in any case, also when the server went before it. */
static void on_close_session(void *user_data, void *session)
{
    struct cfp_sql_frame frame;
    cflight_error *error = NULL;
    if (!Py_IsInitialized()) {
        return;
    }
    if (cfp_sql_enter(&frame, user_data, NULL, false, &error) == CFLIGHT_OK) {
        Py_XDECREF(cfp_sql_ask(&frame, "close_session", (PyObject *)session));
        if (PyErr_Occurred() != NULL) {
            cfp_warn_unraisable("close_session");
        }
        (void)cfp_sql_leave(&frame, NULL);
    }
    cflight_error_free(error);
    PyGILState_STATE gil = cfp_attach();
    Py_DECREF((PyObject *)session);
    cfp_detach(gil);
}

static bool on_reset_session(void *user_data, void *session)
{
    struct cfp_sql_frame frame;
    if (cfp_sql_enter(&frame, user_data, NULL, false, NULL) != CFLIGHT_OK) {
        return false;
    }
    PyObject *answer = cfp_sql_ask(&frame, "reset_session", (PyObject *)session);
    int is_new = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (is_new < 0) {
        cfp_warn_unraisable("reset_session");
    }
    (void)cfp_sql_leave(&frame, NULL);
    return is_new > 0;
}

static void on_interrupt(void *user_data, void *session)
{
    struct cfp_sql_frame frame;
    if (cfp_sql_enter(&frame, user_data, NULL, false, NULL) != CFLIGHT_OK) {
        return;
    }
    PyObject *object = session == NULL ? Py_None : session;
    Py_XDECREF(cfp_sql_ask(&frame, "interrupt", object));
    if (PyErr_Occurred() != NULL) {
        cfp_warn_unraisable("interrupt");
    }
    (void)cfp_sql_leave(&frame, NULL);
}

/* What the exception means to the client, which is told a code alone. Clears it. */
static enum cflight_session_error_code take_option_error(void)
{
    enum cflight_session_error_code code = CFLIGHT_SESSION_ERROR_ERROR;
    if (PyErr_ExceptionMatches(PyExc_KeyError)) {
        code = CFLIGHT_SESSION_ERROR_INVALID_NAME;
    } else if (PyErr_ExceptionMatches(PyExc_ValueError) ||
               PyErr_ExceptionMatches(PyExc_TypeError)) {
        code = CFLIGHT_SESSION_ERROR_INVALID_VALUE;
    } else {
        cfp_warn_unraisable("set_option");
    }
    PyErr_Clear();
    return code;
}

static enum cflight_session_error_code on_set_option(void *user_data, void *session,
                                                     const struct cflight_session_option *option)
{
    struct cfp_sql_frame frame;
    enum cflight_session_error_code code = CFLIGHT_SESSION_ERROR_UNSPECIFIED;
    if (cfp_sql_enter(&frame, user_data, NULL, false, NULL) != CFLIGHT_OK) {
        return CFLIGHT_SESSION_ERROR_ERROR;
    }
    PyObject *name = cfp_text_new(option->name);
    PyObject *value = name == NULL ? NULL : cfp_session_value(option);
    if (value != NULL) {
        PyObject *object = session == NULL ? Py_None : session;
        Py_XDECREF(PyObject_CallMethod(frame.server, "set_option", "OOO", object, name, value));
    }
    Py_XDECREF(value);
    Py_XDECREF(name);
    if (PyErr_Occurred() != NULL) {
        code = take_option_error();
    }
    (void)cfp_sql_leave(&frame, NULL);
    return code;
}

/* ---- transactions ---- */

/* Calls server.method(session), or server.method(session, name). */
static cflight_status with_session(void *user_data, void *session, const char *method,
                                   const char *name, cflight_error **reterr)
{
    struct cfp_sql_frame frame;
    cflight_status status = cfp_sql_enter(&frame, user_data, NULL, false, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *object = session == NULL ? Py_None : session;
    Py_XDECREF(name == NULL ? cfp_sql_ask(&frame, method, object)
                            : PyObject_CallMethod(frame.server, method, "Os", object, name));
    return cfp_sql_leave(&frame, reterr);
}

#define DEFINE_TRANSACTION(method)                                                            \
    static cflight_status on_##method(void *user_data, void *session, cflight_error **reterr) \
    {                                                                                         \
        return with_session(user_data, session, #method, NULL, reterr);                       \
    }
#define DEFINE_SAVEPOINT(method)                                                        \
    static cflight_status on_##method(void *user_data, void *session, const char *name, \
                                      cflight_error **reterr)                           \
    {                                                                                   \
        return with_session(user_data, session, #method, name, reterr);                 \
    }

DEFINE_TRANSACTION(begin)
DEFINE_TRANSACTION(commit)
DEFINE_TRANSACTION(rollback)
DEFINE_SAVEPOINT(savepoint)
DEFINE_SAVEPOINT(release_savepoint)
DEFINE_SAVEPOINT(rollback_to_savepoint)

/* ---- statements ---- */

static int plan_flag(PyObject *plan, const char *name, int *ret_flag)
{
    PyObject *flag = PyObject_GetAttrString(plan, name);
    *ret_flag = flag == NULL ? -1 : (flag == Py_None ? 2 : PyObject_IsTrue(flag));
    Py_XDECREF(flag);
    return *ret_flag < 0 ? -1 : 0;
}

static int plan_schema(PyObject *plan, const char *name, struct ArrowSchema *ret_schema)
{
    PyObject *schema = PyObject_GetAttrString(plan, name);
    int result = schema == NULL ? -1 : 0;
    if (schema != NULL && schema != Py_None) {
        result = cfp_schema_get(schema, name, ret_schema);
    }
    Py_XDECREF(schema);
    return result;
}

static int take_plan(struct cfp_state *state, PyObject *plan, struct cflight_sql_plan *ret_plan)
{
    int is_update = 0;
    int needs_session = 0;
    if (plan == Py_None) {
        return 0;
    }
    if (cfp_check_type(plan, (PyTypeObject *)state->sql_plan_class, "the result of prepare()",
                       "cflight.sql.Plan") < 0 ||
        plan_flag(plan, "is_update", &is_update) < 0 ||
        plan_flag(plan, "needs_session", &needs_session) < 0 ||
        plan_schema(plan, "schema", &ret_plan->schema) < 0 ||
        plan_schema(plan, "parameters", &ret_plan->parameters) < 0) {
        return -1;
    }
    if (is_update != 2) {
        ret_plan->is_update = is_update ? CFLIGHT_SQL_UPDATE_YES : CFLIGHT_SQL_UPDATE_NO;
    }
    ret_plan->needs_session = needs_session == 1;
    return 0;
}

static cflight_status on_prepare(void *user_data, cflight_sql_call *call,
                                 const struct cflight_sql_query *query,
                                 struct cflight_sql_plan *ret_plan, cflight_error **reterr)
{
    struct cfp_sql_frame frame;
    cflight_status status = cfp_sql_enter(&frame, user_data, call, true, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *text = cfp_text_new(query->text);
    PyObject *plan =
        text == NULL ? NULL : PyObject_CallMethod(frame.server, "prepare", "OO", frame.about, text);
    struct cflight_sql_plan filled = {0};
    if (plan != NULL && take_plan(frame.state, plan, &filled) == 0) {
        *ret_plan = filled;
    } else {
        if (filled.schema.release != NULL) {
            filled.schema.release(&filled.schema);
        }
    }
    Py_XDECREF(plan);
    Py_XDECREF(text);
    return cfp_sql_leave(&frame, reterr);
}

static cflight_status on_execute(void *user_data, cflight_sql_call *call,
                                 const struct cflight_sql_query *query, void *statement,
                                 cflight_sql_parameters *parameters,
                                 cflight_sql_execution *execution, cflight_error **reterr)
{
    struct cfp_sql_frame frame;
    (void)statement;
    cflight_status status = cfp_sql_enter_execution(&frame, user_data, call, execution, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *text = cfp_text_new(query->text);
    PyObject *rows = text == NULL ? NULL : cfp_sql_parameters_list(frame.state, parameters);
    if (rows != NULL) {
        PyObject *result =
            PyObject_CallMethod(frame.server, "execute", "OOO", frame.about, text, rows);
        if (result != NULL) {
            (void)cfp_sql_give_result(frame.state, result, execution);
        }
        Py_XDECREF(result);
    }
    Py_XDECREF(rows);
    Py_XDECREF(text);
    return cfp_sql_leave(&frame, reterr);
}

/* ---- uploads ---- */

static const char *mode_of(const struct cflight_sql_ingest_target *target)
{
    bool creates = target->if_missing == CFLIGHT_SQL_IF_MISSING_CREATE;
    switch (target->if_exists) {
    case CFLIGHT_SQL_IF_EXISTS_FAIL:
        return creates ? "create" : NULL;
    case CFLIGHT_SQL_IF_EXISTS_APPEND:
        return creates ? "create_append" : "append";
    case CFLIGHT_SQL_IF_EXISTS_REPLACE:
        return creates ? "replace" : NULL;
    case CFLIGHT_SQL_IF_EXISTS_UNSPECIFIED:
        break;
    }
    return NULL;
}

static PyObject *settings_of(const struct cflight_sql_ingest_target *target)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < target->option_count; i++) {
        PyObject *name = cfp_text_new(target->options[i].name);
        PyObject *value = cfp_text_new(target->options[i].value);
        if (name == NULL || value == NULL || PyDict_SetItem(dict, name, value) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(name);
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *target_object(struct cfp_state *state,
                               const struct cflight_sql_ingest_target *target)
{
    const char *mode = mode_of(target);
    if (mode == NULL) {
        return PyErr_Format(PyExc_NotImplementedError,
                            "an upload that needs the table and fails with it, or replaces only "
                            "what is there");
    }
    PyObject *fields[] = {cfp_text_new(target->name.table),
                          cfp_sql_text_or_none(target->name.catalog),
                          cfp_sql_text_or_none(target->name.db_schema), settings_of(target)};
    PyObject *result = NULL;
    if (fields[0] != NULL && fields[1] != NULL && fields[2] != NULL && fields[3] != NULL) {
        result = PyObject_CallFunction(state->sql_target_class, "OOOsOO", fields[0], fields[1],
                                       fields[2], mode, target->temporary ? Py_True : Py_False,
                                       fields[3]);
    }
    for (size_t i = 0; i < 4; i++) {
        Py_XDECREF(fields[i]);
    }
    return result;
}

/* Reads nothing of the upload once the method has returned: the rows are the call's. */
static void close_rows(PyObject *rows)
{
    PyObject *exception = cfp_exception_take();
    PyObject *answer = PyObject_CallMethod(rows, "close", NULL);
    Py_XDECREF(answer);
    Py_DECREF(rows);
    PyErr_Clear();
    cfp_exception_restore(exception);
}

/* The method's view of the rows: pyarrow's reader over ours, where there is one. */
static PyObject *reader_of(struct cfp_state *state, PyObject *rows)
{
    if (state->pa == NULL) {
        return Py_NewRef(rows);
    }
    PyObject *schema = PyObject_GetAttrString(rows, "schema");
    PyObject *arguments[] = {schema, rows};
    PyObject *reader = schema == NULL
                           ? NULL
                           : PyObject_Vectorcall(state->pa_reader_from_batches, arguments, 2, NULL);
    Py_XDECREF(schema);
    return reader;
}

static int run_ingest(struct cfp_sql_frame *frame, const struct cflight_sql_ingest_target *target,
                      struct ArrowArrayStream *rows, int64_t *ret_row_count)
{
    PyObject *object = target_object(frame->state, target);
    PyObject *own = object == NULL ? NULL : cfp_own_stream_take(frame->state, rows);
    PyObject *reader = own == NULL ? NULL : reader_of(frame->state, own);
    PyObject *count = NULL;
    if (reader != NULL) {
        count = PyObject_CallMethod(frame->server, "ingest", "OOO", frame->about, object, reader);
    }
    Py_XDECREF(reader);
    Py_XDECREF(object);
    if (own != NULL) {
        close_rows(own);
    }
    int result = count == NULL ? -1 : 0;
    if (count != NULL && count != Py_None) {
        result = cfp_int64_get(count, ret_row_count);
    }
    Py_XDECREF(count);
    return result;
}

static cflight_status on_ingest(void *user_data, cflight_sql_call *call,
                                const struct cflight_sql_ingest_target *target,
                                struct ArrowArrayStream *rows, int64_t *ret_row_count,
                                cflight_error **reterr)
{
    struct cfp_sql_frame frame;
    int64_t row_count = -1;
    cflight_status status = cfp_sql_enter(&frame, user_data, call, false, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    int code = run_ingest(&frame, target, rows, &row_count);
    status = cfp_sql_leave(&frame, reterr);
    if (code == 0) {
        *ret_row_count = row_count;
    }
    return status;
}

/* ---- the table ---- */

/* What a class may leave out: a method, and the function that calls it. */
#define METHOD(name)                                       \
    {                                                      \
#name, offsetof(struct cflight_sql_handlers, name) \
    }
static const struct {
    const char *name;
    size_t offset;
} methods[] = {
    METHOD(open_session),
    METHOD(reset_session),
    METHOD(set_option),
    METHOD(interrupt),
    METHOD(prepare),
    METHOD(ingest),
    METHOD(begin),
    METHOD(commit),
    METHOD(rollback),
    METHOD(savepoint),
    METHOD(release_savepoint),
    METHOD(rollback_to_savepoint),
    METHOD(list_catalogs),
    METHOD(list_db_schemas),
    METHOD(list_tables),
    METHOD(list_table_types),
    METHOD(list_primary_keys),
    METHOD(list_foreign_keys),
};

static const struct cflight_sql_handlers all_handlers = {
    .struct_size = sizeof(struct cflight_sql_handlers),
    .execute = on_execute,
    .open_session = on_open_session,
    .reset_session = on_reset_session,
    .close_session = on_close_session,
    .set_option = on_set_option,
    .interrupt = on_interrupt,
    .prepare = on_prepare,
    .ingest = on_ingest,
    .begin = on_begin,
    .commit = on_commit,
    .rollback = on_rollback,
    .savepoint = on_savepoint,
    .release_savepoint = on_release_savepoint,
    .rollback_to_savepoint = on_rollback_to_savepoint,
};

int cfp_sql_handlers(PyObject *offered, struct cflight_sql_handlers *ret_handlers)
{
    *ret_handlers = all_handlers;
    cfp_sql_listings(ret_handlers);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        PyObject *name = PyUnicode_FromString(methods[i].name);
        int is_offered = name == NULL ? -1 : PySet_Contains(offered, name);
        Py_XDECREF(name);
        if (is_offered < 0) {
            return -1;
        }
        if (!is_offered) {
            memset((char *)ret_handlers + methods[i].offset, 0, sizeof(ret_handlers->execute));
        }
    }
    if (ret_handlers->open_session == NULL) {
        ret_handlers->close_session = NULL;
    }
    return 0;
}
