/* SPDX-License-Identifier: Apache-2.0 */
/* Counted objects, and how what runs for one is cancelled.
 *
 * All calls and open streams of an object share one handle. Once that is triggered it stays so: the
 * next call takes a fresh one, and what is still open keeps the old. Locks are leaves: nothing is
 * called under one but the library's functions that never block. Thread class: free. */
#include "adbc/driver/object.h"

#include <stdlib.h>
#include <string.h>

bool adbc_call_settings_copy(const struct adbc_call_settings *from, struct adbc_call_settings *to)
{
    memcpy(to->limits_ms, from->limits_ms, sizeof to->limits_ms);
    return adbc_headers_add_all(&to->headers, &from->headers);
}

void adbc_call_settings_done(struct adbc_call_settings *settings)
{
    adbc_headers_done(&settings->headers);
}

struct adbc_object *adbc_object_new(size_t size_bytes, void (*destroy)(struct adbc_object *),
                                    struct adbc_object *parent)
{
    bool is_copied = true;
    struct adbc_object *object = calloc(1, size_bytes);
    if (object == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&object->lock, NULL) != 0) {
        free(object);
        return NULL;
    }
    atomic_init(&object->hold_count, 1);
    object->destroy = destroy;
    if (parent != NULL) {
        (void)pthread_mutex_lock(&parent->lock);
        is_copied = adbc_call_settings_copy(&parent->settings, &object->settings);
        (void)pthread_mutex_unlock(&parent->lock);
    }
    if (!is_copied) {
        adbc_object_done(object);
        return NULL;
    }
    return object;
}

void adbc_object_hold(struct adbc_object *object)
{
    (void)atomic_fetch_add_explicit(&object->hold_count, 1, memory_order_relaxed);
}

void adbc_object_drop(struct adbc_object *object)
{
    if (object != NULL &&
        atomic_fetch_sub_explicit(&object->hold_count, 1, memory_order_acq_rel) == 1) {
        object->destroy(object);
    }
}

void adbc_object_done(struct adbc_object *object)
{
    adbc_call_settings_done(&object->settings);
    cflight_cancel_unref(object->cancel);
    (void)pthread_mutex_destroy(&object->lock);
    free(object);
}

/* A hold on the handle of what runs; NULL when nothing does. */
static cflight_cancel *running(struct adbc_object *object)
{
    cflight_cancel *cancel = NULL;
    (void)pthread_mutex_lock(&object->lock);
    if (object->running_count > 0 && object->cancel != NULL) {
        cancel = cflight_cancel_ref(object->cancel);
    }
    (void)pthread_mutex_unlock(&object->lock);
    return cancel;
}

void adbc_object_interrupt(struct adbc_object *object)
{
    cflight_cancel *cancel = running(object);
    if (cancel != NULL) {
        cflight_cancel_trigger(cancel);
        cflight_cancel_unref(cancel);
    }
}

AdbcStatusCode adbc_object_cancel(struct adbc_object *object, const char *what,
                                  struct AdbcError *error)
{
    cflight_cancel *cancel = running(object);
    if (cancel == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_STATE, "nothing runs on this %s", what);
    }
    cflight_cancel_trigger(cancel);
    cflight_cancel_unref(cancel);
    return ADBC_STATUS_OK;
}
