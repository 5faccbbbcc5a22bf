/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler can ask and add. Thread class: one at a time, but is_cancelled, which is free. */
#include "flight/server/server_context.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"

enum cflight_method cflight_server_context_method(const cflight_server_context *context)
{
    return context->call->method->id;
}

const char *cflight_server_context_path(const cflight_server_context *context)
{
    return context->call->method->path;
}

static const struct cfl_peer *peer_of(const cflight_server_context *context)
{
    return cfl_transport_peer(context->call->connection->transport);
}

const char *cflight_server_context_peer(const cflight_server_context *context)
{
    return peer_of(context)->name;
}

struct cflight_bytes cflight_server_context_peer_identity(const cflight_server_context *context)
{
    if (context->identity != NULL) {
        return cflight_buffer_bytes(context->identity);
    }
    if (context->server->has_auth) {
        return cflight_bytes_make(NULL, 0);
    }
    return cflight_bytes_from_text(peer_of(context)->cert_identity);
}

const char *cflight_server_context_tls_subject(const cflight_server_context *context)
{
    return peer_of(context)->cert_subject;
}

size_t cflight_server_context_tls_sans(const cflight_server_context *context,
                                       const char *const **ret_sans)
{
    *ret_sans = peer_of(context)->cert_sans;
    return peer_of(context)->cert_san_count;
}

/* The request's headers do not change once a handler runs. */
static const struct cfl_metadata *request_headers(const cflight_server_context *context)
{
    return cfl_grpc_call_headers(context->call->locked.grpc);
}

size_t cflight_server_context_headers(const cflight_server_context *context,
                                      const struct cflight_header **ret_headers)
{
    *ret_headers = request_headers(context)->fields;
    return request_headers(context)->count;
}

struct cflight_bytes cflight_server_context_header(const cflight_server_context *context,
                                                   const char *name)
{
    struct cflight_bytes value = {NULL, 0};
    (void)cfl_metadata_get(request_headers(context), name, &value);
    return value;
}

int64_t cflight_server_context_remaining_ms(const cflight_server_context *context)
{
    int64_t deadline_ns = context->call->limits.deadline_ns;
    if (deadline_ns == CFL_TIME_NEVER) {
        return -1;
    }
    int64_t left_ns = deadline_ns - cfl_clock_now_ns(NULL);
    return left_ns < 0 ? 0 : left_ns / CFL_NS_PER_MS;
}

void cflight_server_context_set_subject(cflight_server_context *context,
                                        struct cflight_bytes subject)
{
    size_t len_bytes = subject.len_bytes;
    while (len_bytes > CFL_SUBJECT_BYTES_MAX || (len_bytes > 0 && len_bytes < subject.len_bytes &&
                                                 !cfl_utf8_is_start(subject.data[len_bytes]))) {
        len_bytes = len_bytes > CFL_SUBJECT_BYTES_MAX ? CFL_SUBJECT_BYTES_MAX : len_bytes - 1;
    }
    if (len_bytes > 0) {
        memcpy(context->subject, subject.data, len_bytes);
    }
    context->subject_bytes = len_bytes;
}

struct cflight_bytes cflight_server_context_subject(const cflight_server_context *context)
{
    return cflight_bytes_make(context->subject, context->subject_bytes);
}

bool cflight_server_context_is_cancelled(const cflight_server_context *context)
{
    return cfl_call_is_cancelled(context->call);
}

cflight_status cflight_server_context_add_header(cflight_server_context *context,
                                                 struct cflight_bytes name,
                                                 struct cflight_bytes value, cflight_error **reterr)
{
    cfl_connection_lock(context->call->connection);
    bool are_sent = context->call->locked.headers_are_sent;
    cfl_connection_unlock(context->call->connection);
    if (are_sent) {
        return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                                 "the header '%.*s' comes too late: the response has begun",
                                 (int)name.len_bytes, (const char *)name.data);
    }
    return cfl_metadata_add(&context->headers, name, value, reterr);
}

cflight_status cflight_server_context_add_trailer(cflight_server_context *context,
                                                  struct cflight_bytes name,
                                                  struct cflight_bytes value,
                                                  cflight_error **reterr)
{
    return cfl_metadata_add(&context->trailers, name, value, reterr);
}

/* Index of the middleware with this key; how many there are when there is none. */
static size_t find_middleware(const struct cflight_server *server, const char *key)
{
    size_t index = 0;
    while (index < server->middleware_count &&
           (key == NULL || server->middleware[index].key == NULL ||
            strcmp(server->middleware[index].key, key) != 0)) {
        index++;
    }
    return index;
}

/* A call of an open method has no instances. */
void *cflight_server_context_middleware(const cflight_server_context *context, const char *key)
{
    size_t index = find_middleware(context->server, key);
    bool is_known = index < context->server->middleware_count;
    return is_known && context->instances != NULL ? context->instances[index] : NULL;
}

bool cflight_server_context_has_middleware(const cflight_server_context *context, const char *key)
{
    return find_middleware(context->server, key) < context->server->middleware_count;
}

void cfl_server_context_done(cflight_server_context *context)
{
    struct cflight_server *server = context->server;
    cfl_free_array(server->alloc, context->instances, server->middleware_count,
                   sizeof *context->instances);
    context->instances = NULL;
    cflight_buffer_unref(context->identity);
    context->identity = NULL;
    cfl_metadata_done(&context->trailers);
    cfl_metadata_done(&context->headers);
}
