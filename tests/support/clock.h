/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_CLOCK_H
#define CFLIGHT_TESTS_CLOCK_H

#include "base/clock.h"

/* A clock that stands still until told. */
struct t_clock {
    struct cfl_clock clock;
    int64_t now_ns;
};
/* It must stay where it is. */
void t_clock_init(struct t_clock *clock);

#endif /* CFLIGHT_TESTS_CLOCK_H */
