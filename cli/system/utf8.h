/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_UTF8_H
#define CFLIGHT_CLI_SYSTEM_UTF8_H

#include "cli/system/text.h"

#define CLI_UTF8_REPLACEMENT 0xFFFDu

/* Decodes the code point at `*offset` and moves past it. A byte that starts none gives
 * CLI_UTF8_REPLACEMENT, sets
 * `*ret_valid` false and moves one byte. The offset must be inside `bytes`. */
uint32_t cli_utf8_next(struct cflight_bytes bytes, size_t *offset, bool *ret_valid);

/* Tells whether the bytes are well-formed UTF-8 (Unicode 3.9, table 3-7: no surrogates, shortest
 * form). */
bool cli_utf8_is_valid(struct cflight_bytes bytes);

/* Moves past a character with all that is shown in its place (marks, skin tones, selectors).
 * @return its terminal columns. The offset must be inside `bytes`. */
size_t cli_utf8_next_cluster(struct cflight_bytes bytes, size_t *offset);
/* Terminal columns of a text that has no control characters. */
size_t cli_utf8_text_width(struct cflight_bytes bytes);

/* Appends text that is safe to show: control characters, line ends, tabs, backslashes and
 * characters that reorder or hide text become escapes (`\n`, `\x1b`, `\u202e`), bytes that are not
 * UTF-8 become `\xNN`. Peer texts reach a terminal through here only. */
void cli_utf8_append_visible(struct cli_text *text, struct cflight_bytes bytes);

/* The same for messages: backslashes stay, so that what was escaped before is not escaped twice. */
void cli_utf8_append_message(struct cli_text *text, struct cflight_bytes bytes);

/* The same for text of several lines: line feeds, tabs and backslashes stay. What is escaped in
 * JSON stays JSON. */
void cli_utf8_append_harmless(struct cli_text *text, struct cflight_bytes bytes);

/* Appends a code point as UTF-8. */
void cli_utf8_append(struct cli_text *text, uint32_t code_point);

#endif /* CFLIGHT_CLI_SYSTEM_UTF8_H */
