/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_CALL_SHARE_PACKET_H
#define CFL_FLIGHT_CALL_SHARE_PACKET_H

#include <stdbool.h>
#include <stdint.h>

/* What goes through the channel of a connection: packets of one size, some with a descriptor
 * (docs/internals/shared-bodies.md, "On the wire"). Nothing here waits. Thread class: free. */

enum cfl_share_kind {
    CFL_SHARE_HELLO = 0,
    CFL_SHARE_PASS = 1,
    CFL_SHARE_RELEASE = 2,
};

struct cfl_share_packet {
    uint8_t kind; /* enum cfl_share_kind, or whatever the peer said */
    uint64_t number;
    uint64_t size_bytes;
    uint32_t stream_id;
};

/* A packet as it was read, with the descriptor that came along. */
struct cfl_share_received {
    struct cfl_share_packet packet;
    bool is_valid;
    int fd;
    bool was_fd_lost; /* one came that this process could not have */
};

/* Whether it is a socket of packets to a process of the same user. */
bool cfl_share_is_channel(int fd);
/* Sends one packet, with a descriptor or -1. False when the channel does not take it now. */
bool cfl_share_packet_send(int fd, const struct cfl_share_packet *packet, int passed_fd);
/* Reads one; false when there is nothing to read. The end of the channel is a packet that is not
 * valid. A descriptor that came is the caller's, valid or not. */
bool cfl_share_packet_read(int fd, struct cfl_share_received *ret_received);

#endif /* CFL_FLIGHT_CALL_SHARE_PACKET_H */
