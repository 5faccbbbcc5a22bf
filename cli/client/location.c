/* SPDX-License-Identifier: Apache-2.0 */
/* Checks locations that come from the command line. The library is more generous, because servers
 * name locations too, and other implementations are. Thread class: free. */
#include "cli/client/location.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "cflight/types.h"
#include "cli/system/text.h"

/* What stands behind "SCHEME://". */
static const char *rest_of(const char *uri)
{
    const char *colon = strstr(uri, "://");
    return colon == NULL ? uri : colon + 3;
}

static bool is_one_of(const char *scheme, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(scheme, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static cflight_status check_socket(const struct cflight_location *location, cflight_error **reterr)
{
    if (location->host[0] == '\0') {
        return CFLIGHT_OK;
    }
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                             "'%s' has a host; a socket is named by its whole path: "
                             "grpc+unix:///PATH",
                             location->uri);
}

static cflight_status check_network(const struct cflight_location *location, bool needs_port,
                                    cflight_error **reterr)
{
    const char *tail = strpbrk(rest_of(location->uri), "/?#");
    if (tail != NULL && strcmp(tail, "/") != 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' goes on behind the port; expected is HOST:PORT, and NAME is "
                                 "an argument of its own",
                                 location->uri);
    }
    if (location->host[0] == '\0') {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' has no host; expected is HOST:PORT", location->uri);
    }
    if (needs_port && location->port < 0) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' has no port; expected is HOST:PORT", location->uri);
    }
    return CFLIGHT_OK;
}

static cflight_status check_parts(const struct cflight_location *location, bool needs_port,
                                  cflight_error **reterr)
{
    static const char *const network[] = {"grpc", "grpc+tcp", "grpc+tls"};
    if (strcmp(location->scheme, "grpc+unix") == 0) {
        return check_socket(location, reterr);
    }
    if (is_one_of(location->scheme, network, sizeof network / sizeof network[0])) {
        return check_network(location, needs_port, reterr);
    }
    return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                             "the scheme of '%s' is '%s'; expected is grpc, grpc+tcp, grpc+tls or "
                             "grpc+unix",
                             location->uri, location->scheme);
}

static cflight_status check(const char *uri, bool needs_port, cflight_error **reterr)
{
    struct cflight_location *location = NULL;
    const char *rest = rest_of(uri);
    const char *at = strchr(rest, '@');
    if (at != NULL && at < rest + strcspn(rest, "/?#") && strncmp(uri, "grpc+unix:", 10) != 0) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         "a location holds no user; log in with --user");
    }
    cflight_status status = cflight_location_parse(cflight_bytes_from_text(uri), &location, reterr);
    if (status == CFLIGHT_OK) {
        status = check_parts(location, needs_port, reterr);
        cflight_location_free(location);
    }
    return status;
}

cflight_status cli_location_complete(const char *uri, bool wants_tls, bool is_listener,
                                     char **ret_uri, cflight_error **reterr)
{
    struct cli_text text = CLI_TEXT_INIT;
    char *complete = NULL;
    bool has_scheme = strstr(uri, "://") != NULL;
    if (!has_scheme) {
        cli_text_append_string(&text, wants_tls ? "grpc+tls://" : "grpc://");
    }
    cli_text_append_string(&text, uri);
    cflight_status status = cli_text_take(&text, &complete, reterr);
    if (status == CFLIGHT_OK) {
        status = check(complete, is_listener || !has_scheme, reterr);
    }
    if (status != CFLIGHT_OK) {
        free(complete);
        return status;
    }
    *ret_uri = complete;
    return CFLIGHT_OK;
}

bool cli_host_is_loopback(const char *host)
{
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (inet_pton(AF_INET, host, &ipv4) == 1) {
        return ntohl(ipv4.s_addr) >> 24 == 127;
    }
    return strcmp(host, "localhost") == 0 || (inet_pton(AF_INET6, host, &ipv6) == 1 &&
                                              memcmp(&ipv6, &in6addr_loopback, sizeof ipv6) == 0);
}
