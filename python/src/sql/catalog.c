/* SPDX-License-Identifier: Apache-2.0 */
/* What sql.Client asks of the catalog: each is one command whose rows are read as those of a query.
 * Thread class: free. */
#include "sql/sql.h"

#include "arrow/arrow.h"
#include "base/convert.h"

static cflight_status start_rows(void *message, cflight_client *client,
                                 const struct cflight_fetch_options *options,
                                 struct ArrowArrayStream *ret_stream, cflight_error **reterr)
{
    struct cflight_sql_options sql_options = CFLIGHT_SQL_OPTIONS_INIT;
    sql_options.call_options = options->call_options;
    sql_options.fetch_options = options;
    return cflight_sql_get_rows(client, message, &sql_options, ret_stream, reterr);
}

static PyObject *list_rows(PyObject *self, PyObject *options, struct cflight_sql_message *message)
{
    struct cfp_fetch_arguments given = CFP_FETCH_ARGUMENTS_INIT;
    given.options = options;
    return cfp_fetch(self, &given, start_rows, message);
}

PyObject *cfp_sql_client_catalogs(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_GET_CATALOGS};
    PyObject *options = cfp_sql_options_only(args, kwargs, "|O:catalogs");
    return options == NULL ? NULL : list_rows(self, options, &message);
}

PyObject *cfp_sql_client_table_types(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_GET_TABLE_TYPES};
    PyObject *options = cfp_sql_options_only(args, kwargs, "|O:table_types");
    return options == NULL ? NULL : list_rows(self, options, &message);
}

PyObject *cfp_sql_client_schemas(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"options", "catalog", "schema_pattern", NULL};
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_GET_DB_SCHEMAS};
    struct cfp_sql_text catalog = {0};
    struct cfp_sql_text pattern = {0};
    PyObject *options = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$z#z#:schemas", names, &options,
                                     &catalog.data, &catalog.len_bytes, &pattern.data,
                                     &pattern.len_bytes)) {
        return NULL;
    }
    message.db_schemas.catalog = cfp_sql_view(catalog);
    message.db_schemas.schema_pattern = cfp_sql_view(pattern);
    return list_rows(self, options, &message);
}

/* Views of the texts of a sequence, which `list` keeps alive. */
static int texts_of(PyObject *list, struct cfp_scratch *scratch,
                    struct cflight_sql_tables *ret_filter)
{
    size_t count = (size_t)PyList_GET_SIZE(list);
    struct cflight_bytes *texts = cfp_scratch_new(scratch, count, sizeof(*texts));
    if (texts == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        Py_ssize_t len_bytes = 0;
        const char *data =
            PyUnicode_AsUTF8AndSize(PyList_GET_ITEM(list, (Py_ssize_t)i), &len_bytes);
        if (data == NULL) {
            return -1;
        }
        texts[i] = cflight_bytes_make(data, (size_t)len_bytes);
    }
    ret_filter->table_types = texts;
    ret_filter->table_type_count = count;
    return 0;
}

PyObject *cfp_sql_client_tables(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {
        "options",        "catalog", "schema_pattern", "table_pattern", "table_types",
        "include_schema", NULL};
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_GET_TABLES};
    struct cfp_sql_text catalog = {0};
    struct cfp_sql_text schema = {0};
    struct cfp_sql_text table = {0};
    struct cfp_scratch scratch = CFP_SCRATCH_INIT;
    PyObject *options = Py_None;
    PyObject *types = Py_None;
    int include_schema = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$z#z#z#Op:tables", names, &options,
                                     &catalog.data, &catalog.len_bytes, &schema.data,
                                     &schema.len_bytes, &table.data, &table.len_bytes, &types,
                                     &include_schema)) {
        return NULL;
    }
    message.tables.catalog = cfp_sql_view(catalog);
    message.tables.schema_pattern = cfp_sql_view(schema);
    message.tables.table_pattern = cfp_sql_view(table);
    message.tables.include_schema = include_schema != 0;
    PyObject *list = types == Py_None ? PyList_New(0) : PySequence_List(types);
    PyObject *reader = NULL;
    if (list != NULL && texts_of(list, &scratch, &message.tables) == 0) {
        reader = list_rows(self, options, &message);
    }
    Py_XDECREF(list);
    cfp_scratch_done(&scratch);
    return reader;
}

