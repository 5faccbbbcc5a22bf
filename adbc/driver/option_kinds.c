/* SPDX-License-Identifier: Apache-2.0 */
/* The usual kinds of options. What they set is under the lock of the object, since getters come
 * from any thread. */
#include <stdlib.h>
#include <string.h>

#include "adbc/driver/options.h"

static const char TRACE_PARENT[] = "traceparent";

static void *target(struct adbc_object *object, const struct adbc_option *option)
{
    return (char *)object + option->offset;
}

static void lock(struct adbc_object *object)
{
    (void)pthread_mutex_lock(&object->lock);
}

static void unlock(struct adbc_object *object)
{
    (void)pthread_mutex_unlock(&object->lock);
}

static AdbcStatusCode check_memory(bool is_given, struct AdbcError *error)
{
    return is_given ? ADBC_STATUS_OK : adbc_fail_no_memory(error);
}

/* ---- texts ---- */

AdbcStatusCode adbc_option_set_text(struct adbc_object *object, const struct adbc_option *option,
                                    const char *name, const struct adbc_value *value,
                                    struct AdbcError *error)
{
    char **text = target(object, option);
    struct adbc_value copy;
    (void)name;
    if (value->kind != ADBC_VALUE_TEXT && value->kind != ADBC_VALUE_BYTES) {
        return adbc_option_refuse(option, value, "a text", error);
    }
    if (!adbc_value_give_text(value->bytes, &copy)) {
        return adbc_fail_no_memory(error);
    }
    lock(object);
    char *old = *text;
    *text = copy.owned;
    unlock(object);
    free(old);
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_option_get_text(struct adbc_object *object, const struct adbc_option *option,
                                    const char *name, struct adbc_value *ret_value,
                                    struct AdbcError *error)
{
    lock(object);
    const char *text = *(char **)target(object, option);
    bool is_set = text != NULL;
    bool is_given = is_set && adbc_value_give_text(cflight_bytes_from_text(text), ret_value);
    unlock(object);
    return is_set ? check_memory(is_given, error) : adbc_option_unset(option, name, error);
}

/* ---- booleans and numbers ---- */

AdbcStatusCode adbc_option_set_bool(struct adbc_object *object, const struct adbc_option *option,
                                    const char *name, const struct adbc_value *value,
                                    struct AdbcError *error)
{
    bool boolean = false;
    (void)name;
    if (!adbc_value_to_bool(value, &boolean)) {
        return adbc_option_refuse(option, value, "'true' or 'false'", error);
    }
    lock(object);
    *(bool *)target(object, option) = boolean;
    unlock(object);
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_option_get_bool(struct adbc_object *object, const struct adbc_option *option,
                                    const char *name, struct adbc_value *ret_value,
                                    struct AdbcError *error)
{
    (void)name;
    lock(object);
    bool boolean = *(bool *)target(object, option);
    unlock(object);
    return check_memory(adbc_value_give_bool(boolean, ret_value), error);
}

static void store(struct adbc_object *object, const struct adbc_option *option, int64_t number)
{
    lock(object);
    *(int64_t *)target(object, option) = number;
    unlock(object);
}

static int64_t load(struct adbc_object *object, const struct adbc_option *option)
{
    lock(object);
    int64_t number = *(int64_t *)target(object, option);
    unlock(object);
    return number;
}

AdbcStatusCode adbc_option_set_ms(struct adbc_object *object, const struct adbc_option *option,
                                  const char *name, const struct adbc_value *value,
                                  struct AdbcError *error)
{
    int64_t ms = 0;
    (void)name;
    if (!adbc_value_to_ms(value, &ms)) {
        return adbc_option_refuse(option, value, "a number of seconds, 0 or more", error);
    }
    store(object, option, ms);
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_option_get_ms(struct adbc_object *object, const struct adbc_option *option,
                                  const char *name, struct adbc_value *ret_value,
                                  struct AdbcError *error)
{
    (void)name;
    return check_memory(adbc_value_give_ms(load(object, option), ret_value), error);
}

AdbcStatusCode adbc_option_set_count(struct adbc_object *object, const struct adbc_option *option,
                                     const char *name, const struct adbc_value *value,
                                     struct AdbcError *error)
{
    int64_t number = 0;
    (void)name;
    if (!adbc_value_to_int(value, &number) || number <= 0) {
        return adbc_option_refuse(option, value, "a number above 0", error);
    }
    store(object, option, number);
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_option_get_count(struct adbc_object *object, const struct adbc_option *option,
                                     const char *name, struct adbc_value *ret_value,
                                     struct AdbcError *error)
{
    (void)name;
    return check_memory(adbc_value_give_int(load(object, option), ret_value), error);
}

/* ---- headers ---- */

/* Checks and puts a field: in the place of those of its name, or beside them. An empty value takes
 * them away. */
static AdbcStatusCode put_header(struct adbc_object *object, const char *name,
                                 const struct adbc_value *value, bool replaces,
                                 struct AdbcError *error)
{
    const struct cflight_bytes field = cflight_bytes_from_text(name);
    bool is_added = true;
    cflight_error *cause = NULL;
    struct adbc_headers checked = {NULL, 0};
    if (value->kind != ADBC_VALUE_TEXT && value->kind != ADBC_VALUE_BYTES) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "the header '%s' must be a text",
                         name);
    }
    if (!adbc_headers_add(&checked, field, value->bytes)) {
        adbc_headers_done(&checked);
        return adbc_fail_no_memory(error);
    }
    cflight_status status =
        cflight_header_check(checked.items[0].name, checked.items[0].value, &cause);
    if (status == CFLIGHT_OK) {
        bool is_empty = value->bytes.len_bytes == 0;
        lock(object);
        if (replaces || is_empty) {
            adbc_headers_remove(&object->settings.headers, field);
        }
        is_added = is_empty || adbc_headers_add_all(&object->settings.headers, &checked);
        unlock(object);
    }
    adbc_headers_done(&checked);
    return status != CFLIGHT_OK ? adbc_fail_by(error, cause) : check_memory(is_added, error);
}

static AdbcStatusCode find_header(struct adbc_object *object, const struct adbc_option *option,
                                  const char *name, const char *field, struct adbc_value *ret_value,
                                  struct AdbcError *error)
{
    lock(object);
    struct cflight_bytes found =
        adbc_headers_find(&object->settings.headers, cflight_bytes_from_text(field));
    bool is_set = found.data != NULL;
    bool is_given = is_set && adbc_value_give_text(found, ret_value);
    unlock(object);
    return is_set ? check_memory(is_given, error) : adbc_option_unset(option, name, error);
}

AdbcStatusCode adbc_option_set_header(struct adbc_object *object, const struct adbc_option *option,
                                      const char *name, const struct adbc_value *value,
                                      struct AdbcError *error)
{
    (void)option;
    return put_header(object, name, value, true, error);
}

AdbcStatusCode adbc_option_add_header(struct adbc_object *object, const struct adbc_option *option,
                                      const char *name, const struct adbc_value *value,
                                      struct AdbcError *error)
{
    (void)option;
    return put_header(object, name, value, false, error);
}

AdbcStatusCode adbc_option_get_header(struct adbc_object *object, const struct adbc_option *option,
                                      const char *name, struct adbc_value *ret_value,
                                      struct AdbcError *error)
{
    return find_header(object, option, name, name, ret_value, error);
}

AdbcStatusCode adbc_option_set_trace(struct adbc_object *object, const struct adbc_option *option,
                                     const char *name, const struct adbc_value *value,
                                     struct AdbcError *error)
{
    (void)option;
    (void)name;
    return put_header(object, TRACE_PARENT, value, true, error);
}

AdbcStatusCode adbc_option_get_trace(struct adbc_object *object, const struct adbc_option *option,
                                     const char *name, struct adbc_value *ret_value,
                                     struct AdbcError *error)
{
    return find_header(object, option, name, TRACE_PARENT, ret_value, error);
}

AdbcStatusCode adbc_option_ignore(struct adbc_object *object, const struct adbc_option *option,
                                  const char *name, const struct adbc_value *value,
                                  struct AdbcError *error)
{
    (void)object;
    (void)option;
    (void)name;
    (void)value;
    (void)error;
    return ADBC_STATUS_OK;
}
