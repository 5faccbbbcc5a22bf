/* SPDX-License-Identifier: Apache-2.0 */
/* What do_get returned, as a source that the library pulls.
 *
 * One batch is asked for when the client has taken the one before: meanwhile the call has no
 * thread, and the next batch may be made on another one. Batches of an Arrow stream come without
 * the GIL. A generator may give streams, and generators of streams: it is read through a stack of
 * levels, whose top is the one that is read. Batches of Python objects stay with their capsules
 * until the next one is asked for. Once the interpreter ends nothing is asked for and nothing is
 * let go of.
 * Thread class: one at a time, on threads of the library, without the GIL. */
#include "arrow/arrow.h"
#include "base/attach.h"
#include "base/exceptions.h"
#include "base/variables.h"
#include "base/wait.h"
#include "server/data_stream.h"
#include "server/server.h"

/* How many streams without a batch a generator may give in a row. */
#define EMPTY_STREAMS_MAX 128

/* A GeneratorStream that is being read. */
struct level {
    PyObject *stream;
    int64_t batch_count;
    int empty_count; /* items without a batch, in a row */
};

struct source {
    struct cfp_stream_call call; /* holds its objects */
    PyObject *stream;            /* what do_get returned */
    const struct ArrowSchema *schema;
    struct level *levels;
    size_t depth;
    size_t depth_max;
    PyObject *item;                /* that the Arrow stream is of; NULL for do_get's own */
    struct ArrowArrayStream arrow; /* that is being read, unless it is released */
    int64_t arrow_batch_count;
    struct cfp_batch batch; /* that was given last */
    cfp_known_schema known; /* of a batch with this schema */
};

/* ---- checks ---- */

static int raise_difference(const struct source *source, const struct ArrowSchema *actual)
{
    PyObject *difference = cfp_schema_difference(source->call.state, source->schema, actual);
    if (difference != NULL) {
        PyErr_Format(PyExc_ValueError,
                     "Stream returned by generator has another schema than the GeneratorStream: %U",
                     difference);
        Py_DECREF(difference);
    }
    return -1;
}

static int check_schema(const struct source *source, const struct ArrowSchema *actual)
{
    int is_equal = cfp_schema_equal(source->call.state, source->schema, actual);
    if (is_equal == 0) {
        return raise_difference(source, actual);
    }
    return is_equal < 0 ? -1 : 0;
}

static int check_has_data(PyObject *stream)
{
    if (((struct cfp_data_stream *)stream)->source != NULL) {
        return 0;
    }
    PyErr_Format(PyExc_TypeError,
                 "a %.200s has no data; return a RecordBatchStream or a GeneratorStream that was "
                 "made with some",
                 Py_TYPE(stream)->tp_name);
    return -1;
}

/* ---- items of generators ---- */

