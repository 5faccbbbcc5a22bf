/* SPDX-License-Identifier: Apache-2.0 */
/* Reads addresses out of the names of peers: "ipv4:192.0.2.7:41234", "ipv6:[2001:db8::7]:41234",
 * "unix:". Thread class: free. */
#include "flight/value/peer_address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { KIND_IPV4 = 4, KIND_IPV6 = 6, NETWORK_BYTES = 8, MAPPED_BYTES = 12 };

/* Copies the text up to `end` and reads the port behind it. */
static bool split(const char *text, const char *end, const char *colon,
                  struct cfl_peer_address *address)
{
    size_t host_bytes = end == NULL ? 0 : (size_t)(end - text);
    if (host_bytes == 0 || host_bytes >= sizeof address->host || colon == NULL) {
        return false;
    }
    memcpy(address->host, text, host_bytes);
    address->host[host_bytes] = '\0';
    address->port = (uint16_t)strtoul(colon + 1, NULL, 10);
    return true;
}

static bool read_ipv4(const char *text, struct cfl_peer_address *address)
{
    const char *colon = strrchr(text, ':');
    if (!split(text, colon, colon, address) ||
        inet_pton(AF_INET, address->host, address->bytes + 1) != 1) {
        return false;
    }
    address->bytes[0] = KIND_IPV4;
    return true;
}

/* An IPv4 address in the form of IPv6 is the one that it stands for. */
static bool read_ipv6(const char *text, struct cfl_peer_address *address)
{
    static const uint8_t mapped[MAPPED_BYTES] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    uint8_t bytes[16];
    char number[CFL_PEER_HOST_BYTES];
    const char *end = text[0] == '[' ? strchr(text, ']') : NULL;
    if (end == NULL || !split(text + 1, end, strchr(end, ':'), address)) {
        return false;
    }
    size_t number_bytes = strcspn(address->host, "%");
    memcpy(number, address->host, number_bytes);
    number[number_bytes] = '\0';
    if (inet_pton(AF_INET6, number, bytes) != 1) {
        return false;
    }
    if (memcmp(bytes, mapped, sizeof mapped) == 0) {
        address->bytes[0] = KIND_IPV4;
        memcpy(address->bytes + 1, bytes + MAPPED_BYTES, sizeof bytes - MAPPED_BYTES);
        (void)inet_ntop(AF_INET, address->bytes + 1, address->host, sizeof address->host);
    } else {
        address->bytes[0] = KIND_IPV6;
        memcpy(address->bytes + 1, bytes, NETWORK_BYTES);
    }
    return true;
}

void cfl_peer_address_read(const char *peer, struct cfl_peer_address *ret_address)
{
    memset(ret_address, 0, sizeof *ret_address);
    if (peer != NULL && strncmp(peer, "ipv4:", 5) == 0 && read_ipv4(peer + 5, ret_address)) {
        return;
    }
    if (peer != NULL && strncmp(peer, "ipv6:", 5) == 0 && read_ipv6(peer + 5, ret_address)) {
        return;
    }
    bool is_unix = peer != NULL && strncmp(peer, "unix:", 5) == 0;
    memset(ret_address, 0, sizeof *ret_address);
    memcpy(ret_address->host, is_unix ? "unix" : "unknown", is_unix ? 4 : 7);
}
