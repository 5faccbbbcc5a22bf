/* SPDX-License-Identifier: Apache-2.0 */
/* A tunnel through an HTTP proxy (RFC 9110 9.3.6, CONNECT; RFC 9112).
 *
 * The answer is looked at before it is taken from the socket, so that what the server behind the
 * proxy says first, which may lie in the same packet, stays there. Its head is bounded, and of a
 * refusal the first line is passed on; a body is never read. Steps never wait. Thread class: one at
 * a time. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/proxy.h"
#include "net/ready.h"

enum {
    SHOWN_BYTES_MAX = 120, /* of a proxy's first line */
    REST_BYTES = 128,      /* of the request, beside names and credentials */
};

static const char BEGIN[] = "HTTP/1.";

cflight_status cfl_tunnel_init(struct cfl_tunnel *tunnel, const struct cfl_proxy *proxy,
                               const char *proxy_name, const char *place, cflight_error **reterr)
{
    memset(tunnel, 0, sizeof *tunnel);
    tunnel->proxy_name = proxy_name;
    tunnel->place = place;
    cfl_buf_init(&tunnel->request, proxy->alloc);
    for (const char *at = place; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                     "byte %zu of the server's name is 0x%02x, which %s cannot be "
                                     "asked for",
                                     (size_t)(at - place), (unsigned char)*at, proxy_name);
        }
    }
    const char *authorization = proxy->authorization;
    /* All the room first: a text that grows would leave a copy of the password behind. */
    (void)cfl_buf_space(&tunnel->request, 2 * strlen(place) + REST_BYTES +
                                              (authorization == NULL ? 0 : strlen(authorization)));
    (void)cfl_buf_append_format(&tunnel->request, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", place,
                                place);
    if (authorization != NULL) {
        (void)cfl_buf_append_text(&tunnel->request, "Proxy-Authorization: ");
        (void)cfl_buf_append_text(&tunnel->request, authorization);
        (void)cfl_buf_append_text(&tunnel->request, "\r\n");
    }
    (void)cfl_buf_append_text(&tunnel->request, "\r\n");
    return tunnel->request.failed ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}

void cfl_tunnel_done(struct cfl_tunnel *tunnel)
{
    cfl_buf_wipe(&tunnel->request);
}

static cflight_status broke(const struct cfl_tunnel *tunnel, int os_code, cflight_error **reterr)
{
    if (os_code == 0) {
        return cflight_error_set(reterr, CFLIGHT_UNAVAILABLE,
                                 "%s closed the connection when it was asked for %s",
                                 tunnel->proxy_name, tunnel->place);
    }
    return cfl_error_set_os(reterr, CFLIGHT_UNAVAILABLE, os_code,
                            "%s broke the connection when it was asked for %s", tunnel->proxy_name,
                            tunnel->place);
}

/* Returns whether all of the request is sent. */
static cflight_status send_request(struct cfl_tunnel *tunnel, int fd, bool *ret_is_sent,
                                   cflight_error **reterr)
{
    while (tunnel->sent_bytes < tunnel->request.len_bytes) {
        ssize_t count = send(fd, tunnel->request.data + tunnel->sent_bytes,
                             tunnel->request.len_bytes - tunnel->sent_bytes, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return CFLIGHT_OK;
        }
        if (count < 0) {
            return broke(tunnel, errno, reterr);
        }
        tunnel->sent_bytes += (size_t)count;
    }
    *ret_is_sent = true;
    return CFLIGHT_OK;
}

/* Where the head that begins at `head_start` ends: behind an empty line. 0: it goes on. */
static size_t head_end(const struct cfl_tunnel *tunnel)
{
    for (size_t i = tunnel->head_start; i < tunnel->answer_bytes; i++) {
        size_t line_bytes = i - tunnel->head_start;
        if (tunnel->answer[i] != '\n' || line_bytes == 0) {
            continue;
        }
        bool has_return = line_bytes > 1 && tunnel->answer[i - 1] == '\r';
        if (tunnel->answer[i - (has_return ? 2 : 1)] == '\n') {
            return i + 1;
        }
    }
    return 0;
}

/* The first line, as far as it is here, with '?' for what cannot be printed. */
static void copy_first_line(const struct cfl_tunnel *tunnel, char ret_text[SHOWN_BYTES_MAX + 1])
{
    size_t count = 0;
    for (size_t i = tunnel->head_start; i < tunnel->answer_bytes && count < SHOWN_BYTES_MAX; i++) {
        uint8_t byte = tunnel->answer[i];
        if (byte == '\r' || byte == '\n') {
            break;
        }
        ret_text[count++] = byte >= ' ' && byte <= '~' ? (char)byte : '?';
    }
    ret_text[count] = '\0';
}

