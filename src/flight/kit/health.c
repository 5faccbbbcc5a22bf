/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.health.v1: Check, Watch and List over a short list of names.
 *
 * The messages are so small that they are read and written in place. A watcher waits on the one
 * condition of the service; what changes wakes all of them, and each looks whether its own name is
 * another. The lock is a leaf.
 *
 * Spec: gRPC health checking protocol. Thread class: free. */
#include "cflight/health.h"

#include <string.h>

#include "base/alloc.h"
#include "base/blocking.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/error.h"
#include "base/list.h"
#include "base/options.h"
#include "base/utf8.h"
#include "cflight/server.h"
#include "pb/field.h"
#include "pb/single_field.h"

enum {
    NAME_BYTES_MAX = 1024,
    REQUEST_BYTES_MAX = 2 * NAME_BYTES_MAX,
    DEFAULT_WATCHERS_MAX = 64,
    /* The fields. */
    FIELD_SERVICE = 1,
    FIELD_STATUS = 1,
    FIELD_STATUSES = 1,
    FIELD_KEY = 1,
    FIELD_VALUE = 2,
    /* Said to watchers of a name that is not known, and to nobody else. */
    SERVICE_UNKNOWN = 3,
};

struct named {
    struct cfl_list node;
    char *name;
    enum cflight_serving serving;
};

struct cflight_health {
    const struct cflight_allocator *alloc;
    struct cflight_health_options options;
    pthread_mutex_t mutex;
    struct {
        pthread_cond_t changed;
        struct cfl_list names;
        uint32_t watcher_count;
        bool is_shut;
    } locked;
};

/* ---- the names ---- */

static struct named *find_locked(cflight_health *health, struct cflight_bytes name)
{
    struct cfl_list *head = &health->locked.names;
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        struct named *named = CFL_LIST_ENTRY(node, struct named, node);
        if (cflight_bytes_equal(cflight_bytes_from_text(named->name), name)) {
            return named;
        }
    }
    return NULL;
}

static struct named *add_locked(cflight_health *health, struct cflight_bytes name)
{
    struct named *named = cfl_alloc_zeroed(health->alloc, sizeof *named);
    char *copy = cfl_strndup(health->alloc, (const char *)name.data, name.len_bytes);
    if (named == NULL || copy == NULL) {
        cfl_strfree(health->alloc, copy);
        cfl_free(health->alloc, named, sizeof *named);
        return NULL;
    }
    named->name = copy;
    cfl_list_append(&health->locked.names, &named->node);
    return named;
}

cflight_status cflight_health_set(cflight_health *health, const char *service,
                                  enum cflight_serving serving, cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(health), CFL_ARG(service));
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct cflight_bytes name = {(const uint8_t *)service, strlen(service)};
    if (name.len_bytes > NAME_BYTES_MAX || !cfl_utf8_is_valid(name.data, name.len_bytes)) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the name of a service has %zu bytes or is no UTF-8; at most %d "
                                 "bytes of it are allowed",
                                 name.len_bytes, NAME_BYTES_MAX);
    }
    if ((unsigned int)serving > CFLIGHT_NOT_SERVING) {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%d is not how a service can be",
                                 (int)serving);
    }
    (void)pthread_mutex_lock(&health->mutex);
    struct named *named = find_locked(health, name);
    if (named == NULL) {
        named = add_locked(health, name);
    }
    if (named != NULL) {
        named->serving = serving;
        (void)pthread_cond_broadcast(&health->locked.changed);
    }
    (void)pthread_mutex_unlock(&health->mutex);
    return named == NULL ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}

/* ---- the calls ---- */

