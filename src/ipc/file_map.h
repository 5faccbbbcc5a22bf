/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_IPC_FILE_MAP_H
#define CFL_IPC_FILE_MAP_H

#include "base/body.h"
#include "cflight/error.h"

/* Maps a regular file for reading. The map is released with the buffer's last reference. */
cflight_status cfl_file_map(const struct cflight_allocator *alloc, const char *path,
                            cflight_buffer **ret_buffer, cflight_error **reterr);

/* The same of a descriptor, which stays the caller's and may be closed afterwards (a copy may
 * stay open with the map). */
cflight_status cfl_file_map_descriptor(const struct cflight_allocator *alloc, int descriptor,
                                       cflight_buffer **ret_buffer, cflight_error **reterr);

#endif /* CFL_IPC_FILE_MAP_H */
