/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for people, on standard error. What strangers can cause as often as they like is written
 * ten times in a second; of the others follow the number and the last one. The mutex is a leaf. */
#include "cli/system/message.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/system/clock.h"
#include "cli/system/utf8.h"

enum { MESSAGE_BYTES_MAX = 4096 };

static bool is_quiet; /* does not change once there are threads */
static atomic_bool is_nameless;

static void print_line(const char *message)
{
    struct cli_text line = CLI_TEXT_INIT;
    cli_text_append_string(&line, atomic_load(&is_nameless) ? "" : "cflight: ");
    cli_utf8_append_message(&line, cflight_bytes_from_text(message));
    cli_text_append_char(&line, '\n');
    if (!line.failed) {
        /* Nothing can be done when standard error is gone. */
        ssize_t ignored = write(STDERR_FILENO, line.data, line.len_bytes);
        (void)ignored;
    }
    cli_text_done(&line);
}

static CFLIGHT_PRINTF(1, 0) void print_format(const char *format, va_list arguments)
{
    char message[MESSAGE_BYTES_MAX];
    (void)vsnprintf(message, sizeof message, format, arguments);
    print_line(message);
}

void cli_message(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_format(format, arguments);
    va_end(arguments);
}

void cli_remark(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!is_quiet) {
        print_format(format, arguments);
    }
    va_end(arguments);
}

void cli_be_quiet(void)
{
    is_quiet = true;
}

bool cli_is_quiet(void)
{
    return is_quiet;
}

void cli_message_leave_name_out(void)
{
    atomic_store(&is_nameless, true);
}

/* Makes the text of an error; `what` alone without memory. */
static void make_text(struct cli_text *message, const char *what, const cflight_error *error)
{
    const char *operation = cflight_error_operation(error);
    const char *peer = cflight_error_peer(error);
    const char *detail = cflight_error_detail(error);
    cli_text_append_format(message, "%s: %s: %s", what,
                           cflight_status_name(cflight_error_status(error)),
                           cflight_error_message(error));
    if (detail[0] != '\0') {
        cli_text_append_format(message, ". Detail: %s", detail);
    }
    if (operation[0] != '\0' || peer[0] != '\0') {
        cli_text_append_format(message, " (%s%s%s)", operation,
                               operation[0] != '\0' && peer[0] != '\0' ? " at " : "", peer);
    }
    if (message->failed) {
        cli_text_clear(message);
        cli_text_append_string(message, what);
    }
}

void cli_message_error(const char *what, const cflight_error *error)
{
    struct cli_text message = CLI_TEXT_INIT;
    make_text(&message, what, error);
    print_line(message.failed ? what : cli_text_terminated(&message));
    cli_text_done(&message);
}

/* ---- what strangers cause ---- */

enum { LINES_MAX = 10 /* in a second */, LAST_BYTES_MAX = 512 };

static pthread_mutex_t limit_mutex = PTHREAD_MUTEX_INITIALIZER;
static int64_t second_ends_ns;    /* locked, as are the others */
static unsigned line_count;       /* of this second */
static uint64_t left_out_count;   /* after those */
static char last[LAST_BYTES_MAX]; /* of what was left out */

/* Takes what is to be told; 0 for nothing. */
static uint64_t take_left_out_locked(char *ret_last)
{
    uint64_t count = left_out_count;
    left_out_count = 0;
    memcpy(ret_last, last, sizeof last);
    return count;
}

static void tell_left_out(uint64_t count, const char *text)
{
    if (count > 0) {
        cli_message("%" PRIu64 " lines were left out, the last of them: %s", count, text);
    }
}

void cli_message_error_limited(const char *what, const cflight_error *error)
{
    char text[LAST_BYTES_MAX];
    uint64_t count = 0;
    struct cli_text message = CLI_TEXT_INIT;
    make_text(&message, what, error);
    (void)pthread_mutex_lock(&limit_mutex);
    int64_t now_ns = cli_now_ns();
    if (now_ns >= second_ends_ns) {
        count = take_left_out_locked(text);
        second_ends_ns = now_ns + INT64_C(1000) * CLI_NS_PER_MS;
        line_count = 0;
    }
    bool is_written = line_count < LINES_MAX;
    line_count += is_written ? 1 : 0;
    if (!is_written) {
        left_out_count++;
        (void)snprintf(last, sizeof last, "%s", cli_text_terminated(&message));
    }
    (void)pthread_mutex_unlock(&limit_mutex);
    tell_left_out(count, text);
    if (is_written) {
        print_line(message.failed ? what : cli_text_terminated(&message));
    }
    cli_text_done(&message);
}

void cli_message_left_out(void)
{
    char text[LAST_BYTES_MAX];
    (void)pthread_mutex_lock(&limit_mutex);
    uint64_t count = take_left_out_locked(text);
    (void)pthread_mutex_unlock(&limit_mutex);
    tell_left_out(count, text);
}
