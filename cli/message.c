/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for people, on standard error. */
#include "cli/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/utf8.h"

enum { MESSAGE_BYTES_MAX = 4096 };

static void print_line(const char *message)
{
    struct cli_text line = CLI_TEXT_INIT;
    cli_text_append_string(&line, "cflight: ");
    cli_text_append_message(&line, cflight_bytes_from_text(message));
    cli_text_append_char(&line, '\n');
    if (!line.failed) {
        /* Nothing can be done when standard error is gone. */
        ssize_t ignored = write(STDERR_FILENO, line.data, line.len_bytes);
        (void)ignored;
    }
    cli_text_done(&line);
}

void cli_message(const char *format, ...)
{
    char message[MESSAGE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    print_line(message);
}

void cli_message_error(const char *what, const cflight_error *error)
{
    const char *operation = cflight_error_operation(error);
    const char *peer = cflight_error_peer(error);
    const char *detail = cflight_error_detail(error);
    struct cli_text message = CLI_TEXT_INIT;
    cli_text_append_format(&message, "%s: %s: %s", what,
                           cflight_status_name(cflight_error_status(error)),
                           cflight_error_message(error));
    if (detail[0] != '\0') {
        cli_text_append_format(&message, ". Detail: %s", detail);
    }
    if (operation[0] != '\0' || peer[0] != '\0') {
        cli_text_append_format(&message, " (%s%s%s)", operation,
                               operation[0] != '\0' && peer[0] != '\0' ? " at " : "", peer);
    }
    print_line(message.failed ? what : cli_text_terminated(&message));
    cli_text_done(&message);
}
