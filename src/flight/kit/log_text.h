/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_KIT_LOG_TEXT_H
#define CFL_FLIGHT_KIT_LOG_TEXT_H

#include "base/buf.h"

/* Appends text of a peer to a log line: printable ASCII stays; `quote`, backslashes and everything
 * else is escaped as \xNN, so that a line is one line and nothing in it looks like its own words.
 * Of more than `bytes_max` bytes the rest is cut and shown as "...". Thread class: free. */
void cfl_log_text_append(struct cfl_buf *line, const uint8_t *text, size_t len_bytes,
                         size_t bytes_max, char quote);
/* The same as a string of JSON (RFC 8259), in its quotes: UTF-8 stays, but for characters that
 * change how a terminal shows a line; a byte that is none is shown as the character of that number.
 */
void cfl_log_json_append(struct cfl_buf *line, const uint8_t *text, size_t len_bytes,
                         size_t bytes_max);

#endif /* CFL_FLIGHT_KIT_LOG_TEXT_H */
