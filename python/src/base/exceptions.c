/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses to exceptions, and exceptions to statuses.
 *
 * From a peer that sent x-arrow-status the text is its message with ". Detail: ..." behind it; from
 * any other peer it is the message behind a prefix that names the status. The class follows from
 * the gRPC status where that is a Flight error, else from the Arrow code, else from the status. In
 * the other direction a Flight exception becomes its status; any other exception becomes the status
 * of its class, its text the message and its traceback the detail. Thread class: with the GIL. */
#include "base/exceptions.h"

#include <string.h>

#include "base/convert.h"

/* Status codes of Arrow C++, as they travel in x-arrow-status. */
enum arrow_code {
    ARROW_NONE = -1,
    ARROW_OUT_OF_MEMORY = 1,
    ARROW_KEY_ERROR = 2,
    ARROW_TYPE_ERROR = 3,
    ARROW_INVALID = 4,
    ARROW_IO_ERROR = 5,
    ARROW_CAPACITY_ERROR = 6,
    ARROW_INDEX_ERROR = 7,
    ARROW_CANCELLED = 8,
    ARROW_UNKNOWN_ERROR = 9,
    ARROW_NOT_IMPLEMENTED = 10,
    ARROW_SERIALIZATION_ERROR = 11,
};

/* What a bare gRPC status means: the class, and the text put before the message. */
struct status_entry {
    const char *prefix;
    size_t class_offset;
    bool is_flight_error; /* the class stands whatever the Arrow code says */
};

#define CLASS(member) offsetof(struct cfp_state, member)
static const struct status_entry status_table[] = {
    [CFLIGHT_CANCELLED] = {"Flight cancelled call, with message: ", CLASS(flight_cancelled_error),
                           true},
    [CFLIGHT_UNKNOWN] = {"Flight RPC failed with message: ", CLASS(flight_server_error), true},
    [CFLIGHT_INVALID_ARGUMENT] = {"Flight returned invalid argument error, with message: ",
                                  CLASS(arrow_invalid), false},
    [CFLIGHT_DEADLINE_EXCEEDED] = {"Flight returned timeout error, with message: ",
                                   CLASS(flight_timed_out_error), true},
    [CFLIGHT_NOT_FOUND] = {"Flight returned not found error, with message: ",
                           CLASS(arrow_key_error), false},
    [CFLIGHT_ALREADY_EXISTS] = {"Flight returned already exists error, with message: ",
                                CLASS(arrow_exception), false},
    [CFLIGHT_PERMISSION_DENIED] = {"Flight returned unauthorized error, with message: ",
                                   CLASS(flight_unauthorized_error), true},
    [CFLIGHT_RESOURCE_EXHAUSTED] = {"gRPC returned resource exhausted error, with message: ",
                                    CLASS(arrow_invalid), false},
    [CFLIGHT_FAILED_PRECONDITION] = {"gRPC returned precondition failed error, with message: ",
                                     CLASS(arrow_invalid), false},
    [CFLIGHT_ABORTED] = {"gRPC returned aborted error, with message: ",
                         CLASS(flight_internal_error), true},
    [CFLIGHT_OUT_OF_RANGE] = {"gRPC returned out-of-range error, with message: ",
                              CLASS(arrow_invalid), false},
    [CFLIGHT_UNIMPLEMENTED] = {"Flight returned unimplemented error, with message: ",
                               CLASS(arrow_not_implemented_error), false},
    [CFLIGHT_INTERNAL] = {"Flight returned internal error, with message: ",
                          CLASS(flight_internal_error), true},
    [CFLIGHT_UNAVAILABLE] = {"Flight returned unavailable error, with message: ",
                             CLASS(flight_unavailable_error), true},
    [CFLIGHT_DATA_LOSS] = {"gRPC returned data loss error, with message: ",
                           CLASS(flight_internal_error), true},
    [CFLIGHT_UNAUTHENTICATED] = {"Flight returned unauthenticated error, with message: ",
                                 CLASS(flight_unauthenticated_error), true},
};

/* What an Arrow code means; codes that are not here are an ArrowException that names the code. */
struct arrow_entry {
    const char *name;
    size_t class_offset; /* 0 is OSError */
};

