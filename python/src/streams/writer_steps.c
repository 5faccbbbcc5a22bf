/* SPDX-License-Identifier: Apache-2.0 */
/* Writes that wait: each runs a step, under the lock and without the GIL. A batch is compared with
 * the schema the stream began with before anything is sent. Thread class: free. */
#include "streams/writer.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "base/wait.h"

static cflight_status call_is_over(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                     "the writer's call is over");
}

/* While a step runs: the writer is there, as the step holds the lock. */
static void interrupt_core(void *pointer)
{
    struct cfp_write_core *core = pointer;
    cflight_writer *writer = core->writer;
    if (writer != NULL) {
        cflight_writer_cancel(writer);
    }
}

int cfp_writer_check_not_interrupting(const struct cfp_writer *self)
{
    if (self->is_in_handlers && cfp_is_main_thread(cfp_state_of((PyObject *)self))) {
        PyErr_SetString(PyExc_RuntimeError, "the signal interrupted a write of this writer");
        return -1;
    }
    return 0;
}

/* Raises what a step failed with; those who wait for answers learn of it. */
static int end_step(struct cfp_writer *self, struct cfp_wait *wait, cflight_status status,
                    cflight_error *error)
{
    if (status != CFLIGHT_OK && self->answers != NULL) {
        cfp_metadata_reader_tell(self->answers);
    }
    return cfp_wait_end(wait, status, error);
}

int cfp_writer_run(struct cfp_writer *self, cfp_step_fn function, struct cfp_step *step)
{
    struct cfp_write_core *core = &self->core;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (cfp_writer_check_not_interrupting(self) < 0 ||
        cfp_wait_begin(&wait, cfp_state_of((PyObject *)self),
                       self->never_waits ? NULL : interrupt_core, core) < 0) {
        return -1;
    }
    pthread_mutex_lock(&core->lock);
    status = core->writer == NULL ? call_is_over(&error) : function(core->writer, step, &error);
    pthread_mutex_unlock(&core->lock);
    return end_step(self, &wait, status, error);
}

static cflight_status write_step(cflight_writer *writer, struct cfp_step *step,
                                 cflight_error **reterr)
{
    return cflight_writer_write(writer, step->array, step->metadata, reterr);
}

/* A write of which something has not left yet: waits for it, watching for Ctrl+C. When a signal
 * handler raises, the call is over, as it would be later. */
static cflight_status finish_write(struct cfp_writer *self, struct cfp_wait *wait,
                                   struct cfp_step *step, cflight_error **reterr)
{
    struct cfp_write_core *core = &self->core;
    self->is_in_handlers = cfp_is_main_thread(wait->state);
    if (cfp_wait_watch(wait, interrupt_core, core) < 0) {
        cflight_writer_cancel(core->writer);
    }
    self->is_in_handlers = false;
    return write_step(core->writer, step, reterr);
}

/* Writes a batch. Mostly the system takes it at once; only then can the wait go unwatched. */
static int run_write(struct cfp_writer *self, struct cfp_step *step)
{
    struct cfp_write_core *core = &self->core;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (cfp_writer_check_not_interrupting(self) < 0) {
        return -1;
    }
    cfp_wait_begin_unwatched(&wait, cfp_state_of((PyObject *)self));
    if (pthread_mutex_trylock(&core->lock) != 0) {
        (void)cfp_wait_end(&wait, CFLIGHT_OK, NULL);
        return cfp_writer_run(self, write_step, step);
    }
    if (core->writer == NULL) {
        status = call_is_over(&error);
    } else {
        status = cflight_writer_try_write(core->writer, step->array, step->metadata, &step->is_done,
                                          &error);
        if (status == CFLIGHT_OK && !step->is_done) {
            status = finish_write(self, &wait, step, &error);
        }
    }
    pthread_mutex_unlock(&core->lock);
    return end_step(self, &wait, status, error);
}

struct ArrowArray cfp_slice_of(const struct ArrowArray *array, int64_t row, int64_t rows_max)
{
    struct ArrowArray slice = *array;
    slice.offset = array->offset + row;
    slice.length = array->length - row < rows_max ? array->length - row : rows_max;
    slice.null_count = array->null_count == 0 ? 0 : -1;
    return slice;
}

static cflight_status write_slices(cflight_writer *writer, const struct ArrowArray *array,
                                   int64_t rows_max, cflight_error **reterr)
{
    struct ArrowArray slice = {0};
    cflight_status status = CFLIGHT_OK;
    for (int64_t row = 0; row < array->length && status == CFLIGHT_OK; row += slice.length) {
        slice = cfp_slice_of(array, row, rows_max);
        status = cflight_writer_write(writer, &slice, NULL, reterr);
    }
    return status;
}

