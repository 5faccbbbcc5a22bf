/* SPDX-License-Identifier: Apache-2.0 */
/* The extension module cflight._cflight: its types and its start.
 *
 * Multi-phase initialisation, heap types, all state per module. pyarrow is imported when it is
 * there; everything works without it. Callbacks from library threads attach with PyGILState_Ensure,
 * which knows one interpreter only, so the module declares that it runs in the main one.
 * Thread class: with the GIL. */
#include "base/attach.h"
#include "base/state.h"

/* Where each type goes, after the types it derives from. */
struct type_entry {
    PyType_Spec *spec;
    size_t offset;
    size_t base_offset; /* 0 is object */
};

#define TYPE_AT(name) offsetof(struct cfp_state, name##_type)
#define TYPE(name)                           \
    {                                        \
        &cfp_##name##_spec, TYPE_AT(name), 0 \
    }
#define SUBTYPE(name, base)                              \
    {                                                    \
        &cfp_##name##_spec, TYPE_AT(name), TYPE_AT(base) \
    }

static const struct type_entry type_entries[] = {
    TYPE(action),
    TYPE(async_call),
    TYPE(basic_auth),
    TYPE(buffer),
    TYPE(call_options),
    TYPE(cancel_token),
    TYPE(chunk),
    TYPE(client),
    TYPE(data_stream),
    TYPE(descriptor),
    TYPE(endpoint),
    SUBTYPE(generator_stream, data_stream),
    TYPE(client_auth_reader),
    TYPE(client_auth_sender),
    TYPE(server_auth_reader),
    TYPE(server_auth_sender),
    TYPE(info),
    TYPE(info_iterator),
    TYPE(location),
    TYPE(metadata_reader),
    TYPE(metadata_writer),
    TYPE(metric),
    TYPE(metrics),
    TYPE(metrics_port),
    TYPE(poll_info),
    TYPE(reader),
    SUBTYPE(stream_reader, reader),
    TYPE(record_batch),
    TYPE(record_batch_reader),
    SUBTYPE(record_batch_stream, data_stream),
    TYPE(result),
    TYPE(result_iterator),
    TYPE(schema),
    TYPE(schema_result),
    TYPE(server),
    TYPE(server_context),
    TYPE(service_requests),
    TYPE(sql_async),
    SUBTYPE(sql_client, client),
    SUBTYPE(sql_server, server),
    TYPE(sql_statement),
    TYPE(sql_transaction),
    TYPE(table),
    TYPE(ticket),
    TYPE(writer),
    SUBTYPE(stream_writer, writer),
};

static PyObject **slot_at(struct cfp_state *state, size_t offset)
{
    return (PyObject **)(void *)((char *)state + offset);
}

static int add_types(PyObject *module, struct cfp_state *state)
{
    for (size_t i = 0; i < sizeof(type_entries) / sizeof(type_entries[0]); i++) {
        const struct type_entry *entry = &type_entries[i];
        PyObject *base = entry->base_offset == 0 ? NULL : *slot_at(state, entry->base_offset);
        PyObject *type = PyType_FromModuleAndSpec(module, entry->spec, base);
        if (type == NULL) {
            return -1;
        }
        *slot_at(state, entry->offset) = type;
        if (PyModule_AddType(module, (PyTypeObject *)type) < 0) {
            return -1;
        }
    }
    return 0;
}

/* An object that comes from a Python module under a name. */
struct object_entry {
    const char *name;
    size_t offset;
};

#define OBJECT(name, member)                     \
    {                                            \
        name, offsetof(struct cfp_state, member) \
    }

static const struct object_entry type_objects[] = {
    OBJECT("IpcWriteOptions", write_options_class),
    OBJECT("IpcReadOptions", read_options_class),
    OBJECT("FetchProgress", fetch_progress),
    OBJECT("ReadStats", read_stats),
    OBJECT("WriteStats", write_stats),
    OBJECT("DescriptorType", descriptor_type_enum),
    OBJECT("FlightMethod", flight_method),
    OBJECT("ActionType", action_type_class),
    OBJECT("CallInfo", call_info),
    OBJECT("CancelStatus", cancel_status),
    OBJECT("SessionOptionError", session_error),
    OBJECT("CloseSessionStatus", close_session_status),
    OBJECT("ClientAuthHandler", client_auth_handler),
    OBJECT("_format_exception", format_exception),
    OBJECT("_batches_of", batches_of),
    {NULL, 0},
};

