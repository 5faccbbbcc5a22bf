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

/* Reads the rows that parsed arguments ask for. */
static PyObject *list_rows(PyObject *self, PyObject *args, PyObject *kwargs, cfp_sql_parse *parse)
{
    struct cfp_sql_command command = CFP_SQL_COMMAND_INIT;
    struct cfp_fetch_arguments given = CFP_FETCH_ARGUMENTS_INIT;
    PyObject *reader = NULL;
    if (parse(args, kwargs, &command) == 0) {
        given.options = command.options;
        reader = cfp_fetch(self, &given, start_rows, &command.message);
    }
    cfp_sql_command_done(&command);
    return reader;
}

#define DEFINE_LISTING(name)                                                          \
    PyObject *cfp_sql_client_##name(PyObject *self, PyObject *args, PyObject *kwargs) \
    {                                                                                 \
        return list_rows(self, args, kwargs, cfp_sql_parse_##name);                   \
    }

DEFINE_LISTING(catalogs)
DEFINE_LISTING(schemas)
DEFINE_LISTING(tables)
DEFINE_LISTING(table_types)
DEFINE_LISTING(primary_keys)
DEFINE_LISTING(exported_keys)
DEFINE_LISTING(imported_keys)
DEFINE_LISTING(cross_reference)
DEFINE_LISTING(type_info)

static int parse_options(PyObject *args, PyObject *kwargs, const char *format,
                         enum cflight_sql_type type, struct cfp_sql_command *command)
{
    PyObject *options = cfp_sql_options_only(args, kwargs, format);
    command->message.type = type;
    command->options = options == NULL ? Py_None : options;
    return options == NULL ? -1 : 0;
}

int cfp_sql_parse_catalogs(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    return parse_options(args, kwargs, "|O:catalogs", CFLIGHT_SQL_GET_CATALOGS, command);
}

int cfp_sql_parse_table_types(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    return parse_options(args, kwargs, "|O:table_types", CFLIGHT_SQL_GET_TABLE_TYPES, command);
}

int cfp_sql_parse_schemas(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    static char *names[] = {"options", "catalog", "schema_pattern", NULL};
    struct cfp_sql_text catalog = {0};
    struct cfp_sql_text pattern = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$z#z#:schemas", names, &command->options,
                                     &catalog.data, &catalog.len_bytes, &pattern.data,
                                     &pattern.len_bytes)) {
        return -1;
    }
    command->message.type = CFLIGHT_SQL_GET_DB_SCHEMAS;
    command->message.db_schemas.catalog = cfp_sql_view(catalog);
    command->message.db_schemas.schema_pattern = cfp_sql_view(pattern);
    return 0;
}

/* Views of the texts of a sequence. */
static int take_types(struct cfp_sql_command *command, PyObject *types)
{
    struct cflight_sql_tables *filter = &command->message.tables;
    command->kept = PySequence_List(types);
    if (command->kept == NULL) {
        return -1;
    }
    size_t count = (size_t)PyList_GET_SIZE(command->kept);
    struct cflight_bytes *texts = cfp_scratch_new(&command->scratch, count, sizeof(*texts));
    if (texts == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        Py_ssize_t len_bytes = 0;
        PyObject *item = PyList_GET_ITEM(command->kept, (Py_ssize_t)i);
        const char *data = PyUnicode_AsUTF8AndSize(item, &len_bytes);
        if (data == NULL) {
            return -1;
        }
        texts[i] = cflight_bytes_make(data, (size_t)len_bytes);
    }
    filter->table_types = texts;
    filter->table_type_count = count;
    return 0;
}

int cfp_sql_parse_tables(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    static char *names[] = {
        "options",        "catalog", "schema_pattern", "table_pattern", "table_types",
        "include_schema", NULL};
    struct cfp_sql_text catalog = {0};
    struct cfp_sql_text schema = {0};
    struct cfp_sql_text table = {0};
    PyObject *types = Py_None;
    int include_schema = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$z#z#z#Op:tables", names, &command->options,
                                     &catalog.data, &catalog.len_bytes, &schema.data,
                                     &schema.len_bytes, &table.data, &table.len_bytes, &types,
                                     &include_schema)) {
        return -1;
    }
    command->message.type = CFLIGHT_SQL_GET_TABLES;
    command->message.tables.catalog = cfp_sql_view(catalog);
    command->message.tables.schema_pattern = cfp_sql_view(schema);
    command->message.tables.table_pattern = cfp_sql_view(table);
    command->message.tables.include_schema = include_schema != 0;
    return types == Py_None ? 0 : take_types(command, types);
}

