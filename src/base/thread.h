/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_THREAD_H
#define CFL_BASE_THREAD_H

#include <pthread.h>
#include <signal.h>

/* The only way to start a thread. */

/* As pthread_create(), whose errno it returns; `attributes` may be NULL. The thread blocks the
 * signals of `blocked`, NULL for all: what runs nothing of the application's has none to take. Only
 * those of faults are never blocked: a blocked one ends the process, while the application may have
 * a handler, for pages of a mapped file that are gone or to tell where it crashed. Thread class:
 * free. */
int cfl_thread_start(pthread_t *ret_thread, const pthread_attr_t *attributes,
                     const sigset_t *blocked, void *(*main)(void *user_data), void *user_data);

#endif /* CFL_BASE_THREAD_H */
