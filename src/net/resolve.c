/* SPDX-License-Identifier: Apache-2.0 */
/* Name lookup that can be abandoned.
 *
 * The C library's resolver can neither be interrupted nor given a limit. It runs on a detached
 * thread. The request is freed by the caller, who finds it finished, or by the thread, which finds
 * it abandoned; the mutex decides which, and the thread touches nothing after it has reported.
 * Since the thread may outlive a client and its allocator, the memory comes from the C library.
 * Thread class: one at a time. */
#include "net/resolve.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/thread.h"
#include "net/poller.h"

struct cfl_resolve {
    char *host;
    uint16_t port;
    pthread_mutex_t mutex;
    struct {
        struct cfl_waker waker; /* set together with is_done */
        bool is_done;
        bool is_abandoned;
        cflight_status status;
        cflight_error *error;
        struct cfl_address_list list;
    } locked;
};

static void destroy(struct cfl_resolve *resolve)
{
    (void)pthread_mutex_destroy(&resolve->mutex);
    cfl_waker_done(&resolve->locked.waker);
    cflight_error_free(resolve->locked.error);
    cfl_strfree(NULL, resolve->host);
    cfl_free(NULL, resolve, sizeof *resolve);
}

static void *run(void *user_data)
{
    struct cfl_resolve *resolve = user_data;
    struct cfl_address_list list = {.count = 0};
    cflight_error *error = NULL;
    cflight_status status = cfl_address_list_lookup(resolve->host, resolve->port, &list, &error);

    (void)pthread_mutex_lock(&resolve->mutex);
    bool is_abandoned = resolve->locked.is_abandoned;
    resolve->locked.list = list;
    resolve->locked.status = status;
    resolve->locked.error = error;
    resolve->locked.is_done = true;
    cfl_waker_set(&resolve->locked.waker);
    (void)pthread_mutex_unlock(&resolve->mutex);
    if (is_abandoned) {
        destroy(resolve);
    }
    return NULL;
}

/* Returns 0 or an errno. */
static int start_thread(struct cfl_resolve *resolve)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int code = pthread_attr_init(&attributes);
    if (code != 0) {
        return code;
    }
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    code = cfl_thread_start(&thread, &attributes, NULL, run, resolve);
    (void)pthread_attr_destroy(&attributes);
    return code;
}

cflight_status cfl_resolve_start(const char *host, uint16_t port, struct cfl_resolve **ret_resolve,
                                 cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    int code = 0;
    struct cfl_resolve *resolve = cfl_alloc_zeroed(NULL, sizeof *resolve);
    if (resolve == NULL) {
        return cfl_error_no_memory(reterr);
    }
    (void)pthread_mutex_init(&resolve->mutex, NULL);
    resolve->port = port;
    resolve->host = cfl_strndup(NULL, host, strlen(host));
    if (resolve->host == NULL) {
        status = cfl_error_no_memory(reterr);
        goto done;
    }
    status = cfl_waker_init(&resolve->locked.waker, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    code = start_thread(resolve);
    if (code != 0) {
        status = cfl_error_set_os(reterr, CFLIGHT_RESOURCE_EXHAUSTED, code,
                                  "cannot start a thread to look up the host '%s'", host);
        goto done;
    }
    *ret_resolve = resolve;
    resolve = NULL;

done:
    if (resolve != NULL) {
        destroy(resolve);
    }
    return status;
}

int cfl_resolve_fd(const struct cfl_resolve *resolve)
{
    return resolve->locked.waker.fd; /* never changes */
}

bool cfl_resolve_is_done(struct cfl_resolve *resolve)
{
    (void)pthread_mutex_lock(&resolve->mutex);
    bool is_done = resolve->locked.is_done;
    (void)pthread_mutex_unlock(&resolve->mutex);
    return is_done;
}

cflight_status cfl_resolve_take(struct cfl_resolve *resolve, struct cfl_address_list *ret_list,
                                cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    (void)pthread_mutex_lock(&resolve->mutex);
    if (!resolve->locked.is_done) {
        status = cflight_error_set(reterr, CFLIGHT_INTERNAL, "the lookup of '%s' is not finished",
                                   resolve->host);
        goto done;
    }
    status = resolve->locked.status;
    if (status == CFLIGHT_OK) {
        *ret_list = resolve->locked.list;
    } else if (reterr != NULL) {
        cflight_error_free(*reterr);
        *reterr = resolve->locked.error;
        resolve->locked.error = NULL;
    }

done:
    (void)pthread_mutex_unlock(&resolve->mutex);
    return status;
}

void cfl_resolve_free(struct cfl_resolve *resolve)
{
    if (resolve == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&resolve->mutex);
    bool is_done = resolve->locked.is_done;
    resolve->locked.is_abandoned = true;
    (void)pthread_mutex_unlock(&resolve->mutex);
    if (is_done) {
        destroy(resolve);
    }
}
