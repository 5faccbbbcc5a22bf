/* SPDX-License-Identifier: Apache-2.0 */
/* The log of requests. What a line needs from the call is copied when the call begins; the line is
 * made when it is over. Names and messages come from clients and handlers, so they are escaped and
 * cut. A line that memory is missing for is lost. Thread class: free. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secrets.h"
#include "cflight/trace.h"
#include "flight/kit/log_text.h"

enum { PEER_BYTES_MAX = 128, USER_BYTES_MAX = 64, MESSAGE_BYTES_MAX = 512, PATH_BYTES_MAX = 128 };

/* One call. */
struct instance {
    char peer[PEER_BYTES_MAX];
    uint8_t user[USER_BYTES_MAX];
    size_t user_bytes;
    char trace_id[33];            /* "" when there is none */
    char service[PATH_BYTES_MAX]; /* the path of a method of another service; else "" */
};

static cflight_status start_call(void *user_data, cflight_server_context *context,
                                 enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    (void)user_data;
    struct instance *instance = cfl_alloc_zeroed(NULL, sizeof *instance);
    if (instance == NULL) {
        return cfl_error_no_memory(reterr);
    }
    struct cflight_trace trace;
    struct cflight_bytes user = cflight_server_context_peer_identity(context);
    (void)snprintf(instance->peer, sizeof instance->peer, "%s",
                   cflight_server_context_peer(context));
    instance->user_bytes = user.len_bytes < USER_BYTES_MAX ? user.len_bytes : USER_BYTES_MAX;
    if (instance->user_bytes > 0) {
        memcpy(instance->user, user.data, instance->user_bytes);
    }
    if (method == CFLIGHT_METHOD_SERVICE) {
        (void)snprintf(instance->service, sizeof instance->service, "%s",
                       cflight_server_context_path(context));
    }
    if (cflight_trace_of(context, &trace)) {
        cfl_hex_write(trace.trace_id, sizeof trace.trace_id, instance->trace_id);
    }
    *ret_instance = instance;
    return CFLIGHT_OK;
}

static void append_line(struct cfl_buf *line, const struct instance *instance,
                        const struct cflight_call_summary *summary)
{
    (void)cfl_buf_append_format(
        line,
        "%s %s %s %" PRId64 ".%03" PRId64 " ms, sent %" PRIu64 " messages %" PRIu64
        " bytes, received %" PRIu64 " messages %" PRIu64 " bytes",
        instance->service[0] != '\0' ? instance->service : cflight_method_name(summary->method),
        instance->peer, cflight_status_name(summary->status), summary->duration_ns / CFL_NS_PER_MS,
        summary->duration_ns % CFL_NS_PER_MS / 1000, summary->messages_sent, summary->bytes_sent,
        summary->messages_received, summary->bytes_received);
    if (instance->user_bytes > 0) {
        (void)cfl_buf_append_text(line, ", user '");
        cfl_log_text_append(line, instance->user, instance->user_bytes, USER_BYTES_MAX, '\'');
        (void)cfl_buf_append_text(line, "'");
    }
    if (instance->trace_id[0] != '\0') {
        (void)cfl_buf_append_format(line, ", trace %s", instance->trace_id);
    }
    if (summary->status != CFLIGHT_OK) {
        const char *message = cflight_error_message(summary->error);
        (void)cfl_buf_append_text(line, ": ");
        cfl_log_text_append(line, (const uint8_t *)message, strlen(message), MESSAGE_BYTES_MAX,
                            '\0');
    }
    (void)cfl_buf_append_u8(line, '\0');
}

static void call_completed(void *user_data, void *instance,
                           const struct cflight_call_summary *summary)
{
    const struct cflight_request_log *log = user_data;
    struct cfl_buf line;
    cfl_buf_init(&line, NULL);
    if (log->write != NULL || cfl_log_wants(CFLIGHT_LOG_INFO)) {
        append_line(&line, instance, summary);
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