/* Parses (table, options, catalog, schema). */
static int parse_table(PyObject *args, PyObject *kwargs, const char *format, PyObject **ret_options,
                       struct cflight_sql_table_name *ret_name)
{
    static char *names[] = {"table", "options", "catalog", "schema", NULL};
    struct cfp_sql_text table = {0};
    struct cfp_sql_text catalog = {0};
    struct cfp_sql_text schema = {0};
    *ret_options = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, format, names, &table.data, &table.len_bytes,
                                     ret_options, &catalog.data, &catalog.len_bytes, &schema.data,
                                     &schema.len_bytes)) {
        return -1;
    }
    ret_name->table = cfp_sql_view(table);
    ret_name->catalog = cfp_sql_view(catalog);
    ret_name->db_schema = cfp_sql_view(schema);
    return 0;
}

static PyObject *list_keys(PyObject *self, PyObject *args, PyObject *kwargs, const char *format,
                           enum cflight_sql_type type)
{
    struct cflight_sql_message message = {.type = type};
    PyObject *options = NULL;
    return parse_table(args, kwargs, format, &options, &message.table) < 0
               ? NULL
               : list_rows(self, options, &message);
}

PyObject *cfp_sql_client_primary_keys(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return list_keys(self, args, kwargs, "s#|O$z#z#:primary_keys", CFLIGHT_SQL_GET_PRIMARY_KEYS);
}

PyObject *cfp_sql_client_exported_keys(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return list_keys(self, args, kwargs, "s#|O$z#z#:exported_keys", CFLIGHT_SQL_GET_EXPORTED_KEYS);
}

PyObject *cfp_sql_client_imported_keys(PyObject *self, PyObject *args, PyObject *kwargs)
{
    return list_keys(self, args, kwargs, "s#|O$z#z#:imported_keys", CFLIGHT_SQL_GET_IMPORTED_KEYS);
}

PyObject *cfp_sql_client_cross_reference(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"pk_table",  "fk_table",   "options",   "pk_catalog",
                            "pk_schema", "fk_catalog", "fk_schema", NULL};
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_GET_CROSS_REFERENCE};
    struct cfp_sql_text pk[3] = {{0}};
    struct cfp_sql_text fk[3] = {{0}};
    PyObject *options = Py_None;
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "s#s#|O$z#z#z#z#:cross_reference", names, &pk[0].data, &pk[0].len_bytes,
            &fk[0].data, &fk[0].len_bytes, &options, &pk[1].data, &pk[1].len_bytes, &pk[2].data,
            &pk[2].len_bytes, &fk[1].data, &fk[1].len_bytes, &fk[2].data, &fk[2].len_bytes)) {
        return NULL;
    }
    message.cross_reference = (struct cflight_sql_cross_reference){
        .pk = {cfp_sql_view(pk[1]), cfp_sql_view(pk[2]), cfp_sql_view(pk[0])},
        .fk = {cfp_sql_view(fk[1]), cfp_sql_view(fk[2]), cfp_sql_view(fk[0])},
    };
    return list_rows(self, options, &message);
}

PyObject *cfp_sql_client_type_info(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"data_type", "options", NULL};
    struct cflight_sql_message message = {.type = CFLIGHT_SQL_GET_XDBC_TYPE_INFO};
    PyObject *data_type = Py_None;
    PyObject *options = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:type_info", names, &data_type, &options)) {
        return NULL;
    }
    message.type_info.has_data_type = data_type != Py_None;
    if (data_type != Py_None && cfp_int_get(data_type, &message.type_info.data_type) < 0) {
        return NULL;
    }
    return list_rows(self, options, &message);
}

PyObject *cfp_sql_client_table_schema(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_sql_call call = {0};
    struct cflight_sql_table_name name = {0};
    struct ArrowSchema schema;
    PyObject *options = NULL;
    PyObject *result = NULL;
    if (parse_table(args, kwargs, "s#|O$z#z#:table_schema", &options, &name) == 0 &&
        cfp_sql_call_begin(&call, self, NULL, options, NULL) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status = cflight_sql_get_table_schema(
            call.frame.client, &name, &call.options, &schema, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = cfp_schema_take(call.frame.state, &schema);
        }
    }
    cfp_sql_call_end(&call);
    return result;
}
