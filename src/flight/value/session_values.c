/* SPDX-License-Identifier: Apache-2.0 */
/* Session options and the errors of setting them: maps by name.
 *
 * A map is repeated {key, value} entries on the wire; both are always written, and of several
 * entries with one key the last counts (Protocol Buffers, "Maps"). Received maps are sorted by
 * name, which finds the doubles without a quadratic search that a peer could provoke. An enumerator
 * that this library does not know becomes UNSPECIFIED. Thread class: free. */
#include "flight/value/values.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/search.h"

static const char OPTIONS_NAME[] = "SessionOptions";
static const char ERRORS_NAME[] = "SetSessionOptionsResult";

/* One received key with its place in the message. */
struct key {
    struct cflight_bytes name;
    size_t index;
};

static int compare_keys(const void *left, const void *right)
{
    const struct key *a = left;
    const struct key *b = right;
    int order = cfl_bytes_compare(a->name, b->name);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

/* Sorts by name and keeps the last of equal ones; returns how many are left. */
static size_t sort_unique(struct key *keys, size_t count)
{
    size_t kept = 0;
    if (count > 1) {
        qsort(keys, count, sizeof *keys, compare_keys);
    }
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && cflight_bytes_equal(keys[i].name, keys[i + 1].name)) {
            continue;
        }
        keys[kept++] = keys[i];
    }
    return kept;
}

static cflight_status list_to_message(struct cfl_arena *arena,
                                      const struct cflight_session_option *option,
                                      cfl_pb_string_list **ret_message, cflight_error **reterr)
{
    if (option->list_count > 0 && option->list_values == NULL) {
        return cfl_error_null_argument(reterr, "the list of a session option");
    }
    cfl_pb_string_list *message = cfl_arena_alloc(arena, sizeof *message);
    ProtobufCBinaryData *values = cfl_arena_array(arena, option->list_count, sizeof *values);
    if (message == NULL || values == NULL) {
        return cfl_arena_error(arena, OPTIONS_NAME, reterr);
    }
    for (size_t i = 0; i < option->list_count; i++) {
        cflight_status status =
            cfl_text_check(option->list_values[i], "a list element of a session option", reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        values[i] = cfl_pb_from_bytes(option->list_values[i]);
    }
    arrow__flight__protocol__session_option_value__string_list_value__init(message);
    message->values = values;
    message->n_values = option->list_count;
    *ret_message = message;
    return CFLIGHT_OK;
}

static cflight_status value_to_message(struct cfl_arena *arena,
                                       const struct cflight_session_option *option,
                                       cfl_pb_session_value *ret_message, cflight_error **reterr)
{
    arrow__flight__protocol__session_option_value__init(ret_message);
    switch (option->type) {
    case CFLIGHT_SESSION_VALUE_NONE:
        return CFLIGHT_OK;
    case CFLIGHT_SESSION_VALUE_STRING:
        ret_message->option_value_case =
            ARROW__FLIGHT__PROTOCOL__SESSION_OPTION_VALUE__OPTION_VALUE_STRING_VALUE;
        ret_message->string_value = cfl_pb_from_bytes(option->string_value);
        return cfl_text_check(option->string_value, "the value of a session option", reterr);
    case CFLIGHT_SESSION_VALUE_BOOL:
        ret_message->option_value_case =
            ARROW__FLIGHT__PROTOCOL__SESSION_OPTION_VALUE__OPTION_VALUE_BOOL_VALUE;
        ret_message->bool_value = option->bool_value;
        return CFLIGHT_OK;
    case CFLIGHT_SESSION_VALUE_INT64:
        ret_message->option_value_case =
            ARROW__FLIGHT__PROTOCOL__SESSION_OPTION_VALUE__OPTION_VALUE_INT64_VALUE;
        ret_message->int64_value = option->int64_value;
        return CFLIGHT_OK;
    case CFLIGHT_SESSION_VALUE_DOUBLE:
        ret_message->option_value_case =
            ARROW__FLIGHT__PROTOCOL__SESSION_OPTION_VALUE__OPTION_VALUE_DOUBLE_VALUE;
        ret_message->double_value = option->double_value;
        return CFLIGHT_OK;
    case CFLIGHT_SESSION_VALUE_STRING_LIST:
        ret_message->option_value_case =
            ARROW__FLIGHT__PROTOCOL__SESSION_OPTION_VALUE__OPTION_VALUE_STRING_LIST_VALUE;
        return list_to_message(arena, option, &ret_message->string_list_value, reterr);
    default:
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "%d is no type of a session option", (int)option->type);
    }
}

