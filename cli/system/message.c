/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for people, on standard error, and the log of a server. What strangers can cause as
 * often as they like is written ten times in a second; of the others follow the number and the last
 * one. The mutex is a leaf.
 *
 * Lines of a server go through a queue of the library: who calls must not wait until somebody reads
 * standard error, and neither must a signal that ends the server. */
#include "cli/system/message.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cflight/trace.h"
#include "cli/system/clock.h"
#include "cli/system/utf8.h"

enum { MESSAGE_BYTES_MAX = 4096 };

static bool is_quiet; /* does not change once there are threads, as the next */
static struct {
    bool is_on;
    bool as_json;
    enum cli_log_level level;
    cflight_log_file *queue; /* NULL: lines are written at once */
    uint64_t told_count;     /* of lines that it left out; the main thread's */
} server_log = {.level = CLI_LOG_NOTICE};
static atomic_bool is_nameless;

static const char *const level_names[] = {[CLI_LOG_ERROR] = "error",
                                          [CLI_LOG_WARN] = "warn",
                                          [CLI_LOG_NOTICE] = "notice",
                                          [CLI_LOG_INFO] = "info",
                                          [CLI_LOG_DEBUG] = "debug"};

/* What has no control characters, in quotes of JSON. */
static void append_quoted(struct cli_text *line, const char *message)
{
    struct cli_text harmless = CLI_TEXT_INIT;
    cli_utf8_append_message(&harmless, cflight_bytes_from_text(message));
    cli_text_append_char(line, '"');
    for (size_t i = 0; i < harmless.len_bytes; i++) {
        if (harmless.data[i] == '"' || harmless.data[i] == '\\') {
            cli_text_append_char(line, '\\');
        }
        cli_text_append_char(line, harmless.data[i]);
    }
    cli_text_append_char(line, '"');
    line->failed = line->failed || harmless.failed;
    cli_text_done(&harmless);
}

static void append_line(struct cli_text *line, enum cli_log_level level, const char *message)
{
    if (server_log.is_on && server_log.as_json) {
        cli_text_append_string(line, "{\"time\":\"");
        cli_append_time(line);
        cli_text_append_format(line, "\",\"level\":\"%s\",\"message\":", level_names[level]);
        append_quoted(line, message);
        cli_text_append_char(line, '}');
    } else {
        if (server_log.is_on) {
            cli_append_time(line);
            cli_text_append_format(line, " %s ", level_names[level]);
        }
        cli_text_append_string(line, atomic_load(&is_nameless) ? "" : "cflight: ");
        cli_utf8_append_message(line, cflight_bytes_from_text(message));
    }
}

void cli_log_line(struct cli_text *line)
{
    if (server_log.queue != NULL) {
        if (!line->failed) {
            cflight_log_file_write(server_log.queue, cli_text_terminated(line));
        }
        return;
    }
    cli_text_append_char(line, '\n');
    if (!line->failed) {
        /* Nothing can be done when standard error is gone. */
        ssize_t ignored = write(STDERR_FILENO, line->data, line->len_bytes);
        (void)ignored;
    }
}

static void print_line(enum cli_log_level level, const char *message)
{
    struct cli_text line = CLI_TEXT_INIT;
    if (level > server_log.level) {
        return;
    }
    append_line(&line, level, message);
    cli_log_line(&line);
    cli_text_done(&line);
}

static CFLIGHT_PRINTF(2, 0) void print_format(enum cli_log_level level, const char *format,
                                              va_list arguments)
{
    char message[MESSAGE_BYTES_MAX];
    (void)vsnprintf(message, sizeof message, format, arguments);
    print_line(level, message);
}

void cli_log(enum cli_log_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_format(level, format, arguments);
    va_end(arguments);
}

cflight_status cli_log_start(enum cli_log_level level, bool as_json, cflight_error **reterr)
{
    server_log.is_on = true;
    server_log.as_json = as_json;
    server_log.level = level;
    return cflight_log_file_new_fd(STDERR_FILENO, &server_log.queue, reterr);
}

/* Lines that nobody was there to read. If this one is too much as well it comes another time. */
static void tell_unread(uint64_t lost_count)
{
    if (lost_count > server_log.told_count) {
        uint64_t before_count = cflight_log_file_lost(server_log.queue);
        cli_log(CLI_LOG_WARN,
                "%" PRIu64 " lines have been left out so far, as standard error was not read",
                lost_count);
        if (cflight_log_file_lost(server_log.queue) == before_count) {
            server_log.told_count = lost_count;
        }
    }
}

void cli_log_stop(void)
{
    if (server_log.queue == NULL) {
        return;
    }
    uint64_t lost_count = cflight_log_file_lost(server_log.queue);
    cflight_log_file_free(server_log.queue);
    server_log.queue = NULL;
    if (lost_count > server_log.told_count &&
        cflight_log_file_new_fd(STDERR_FILENO, &server_log.queue, NULL) == CFLIGHT_OK) {
        tell_unread(lost_count); /* there is room now, or never will be */
        cflight_log_file_free(server_log.queue);
        server_log.queue = NULL;
    }
}

void cli_message(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_format(CLI_LOG_NOTICE, format, arguments);
    va_end(arguments);
}

void cli_remark(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!is_quiet) {
        print_format(CLI_LOG_NOTICE, format, arguments);
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

static void print_error(enum cli_log_level level, const char *what, const cflight_error *error)
{
    struct cli_text message = CLI_TEXT_INIT;
    make_text(&message, what, error);
    print_line(level, message.failed ? what : cli_text_terminated(&message));
    cli_text_done(&message);
}

void cli_message_error(const char *what, const cflight_error *error)
{
    print_error(CLI_LOG_ERROR, what, error);
}

void cli_message_warning(const char *what, const cflight_error *error)
{
    print_error(CLI_LOG_WARN, what, error);
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
        cli_log(CLI_LOG_WARN, "%" PRIu64 " lines were left out, the last of them: %s", count, text);
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
        print_line(CLI_LOG_WARN, message.failed ? what : cli_text_terminated(&message));
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
    if (server_log.queue != NULL) {
        tell_unread(cflight_log_file_lost(server_log.queue));
    }
}
