/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_TESTS_CROWD_H
#define CFLIGHT_TESTS_CROWD_H

#include <stddef.h>

/* Sockets that take every place in the queue of a listening one, so that whoever connects to it
 * next gets no answer. Nobody may be accepting. */
struct t_crowd {
    int fds[8];
    size_t count;
};
void t_crowd_init(struct t_crowd *crowd, int listen_fd);
void t_crowd_done(struct t_crowd *crowd);

#endif /* CFLIGHT_TESTS_CROWD_H */
