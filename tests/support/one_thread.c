/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for pthread_create in programs that are declared to have one thread (ONE_THREAD), so
 * that what they are declared to be stays true. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user_data);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *user_data)
{
    (void)thread;
    (void)attributes;
    (void)run;
    (void)user_data;
    fprintf(stderr, "a program that is declared ONE_THREAD starts a thread\n");
    exit(3);
}
