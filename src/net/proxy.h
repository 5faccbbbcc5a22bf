/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_NET_PROXY_H
#define CFL_NET_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "cflight/error.h"

/* HTTP proxies on the way to a server: which one, and the tunnel through it. */

/* Never changes; thread class: free. */
struct cfl_proxy {
    const struct cflight_allocator *alloc;
    char *host; /* IPv6 without brackets */
    uint16_t port;
    char *authorization; /* value of `Proxy-Authorization`, a secret; NULL for none */
};

/* Gives the proxy for a host. `uri` NULL is what the environment says; one that it says and that
 * cannot be used is left out with a warning. `uri` empty is none. `*ret_proxy` NULL: the host is
 * reached directly. INVALID_ARGUMENT when `uri` is no proxy. */
cflight_status cfl_proxy_find(const struct cflight_allocator *alloc, const char *uri,
                              const char *host, struct cfl_proxy **ret_proxy,
                              cflight_error **reterr);
void cfl_proxy_free(struct cfl_proxy *proxy);
/* Whether the list (as in the variable `no_proxy`) has the host. */
bool cfl_proxy_is_bypassed(const char *list, const char *host);

enum { CFL_TUNNEL_ANSWER_BYTES_MAX = 8192 };

/* Asks a proxy for a way to a server. Thread class: one at a time. */
struct cfl_tunnel {
    const char *proxy_name; /* "host:port", as is the next; for messages */
    const char *place;
    struct cfl_buf request;
    size_t sent_bytes;
    size_t head_start; /* of the answer that counts */
    size_t answer_bytes;
    uint8_t answer[CFL_TUNNEL_ANSWER_BYTES_MAX];
};

/* The names are borrowed until done. Call done whatever happens. */
cflight_status cfl_tunnel_init(struct cfl_tunnel *tunnel, const struct cfl_proxy *proxy,
                               const char *proxy_name, const char *place, cflight_error **reterr);
void cfl_tunnel_done(struct cfl_tunnel *tunnel);
/* Does what can be done now on the connected, non-blocking socket. `*ret_wait` (enum cfl_ready)
 * CFL_READY_NONE: the way is open, and nothing behind the proxy's answer was read. UNAVAILABLE
 * names the proxy and what it answered. */
cflight_status cfl_tunnel_step(struct cfl_tunnel *tunnel, int fd, unsigned int *ret_wait,
                               cflight_error **reterr);

#endif /* CFL_NET_PROXY_H */