static const struct object_entry sql_objects[] = {
    OBJECT("Call", sql_call_class),
    OBJECT("IngestTarget", sql_target_class),
    OBJECT("TableFilter", sql_filter_class),
    OBJECT("Plan", sql_plan_class),
    {NULL, 0},
};

static const struct object_entry exception_objects[] = {
    OBJECT("FlightError", flight_error),
    OBJECT("FlightInternalError", flight_internal_error),
    OBJECT("FlightTimedOutError", flight_timed_out_error),
    OBJECT("FlightCancelledError", flight_cancelled_error),
    OBJECT("FlightServerError", flight_server_error),
    OBJECT("FlightUnauthenticatedError", flight_unauthenticated_error),
    OBJECT("FlightUnauthorizedError", flight_unauthorized_error),
    OBJECT("FlightUnavailableError", flight_unavailable_error),
    OBJECT("FlightWriteSizeExceededError", flight_write_size_exceeded_error),
    OBJECT("ArrowException", arrow_exception),
    OBJECT("ArrowInvalid", arrow_invalid),
    OBJECT("ArrowMemoryError", arrow_memory_error),
    OBJECT("ArrowKeyError", arrow_key_error),
    OBJECT("ArrowTypeError", arrow_type_error),
    OBJECT("ArrowNotImplementedError", arrow_not_implemented_error),
    OBJECT("ArrowCapacityError", arrow_capacity_error),
    OBJECT("ArrowIndexError", arrow_index_error),
    OBJECT("ArrowSerializationError", arrow_serialization_error),
    OBJECT("ArrowCancelled", arrow_cancelled),
    {NULL, 0},
};

static const struct object_entry pyarrow_objects[] = {
    OBJECT("schema", pa_schema),
    OBJECT("RecordBatch", pa_record_batch_class),
    OBJECT("py_buffer", pa_py_buffer),
    OBJECT("Buffer", pa_buffer_class),
    OBJECT("scalar", pa_scalar),
    OBJECT("timestamp", pa_timestamp),
    OBJECT("TimestampScalar", pa_timestamp_scalar_class),
    {NULL, 0},
};

static const struct object_entry pyarrow_ipc_objects[] = {
    OBJECT("IpcWriteOptions", pa_write_options_class),
    OBJECT("IpcReadOptions", pa_read_options_class),
    {NULL, 0},
};

static int take_objects(struct cfp_state *state, PyObject *source,
                        const struct object_entry *entries)
{
    for (; entries->name != NULL; entries++) {
        PyObject *object = PyObject_GetAttrString(source, entries->name);
        if (object == NULL) {
            return -1;
        }
        *slot_at(state, entries->offset) = object;
    }
    return 0;
}

static int import_objects(struct cfp_state *state, const char *module_name,
                          const struct object_entry *entries)
{
    PyObject *module = PyImport_ImportModule(module_name);
    int result = module == NULL ? -1 : take_objects(state, module, entries);
    Py_XDECREF(module);
    return result;
}

static PyObject *attribute_of(PyObject *object, const char *name, const char *inner)
{
    PyObject *outer = PyObject_GetAttrString(object, name);
    PyObject *result = outer == NULL ? NULL : PyObject_GetAttrString(outer, inner);
    Py_XDECREF(outer);
    return result;
}