/* Parses (table, options, catalog, schema). */
static int parse_table(PyObject *args, PyObject *kwargs, const char *format,
                       enum cflight_sql_type type, struct cfp_sql_command *command)
{
    static char *names[] = {"table", "options", "catalog", "schema", NULL};
    struct cfp_sql_text table = {0};
    struct cfp_sql_text catalog = {0};
    struct cfp_sql_text schema = {0};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, format, names, &table.data, &table.len_bytes,
                                     &command->options, &catalog.data, &catalog.len_bytes,
                                     &schema.data, &schema.len_bytes)) {
        return -1;
    }
    command->message.type = type;
    command->message.table.table = cfp_sql_view(table);
    command->message.table.catalog = cfp_sql_view(catalog);
    command->message.table.db_schema = cfp_sql_view(schema);
    return 0;
}

#define DEFINE_KEYS(name, type)                                                                 \
    int cfp_sql_parse_##name(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command) \
    {                                                                                           \
        return parse_table(args, kwargs, "s#|O$z#z#:" #name, type, command);                    \
    }

DEFINE_KEYS(primary_keys, CFLIGHT_SQL_GET_PRIMARY_KEYS)
DEFINE_KEYS(exported_keys, CFLIGHT_SQL_GET_EXPORTED_KEYS)
DEFINE_KEYS(imported_keys, CFLIGHT_SQL_GET_IMPORTED_KEYS)
/* Of this the name alone is looked at. */
DEFINE_KEYS(table_schema, CFLIGHT_SQL_GET_TABLES)

int cfp_sql_parse_cross_reference(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    static char *names[] = {"pk_table",  "fk_table",   "options",   "pk_catalog",
                            "pk_schema", "fk_catalog", "fk_schema", NULL};
    struct cfp_sql_text pk[3] = {{0}};
    struct cfp_sql_text fk[3] = {{0}};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s#s#|O$z#z#z#z#:cross_reference", names,
                                     &pk[0].data, &pk[0].len_bytes, &fk[0].data, &fk[0].len_bytes,
                                     &command->options, &pk[1].data, &pk[1].len_bytes, &pk[2].data,
                                     &pk[2].len_bytes, &fk[1].data, &fk[1].len_bytes, &fk[2].data,
                                     &fk[2].len_bytes)) {
        return -1;
    }
    command->message.type = CFLIGHT_SQL_GET_CROSS_REFERENCE;
    command->message.cross_reference = (struct cflight_sql_cross_reference){
        .pk = {cfp_sql_view(pk[1]), cfp_sql_view(pk[2]), cfp_sql_view(pk[0])},
        .fk = {cfp_sql_view(fk[1]), cfp_sql_view(fk[2]), cfp_sql_view(fk[0])},
    };
    return 0;
}

int cfp_sql_parse_type_info(PyObject *args, PyObject *kwargs, struct cfp_sql_command *command)
{
    static char *names[] = {"data_type", "options", NULL};
    struct cflight_sql_type_filter *filter = &command->message.type_info;
    PyObject *data_type = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:type_info", names, &data_type,
                                     &command->options)) {
        return -1;
    }
    command->message.type = CFLIGHT_SQL_GET_XDBC_TYPE_INFO;
    filter->has_data_type = data_type != Py_None;
    return filter->has_data_type ? cfp_int_get(data_type, &filter->data_type) : 0;
}

PyObject *cfp_sql_client_table_schema(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_sql_command command = CFP_SQL_COMMAND_INIT;
    struct cfp_sql_call call = {0};
    struct ArrowSchema schema;
    PyObject *result = NULL;
    if (cfp_sql_parse_table_schema(args, kwargs, &command) == 0 &&
        cfp_sql_call_begin(&call, self, NULL, command.options, NULL) == 0 &&
        cfp_frame_block(&call.frame) == 0) {
        cflight_status status = cflight_sql_get_table_schema(
            call.frame.client, &command.message.table, &call.options, &schema, &call.frame.error);
        if (cfp_frame_unblock(&call.frame, status) == 0) {
            result = cfp_schema_take(call.frame.state, &schema);
        }
    }
    cfp_sql_call_end(&call);
    cfp_sql_command_done(&command);
    return result;
}