/* Reads the name that is asked for. The caller lets go of the message. */
static cflight_status read_name(cflight_service_call *call, cflight_buffer **ret_message,
                                struct cflight_bytes *ret_name, cflight_error **reterr)
{
    cflight_status status = cflight_service_call_read(call, ret_message, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    return cfl_single_field_read(cflight_buffer_bytes(*ret_message), FIELD_SERVICE,
                                 "HealthCheckRequest", ret_name, reterr);
}

static void append_status(struct cfl_buf *message, int serving)
{
    if (serving != CFLIGHT_SERVING_UNKNOWN) { /* 0 is not written */
        (void)cfl_buf_append_u8(message, FIELD_STATUS << 3 | CFL_WIRE_VARINT);
        (void)cfl_buf_append_u8(message, (uint8_t)serving);
    }
}

static cflight_status answer_status(cflight_service_call *call, int serving, cflight_error **reterr)
{
    struct cfl_buf message;
    cfl_buf_init(&message, NULL);
    append_status(&message, serving);
    cflight_status status = message.failed
                                ? cfl_error_no_memory(reterr)
                                : cflight_service_call_write(call, cfl_buf_bytes(&message), reterr);
    cfl_buf_done(&message);
    return status;
}

static cflight_status check(void *user_data, cflight_server_context *context,
                            cflight_service_call *call, cflight_error **reterr)
{
    cflight_health *health = user_data;
    cflight_buffer *message = NULL;
    struct cflight_bytes name = {NULL, 0};
    (void)context;
    cflight_status status = read_name(call, &message, &name, reterr);
    if (status == CFLIGHT_OK) {
        (void)pthread_mutex_lock(&health->mutex);
        const struct named *named = find_locked(health, name);
        int serving = named == NULL            ? SERVICE_UNKNOWN
                      : health->locked.is_shut ? (int)CFLIGHT_NOT_SERVING
                                               : (int)named->serving;
        (void)pthread_mutex_unlock(&health->mutex);
        status = serving == SERVICE_UNKNOWN
                     ? cflight_error_set_message(reterr, CFLIGHT_NOT_FOUND, "unknown service")
                     : answer_status(call, serving, reterr);
    }
    cflight_buffer_unref(message);
    return status;
}

struct watcher {
    cflight_health *health;
    bool is_cancelled; /* the health's lock */
};

static void on_cancel(void *user_data)
{
    struct watcher *watcher = user_data;
    cflight_health *health = watcher->health;
    (void)pthread_mutex_lock(&health->mutex);
    watcher->is_cancelled = true;
    (void)pthread_cond_broadcast(&health->locked.changed);
    (void)pthread_mutex_unlock(&health->mutex);
}

/* Waits until the name is otherwise than `before`; what it is then, or -1 when the watch ends. */
static int await_change(struct watcher *watcher, struct cflight_bytes name, int before)
{
    cflight_health *health = watcher->health;
    int serving = before;
    cfl_blocking_begin();
    (void)pthread_mutex_lock(&health->mutex);
    while (!watcher->is_cancelled) {
        const struct named *named = find_locked(health, name);
        serving = health->locked.is_shut ? (int)CFLIGHT_NOT_SERVING
                  : named == NULL        ? SERVICE_UNKNOWN
                                         : (int)named->serving;
        if (serving != before || health->locked.is_shut) {
            break;
        }
        (void)pthread_cond_wait(&health->locked.changed, &health->mutex);
    }
    bool is_over = watcher->is_cancelled || (health->locked.is_shut && serving == before);
    (void)pthread_mutex_unlock(&health->mutex);
    cfl_blocking_end();
    return is_over ? -1 : serving;
}

static cflight_status watch_name(struct watcher *watcher, cflight_service_call *call,
                                 struct cflight_bytes name, cflight_error **reterr)
{
    int serving = -1;
    while ((serving = await_change(watcher, name, serving)) >= 0) {
        cflight_status status = answer_status(call, serving, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    return cflight_error_set_message(reterr, CFLIGHT_UNAVAILABLE, "the server is shutting down");
}

static bool begin_watch(cflight_health *health)
{
    (void)pthread_mutex_lock(&health->mutex);
    bool may_watch = health->locked.watcher_count < health->options.watchers_max;
    health->locked.watcher_count += may_watch ? 1 : 0;
    (void)pthread_mutex_unlock(&health->mutex);
    return may_watch;
}

static void end_watch(cflight_health *health)
{
    (void)pthread_mutex_lock(&health->mutex);
    health->locked.watcher_count--;
    (void)pthread_mutex_unlock(&health->mutex);
}

static cflight_status watch(void *user_data, cflight_server_context *context,
                            cflight_service_call *call, cflight_error **reterr)
{
    cflight_health *health = user_data;
    struct watcher watcher = {.health = health};
    cflight_buffer *message = NULL;
    struct cflight_bytes name = {NULL, 0};
    cflight_status status = read_name(call, &message, &name, reterr);
    if (status == CFLIGHT_OK && !begin_watch(health)) {
        status = cflight_error_set(reterr, CFLIGHT_RESOURCE_EXHAUSTED,
                                   "as many watch the health as may (watchers_max, %u)",
                                   health->options.watchers_max);
    } else if (status == CFLIGHT_OK) {
        cflight_server_context_on_cancel(context, on_cancel, &watcher);
        status = watch_name(&watcher, call, name, reterr);
        cflight_server_context_on_cancel(context, NULL, NULL);
        end_watch(health);
    }
    cflight_buffer_unref(message);
    return status;
}

/* One entry of the map: a name and a message with its status. */
static void append_entry(struct cfl_buf *message, const struct named *named, bool is_shut)
{
    struct cfl_buf value;
    struct cfl_buf entry;
    cfl_buf_init(&value, NULL);
    cfl_buf_init(&entry, NULL);
    append_status(&value, is_shut ? (int)CFLIGHT_NOT_SERVING : (int)named->serving);
    (void)cfl_field_write(&entry, FIELD_KEY, cflight_bytes_from_text(named->name));
    (void)cfl_field_write(&entry, FIELD_VALUE, cfl_buf_bytes(&value));
    (void)cfl_field_write(message, FIELD_STATUSES, cfl_buf_bytes(&entry));
    message->failed = message->failed || value.failed || entry.failed;
    cfl_buf_done(&entry);
    cfl_buf_done(&value);
}

static cflight_status list(void *user_data, cflight_server_context *context,
                           cflight_service_call *call, cflight_error **reterr)
{
    cflight_health *health = user_data;
    struct cfl_buf message;
    struct cfl_list *head = &health->locked.names;
    (void)context;
    cfl_buf_init(&message, NULL);
    (void)pthread_mutex_lock(&health->mutex);
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        append_entry(&message, CFL_LIST_ENTRY(node, struct named, node), health->locked.is_shut);
    }
    (void)pthread_mutex_unlock(&health->mutex);
    cflight_status status = message.failed
                                ? cfl_error_no_memory(reterr)
                                : cflight_service_call_write(call, cfl_buf_bytes(&message), reterr);
    cfl_buf_done(&message);
    return status;
}

/* ---- the service ---- */

static void on_shutdown(void *user_data)
{
    cflight_health *health = user_data;
    (void)pthread_mutex_lock(&health->mutex);
    health->locked.is_shut = true;
    (void)pthread_cond_broadcast(&health->locked.changed);
    (void)pthread_mutex_unlock(&health->mutex);
}

void cflight_health_methods(cflight_health *health,
                            struct cflight_service_method ret_methods[CFLIGHT_HEALTH_METHODS])
{
    struct cflight_service_method method = CFLIGHT_SERVICE_METHOD_INIT;
    method.is_open = !health->options.needs_auth;
    method.message_bytes_max = REQUEST_BYTES_MAX;
    method.user_data = health;
    method.path = "/grpc.health.v1.Health/Check";
    method.handler = check;
    ret_methods[0] = method;
    method.path = "/grpc.health.v1.Health/List";
    method.handler = list;
    ret_methods[1] = method;
    method.path = "/grpc.health.v1.Health/Watch";
    method.handler = watch;
    method.server_streams = true;
    method.on_shutdown = on_shutdown;
    ret_methods[2] = method;
}

cflight_status cflight_health_new(const struct cflight_health_options *options,
                                  cflight_health **ret_health, cflight_error **reterr)
{
    struct cflight_health_options loaded;
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(ret_health));
    if (status == CFLIGHT_OK) {
        status = cfl_options_load(&loaded, sizeof loaded, options, reterr);
    }
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_health *health = cfl_alloc_zeroed(loaded.allocator, sizeof *health);
    if (health == NULL) {
        return cfl_error_no_memory(reterr);
    }
    health->alloc = loaded.allocator;
    health->options = loaded;
    cfl_option_default(&health->options.watchers_max, DEFAULT_WATCHERS_MAX);
    (void)pthread_mutex_init(&health->mutex, NULL);
    cfl_condition_init(&health->locked.changed);
    cfl_list_init(&health->locked.names);
    status = cflight_health_set(health, "", CFLIGHT_SERVING, reterr);
    if (status == CFLIGHT_OK) {
        status = cflight_health_set(health, "arrow.flight.protocol.FlightService", CFLIGHT_SERVING,
                                    reterr);
    }
    if (status != CFLIGHT_OK) {
        cflight_health_free(health);
        return status;
    }
    *ret_health = health;
    return CFLIGHT_OK;
}

void cflight_health_free(cflight_health *health)
{
    struct cfl_list *node = NULL;
    if (health == NULL) {
        return;
    }
    while ((node = cfl_list_take_first(&health->locked.names)) != NULL) {
        struct named *named = CFL_LIST_ENTRY(node, struct named, node);
        cfl_strfree(health->alloc, named->name);
        cfl_free(health->alloc, named, sizeof *named);
    }
    (void)pthread_cond_destroy(&health->locked.changed);
    (void)pthread_mutex_destroy(&health->mutex);
    cfl_free(health->alloc, health, sizeof *health);
}
