/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_TEXT_H
#define CFLIGHT_CLI_SYSTEM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cflight/bytes.h"
#include "cflight/error.h"

/* A text that grows. Running out of memory, or of what it
 * may hold, is remembered in `failed` and everything appended later
 * is dropped, so that a chain of appends is checked once, at its end, with cli_text_status().
 * Thread class: one at a time. */
struct cli_text {
    char *data;
    size_t len_bytes;
    size_t capacity_bytes;
    bool failed;
    size_t limit_bytes; /* the most it may hold; 0 for no limit */
    bool is_full;       /* failed for that */
};

#define CLI_TEXT_INIT \
    {                 \
        0             \
    }

/* Makes room for `more_bytes` more bytes; false (and `failed`) when there is no memory. */
bool cli_text_reserve(struct cli_text *text, size_t more_bytes);

void cli_text_append(struct cli_text *text, const void *bytes, size_t len_bytes);
void cli_text_append_string(struct cli_text *text, const char *string);
void cli_text_append_char(struct cli_text *text, char character);
void cli_text_append_repeated(struct cli_text *text, char character, size_t count);
void cli_text_append_format(struct cli_text *text, const char *format, ...) CFLIGHT_PRINTF(2, 3);

/* Forgets the content and a failure, keeps the memory. */
void cli_text_clear(struct cli_text *text);
/* Drops everything after `len_bytes` bytes. */
void cli_text_truncate(struct cli_text *text, size_t len_bytes);

/* The content, terminated; "" after a failure. Valid until the text changes. */
const char *cli_text_terminated(struct cli_text *text);
struct cflight_bytes cli_text_bytes(const struct cli_text *text);

/* CFLIGHT_OK, or CFLIGHT_RESOURCE_EXHAUSTED when an append failed. */
cflight_status cli_text_status(const struct cli_text *text, cflight_error **reterr);

/* Hands the content out, terminated, to be freed by the caller; the text is done in any case. */
cflight_status cli_text_take(struct cli_text *text, char **ret_string, cflight_error **reterr);

void cli_text_done(struct cli_text *text);
/* As cli_text_done(), for a secret: its memory is overwritten first. */
void cli_text_wipe(struct cli_text *text);

#endif /* CFLIGHT_CLI_SYSTEM_TEXT_H */
