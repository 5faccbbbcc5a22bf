/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses and their texts.
 *
 * Nothing here keeps state. The lookup blocks for as long as the system's resolver does, which
 * nothing can bound; who needs a bound runs it on another thread (net/resolve.c). Lists hold at
 * most CFL_ADDRESSES_MAX addresses, whatever a name server answers. Thread class: free. RFC
 * 6761 6.3, RFC 8305 4. */
#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/ascii.h"
#include "base/error.h"

enum { UNIX_PATH_BYTES_MAX = sizeof((struct sockaddr_un *)0)->sun_path - 1, PORT_TEXT_BYTES = 8 };

cflight_status cfl_address_from_unix(const char *path, struct cfl_address *ret_address,
                                     cflight_error **reterr)
{
    size_t path_bytes = path == NULL ? 0 : strlen(path);
    bool is_abstract = path_bytes > 0 && path[0] == '@';
    if (path_bytes == 0 || (is_abstract && path_bytes == 1)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "the Unix socket path is empty");
    }
    if (path_bytes > UNIX_PATH_BYTES_MAX) {
        return cflight_error_set(
            reterr, CFLIGHT_INVALID_ARGUMENT,
            "the Unix socket path '%s' is %zu bytes long; the system's limit is %d bytes", path,
            path_bytes, (int)UNIX_PATH_BYTES_MAX);
    }
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    memcpy(un.sun_path, path, path_bytes);
    size_t len_bytes = offsetof(struct sockaddr_un, sun_path) + path_bytes;
    if (is_abstract) {
        un.sun_path[0] = '\0';
    } else {
        len_bytes++;
    }
    memset(ret_address, 0, sizeof *ret_address);
    memcpy(&ret_address->storage, &un, sizeof un);
    ret_address->len_bytes = (socklen_t)len_bytes;
    return CFLIGHT_OK;
}

static void append_ipv4(struct cfl_address_list *list, uint32_t host_order_address, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    in.sin_addr.s_addr = htonl(host_order_address);
    struct cfl_address *address = &list->items[list->count++];
    memset(address, 0, sizeof *address);
    memcpy(&address->storage, &in, sizeof in);
    address->len_bytes = sizeof in;
}

static void append_ipv6(struct cfl_address_list *list, const struct in6_addr *ip, uint16_t port)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *ip};
    struct cfl_address *address = &list->items[list->count++];
    memset(address, 0, sizeof *address);
    memcpy(&address->storage, &in6, sizeof in6);
    address->len_bytes = sizeof in6;
}

void cfl_address_list_wildcard(uint16_t port, struct cfl_address_list *ret_list)
{
    ret_list->count = 0;
    append_ipv6(ret_list, &in6addr_any, port);
    append_ipv4(ret_list, INADDR_ANY, port);
}

static bool is_same(const struct cfl_address *address, const struct addrinfo *info)
{
    return address->len_bytes == info->ai_addrlen &&
           memcmp(&address->storage, info->ai_addr, info->ai_addrlen) == 0;
}

/* Appends the addresses of one family that are not in the list yet. */
static void append_family(struct cfl_address_list *list, const struct addrinfo *first, int family)
{
    for (const struct addrinfo *info = first; info != NULL; info = info->ai_next) {
        if (info->ai_family != family || info->ai_addrlen > sizeof(struct sockaddr_storage)) {
            continue;
        }
        bool is_new = true;
        for (size_t i = 0; i < list->count; i++) {
            is_new = is_new && !is_same(&list->items[i], info);
        }
        if (is_new && list->count < CFL_ADDRESSES_MAX) {
            struct cfl_address *address = &list->items[list->count++];
            memset(address, 0, sizeof *address);
            memcpy(&address->storage, info->ai_addr, info->ai_addrlen);
            address->len_bytes = info->ai_addrlen;
        }
    }
}

/* Alternates the families, the one that the resolver put first going first. */
static void interleave(const struct addrinfo *first, struct cfl_address_list *ret_list)
{
    struct cfl_address_list ours = {.count = 0};
    struct cfl_address_list others = {.count = 0};
    int family = first != NULL ? first->ai_family : AF_INET6;
    append_family(&ours, first, family);
    append_family(&others, first, family == AF_INET6 ? AF_INET : AF_INET6);
    ret_list->count = 0;
    for (size_t i = 0; i < CFL_ADDRESSES_MAX; i++) {
        if (i < ours.count && ret_list->count < CFL_ADDRESSES_MAX) {
            ret_list->items[ret_list->count++] = ours.items[i];
        }
        if (i < others.count && ret_list->count < CFL_ADDRESSES_MAX) {
            ret_list->items[ret_list->count++] = others.items[i];
        }
    }
}

/* Returns what getaddrinfo returned. */
static int resolve(const char *host, uint16_t port, int flags, struct cfl_address_list *ret_list)
{
    char port_text[PORT_TEXT_BYTES];
    (void)snprintf(port_text, sizeof port_text, "%u", (unsigned int)port);
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *first = NULL;
    int code = getaddrinfo(host, port_text, &hints, &first);
    if (code == 0) {
        interleave(first, ret_list);
        freeaddrinfo(first);
    }
    return code;
}