static int push_level(struct source *source, PyObject *stream)
{
    if (source->depth == source->depth_max) {
        size_t depth_max = source->depth_max * 2 + 1;
        struct level *levels = PyMem_RawRealloc(source->levels, depth_max * sizeof(*levels));
        if (levels == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        source->levels = levels;
        source->depth_max = depth_max;
    }
    source->levels[source->depth++] = (struct level){.stream = Py_NewRef(stream)};
    return 0;
}

static void pop_level(struct source *source)
{
    Py_DECREF(source->levels[--source->depth].stream);
}

/* An item of the top level is through. */
static int end_item(struct source *source, int64_t batch_count)
{
    if (source->depth == 0) {
        return 0;
    }
    struct level *level = &source->levels[source->depth - 1];
    level->batch_count += batch_count;
    level->empty_count = batch_count == 0 ? level->empty_count + 1 : 0;
    if (level->empty_count <= EMPTY_STREAMS_MAX) {
        return 0;
    }
    PyErr_Format(PyExc_RuntimeError,
                 "the generator gave more than %d streams without data in a row "
                 "(application server implementation error)",
                 EMPTY_STREAMS_MAX);
    return -1;
}

/* Begins to read an object's stream behind a schema that was sent. */
static int open_stream(struct source *source, PyObject *item, PyObject *data)
{
    struct ArrowSchema actual;
    if (cfp_stream_get(data, &source->arrow) < 0) {
        return -1;
    }
    source->item = Py_NewRef(item);
    source->arrow_batch_count = 0;
    int code = source->arrow.get_schema(&source->arrow, &actual);
    if (code != 0) {
        return cfp_stream_raise(source->call.state, &source->arrow, code);
    }
    code = check_schema(source, &actual);
    actual.release(&actual);
    return code;
}

static int open_generator(struct source *source, PyObject *stream)
{
    if (check_schema(source, &((struct cfp_data_stream *)stream)->schema) < 0) {
        return -1;
    }
    if (source->depth > (size_t)Py_GetRecursionLimit()) {
        PyErr_SetString(PyExc_RecursionError,
                        "maximum recursion depth exceeded in nested GeneratorStreams");
        return -1;
    }
    return push_level(source, stream);
}

static void keep(struct ArrowArray *array)
{
    array->release = NULL;
}

static int copy_metadata(struct cfp_state *state, PyObject *metadata, cflight_buffer **ret_buffer)
{
    Py_buffer view;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (PyObject_GetBuffer(metadata, &view, PyBUF_SIMPLE) < 0) {
        return -1;
    }
    int code = cfp_check_metadata(state, view.len);
    if (code == 0) {
        status = cflight_buffer_new_copy(cflight_bytes_make(view.buf, (size_t)view.len), ret_buffer,
                                         &error);
    }
    PyBuffer_Release(&view);
    if (status != CFLIGHT_OK) {
        cfp_raise(state, status, error);
    }
    return status == CFLIGHT_OK ? code : -1;
}

/* Gives a batch, which stays the object's. `metadata` may be NULL. */
static int give_batch(struct source *source, PyObject *object, PyObject *metadata,
                      struct cflight_chunk *ret_chunk)
{
    int is_equal = cfp_batch_get_like(source->call.state, object, source->schema, &source->known,
                                      &source->batch);
    if (is_equal < 0 || (is_equal == 0 && raise_difference(source, source->batch.schema) < 0)) {
        return -1;
    }
    if (metadata != NULL &&
        copy_metadata(source->call.state, metadata, &ret_chunk->app_metadata) < 0) {
        return -1;
    }
    ret_chunk->batch = *source->batch.array;
    ret_chunk->batch.release = keep;
    ret_chunk->has_batch = true;
    return end_item(source, 1);
}

static int take_item(struct source *source, PyObject *item, struct cflight_chunk *ret_chunk);

/* Takes an item that came with metadata, or with None for none. */
static int take_pair(struct source *source, PyObject *given, struct cflight_chunk *ret_chunk)
{
    int code = -1;
    PyObject *pair = PySequence_Tuple(given);
    if (pair == NULL || PyTuple_GET_SIZE(pair) != 2) {
        Py_XDECREF(pair);
        PyErr_SetString(PyExc_ValueError, "an item with metadata is a pair of batch and bytes");
        return -1;
    }
    PyObject *item = PyTuple_GET_ITEM(pair, 0);
    PyObject *metadata = PyTuple_GET_ITEM(pair, 1);
    if (metadata == Py_None && !PyTuple_Check(item) && !PyList_Check(item)) {
        code = take_item(source, item, ret_chunk);
    } else if (cfp_is_batch(source->call.state, item)) {
        code = give_batch(source, item, metadata, ret_chunk);
    } else {
        PyErr_SetString(PyExc_ValueError, "Can only return metadata with a RecordBatch");
    }
    Py_DECREF(pair);
    return code;
}

/* Gives what an item of a generator holds, or begins to read it; 0 or -1. */
static int take_item(struct source *source, PyObject *item, struct cflight_chunk *ret_chunk)
{
    struct cfp_state *state = source->call.state;
    if (PyObject_TypeCheck(item, state->data_stream_type) && check_has_data(item) < 0) {
        return -1;
    }
    if (PyObject_TypeCheck(item, state->generator_stream_type)) {
        return open_generator(source, item);
    }
    if (PyObject_TypeCheck(item, state->record_batch_stream_type)) {
        return open_stream(source, item, ((struct cfp_data_stream *)item)->source);
    }
    if (PyTuple_Check(item) || PyList_Check(item)) {
        return take_pair(source, item, ret_chunk);
    }
    if (cfp_is_batch(state, item)) {
        return give_batch(source, item, NULL, ret_chunk);
    }
    if (cfp_is_stream(item)) {
        return open_stream(source, item, item);
    }
    PyErr_Format(PyExc_TypeError,
                 "GeneratorStream must be initialized with an iterator of FlightDataStream, Table, "
                 "RecordBatch, or RecordBatchStreamReader objects, not %R",
                 (PyObject *)Py_TYPE(item));
    return -1;
}

/* ---- the source ---- */

/* Asks the Arrow stream; `*ret_code` is its own. True: there is a batch. Without the GIL. */
static bool pull_arrow(struct source *source, struct cflight_chunk *ret_chunk, int *ret_code)
{
    *ret_code = source->arrow.get_next(&source->arrow, &ret_chunk->batch);
    ret_chunk->has_batch = *ret_code == 0 && ret_chunk->batch.release != NULL;
    source->arrow_batch_count += ret_chunk->has_batch ? 1 : 0;
    return ret_chunk->has_batch;
}

static int close_arrow(struct source *source, int code)
{
    if (code != 0) {
        return cfp_stream_raise(source->call.state, &source->arrow, code);
    }
    source->arrow.release(&source->arrow);
    source->arrow.release = NULL;
    Py_CLEAR(source->item);
    return end_item(source, source->arrow_batch_count);
}

/* Asks the generator on top for its next item. */
static int step(struct source *source, struct cflight_chunk *ret_chunk)
{
    struct level *level = &source->levels[source->depth - 1];
    PyObject *item = PyIter_Next(((struct cfp_data_stream *)level->stream)->source);
    if (item != NULL) {
        int code = take_item(source, item, ret_chunk);
        Py_DECREF(item);
        return code;
    }
    if (PyErr_Occurred() != NULL) {
        return -1;
    }
    int64_t batch_count = level->batch_count;
    pop_level(source);
    return end_item(source, batch_count);
}

/* With the GIL; `arrow_code` is what the Arrow stream, which gave no batch, said. */
static int pull(struct source *source, struct cflight_chunk *ret_chunk, int arrow_code)
{
    cfp_batch_done(&source->batch);
    if (source->arrow.release != NULL && close_arrow(source, arrow_code) < 0) {
        return -1;
    }
    while (!ret_chunk->has_batch && source->depth > 0) {
        if (step(source, ret_chunk) < 0) {
            return -1;
        }
        if (source->arrow.release != NULL) {
            bool is_there = false;
            Py_BEGIN_ALLOW_THREADS
            is_there = pull_arrow(source, ret_chunk, &arrow_code);
            Py_END_ALLOW_THREADS
            if (!is_there && close_arrow(source, arrow_code) < 0) {
                return -1;
            }
        }
    }
    ret_chunk->is_end = !ret_chunk->has_batch;
    return 0;
}

static cflight_status next(void *user_data, struct cflight_chunk *ret_chunk, cflight_error **reterr)
{
    struct source *source = user_data;
    cflight_status status = CFLIGHT_OK;
    int arrow_code = 0;
    if (!Py_IsInitialized()) {
        return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE, "the server has gone");
    }
    cfp_handler_enter();
    bool has_arrow = source->arrow.release != NULL;
    bool is_there = has_arrow && pull_arrow(source, ret_chunk, &arrow_code);
    if (has_arrow) {
        cfp_attach_tidy();
    }
    if (!is_there) {
        ret_chunk->is_end = has_arrow && arrow_code == 0 && source->depth == 0;
        if (!ret_chunk->is_end) {
            PyGILState_STATE gil = cfp_attach();
            PyObject *variables = cfp_variables_enter(source->call.variables);
            if (pull(source, ret_chunk, arrow_code) < 0) {
                status = cfp_handler_failed(source->call.state, source->call.context, reterr);
            }
            cfp_variables_leave(variables);
            cfp_detach(gil);
        }
    }
    cfp_handler_leave();
    return status;
}

