/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy leads to a host, by the variables that gRPC looks at.
 *
 * The first of `grpc_proxy`, `https_proxy` and `http_proxy` that is set counts, also for plain
 * connections; an empty one means none. The hosts in `no_grpc_proxy`, or else `no_proxy`, are
 * reached directly: ends of names, addresses, blocks of addresses, or "*" for all. Names are
 * written in lower case, and no host is an exception by itself, not even this machine. A value that
 * cannot be used is a warning in the log, as programs may be started with anything; one that a
 * program chose is an error. Messages never quote a value, which may hold a password. Thread class:
 * free (but for setenv() of the application meanwhile). */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/base64.h"
#include "base/error.h"
#include "base/log.h"

enum {
    DEFAULT_PORT = 443, /* as for any name without a port in gRPC */
    PORT_MAX = 65535,
    ADDRESS_BYTES_MAX = 16,
};

static const char BASIC[] = "Basic ";

/* Frees a text that may be a secret. */
static void free_secret(const struct cflight_allocator *alloc, char *text)
{
    if (text != NULL) {
        explicit_bzero(text, strlen(text));
        cfl_strfree(alloc, text);
    }
}

void cfl_proxy_free(struct cfl_proxy *proxy)
{
    if (proxy != NULL) {
        free_secret(proxy->alloc, proxy->authorization);
        cfl_strfree(proxy->alloc, proxy->host);
        cfl_free(proxy->alloc, proxy, sizeof *proxy);
    }
}

/* ---- the URI ---- */

static cflight_status refuse(cflight_error **reterr, const char *why)
{
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%s; http://HOST:PORT is expected",
                             why);
}

/* A name or an IPv4 address, or what stands between brackets. */
static bool is_host(struct cflight_bytes text, bool is_ipv6)
{
    for (size_t i = 0; i < text.len_bytes; i++) {
        uint8_t byte = text.data[i];
        bool is_fit = is_ipv6
                          ? byte == ':' || byte == '.' || cfl_ascii_hex_value(byte) >= 0
                          : cfl_ascii_is_alnum(byte) || byte == '.' || byte == '-' || byte == '_';
        if (!is_fit) {
            return false;
        }
    }
    return text.len_bytes > 0;
}

static bool read_port(struct cflight_bytes text, uint16_t *ret_port)
{
    unsigned int port = 0;
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        port = port * 10 + (text.data[i] - (unsigned int)'0');
        if (port > PORT_MAX) {
            return false;
        }
    }
    *ret_port = (uint16_t)port;
    return port > 0;
}

/* "host", "host:port", "[::1]" or "[::1]:port". */
static cflight_status read_host(struct cfl_proxy *proxy, struct cflight_bytes text,
                                cflight_error **reterr)
{
    bool is_ipv6 = text.len_bytes > 0 && text.data[0] == '[';
    const uint8_t *end =
        text.len_bytes == 0 ? NULL : memchr(text.data, is_ipv6 ? ']' : ':', text.len_bytes);
    if (is_ipv6 && end == NULL) {
        return refuse(reterr, "a bracket is open in the URI of the proxy");
    }
    size_t host_bytes = end == NULL ? text.len_bytes : (size_t)(end - text.data);
    size_t rest_start = host_bytes + (is_ipv6 ? 1 : 0);
    struct cflight_bytes host = cflight_bytes_make(text.data + is_ipv6, host_bytes - is_ipv6);
    if (!is_host(host, is_ipv6)) {
        return refuse(reterr, "there is no host in the URI of the proxy");
    }
    proxy->port = DEFAULT_PORT;
    if (rest_start < text.len_bytes &&
        (text.data[rest_start] != ':' ||
         !read_port(cflight_bytes_make(text.data + rest_start + 1, text.len_bytes - rest_start - 1),
                    &proxy->port))) {
        return refuse(reterr, "the port in the URI of the proxy is not from 1 to 65535");
    }
    proxy->host = cfl_strndup(proxy->alloc, (const char *)host.data, host.len_bytes);
    return proxy->host == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}