static cflight_status options_to_message(struct cfl_arena *arena, const void *value,
                                         ProtobufCMessage **ret_message, cflight_error **reterr)
{
    const struct cflight_session_options *options = value;
    if (options->count > 0 && options->options == NULL) {
        return cfl_error_null_argument(reterr, "the array of session options");
    }
    cfl_pb_session_options *message = cfl_arena_alloc(arena, sizeof *message);
    cfl_pb_session_entry **pointers = cfl_arena_array(arena, options->count, sizeof *pointers);
    cfl_pb_session_entry *entries = cfl_arena_array(arena, options->count, sizeof *entries);
    cfl_pb_session_value *values = cfl_arena_array(arena, options->count, sizeof *values);
    if (message == NULL || pointers == NULL || entries == NULL || values == NULL) {
        return cfl_arena_error(arena, OPTIONS_NAME, reterr);
    }
    for (size_t i = 0; i < options->count; i++) {
        const struct cflight_session_option *option = &options->options[i];
        cflight_status status =
            cfl_text_check(option->name, "the name of a session option", reterr);
        if (status == CFLIGHT_OK) {
            status = value_to_message(arena, option, &values[i], reterr);
        }
        if (status != CFLIGHT_OK) {
            return status;
        }
        arrow__flight__protocol__session_option_entry__init(&entries[i]);
        entries[i].key = cfl_pb_from_bytes(option->name);
        entries[i].value = &values[i];
        pointers[i] = &entries[i];
    }
    arrow__flight__protocol__session_options__init(message);
    message->session_options = pointers;
    message->n_session_options = options->count;
    *ret_message = (ProtobufCMessage *)message;
    return CFLIGHT_OK;
}