static const struct arrow_entry arrow_table[] = {
    [ARROW_OUT_OF_MEMORY] = {"Out of memory", CLASS(arrow_memory_error)},
    [ARROW_KEY_ERROR] = {"Key error", CLASS(arrow_key_error)},
    [ARROW_TYPE_ERROR] = {"Type error", CLASS(arrow_type_error)},
    [ARROW_INVALID] = {"Invalid", CLASS(arrow_invalid)},
    [ARROW_IO_ERROR] = {"IOError", 0},
    [ARROW_CAPACITY_ERROR] = {"Capacity error", CLASS(arrow_capacity_error)},
    [ARROW_INDEX_ERROR] = {"Index error", CLASS(arrow_index_error)},
    [ARROW_CANCELLED] = {"Cancelled", CLASS(arrow_cancelled)},
    [ARROW_UNKNOWN_ERROR] = {"Unknown error", CLASS(arrow_exception)},
    [ARROW_NOT_IMPLEMENTED] = {"NotImplemented", CLASS(arrow_not_implemented_error)},
    [ARROW_SERIALIZATION_ERROR] = {"Serialization error", CLASS(arrow_serialization_error)},
};

#define TABLE_COUNT(table) (sizeof(table) / sizeof((table)[0]))

static PyObject *class_at(struct cfp_state *state, size_t offset)
{
    if (offset == 0) {
        return PyExc_OSError;
    }
    PyObject *class = NULL;
    memcpy(&class, (const char *)state + offset, sizeof(class));
    return class;
}

static bool is_known_arrow_code(int32_t code)
{
    return code > 0 && (size_t)code < TABLE_COUNT(arrow_table) && arrow_table[code].name != NULL;
}

PyObject *cfp_class_of_text(struct cfp_state *state, const char **ret_text)
{
    for (size_t i = 0; i < TABLE_COUNT(arrow_table); i++) {
        const char *name = arrow_table[i].name;
        size_t len_bytes = name == NULL ? 0 : strlen(name);
        if (len_bytes > 0 && strncmp(*ret_text, name, len_bytes) == 0 &&
            strncmp(*ret_text + len_bytes, ": ", 2) == 0) {
            *ret_text += len_bytes + 2;
            return class_at(state, arrow_table[i].class_offset);
        }
    }
    return NULL;
}

static const struct status_entry *entry_of(cflight_status status)
{
    bool is_known = status > 0 && (size_t)status < TABLE_COUNT(status_table);
    return &status_table[is_known ? status : CFLIGHT_UNKNOWN];
}

/* Errors of a call carry the peer; errors of local checks do not, and need no prefix. */
static bool is_from_call(cflight_status status, const cflight_error *error)
{
    return cflight_error_peer(error)[0] != '\0' || cflight_error_trailer_count(error) > 0 ||
           (entry_of(status)->is_flight_error && status != CFLIGHT_INTERNAL);
}

static PyObject *text_of(const char *text)
{
    return cfp_text_new(cflight_bytes_from_text(text));
}

static PyObject *append_detail(PyObject *message, const char *detail)
{
    if (message == NULL || detail[0] == '\0') {
        return message;
    }
    PyObject *detail_text = text_of(detail);
    PyObject *whole =
        detail_text == NULL ? NULL : PyUnicode_FromFormat("%U. Detail: %U", message, detail_text);
    Py_XDECREF(detail_text);
    Py_DECREF(message);
    return whole;
}

static PyObject *message_of(cflight_status status, const cflight_error *error)
{
    int32_t arrow_code = cflight_error_arrow_code(error);
    PyObject *message = text_of(cflight_error_message(error));
    if (message == NULL) {
        return NULL;
    }
    if (arrow_code < 0) {
        if (!is_from_call(status, error)) {
            return message;
        }
        PyObject *whole = PyUnicode_FromFormat("%s%U", entry_of(status)->prefix, message);
        Py_DECREF(message);
        return whole;
    }
    bool is_named = !entry_of(status)->is_flight_error && !is_known_arrow_code(arrow_code);
    if (is_named) {
        PyObject *whole = PyUnicode_FromFormat("Unknown: %U", message);
        Py_DECREF(message);
        message = whole;
    }
    return append_detail(message, cflight_error_detail(error));
}

/* Our own memory ran out, rather than the peer's or a limit. */
static bool is_out_of_memory(cflight_status status, const cflight_error *error)
{
    return status == CFLIGHT_RESOURCE_EXHAUSTED && cflight_error_peer(error)[0] == '\0' &&
           !cflight_error_size_limit(error, NULL, NULL);
}

static PyObject *size_exception(struct cfp_state *state, uint64_t limit, uint64_t actual)
{
    return PyObject_CallFunction(state->flight_write_size_exceeded_error, "sKK",
                                 "IPC payload size exceeded soft limit", (unsigned long long)limit,
                                 (unsigned long long)actual);
}

