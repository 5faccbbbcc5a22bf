/* SPDX-License-Identifier: Apache-2.0 */
/* URIs of locations, made from what they name (RFC 3986).
 *
 * What is made can be parsed again and gives the same host, port and path: the parser has the last
 * word on a host, and a socket's path is escaped byte by byte. Thread class: free. */
#include <string.h>

#include "base/ascii.h"
#include "base/error.h"
#include "flight/value/values.h"

enum { PORT_MAX = 65535 };

/* Checks the text by parsing it, and gives it out. Takes the buffer. */
static cflight_status finish(struct cfl_buf *text, char **ret_uri, cflight_error **reterr)
{
    struct cflight_location *location = NULL;
    cflight_status status = text->failed
                                ? cfl_error_no_memory(reterr)
                                : cflight_location_parse(cfl_buf_bytes(text), &location, reterr);
    cflight_location_free(location);
    if (status != CFLIGHT_OK) {
        cfl_buf_done(text);
        return status;
    }
    return cfl_text_finish(text, ret_uri, reterr);
}

/* Nothing in a host ends it: "good.example/x" would be a host with a path. */
static bool ends_host(struct cflight_bytes host)
{
    for (size_t i = 0; i < host.len_bytes; i++) {
        if (host.data[i] == 0 || strchr("/?#@", host.data[i]) != NULL) {
            return true;
        }
    }
    return host.len_bytes == 0;
}

cflight_status cflight_location_of_host(const char *scheme, struct cflight_bytes host, int32_t port,
                                        char **ret_uri, cflight_error **reterr)
{
    struct cfl_buf text;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(scheme), CFL_ARG(ret_uri));
    if (status == CFLIGHT_OK) {
        status = cfl_bytes_check(host, "the host of a location", reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (port < 0 || port > PORT_MAX) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the port of a location is %ld; 0 to 65535 are expected",
                                 (long)port);
    }
    if (ends_host(host)) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         host.len_bytes == 0
                                             ? "the host of a location is empty"
                                             : "the host of a location holds '/', '?', '#', '@' "
                                               "or a zero byte");
    }
    bool needs_brackets = host.data[0] != '[' && memchr(host.data, ':', host.len_bytes) != NULL;
    cfl_buf_init(&text, NULL);
    (void)cfl_buf_append_format(&text, "%s://%s", scheme, needs_brackets ? "[" : "");
    (void)cfl_buf_append_bytes(&text, host);
    (void)cfl_buf_append_format(&text, "%s:%d", needs_brackets ? "]" : "", (int)port);
    return finish(&text, ret_uri, reterr);
}

/* RFC 3986 3.3, pchar and '/'; without ':' that some would take for a port. */
static bool is_path_byte(uint8_t byte)
{
    return cfl_ascii_is_alnum(byte) || (byte != 0 && strchr("/-._~!$&'()*+,;=@", byte) != NULL);
}

cflight_status cflight_location_of_socket(struct cflight_bytes path, char **ret_uri,
                                          cflight_error **reterr)
{
    struct cfl_buf text;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_uri));
    if (status == CFLIGHT_OK) {
        status = cfl_bytes_check(path, "the path of a socket", reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (path.len_bytes == 0 || memchr(path.data, 0, path.len_bytes) != NULL) {
        return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT,
                                         path.len_bytes == 0
                                             ? "the path of a socket is empty"
                                             : "the path of a socket holds a zero byte");
    }
    cfl_buf_init(&text, NULL);
    (void)cfl_buf_append_text(&text, path.data[0] == '/' ? "grpc+unix://" : "grpc+unix:");
    for (size_t i = 0; i < path.len_bytes; i++) {
        if (is_path_byte(path.data[i])) {
            (void)cfl_buf_append_u8(&text, path.data[i]);
        } else {
            (void)cfl_buf_append_format(&text, "%%%02X", path.data[i]);
        }
    }
    return finish(&text, ret_uri, reterr);
}
