/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_VALUE_PEER_ADDRESS_H
#define CFL_FLIGHT_VALUE_PEER_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Who is at the other end, as far as its address tells: what limits and shares of callers whom
 * nobody has identified are counted by. An IPv4 address is one caller, and so is a network of 64
 * bits in IPv6, since whoever has one address of it has them all. All Unix sockets are one caller.
 * Thread class: free. */

enum {
    CFL_PEER_ADDRESS_BYTES = 17,
    CFL_PEER_HOST_BYTES = 64,
};

struct cfl_peer_address {
    uint8_t bytes[CFL_PEER_ADDRESS_BYTES]; /* without the port; compared as they are */
    uint16_t port;                         /* 0 when there is none */
    char host[CFL_PEER_HOST_BYTES];        /* for log lines: the whole address, or "unix" */
};

/* Reads the name of a peer, as cflight_server_context_peer() gives it. Whatever cannot be read is
 * one caller, too. */
void cfl_peer_address_read(const char *peer, struct cfl_peer_address *ret_address);

#endif /* CFL_FLIGHT_VALUE_PEER_ADDRESS_H */
