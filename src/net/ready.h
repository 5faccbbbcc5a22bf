/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_READY_H
#define CFL_NET_READY_H

/* What a transport, or TLS inside it, waits for before the call that said so can go on (TLS may
 * need to read in order to write). */
enum cfl_ready {
    CFL_READY_NONE = 0,
    CFL_READY_READ = 1,
    CFL_READY_WRITE = 2,
};

#endif /* CFL_NET_READY_H */
