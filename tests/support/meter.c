/* SPDX-License-Identifier: Apache-2.0 */
/* An allocator that knows what is live. Thread class: free. */
#include "meter.h"

#include <stdlib.h>
#include <string.h>

static void *meter_allocate(void *user_data, size_t size_bytes, size_t alignment_bytes)
{
    struct t_meter *meter = user_data;
    void *memory = NULL;
    if (posix_memalign(&memory, alignment_bytes < sizeof(void *) ? sizeof(void *) : alignment_bytes,
                       size_bytes) != 0) {
        return NULL;
    }
    size_t live_bytes = atomic_fetch_add(&meter->live_bytes, size_bytes) + size_bytes;
    size_t peak_bytes = atomic_load(&meter->peak_bytes);
    while (live_bytes > peak_bytes &&
           !atomic_compare_exchange_weak(&meter->peak_bytes, &peak_bytes, live_bytes)) {
    }
    return memory;
}

static void meter_release(void *user_data, void *memory, size_t size_bytes)
{
    struct t_meter *meter = user_data;
    (void)atomic_fetch_sub(&meter->live_bytes, size_bytes);
    free(memory);
}

static void *meter_reallocate(void *user_data, void *memory, size_t old_size_bytes,
                              size_t new_size_bytes)
{
    void *grown = meter_allocate(user_data, new_size_bytes, sizeof(max_align_t));
    if (grown != NULL) {
        memcpy(grown, memory, old_size_bytes < new_size_bytes ? old_size_bytes : new_size_bytes);
        meter_release(user_data, memory, old_size_bytes);
    }
    return grown;
}

void t_meter_init(struct t_meter *meter)
{
    memset(&meter->allocator, 0, sizeof meter->allocator);
    atomic_init(&meter->live_bytes, 0);
    atomic_init(&meter->peak_bytes, 0);
    meter->allocator.user_data = meter;
    meter->allocator.allocate = meter_allocate;
    meter->allocator.reallocate = meter_reallocate;
    meter->allocator.release = meter_release;
}

size_t t_meter_restart(struct t_meter *meter)
{
    size_t live_bytes = atomic_load(&meter->live_bytes);
    atomic_store(&meter->peak_bytes, live_bytes);
    return live_bytes;
}
