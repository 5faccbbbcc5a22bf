/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_WRITER_H
#define CFL_IPC_WRITER_H

#include "cflight/ipc.h"

/* As cflight_ipc_writer_new, with an allocator. */
cflight_status cfl_ipc_writer_new(const struct cflight_allocator *alloc,
                                  enum cflight_ipc_format format, const struct ArrowSchema *schema,
                                  cflight_write_fn write, void *user_data,
                                  const struct cflight_ipc_write_options *options,
                                  cflight_ipc_writer **ret_writer, cflight_error **reterr);

#endif /* CFL_IPC_WRITER_H */
