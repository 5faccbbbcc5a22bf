/* SPDX-License-Identifier: Apache-2.0 */
/* Writes under an event loop, which do not wait: a writer holds the batch until it has left. Thread
 * class: loop only. */
#include "streams/writer.h"

#include "base/convert.h"

void cfp_writer_drop_pending(struct cfp_writer *self)
{
    cfp_batch_done(&self->batch);
    if (self->metadata.obj != NULL) {
        PyBuffer_Release(&self->metadata);
    }
}

static cflight_status try_write_step(cflight_writer *writer, struct cfp_step *step,
                                     cflight_error **reterr)
{
    return cflight_writer_try_write(writer, step->array, step->metadata, &step->is_done, reterr);
}

/* Starts the write that the writer holds, or goes on with it: whether it is done. */
static PyObject *try_write(struct cfp_writer *self)
{
    struct cflight_bytes bytes = cflight_bytes_make(self->metadata.buf, (size_t)self->metadata.len);
    struct cfp_step step = {.array = &self->rows,
                            .metadata = self->metadata.obj == NULL ? NULL : &bytes};
    int code = cfp_writer_run(self, try_write_step, &step);
    if (code < 0 || step.is_done) {
        cfp_writer_drop_pending(self);
    }
    return code < 0 ? NULL : PyBool_FromLong(step.is_done);
}

PyObject *cfp_writer_start_write(PyObject *object, PyObject *args)
{
    struct cfp_writer *self = (struct cfp_writer *)object;
    PyObject *batch = NULL;
    PyObject *metadata = NULL;
    long long row = 0;
    long long rows_max = INT64_MAX;
    if (!PyArg_ParseTuple(args, "OO|LL", &batch, &metadata, &row, &rows_max)) {
        return NULL;
    }
    if (self->batch.array != NULL) {
        return PyErr_Format(PyExc_RuntimeError, "a write is under way");
    }
    if (!cfp_is_batch(cfp_state_of(object), batch)) {
        return cfp_argument_error("batch", "pyarrow.lib.RecordBatch", batch);
    }
    int is_equal = cfp_writer_check_is_open(self, true);
    if (is_equal == 0) {
        is_equal = cfp_batch_get_like(cfp_state_of(object), batch, &self->schema, &self->known,
                                      &self->batch);
    }
    if (is_equal < 0) {
        return NULL;
    }
    bool has_metadata = metadata != Py_None;
    if ((has_metadata && PyObject_GetBuffer(metadata, &self->metadata, PyBUF_SIMPLE) < 0) ||
        cfp_check_metadata(cfp_state_of(object), self->metadata.len) < 0 ||
        cfp_writer_check_batch(self, &self->batch, is_equal > 0) < 0) {
        cfp_writer_drop_pending(self);
        return NULL;
    }
    if (row < 0 || row > self->batch.array->length || rows_max < 0) {
        cfp_writer_drop_pending(self);
        return PyErr_Format(PyExc_IndexError, "the batch has no such rows");
    }
    self->rows =
        rows_max == INT64_MAX ? *self->batch.array : cfp_slice_of(self->batch.array, row, rows_max);
    return try_write(self);
}

PyObject *cfp_writer_go_on_writing(PyObject *object, PyObject *unused)
{
    (void)unused;
    struct cfp_writer *self = (struct cfp_writer *)object;
    if (self->batch.array == NULL) {
        Py_RETURN_TRUE;
    }
    return try_write(self);
}

PyObject *cfp_writer_notify(PyObject *object, PyObject *callback)
{
    struct cfp_writer *self = (struct cfp_writer *)object;
    struct cfp_write_core *core = &self->core;
    bool is_set = cfp_notifier_set(&self->notifier, callback);
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&core->lock);
    if (core->writer != NULL) {
        cflight_writer_notify(core->writer, is_set ? cfp_notifier_ready : NULL, &self->notifier);
    }
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}
