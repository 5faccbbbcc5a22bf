/* SPDX-License-Identifier: Apache-2.0 */
/* Methods of other gRPC services: their table, and calls that read and write whole messages.
 *
 * The design: docs/internals/services.md. The table is constant once the server runs; a call
 * belongs to its handler's thread. */
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/options.h"
#include "flight/server/server_call.h"

/* On the stack of whoever runs the handler. */
struct cflight_service_call {
    struct cfl_call *call;
    uint64_t read_count;
    uint64_t write_count;
};

/* ---- the table ---- */

/* "/package.Service/Method": two parts that are not empty. */
static bool is_path(const char *path)
{
    const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    return slash != NULL && slash > path + 1 && slash[1] != '\0' && strchr(slash + 1, '/') == NULL;
}

static cflight_status check_method(const struct cflight_server *server,
                                   const struct cflight_service_method *table,
                                   cflight_error **reterr)
{
    if (table->path == NULL || table->handler == NULL) {
        return cfl_error_null_argument(reterr, table->path == NULL ? "path" : "handler");
    }
    if (!is_path(table->path)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "'%s' is not the path of a method, /package.Service/Method",
                                 table->path);
    }
    if (cfl_method_by_path(table->path) != NULL ||
        cfl_server_find_service(server, table->path) != NULL) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the server has the method %s already", table->path);
    }
    return CFLIGHT_OK;
}

static cflight_status add_service(struct cflight_server *server,
                                  const struct cflight_service_method *table,
                                  cflight_error **reterr)
{
    cflight_status status = check_method(server, table, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    char *path = cfl_strndup(server->alloc, table->path, strlen(table->path));
    if (path == NULL) {
        return cfl_error_no_memory(reterr);
    }
    struct cfl_server_service *service = &server->services[server->service_count++];
    service->table = *table;
    service->table.path = path;
    service->method = (struct cfl_method){
        .id = CFLIGHT_METHOD_SERVICE,
        .name = path + 1,
        .path = path,
        .client_streams = table->client_streams,
        .server_streams = table->server_streams,
    };
    return CFLIGHT_OK;
}

cflight_status cfl_server_load_services(struct cflight_server *server, cflight_error **reterr)
{
    size_t count = server->options.service_method_count;
    void *tables = NULL;
    cflight_status status = cfl_options_load_array(server->alloc, server->options.service_methods,
                                                   count, sizeof(struct cflight_service_method),
                                                   "service_methods", &tables, reterr);
    if (status != CFLIGHT_OK || count == 0) {
        return status;
    }
    server->services = cfl_alloc_array(server->alloc, count, sizeof *server->services);
    if (server->services == NULL) {
        status = cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < count && status == CFLIGHT_OK; i++) {
        status = add_service(server, &((struct cflight_service_method *)tables)[i], reterr);
    }
    cfl_free_array(server->alloc, tables, count, sizeof(struct cflight_service_method));
    return status;
}

void cfl_server_free_services(struct cflight_server *server)
{
    for (size_t i = 0; i < server->service_count; i++) {
        cfl_strfree(server->alloc, (char *)(uintptr_t)server->services[i].method.path);
    }
    cfl_free_array(server->alloc, server->services, server->options.service_method_count,
                   sizeof *server->services);
}

const struct cfl_method *cfl_server_find_service(const struct cflight_server *server,
                                                 const char *path)
{
    for (size_t i = 0; i < server->service_count; i++) {
        if (strcmp(server->services[i].method.path, path) == 0) {
            return &server->services[i].method;
        }
    }
    return NULL;
}

const struct cflight_service_method *cfl_server_service_of(const struct cfl_method *method)
{
    return &((const struct cfl_server_service *)(const void *)method)->table;
}

void cfl_server_shut_services(struct cflight_server *server)
{
    for (size_t i = 0; i < server->service_count; i++) {
        const struct cflight_service_method *table = &server->services[i].table;
        if (table->on_shutdown != NULL) {
            table->on_shutdown(table->user_data);
        }
    }
}

/* ---- a call ---- */

cflight_status cflight_service_call_read(cflight_service_call *call, cflight_buffer **ret_message,
                                         cflight_error **reterr)
{
    struct cfl_message message = {0};
    bool has_message = false;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(call), CFL_ARG(ret_message));
    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct cfl_method *method = call->call->method;
    if (!method->client_streams && call->read_count > 0) {
        *ret_message = NULL;
        return CFLIGHT_OK;
    }
    status = cfl_call_receive(call->call, -1, NULL, &has_message, &message, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    if (!has_message && !method->client_streams) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL, "%s needs a request message; none came",
                                 method->name);
    }
    call->read_count++;
    *ret_message = has_message ? message.raw : NULL;
    return CFLIGHT_OK;
}

cflight_status cflight_service_call_write(cflight_service_call *call, struct cflight_bytes message,
                                          cflight_error **reterr)
{
    if (call == NULL) {
        return cfl_error_null_argument(reterr, "call");
    }
    if (!call->call->method->server_streams && call->write_count > 0) {
        return cflight_error_set(reterr, CFLIGHT_FAILED_PRECONDITION,
                                 "%s has one answer, which was written already",
                                 call->call->method->name);
    }
    cflight_status status = cfl_call_send(call->call, message, reterr);
    if (status == CFLIGHT_OK) {
        call->write_count++;
    }
    return status;
}

cflight_status cfl_server_run_service(struct cflight_server_context *context,
                                      cflight_error **reterr)
{
    const struct cfl_method *method = context->call->method;
    const struct cflight_service_method *table = cfl_server_service_of(method);
    struct cflight_service_call call = {.call = context->call};
    cflight_status status = table->handler(table->user_data, context, &call, reterr);
    if (status == CFLIGHT_OK && !method->server_streams && call.write_count == 0) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL, "the handler of %s gave no answer",
                                 method->name);
    }
    return status;
}