/* "user:password" as RFC 7617 has it. Room is made first: a text that grows leaves a copy. */
static cflight_status read_user(struct cfl_proxy *proxy, struct cflight_bytes user,
                                cflight_error **reterr)
{
    struct cfl_buf plain;
    struct cfl_buf header;
    cfl_buf_init(&plain, proxy->alloc);
    cfl_buf_init(&header, proxy->alloc);
    (void)cfl_buf_append_bytes(&plain, user);
    (void)cfl_buf_space(&header, sizeof BASIC + user.len_bytes / 3 * 4 + 8);
    (void)cfl_buf_append_text(&header, BASIC);
    if (!plain.failed) {
        plain.len_bytes = cfl_percent_decode(cfl_buf_bytes(&plain), plain.data);
        (void)cfl_base64_encode_padded(cfl_buf_bytes(&plain), &header);
    }
    if (!plain.failed && !header.failed) {
        proxy->authorization =
            cfl_strndup(proxy->alloc, (const char *)header.data, header.len_bytes);
    }
    cfl_buf_wipe(&header);
    cfl_buf_wipe(&plain);
    return proxy->authorization == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}

static cflight_status read_uri(struct cfl_proxy *proxy, const char *uri, cflight_error **reterr)
{
    static const char SCHEME[] = "http://";
    if (!cfl_ascii_starts(cflight_bytes_from_text(uri), SCHEME)) {
        return refuse(reterr, "the URI of the proxy does not begin with http://");
    }
    const char *authority = uri + sizeof SCHEME - 1;
    size_t len_bytes = strcspn(authority, "/?#");
    size_t user_bytes = len_bytes; /* up to the last '@' */
    while (user_bytes > 0 && authority[user_bytes - 1] != '@') {
        user_bytes--;
    }
    cflight_status status = read_host(
        proxy, cflight_bytes_make(authority + user_bytes, len_bytes - user_bytes), reterr);
    if (status == CFLIGHT_OK && user_bytes > 1) {
        status = read_user(proxy, cflight_bytes_make(authority, user_bytes - 1), reterr);
    }
    return status;
}

static cflight_status proxy_new(const struct cflight_allocator *alloc, const char *uri,
                                struct cfl_proxy **ret_proxy, cflight_error **reterr)
{
    struct cfl_proxy *proxy = cfl_alloc_zeroed(alloc, sizeof *proxy);
    if (proxy == NULL) {
        return cfl_error_no_memory(reterr);
    }
    proxy->alloc = alloc;
    cflight_status status = read_uri(proxy, uri, reterr);
    if (status != CFLIGHT_OK) {
        cfl_proxy_free(proxy);
        return status;
    }
    *ret_proxy = proxy;
    return CFLIGHT_OK;
}

/* ---- who is reached directly ---- */

/* The address in network order; returns its length, 0 when it is none. */
static size_t read_address(const char *text, uint8_t ret_address[ADDRESS_BYTES_MAX])
{
    if (inet_pton(AF_INET, text, ret_address) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, text, ret_address) == 1 ? 16 : 0;
}

/* "10.0.0.0/8" */
static bool is_in_block(struct cflight_bytes block, const char *host)
{
    char text[64];
    uint8_t network[ADDRESS_BYTES_MAX];
    uint8_t address[ADDRESS_BYTES_MAX];
    const uint8_t *slash = memchr(block.data, '/', block.len_bytes);
    if (slash == NULL || (size_t)(slash - block.data) >= sizeof text) {
        return false;
    }
    size_t network_bytes = (size_t)(slash - block.data);
    memcpy(text, block.data, network_bytes);
    text[network_bytes] = '\0';
    size_t address_bytes = read_address(text, network);
    size_t bit_count = 0;
    size_t digit_count = block.len_bytes - network_bytes - 1;
    if (address_bytes == 0 || address_bytes != read_address(host, address) || digit_count == 0 ||
        digit_count > 3) {
        return false;
    }
    for (size_t i = 1; i <= digit_count; i++) {
        if (slash[i] < '0' || slash[i] > '9') {
            return false;
        }
        bit_count = bit_count * 10 + (size_t)(slash[i] - '0');
    }
    if (bit_count > address_bytes * 8) {
        return false;
    }
    size_t whole_bytes = bit_count / 8;
    unsigned int rest_mask = (0xff00U >> (bit_count % 8)) & 0xff;
    return memcmp(network, address, whole_bytes) == 0 &&
           (rest_mask == 0 || ((network[whole_bytes] ^ address[whole_bytes]) & rest_mask) == 0);
}

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

