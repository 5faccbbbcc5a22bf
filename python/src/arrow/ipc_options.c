/* SPDX-License-Identifier: Apache-2.0 */
/* IPC options, of pyarrow or of this module: read into the structs of the library, and copied,
 * because they are mutable. The classes differ only in their attributes. Thread class: with the
 * GIL. */
#include "arrow/ipc_options.h"

#include <string.h>

#include "base/convert.h"
#include "base/exceptions.h"

static int is_instance_of(PyObject *value, PyObject *own_class, PyObject *pa_class)
{
    int result = PyObject_IsInstance(value, own_class);
    return result == 0 && pa_class != NULL ? PyObject_IsInstance(value, pa_class) : result;
}

/* Reads an attribute as a long; a missing one or None is `missing`. */
static int long_attribute(PyObject *object, const char *name, long missing, long *ret_value)
{
    PyObject *value = PyObject_GetAttrString(object, name);
    if (value == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
            return -1;
        }
        PyErr_Clear();
        *ret_value = missing;
        return 0;
    }
    *ret_value = value == Py_None ? missing : PyLong_AsLong(value);
    Py_DECREF(value);
    return *ret_value == -1 && PyErr_Occurred() != NULL ? -1 : 0;
}

static int compression_of(PyObject *options, enum cflight_compression *ret_compression)
{
    PyObject *name = PyObject_GetAttrString(options, "compression");
    int result = 0;
    if (name == NULL) {
        return -1;
    }
    *ret_compression = CFLIGHT_COMPRESSION_NONE;
    if (name != Py_None) {
        const char *text = PyUnicode_AsUTF8(name);
        if (text != NULL && strncmp(text, "lz4", 3) == 0) {
            *ret_compression = CFLIGHT_COMPRESSION_LZ4_FRAME;
        } else if (text != NULL && strcmp(text, "zstd") == 0) {
            *ret_compression = CFLIGHT_COMPRESSION_ZSTD;
        } else {
            result = -1;
            if (text != NULL) {
                PyErr_Format(PyExc_ValueError, "unknown compression '%s'", text);
            }
        }
    }
    Py_DECREF(name);
    return result;
}

const struct cflight_ipc_write_options cfp_write_defaults = {
    .struct_size = sizeof(struct cflight_ipc_write_options),
    .send_whole_dictionaries = true,
};

int cfp_write_options_get(struct cfp_state *state, PyObject *value,
                          struct cflight_ipc_write_options *ret_options)
{
    struct cflight_ipc_write_options options = CFLIGHT_IPC_WRITE_OPTIONS_INIT;
    int is_own = PyObject_IsInstance(value, state->write_options_class);
    int is_options =
        is_instance_of(value, state->write_options_class, state->pa_write_options_class);
    if (is_options <= 0 || is_own < 0) {
        if (is_options == 0) {
            PyErr_Format(PyExc_TypeError, "expected IpcWriteOptions, got %R",
                         (PyObject *)Py_TYPE(value));
        }
        return -1;
    }
    long level = 0;
    long version = 0;
    long deltas = 0;
    long depth = 0;
    long threads = 0;
    if (compression_of(value, &options.compression) < 0 ||
        long_attribute(value, "compression_level", 0, &level) < 0 ||
        long_attribute(value, "metadata_version", 0, &version) < 0 ||
        long_attribute(value, "emit_dictionary_deltas", 0, &deltas) < 0 ||
        long_attribute(value, "depth_max", 0, &depth) < 0 ||
        long_attribute(value, "compression_threads", 0, &threads) < 0) {
        return -1;
    }
    /* pyarrow counts versions from 0 (V1). */
    options.use_metadata_v4 = version == (is_own ? 4 : 3);
    options.compression_level = (int32_t)level;
    options.send_whole_dictionaries = deltas == 0;
    options.depth_max = (int32_t)depth;
    options.compression_threads = (int32_t)threads;
    *ret_options = options;
    return 0;
}

static int included_fields_get(PyObject *options, struct cflight_ipc_read_options *ret_options,
                               int32_t **ret_fields)
{
    PyObject *value = PyObject_GetAttrString(options, "included_fields");
    PyObject *list = value == NULL ? NULL : PySequence_List(value);
    Py_XDECREF(value);
    if (list == NULL) {
        return -1;
    }
    size_t count = (size_t)PyList_GET_SIZE(list);
    int32_t *fields = PyMem_Calloc(count == 0 ? 1 : count, sizeof(int32_t));
    *ret_fields = fields;
    if (fields == NULL) {
        PyErr_NoMemory();
    }
    for (size_t i = 0; i < count && PyErr_Occurred() == NULL; i++) {
        fields[i] = (int32_t)PyLong_AsLong(PyList_GET_ITEM(list, (Py_ssize_t)i));
    }
    Py_DECREF(list);
    ret_options->included_fields = count == 0 ? NULL : fields;
    ret_options->included_field_count = count;
    return PyErr_Occurred() == NULL ? 0 : -1;
}

