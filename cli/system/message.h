/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFLIGHT_CLI_SYSTEM_MESSAGE_H
#define CFLIGHT_CLI_SYSTEM_MESSAGE_H

#include <stdbool.h>

#include "cflight/error.h"
#include "cli/system/text.h"

/* Messages on standard error: one line each, "cflight: ...", in one write, with control characters
 * escaped. Thread class: free. */
void cli_message(const char *format, ...) CFLIGHT_PRINTF(1, 2);

/* The same of what the user need not know: nothing once cli_be_quiet() was called, which is done
 * before threads start. */
void cli_remark(const char *format, ...) CFLIGHT_PRINTF(1, 2);
void cli_be_quiet(void);
bool cli_is_quiet(void);
/* ---- the log of a server ----
 *
 * Once it is on, every message is a line of it: "TIME LEVEL cflight: TEXT", or a JSON object. What
 * is above is NOTICE then, errors are ERROR, and those that strangers cause WARN. */
enum cli_log_level { CLI_LOG_ERROR, CLI_LOG_WARN, CLI_LOG_NOTICE, CLI_LOG_INFO, CLI_LOG_DEBUG };
/* Lines of `level` and those before it are written from now on, by a thread of their own: nobody
 * waits for who reads them, and what is too much for him is left out. Before there are other
 * threads. */
cflight_status cli_log_start(enum cli_log_level level, bool as_json, cflight_error **reterr);
/* Writes what is left; others are written at once again. After the other threads. */
void cli_log_stop(void);
/* Writes a line of another log to standard error, in order with the messages. A line end is added.
 */
void cli_log_line(struct cli_text *line);
void cli_log(enum cli_log_level level, const char *format, ...) CFLIGHT_PRINTF(2, 3);

/* From now on without "cflight: ": at a prompt nobody else speaks. */
void cli_message_leave_name_out(void);

/* "cflight: <what>: NOT_FOUND: no such flight (GetFlightInfo at ipv4:127.0.0.1:32010)". */
void cli_message_error(const char *what, const cflight_error *error);

/* The same of what is no fault of this program; in a log a warning. */
void cli_message_warning(const char *what, const cflight_error *error);

/* The same, for what strangers can cause as often as they like: in bounded number. */
void cli_message_error_limited(const char *what, const cflight_error *error);
/* Tells how many of those were left out, and how many lines as nobody read them; now and then and
 * at the end. Thread class: the main thread. */
void cli_message_left_out(void);

#endif /* CFLIGHT_CLI_SYSTEM_MESSAGE_H */