bool cfl_address_list_direct(const char *host, uint16_t port, struct cfl_address_list *ret_list)
{
    if (cfl_ascii_is(cflight_bytes_from_text(host), "localhost")) {
        ret_list->count = 0;
        append_ipv6(ret_list, &in6addr_loopback, port);
        append_ipv4(ret_list, INADDR_LOOPBACK, port);
        return true;
    }
    return resolve(host, port, AI_NUMERICHOST, ret_list) == 0 && ret_list->count > 0;
}

cflight_status cfl_address_list_lookup(const char *host, uint16_t port,
                                       struct cfl_address_list *ret_list, cflight_error **reterr)
{
    if (host[0] == '\0') {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "the host name is empty");
    }
    if (cfl_address_list_direct(host, port, ret_list)) {
        return CFLIGHT_OK;
    }
    int code = resolve(host, port, 0, ret_list);
    if (code == EAI_SYSTEM) {
        return cfl_error_set_os(reterr, CFLIGHT_UNAVAILABLE, errno, "cannot look up the host '%s'",
                                host);
    }
    if (code == EAI_MEMORY) {
        return cfl_error_no_memory(reterr);
    }
    if (code != 0 || ret_list->count == 0) {
        return cflight_error_set(reterr, CFLIGHT_UNAVAILABLE, "cannot look up the host '%s': %s",
                                 host, code == 0 ? "it has no address" : gai_strerror(code));
    }
    return CFLIGHT_OK;
}

bool cfl_address_is_same(const struct cfl_address *a, const struct cfl_address *b)
{
    return a->len_bytes == b->len_bytes && memcmp(&a->storage, &b->storage, a->len_bytes) == 0;
}

void cfl_address_set_port(struct cfl_address *address, uint16_t port)
{
    if (address->storage.ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, &address->storage, sizeof in);
        in.sin_port = htons(port);
        memcpy(&address->storage, &in, sizeof in);
    } else if (address->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &address->storage, sizeof in6);
        in6.sin6_port = htons(port);
        memcpy(&address->storage, &in6, sizeof in6);
    }
}

uint16_t cfl_address_port(const struct cfl_address *address)
{
    if (address->storage.ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, &address->storage, sizeof in);
        return ntohs(in.sin_port);
    }
    if (address->storage.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &address->storage, sizeof in6);
        return ntohs(in6.sin6_port);
    }
    return 0;
}

static void unix_text(const struct cfl_address *address, char ret_text[CFL_ADDRESS_TEXT_BYTES])
{
    struct sockaddr_un un;
    memcpy(&un, &address->storage, sizeof un);
    size_t header_bytes = offsetof(struct sockaddr_un, sun_path);
    size_t path_bytes = address->len_bytes > header_bytes ? address->len_bytes - header_bytes : 0;
    if (path_bytes > sizeof un.sun_path) {
        path_bytes = sizeof un.sun_path;
    }
    bool is_abstract = path_bytes > 0 && un.sun_path[0] == '\0';
    if (!is_abstract) {
        path_bytes = strnlen(un.sun_path, path_bytes);
    }
    cfl_ascii_show(cflight_bytes_make(un.sun_path, path_bytes), ret_text, CFL_ADDRESS_TEXT_BYTES);
    if (is_abstract) {
        ret_text[0] = '@';
    }
}

void cfl_address_text(const struct cfl_address *address, char ret_text[CFL_ADDRESS_TEXT_BYTES])
{
    char host[INET6_ADDRSTRLEN + 32] = "?";
    if (address->storage.ss_family == AF_UNIX) {
        unix_text(address, ret_text);
        return;
    }
    /* Unlike inet_ntop, this keeps the scope of a link-local address. */
    (void)getnameinfo((const struct sockaddr *)&address->storage, address->len_bytes, host,
                      sizeof host, NULL, 0, NI_NUMERICHOST);
    (void)snprintf(ret_text, CFL_ADDRESS_TEXT_BYTES,
                   address->storage.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
                   (unsigned int)cfl_address_port(address));
}

void cfl_address_peer_name(const struct cfl_address *address, char ret_text[CFL_ADDRESS_TEXT_BYTES])
{
    enum { SCHEME_BYTES = sizeof "ipv4:" - 1 };
    char text[CFL_ADDRESS_TEXT_BYTES];
    cfl_address_text(address, text);
    const char *scheme = "unix:";
    if (address->storage.ss_family == AF_INET) {
        scheme = "ipv4:";
    } else if (address->storage.ss_family == AF_INET6) {
        scheme = "ipv6:";
    }
    (void)snprintf(ret_text, CFL_ADDRESS_TEXT_BYTES, "%s%.*s", scheme,
                   (int)(CFL_ADDRESS_TEXT_BYTES - SCHEME_BYTES - 1), text);
}