static int set_attribute(PyObject *exception, const char *name, PyObject *value)
{
    int result = value == NULL ? -1 : PyObject_SetAttrString(exception, name, value);
    Py_XDECREF(value);
    return result;
}

/* What a call says beyond its text: whether to try again, which call of Flight SQL it was, and what
 * the database says, where it does. */
static int add_facts(PyObject *exception, const cflight_error *error)
{
    static const char *const retries[] = {"never", "unsafe", "safe"};
    struct cflight_sql_error_state state;
    const char *call = cflight_sql_error_call(error);
    if (set_attribute(exception, "retry", text_of(retries[cflight_error_retry(error)])) < 0 ||
        (call != NULL && set_attribute(exception, "sql_call", text_of(call)) < 0)) {
        return -1;
    }
    if (!cflight_sql_error_get_state(error, &state)) {
        return 0;
    }
    if (state.sqlstate[0] != '\0' &&
        set_attribute(exception, "sqlstate", text_of(state.sqlstate)) < 0) {
        return -1;
    }
    if (state.position > 0 &&
        set_attribute(exception, "sql_position", PyLong_FromLong(state.position)) < 0) {
        return -1;
    }
    return state.hint.len_bytes > 0 ? set_attribute(exception, "sql_hint", cfp_text_new(state.hint))
                                    : 0;
}

PyObject *cfp_exception_new(struct cfp_state *state, cflight_status status,
                            const cflight_error *error)
{
    const struct status_entry *entry = entry_of(status);
    int32_t arrow_code = cflight_error_arrow_code(error);
    uint64_t limit = 0;
    uint64_t actual = 0;
    if (status == CFLIGHT_INVALID_ARGUMENT && arrow_code < 0 &&
        cflight_error_size_limit(error, &limit, &actual)) {
        return size_exception(state, limit, actual);
    }
    PyObject *message = message_of(status, error);
    if (message == NULL) {
        return NULL;
    }
    if (is_out_of_memory(status, error)) {
        arrow_code = ARROW_OUT_OF_MEMORY;
    }
    PyObject *exception = NULL;
    if (entry->is_flight_error) {
        PyObject *extra_info = cfp_bytes_new(cflight_error_extra_info(error));
        exception = extra_info == NULL
                        ? NULL
                        : PyObject_CallFunctionObjArgs(class_at(state, entry->class_offset),
                                                       message, extra_info, NULL);
        Py_XDECREF(extra_info);
    } else {
        size_t offset = entry->class_offset;
        if (arrow_code >= 0) {
            offset = is_known_arrow_code(arrow_code) ? arrow_table[arrow_code].class_offset
                                                     : CLASS(arrow_exception);
        }
        exception = PyObject_CallOneArg(class_at(state, offset), message);
    }
    Py_DECREF(message);
    if (exception != NULL && add_facts(exception, error) < 0) {
        Py_CLEAR(exception);
    }
    return exception;
}

PyObject *cfp_raise(struct cfp_state *state, cflight_status status, cflight_error *error)
{
    PyObject *exception = cfp_exception_new(state, status, error);
    cflight_error_free(error);
    if (exception != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
    return NULL;
}

void cfp_raise_own(struct cfp_state *state, cflight_status status, cflight_error *error,
                   PyObject *own)
{
    if (own == NULL) {
        cfp_raise(state, status, error);
        return;
    }
    cflight_error_free(error);
    if (!PyErr_GivenExceptionMatches(own, PyExc_Exception)) {
        (void)PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), NULL); /* not twice */
    }
    cfp_exception_restore(own);
}

static _Thread_local struct {
    int depth;           /* calls of this thread, one inside the other's callbacks */
    int kept_depth;      /* whose callback raised what is kept */
    PyObject *exception; /* or NULL */
} caller;

static void keep(PyObject *exception)
{
    Py_XSETREF(caller.exception, exception);
    caller.kept_depth = caller.depth;
}

void cfp_caller_enter(void)
{
    caller.depth++;
}

PyObject *cfp_caller_leave(void)
{
    PyObject *exception = NULL;
    if (caller.exception != NULL && caller.kept_depth >= caller.depth) {
        exception = caller.exception;
        caller.exception = NULL;
    }
    caller.depth--;
    return exception;
}

void cfp_caller_keep_exit(PyObject *exception)
{
    if (caller.depth > 0) {
        keep(Py_NewRef(exception));
    }
    (void)PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), (PyObject *)Py_TYPE(exception));
}

