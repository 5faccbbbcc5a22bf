/* SPDX-License-Identifier: Apache-2.0 */
/* sql.Client.ingest: rows into a table. Thread class: free. */
#include "sql/sql.h"

#include <string.h>

#include "base/convert.h"

struct ingest_arguments {
    struct cfp_sql_text table;
    PyObject *rows;
    PyObject *options;
    const char *mode;
    struct cfp_sql_text catalog;
    struct cfp_sql_text schema;
    int temporary;
    PyObject *transaction;
    PyObject *settings;
};

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

/* `items` is a list of pairs, which keeps the texts. */
static int settings_of(PyObject *items, struct cfp_scratch *scratch,
                       struct cflight_sql_ingest_target *ret_target)
{
    size_t count = (size_t)PyList_GET_SIZE(items);
    struct cflight_sql_option *options = cfp_scratch_new(scratch, count, sizeof(*options));
    if (options == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        PyObject *pair = PyList_GET_ITEM(items, (Py_ssize_t)i);
        if (text_of(PyTuple_GET_ITEM(pair, 0), &options[i].name) < 0 ||
            text_of(PyTuple_GET_ITEM(pair, 1), &options[i].value) < 0) {
            return -1;
        }
    }
    ret_target->options = options;
    ret_target->option_count = count;
    return 0;
}

static void release_rows(void *rows)
{
    struct ArrowArrayStream *stream = rows;
    stream->release(stream);
}

static PyObject *ingest(PyObject *self, const struct ingest_arguments *given, PyObject *settings)
{
    struct cfp_sql_call call = {0};
    struct ArrowArrayStream rows = {0};
    struct cflight_sql_ingest_target target = {
        .name = {cfp_sql_view(given->catalog), cfp_sql_view(given->schema),
                 cfp_sql_view(given->table)},
        .temporary = given->temporary != 0,
    };
    PyObject *result = NULL;
    int64_t row_count = -1;
    if (mode_of(given->mode, &target) == 0 &&
        cfp_sql_call_begin(&call, self, NULL, given->options, given->transaction) == 0 &&
        settings_of(settings, &call.frame.call.scratch, &target) == 0 &&
        cfp_sql_rows_get(call.frame.state, given->rows, "rows", &rows) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status = cflight_sql_ingest(call.frame.client, &target, &rows, &call.options,
                                                   &row_count, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = PyLong_FromLongLong(row_count);
        }
    }
    if (rows.release != NULL) {
        cfp_release(release_rows, &rows);
    }
    cfp_sql_call_end(&call);
    return result;
}

PyObject *cfp_sql_client_ingest(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"table",  "rows",      "options",     "mode",     "catalog",
                            "schema", "temporary", "transaction", "settings", NULL};
    struct ingest_arguments given = {
        .options = Py_None, .mode = "create", .transaction = Py_None, .settings = Py_None};
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "s#O|O$sz#z#pOO:ingest", names, &given.table.data, &given.table.len_bytes,
            &given.rows, &given.options, &given.mode, &given.catalog.data, &given.catalog.len_bytes,
            &given.schema.data, &given.schema.len_bytes, &given.temporary, &given.transaction,
            &given.settings)) {
        return NULL;
    }
    if (given.settings != Py_None &&
        cfp_check_type(given.settings, &PyDict_Type, "settings", "dict") < 0) {
        return NULL;
    }
    PyObject *settings = given.settings == Py_None ? PyList_New(0) : PyDict_Items(given.settings);
    PyObject *result = settings == NULL ? NULL : ingest(self, &given, settings);
    Py_XDECREF(settings);
    return result;
}
