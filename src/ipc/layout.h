/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_LAYOUT_H
#define CFL_IPC_LAYOUT_H

#include "ipc/schema.h"

/* Buffers of an array in the C data interface: of the indices when `as_index` is set, of the type
 * otherwise. A view array has one more for each data buffer; the one for their sizes is counted. */
int64_t cfl_layout_buffer_count(const struct cfl_field *field, bool as_index);
/* The same of the type alone. */
int64_t cfl_layout_type_buffer_count(enum cfl_layout layout);
/* Tells whether buffer 0 is a validity bitmap. */
bool cfl_layout_has_validity(const struct cfl_field *field, bool as_index);

#endif /* CFL_IPC_LAYOUT_H */
