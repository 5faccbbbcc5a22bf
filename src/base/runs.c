/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of memory by address: a sorted array. Thread class: one at a time. */
#include "base/runs.h"

#include <string.h>

#include "base/alloc.h"
#include "base/search.h"

/* No run is the key: the place is that of the first one that begins above it. */
static int compare(const void *element, const void *key)
{
    const struct cfl_run *run = element;
    return (uintptr_t)run->data > (uintptr_t)key ? 1 : -1;
}

static size_t place_above(const struct cfl_runs *runs, const void *data)
{
    size_t place = 0;
    (void)cfl_search(runs->items, runs->count, sizeof *runs->items, data, compare, &place);
    return place;
}

bool cfl_runs_add(struct cfl_runs *runs, const void *data, size_t len_bytes, void *owner)
{
    if (!cfl_grow_array(NULL, (void **)&runs->items, &runs->capacity, runs->count + 1,
                        sizeof *runs->items)) {
        return false;
    }
    size_t place = place_above(runs, data);
    memmove(runs->items + place + 1, runs->items + place,
            (runs->count - place) * sizeof *runs->items);
    runs->items[place] = (struct cfl_run){data, len_bytes, owner};
    runs->count++;
    return true;
}

void cfl_runs_remove(struct cfl_runs *runs, const void *data)
{
    size_t place = place_above(runs, data) - 1;
    runs->count--;
    memmove(runs->items + place, runs->items + place + 1,
            (runs->count - place) * sizeof *runs->items);
    if (runs->count == 0) {
        cfl_free_array(NULL, runs->items, runs->capacity, sizeof *runs->items);
        *runs = (struct cfl_runs){0};
    }
}

const struct cfl_run *cfl_runs_find(const struct cfl_runs *runs, const void *data, size_t len_bytes)
{
    size_t place = place_above(runs, data);
    if (place == 0) {
        return NULL;
    }
    const struct cfl_run *run = &runs->items[place - 1];
    size_t offset = (size_t)((uintptr_t)data - (uintptr_t)run->data);
    return offset <= run->len_bytes && len_bytes <= run->len_bytes - offset ? run : NULL;
}
