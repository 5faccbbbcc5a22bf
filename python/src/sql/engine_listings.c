/* SPDX-License-Identifier: Apache-2.0 */
/* The listings of the catalog: each is an iterable that a method of the Python server returns, of
 * texts or of tuples. The kit filters and sorts the rows. Thread class: as in engine.c. */
#include "sql/engine.h"

#include "arrow/arrow.h"
#include "base/convert.h"
#include "base/exceptions.h"

/* Adds one item; 0 or -1 with an exception set. */
typedef int add_fn(struct cfp_state *state, cflight_sql_rows *rows, PyObject *item);

static int raise_status(struct cfp_state *state, cflight_status status, cflight_error *error)
{
    if (status != CFLIGHT_OK) {
        cfp_raise(state, status, error);
    }
    return status == CFLIGHT_OK ? 0 : -1;
}

/* Takes what the method returned, which may be NULL. */
static void add_all(struct cfp_sql_frame *frame, cflight_sql_rows *rows, PyObject *items,
                    add_fn *add)
{
    PyObject *iterator = items == NULL ? NULL : PyObject_GetIter(items);
    PyObject *item = NULL;
    int code = 0;
    while (code == 0 && iterator != NULL && (item = PyIter_Next(iterator)) != NULL) {
        code = add(frame->state, rows, item);
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    Py_XDECREF(items);
}

/* Calls server.method(call) or server.method(call, about); takes `about`. */
static cflight_status list(void *user_data, cflight_sql_call *call, const char *method,
                           PyObject *(*make_about)(struct cfp_state *, const void *),
                           const void *filter, cflight_sql_rows *rows, add_fn *add,
                           cflight_error **reterr)
{
    struct cfp_sql_frame frame;
    cflight_status status = cfp_sql_enter(&frame, user_data, call, true, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    PyObject *about = make_about == NULL ? NULL : make_about(frame.state, filter);
    if (about != NULL) {
        add_all(&frame, rows, PyObject_CallMethod(frame.server, method, "OO", frame.about, about),
                add);
    } else if (PyErr_Occurred() == NULL) {
        add_all(&frame, rows, cfp_sql_ask(&frame, method, frame.about), add);
    }
    Py_XDECREF(about);
    return cfp_sql_leave(&frame, reterr);
}

/* ---- what is asked for ---- */

static PyObject *filter_object(struct cfp_state *state, const struct cflight_sql_tables *tables)
{
    PyObject *types = PyList_New(0);
    for (size_t i = 0; types != NULL && i < tables->table_type_count; i++) {
        PyObject *type = cfp_text_new(tables->table_types[i]);
        if (type == NULL || PyList_Append(types, type) < 0) {
            Py_CLEAR(types);
        }
        Py_XDECREF(type);
    }
    PyObject *catalog = cfp_sql_text_or_none(tables->catalog);
    PyObject *schema = cfp_sql_text_or_none(tables->schema_pattern);
    PyObject *table = cfp_sql_text_or_none(tables->table_pattern);
    PyObject *result = NULL;
    if (types != NULL && catalog != NULL && schema != NULL && table != NULL) {
        result = PyObject_CallFunction(state->sql_filter_class, "OOOOO", catalog, schema, table,
                                       types, tables->include_schema ? Py_True : Py_False);
    }
    Py_XDECREF(types);
    Py_XDECREF(catalog);
    Py_XDECREF(schema);
    Py_XDECREF(table);
    return result;
}

static PyObject *tables_filter(struct cfp_state *state, const void *filter)
{
    return filter_object(state, filter);
}

static PyObject *schemas_filter(struct cfp_state *state, const void *filter)
{
    const struct cflight_sql_db_schemas *schemas = filter;
    const struct cflight_sql_tables tables = {.catalog = schemas->catalog,
                                              .schema_pattern = schemas->schema_pattern};
    return filter_object(state, &tables);
}

static PyObject *table_tuple(const struct cflight_sql_table_name *name)
{
    PyObject *catalog = cfp_sql_text_or_none(name->catalog);
    PyObject *schema = cfp_sql_text_or_none(name->db_schema);
    PyObject *table = cfp_sql_text_or_none(name->table);
    PyObject *result = NULL;
    if (catalog != NULL && schema != NULL && table != NULL) {
        result = PyTuple_Pack(3, catalog, schema, table);
    }
    Py_XDECREF(catalog);
    Py_XDECREF(schema);
    Py_XDECREF(table);
    return result;
}

static PyObject *table_filter(struct cfp_state *state, const void *filter)
{
    (void)state;
    return table_tuple(filter);
}

/* A pair of tables: that is pointed at, and that points. */
static PyObject *keys_filter(struct cfp_state *state, const void *filter)
{
    const struct cflight_sql_cross_reference *tables = filter;
    PyObject *pk = table_tuple(&tables->pk);
    PyObject *fk = table_tuple(&tables->fk);
    PyObject *result = pk == NULL || fk == NULL ? NULL : PyTuple_Pack(2, pk, fk);
    (void)state;
    Py_XDECREF(pk);
    Py_XDECREF(fk);
    return result;
}

/* ---- rows ---- */

struct text {
    const char *data;
    Py_ssize_t len_bytes;
};

static struct cflight_bytes view(struct text text)
{
    return cflight_bytes_make(text.data, (size_t)text.len_bytes);
}

/* The item as a tuple: the one text of a row that has only one may stand alone. */
static int check_tuple(PyObject *item, const char *what)
{
    if (PyTuple_Check(item)) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError, "expected a tuple of %s, got %.200s", what,
                 Py_TYPE(item)->tp_name);
    return -1;
}

static int text_of(PyObject *item, struct cflight_bytes *ret_text)
{
    Py_ssize_t len_bytes = 0;
    const char *data = PyUnicode_AsUTF8AndSize(item, &len_bytes);
    *ret_text = cflight_bytes_make(data, (size_t)len_bytes);
    return data == NULL ? -1 : 0;
}

static int add_catalog(struct cfp_state *state, cflight_sql_rows *rows, PyObject *item)
{
    struct cflight_bytes text;
    cflight_error *error = NULL;
    return text_of(item, &text) < 0
               ? -1
               : raise_status(state, cflight_sql_rows_add_catalog(rows, text, &error), error);
}

static int add_table_type(struct cfp_state *state, cflight_sql_rows *rows, PyObject *item)
{
    struct cflight_bytes text;
    cflight_error *error = NULL;
    return text_of(item, &text) < 0
               ? -1
               : raise_status(state, cflight_sql_rows_add_table_type(rows, text, &error), error);
}

static int add_schema(struct cfp_state *state, cflight_sql_rows *rows, PyObject *item)
{
    struct text catalog = {0};
    struct text schema = {0};
    cflight_error *error = NULL;
    if (check_tuple(item, "catalog and schema") < 0 ||
        !PyArg_ParseTuple(item, "z#s#:list_db_schemas", &catalog.data, &catalog.len_bytes,
                          &schema.data, &schema.len_bytes)) {
        return -1;
    }
    cflight_status status =
        cflight_sql_rows_add_db_schema(rows, view(catalog), view(schema), &error);
    return raise_status(state, status, error);
}

static int add_table(struct cfp_state *state, cflight_sql_rows *rows, PyObject *item)
{
    struct text catalog = {0};
    struct text schema = {0};
    struct text table = {0};
    struct text type = {0};
    PyObject *columns = Py_None;
    struct ArrowSchema taken = {0};
    cflight_error *error = NULL;
    if (check_tuple(item, "catalog, schema, table, type, and perhaps columns") < 0 ||
        !PyArg_ParseTuple(item, "z#z#s#s#|O:list_tables", &catalog.data, &catalog.len_bytes,
                          &schema.data, &schema.len_bytes, &table.data, &table.len_bytes,
                          &type.data, &type.len_bytes, &columns) ||
        (columns != Py_None && cfp_schema_get(columns, "columns", &taken) < 0)) {
        return -1;
    }
    const struct cflight_sql_table_name name = {view(catalog), view(schema), view(table)};
    cflight_status status = cflight_sql_rows_add_table(
        rows, &name, view(type), taken.release == NULL ? NULL : &taken, &error);
    if (taken.release != NULL) {
        taken.release(&taken);
    }
    return raise_status(state, status, error);
}

static int add_primary_key(struct cfp_state *state, cflight_sql_rows *rows, PyObject *item)
{
    struct text texts[5] = {{0}};
    int sequence = 0;
    cflight_error *error = NULL;
    if (check_tuple(item, "catalog, schema, table, column, sequence and name") < 0 ||
        !PyArg_ParseTuple(item, "z#z#s#s#iz#:list_primary_keys", &texts[0].data,
                          &texts[0].len_bytes, &texts[1].data, &texts[1].len_bytes, &texts[2].data,
                          &texts[2].len_bytes, &texts[3].data, &texts[3].len_bytes, &sequence,
                          &texts[4].data, &texts[4].len_bytes)) {
        return -1;
    }
    const struct cflight_sql_table_name name = {view(texts[0]), view(texts[1]), view(texts[2])};
    cflight_status status = cflight_sql_rows_add_primary_key(rows, &name, view(texts[3]), sequence,
                                                             view(texts[4]), &error);
    return raise_status(state, status, error);
}

static int add_foreign_key(struct cfp_state *state, cflight_sql_rows *rows, PyObject *item)
{
    struct text pk[4] = {{0}};
    struct text fk[4] = {{0}};
    struct text names[2] = {{0}};
    int sequence = 0;
    int rules[2] = {CFLIGHT_SQL_RULE_NO_ACTION, CFLIGHT_SQL_RULE_NO_ACTION};
    cflight_error *error = NULL;
    if (check_tuple(item, "both tables with their columns, sequence, and perhaps names and rules") <
            0 ||
        !PyArg_ParseTuple(
            item, "(z#z#s#s#)(z#z#s#s#)i|z#z#ii:list_foreign_keys", &pk[0].data, &pk[0].len_bytes,
            &pk[1].data, &pk[1].len_bytes, &pk[2].data, &pk[2].len_bytes, &pk[3].data,
            &pk[3].len_bytes, &fk[0].data, &fk[0].len_bytes, &fk[1].data, &fk[1].len_bytes,
            &fk[2].data, &fk[2].len_bytes, &fk[3].data, &fk[3].len_bytes, &sequence, &names[0].data,
            &names[0].len_bytes, &names[1].data, &names[1].len_bytes, &rules[0], &rules[1])) {
        return -1;
    }
    const struct cflight_sql_foreign_key key = {
        .pk_table = {view(pk[0]), view(pk[1]), view(pk[2])},
        .pk_column = view(pk[3]),
        .fk_table = {view(fk[0]), view(fk[1]), view(fk[2])},
        .fk_column = view(fk[3]),
        .sequence = sequence,
        .fk_name = view(names[0]),
        .pk_name = view(names[1]),
        .update_rule = (enum cflight_sql_key_rule)rules[0],
        .delete_rule = (enum cflight_sql_key_rule)rules[1],
    };
    return raise_status(state, cflight_sql_rows_add_foreign_key(rows, &key, &error), error);
}

/* ---- the functions ---- */

static cflight_status on_catalogs(void *user_data, cflight_sql_call *call, cflight_sql_rows *rows,
                                  cflight_error **reterr)
{
    return list(user_data, call, "list_catalogs", NULL, NULL, rows, add_catalog, reterr);
}

static cflight_status on_db_schemas(void *user_data, cflight_sql_call *call,
                                    const struct cflight_sql_db_schemas *filter,
                                    cflight_sql_rows *rows, cflight_error **reterr)
{
    return list(user_data, call, "list_db_schemas", schemas_filter, filter, rows, add_schema,
                reterr);
}

static cflight_status on_tables(void *user_data, cflight_sql_call *call,
                                const struct cflight_sql_tables *filter, cflight_sql_rows *rows,
                                cflight_error **reterr)
{
    return list(user_data, call, "list_tables", tables_filter, filter, rows, add_table, reterr);
}

static cflight_status on_table_types(void *user_data, cflight_sql_call *call,
                                     cflight_sql_rows *rows, cflight_error **reterr)
{
    return list(user_data, call, "list_table_types", NULL, NULL, rows, add_table_type, reterr);
}

static cflight_status on_primary_keys(void *user_data, cflight_sql_call *call,
                                      const struct cflight_sql_table_name *table,
                                      cflight_sql_rows *rows, cflight_error **reterr)
{
    return list(user_data, call, "list_primary_keys", table_filter, table, rows, add_primary_key,
                reterr);
}

static cflight_status on_foreign_keys(void *user_data, cflight_sql_call *call,
                                      const struct cflight_sql_cross_reference *filter,
                                      cflight_sql_rows *rows, cflight_error **reterr)
{
    return list(user_data, call, "list_foreign_keys", keys_filter, filter, rows, add_foreign_key,
                reterr);
}

void cfp_sql_listings(struct cflight_sql_handlers *ret_handlers)
{
    ret_handlers->list_catalogs = on_catalogs;
    ret_handlers->list_db_schemas = on_db_schemas;
    ret_handlers->list_tables = on_tables;
    ret_handlers->list_table_types = on_table_types;
    ret_handlers->list_primary_keys = on_primary_keys;
    ret_handlers->list_foreign_keys = on_foreign_keys;
}
