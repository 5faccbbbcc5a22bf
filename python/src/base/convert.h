/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_CONVERT_H
#define CFP_CONVERT_H

#include "base/state.h"

/* Python values to and from the library's views and buffers. */

/* str becomes its UTF-8 bytes, bytes stay, bytearray and memoryview are copied; anything else is a
 * TypeError ("expected bytes, int found"). The result is of the class bytes itself. */
PyObject *cfp_to_bytes(PyObject *value);
/* Whether that takes it; of the second, str excepted. */
bool cfp_is_text(PyObject *value);
bool cfp_is_bytes(PyObject *value);
/* Anything false counts as not given. An object that cannot say is given. */
bool cfp_is_absent(PyObject *value);
/* Any number, cut to an integer; other objects are a TypeError. 0 or -1. */
int cfp_int64_get(PyObject *value, int64_t *ret_number);
/* "1.2", "1.3" or None. */
int cfp_tls_version_get(PyObject *value, enum cflight_tls_version *ret_version);
int cfp_int_get(PyObject *value, int *ret_number);
/* As cfp_to_bytes, for an argument whose own text of the TypeError is given: "Argument app_metadata
 * must be a string or bytes, not '...'". */
PyObject *cfp_to_bytes_argument(PyObject *value, const char *message);
/* A view of a bytes object, valid as long as the object. */
struct cflight_bytes cfp_view(PyObject *bytes);
PyObject *cfp_bytes_new(struct cflight_bytes view);
/* UTF-8 text; undecodable bytes are replaced. */
PyObject *cfp_text_new(struct cflight_bytes view);
/* Takes a library buffer and returns its content as bytes. */
PyObject *cfp_bytes_take(cflight_buffer *buffer);

/* The repr of "expected TYPE, got OTHER" for a parameter; always returns NULL. */
PyObject *cfp_argument_error(const char *name, const char *expected, PyObject *value);
/* Checks an argument's type; 0 or -1. */
int cfp_check_type(PyObject *value, PyTypeObject *type, const char *name, const char *expected);

/* Any bytes-like object becomes a pyarrow.Buffer, or without pyarrow a Buffer; nothing is copied.
 */
PyObject *cfp_buffer_from_object(struct cfp_state *state, PyObject *value);
/* Takes a library buffer, which may be NULL (then None), without copying; the first gives a Buffer
 * in any case. */
PyObject *cfp_own_buffer_take(struct cfp_state *state, cflight_buffer *buffer);
PyObject *cfp_buffer_take(struct cfp_state *state, cflight_buffer *buffer);
/* Copies a view into a new buffer object. */
PyObject *cfp_buffer_copy(struct cfp_state *state, struct cflight_bytes view);

/* The comparison of value classes: `key` gives what is compared, as a new reference. Another type
 * is a TypeError, None is unequal, and only == and != exist. */
typedef PyObject *(*cfp_key_fn)(PyObject *self);
PyObject *cfp_richcompare(PyObject *self, PyObject *other, int op, PyTypeObject *type,
                          const char *expected, cfp_key_fn key);

/* Calls object.name(argument...) with `count` arguments. */
PyObject *cfp_call_method(PyObject *object, const char *name, PyObject *const *arguments,
                          size_t count);

#endif /* CFP_CONVERT_H */
