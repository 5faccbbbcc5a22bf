/* SPDX-License-Identifier: Apache-2.0 */
/* Time that tests make. It begins at a second, as that of a machine is never 0. */
#include "clock.h"

static int64_t stopped_now(void *user_data)
{
    const struct t_clock *clock = user_data;
    return clock->now_ns;
}

void t_clock_init(struct t_clock *clock)
{
    clock->now_ns = CFL_NS_PER_S;
    clock->clock.now_ns = stopped_now;
    clock->clock.user_data = clock;
}
