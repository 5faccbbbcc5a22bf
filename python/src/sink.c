/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of writing a server's data stream, on the handler's thread: the GIL is held on entry
 * and exit, and released while a message goes out. Thread class: one at a time. */
#include "streams.h"

#include "arrow.h"
#include "wait.h"

int cfp_check_metadata(struct cfp_state *state, Py_ssize_t len_bytes)
{
    if (len_bytes <= CFLIGHT_MESSAGE_BYTES_MAX) {
        return 0;
    }
    PyErr_SetString(state->arrow_capacity_error, "app_metadata size overflow (>= 2**31)");
    return -1;
}

int cfp_sink_begin(struct cfp_sink *sink, const struct ArrowSchema *schema,
                   const struct cflight_ipc_write_options *options)
{
    struct cfp_wait wait;
    cflight_error *error = NULL;
    if (cfp_wait_begin(&wait, sink->state, NULL, NULL) < 0) {
        return -1;
    }
    cflight_status status = cflight_writer_begin(sink->writer, schema, options, &error);
    return cfp_wait_end(&wait, status, error);
}

int cfp_sink_write(struct cfp_sink *sink, const struct ArrowArray *array, PyObject *metadata)
{
    struct cfp_wait wait;
    cflight_error *error = NULL;
    Py_buffer view = {0};
    struct cflight_bytes bytes = {0};
    int result = -1;
    if (metadata != NULL) {
        if (PyObject_GetBuffer(metadata, &view, PyBUF_SIMPLE) < 0) {
            return -1;
        }
        bytes = cflight_bytes_make(view.buf, (size_t)view.len);
    }
    if (cfp_check_metadata(sink->state, view.len) == 0 &&
        cfp_wait_begin(&wait, sink->state, NULL, NULL) == 0) {
        cflight_status status =
            cflight_writer_write(sink->writer, array, metadata == NULL ? NULL : &bytes, &error);
        result = cfp_wait_end(&wait, status, error);
    }
    if (view.obj != NULL) {
        PyBuffer_Release(&view);
    }
    return result;
}

/* Without the GIL. */
static cflight_status sink_all(struct cfp_sink *sink, struct ArrowArrayStream *stream,
                               int *ret_code, int64_t *ret_batches, cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK) {
        struct ArrowArray array = {0};
        *ret_code = stream->get_next(stream, &array);
        if (*ret_code != 0 || array.release == NULL) {
            break;
        }
        (*ret_batches)++;
        status = cflight_writer_write(sink->writer, &array, NULL, reterr);
        array.release(&array);
    }
    return status;
}

int64_t cfp_sink_write_stream(struct cfp_sink *sink, struct ArrowArrayStream *stream)
{
    struct cfp_wait wait;
    cflight_error *error = NULL;
    int64_t result = -1;
    int64_t batches = 0;
    int code = 0;
    if (cfp_wait_begin(&wait, sink->state, NULL, NULL) == 0) {
        cflight_status status = sink_all(sink, stream, &code, &batches, &error);
        if (cfp_wait_end(&wait, status, error) == 0) {
            result = code == 0 ? batches : cfp_stream_raise(sink->state, stream, code);
        }
    }
    stream->release(stream);
    return result;
}
