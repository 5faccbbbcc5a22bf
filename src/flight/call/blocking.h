/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_BLOCKING_H
#define CFL_FLIGHT_CALL_BLOCKING_H

/* What a thread does before it sleeps for a peer, and when it goes on. A server's thread gives back
 * what others may need meanwhile. Of the thread: each has its own, or none. Both functions are
 * called under no lock of a connection. */
struct cfl_blocking {
    void (*begin)(void *user_data);
    void (*end)(void *user_data);
    void *user_data;
};

/* `blocking` is borrowed until it is replaced; NULL is none. */
void cfl_blocking_set(const struct cfl_blocking *blocking);
/* Called around every sleep of the library that waits for a peer. They nest. */
void cfl_blocking_begin(void);
void cfl_blocking_end(void);

#endif /* CFL_FLIGHT_CALL_BLOCKING_H */
