/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_QUIET_FORK_H
#define CFLIGHT_TESTS_QUIET_FORK_H

#include <sys/types.h>

/* fork() at a moment when the other threads of the process sleep. Sanitizers have locks around
 * memory that fork() does not wait for: a child that begins while another thread asks for memory
 * would wait for ever when it does. */
pid_t t_fork_quietly(void);

/* Forks again and again, at any moment, while a thread runs `in_thread`, which must return soon and
 * must not ask for memory (above). Each child runs `in_child` and has to come to its end. */
void t_fork_beside(void (*in_thread)(void *user_data), void (*in_child)(void *user_data),
                   void *user_data);

#endif /* CFLIGHT_TESTS_QUIET_FORK_H */
