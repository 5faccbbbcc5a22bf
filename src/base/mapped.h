/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_MAPPED_H
#define CFL_BASE_MAPPED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Which memory is a map of a file: who sends such memory may send the file. A table of the process,
 * by address. Thread class: free. */

/* Notes that the memory is a map of the file from its beginning, and keeps a copy of the descriptor
 * until cfl_mapped_remove. False when descriptors or memory are scarce: the map is then memory like
 * any other. */
bool cfl_mapped_add(const void *address, size_t len_bytes, int fd);
/* Before it is unmapped. Only after cfl_mapped_add said true. */
void cfl_mapped_remove(const void *address);
/* Where the run of memory is in a file. The descriptor is borrowed, for as long as whoever lent the
 * memory keeps it mapped. False when it is not known to be of a file. */
bool cfl_mapped_find(const void *data, size_t len_bytes, int *ret_fd, off_t *ret_offset);

#endif /* CFL_BASE_MAPPED_H */
