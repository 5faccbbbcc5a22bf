/* SPDX-License-Identifier: Apache-2.0 */
/* Spans of calls, as middleware of both sides: ids from what the other end sent, or new ones, and
 * the application's hooks around the call. An instance belongs to its call. Thread class: free. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "cflight/trace.h"

#define KEY "cflight.trace"
#define FLIGHT_SERVICE "arrow.flight.protocol.FlightService"

enum { NAME_BYTES_MAX = 64, ADDRESS_BYTES = 64 };

/* One call. */
struct instance {
    const struct cflight_tracer *tracer;
    struct cflight_trace_span span;
    void *user_instance;
    char *service;             /* a copy, of other services than Flight; else NULL */
    char name[NAME_BYTES_MAX]; /* at a client */
    char traceparent[CFLIGHT_TRACEPARENT_BYTES + 1];
};

/* "package.Service/Method" in parts; `name` lives as long as the instance. */
static bool set_name(struct instance *instance, const char *name)
{
    struct cflight_trace_span *span = &instance->span;
    const char *slash = strchr(name, '/');
    size_t service_bytes = slash == NULL ? 0 : (size_t)(slash - name);
    span->name = name;
    span->rpc_method = slash == NULL ? name : slash + 1;
    span->rpc_service = FLIGHT_SERVICE;
    if (service_bytes != sizeof FLIGHT_SERVICE - 1 ||
        memcmp(name, FLIGHT_SERVICE, service_bytes) != 0) {
        instance->service = cfl_strndup(NULL, name, service_bytes);
        span->rpc_service = instance->service;
    }
    return span->rpc_service != NULL;
}

static bool is_set(const struct cflight_trace *trace)
{
    static const uint8_t ZERO[sizeof trace->trace_id];
    return memcmp(trace->trace_id, ZERO, sizeof ZERO) != 0;
}

static struct instance *instance_new(const struct cflight_tracer *tracer, cflight_error **reterr)
{
    struct instance *instance = cfl_alloc_zeroed(NULL, sizeof *instance);
    if (instance == NULL) {
        (void)cfl_error_no_memory(reterr);
        return NULL;
    }
    instance->tracer = tracer;
    return instance;
}

static void instance_free(struct instance *instance)
{
    cfl_strfree(NULL, instance->service);
    cfl_free(NULL, instance, sizeof *instance);
}

static void start(struct instance *instance)
{
    const struct cflight_tracer *tracer = instance->tracer;
    if (tracer->start != NULL) {
        tracer->start(tracer->user_data, &instance->span, &instance->user_instance);
    }
}

static void call_completed(void *user_data, void *user_instance,
                           const struct cflight_call_summary *summary)
{
    struct instance *instance = user_instance;
    const struct cflight_tracer *tracer = instance->tracer;
    (void)user_data;
    if (tracer->end != NULL) {
        tracer->end(tracer->user_data, instance->user_instance, &instance->span, summary);
    }
    instance_free(instance);
}

/* ---- server ---- */

