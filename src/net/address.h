/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_ADDRESS_H
#define CFL_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "cflight/error.h"

/* Socket addresses: from texts, from the system's resolver, and back to text. Values; thread class:
 * free. */

struct cfl_address {
    struct sockaddr_storage storage;
    socklen_t len_bytes;
};

enum { CFL_ADDRESSES_MAX = 32, CFL_ADDRESS_TEXT_BYTES = 160 };

struct cfl_address_list {
    struct cfl_address items[CFL_ADDRESSES_MAX];
    size_t count;
};

/* A path, or a name in the abstract namespace when it begins with '@'. INVALID_ARGUMENT when it is
 * empty or longer than the system allows. */
cflight_status cfl_address_from_unix(const char *path, struct cfl_address *ret_address,
                                     cflight_error **reterr);
/* The two wildcard addresses, IPv6 first. */
void cfl_address_list_wildcard(uint16_t port, struct cfl_address_list *ret_list);
/* Handles what needs no lookup: a numeric address, and "localhost", which is always the two
 * loopback addresses (RFC 6761 6.3). Returns false, with nothing written, for any other name. */
bool cfl_address_list_direct(const char *host, uint16_t port, struct cfl_address_list *ret_list);
/* As above, and asks the system's resolver for other names: this may block for long. Duplicates are
 * dropped, and the families alternate in the order of the first address (RFC 8305 4). UNAVAILABLE
 * names the host and the reason. */
cflight_status cfl_address_list_lookup(const char *host, uint16_t port,
                                       struct cfl_address_list *ret_list, cflight_error **reterr);
bool cfl_address_is_same(const struct cfl_address *a, const struct cfl_address *b);
void cfl_address_set_port(struct cfl_address *address, uint16_t port);
/* 0 for Unix sockets. */
uint16_t cfl_address_port(const struct cfl_address *address);
/* "127.0.0.1:80", "[::1]:80", "/path", "@name", or "" for an unnamed Unix socket. What is not
 * printable ASCII in a path shows as '?': a peer chooses its own path. */
void cfl_address_text(const struct cfl_address *address, char ret_text[CFL_ADDRESS_TEXT_BYTES]);
/* "ipv4:", "ipv6:" or "unix:" and the text. */
void cfl_address_peer_name(const struct cfl_address *address,
                           char ret_text[CFL_ADDRESS_TEXT_BYTES]);

#endif /* CFL_NET_ADDRESS_H */
