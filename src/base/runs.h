/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_RUNS_H
#define CFL_BASE_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Runs of memory, none over another, each with an owner that is found by an address within. Owner:
 * whoever has the table. Thread class: one at a time; tables of the process have a lock beside
 * them. */

struct cfl_run {
    const uint8_t *data;
    size_t len_bytes;
    void *owner;
};

struct cfl_runs {
    struct cfl_run *items; /* by address */
    size_t count;
    size_t capacity;
};

/* False when memory ran out. */
bool cfl_runs_add(struct cfl_runs *runs, const void *data, size_t len_bytes, void *owner);
/* Removes the run that begins there; the memory of an empty table is freed. */
void cfl_runs_remove(struct cfl_runs *runs, const void *data);
/* The run that has all of [data, data + len_bytes); NULL for none. Valid until the next change. */
const struct cfl_run *cfl_runs_find(const struct cfl_runs *runs, const void *data,
                                    size_t len_bytes);

#endif /* CFL_BASE_RUNS_H */