/* Seen at the first bytes: no empty line may ever come. */
static bool is_other_protocol(const struct cfl_tunnel *tunnel)
{
    size_t len_bytes = tunnel->answer_bytes - tunnel->head_start;
    size_t begin_bytes = sizeof BEGIN - 1 < len_bytes ? sizeof BEGIN - 1 : len_bytes;
    return memcmp(tunnel->answer + tunnel->head_start, BEGIN, begin_bytes) != 0;
}

/* The status of "HTTP/1.x NNN ..."; 0 when the line is something else. */
static unsigned int answer_status(const struct cfl_tunnel *tunnel)
{
    const uint8_t *line = tunnel->answer + tunnel->head_start;
    unsigned int status = 0;
    if (tunnel->answer_bytes - tunnel->head_start < 13 || line[8] != ' ') {
        return 0;
    }
    for (size_t i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9') {
            return 0;
        }
        status = status * 10 + (line[i] - (unsigned int)'0');
    }
    return line[12] == ' ' || line[12] == '\r' || line[12] == '\n' ? status : 0;
}

static cflight_status not_http(const struct cfl_tunnel *tunnel, const char *what,
                               cflight_error **reterr)
{
    char line[SHOWN_BYTES_MAX + 1];
    copy_first_line(tunnel, line);
    return cflight_error_set(reterr, CFLIGHT_UNAVAILABLE, "%s, asked for %s, %s: \"%s\"",
                             tunnel->proxy_name, tunnel->place, what, line);
}

/* Looks at more of the answer, and takes it up to the end of its head. `*ret_end` is that end, 0
 * when it is not here yet. */
static cflight_status read_head(struct cfl_tunnel *tunnel, int fd, size_t *ret_end,
                                unsigned int *ret_wait, cflight_error **reterr)
{
    size_t room_bytes = sizeof tunnel->answer - tunnel->answer_bytes;
    if (room_bytes == 0) {
        return not_http(tunnel, "answered with too many headers (over 8 KiB)", reterr);
    }
    uint8_t *target = tunnel->answer + tunnel->answer_bytes;
    ssize_t count = recv(fd, target, room_bytes, MSG_PEEK);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        *ret_wait = CFL_READY_READ;
        return CFLIGHT_OK;
    }
    if (count <= 0) {
        return broke(tunnel, count == 0 ? 0 : errno, reterr);
    }
    size_t before_bytes = tunnel->answer_bytes;
    tunnel->answer_bytes += (size_t)count;
    *ret_end = head_end(tunnel);
    if (*ret_end != 0) {
        tunnel->answer_bytes = *ret_end;
    }
    ssize_t taken = recv(fd, target, tunnel->answer_bytes - before_bytes, 0);
    if (taken != (ssize_t)(tunnel->answer_bytes - before_bytes)) {
        return broke(tunnel, taken < 0 ? errno : 0, reterr);
    }
    return CFLIGHT_OK;
}

cflight_status cfl_tunnel_step(struct cfl_tunnel *tunnel, int fd, unsigned int *ret_wait,
                               cflight_error **reterr)
{
    bool is_sent = false;
    *ret_wait = CFL_READY_NONE;
    cflight_status status = send_request(tunnel, fd, &is_sent, reterr);
    if (status == CFLIGHT_OK && !is_sent) {
        *ret_wait = CFL_READY_WRITE;
    }
    while (status == CFLIGHT_OK && *ret_wait == CFL_READY_NONE) {
        size_t end = 0;
        status = read_head(tunnel, fd, &end, ret_wait, reterr);
        if (status == CFLIGHT_OK && is_other_protocol(tunnel)) {
            return not_http(tunnel, "gave an answer that is not HTTP/1", reterr);
        }
        if (status != CFLIGHT_OK || end == 0) {
            continue;
        }
        unsigned int code = answer_status(tunnel);
        if (code >= 200 && code <= 299) {
            return CFLIGHT_OK;
        }
        if (code < 100 || code > 199) {
            return not_http(tunnel, code == 0 ? "answered without a status" : "answered", reterr);
        }
        tunnel->head_start = end; /* an interim answer: the next one counts */
    }
    return status;
}
