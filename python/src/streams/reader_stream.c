/* SPDX-License-Identifier: Apache-2.0 */
/* The Arrow stream that a reader exports. It shares the core, and outlives the Python object.
 *
 * Whoever reads it may hold the GIL or not, and may be the main thread: it is released while the
 * stream waits, and Ctrl+C ends the wait. The signal's handler runs once the reader's code is back
 * in Python. Thread class: one at a time. */
#include "streams/streams.h"

#include <errno.h>
#include <string.h>

#include "base/wait.h"

/* A step of the stream, with the lock and without the GIL. */
struct pause {
    bool has_gil;
    PyGILState_STATE gil;
    struct cfp_wait wait;
};

static void pause_begin(struct pause *pause, struct cfp_read_core *core)
{
    pause->has_gil = cfp_is_main_thread(core->state) || PyGILState_Check();
    if (pause->has_gil) {
        pause->gil = PyGILState_Ensure();
        cfp_wait_begin_deferred(&pause->wait, core->state, cfp_read_core_interrupt, core);
    }
    pthread_mutex_lock(&core->lock);
}

static void pause_end(struct pause *pause, struct cfp_read_core *core)
{
    pthread_mutex_unlock(&core->lock);
    if (pause->has_gil) {
        cfp_wait_end_deferred(&pause->wait);
        PyGILState_Release(pause->gil);
    }
}

static int stream_failed(struct cfp_read_core *core, cflight_status status, cflight_error *error)
{
    const char *message = cflight_error_message(error);
    size_t size = strlen(message) + 1;
    char *copy = PyMem_RawMalloc(size);
    if (copy != NULL) {
        memcpy(copy, message, size);
    }
    PyMem_RawFree(core->last_error);
    core->last_error = copy;
    cflight_error_free(error);
    switch (status) {
    case CFLIGHT_CANCELLED:
        return ECANCELED;
    case CFLIGHT_INVALID_ARGUMENT:
    case CFLIGHT_FAILED_PRECONDITION:
        return EINVAL;
    case CFLIGHT_DEADLINE_EXCEEDED:
        return ETIMEDOUT;
    case CFLIGHT_UNIMPLEMENTED:
        return ENOSYS;
    default:
        return EIO;
    }
}

static int stream_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret_schema)
{
    struct cfp_read_core *core = stream->private_data;
    cflight_error *error = NULL;
    struct pause pause;
    pause_begin(&pause, core);
    cflight_status status = core->reader == NULL
                                ? cfp_read_core_is_over(&error)
                                : cflight_reader_schema(core->reader, ret_schema, &error);
    int code = status == CFLIGHT_OK ? 0 : stream_failed(core, status, error);
    pause_end(&pause, core);
    return code;
}

static cflight_status next_batch(struct cfp_read_core *core, struct ArrowArray *ret_array,
                                 cflight_error **reterr)
{
    for (;;) {
        struct cflight_chunk chunk;
        cflight_status status = core->reader == NULL
                                    ? cfp_read_core_is_over(reterr)
                                    : cflight_reader_next(core->reader, &chunk, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        bool has_batch = chunk.has_batch;
        bool is_end = chunk.is_end;
        *ret_array = (struct ArrowArray){0};
        if (has_batch) {
            *ret_array = chunk.batch;
            chunk.has_batch = false;
            chunk.batch.release = NULL;
        }
        cflight_chunk_release(&chunk);
        if (has_batch || is_end) {
            return CFLIGHT_OK;
        }
    }
}

static int stream_get_next(struct ArrowArrayStream *stream, struct ArrowArray *ret_array)
{
    struct cfp_read_core *core = stream->private_data;
    cflight_error *error = NULL;
    struct pause pause;
    pause_begin(&pause, core);
    cflight_status status = next_batch(core, ret_array, &error);
    int code = status == CFLIGHT_OK ? 0 : stream_failed(core, status, error);
    pause_end(&pause, core);
    return code;
}

static const char *stream_get_last_error(struct ArrowArrayStream *stream)
{
    return ((struct cfp_read_core *)stream->private_data)->last_error;
}

static void stream_release(struct ArrowArrayStream *stream)
{
    cfp_read_core_unref(stream->private_data);
    stream->release = NULL;
}

void cfp_read_core_export(struct cfp_read_core *core, struct ArrowArrayStream *ret_stream)
{
    *ret_stream = (struct ArrowArrayStream){
        .get_schema = stream_get_schema,
        .get_next = stream_get_next,
        .get_last_error = stream_get_last_error,
        .release = stream_release,
        .private_data = cfp_read_core_ref(core),
    };
}
