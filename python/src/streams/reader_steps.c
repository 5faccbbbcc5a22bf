/* SPDX-License-Identifier: Apache-2.0 */
/* What of a reader waits, under the core's lock and without the GIL.
 *
 * Reading on the main thread waits in slices and runs signal handlers between them: Ctrl+C raises,
 * other handlers run and the read goes on, and nothing of the stream is lost. Other threads wait in
 * one piece. Thread class: free. */
#include "streams/reader.h"

#include "arrow/arrow.h"
#include "base/exceptions.h"
#include "base/wait.h"

/* Under the core's lock: copies what was read so far, when the call is not over. */
static void copy_stats(const struct cfp_read_core *core, struct cflight_ipc_stats *stats)
{
    if (core->reader != NULL) {
        *stats = cflight_reader_stats(core->reader);
    }
}

struct cflight_ipc_stats cfp_reader_stats(struct cfp_reader *self)
{
    cfp_mutex_lock(&self->stats_mutex);
    struct cflight_ipc_stats stats = self->stats;
    cfp_mutex_unlock(&self->stats_mutex);
    return stats;
}

static void set_stats(struct cfp_reader *self, const struct cflight_ipc_stats *stats)
{
    cfp_mutex_lock(&self->stats_mutex);
    self->stats = *stats;
    cfp_mutex_unlock(&self->stats_mutex);
}

static bool has_no_schema(cflight_status status, const cflight_error *error)
{
    return status == CFLIGHT_FAILED_PRECONDITION && cflight_error_peer(error)[0] == '\0';
}

int cfp_reader_load_schema(PyObject *object)
{
    struct cfp_reader *self = (struct cfp_reader *)object;
    struct cfp_state *state = cfp_state_of(object);
    struct cfp_read_core *core = self->core;
    struct ArrowSchema schema;
    struct cflight_ipc_stats stats = cfp_reader_stats(self);
    struct cfp_wait wait;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (self->schema != NULL) {
        return 0;
    }
    if (cfp_wait_begin(&wait, state, cfp_read_core_interrupt, core) < 0) {
        return -1;
    }
    pthread_mutex_lock(&core->lock);
    if (core->reader == NULL) {
        status = cfp_read_core_is_over(&error);
    } else {
        status = cflight_reader_schema(core->reader, &schema, &error);
        if (has_no_schema(status, error)) {
            status = cflight_error_set_message(&error, CFLIGHT_INTERNAL,
                                               "Server never sent a data message");
        }
    }
    copy_stats(core, &stats);
    pthread_mutex_unlock(&core->lock);
    if (cfp_wait_end(&wait, status, error) < 0) {
        return -1;
    }
    set_stats(self, &stats);
    PyObject *taken = cfp_schema_take(state, &schema);
    if (taken == NULL) {
        return -1;
    }
    PyObject *expected = NULL;
    if (!atomic_compare_exchange_strong(&self->schema, &expected, taken)) {
        Py_DECREF(taken); /* another thread was first */
    }
    return 0;
}

int cfp_reader_keep_digest(struct cfp_reader *self, uint64_t seed, enum cfp_digest_scope scope)
{
    struct cfp_read_core *core = self->core;
    struct ArrowSchema schema;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    if (cfp_reader_load_schema((PyObject *)self) < 0) {
        return -1;
    }
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&core->lock);
    status = core->reader == NULL ? cfp_read_core_is_over(&error)
                                  : cflight_reader_schema(core->reader, &schema, &error);
    if (status == CFLIGHT_OK) {
        struct cfp_digest *digest = NULL;
        status = cfp_digest_new(&schema, seed, scope, &digest, &error);
        schema.release(&schema);
        if (status == CFLIGHT_OK) {
            cfp_digest_free(core->digest);
            core->digest = digest;
        }
    }
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS
    if (status != CFLIGHT_OK) {
        cfp_raise(core->state, status, error);
        return -1;
    }
    return 0;
}

bool cfp_reader_digest(struct cfp_reader *self, uint8_t ret_bytes[CFP_DIGEST_BYTES])
{
    struct cfp_read_core *core = self->core;
    bool is_kept = false;
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&core->lock);
    is_kept = core->digest != NULL;
    if (is_kept) {
        cfp_digest_result(core->digest, ret_bytes);
    }
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS
    return is_kept;
}

/* Under the core's lock, without the GIL: digests the batch of a message. */
static cflight_status add_to_digest(struct cfp_read_core *core, struct cflight_chunk *chunk,
                                    cflight_error **reterr)
{
    if (core->digest == NULL || !chunk->has_batch) {
        return CFLIGHT_OK;
    }
    cflight_status status = cfp_digest_add(core->digest, &chunk->batch, reterr);
    if (status != CFLIGHT_OK) {
        cflight_chunk_release(chunk);
    }
    return status;
}

int cfp_reader_read_for(struct cfp_reader *self, int64_t timeout_ms,
                        struct cflight_chunk *ret_chunk)
{
    struct cfp_read_core *core = self->core;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    struct cflight_ipc_stats stats = cfp_reader_stats(self);
    bool is_ready = true;
    cfp_caller_enter();
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&core->lock);
    if (core->reader == NULL) {
        status = cfp_read_core_is_over(&error);
    } else if (atomic_load(&core->is_cancelled)) {
        status = cflight_error_set_message(&error, CFLIGHT_CANCELLED, "the call was cancelled");
    } else {
        status = cflight_reader_try_next(core->reader, timeout_ms, &is_ready, ret_chunk, &error);
        if (status == CFLIGHT_OK && is_ready) {
            status = add_to_digest(core, ret_chunk, &error);
        }
    }
    copy_stats(core, &stats);
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS
    set_stats(self, &stats);
    PyObject *own = cfp_caller_leave();
    if (status != CFLIGHT_OK) {
        cfp_raise_own(core->state, status, error, own);
        return -1;
    }
    Py_XDECREF(own);
    return is_ready ? 1 : 0;
}

int cfp_reader_read_next(struct cfp_reader *self, struct cflight_chunk *ret_chunk)
{
    int64_t timeout_ms = cfp_is_main_thread(self->core->state) ? CFP_WAIT_SLICE_MS : -1;
    for (;;) {
        int outcome = cfp_reader_read_for(self, timeout_ms, ret_chunk);
        if (outcome != 0) {
            return outcome < 0 ? -1 : 0;
        }
        if (PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
}

void cfp_reader_detach(PyObject *object)
{
    struct cfp_reader *self = (struct cfp_reader *)object;
    struct cfp_read_core *core = self->core;
    struct cflight_ipc_stats stats = cfp_reader_stats(self);
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&core->lock);
    copy_stats(core, &stats);
    cfp_read_core_detach_locked(core);
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS
    set_stats(self, &stats);
}

void cfp_reader_refresh(PyObject *object)
{
    struct cfp_reader *self = (struct cfp_reader *)object;
    copy_stats(self->core, &self->stats);
}

PyObject *cfp_reader_notify(PyObject *self, PyObject *callback)
{
    struct cfp_reader *reader = (struct cfp_reader *)self;
    struct cfp_read_core *core = reader->core;
    bool is_set = cfp_notifier_set(&reader->notifier, callback);
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&core->lock);
    if (core->reader != NULL) {
        cflight_reader_notify(core->reader, is_set ? cfp_notifier_ready : NULL, &reader->notifier);
    }
    pthread_mutex_unlock(&core->lock);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}