/* "bounds" and "safe"; anything else is "full". pyarrow's options have no such attribute. */
static enum cflight_validation validation_of(PyObject *options)
{
    enum cflight_validation level = CFLIGHT_VALIDATION_DEFAULT;
    PyObject *value = PyObject_GetAttrString(options, "validation");
    if (value == NULL) {
        PyErr_Clear();
    } else if (PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, "bounds") == 0) {
        level = CFLIGHT_VALIDATION_BOUNDS;
    } else if (PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, "safe") == 0) {
        level = CFLIGHT_VALIDATION_SAFE;
    }
    Py_XDECREF(value);
    return level;
}

/* The options point to *ret_fields, which is to be freed with PyMem_Free, after a failure too. */
static int read_options_get(struct cfp_state *state, PyObject *value,
                            struct cflight_ipc_read_options *ret_options, int32_t **ret_fields)
{
    struct cflight_ipc_read_options options = CFLIGHT_IPC_READ_OPTIONS_INIT;
    int is_options = is_instance_of(value, state->read_options_class, state->pa_read_options_class);
    if (is_options == 0) {
        cfp_argument_error("read_options", "pyarrow.lib.IpcReadOptions", value);
    }
    if (is_options <= 0 || included_fields_get(value, &options, ret_fields) < 0) {
        return -1;
    }
    long depth = 0;
    long unpacked_bytes = 0;
    long dictionary_bytes = 0;
    if (long_attribute(value, "depth_max", 0, &depth) < 0 ||
        long_attribute(value, "unpacked_bytes_max", 0, &unpacked_bytes) < 0 ||
        long_attribute(value, "dictionary_bytes_max", 0, &dictionary_bytes) < 0) {
        return -1;
    }
    options.unpacked_bytes_max = (uint64_t)unpacked_bytes;
    options.dictionary_bytes_max = (uint64_t)dictionary_bytes;
    options.depth_max = (int32_t)depth;
    options.validation = validation_of(value);
    *ret_options = options;
    return 0;
}

static const char *const write_option_names[] = {"metadata_version",
                                                 "allow_64bit",
                                                 "use_legacy_format",
                                                 "compression",
                                                 "use_threads",
                                                 "emit_dictionary_deltas",
                                                 "unify_dictionaries",
                                                 "compression_level",
                                                 "depth_max",
                                                 "compression_threads",
                                                 NULL};
static const char *const read_option_names[] = {
    "ensure_native_endian", "ensure_alignment",     "use_threads",
    "included_fields",      "validation",           "depth_max",
    "unpacked_bytes_max",   "dictionary_bytes_max", NULL};

/* A copy by the attributes that the class has. */
static PyObject *copy_options(PyObject *options, const char *const *names)
{
    PyObject *kwargs = PyDict_New();
    PyObject *empty = kwargs == NULL ? NULL : PyTuple_New(0);
    PyObject *copy = NULL;
    for (; empty != NULL && *names != NULL; names++) {
        PyObject *value = PyObject_GetAttrString(options, *names);
        if (value == NULL) {
            PyErr_Clear();
            continue;
        }
        int code = PyDict_SetItemString(kwargs, *names, value);
        Py_DECREF(value);
        if (code < 0) {
            goto done;
        }
    }
    if (empty != NULL) {
        copy = PyObject_Call((PyObject *)Py_TYPE(options), empty, kwargs);
    }

done:
    Py_XDECREF(kwargs);
    Py_XDECREF(empty);
    return copy;
}

static PyObject *copy_or_new(PyObject *options, const char *const *names, PyObject *pa_class,
                             PyObject *own_class)
{
    if (options != NULL) {
        return copy_options(options, names);
    }
    return PyObject_CallNoArgs(pa_class != NULL ? pa_class : own_class);
}

PyObject *cfp_write_options_copy(struct cfp_state *state, PyObject *options)
{
    return copy_or_new(options, write_option_names, state->pa_write_options_class,
                       state->write_options_class);
}

PyObject *cfp_read_options_copy(struct cfp_state *state, PyObject *options)
{
    return copy_or_new(options, read_option_names, state->pa_read_options_class,
                       state->read_options_class);
}

int cfp_ipc_options_begin(struct cfp_state *state, struct cfp_ipc_options *ret_options,
                          PyObject *write_options, PyObject *read_options)
{
    *ret_options = (struct cfp_ipc_options){.write = cfp_write_defaults,
                                            .read = CFLIGHT_IPC_READ_OPTIONS_INIT};
    if (!cfp_is_absent(write_options)) {
        if (cfp_write_options_get(state, write_options, &ret_options->write) < 0) {
            return -1;
        }
        ret_options->write_source = cfp_write_options_copy(state, write_options);
        if (ret_options->write_source == NULL) {
            return -1;
        }
    }
    if (!cfp_is_absent(read_options)) {
        if (read_options_get(state, read_options, &ret_options->read,
                             &ret_options->included_fields) < 0) {
            return -1;
        }
        ret_options->read_source = cfp_read_options_copy(state, read_options);
        if (ret_options->read_source == NULL) {
            return -1;
        }
    }
    return 0;
}

void cfp_ipc_options_end(struct cfp_ipc_options *options)
{
    Py_CLEAR(options->write_source);
    Py_CLEAR(options->read_source);
    PyMem_Free(options->included_fields);
    options->included_fields = NULL;
}
