/* SPDX-License-Identifier: Apache-2.0 */
/* The cancel handle: a flag, a descriptor that interrupts connecting, and who else is to be told.
 * The descriptor is set once and never cleared. Lock order: this mutex before a connection's.
 * Thread class: free. */
#include "flight/call/cancel.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/refcount.h"
#include "net/poller.h"

struct cflight_cancel {
    struct cfl_refcount refs;
    struct cfl_waker waker;
    atomic_bool is_triggered;
    pthread_mutex_t mutex;
    struct cfl_list entries; /* of struct cfl_cancel_entry; locked */
};

cflight_status cflight_cancel_new(cflight_cancel **ret_cancel, cflight_error **reterr)
{
    if (ret_cancel == NULL) {
        return cfl_error_null_argument(reterr, "ret_cancel");
    }
    cflight_cancel *cancel = cfl_alloc_zeroed(NULL, sizeof *cancel);
    if (cancel == NULL) {
        return cfl_error_no_memory(reterr);
    }
    cflight_status status = cfl_waker_init(&cancel->waker, reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(NULL, cancel, sizeof *cancel);
        return status;
    }
    cfl_refcount_init(&cancel->refs);
    atomic_init(&cancel->is_triggered, false);
    (void)pthread_mutex_init(&cancel->mutex, NULL);
    cfl_list_init(&cancel->entries);
    *ret_cancel = cancel;
    return CFLIGHT_OK;
}

cflight_cancel *cflight_cancel_ref(cflight_cancel *cancel)
{
    if (cancel != NULL) {
        cfl_refcount_up(&cancel->refs);
    }
    return cancel;
}

void cflight_cancel_unref(cflight_cancel *cancel)
{
    if (cancel == NULL || !cfl_refcount_down(&cancel->refs)) {
        return;
    }
    cfl_waker_done(&cancel->waker);
    (void)pthread_mutex_destroy(&cancel->mutex);
    cfl_free(NULL, cancel, sizeof *cancel);
}

void cflight_cancel_trigger(cflight_cancel *cancel)
{
    if (cancel == NULL || atomic_exchange(&cancel->is_triggered, true)) {
        return;
    }
    cfl_waker_set(&cancel->waker);
    (void)pthread_mutex_lock(&cancel->mutex);
    struct cfl_list *head = &cancel->entries;
    for (struct cfl_list *node = head->next; node != head; node = node->next) {
        struct cfl_cancel_entry *entry = CFL_LIST_ENTRY(node, struct cfl_cancel_entry, node);
        entry->on_trigger(entry);
    }
    (void)pthread_mutex_unlock(&cancel->mutex);
}

bool cflight_cancel_is_triggered(const cflight_cancel *cancel)
{
    return cancel != NULL && atomic_load(&cancel->is_triggered);
}

void cfl_cancel_register(cflight_cancel *cancel, struct cfl_cancel_entry *entry)
{
    (void)pthread_mutex_lock(&cancel->mutex);
    cfl_list_append(&cancel->entries, &entry->node);
    bool is_triggered = atomic_load(&cancel->is_triggered);
    (void)pthread_mutex_unlock(&cancel->mutex);
    if (is_triggered) {
        entry->on_trigger(entry);
    }
}

void cfl_cancel_unregister(cflight_cancel *cancel, struct cfl_cancel_entry *entry)
{
    (void)pthread_mutex_lock(&cancel->mutex);
    cfl_list_remove(&entry->node);
    (void)pthread_mutex_unlock(&cancel->mutex);
}

int cfl_cancel_fd(const cflight_cancel *cancel)
{
    return cancel == NULL ? -1 : cancel->waker.fd;
}
