/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_IPC_OPTIONS_H
#define CFP_IPC_OPTIONS_H

#include "state.h"

/* IpcWriteOptions and IpcReadOptions, each of pyarrow or of this module. */

/* Those of a program that gives none: as pyarrow's, which send dictionaries whole. */
extern const struct cflight_ipc_write_options cfp_write_defaults;

/* Anything but write options is a TypeError ("expected IpcWriteOptions, got <class 'int'>"). */
int cfp_write_options_get(struct cfp_state *state, PyObject *value,
                          struct cflight_ipc_write_options *ret_options);
/* The options point to *ret_fields, which is to be freed with PyMem_Free, after a failure too. */
int cfp_read_options_get(struct cfp_state *state, PyObject *value,
                         struct cflight_ipc_read_options *ret_options, int32_t **ret_fields);

/* A copy that the caller may change; of NULL, new ones. */
PyObject *cfp_write_options_copy(struct cfp_state *state, PyObject *options);
PyObject *cfp_read_options_copy(struct cfp_state *state, PyObject *options);

#endif /* CFP_IPC_OPTIONS_H */
