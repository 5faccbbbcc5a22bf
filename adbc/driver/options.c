/* SPDX-License-Identifier: Apache-2.0 */
/* Options, found by their keys, and what the four getters make of a value. Thread class: free; a
 * setter is alone with its object but for getters. */
#include "adbc/driver/options.h"

#include <string.h>

/* Finds a row; *ret_name is what follows a prefix, or "". */
static const struct adbc_option *find(const struct adbc_option_table *table, const char *key,
                                      const char **ret_name)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct adbc_option *option = &table->rows[i];
        size_t len_bytes = strlen(option->key);
        bool is_found = option->is_prefix ? strncmp(key, option->key, len_bytes) == 0
                                          : strcmp(key, option->key) == 0;
        if (is_found) {
            *ret_name = key + len_bytes;
            return option;
        }
    }
    return NULL;
}

AdbcStatusCode adbc_option_refuse(const struct adbc_option *option, const struct adbc_value *value,
                                  const char *wanted, struct AdbcError *error)
{
    bool is_text = value->kind == ADBC_VALUE_TEXT && !option->is_secret;
    return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "option '%s' must be %s%s%.*s%s",
                     option->key, wanted, is_text ? ", not '" : "",
                     is_text ? (int)value->bytes.len_bytes : 0,
                     is_text ? (const char *)value->bytes.data : "", is_text ? "'" : "");
}

AdbcStatusCode adbc_option_unset(const struct adbc_option *option, const char *name,
                                 struct AdbcError *error)
{
    return adbc_fail(error, ADBC_STATUS_NOT_FOUND, "option '%s%s' has no value", option->key, name);
}

/* The row that takes a value; NULL, with an error, when none does. */
static const struct adbc_option *find_settable(const struct adbc_option_table *table,
                                               const char *key, const struct adbc_value *value,
                                               const char **ret_name, AdbcStatusCode *ret_code,
                                               struct AdbcError *error)
{
    const struct adbc_option *option = key == NULL ? NULL : find(table, key, ret_name);
    if (key == NULL) {
        *ret_code = adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "the key of an option is NULL");
    } else if (option == NULL) {
        *ret_code = adbc_fail(error, ADBC_STATUS_NOT_IMPLEMENTED, "a %s has no option '%s'",
                              table->what, key);
    } else if (option->set == NULL) {
        *ret_code =
            adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "option '%s' can only be read", key);
    } else if (value->kind == ADBC_VALUE_TEXT && value->bytes.data == NULL) {
        *ret_code =
            adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "the value of option '%s' is NULL", key);
    } else {
        *ret_code = ADBC_STATUS_OK;
    }
    return *ret_code == ADBC_STATUS_OK ? option : NULL;
}

AdbcStatusCode adbc_options_check(const struct adbc_option_table *table, const char *key,
                                  const struct adbc_value *value, struct AdbcError *error)
{
    const char *name = NULL;
    AdbcStatusCode code = ADBC_STATUS_OK;
    (void)find_settable(table, key, value, &name, &code, error);
    return code;
}

AdbcStatusCode adbc_options_set(const struct adbc_option_table *table, struct adbc_object *object,
                                const char *key, const struct adbc_value *value,
                                struct AdbcError *error)
{
    const char *name = NULL;
    AdbcStatusCode code = ADBC_STATUS_OK;
    const struct adbc_option *option = find_settable(table, key, value, &name, &code, error);
    return option == NULL ? code : option->set(object, option, name, value, error);
}

/* ---- getters ---- */

static AdbcStatusCode get(const struct adbc_option_table *table, struct adbc_object *object,
                          const char *key, struct adbc_value *ret_value, struct AdbcError *error)
{
    const char *name = NULL;
    if (key == NULL) {
        return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT, "the key of an option is NULL");
    }
    const struct adbc_option *option = find(table, key, &name);
    if (option == NULL || option->get == NULL || option->is_secret) {
        return adbc_fail(error, ADBC_STATUS_NOT_FOUND, "a %s has no option '%s' that can be read",
                         table->what, key);
    }
    return option->get(object, option, name, ret_value, error);
}

/* Hands out bytes as ADBC wants it: the length that is needed always, the bytes where they fit. */
static AdbcStatusCode give(const struct adbc_value *value, size_t end_bytes, void *target,
                           size_t *len_bytes)
{
    size_t needed_bytes = value->bytes.len_bytes + end_bytes;
    if (target != NULL && *len_bytes >= needed_bytes && needed_bytes > 0) {
        memcpy(target, value->owned, needed_bytes);
    }
    *len_bytes = needed_bytes;
    return ADBC_STATUS_OK;
}

AdbcStatusCode adbc_options_get_text(const struct adbc_option_table *table,
                                     struct adbc_object *object, const char *key, char *text,
                                     size_t *len_bytes, struct AdbcError *error)
{
    struct adbc_value value = {.owned = NULL};
    AdbcStatusCode code = get(table, object, key, &value, error);
    if (code == ADBC_STATUS_OK && value.kind == ADBC_VALUE_BYTES) {
        code = adbc_fail(error, ADBC_STATUS_NOT_FOUND, "option '%s' is of bytes", key);
    }
    if (code == ADBC_STATUS_OK) {
        code = give(&value, 1, text, len_bytes);
    }
    adbc_value_done(&value);
    return code;
}

AdbcStatusCode adbc_options_get_bytes(const struct adbc_option_table *table,
                                      struct adbc_object *object, const char *key, uint8_t *bytes,
                                      size_t *len_bytes, struct AdbcError *error)
{
    struct adbc_value value = {.owned = NULL};
    AdbcStatusCode code = get(table, object, key, &value, error);
    if (code == ADBC_STATUS_OK) {
        code = give(&value, 0, bytes, len_bytes);
    }
    adbc_value_done(&value);
    return code;
}

AdbcStatusCode adbc_options_get_int(const struct adbc_option_table *table,
                                    struct adbc_object *object, const char *key, int64_t *integer,
                                    struct AdbcError *error)
{
    struct adbc_value value = {.owned = NULL};
    AdbcStatusCode code = get(table, object, key, &value, error);
    if (code == ADBC_STATUS_OK && value.kind == ADBC_VALUE_DOUBLE) {
        *integer = value.integer;
    } else if (code == ADBC_STATUS_OK && !adbc_value_to_int(&value, integer)) {
        code = adbc_fail(error, ADBC_STATUS_NOT_FOUND, "option '%s' is no integer", key);
    }
    adbc_value_done(&value);
    return code;
}

AdbcStatusCode adbc_options_get_double(const struct adbc_option_table *table,
                                       struct adbc_object *object, const char *key, double *real,
                                       struct AdbcError *error)
{
    struct adbc_value value = {.owned = NULL};
    AdbcStatusCode code = get(table, object, key, &value, error);
    if (code == ADBC_STATUS_OK) {
        if (value.kind == ADBC_VALUE_INT || value.kind == ADBC_VALUE_DOUBLE) {
            *real = value.real;
        } else {
            code = adbc_fail(error, ADBC_STATUS_NOT_FOUND, "option '%s' is no number", key);
        }
    }
    adbc_value_done(&value);
    return code;
}