static cflight_status table_step(cflight_writer *writer, struct cfp_step *step,
                                 cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    while (status == CFLIGHT_OK) {
        struct ArrowArray array = {0};
        step->stream_code = step->stream->get_next(step->stream, &array);
        if (step->stream_code != 0 || array.release == NULL) {
            break;
        }
        status = step->rows_max > 0 ? write_slices(writer, &array, step->rows_max, reterr)
                                    : cflight_writer_write(writer, &array, NULL, reterr);
        array.release(&array);
    }
    return status;
}

int cfp_writer_check_is_open(struct cfp_writer *self, bool needs_schema)
{
    struct cfp_state *state = cfp_state_of((PyObject *)self);
    if (self->is_done) {
        PyErr_SetString(state->arrow_invalid, "Destination already closed");
        return -1;
    }
    if (needs_schema && !atomic_load(&self->has_begun)) {
        PyErr_SetString(state->arrow_invalid,
                        "This writer is not started. Call begin() with a schema");
        return -1;
    }
    return 0;
}

static int raise_difference(struct cfp_writer *self, const struct ArrowSchema *schema)
{
    struct cfp_state *state = cfp_state_of((PyObject *)self);
    PyObject *difference = cfp_schema_difference(state, &self->schema, schema);
    if (difference != NULL) {
        PyErr_Format(state->arrow_invalid, "Tried to write record batch with different schema: %U",
                     difference);
        Py_DECREF(difference);
    }
    return -1;
}

int cfp_writer_check_schema(struct cfp_writer *self, const struct ArrowSchema *schema)
{
    int is_equal = cfp_schema_equal(cfp_state_of((PyObject *)self), &self->schema, schema);
    if (is_equal == 0) {
        return raise_difference(self, schema);
    }
    return is_equal < 0 ? -1 : 0;
}

int cfp_writer_check_batch(struct cfp_writer *self, const struct cfp_batch *batch, bool is_equal)
{
    return is_equal ? 0 : raise_difference(self, batch->schema);
}

int cfp_writer_write_stream(struct cfp_writer *self, PyObject *table, int64_t rows_max)
{
    struct cfp_state *state = cfp_state_of((PyObject *)self);
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    int result = -1;
    if (cfp_writer_check_is_open(self, true) < 0 || cfp_stream_get(table, &stream) < 0) {
        return -1;
    }
    int code = stream.get_schema(&stream, &schema);
    if (code != 0) {
        cfp_stream_raise(state, &stream, code);
        goto done;
    }
    struct cfp_step step = {.stream = &stream, .rows_max = rows_max};
    if (cfp_writer_check_schema(self, &schema) == 0 &&
        cfp_writer_run(self, table_step, &step) == 0) {
        result = step.stream_code == 0 ? 0 : cfp_stream_raise(state, &stream, step.stream_code);
    }
    schema.release(&schema);

done:
    stream.release(&stream);
    return result;
}

int cfp_writer_write_batch(struct cfp_writer *self, PyObject *object, PyObject *metadata)
{
    struct cfp_state *state = cfp_state_of((PyObject *)self);
    struct cfp_batch batch;
    Py_buffer view = {0};
    struct cflight_bytes bytes;
    int result = -1;
    if (!cfp_is_batch(state, object)) {
        cfp_argument_error("batch", "pyarrow.lib.RecordBatch", object);
        return -1;
    }
    int is_equal = cfp_writer_check_is_open(self, true);
    if (is_equal == 0) {
        is_equal = cfp_batch_get_like(state, object, &self->schema, &self->known, &batch);
    }
    if (is_equal < 0) {
        return -1;
    }
    struct cfp_step step = {.array = batch.array};
    if (metadata != NULL) {
        if (PyObject_GetBuffer(metadata, &view, PyBUF_SIMPLE) < 0 ||
            cfp_check_metadata(state, view.len) < 0) {
            goto done;
        }
        bytes = cflight_bytes_make(view.buf, (size_t)view.len);
        step.metadata = &bytes;
    }
    if (cfp_writer_check_batch(self, &batch, is_equal > 0) == 0) {
        result = run_write(self, &step);
    }

done:
    if (view.obj != NULL) {
        PyBuffer_Release(&view);
    }
    cfp_batch_done(&batch);
    return result;
}
