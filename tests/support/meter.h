/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_METER_H
#define CFLIGHT_TESTS_METER_H

#include <stdatomic.h>
#include <stddef.h>

#include "cflight/alloc.h"

/* An allocator that counts the bytes that are live and that were at most, for any threads. */
struct t_meter {
    struct cflight_allocator allocator;
    atomic_size_t live_bytes;
    atomic_size_t peak_bytes;
};
void t_meter_init(struct t_meter *meter);
/* Begins to look for a peak from what is live now, which is returned. */
size_t t_meter_restart(struct t_meter *meter);

#endif /* CFLIGHT_TESTS_METER_H */
