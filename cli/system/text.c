/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that grow. Invariant: `capacity_bytes` leaves room for a terminator once anything was
 * appended. */
#include "cli/system/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/system/memory.h"

bool cli_text_reserve(struct cli_text *text, size_t more_bytes)
{
    size_t needed_bytes = 0;
    if (text->failed || __builtin_add_overflow(text->len_bytes, more_bytes, &needed_bytes) ||
        __builtin_add_overflow(needed_bytes, (size_t)1, &needed_bytes)) {
        text->failed = true;
        return false;
    }
    if (text->limit_bytes != 0 && needed_bytes > text->limit_bytes) {
        text->failed = true;
        text->is_full = true;
        return false;
    }
    void *memory = text->data;
    if (!cli_grow_array(&memory, &text->capacity_bytes, needed_bytes, 1)) {
        text->failed = true;
        return false;
    }
    text->data = memory;
    return true;
}

void cli_text_append(struct cli_text *text, const void *bytes, size_t len_bytes)
{
    if (len_bytes == 0 || !cli_text_reserve(text, len_bytes)) {
        return;
    }
    memcpy(text->data + text->len_bytes, bytes, len_bytes);
    text->len_bytes += len_bytes;
}

void cli_text_append_string(struct cli_text *text, const char *string)
{
    cli_text_append(text, string, strlen(string));
}

void cli_text_append_char(struct cli_text *text, char character)
{
    if (cli_text_reserve(text, 1)) {
        text->data[text->len_bytes++] = character;
    }
}

void cli_text_append_repeated(struct cli_text *text, char character, size_t count)
{
    if (count > 0 && cli_text_reserve(text, count)) {
        memset(text->data + text->len_bytes, character, count);
        text->len_bytes += count;
    }
}

void cli_text_append_format(struct cli_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int needed = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (needed < 0 || !cli_text_reserve(text, (size_t)needed)) {
        text->failed = true;
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text->data + text->len_bytes, (size_t)needed + 1, format, arguments);
    va_end(arguments);
    text->len_bytes += (size_t)needed;
}

void cli_text_clear(struct cli_text *text)
{
    text->len_bytes = 0;
    text->failed = false;
    text->is_full = false;
}

void cli_text_truncate(struct cli_text *text, size_t len_bytes)
{
    if (len_bytes < text->len_bytes) {
        text->len_bytes = len_bytes;
    }
}

const char *cli_text_terminated(struct cli_text *text)
{
    if (text->failed || !cli_text_reserve(text, 0)) {
        return "";
    }
    text->data[text->len_bytes] = '\0';
    return text->data;
}

struct cflight_bytes cli_text_bytes(const struct cli_text *text)
{
    return cflight_bytes_make(text->data, text->len_bytes);
}

cflight_status cli_text_status(const struct cli_text *text, cflight_error **reterr)
{
    if (text->is_full) {
        return cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                 "a row takes more than %zu bytes of text, far more than its data",
                                 text->limit_bytes);
    }
    if (text->failed) {
        return cflight_error_set_message(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                         "out of memory while making text");
    }
    return CFLIGHT_OK;
}

cflight_status cli_text_take(struct cli_text *text, char **ret_string, cflight_error **reterr)
{
    (void)cli_text_terminated(text);
    cflight_status status = cli_text_status(text, reterr);
    if (status == CFLIGHT_OK) {
        *ret_string = text->data;
        text->data = NULL;
    }
    cli_text_done(text);
    return status;
}

void cli_text_wipe(struct cli_text *text)
{
    if (text->data != NULL) {
        explicit_bzero(text->data, text->capacity_bytes);
    }
    cli_text_done(text);
}

void cli_text_done(struct cli_text *text)
{
    free(text->data);
    memset(text, 0, sizeof *text);
}
