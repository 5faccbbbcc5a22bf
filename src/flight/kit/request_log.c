/* SPDX-License-Identifier: Apache-2.0 */
/* The log of requests. A line is made when its call is over. Names and messages come from clients
 * and handlers, so they are escaped and cut. A line that memory is missing for is lost. Thread
 * class: free. */
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secrets.h"
#include "cflight/bearer_auth.h"
#include "cflight/trace.h"
#include "flight/kit/log_text.h"

enum { NAME_BYTES_MAX = 128, MESSAGE_BYTES_MAX = 512, LINE_BYTES = 512 /* of most */ };

/* One call. */
struct instance {
    const cflight_server_context *context; /* whose call is not over before this is */
    char trace_id[33];                     /* "" when there is none */
};

static cflight_status start_call(void *user_data, cflight_server_context *context,
                                 enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    (void)user_data;
    (void)method;
    struct instance *instance = cfl_alloc_zeroed(NULL, sizeof *instance);
    if (instance == NULL) {
        return cfl_error_no_memory(reterr);
    }
    struct cflight_trace trace;
    instance->context = context;
    if (cflight_trace_current(context, &trace) || cflight_trace_of(context, &trace)) {
        cfl_hex_write(trace.trace_id, sizeof trace.trace_id, instance->trace_id);
    }
    *ret_instance = instance;
    return CFLIGHT_OK;
}

static const char *name_of(const struct instance *instance,
                           const struct cflight_call_summary *summary)
{
    return summary->method == CFLIGHT_METHOD_SERVICE
               ? cflight_server_context_path(instance->context)
               : cflight_method_name(summary->method);
}

/* Middleware that comes later may have named the caller. */
static struct cflight_bytes user_of(const struct instance *instance)
{
    struct cflight_bytes user = cflight_server_context_peer_identity(instance->context);
    return user.len_bytes > 0 ? user : cflight_bearer_auth_identity(instance->context);
}

/* ---- numbers, which printf(3) is slow at ---- */

/* With zeros in front, to so many digits. */
static void append_digits(struct cfl_buf *line, uint64_t number, size_t least)
{
    char digits[20];
    size_t count = 0;
    while (number > 0 || count < least) {
        digits[sizeof digits - ++count] = (char)('0' + number % 10);
        number /= 10;
    }
    (void)cfl_buf_append(line, digits + sizeof digits - count, count);
}

/* A word, and a number. */
static void append_count(struct cfl_buf *line, const char *word, uint64_t number)
{
    (void)cfl_buf_append_text(line, word);
    append_digits(line, number, 1);
}

static void append_ms(struct cfl_buf *line, int64_t duration_ns)
{
    uint64_t us = duration_ns < 0 ? 0 : (uint64_t)duration_ns / 1000;
    append_digits(line, us / 1000, 1);
    (void)cfl_buf_append_u8(line, '.');
    append_digits(line, us % 1000, 3);
}

/* ---- lines for people ---- */

static void append_name(struct cfl_buf *line, const char *word, struct cflight_bytes name)
{
    if (name.len_bytes > 0) {
        (void)cfl_buf_append_format(line, ", %s '", word);
        cfl_log_text_append(line, name.data, name.len_bytes, NAME_BYTES_MAX, '\'');
        (void)cfl_buf_append_u8(line, '\'');
    }
}

static void append_line(struct cfl_buf *line, const struct instance *instance,
                        const struct cflight_call_summary *summary)
{
    (void)cfl_buf_append_text(line, name_of(instance, summary));
    (void)cfl_buf_append_u8(line, ' ');
    (void)cfl_buf_append_text(line, cflight_server_context_peer(instance->context));
    (void)cfl_buf_append_u8(line, ' ');
    (void)cfl_buf_append_text(line, cflight_status_name(summary->status));
    (void)cfl_buf_append_u8(line, ' ');
    append_ms(line, summary->duration_ns);
    append_count(line, " ms, sent ", summary->messages_sent);
    append_count(line, " messages ", summary->bytes_sent);
    append_count(line, " bytes, received ", summary->messages_received);
    append_count(line, " messages ", summary->bytes_received);
    (void)cfl_buf_append_text(line, " bytes");
    append_name(line, "about", cflight_server_context_subject(instance->context));
    append_name(line, "user", user_of(instance));
    if (instance->trace_id[0] != '\0') {
        (void)cfl_buf_append_format(line, ", trace %s", instance->trace_id);
    }
    if (summary->status != CFLIGHT_OK) {
        const char *message = cflight_error_message(summary->error);
        (void)cfl_buf_append_text(line, ": ");
        cfl_log_text_append(line, (const uint8_t *)message, strlen(message), MESSAGE_BYTES_MAX,
                            '\0');
    }
}

/* ---- lines for programs ---- */

