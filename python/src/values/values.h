/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_VALUES_H
#define CFP_VALUES_H

#include <stdatomic.h>

#include "base/state.h"

/* The value classes and their way to the library's structs and back. They are immutable, hold bytes
 * objects, and lend views of them: a view is valid as long as the object and the scratch memory.
 *
 * Arguments go to __init__, as a subclass may have one of its own with other arguments. What tp_new
 * makes holds empty members, and is whole when __init__ is never called; __init__ sets the members
 * once, so that views of an object in use stay valid. */
#define CFP_VALUE_HEAD CFP_HEAD atomic_bool is_open; /* tp_new made it, __init__ did not run */

struct cfp_value {
    CFP_VALUE_HEAD
};

/* What tp_new ends with; takes the object, which may be NULL. */
PyObject *cfp_value_open(PyObject *self);
/* What __init__ does before it sets members, when nothing can fail any more; 0 or -1. */
int cfp_value_fill(PyObject *self);

struct cfp_ticket {
    CFP_VALUE_HEAD
    PyObject *ticket;
};

struct cfp_location {
    CFP_VALUE_HEAD
    PyObject *uri;
};

struct cfp_descriptor {
    CFP_VALUE_HEAD
    enum cflight_descriptor_type type;
    PyObject *command; /* bytes; NULL unless CMD */
    PyObject *path;    /* tuple of bytes; NULL unless PATH */
};

struct cfp_endpoint {
    CFP_VALUE_HEAD
    PyObject *ticket;    /* bytes */
    PyObject *locations; /* tuple of bytes */
    struct cflight_time expiration_time;
    PyObject *app_metadata; /* bytes */
};

struct cfp_info {
    CFP_VALUE_HEAD
    PyObject *schema;     /* bytes: the IPC message, or empty */
    PyObject *descriptor; /* FlightDescriptor; NULL is an UNKNOWN one */
    PyObject *endpoints;  /* tuple of FlightEndpoint */
    int64_t total_records;
    int64_t total_bytes;
    bool ordered;
    PyObject *app_metadata; /* bytes */
};

/* An action or a result. */
struct cfp_action {
    CFP_VALUE_HEAD
    PyObject *type; /* bytes */
    PyObject *body; /* pyarrow.Buffer or Buffer */
};

struct cfp_result {
    CFP_VALUE_HEAD
    PyObject *body;
};

struct cfp_schema_result {
    CFP_VALUE_HEAD
    PyObject *schema; /* bytes: the IPC message */
};

/* Memory for the arrays of a view, freed together. */
struct cfp_scratch {
    void *blocks;
};
#define CFP_SCRATCH_INIT \
    {                    \
        NULL             \
    }
/* Zeroed; NULL with MemoryError set. */
void *cfp_scratch_new(struct cfp_scratch *scratch, size_t count, size_t size_bytes);
void cfp_scratch_done(struct cfp_scratch *scratch);

/* Views. Types are checked by the caller. */
int cfp_descriptor_view(PyObject *descriptor, struct cfp_scratch *scratch,
                        struct cflight_descriptor *ret_view);
int cfp_endpoint_view(PyObject *endpoint, struct cfp_scratch *scratch,
                      struct cflight_endpoint *ret_view);
int cfp_info_view(PyObject *info, struct cfp_scratch *scratch, struct cflight_info *ret_view);
int cfp_poll_info_view(PyObject *poll_info, struct cfp_scratch *scratch,
                       struct cflight_poll_info *ret_view);

/* Objects from the library's structs, which are borrowed. */
PyObject *cfp_ticket_new(struct cfp_state *state, struct cflight_bytes ticket);
PyObject *cfp_location_new(struct cfp_state *state, PyObject *uri);
PyObject *cfp_descriptor_new(struct cfp_state *state, const struct cflight_descriptor *descriptor);
PyObject *cfp_endpoint_new(struct cfp_state *state, const struct cflight_endpoint *endpoint);
PyObject *cfp_info_new(struct cfp_state *state, const struct cflight_info *info);
PyObject *cfp_poll_info_new(struct cfp_state *state, const struct cflight_poll_info *poll_info);
PyObject *cfp_action_new(struct cfp_state *state, const struct cflight_action *action);
PyObject *cfp_action_type_new(struct cfp_state *state,
                              const struct cflight_action_type *action_type);
PyObject *cfp_schema_result_new(struct cfp_state *state, struct cflight_bytes schema);
/* Takes a body. */
PyObject *cfp_result_take(struct cfp_state *state, cflight_buffer *body);

/* Points in time: an int of nanoseconds since 1970, or a pyarrow.TimestampScalar; None is unset. */
int cfp_time_get(struct cfp_state *state, PyObject *value, struct cflight_time *ret_time);
PyObject *cfp_time_new(struct cfp_state *state, struct cflight_time time);

/* The bytes of a URI that the library parsed without complaint, from a Location, str or bytes;
 * `message` is the TypeError for anything else. */
PyObject *cfp_location_uri(struct cfp_state *state, PyObject *value, const char *message);

/* An endpoint or a descriptor of the class itself with the content of `object`, which may be of a
 * subclass: what another value holds refers to nothing. */
PyObject *cfp_endpoint_plain(struct cfp_state *state, PyObject *object);
PyObject *cfp_descriptor_plain(struct cfp_state *state, PyObject *object);

/* "scheme://host:port" as bytes; an IPv6 address without brackets gets them. */
PyObject *cfp_host_uri(struct cfp_state *state, const char *scheme, PyObject *host, int port);

/* What every deserialize method begins with: the view of its argument, to release; 0 or -1. */
int cfp_serialized_get(PyObject *args, PyObject *kwargs, Py_buffer *ret_view);

/* What every serialize method ends with: takes the buffer or raises. */
PyObject *cfp_serialized(struct cfp_state *state, cflight_status status, cflight_buffer *buffer,
                         cflight_error *error);

#endif /* CFP_VALUES_H */
