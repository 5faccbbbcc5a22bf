/* SPDX-License-Identifier: Apache-2.0 */
/* The first bytes of a peer that does not speak HTTP/2.
 *
 * They are kept, so that the error can name what was met: a server of HTTP/1.1 (a wrong port, a
 * proxy) by its first line, one that expects TLS by its alert, a client that speaks TLS by its
 * greeting. A client of HTTP/1.1 gets an answer that it can read. One of TLS gets SETTINGS and
 * GOAWAY: its library sees at once that they are no TLS, and need not guess why the server hung
 * up. Thread class: one at a time. RFC 9113 3.4, RFC 8446 5.1. */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "h2/internal.h"

static const char REFUSAL[] = "HTTP/1.1 400 Bad Request\r\n"
                              "Content-Type: text/plain\r\n"
                              "Content-Length: 57\r\n"
                              "Connection: close\r\n"
                              "\r\n"
                              "This is a gRPC server (Arrow Flight): it speaks HTTP/2.\r\n";

/* An alert or a handshake, of version 3.x. HTTP/2 begins with "PRI", or with a SETTINGS frame,
 * which would be longer than a megabyte. */
static bool is_tls(const struct cfl_h2_session *session)
{
    const uint8_t *opening = session->opening;
    return session->opening_bytes >= 3 && (opening[0] == 0x15 || opening[0] == 0x16) &&
           opening[1] == 3 && opening[2] <= 4;
}

void cfl_h2_opening_note(struct cfl_h2_session *session, const uint8_t *data, size_t len_bytes)
{
    size_t room_bytes = sizeof session->opening - session->opening_bytes;
    if (session->has_peer_settings) {
        return;
    }
    len_bytes = len_bytes < room_bytes ? len_bytes : room_bytes;
    memcpy(session->opening + session->opening_bytes, data, len_bytes);
    session->opening_bytes += len_bytes;
    if (is_tls(session)) {
        cfl_h2_session_fail(session, CFL_H2_PROTOCOL_ERROR, CFLIGHT_UNAVAILABLE,
                            "the peer speaks TLS, but this connection was made without it%s",
                            session->role == CFL_H2_CLIENT ? " (use grpc+tls://)" : "");
    }
}

static bool starts_with(const struct cfl_h2_session *session, const char *text)
{
    size_t len_bytes = strlen(text);
    return session->opening_bytes >= len_bytes && memcmp(session->opening, text, len_bytes) == 0;
}

bool cfl_h2_opening_explain(const struct cfl_h2_session *session, char *text, size_t text_bytes)
{
    const uint8_t *opening = session->opening;
    if (session->has_peer_settings || session->role != CFL_H2_CLIENT ||
        !starts_with(session, "HTTP/1.")) {
        return false;
    }
    char line[sizeof session->opening + 1];
    size_t len_bytes = 0;
    while (len_bytes < session->opening_bytes && opening[len_bytes] != '\r' &&
           opening[len_bytes] != '\n') {
        len_bytes++;
    }
    cfl_ascii_show(cflight_bytes_make(opening, len_bytes), line, sizeof line);
    size_t version_bytes = strcspn(line, " ");
    (void)snprintf(text, text_bytes, "the peer speaks %.*s (%s), not HTTP/2 as gRPC does",
                   (int)version_bytes, line,
                   line[version_bytes] == '\0' ? "" : line + version_bytes + 1);
    return true;
}

bool cfl_h2_opening_refuse(struct cfl_h2_session *session)
{
    static const char *const METHODS[] = {"GET ",   "HEAD ",    "POST ",    "PUT ",  "DELETE ",
                                          "TRACE ", "OPTIONS ", "CONNECT ", "PATCH "};
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        if (starts_with(session, METHODS[i])) {
            session->is_broken =
                !cfl_h2_control_add(session, (const uint8_t *)REFUSAL, sizeof REFUSAL - 1);
            cfl_h2_session_break_with(session, CFLIGHT_INTERNAL,
                                      "the client speaks HTTP/1.1; gRPC needs HTTP/2");
            return true;
        }
    }
    return false;
}