/* Years, months and days from days, in the calendar of today (the shifted year begins in March). */
static void append_date(struct cfl_buf *line, uint64_t unix_days)
{
    uint64_t days = unix_days + 719468;
    uint64_t era = days / 146097;
    uint64_t day_of_era = days % 146097;
    uint64_t year =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    uint64_t shifted = (5 * day_of_year + 2) / 153;
    uint64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    append_digits(line, year + era * 400 + (month <= 2 ? 1 : 0), 4);
    (void)cfl_buf_append_u8(line, '-');
    append_digits(line, month, 2);
    (void)cfl_buf_append_u8(line, '-');
    append_digits(line, day_of_year - (153 * shifted + 2) / 5 + 1, 2);
}

static void append_time(struct cfl_buf *line)
{
    int64_t wall_ns = cfl_clock_wall_ns();
    uint64_t now_us = wall_ns < 0 ? 0 : (uint64_t)wall_ns / 1000;
    uint64_t now_s = now_us / 1000000;
    (void)cfl_buf_append_text(line, "{\"time\":\"");
    append_date(line, now_s / 86400);
    (void)cfl_buf_append_u8(line, 'T');
    append_digits(line, now_s / 3600 % 24, 2);
    (void)cfl_buf_append_u8(line, ':');
    append_digits(line, now_s / 60 % 60, 2);
    (void)cfl_buf_append_u8(line, ':');
    append_digits(line, now_s % 60, 2);
    (void)cfl_buf_append_u8(line, '.');
    append_digits(line, now_us % 1000000, 6);
    (void)cfl_buf_append_text(line, "Z\"");
}

/* `key` is all that stands before the value. */
static void append_member(struct cfl_buf *line, const char *key, struct cflight_bytes value,
                          size_t bytes_max)
{
    if (value.len_bytes > 0) {
        (void)cfl_buf_append_text(line, key);
        cfl_log_json_append(line, value.data, value.len_bytes, bytes_max);
    }
}

/* Words of our own need no look at each letter. */
static void append_word(struct cfl_buf *line, const char *key, const char *word)
{
    (void)cfl_buf_append_text(line, key);
    (void)cfl_buf_append_u8(line, '"');
    (void)cfl_buf_append_text(line, word);
    (void)cfl_buf_append_u8(line, '"');
}

static void append_json(struct cfl_buf *line, const struct instance *instance,
                        const struct cflight_call_summary *summary)
{
    append_time(line);
    if (summary->method == CFLIGHT_METHOD_SERVICE) {
        append_member(line, ",\"method\":", cflight_bytes_from_text(name_of(instance, summary)),
                      NAME_BYTES_MAX);
    } else {
        append_word(line, ",\"method\":", name_of(instance, summary));
    }
    append_member(
        line, ",\"peer\":", cflight_bytes_from_text(cflight_server_context_peer(instance->context)),
        NAME_BYTES_MAX);
    append_word(line, ",\"status\":", cflight_status_name(summary->status));
    (void)cfl_buf_append_text(line, ",\"duration_ms\":");
    append_ms(line, summary->duration_ns);
    append_count(line, ",\"messages_sent\":", summary->messages_sent);
    append_count(line, ",\"bytes_sent\":", summary->bytes_sent);
    append_count(line, ",\"messages_received\":", summary->messages_received);
    append_count(line, ",\"bytes_received\":", summary->bytes_received);
    append_member(line, ",\"subject\":", cflight_server_context_subject(instance->context),
                  NAME_BYTES_MAX);
    append_member(line, ",\"user\":", user_of(instance), NAME_BYTES_MAX);
    if (instance->trace_id[0] != '\0') {
        append_word(line, ",\"trace_id\":", instance->trace_id);
    }
    if (summary->status != CFLIGHT_OK) {
        append_member(line,
                      ",\"error\":", cflight_bytes_from_text(cflight_error_message(summary->error)),
                      MESSAGE_BYTES_MAX);
    }
    (void)cfl_buf_append_u8(line, '}');
}

static void call_completed(void *user_data, void *instance,
                           const struct cflight_call_summary *summary)
{
    const struct cflight_request_log *log = user_data;
    struct cfl_buf line;
    cfl_buf_init(&line, NULL);
    if (log->write != NULL || cfl_log_wants(CFLIGHT_LOG_INFO)) {
        (void)cfl_buf_space(&line, LINE_BYTES);
        (log->as_json ? append_json : append_line)(&line, instance, summary);
        (void)cfl_buf_append_u8(&line, '\0');
    }
    if (!line.failed && line.len_bytes > 0) {
        if (log->write != NULL) {
            log->write(log->user_data, (const char *)line.data);
        } else {
            cfl_log_write(CFLIGHT_LOG_INFO, "flight", "%s", (const char *)line.data);
        }
    }
    cfl_buf_done(&line);
    cfl_free(NULL, instance, sizeof(struct instance));
}

void cflight_request_log_middleware(const struct cflight_request_log *log,
                                    struct cflight_server_middleware *ret_table)
{
    struct cflight_server_middleware table = CFLIGHT_SERVER_MIDDLEWARE_INIT;
    table.user_data = (void *)(uintptr_t)log;
    table.start_call = start_call;
    table.call_completed = call_completed;
    *ret_table = table;
}
