/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a session: a short list, bounded in number and bytes, under the session's mutex.
 * The application's check of a value runs without a lock. Owner: the session. Thread class: free.
 */
#include "flight/kit/session_store.h"

#include "base/alloc.h"
#include "base/error.h"
#include "flight/value/values.h"

static size_t option_bytes(const struct cflight_session_option *option)
{
    size_t sum_bytes = option->name.len_bytes;
    if (option->type == CFLIGHT_SESSION_VALUE_STRING) {
        sum_bytes += option->string_value.len_bytes;
    }
    for (size_t i = 0; option->type == CFLIGHT_SESSION_VALUE_STRING_LIST && i < option->list_count;
         i++) {
        sum_bytes += option->list_values[i].len_bytes + sizeof option->list_values[i];
    }
    return sum_bytes;
}

/* What an option counts in the store. */
static size_t kept_bytes(const struct cflight_session_option *option)
{
    return option == NULL ? 0 : sizeof *option + option_bytes(option);
}

/* Sets or removes one; UNSPECIFIED when that went well. `copy` is taken, and NULL for a removal.
 * `*ret_dropped_bytes` is what counts no more. */
static enum cflight_session_error_code set_locked(cflight_session *session,
                                                  struct cflight_bytes name,
                                                  struct cflight_session_option *copy,
                                                  size_t *ret_dropped_bytes)
{
    const struct cflight_session_store_options *limits = &session->store->options;
    size_t index = 0;
    while (index < session->locked.count &&
           !cflight_bytes_equal(session->locked.options[index]->name, name)) {
        index++;
    }
    bool is_there = index < session->locked.count;
    size_t former_bytes = is_there ? option_bytes(session->locked.options[index]) : 0;
    size_t new_bytes = copy == NULL ? 0 : option_bytes(copy);
    size_t used_bytes = session->locked.used_bytes - former_bytes;
    bool has_room = copy == NULL || (new_bytes <= limits->session_bytes_max - used_bytes &&
                                     (is_there || session->locked.count < limits->options_max));
    if (!has_room || (copy != NULL && !is_there &&
                      !cfl_grow_array(limits->allocator, (void **)&session->locked.options,
                                      &session->locked.capacity, session->locked.count + 1,
                                      sizeof *session->locked.options))) {
        *ret_dropped_bytes = kept_bytes(copy);
        cfl_block_free(copy);
        return CFLIGHT_SESSION_ERROR_ERROR;
    }
    *ret_dropped_bytes = is_there ? kept_bytes(session->locked.options[index]) : 0;
    session->locked.used_bytes = used_bytes + new_bytes;
    if (is_there) {
        cfl_block_free(session->locked.options[index]);
        session->locked.options[index] = session->locked.options[--session->locked.count];
    }
    if (copy != NULL) {
        session->locked.options[session->locked.count++] = copy;
    }
    return CFLIGHT_SESSION_ERROR_UNSPECIFIED;
}

static enum cflight_session_error_code set_one(cflight_session *session,
                                               const struct cflight_session_option *option)
{
    const struct cflight_session_store_options *options = &session->store->options;
    struct cflight_session_option *copy = NULL;
    if (options->check != NULL) {
        enum cflight_session_error_code code = options->check(options->user_data, option);
        if (code != CFLIGHT_SESSION_ERROR_UNSPECIFIED) {
            return code;
        }
    }
    if (option->type != CFLIGHT_SESSION_VALUE_NONE) {
        copy =
            cfl_block_copy(options->allocator, option, sizeof *option, cfl_session_option_layout);
        if (copy == NULL) {
            return CFLIGHT_SESSION_ERROR_ERROR;
        }
        if (!cfl_session_store_reserve(session, kept_bytes(copy))) {
            cfl_block_free(copy);
            return CFLIGHT_SESSION_ERROR_ERROR;
        }
    }
    size_t dropped_bytes = 0;
    (void)pthread_mutex_lock(&session->mutex);
    enum cflight_session_error_code code = set_locked(session, option->name, copy, &dropped_bytes);
    (void)pthread_mutex_unlock(&session->mutex);
    cfl_session_store_release(session, dropped_bytes);
    return code;
}

static void relist(cflight_session *session)
{
    (void)pthread_mutex_lock(&session->mutex);
    bool is_filled = session->locked.count > 0 || session->locked.data != NULL;
    (void)pthread_mutex_unlock(&session->mutex);
    cfl_session_store_relist(session, is_filled);
}

