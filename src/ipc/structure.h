/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_STRUCTURE_H
#define CFL_IPC_STRUCTURE_H

#include "ipc/decode.h"

/* The structure of messages with columns, for those that are passed on as they are: everything that
 * the reader checks before it looks at a value. Compressed buffers stay packed. */

/* A record batch, after the dictionaries that it needs. `*ret_row_count` is its length. */
cflight_status cfl_structure_check_batch(const struct cfl_decode_env *env,
                                         const struct cfl_message *message,
                                         struct cfl_body_view body, int64_t *ret_row_count,
                                         cflight_error **reterr);
/* The values of a dictionary of `field`. */
cflight_status cfl_structure_check_values(const struct cfl_decode_env *env,
                                          const struct cfl_message *message,
                                          const struct cfl_fb_table *record_batch,
                                          struct cfl_body_view body, const struct cfl_field *field,
                                          cflight_error **reterr);
/* Whether a record batch has compressed buffers. `record_batch` as of cfl_decode_init. */
cflight_status cfl_structure_is_packed(const struct cfl_decode_env *env,
                                       const struct cfl_message *message,
                                       const struct cfl_fb_table *record_batch,
                                       struct cfl_body_view body, bool *ret_is_packed,
                                       cflight_error **reterr);

#endif /* CFL_IPC_STRUCTURE_H */
