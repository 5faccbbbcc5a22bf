/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_CONDITION_H
#define CFL_BASE_CONDITION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Condition variables whose waits end at a deadline as base/clock.h has them: nanoseconds of the
 * monotonic clock, which nobody sets back, or CFL_TIME_NEVER. Thread class: free. */

/* Ended by pthread_cond_destroy(). */
void cfl_condition_init(pthread_cond_t *condition);
/* Waits with `mutex` held by the caller, as pthread_cond_wait() does: it may return for no reason,
 * so the caller asks again. False when the deadline has passed. */
bool cfl_condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex,
                              int64_t deadline_ns);

#endif /* CFL_BASE_CONDITION_H */