/* The generators go first, and may look at the context in their last moments. With the GIL. */
static void drop(struct source *source)
{
    cfp_batch_done(&source->batch);
    Py_XDECREF(atomic_exchange(&source->known, NULL));
    if (source->arrow.release != NULL) {
        source->arrow.release(&source->arrow);
        source->arrow.release = NULL;
    }
    Py_CLEAR(source->item);
    while (source->depth > 0) {
        pop_level(source);
    }
    Py_CLEAR(source->stream);
    cfp_context_detach(source->call.context_object);
    Py_CLEAR(source->call.context_object);
    Py_CLEAR(source->call.server);
}

static void release(void *user_data)
{
    struct source *source = user_data;
    if (!Py_IsInitialized()) {
        return;
    }
    cfp_handler_enter();
    PyGILState_STATE gil = cfp_attach();
    PyObject *variables = cfp_variables_enter(source->call.variables);
    drop(source);
    Py_CLEAR(source->call.variables);
    PyMem_RawFree(source->levels);
    PyMem_RawFree(source);
    cfp_variables_leave(variables);
    cfp_detach(gil);
    cfp_handler_leave();
}

/* ---- handing over ---- */

static struct source *source_new(PyObject *stream, const struct cfp_stream_call *call)
{
    struct source *source = PyMem_RawCalloc(1, sizeof(*source));
    if (source == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    source->call = *call;
    Py_INCREF(call->context_object);
    Py_INCREF(call->server);
    Py_INCREF(call->variables);
    source->stream = Py_NewRef(stream);
    return source;
}

static int begin(struct source *source, cflight_writer *writer, const struct ArrowSchema *schema)
{
    const struct cfp_data_stream *stream = (const struct cfp_data_stream *)source->stream;
    struct cfp_wait wait;
    cflight_error *error = NULL;
    if (cfp_wait_begin(&wait, source->call.state, NULL, NULL) < 0) {
        return -1;
    }
    cflight_status status =
        cflight_writer_begin(writer, schema, stream->has_options ? &stream->options : NULL, &error);
    return cfp_wait_end(&wait, status, error);
}

static int begin_record_batches(struct source *source, cflight_writer *writer)
{
    struct ArrowSchema schema;
    if (cfp_stream_get(((struct cfp_data_stream *)source->stream)->source, &source->arrow) < 0) {
        return -1;
    }
    int code = source->arrow.get_schema(&source->arrow, &schema);
    if (code != 0) {
        return cfp_stream_raise(source->call.state, &source->arrow, code);
    }
    code = begin(source, writer, &schema);
    schema.release(&schema);
    return code;
}

static int begin_generator(struct source *source, cflight_writer *writer)
{
    source->schema = &((struct cfp_data_stream *)source->stream)->schema;
    return begin(source, writer, source->schema) < 0 ? -1 : push_level(source, source->stream);
}

static int hand_over(struct source *source, cflight_writer *writer)
{
    struct cflight_source given = CFLIGHT_SOURCE_INIT;
    cflight_error *error = NULL;
    given.user_data = source;
    given.next = next;
    given.release = release;
    cflight_status status = cflight_writer_hand_over(writer, &given, &error);
    if (status != CFLIGHT_OK) {
        cfp_raise(source->call.state, status, error);
    }
    return status == CFLIGHT_OK ? 0 : -1;
}

int cfp_data_stream_hand_over(PyObject *stream, cflight_writer *writer,
                              const struct cfp_stream_call *call)
{
    struct source *source = check_has_data(stream) < 0 ? NULL : source_new(stream, call);
    if (source == NULL) {
        return -1;
    }
    int code = PyObject_TypeCheck(stream, call->state->record_batch_stream_type)
                   ? begin_record_batches(source, writer)
                   : begin_generator(source, writer);
    if (code == 0) {
        code = hand_over(source, writer);
    }
    if (code < 0) {
        PyObject *exception = cfp_exception_take();
        drop(source);
        Py_DECREF(source->call.variables);
        PyMem_RawFree(source->levels);
        PyMem_RawFree(source);
        cfp_exception_restore(exception);
    }
    return code;
}