/* The order matters: an exception may be of several of these classes. */
static cflight_status status_of_builtin(PyObject *exception, int32_t *ret_arrow_code)
{
    static const struct {
        PyObject **class;
        int32_t arrow_code;
        cflight_status status;
    } table[] = {
        {&PyExc_MemoryError, ARROW_OUT_OF_MEMORY, CFLIGHT_UNKNOWN},
        {&PyExc_IndexError, ARROW_INDEX_ERROR, CFLIGHT_UNKNOWN},
        {&PyExc_KeyError, ARROW_KEY_ERROR, CFLIGHT_NOT_FOUND},
        {&PyExc_TypeError, ARROW_TYPE_ERROR, CFLIGHT_UNKNOWN},
        {&PyExc_ValueError, ARROW_INVALID, CFLIGHT_INVALID_ARGUMENT},
        {&PyExc_OverflowError, ARROW_INVALID, CFLIGHT_INVALID_ARGUMENT},
        {&PyExc_OSError, ARROW_IO_ERROR, CFLIGHT_UNKNOWN},
        {&PyExc_NotImplementedError, ARROW_NOT_IMPLEMENTED, CFLIGHT_UNIMPLEMENTED},
    };
    for (size_t i = 0; i < TABLE_COUNT(table); i++) {
        if (PyErr_GivenExceptionMatches(exception, *table[i].class)) {
            *ret_arrow_code = table[i].arrow_code;
            return table[i].status;
        }
    }
    *ret_arrow_code = ARROW_UNKNOWN_ERROR;
    return CFLIGHT_UNKNOWN;
}

static const struct {
    size_t class_offset;
    cflight_status status;
    enum cflight_flight_code code;
} flight_table[] = {
    {CLASS(flight_internal_error), CFLIGHT_INTERNAL, CFLIGHT_FLIGHT_CODE_INTERNAL},
    {CLASS(flight_timed_out_error), CFLIGHT_DEADLINE_EXCEEDED, CFLIGHT_FLIGHT_CODE_TIMED_OUT},
    {CLASS(flight_cancelled_error), CFLIGHT_CANCELLED, CFLIGHT_FLIGHT_CODE_CANCELLED},
    {CLASS(flight_server_error), CFLIGHT_UNKNOWN, CFLIGHT_FLIGHT_CODE_FAILED},
    {CLASS(flight_unauthenticated_error), CFLIGHT_UNAUTHENTICATED,
     CFLIGHT_FLIGHT_CODE_UNAUTHENTICATED},
    {CLASS(flight_unauthorized_error), CFLIGHT_PERMISSION_DENIED, CFLIGHT_FLIGHT_CODE_UNAUTHORIZED},
    {CLASS(flight_unavailable_error), CFLIGHT_UNAVAILABLE, CFLIGHT_FLIGHT_CODE_UNAVAILABLE},
};

/* Zero bytes, which end the library's texts, become U+FFFD. Takes and returns bytes or NULL. */
static PyObject *without_zeros(PyObject *text)
{
    if (text == NULL || strlen(PyBytes_AS_STRING(text)) == (size_t)PyBytes_GET_SIZE(text)) {
        return text;
    }
    PyObject *result =
        PyObject_CallMethod(text, "replace", "y#y", "\0", (Py_ssize_t)1, "\xef\xbf\xbd");
    Py_DECREF(text);
    return result;
}

/* The text of an object as UTF-8, or a stand-in: describing an error must not fail. */
static PyObject *describe(PyObject *object)
{
    PyObject *text = PyObject_Str(object);
    PyObject *bytes =
        text == NULL ? NULL : PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    Py_XDECREF(text);
    if (bytes == NULL) {
        PyErr_Clear();
        bytes = PyBytes_FromString("(an exception without a text)");
    }
    return without_zeros(bytes);
}

static void set_message(cflight_error **reterr, cflight_status status, const char *prefix,
                        PyObject *exception)
{
    PyObject *text = describe(exception);
    cflight_error_set(reterr, status, "%s%s", prefix, text == NULL ? "" : PyBytes_AS_STRING(text));
    Py_XDECREF(text);
}

static void set_traceback(struct cfp_state *state, cflight_error *error, PyObject *exception)
{
    PyObject *lines = PyObject_CallOneArg(state->format_exception, exception);
    PyObject *text = lines == NULL ? NULL : describe(lines);
    if (text != NULL) {
        cflight_error_set_detail(error, PyBytes_AS_STRING(text));
    }
    PyErr_Clear();
    Py_XDECREF(lines);
    Py_XDECREF(text);
}

