/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: what the calls of one carry. Thread class: one at a time. */
#include "adbc/driver/call.h"

#include <stdlib.h>

static void fill(struct adbc_call *call, const struct cflight_client_options *client_options)
{
    for (int i = 0; i < ADBC_LIMIT_COUNT; i++) {
        call->options[i].struct_size = sizeof call->options[i];
        call->options[i].timeout_ms = call->settings.limits_ms[i];
        call->options[i].headers = call->settings.headers.items;
        call->options[i].header_count = call->settings.headers.count;
        call->options[i].cancel = call->cancel;
    }
    call->fetch.struct_size = sizeof call->fetch;
    call->fetch.call_options = &call->options[ADBC_LIMIT_FETCH];
    call->fetch.client_options = client_options;
    call->query.struct_size = sizeof call->query;
    call->query.call_options = &call->options[ADBC_LIMIT_QUERY];
    call->query.fetch_options = &call->fetch;
    call->update.struct_size = sizeof call->update;
    call->update.call_options = &call->options[ADBC_LIMIT_UPDATE];
}

/* Copies the settings and takes a handle that is not triggered. */
static AdbcStatusCode enter(struct adbc_call *call, struct AdbcError *error)
{
    struct adbc_object *object = call->object;
    cflight_error *cause = NULL;
    cflight_status status = CFLIGHT_OK;
    (void)pthread_mutex_lock(&object->lock);
    bool is_copied = adbc_call_settings_copy(&object->settings, &call->settings);
    if (is_copied && (object->cancel == NULL || cflight_cancel_is_triggered(object->cancel))) {
        cflight_cancel_unref(object->cancel);
        object->cancel = NULL;
        status = cflight_cancel_new(&object->cancel, &cause);
    }
    if (is_copied && status == CFLIGHT_OK) {
        call->cancel = cflight_cancel_ref(object->cancel);
        object->running_count++;
    }
    (void)pthread_mutex_unlock(&object->lock);
    return is_copied ? adbc_fail_by(error, cause) : adbc_fail_no_memory(error);
}

AdbcStatusCode adbc_call_begin(struct adbc_object *object,
                               const struct cflight_client_options *client_options,
                               struct adbc_call **ret_call, struct AdbcError *error)
{
    struct adbc_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        return adbc_fail_no_memory(error);
    }
    adbc_object_hold(object);
    call->object = object;
    AdbcStatusCode code = enter(call, error);
    if (code != ADBC_STATUS_OK) {
        adbc_call_end(call);
        return code;
    }
    fill(call, client_options);
    *ret_call = call;
    return ADBC_STATUS_OK;
}

void adbc_call_set_transaction(struct adbc_call *call, const cflight_sql_transaction *transaction)
{
    call->query.transaction = transaction;
    call->update.transaction = transaction;
}

void adbc_call_end(struct adbc_call *call)
{
    if (call == NULL) {
        return;
    }
    if (call->cancel != NULL) {
        (void)pthread_mutex_lock(&call->object->lock);
        call->object->running_count--;
        (void)pthread_mutex_unlock(&call->object->lock);
        cflight_cancel_unref(call->cancel);
    }
    adbc_call_settings_done(&call->settings);
    adbc_object_drop(call->object);
    free(call);
}
