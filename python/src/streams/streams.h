/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_STREAMS_H
#define CFP_STREAMS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/state.h"
#include "streams/digest.h"

/* Readers and writers of record batches.
 *
 * The library's handles are for one thread at a time, Python objects for any number; and an
 * exported Arrow stream outlives the Python object it came from. So a handle lives in a counted
 * core with a lock. The lock is taken without the GIL only, and the GIL may be taken under it
 * (middleware). */
struct cfp_read_core {
    atomic_size_t refs;
    struct cfp_state *state;
    pthread_mutex_t lock;
    pthread_mutex_t life_lock; /* taken after `lock`; held to free the reader, or to cancel */
    cflight_reader *reader;    /* under both locks; NULL once the call is over */
    bool is_owned;             /* clients own their reader, servers borrow it */
    atomic_bool is_cancelled;  /* cancel() was called: reads fail, even of what has arrived */
    char *last_error;          /* under the lock: what the exported stream failed with */
    struct cfp_digest *digest; /* under the lock: of the batches that Python read; NULL for none */
};

/* Takes the reader, on failure too. */
struct cfp_read_core *cfp_read_core_new(struct cfp_state *state, cflight_reader *reader,
                                        bool is_owned);
/* Ends the call. Any thread; needs no GIL. */
void cfp_read_core_cancel(struct cfp_read_core *core);
/* The same, for cfp_wait_begin. */
void cfp_read_core_interrupt(void *core);
/* What a read fails with when there is no reader any more. */
cflight_status cfp_read_core_is_over(cflight_error **reterr);
/* Lets go of the reader: frees a client's. Under the lock, without the GIL. */
void cfp_read_core_detach_locked(struct cfp_read_core *core);
struct cfp_read_core *cfp_read_core_ref(struct cfp_read_core *core);
/* Without the GIL. */
void cfp_read_core_unref(struct cfp_read_core *core);
/* The rest as an Arrow stream, which holds a reference. */
void cfp_read_core_export(struct cfp_read_core *core, struct ArrowArrayStream *ret_stream);

/* Takes the core, which may be NULL with an exception set. An owned reader is a client's class,
 * which has cancel(). */
PyObject *cfp_reader_new(struct cfp_state *state, struct cfp_read_core *core);
/* Reads the schema unless it is there, so that a failure of the call is seen now; 0 or -1. */
int cfp_reader_load_schema(PyObject *reader);
/* Ends the use of a server's reader, whoever still holds it. */
void cfp_reader_detach(PyObject *reader);
/* Counts what a server's reader has read already. */
void cfp_reader_refresh(PyObject *reader);

struct cfp_write_core {
    pthread_mutex_t lock;
    cflight_writer *writer; /* under the lock; NULL once the call is over */
    bool is_owned;          /* clients own their writer, servers borrow it */
};

/* Takes the writer, on failure too. `schema` may be NULL; otherwise the stream has begun with it
 * and it is taken. An owned writer is a client's class, which has done_writing(). */
PyObject *cfp_writer_new(struct cfp_state *state, cflight_writer *writer, bool is_owned,
                         struct ArrowSchema *schema);
void cfp_writer_detach(PyObject *writer);
/* Tells the reader of an upload's answers what the writer fails with. */
void cfp_writer_set_answers(PyObject *writer, PyObject *reader);
/* The writer belongs to an event loop: nothing it does waits. */
void cfp_writer_never_waits(PyObject *writer);

/* A chunk of both; takes its content. */
PyObject *cfp_chunk_new(struct cfp_state *state, PyObject *data, PyObject *app_metadata);
PyObject *cfp_stats_new(PyObject *class, struct cflight_ipc_stats stats);

/* Takes the handle, on failure too. */
PyObject *cfp_metadata_reader_new(struct cfp_state *state, cflight_metadata_reader *reader);
/* A failure of the call was raised elsewhere: reads raise it as well from now on. Any thread. */
void cfp_metadata_reader_tell(PyObject *reader);
PyObject *cfp_metadata_writer_new(struct cfp_state *state, cflight_metadata_writer *writer);
void cfp_metadata_writer_detach(PyObject *writer);

/* Raises ArrowCapacityError for metadata that no protobuf message can carry; 0 or -1. */
int cfp_check_metadata(struct cfp_state *state, Py_ssize_t len_bytes);

#endif /* CFP_STREAMS_H */