bool cfl_proxy_is_bypassed(const char *list, const char *host)
{
    size_t host_bytes = strlen(host);
    while (*list != '\0') {
        size_t len_bytes = strcspn(list, ",");
        const char *end = list + len_bytes;
        const char *next = *end == ',' ? end + 1 : end;
        while (list < end && is_blank(*list)) {
            list++;
        }
        while (list < end && is_blank(end[-1])) {
            end--;
        }
        len_bytes = (size_t)(end - list);
        bool is_end =
            len_bytes > 0 && len_bytes <= host_bytes &&
            cfl_ascii_compare(cflight_bytes_make(host + host_bytes - len_bytes, len_bytes),
                              cflight_bytes_make(list, len_bytes)) == 0;
        if (is_end || (len_bytes == 1 && *list == '*') ||
            is_in_block(cflight_bytes_make(list, len_bytes), host)) {
            return true;
        }
        list = next;
    }
    return false;
}

/* ---- the environment ---- */

/* The first of these variables that is set; NULL when none is. */
static const char *first_set(const char *const *names, const char **ret_name)
{
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);
        if (value != NULL) {
            *ret_name = *names;
            return value;
        }
    }
    return NULL;
}

/* A variable's value, which may be anything. */
static cflight_status proxy_from_variable(const struct cflight_allocator *alloc, const char *name,
                                          const char *uri, struct cfl_proxy **ret_proxy,
                                          cflight_error **reterr)
{
    cflight_error *error = NULL;
    cflight_status status = proxy_new(alloc, uri, ret_proxy, &error);
    if (status == CFLIGHT_INVALID_ARGUMENT) {
        CFL_LOG(CFLIGHT_LOG_WARN, "net", "the variable %s is not used: %s", name,
                cflight_error_message(error));
        status = CFLIGHT_OK;
    } else if (status != CFLIGHT_OK) {
        status = cfl_error_no_memory(reterr);
    }
    cflight_error_free(error);
    return status;
}

cflight_status cfl_proxy_find(const struct cflight_allocator *alloc, const char *uri,
                              const char *host, struct cfl_proxy **ret_proxy,
                              cflight_error **reterr)
{
    static const char *const PROXIES[] = {"grpc_proxy", "https_proxy", "http_proxy", NULL};
    static const char *const EXCEPTIONS[] = {"no_grpc_proxy", "no_proxy", NULL};
    const char *variable = NULL;
    const char *list_variable = NULL;
    *ret_proxy = NULL;
    if (uri == NULL) {
        uri = first_set(PROXIES, &variable);
    }
    if (uri == NULL || uri[0] == '\0') {
        return CFLIGHT_OK;
    }
    cflight_status status = variable == NULL
                                ? proxy_new(alloc, uri, ret_proxy, reterr)
                                : proxy_from_variable(alloc, variable, uri, ret_proxy, reterr);
    const char *list = first_set(EXCEPTIONS, &list_variable);
    if (*ret_proxy != NULL && list != NULL && cfl_proxy_is_bypassed(list, host)) {
        cfl_proxy_free(*ret_proxy);
        *ret_proxy = NULL;
        CFL_LOG(CFLIGHT_LOG_DEBUG, "net", "%s is reached without a proxy, as %s says", host,
                list_variable);
    }
    return status;
}
