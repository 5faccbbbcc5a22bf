/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_STATE_H
#define CFP_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include "cflight/cflight.h"

/* The state of the extension module: its types, the Python classes it works with, and pyarrow's
 * when that can be imported.
 *
 * Names shared between the files of the extension start with cfp_. Everything here is used with the
 * GIL held unless a comment says otherwise. Functions follow CPython's rule: NULL or -1 with an
 * exception set; "new reference" unless a comment says borrowed. */

/* Types written in C. */
#define CFP_STATE_TYPES(X) \
    X(action)              \
    X(async_call)          \
    X(basic_auth)          \
    X(buffer)              \
    X(call_options)        \
    X(cancel_token)        \
    X(chunk)               \
    X(client)              \
    X(data_stream)         \
    X(descriptor)          \
    X(endpoint)            \
    X(generator_stream)    \
    X(client_auth_reader)  \
    X(client_auth_sender)  \
    X(server_auth_reader)  \
    X(server_auth_sender)  \
    X(info)                \
    X(info_iterator)       \
    X(location)            \
    X(metadata_reader)     \
    X(metadata_writer)     \
    X(metric)              \
    X(metrics)             \
    X(metrics_port)        \
    X(poll_info)           \
    X(reader)              \
    X(stream_reader)       \
    X(record_batch)        \
    X(record_batch_reader) \
    X(record_batch_stream) \
    X(result)              \
    X(result_iterator)     \
    X(schema)              \
    X(schema_result)       \
    X(server)              \
    X(server_context)      \
    X(service_requests)    \
    X(sql_async)           \
    X(sql_client)          \
    X(sql_server)          \
    X(sql_statement)       \
    X(sql_transaction)     \
    X(table)               \
    X(ticket)              \
    X(writer)              \
    X(stream_writer)

/* Python objects. The pa_ ones are NULL when pyarrow cannot be imported; `pa` is the test. */
#define CFP_STATE_OBJECTS(X)            \
    X(name_c_array)                     \
    X(name_equals)                      \
    X(name_export)                      \
    X(name_schema)                      \
    X(pa)                               \
    X(pa_schema)                        \
    X(pa_record_batch_class)            \
    X(pa_import_batch)                  \
    X(pa_table_from_batches)            \
    X(pa_reader_from_batches)           \
    X(pa_py_buffer)                     \
    X(pa_buffer_class)                  \
    X(pa_scalar)                        \
    X(pa_timestamp)                     \
    X(pa_timestamp_ns_utc)              \
    X(pa_timestamp_scalar_class)        \
    X(pa_write_options_class)           \
    X(pa_read_options_class)            \
    X(write_options_class)              \
    X(read_options_class)               \
    X(fetch_progress)                   \
    X(read_stats)                       \
    X(write_stats)                      \
    X(descriptor_type_enum)             \
    X(flight_method)                    \
    X(action_type_class)                \
    X(call_info)                        \
    X(cancel_status)                    \
    X(session_error)                    \
    X(close_session_status)             \
    X(client_auth_handler)              \
    X(set_wakeup_fd)                    \
    X(format_exception)                 \
    X(batches_of)                       \
    X(sql_call_class)                   \
    X(sql_target_class)                 \
    X(sql_filter_class)                 \
    X(sql_plan_class)                   \
    X(flight_error)                     \
    X(flight_internal_error)            \
    X(flight_timed_out_error)           \
    X(flight_cancelled_error)           \
    X(flight_server_error)              \
    X(flight_unauthenticated_error)     \
    X(flight_unauthorized_error)        \
    X(flight_unavailable_error)         \
    X(flight_write_size_exceeded_error) \
    X(arrow_exception)                  \
    X(arrow_invalid)                    \
    X(arrow_memory_error)               \
    X(arrow_key_error)                  \
    X(arrow_type_error)                 \
    X(arrow_not_implemented_error)      \
    X(arrow_capacity_error)             \
    X(arrow_index_error)                \
    X(arrow_serialization_error)        \
    X(arrow_cancelled)

struct cfp_state {
#define CFP_MEMBER(name) PyTypeObject *name##_type;
    CFP_STATE_TYPES(CFP_MEMBER)
#undef CFP_MEMBER
#define CFP_MEMBER(name) PyObject *name;
    CFP_STATE_OBJECTS(CFP_MEMBER)
#undef CFP_MEMBER
    unsigned long main_thread_id; /* threading.main_thread().ident */
    cflight_cancel *unary_cancel; /* call.c */
    bool can_export_rows;         /* batch.c: pyarrow's batches do that */
};

extern struct PyModuleDef cfp_module_def;

/* The state of the module that made the object's type (or a base of it), or of the type itself.
 * Never fails for objects of this module. */
struct cfp_state *cfp_state_of(PyObject *self);
struct cfp_state *cfp_state_of_type(PyTypeObject *type);

/* The head of every object of the module. */
#define CFP_HEAD PyObject_HEAD PyObject *weakrefs;

struct cfp_object {
    CFP_HEAD
};

/* Makes every type weakly referable; part of each type's slots. */
extern PyMemberDef cfp_members[];

/* What a dealloc function does first and last. */
void cfp_object_begin_dealloc(PyObject *self);
void cfp_object_end_dealloc(PyObject *self);

/* Guards a few members of an object for a few instructions, which must run no Python code. With the
 * GIL it is nothing, as the GIL does it. */
#ifdef Py_GIL_DISABLED
typedef PyMutex cfp_mutex;
#define cfp_mutex_lock(mutex) PyMutex_Lock(mutex)
#define cfp_mutex_unlock(mutex) PyMutex_Unlock(mutex)
#else
typedef struct {
    char unused;
} cfp_mutex;
#define cfp_mutex_lock(mutex) ((void)(mutex))
#define cfp_mutex_unlock(mutex) ((void)(mutex))
#endif

/* The __init__ of classes whose instances the library makes, and unit tests: takes anything, so
 * that subclasses may have arguments. */
int cfp_init_any(PyObject *self, PyObject *args, PyObject *kwargs);

/* A method that takes keyword arguments, in the shape of a PyMethodDef. */
#define CFP_KEYWORDS(function) ((PyCFunction)(void (*)(void))(function))

/* Type specifications, one per file, registered by module.c. */
#define CFP_DECLARE_SPEC(name) extern PyType_Spec cfp_##name##_spec;
CFP_STATE_TYPES(CFP_DECLARE_SPEC)
#undef CFP_DECLARE_SPEC

#endif /* CFP_STATE_H */
