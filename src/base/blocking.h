/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_BASE_BLOCKING_H
#define CFL_BASE_BLOCKING_H

/* What a thread does before it waits, for a peer or for its turn, and when it goes on. A server's
 * thread gives back what others may need meanwhile. Of the thread: each has its own, or none. Both
 * functions are called under no lock. */
struct cfl_blocking {
    void (*begin)(void *user_data);
    void (*end)(void *user_data);
    void *user_data;
};

/* `blocking` is borrowed until it is replaced; NULL is none. */
void cfl_blocking_set(const struct cfl_blocking *blocking);
/* Called around every wait of the library that a peer can make long. They nest. */
void cfl_blocking_begin(void);
void cfl_blocking_end(void);

#endif /* CFL_BASE_BLOCKING_H */
