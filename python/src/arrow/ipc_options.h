/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_IPC_OPTIONS_H
#define CFP_IPC_OPTIONS_H

#include "base/state.h"

/* IpcWriteOptions and IpcReadOptions, each of pyarrow or of this module. */

/* Those of a program that gives none: as pyarrow's, which send dictionaries whole. */
extern const struct cflight_ipc_write_options cfp_write_defaults;

/* Anything but write options is a TypeError ("expected IpcWriteOptions, got <class 'int'>"). */
int cfp_write_options_get(struct cfp_state *state, PyObject *value,
                          struct cflight_ipc_write_options *ret_options);
/* A copy that the caller may change; of NULL, new ones. */
PyObject *cfp_write_options_copy(struct cfp_state *state, PyObject *options);
PyObject *cfp_read_options_copy(struct cfp_state *state, PyObject *options);

/* Both of one caller, with copies of what they were made of. */
struct cfp_ipc_options {
    PyObject *write_source; /* NULL when none were given */
    PyObject *read_source;
    struct cflight_ipc_write_options write; /* the defaults when none were given */
    struct cflight_ipc_read_options read;
    int32_t *included_fields;
};
/* Of options, or of anything false; 0 or -1. To be ended in either case. */
int cfp_ipc_options_begin(struct cfp_state *state, struct cfp_ipc_options *ret_options,
                          PyObject *write_options, PyObject *read_options);
void cfp_ipc_options_end(struct cfp_ipc_options *options);

#endif /* CFP_IPC_OPTIONS_H */
