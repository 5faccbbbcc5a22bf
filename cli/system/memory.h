/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_MEMORY_H
#define CFLIGHT_CLI_SYSTEM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* The program's door to memory. Sizes of arrays are checked for overflow; every function gives NULL
 * (or false) when there is no memory, and the caller reports it. Thread class: free. */

/* Zeroed memory for `count` elements; NULL for a count of 0. */
void *cli_alloc_array(size_t count, size_t element_bytes);

/* Makes room for `needed_count` elements; the array stays as it was on failure. */
bool cli_grow_array(void **array, size_t *capacity, size_t needed_count, size_t element_bytes);

/* A terminated copy; NULL gives NULL. */
char *cli_strdup(const char *text);
char *cli_strndup(const char *text, size_t len_bytes);

/* Gives memory that is free in the process back to the system, if more or less of it is free than
 * `*free_bytes` says from the last time. Small pieces that are in use keep the C library from doing
 * so by itself. */
void cli_memory_trim(size_t *free_bytes);

/* NULL is ignored. */
void cli_free(void *memory);

#endif /* CFLIGHT_CLI_SYSTEM_MEMORY_H */
