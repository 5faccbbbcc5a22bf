/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_WRITER_H
#define CFP_WRITER_H

#include "arrow/arrow.h"
#include "cflight/loop.h"
#include "streams/notifier.h"
#include "streams/streams.h"

/* The object behind MetadataRecordBatchWriter and FlightStreamWriter, for the files that make it
 * up: writer.c (the types), writer_steps.c (writes that wait), writer_loop.c (writes that do not).
 *
 * Each operation is a step that runs under the writer's lock without the GIL; what it writes is
 * borrowed from capsules that outlive it, so no column is copied. Thread class: free; writes of one
 * stream take turns. */
struct cfp_writer {
    CFP_HEAD
    struct cfp_write_core core;
    struct cfp_notifier notifier; /* event loops */
    PyObject *answers;            /* an upload's reader of answers; NULL for other calls */
    struct cfp_batch batch;       /* of a write under an event loop that is not done */
    struct ArrowArray rows;       /* a view of what of it is written */
    Py_buffer metadata;           /* of the same */
    struct ArrowSchema schema;    /* what the stream began with; set once, before has_begun */
    cfp_known_schema known;       /* of a batch with this schema */
    atomic_bool has_begun;
    atomic_bool is_done;        /* done_writing or close was called */
    bool never_waits;           /* an event loop's: there is nothing for Ctrl+C to interrupt */
    atomic_bool is_in_handlers; /* the main thread runs signal handlers, under the core's lock */
};

/* What a step works with. Each step uses its own members. */
struct cfp_step {
    const struct ArrowSchema *schema;
    const struct cflight_ipc_write_options *options;
    const struct ArrowArray *array;
    const struct cflight_bytes *metadata;
    struct ArrowArrayStream *stream;
    int64_t rows_max;
    int stream_code; /* what the stream's get_next returned */
    bool is_done;    /* whether a write that does not wait is done */
};

typedef cflight_status (*cfp_step_fn)(cflight_writer *writer, struct cfp_step *step,
                                      cflight_error **reterr);

/* Runs a step, watching for Ctrl+C; 0, or -1 with what it failed with raised. */
int cfp_writer_run(struct cfp_writer *self, cfp_step_fn function, struct cfp_step *step);
/* A signal handler that runs in the middle of a write cannot use the writer; 0 or -1. */
int cfp_writer_check_not_interrupting(const struct cfp_writer *self);
/* 0, or -1 after done_writing, and before begin when the write needs a schema. */
int cfp_writer_check_is_open(struct cfp_writer *self, bool needs_schema);
/* 0, or -1 for another schema than the stream began with. */
int cfp_writer_check_schema(struct cfp_writer *self, const struct ArrowSchema *schema);

/* The same for a batch of which cfp_batch_get_like said whether it is equal. */
int cfp_writer_check_batch(struct cfp_writer *self, const struct cfp_batch *batch, bool is_equal);

/* Writes all of an object's stream, for tables and data frames. */
int cfp_writer_write_stream(struct cfp_writer *self, PyObject *table, int64_t rows_max);
/* Writes one batch; `metadata` is a bytes-like object or NULL. */
int cfp_writer_write_batch(struct cfp_writer *self, PyObject *object, PyObject *metadata);
/* At most `rows_max` rows of an array from a row on: a view with another offset and length. */
struct ArrowArray cfp_slice_of(const struct ArrowArray *array, int64_t row, int64_t rows_max);

/* Lets go of what a write under an event loop holds. */
void cfp_writer_drop_pending(struct cfp_writer *self);
/* Methods for event loops. */
PyObject *cfp_writer_start_write(PyObject *self, PyObject *args);
PyObject *cfp_writer_go_on_writing(PyObject *self, PyObject *unused);
PyObject *cfp_writer_notify(PyObject *self, PyObject *callback);

#endif /* CFP_WRITER_H */