static cflight_status start_served(void *user_data, cflight_server_context *context,
                                   enum cflight_method method, void **ret_instance,
                                   cflight_error **reterr)
{
    struct instance *instance = instance_new(user_data, reterr);
    (void)method;
    if (instance == NULL) {
        return CFLIGHT_RESOURCE_EXHAUSTED;
    }
    struct cflight_trace_span *span = &instance->span;
    span->peer = cflight_server_context_peer(context);
    span->is_server = true;
    span->has_parent = cflight_trace_of(context, &span->parent);
    cflight_status status = CFLIGHT_OK;
    if (!set_name(instance, cflight_server_context_path(context) + 1)) {
        status = cfl_error_no_memory(reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cflight_trace_child(span->has_parent ? &span->parent : NULL, &span->trace, reterr);
    }
    if (status != CFLIGHT_OK) {
        instance_free(instance);
        return status;
    }
    start(instance);
    *ret_instance = instance;
    return CFLIGHT_OK;
}

void cflight_tracer_server_middleware(const struct cflight_tracer *tracer,
                                      struct cflight_server_middleware *ret_table)
{
    struct cflight_server_middleware table = CFLIGHT_SERVER_MIDDLEWARE_INIT;
    table.key = KEY;
    table.user_data = (void *)(uintptr_t)tracer;
    table.start_call = start_served;
    table.call_completed = call_completed;
    *ret_table = table;
}

bool cflight_trace_current(const cflight_server_context *context, struct cflight_trace *ret_trace)
{
    const struct instance *instance = cflight_server_context_middleware(context, KEY);
    if (instance == NULL) {
        return false;
    }
    *ret_trace = instance->span.trace;
    return true;
}

/* ---- client ---- */

static cflight_status start_sent(void *user_data, enum cflight_method method, void **ret_instance,
                                 cflight_error **reterr)
{
    struct instance *instance = instance_new(user_data, reterr);
    if (instance == NULL) {
        return CFLIGHT_RESOURCE_EXHAUSTED;
    }
    struct cflight_trace_span *span = &instance->span;
    (void)snprintf(instance->name, sizeof instance->name, FLIGHT_SERVICE "/%s",
                   cflight_method_name(method));
    (void)set_name(instance, instance->name); /* of Flight: cannot fail */
    start(instance);
    cflight_status status = CFLIGHT_OK;
    if (!is_set(&span->trace)) {
        status = cflight_trace_child(span->has_parent ? &span->parent : NULL, &span->trace, reterr);
    }
    if (status != CFLIGHT_OK) {
        const struct cflight_call_summary summary = {.method = method, .status = status};
        call_completed(user_data, instance, &summary);
        return status;
    }
    *ret_instance = instance;
    return CFLIGHT_OK;
}

static void sending_headers(void *user_data, void *user_instance, cflight_header_sink *headers)
{
    struct instance *instance = user_instance;
    struct cflight_header fields[2];
    (void)user_data;
    size_t count = cflight_trace_headers(&instance->span.trace, instance->traceparent, fields);
    for (size_t i = 0; i < count; i++) {
        /* A state that is no text of a header is left out. */
        (void)cflight_header_sink_add(headers, fields[i].name, fields[i].value, NULL);
    }
}

void cflight_tracer_client_middleware(const struct cflight_tracer *tracer,
                                      struct cflight_client_middleware *ret_table)
{
    struct cflight_client_middleware table = CFLIGHT_CLIENT_MIDDLEWARE_INIT;
    table.user_data = (void *)(uintptr_t)tracer;
    table.start_call = start_sent;
    table.sending_headers = sending_headers;
    table.call_completed = call_completed;
    *ret_table = table;
}

/* ---- attributes ---- */

static void add_text(struct cflight_trace_attribute *attributes, size_t *count, const char *name,
                     const char *text)
{
    attributes[(*count)++] = (struct cflight_trace_attribute){.name = name, .text = text};
}

static void add_number(struct cflight_trace_attribute *attributes, size_t *count, const char *name,
                       int64_t number)
{
    attributes[(*count)++] = (struct cflight_trace_attribute){.name = name, .number = number};
}

/* "ipv4:127.0.0.1:41234", "ipv6:[::1]:41234"; of a Unix socket there is nothing to tell. */
static void add_peer(const struct cflight_trace_span *span, char address[ADDRESS_BYTES],
                     struct cflight_trace_attribute *attributes, size_t *count)
{
    const char *host = span->peer == NULL ? NULL : strchr(span->peer, ':');
    const char *port = span->peer == NULL ? NULL : strrchr(span->peer, ':');
    if (host == port) {
        return;
    }
    host++;
    size_t host_bytes = (size_t)(port - host);
    if (host[0] == '[' && host_bytes > 1) {
        host++;
        host_bytes -= 2;
    }
    host_bytes = host_bytes < ADDRESS_BYTES ? host_bytes : ADDRESS_BYTES - 1;
    memcpy(address, host, host_bytes);
    address[host_bytes] = '\0';
    add_text(attributes, count, "network.peer.address", address);
    add_number(attributes, count, "network.peer.port", strtol(port + 1, NULL, 10));
}

size_t cflight_trace_attributes(
    const struct cflight_trace_span *span, const struct cflight_call_summary *summary,
    enum cflight_trace_convention convention, char address[64],
    struct cflight_trace_attribute ret_attributes[CFLIGHT_TRACE_ATTRIBUTES_MAX])
{
    size_t count = 0;
    bool is_new = convention == CFLIGHT_TRACE_RPC_1_39;
    add_text(ret_attributes, &count, is_new ? "rpc.system.name" : "rpc.system", "grpc");
    if (!is_new) {
        add_text(ret_attributes, &count, "rpc.service", span->rpc_service);
    }
    add_text(ret_attributes, &count, "rpc.method", is_new ? span->name : span->rpc_method);
    add_peer(span, address, ret_attributes, &count);
    if (summary != NULL && is_new) {
        add_text(ret_attributes, &count, "rpc.response.status_code",
                 cflight_status_name(summary->status));
    } else if (summary != NULL) {
        add_number(ret_attributes, &count, "rpc.grpc.status_code", (int64_t)summary->status);
    }
    return count;
}
