/* SPDX-License-Identifier: Apache-2.0 */
/* sql.Client.ingest: rows into a table. Thread class: free. */
#include "sql/sql.h"

#include <string.h>

#include "base/convert.h"

static int mode_of(const char *name, struct cflight_sql_ingest_target *ret_target)
{
    static const struct {
        const char *name;
        enum cflight_sql_if_missing if_missing;
        enum cflight_sql_if_exists if_exists;
    } modes[] = {
        {"create", CFLIGHT_SQL_INGEST_CREATE},
        {"append", CFLIGHT_SQL_INGEST_APPEND},
        {"create_append", CFLIGHT_SQL_INGEST_CREATE_APPEND},
        {"replace", CFLIGHT_SQL_INGEST_REPLACE},
    };
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(modes[i].name, name) == 0) {
            ret_target->if_missing = modes[i].if_missing;
            ret_target->if_exists = modes[i].if_exists;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError,
                 "unknown mode '%s'; there are 'create', 'append', 'create_append' and 'replace'",
                 name);
    return -1;
}

static int text_of(PyObject *object, struct cflight_bytes *ret_text)
{
    Py_ssize_t len_bytes = 0;
    const char *data = PyUnicode_AsUTF8AndSize(object, &len_bytes);
    if (data == NULL) {
        return -1;
    }
    *ret_text = cflight_bytes_make(data, (size_t)len_bytes);
    return 0;
}

/* `kept` is a list of pairs. */
static int take_settings(struct cfp_sql_command *command)
{
    size_t count = (size_t)PyList_GET_SIZE(command->kept);
    struct cflight_sql_option *options =
        cfp_scratch_new(&command->scratch, count, sizeof(*options));
    if (options == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *pair = PyList_GET_ITEM(command->kept, (Py_ssize_t)i);
        if (text_of(PyTuple_GET_ITEM(pair, 0), &options[i].name) < 0 ||
            text_of(PyTuple_GET_ITEM(pair, 1), &options[i].value) < 0) {
            return -1;
        }
    }
    command->message.ingest.options = options;
    command->message.ingest.option_count = count;
    return 0;
}

int cfp_sql_parse_ingest(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    static char *names[] = {"table",  "rows",      "options",     "mode",     "catalog",
                            "schema", "temporary", "transaction", "settings", NULL};
    struct cfp_sql_text table = {0};
    struct cfp_sql_text catalog = {0};
    struct cfp_sql_text schema = {0};
    const char *mode = "create";
    PyObject *settings = Py_None;
    int temporary = 0;
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "s#O|O$sz#z#pOO:ingest", names, &table.data, &table.len_bytes,
            &command->rows, &command->options, &mode, &catalog.data, &catalog.len_bytes,
            &schema.data, &schema.len_bytes, &temporary, &command->transaction, &settings)) {
        return -1;
    }
    command->message.type = CFLIGHT_SQL_STATEMENT_INGEST;
    command->message.ingest = (struct cflight_sql_ingest_target){
        .name = {cfp_sql_view(catalog), cfp_sql_view(schema), cfp_sql_view(table)},
        .temporary = temporary != 0,
    };
    if (mode_of(mode, &command->message.ingest) < 0) {
        return -1;
    }
    if (settings == Py_None) {
        return 0;
    }
    if (cfp_check_type(settings, &PyDict_Type, "settings", "dict") < 0) {
        return -1;
    }
    command->kept = PyDict_Items(settings);
    return command->kept == NULL ? -1 : take_settings(command);
}

PyObject *cfp_sql_client_ingest(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_sql_command command = CFP_SQL_COMMAND_INIT;
    struct cfp_sql_call call = {0};
    struct ArrowArrayStream rows = {0};
    PyObject *result = NULL;
    int64_t row_count = -1;
    if (cfp_sql_parse_ingest(args, kwargs, &command) == 0 &&
        cfp_sql_call_begin(&call, self, NULL, command.options, command.transaction) == 0 &&
        cfp_sql_rows_get(call.frame.state, command.rows, "rows", &rows) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status =
            cflight_sql_ingest(call.frame.client, &command.message.ingest, &rows, &call.options,
                               &row_count, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = PyLong_FromLongLong(row_count);
        }
    }
    cfp_sql_rows_release(&rows);
    cfp_sql_call_end(&call);
    cfp_sql_command_done(&command);
    return result;
}