bool cflight_session_set_data(cflight_session *session, void *data, void (*release)(void *data))
{
    if (session == NULL || data == NULL) {
        return false;
    }
    (void)pthread_mutex_lock(&session->mutex);
    bool is_first = session->locked.data == NULL;
    if (is_first) {
        session->locked.data = data;
        session->locked.release_data = release;
    }
    (void)pthread_mutex_unlock(&session->mutex);
    if (is_first) {
        relist(session);
    }
    return is_first;
}

void *cflight_session_data(cflight_session *session)
{
    if (session == NULL) {
        return NULL;
    }
    (void)pthread_mutex_lock(&session->mutex);
    void *data = session->locked.data;
    (void)pthread_mutex_unlock(&session->mutex);
    return data;
}

static cflight_status check_option(const struct cflight_session_option *option,
                                   cflight_error **reterr)
{
    cflight_status status = cfl_text_check(option->name, "the name of a session option", reterr);
    if (status == CFLIGHT_OK && option->type == CFLIGHT_SESSION_VALUE_STRING) {
        return cfl_text_check(option->string_value, "the value of a session option", reterr);
    }
    if (status != CFLIGHT_OK || option->type != CFLIGHT_SESSION_VALUE_STRING_LIST) {
        return status;
    }
    if (option->list_count > 0 && option->list_values == NULL) {
        return cfl_error_null_argument(reterr, "the list of a session option");
    }
    for (size_t i = 0; i < option->list_count && status == CFLIGHT_OK; i++) {
        status =
            cfl_text_check(option->list_values[i], "a list element of a session option", reterr);
    }
    return status;
}

static cflight_status check_options(const cflight_session *session,
                                    const struct cflight_session_options *options,
                                    cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    if (session == NULL || options == NULL || (options->count > 0 && options->options == NULL)) {
        return cfl_error_null_argument(reterr, session == NULL ? "session" : "options");
    }
    for (size_t i = 0; i < options->count && status == CFLIGHT_OK; i++) {
        status = check_option(&options->options[i], reterr);
    }
    return status;
}

cflight_status cflight_session_set_options(cflight_session *session,
                                           const struct cflight_session_options *options,
                                           struct cflight_session_errors **ret_errors,
                                           cflight_error **reterr)
{
    cflight_status status = check_options(session, options, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct cflight_allocator *alloc = session->store->options.allocator;
    struct cflight_session_error *errors = cfl_alloc_array(alloc, options->count, sizeof *errors);
    struct cflight_session_errors refused = {errors, 0};
    void *copy = NULL;
    if (errors == NULL && options->count > 0) {
        return cfl_error_no_memory(reterr);
    }
    for (size_t i = 0; i < options->count; i++) {
        enum cflight_session_error_code code = set_one(session, &options->options[i]);
        if (code != CFLIGHT_SESSION_ERROR_UNSPECIFIED) {
            errors[refused.count].name = options->options[i].name;
            errors[refused.count].code = code;
            refused.count++;
        }
    }
    relist(session);
    if (ret_errors != NULL) {
        status = cfl_value_copy(&cfl_value_session_errors, alloc, &refused, &copy, reterr);
    }
    if (status == CFLIGHT_OK && ret_errors != NULL) {
        *ret_errors = copy;
    }
    cfl_free_array(alloc, errors, options->count, sizeof *errors);
    return status;
}

cflight_status cflight_session_get_options(cflight_session *session,
                                           struct cflight_session_options **ret_options,
                                           cflight_error **reterr)
{
    cflight_status status = CFL_CHECK_ARGS(reterr, CFL_ARG(session), CFL_ARG(ret_options));
    if (status != CFLIGHT_OK) {
        return status;
    }
    const struct cflight_allocator *alloc = session->store->options.allocator;
    void *copy = NULL;
    (void)pthread_mutex_lock(&session->mutex);
    size_t count = session->locked.count;
    struct cflight_session_option *views = cfl_alloc_array(alloc, count, sizeof *views);
    if (views == NULL && count > 0) {
        status = cfl_error_no_memory(reterr);
    } else {
        for (size_t i = 0; i < count; i++) {
            views[i] = *session->locked.options[i];
        }
        struct cflight_session_options all = {views, count};
        status = cfl_value_copy(&cfl_value_session_options, alloc, &all, &copy, reterr);
    }
    (void)pthread_mutex_unlock(&session->mutex);
    cfl_free_array(alloc, views, count, sizeof *views);
    if (status == CFLIGHT_OK) {
        *ret_options = copy;
    }
    return status;
}
