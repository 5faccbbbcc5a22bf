/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of HTTP/1 (RFC 9112), as far as a port with one resource needs them: the line, and the
 * field Accept. A body is not read: the connection ends with the answer. Thread class: free. */
#include "flight/metrics/http_request.h"

#include <string.h>

#include "base/ascii.h"

enum {
    OK = 200,
    BAD_REQUEST = 400,
    NOT_FOUND = 404,
    METHOD_NOT_ALLOWED = 405,
    TOO_LARGE = 431,
    VERSION_NOT_SUPPORTED = 505,
    METHOD_BYTES_MAX = 16,
};

/* Takes a line off the front, without its end; false when it has not come to an end. */
static bool take_line(struct cflight_bytes *input, struct cflight_bytes *ret_line)
{
    const uint8_t *end = input->len_bytes == 0 ? NULL : memchr(input->data, '\n', input->len_bytes);
    if (end == NULL) {
        return false;
    }
    size_t len_bytes = (size_t)(end - input->data);
    *ret_line = cflight_bytes_make(input->data, len_bytes);
    *input = cflight_bytes_make(end + 1, input->len_bytes - len_bytes - 1);
    if (len_bytes > 0 && ret_line->data[len_bytes - 1] == '\r') {
        ret_line->len_bytes--;
    }
    return true;
}

/* Takes a word off the front, up to a space. */
static struct cflight_bytes take_word(struct cflight_bytes *line)
{
    const uint8_t *end = line->len_bytes == 0 ? NULL : memchr(line->data, ' ', line->len_bytes);
    size_t len_bytes = end == NULL ? line->len_bytes : (size_t)(end - line->data);
    struct cflight_bytes word = cflight_bytes_make(line->data, len_bytes);
    size_t taken_bytes = end == NULL ? len_bytes : len_bytes + 1;
    *line = cflight_bytes_make(line->data + taken_bytes, line->len_bytes - taken_bytes);
    return word;
}

static bool is_exactly(struct cflight_bytes text, const char *other)
{
    return text.len_bytes == strlen(other) && memcmp(text.data, other, text.len_bytes) == 0;
}

/* "/metrics", with or without a query, or a URI with that path (RFC 9112 3.2.2). */
static bool is_metrics(struct cflight_bytes target)
{
    static const char PATH[] = "/metrics";
    enum { PATH_BYTES = sizeof PATH - 1 };
    if (cfl_ascii_drop_front(&target, "http://")) {
        const uint8_t *path =
            target.len_bytes == 0 ? NULL : memchr(target.data, '/', target.len_bytes);
        size_t host_bytes = path == NULL ? target.len_bytes : (size_t)(path - target.data);
        target = cflight_bytes_make(target.data + host_bytes, target.len_bytes - host_bytes);
    }
    return target.len_bytes >= PATH_BYTES && memcmp(target.data, PATH, PATH_BYTES) == 0 &&
           (target.len_bytes == PATH_BYTES || target.data[PATH_BYTES] == '?');
}

static int judge_line(struct cflight_bytes line, bool *ret_is_head)
{
    struct cflight_bytes method = take_word(&line);
    struct cflight_bytes target = take_word(&line);
    if (!cfl_ascii_starts(line, "HTTP/") || method.len_bytes == 0 || target.len_bytes == 0) {
        return BAD_REQUEST;
    }
    if (!is_exactly(line, "HTTP/1.1") && !is_exactly(line, "HTTP/1.0")) {
        return VERSION_NOT_SUPPORTED;
    }
    *ret_is_head = is_exactly(method, "HEAD");
    if (!is_metrics(target)) {
        return NOT_FOUND;
    }
    return *ret_is_head || is_exactly(method, "GET") ? OK : METHOD_NOT_ALLOWED;
}

static bool contains(struct cflight_bytes text, const char *word)
{
    while (text.len_bytes > 0 && !cfl_ascii_starts(text, word)) {
        text = cflight_bytes_make(text.data + 1, text.len_bytes - 1);
    }
    return text.len_bytes > 0;
}

/* What can be no request is told early, and does not fill the room for one. */
static bool may_begin(struct cflight_bytes input)
{
    size_t i = 0;
    while (i < input.len_bytes && i <= METHOD_BYTES_MAX && cfl_ascii_is_alnum(input.data[i])) {
        i++;
    }
    return i == input.len_bytes ? i <= METHOD_BYTES_MAX : i > 0 && input.data[i] == ' ';
}

struct cfl_http_request cfl_http_request_read(struct cflight_bytes input)
{
    struct cfl_http_request request = {.status = 0};
    struct cflight_bytes rest = input;
    struct cflight_bytes line = {NULL, 0};
    while (rest.len_bytes > 0 && (rest.data[0] == '\r' || rest.data[0] == '\n')) {
        rest = cflight_bytes_make(rest.data + 1, rest.len_bytes - 1); /* RFC 9112 2.2 */
    }
    if (!may_begin(rest)) {
        request.status = BAD_REQUEST;
        return request;
    }
    int status = 0;
    bool is_complete = false;
    if (take_line(&rest, &line)) {
        status = judge_line(line, &request.is_head);
        while (!is_complete && take_line(&rest, &line)) {
            is_complete = line.len_bytes == 0;
            if (cfl_ascii_drop_front(&line, "accept:") &&
                contains(line, "application/openmetrics-text")) {
                request.wants_open = true;
            }
        }
    }
    if (is_complete || status == BAD_REQUEST || status == VERSION_NOT_SUPPORTED) {
        request.status = status;
    } else if (input.len_bytes >= CFL_HTTP_REQUEST_BYTES_MAX) {
        request.status = TOO_LARGE;
    }
    return request;
}
