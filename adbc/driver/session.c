/* SPDX-License-Identifier: Apache-2.0 */
/* Session options. Each getter and setter is a call of its own, since other clients may share the
 * session. What a server says that has no sessions counts as none set. Thread class: free. */
#include "adbc/driver/session.h"

#include <stdlib.h>

#include "adbc/driver/connection.h"
#include "adbc/driver/json.h"

/* ---- setting ---- */

static AdbcStatusCode check_answer(const struct cflight_session_errors *errors, const char *name,
                                   struct AdbcError *error)
{
    static const char *const REASONS[] = {"", "there is no such option", "the value is not valid",
                                          "it could not be set"};
    if (errors == NULL || errors->count == 0) {
        return ADBC_STATUS_OK;
    }
    size_t code = (size_t)errors->errors[0].code;
    return adbc_fail(error, ADBC_STATUS_INVALID_ARGUMENT,
                     "the server refused the session option '%s': %s", name,
                     REASONS[code < sizeof REASONS / sizeof *REASONS ? code : 3]);
}

static AdbcStatusCode send(struct adbc_object *object, const char *name,
                           struct cflight_session_option *option, struct AdbcError *error)
{
    struct adbc_connection *connection = (struct adbc_connection *)object;
    const struct cflight_session_options options = {option, 1};
    struct cflight_session_errors *errors = NULL;
    struct adbc_call *call = NULL;
    cflight_error *cause = NULL;
    option->name = cflight_bytes_from_text(name);
    AdbcStatusCode code = adbc_connection_begin(connection, &call, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    if (cflight_client_set_session_options(connection->link.client, &options,
                                           call->update.call_options, &errors,
                                           &cause) == CFLIGHT_OK) {
        code = check_answer(errors, name, error);
    } else {
        code = adbc_fail_by(error, cause);
    }
    cflight_session_errors_free(errors);
    adbc_call_end(call);
    return code;
}

AdbcStatusCode adbc_session_set_any(struct adbc_object *object, const struct adbc_option *option,
                                    const char *name, const struct adbc_value *value,
                                    struct AdbcError *error)
{
    struct cflight_session_option sent = {.type = CFLIGHT_SESSION_VALUE_STRING};
    (void)option;
    switch (value->kind) {
    case ADBC_VALUE_INT:
        sent.type = CFLIGHT_SESSION_VALUE_INT64;
        sent.int64_value = value->integer;
        break;
    case ADBC_VALUE_DOUBLE:
        sent.type = CFLIGHT_SESSION_VALUE_DOUBLE;
        sent.double_value = value->real;
        break;
    case ADBC_VALUE_TEXT:
    case ADBC_VALUE_BYTES:
        sent.string_value = value->bytes;
        break;
    }
    return send(object, name, &sent, error);
}

AdbcStatusCode adbc_session_set_bool(struct adbc_object *object, const struct adbc_option *option,
                                     const char *name, const struct adbc_value *value,
                                     struct AdbcError *error)
{
    struct cflight_session_option sent = {.type = CFLIGHT_SESSION_VALUE_BOOL};
    if (!adbc_value_to_bool(value, &sent.bool_value)) {
        return adbc_option_refuse(option, value, "'true' or 'false'", error);
    }
    return send(object, name, &sent, error);
}

AdbcStatusCode adbc_session_set_texts(struct adbc_object *object, const struct adbc_option *option,
                                      const char *name, const struct adbc_value *value,
                                      struct AdbcError *error)
{
    struct cflight_session_option sent = {.type = CFLIGHT_SESSION_VALUE_STRING_LIST};
    struct adbc_json_texts texts;
    bool is_valid = false;
    if (value->kind != ADBC_VALUE_TEXT) {
        return adbc_option_refuse(option, value, "a JSON list of texts", error);
    }
    if (!adbc_json_read_texts(value->bytes, &texts, &is_valid)) {
        return is_valid ? adbc_fail_no_memory(error)
                        : adbc_option_refuse(option, value, "a JSON list of texts", error);
    }
    sent.list_values = texts.texts;
    sent.list_count = texts.count;
    AdbcStatusCode code = send(object, name, &sent, error);
    adbc_json_texts_done(&texts);
    return code;
}

AdbcStatusCode adbc_session_erase(struct adbc_object *object, const struct adbc_option *option,
                                  const char *name, const struct adbc_value *value,
                                  struct AdbcError *error)
{
    struct cflight_session_option sent = {.type = CFLIGHT_SESSION_VALUE_NONE};
    (void)option;
    (void)value;
    return send(object, name, &sent, error);
}

/* ADBC has a name of its own for these two; servers call them so. */
AdbcStatusCode adbc_session_set_catalog(struct adbc_object *object,
                                        const struct adbc_option *option, const char *name,
                                        const struct adbc_value *value, struct AdbcError *error)
{
    (void)name;
    return adbc_session_set_any(object, option, "catalog", value, error);
}

AdbcStatusCode adbc_session_set_schema(struct adbc_object *object, const struct adbc_option *option,
                                       const char *name, const struct adbc_value *value,
                                       struct AdbcError *error)
{
    (void)name;
    return adbc_session_set_any(object, option, "schema", value, error);
}

/* ---- getting ---- */

/* Gives one option as a value; false when it is of another type. */
typedef bool (*convert_fn)(const struct cflight_session_option *option,
                           struct adbc_value *ret_value, bool *ret_is_given);

static bool convert_any(const struct cflight_session_option *option, struct adbc_value *ret_value,
                        bool *ret_is_given)
{
    if (option->type == CFLIGHT_SESSION_VALUE_INT64) {
        *ret_is_given = adbc_value_give_int(option->int64_value, ret_value);
    } else if (option->type == CFLIGHT_SESSION_VALUE_DOUBLE) {
        *ret_is_given = adbc_value_give_double(option->double_value, ret_value);
    } else if (option->type == CFLIGHT_SESSION_VALUE_STRING) {
        *ret_is_given = adbc_value_give_text(option->string_value, ret_value);
    } else {
        return false;
    }
    return true;
}

static bool convert_bool(const struct cflight_session_option *option, struct adbc_value *ret_value,
                         bool *ret_is_given)
{
    bool is_one = option->type == CFLIGHT_SESSION_VALUE_BOOL;
    *ret_is_given = is_one && adbc_value_give_bool(option->bool_value, ret_value);
    return is_one;
}

/* Gives a text that was made for it, and frees that. */
static bool give_made(char *text, struct adbc_value *ret_value)
{
    bool is_given = text != NULL && adbc_value_give_text(cflight_bytes_from_text(text), ret_value);
    free(text);
    return is_given;
}

static bool convert_texts(const struct cflight_session_option *option, struct adbc_value *ret_value,
                          bool *ret_is_given)
{
    bool is_one = option->type == CFLIGHT_SESSION_VALUE_STRING_LIST;
    *ret_is_given =
        is_one && give_made(adbc_json_of_texts(option->list_values, option->list_count), ret_value);
    return is_one;
}

static AdbcStatusCode ask(struct adbc_object *object, struct cflight_session_options **ret_options,
                          struct AdbcError *error)
{
    struct adbc_connection *connection = (struct adbc_connection *)object;
    struct adbc_call *call = NULL;
    cflight_error *cause = NULL;
    AdbcStatusCode code = adbc_connection_begin(connection, &call, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    cflight_status status = cflight_client_get_session_options(
        connection->link.client, call->query.call_options, ret_options, &cause);
    if (status == CFLIGHT_UNIMPLEMENTED || status == CFLIGHT_INVALID_ARGUMENT) {
        cflight_error_free(cause);
        cause = NULL;
    }
    adbc_call_end(call);
    return adbc_fail_by(error, cause);
}

static AdbcStatusCode get(struct adbc_object *object, const struct adbc_option *option,
                          const char *shown_name, const char *name, convert_fn convert,
                          struct adbc_value *ret_value, struct AdbcError *error)
{
    struct cflight_session_options *options = NULL;
    bool is_found = false;
    bool is_given = false;
    AdbcStatusCode code = ask(object, &options, error);
    if (code != ADBC_STATUS_OK) {
        return code;
    }
    for (size_t i = 0; options != NULL && !is_found && i < options->count; i++) {
        is_found = cflight_bytes_equal(options->options[i].name, cflight_bytes_from_text(name)) &&
                   convert(&options->options[i], ret_value, &is_given);
    }
    cflight_session_options_free(options);
    if (!is_found) {
        return adbc_option_unset(option, shown_name, error);
    }
    return is_given ? ADBC_STATUS_OK : adbc_fail_no_memory(error);
}

AdbcStatusCode adbc_session_get_any(struct adbc_object *object, const struct adbc_option *option,
                                    const char *name, struct adbc_value *ret_value,
                                    struct AdbcError *error)
{
    return get(object, option, name, name, convert_any, ret_value, error);
}

AdbcStatusCode adbc_session_get_bool(struct adbc_object *object, const struct adbc_option *option,
                                     const char *name, struct adbc_value *ret_value,
                                     struct AdbcError *error)
{
    return get(object, option, name, name, convert_bool, ret_value, error);
}

AdbcStatusCode adbc_session_get_texts(struct adbc_object *object, const struct adbc_option *option,
                                      const char *name, struct adbc_value *ret_value,
                                      struct AdbcError *error)
{
    return get(object, option, name, name, convert_texts, ret_value, error);
}

AdbcStatusCode adbc_session_get_catalog(struct adbc_object *object,
                                        const struct adbc_option *option, const char *name,
                                        struct adbc_value *ret_value, struct AdbcError *error)
{
    return get(object, option, name, "catalog", convert_any, ret_value, error);
}

AdbcStatusCode adbc_session_get_schema(struct adbc_object *object, const struct adbc_option *option,
                                       const char *name, struct adbc_value *ret_value,
                                       struct AdbcError *error)
{
    return get(object, option, name, "schema", convert_any, ret_value, error);
}

AdbcStatusCode adbc_session_get_all(struct adbc_object *object, const struct adbc_option *option,
                                    const char *name, struct adbc_value *ret_value,
                                    struct AdbcError *error)
{
    const struct cflight_session_options none = {NULL, 0};
    struct cflight_session_options *options = NULL;
    (void)option;
    (void)name;
    AdbcStatusCode code = ask(object, &options, error);
    if (code == ADBC_STATUS_OK &&
        !give_made(adbc_json_of_options(options == NULL ? &none : options), ret_value)) {
        code = adbc_fail_no_memory(error);
    }
    cflight_session_options_free(options);
    return code;
}
