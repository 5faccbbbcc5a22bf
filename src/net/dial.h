/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_DIAL_H
#define CFL_NET_DIAL_H

#include "net/proxy.h"
#include "net/tls.h"
#include "net/transport.h"

struct cfl_address;
struct cfl_address_list;

/* Connecting: the operating system's resolver, then IPv6 and IPv4 addresses in turn, a new attempt
 * every 250 ms while earlier ones go on (RFC 8305), within a time limit. Blocks the calling thread;
 * a descriptor that becomes readable cancels it (pass -1 for none). Name lookup cannot be
 * interrupted by the C library, so it runs on a thread of its own that is left behind, harmless,
 * when the limit passes first. */

struct cfl_dial_target {
    const char *host; /* name, IPv4, or IPv6 without brackets; NULL for Unix sockets */
    uint16_t port;
    const struct cfl_address *address; /* the one of the host to connect to; NULL: all that it has,
                                          and with a proxy */
    const char
        *unix_path; /* NULL for TCP; a leading NUL-replacing '@' names the abstract namespace */
    struct cfl_tls_client
        *tls; /* NULL for plain; borrowed for the call, the transport keeps its own reference */
    const char *tls_name;          /* the name to verify and to send as SNI; NULL: host */
    const struct cfl_proxy *proxy; /* borrowed; NULL for none, as with Unix sockets */
    const char *limit_name;        /* what has set the deadline; NULL: "the connect timeout" */
};

/* On success the TLS handshake is done too. With a proxy it is the proxy that is connected to, and
 * asked for a way to host and port, which it looks up. Errors are UNAVAILABLE naming the address
 * and every reason, DEADLINE_EXCEEDED naming limit and address, or CANCELLED. */
cflight_status cfl_dial(const struct cflight_allocator *alloc, const struct cfl_dial_target *target,
                        int64_t deadline_ns, const struct cfl_clock *clock, int cancel_fd,
                        struct cfl_transport **ret_transport, cflight_error **reterr);

/* Only the lookup of `target->host`, within the same limits. */
cflight_status cfl_dial_look_up(const struct cfl_dial_target *target, int64_t deadline_ns,
                                const struct cfl_clock *clock, int cancel_fd,
                                struct cfl_address_list *ret_list, cflight_error **reterr);

#endif /* CFL_NET_DIAL_H */