static int import_pyarrow(struct cfp_state *state)
{
    PyObject *pa = PyImport_ImportModule("pyarrow");
    if (pa == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_ImportError)) {
            return -1;
        }
        PyErr_Clear();
        return 0;
    }
    state->pa = pa;
    if (take_objects(state, pa, pyarrow_objects) < 0 ||
        import_objects(state, "pyarrow.ipc", pyarrow_ipc_objects) < 0) {
        return -1;
    }
    state->pa_table_from_batches = attribute_of(pa, "Table", "from_batches");
    state->pa_reader_from_batches = attribute_of(pa, "RecordBatchReader", "from_batches");
    state->pa_import_batch = attribute_of(pa, "RecordBatch", "_import_from_c");
    state->pa_timestamp_ns_utc = PyObject_CallFunction(state->pa_timestamp, "ss", "ns", "UTC");
    state->can_export_rows =
        PyObject_HasAttr(state->pa_record_batch_class, state->name_export) == 1;
    bool is_complete = state->pa_table_from_batches != NULL &&
                       state->pa_reader_from_batches != NULL && state->pa_import_batch != NULL &&
                       state->pa_timestamp_ns_utc != NULL;
    return is_complete ? 0 : -1;
}

static int find_main_thread(struct cfp_state *state)
{
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *thread =
        threading == NULL ? NULL : PyObject_CallMethod(threading, "main_thread", NULL);
    PyObject *ident = thread == NULL ? NULL : PyObject_GetAttrString(thread, "ident");
    if (ident != NULL) {
        state->main_thread_id = PyLong_AsUnsignedLong(ident);
    }
    Py_XDECREF(threading);
    Py_XDECREF(thread);
    Py_XDECREF(ident);
    return PyErr_Occurred() == NULL ? 0 : -1;
}

static const struct object_entry signal_objects[] = {
    OBJECT("set_wakeup_fd", set_wakeup_fd),
    {NULL, 0},
};

static int intern_names(struct cfp_state *state)
{
    state->name_c_array = PyUnicode_InternFromString("__arrow_c_array__");
    state->name_equals = PyUnicode_InternFromString("equals");
    state->name_export = PyUnicode_InternFromString("_export_to_c_device");
    state->name_schema = PyUnicode_InternFromString("schema");
    bool is_complete = state->name_c_array != NULL && state->name_equals != NULL &&
                       state->name_export != NULL && state->name_schema != NULL;
    return is_complete ? 0 : -1;
}

static int module_exec(PyObject *module)
{
    struct cfp_state *state = PyModule_GetState(module);
    cfp_attach_prepare();
    if (intern_names(state) < 0 || import_pyarrow(state) < 0 || find_main_thread(state) < 0 ||
        import_objects(state, "signal", signal_objects) < 0 ||
        import_objects(state, "cflight._types", type_objects) < 0 ||
        import_objects(state, "cflight._sql_types", sql_objects) < 0 ||
        import_objects(state, "cflight._exceptions", exception_objects) < 0 ||
        add_types(module, state) < 0) {
        return -1;
    }
    return PyModule_AddStringConstant(module, "__version__", cflight_version());
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)module_exec},
#if PY_VERSION_HEX >= 0x030c0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030d0000
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static int add_version(PyObject *versions, const char *name, const char *version)
{
    PyObject *text = PyUnicode_FromString(version);
    int status = text == NULL ? -1 : PyDict_SetItemString(versions, name, text);
    Py_XDECREF(text);
    return status;
}

PyDoc_STRVAR(versions_doc,
             "versions()\n--\n\n"
             "The version of cflight and of each library that it runs with, by name.\n\n"
             "Examples\n--------\n"
             ">>> flight.versions()[\"cflight\"]\n"
             "'0.1.0'");

static PyObject *versions(PyObject *module, PyObject *ignored)
{
    (void)module;
    (void)ignored;
    PyObject *result = PyDict_New();
    int status = result == NULL ? -1 : add_version(result, "cflight", cflight_version());
    for (size_t i = 0; status == 0 && cflight_library_name(i) != NULL; i++) {
        status = add_version(result, cflight_library_name(i), cflight_library_version(i));
    }
    if (status < 0) {
        Py_CLEAR(result);
    }
    return result;
}

static PyMethodDef module_methods[] = {
    {"versions", versions, METH_NOARGS, versions_doc},
    {NULL, NULL, 0, NULL},
};

PyMODINIT_FUNC PyInit__cflight(void);

PyMODINIT_FUNC PyInit__cflight(void)
{
    cfp_module_def.m_methods = module_methods;
    cfp_module_def.m_slots = module_slots;
    return PyModuleDef_Init(&cfp_module_def);
}
