/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_ARROW_H
#define CFP_ARROW_H

#include <stdatomic.h>

#include "base/state.h"

/* Arrow data in and out, without copying columns: the Arrow C data interface in memory, the
 * PyCapsule interface (__arrow_c_schema__, __arrow_c_array__, __arrow_c_stream__) between
 * libraries.
 *
 * In: any object with those methods. Out: pyarrow objects when pyarrow is there, objects of this
 * module with the same methods otherwise. */

/* Gives a schema: of an object with __arrow_c_schema__, else of one with __arrow_c_stream__. The
 * caller releases it. Anything else is a TypeError for the argument `name`. */
int cfp_schema_get(PyObject *object, const char *name, struct ArrowSchema *ret_schema);
/* As cfp_schema_get, encoded as an IPC message (bytes). */
PyObject *cfp_schema_encode(struct cfp_state *state, PyObject *object, const char *name);
/* Takes a schema and returns it as a Python object. */
PyObject *cfp_schema_take(struct cfp_state *state, struct ArrowSchema *schema);
/* Decodes an IPC message; an empty one is None. */
PyObject *cfp_schema_decode(struct cfp_state *state, struct cflight_bytes encoded);
/* The text for a repr: one "name: type" a line. */
PyObject *cfp_schema_text(struct cfp_state *state, struct cflight_bytes encoded);

/* A batch borrowed from an object with __arrow_c_array__, valid until cfp_batch_done. It stays
 * where it is: `array` may point into it. */
struct cfp_batch {
    PyObject *capsules;               /* NULL when pyarrow gave the rows alone, */
    const struct ArrowSchema *schema; /* then NULL too: it is the expected one */
    const struct ArrowArray *array;   /* NULL when nothing is borrowed */
    struct ArrowArray own;
};
/* Tells whether an object is a batch (or an array of structs). */
bool cfp_is_batch(struct cfp_state *state, PyObject *object);
bool cfp_is_stream(PyObject *object);
int cfp_batch_get(struct cfp_state *state, PyObject *object, struct cfp_batch *ret_batch);
void cfp_batch_done(struct cfp_batch *batch);
/* A Python schema that was found equal to the one a stream expects: set once, a reference. */
typedef _Atomic(PyObject *) cfp_known_schema;
/* As cfp_batch_get, for a stream of batches: 1, or 0 with the batch when its schema is another one
 * than expected, or -1. */
int cfp_batch_get_like(struct cfp_state *state, PyObject *object,
                       const struct ArrowSchema *expected, cfp_known_schema *known,
                       struct cfp_batch *ret_batch);

/* Moves the stream out of an object with __arrow_c_stream__; the caller releases it. */
int cfp_stream_get(PyObject *object, struct ArrowArrayStream *ret_stream);

/* Takes an array. `schema` is the Python schema that came from cfp_schema_take. */
PyObject *cfp_batch_take(struct cfp_state *state, PyObject *schema, struct ArrowArray *array);
/* Makes a table of a list of batches. */
PyObject *cfp_table_new(struct cfp_state *state, PyObject *schema, PyObject *batches);

/* Capsules of the interface; they take what they are given. */
PyObject *cfp_schema_capsule(struct ArrowSchema *schema);
PyObject *cfp_array_capsule(struct ArrowArray *array);
PyObject *cfp_stream_capsule(struct ArrowArrayStream *stream);

/* Our own objects, used without pyarrow. */
PyObject *cfp_own_schema_take(struct cfp_state *state, struct ArrowSchema *schema);
PyObject *cfp_own_batch_take(struct cfp_state *state, PyObject *schema, struct ArrowArray *array);
int64_t cfp_own_batch_rows(PyObject *batch);
/* A capsule of a stream that shares a tuple of batches; arguments as of __arrow_c_stream__. */
PyObject *cfp_own_batches_stream(PyObject *schema, PyObject *batches, PyObject *args,
                                 PyObject *kwargs);
PyObject *cfp_own_table_new(struct cfp_state *state, PyObject *schema, PyObject *batches);
PyObject *cfp_own_stream_take(struct cfp_state *state, struct ArrowArrayStream *stream);

/* Raises what a stream's callback reported; always returns -1. */
int cfp_stream_raise(struct cfp_state *state, struct ArrowArrayStream *stream, int code);
typedef int cfp_stream_raiser(struct cfp_state *state, struct ArrowArrayStream *stream, int code);
/* With another way to raise: for streams that know more than a number and a text. */
PyObject *cfp_own_stream_take_raising(struct cfp_state *state, struct ArrowArrayStream *stream,
                                      cfp_stream_raiser *raise);

/* 1 or 0, -1 on failure: whether two schemas describe the same data. Where the library says no,
 * pyarrow may know better: extension types that it does not know are metadata to it, and those that
 * it knows may have written their parameters in another way. */
int cfp_schema_equal(struct cfp_state *state, const struct ArrowSchema *a,
                     const struct ArrowSchema *b);
/* The first difference of two schemas in words; `expected` comes first in the sentence. */
PyObject *cfp_schema_difference(struct cfp_state *state, const struct ArrowSchema *expected,
                                const struct ArrowSchema *actual);

#endif /* CFP_ARROW_H */