static void set_extra_info(cflight_error *error, PyObject *exception)
{
    PyObject *extra_info = PyObject_GetAttrString(exception, "extra_info");
    if (extra_info != NULL && cfp_is_text(extra_info)) {
        Py_SETREF(extra_info, cfp_to_bytes(extra_info));
        if (extra_info != NULL) {
            cflight_error_set_extra_info(error, cfp_view(extra_info));
        }
    }
    Py_XDECREF(extra_info);
    PyErr_Clear();
}

/* The other way round of add_sql_state. Drivers of databases have the attribute, too. */
static void set_sql_state(cflight_error *error, PyObject *exception)
{
    struct cflight_sql_error_state state = {0};
    PyObject *sqlstate = PyObject_GetAttrString(exception, "sqlstate");
    const char *text =
        sqlstate != NULL && PyUnicode_Check(sqlstate) ? PyUnicode_AsUTF8(sqlstate) : NULL;
    if (text != NULL && strlen(text) == sizeof(state.sqlstate) - 1) {
        memcpy(state.sqlstate, text, sizeof(state.sqlstate));
        cflight_sql_error_set_state(error, &state);
    }
    Py_XDECREF(sqlstate);
    PyErr_Clear();
}

static cflight_status describe_exception(struct cfp_state *state, PyObject *exception,
                                         cflight_error **reterr)
{
    cflight_error *error = NULL;
    int32_t arrow_code = ARROW_NONE;
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < TABLE_COUNT(flight_table) && status == CFLIGHT_OK; i++) {
        PyObject *class = class_at(state, flight_table[i].class_offset);
        if (PyErr_GivenExceptionMatches(exception, class)) {
            status = flight_table[i].status;
            set_message(&error, status, "", exception);
            cflight_error_set_flight_code(error, flight_table[i].code);
            cflight_error_set_arrow_code(error, ARROW_IO_ERROR);
            set_extra_info(error, exception);
        }
    }
    if (status == CFLIGHT_OK && PyErr_GivenExceptionMatches(exception, state->flight_error)) {
        status = CFLIGHT_UNKNOWN;
        set_message(&error, status, "Flight error: ", exception);
        cflight_error_set_arrow_code(error, ARROW_UNKNOWN_ERROR);
    }
    if (status == CFLIGHT_OK) {
        status = status_of_builtin(exception, &arrow_code);
        set_message(&error, status, "", exception);
        cflight_error_set_arrow_code(error, arrow_code);
        set_traceback(state, error, exception);
    }
    set_sql_state(error, exception);
    if (reterr != NULL && *reterr == NULL) {
        *reterr = error;
    } else {
        cflight_error_free(error);
    }
    return status;
}

#if PY_VERSION_HEX >= 0x030c0000
PyObject *cfp_exception_take(void)
{
    return PyErr_GetRaisedException();
}

void cfp_exception_restore(PyObject *exception)
{
    PyErr_SetRaisedException(exception);
}
#else
PyObject *cfp_exception_take(void)
{
    PyObject *class = NULL;
    PyObject *exception = NULL;
    PyObject *traceback = NULL;
    PyErr_Fetch(&class, &exception, &traceback);
    PyErr_NormalizeException(&class, &exception, &traceback);
    if (exception != NULL && traceback != NULL) {
        PyException_SetTraceback(exception, traceback);
    }
    Py_XDECREF(class);
    Py_XDECREF(traceback);
    return exception;
}

void cfp_exception_restore(PyObject *exception)
{
    PyObject *class = exception == NULL ? NULL : (PyObject *)Py_TYPE(exception);
    PyObject *traceback = exception == NULL ? NULL : PyException_GetTraceback(exception);
    PyErr_Restore(Py_XNewRef(class), exception, traceback);
}
#endif

cflight_status cfp_error_from_python(struct cfp_state *state, PyObject **ret_exception,
                                     cflight_error **reterr)
{
    PyObject *exception = cfp_exception_take();
    if (exception == NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INTERNAL, "a failure without a reason");
    }
    cflight_status status = describe_exception(state, exception, reterr);
    if (ret_exception != NULL) {
        *ret_exception = Py_NewRef(exception);
    }
    Py_DECREF(exception);
    return status;
}

void cfp_warn_unraisable(const char *what)
{
    PyObject *context = PyUnicode_FromString(what);
    PyErr_WriteUnraisable(context);
    Py_XDECREF(context);
}

cflight_status cfp_error_from_caller(struct cfp_state *state, cflight_error **reterr)
{
    PyObject *exception = NULL;
    cflight_status status = cfp_error_from_python(state, &exception, reterr);
    if (exception != NULL && caller.depth > 0) {
        keep(Py_NewRef(exception));
    }
    Py_XDECREF(exception);
    return status;
}