static cflight_status list_from_message(struct cfl_arena *arena, const cfl_pb_string_list *message,
                                        struct cflight_session_option *option,
                                        cflight_error **reterr)
{
    struct cflight_bytes *values = cfl_arena_array(arena, message->n_values, sizeof *values);
    if (values == NULL) {
        return cfl_arena_error(arena, OPTIONS_NAME, reterr);
    }
    for (size_t i = 0; i < message->n_values; i++) {
        values[i] = cfl_pb_to_bytes(message->values[i]);
        cflight_status status =
            cfl_received_text_check(values[i], OPTIONS_NAME, "a list element", reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    option->type = CFLIGHT_SESSION_VALUE_STRING_LIST;
    option->list_values = values;
    option->list_count = message->n_values;
    return CFLIGHT_OK;
}

/* NULL `message` is an entry without a value, which is the same as an empty one. */
static cflight_status value_from_message(struct cfl_arena *arena,
                                         const cfl_pb_session_value *message,
                                         struct cflight_session_option *option,
                                         cflight_error **reterr)
{
    if (message == NULL) {
        return CFLIGHT_OK;
    }
    switch (message->option_value_case) {
    case ARROW__FLIGHT__PROTOCOL__SESSION_OPTION_VALUE__OPTION_VALUE_STRING_VALUE:
        option->type = CFLIGHT_SESSION_VALUE_STRING;
        option->string_value = cfl_pb_to_bytes(message->string_value);
        return cfl_received_text_check(option->string_value, OPTIONS_NAME, "a value", reterr);
    case ARROW__FLIGHT__PROTOCOL__SESSION_OPTION_VALUE__OPTION_VALUE_BOOL_VALUE:
        option->type = CFLIGHT_SESSION_VALUE_BOOL;
        option->bool_value = message->bool_value != 0;
        return CFLIGHT_OK;
    case ARROW__FLIGHT__PROTOCOL__SESSION_OPTION_VALUE__OPTION_VALUE_INT64_VALUE:
        option->type = CFLIGHT_SESSION_VALUE_INT64;
        option->int64_value = message->int64_value;
        return CFLIGHT_OK;
    case ARROW__FLIGHT__PROTOCOL__SESSION_OPTION_VALUE__OPTION_VALUE_DOUBLE_VALUE:
        option->type = CFLIGHT_SESSION_VALUE_DOUBLE;
        option->double_value = message->double_value;
        return CFLIGHT_OK;
    case ARROW__FLIGHT__PROTOCOL__SESSION_OPTION_VALUE__OPTION_VALUE_STRING_LIST_VALUE:
        return list_from_message(arena, message->string_list_value, option, reterr);
    case ARROW__FLIGHT__PROTOCOL__SESSION_OPTION_VALUE__OPTION_VALUE__NOT_SET:
    default:
        return CFLIGHT_OK;
    }
}

static cflight_status options_from_message(struct cfl_arena *arena,
                                           const ProtobufCMessage *any_message, void *ret_value,
                                           cflight_error **reterr)
{
    const cfl_pb_session_options *message = (const cfl_pb_session_options *)any_message;
    struct key *keys = cfl_arena_array(arena, message->n_session_options, sizeof *keys);
    if (keys == NULL) {
        return cfl_arena_error(arena, OPTIONS_NAME, reterr);
    }
    for (size_t i = 0; i < message->n_session_options; i++) {
        keys[i].name = cfl_pb_to_bytes(message->session_options[i]->key);
        keys[i].index = i;
        cflight_status status =
            cfl_received_text_check(keys[i].name, OPTIONS_NAME, "a name", reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    size_t count = sort_unique(keys, message->n_session_options);
    struct cflight_session_option *options = cfl_arena_array(arena, count, sizeof *options);
    if (options == NULL) {
        return cfl_arena_error(arena, OPTIONS_NAME, reterr);
    }
    for (size_t i = 0; i < count; i++) {
        options[i].name = keys[i].name;
        cflight_status status = value_from_message(
            arena, message->session_options[keys[i].index]->value, &options[i], reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    struct cflight_session_options view = {options, count};
    memcpy(ret_value, &view, sizeof view);
    return CFLIGHT_OK;
}

void cfl_session_option_layout(struct cfl_block *block, const void *value, void *ret_value)
{
    const struct cflight_session_option *option = value;
    struct cflight_session_option copy = *option;
    copy.string_value = cflight_bytes_make(NULL, 0);
    copy.list_values = NULL;
    copy.list_count = 0;
    copy.name = cfl_block_bytes(block, option->name);
    if (option->type == CFLIGHT_SESSION_VALUE_STRING) {
        copy.string_value = cfl_block_bytes(block, option->string_value);
    } else if (option->type == CFLIGHT_SESSION_VALUE_STRING_LIST) {
        copy.list_values = cfl_block_bytes_array(block, option->list_values, option->list_count);
        copy.list_count = option->list_count;
    }
    memcpy(ret_value, &copy, sizeof copy);
}

static void options_layout(struct cfl_block *block, const void *value, void *ret_value)
{
    struct cflight_session_options copy;
    memcpy(&copy, value, sizeof copy);
    struct cflight_session_option *options = cfl_block_array(block, copy.count, sizeof *options);
    for (size_t i = 0; i < copy.count; i++) {
        struct cflight_session_option option;
        cfl_session_option_layout(block, &copy.options[i], &option);
        if (options != NULL) {
            options[i] = option;
        }
    }
    copy.options = options;
    memcpy(ret_value, &copy, sizeof copy);
}

const struct cfl_value_type cfl_value_session_options = {
    .name = OPTIONS_NAME,
    .message_type = &arrow__flight__protocol__session_options__descriptor,
    .value_bytes = sizeof(struct cflight_session_options),
    .to_message = options_to_message,
    .from_message = options_from_message,
    .layout = options_layout,
};

cflight_status cflight_session_options_serialize(const struct cflight_session_options *options,
                                                 cflight_buffer **ret_buffer,
                                                 cflight_error **reterr)
{
    return cfl_value_serialize(&cfl_value_session_options, NULL, options, ret_buffer, reterr);
}

cflight_status cflight_session_options_parse(struct cflight_bytes bytes,
                                             struct cflight_session_options **ret_options,
                                             cflight_error **reterr)
{
    return cfl_value_parse(&cfl_value_session_options, NULL, bytes, (void **)ret_options, reterr);
}

void cflight_session_options_free(struct cflight_session_options *options)
{
    cfl_block_free(options);
}

static bool is_session_error_code(int32_t code)
{
    return code >= CFLIGHT_SESSION_ERROR_UNSPECIFIED && code <= CFLIGHT_SESSION_ERROR_ERROR;
}

static cflight_status errors_to_message(struct cfl_arena *arena, const void *value,
                                        ProtobufCMessage **ret_message, cflight_error **reterr)
{
    const struct cflight_session_errors *errors = value;
    if (errors->count > 0 && errors->errors == NULL) {
        return cfl_error_null_argument(reterr, "the array of session errors");
    }
    cfl_pb_session_errors *message = cfl_arena_alloc(arena, sizeof *message);
    cfl_pb_session_error_entry **pointers = cfl_arena_array(arena, errors->count, sizeof *pointers);
    cfl_pb_session_error_entry *entries = cfl_arena_array(arena, errors->count, sizeof *entries);
    cfl_pb_session_error *values = cfl_arena_array(arena, errors->count, sizeof *values);
    if (message == NULL || pointers == NULL || entries == NULL || values == NULL) {
        return cfl_arena_error(arena, ERRORS_NAME, reterr);
    }
    for (size_t i = 0; i < errors->count; i++) {
        cflight_status status =
            cfl_text_check(errors->errors[i].name, "the name of a session option", reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        if (!is_session_error_code((int32_t)errors->errors[i].code)) {
            return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT, "%d is no session error",
                                     (int)errors->errors[i].code);
        }
        arrow__flight__protocol__session_error__init(&values[i]);
        values[i].value = (int32_t)errors->errors[i].code;
        arrow__flight__protocol__session_error_entry__init(&entries[i]);
        entries[i].key = cfl_pb_from_bytes(errors->errors[i].name);
        entries[i].value = &values[i];
        pointers[i] = &entries[i];
    }
    arrow__flight__protocol__set_session_options_result__init(message);
    message->errors = pointers;
    message->n_errors = errors->count;
    *ret_message = (ProtobufCMessage *)message;
    return CFLIGHT_OK;
}

static cflight_status errors_from_message(struct cfl_arena *arena,
                                          const ProtobufCMessage *any_message, void *ret_value,
                                          cflight_error **reterr)
{
    const cfl_pb_session_errors *message = (const cfl_pb_session_errors *)any_message;
    struct key *keys = cfl_arena_array(arena, message->n_errors, sizeof *keys);
    struct cflight_session_error *errors =
        cfl_arena_array(arena, message->n_errors, sizeof *errors);
    if (keys == NULL || errors == NULL) {
        return cfl_arena_error(arena, ERRORS_NAME, reterr);
    }
    for (size_t i = 0; i < message->n_errors; i++) {
        keys[i].name = cfl_pb_to_bytes(message->errors[i]->key);
        keys[i].index = i;
        cflight_status status =
            cfl_received_text_check(keys[i].name, ERRORS_NAME, "a name", reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
    }
    size_t count = sort_unique(keys, message->n_errors);
    for (size_t i = 0; i < count; i++) {
        const cfl_pb_session_error *error = message->errors[keys[i].index]->value;
        errors[i].name = keys[i].name;
        errors[i].code = CFLIGHT_SESSION_ERROR_UNSPECIFIED;
        if (error != NULL && is_session_error_code(error->value)) {
            errors[i].code = (enum cflight_session_error_code)error->value;
        }
    }
    struct cflight_session_errors view = {errors, count};
    memcpy(ret_value, &view, sizeof view);
    return CFLIGHT_OK;
}

static void errors_layout(struct cfl_block *block, const void *value, void *ret_value)
{
    struct cflight_session_errors copy;
    memcpy(&copy, value, sizeof copy);
    struct cflight_session_error *errors = cfl_block_array(block, copy.count, sizeof *errors);
    for (size_t i = 0; i < copy.count; i++) {
        struct cflight_session_error error = copy.errors[i];
        error.name = cfl_block_bytes(block, error.name);
        if (errors != NULL) {
            errors[i] = error;
        }
    }
    copy.errors = errors;
    memcpy(ret_value, &copy, sizeof copy);
}

const struct cfl_value_type cfl_value_session_errors = {
    .name = ERRORS_NAME,
    .message_type = &arrow__flight__protocol__set_session_options_result__descriptor,
    .value_bytes = sizeof(struct cflight_session_errors),
    .to_message = errors_to_message,
    .from_message = errors_from_message,
    .layout = errors_layout,
};

cflight_status cflight_session_errors_serialize(const struct cflight_session_errors *errors,
                                                cflight_buffer **ret_buffer, cflight_error **reterr)
{
    return cfl_value_serialize(&cfl_value_session_errors, NULL, errors, ret_buffer, reterr);
}

cflight_status cflight_session_errors_parse(struct cflight_bytes bytes,
                                            struct cflight_session_errors **ret_errors,
                                            cflight_error **reterr)
{
    return cfl_value_parse(&cfl_value_session_errors, NULL, bytes, (void **)ret_errors, reterr);
}

void cflight_session_errors_free(struct cflight_session_errors *errors)
{
    cfl_block_free(errors);
}
