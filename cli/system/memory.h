/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_MEMORY_H
#define CFLIGHT_CLI_SYSTEM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Memory beyond what the C library does: arrays that grow, and giving back. Thread class: free. */

/* Makes room for `needed_count` elements; the array stays as it was when there is no memory (or no
 * size could hold them), and the caller reports it. */
bool cli_grow_array(void **array, size_t *capacity, size_t needed_count, size_t element_bytes);

/* Gives memory that is free in the process back to the system, if more or less of it is free than
 * `*free_bytes` says from the last time. Small pieces that are in use keep the C library from doing
 * so by itself. */
void cli_memory_trim(size_t *free_bytes);

#endif /* CFLIGHT_CLI_SYSTEM_MEMORY_H */
