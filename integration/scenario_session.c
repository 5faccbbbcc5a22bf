/* SPDX-License-Identifier: Apache-2.0 */
/* session_options: options that a server keeps for a client, found again by a cookie.
 *
 * The server is the session store with one rule about names and values; the client is a cookie jar
 * and a script of calls. Thread class: free; a client one at a time. */
#include "integration/info.h"
#include "integration/scenario.h"

#define INVALID "lol_invalid"

static enum cflight_session_error_code check(void *user_data,
                                             const struct cflight_session_option *option)
{
    struct cflight_bytes invalid = cflight_bytes_from_text(INVALID);

    (void)user_data;
    if (cflight_bytes_equal(option->name, invalid)) {
        return CFLIGHT_SESSION_ERROR_INVALID_NAME;
    }
    if (option->type == CFLIGHT_SESSION_VALUE_STRING &&
        cflight_bytes_equal(option->string_value, invalid)) {
        return CFLIGHT_SESSION_ERROR_INVALID_VALUE;
    }
    return CFLIGHT_SESSION_ERROR_UNSPECIFIED;
}

static cflight_status do_action(void *user_data, cflight_server_context *context,
                                const struct cflight_action *action, cflight_response *response,
                                cflight_error **reterr)
{
    bool is_answered = false;

    (void)user_data;
    cflight_status status = cflight_session_answer(context, action, response, &is_answered, reterr);
    if (status == CFLIGHT_OK && !is_answered) {
        status = cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, "no such action");
    }
    return status;
}

static cflight_status list_actions(void *user_data, cflight_server_context *context,
                                   cflight_response *response, cflight_error **reterr)
{
    (void)user_data;
    (void)context;
    return cflight_session_list_actions(response, reterr);
}

static void release(void *state)
{
    cflight_session_store_unref(state);
}

static cflight_status make_service(struct itg_service *service, cflight_error **reterr)
{
    struct cflight_session_store_options options = CFLIGHT_SESSION_STORE_OPTIONS_INIT;
    cflight_session_store *store = NULL;

    options.check = check;
    cflight_status status = cflight_session_store_new(&options, &store, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_session_store_middleware(store, &service->middleware);
    service->has_middleware = true;
    service->state = store;
    service->release = release;
    service->handlers.do_action = do_action;
    service->handlers.list_actions = list_actions;
    return CFLIGHT_OK;
}

/* The client's script. */
static const struct cflight_bytes LIST[] = {
    ITG_TEXT("a"), ITG_TEXT("b"),  ITG_TEXT("sea"),  ITG_TEXT("dee"),
    ITG_TEXT(" "), ITG_TEXT("  "), ITG_TEXT("geee"), ITG_TEXT("(づ｡◕‿‿◕｡)づ")};

static const struct cflight_session_option FOOLONG = {
    .name = ITG_TEXT("foolong"), .type = CFLIGHT_SESSION_VALUE_INT64, .int64_value = 123};
static const struct cflight_session_option NO_FOOLONG = {.name = ITG_TEXT("foolong"),
                                                         .type = CFLIGHT_SESSION_VALUE_NONE};
static const struct cflight_session_option BARDOUBLE = {
    .name = ITG_TEXT("bardouble"), .type = CFLIGHT_SESSION_VALUE_DOUBLE, .double_value = 456.0};
static const struct cflight_session_option INVALID_NAME = {.name = ITG_TEXT(INVALID),
                                                           .type = CFLIGHT_SESSION_VALUE_STRING,
                                                           .string_value =
                                                               ITG_TEXT("this won't get set")};
static const struct cflight_session_option INVALID_VALUE = {.name =
                                                                ITG_TEXT("key_with_invalid_value"),
                                                            .type = CFLIGHT_SESSION_VALUE_STRING,
                                                            .string_value = ITG_TEXT(INVALID)};
static const struct cflight_session_option BIG_LIST = {.name = ITG_TEXT("big_ol_string_list"),
                                                       .type = CFLIGHT_SESSION_VALUE_STRING_LIST,
                                                       .list_values = LIST,
                                                       .list_count = sizeof LIST / sizeof LIST[0]};
static const struct cflight_session_option BIG_TEXT = {
    .name = ITG_TEXT("big_ol_string_list"),
    .type = CFLIGHT_SESSION_VALUE_STRING,
    .string_value = ITG_TEXT("a,b,sea,dee, ,  ,geee,(づ｡◕‿‿◕｡)づ")};

static bool same_list(const struct cflight_session_option *a,
                      const struct cflight_session_option *b)
{
    if (a->list_count != b->list_count) {
        return false;
    }
    for (size_t i = 0; i < a->list_count; i++) {
        if (!cflight_bytes_equal(a->list_values[i], b->list_values[i])) {
            return false;
        }
    }
    return true;
}

static bool same_value(const struct cflight_session_option *a,
                       const struct cflight_session_option *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case CFLIGHT_SESSION_VALUE_NONE:
        return true;
    case CFLIGHT_SESSION_VALUE_STRING:
        return cflight_bytes_equal(a->string_value, b->string_value);
    case CFLIGHT_SESSION_VALUE_BOOL:
        return a->bool_value == b->bool_value;
    case CFLIGHT_SESSION_VALUE_INT64:
        return a->int64_value == b->int64_value;
    case CFLIGHT_SESSION_VALUE_DOUBLE:
        return a->double_value >= b->double_value && a->double_value <= b->double_value;
    case CFLIGHT_SESSION_VALUE_STRING_LIST:
        return same_list(a, b);
    }
    return false;
}

/* Gets the options: they must be these, in any order. */
static cflight_status expect_options(cflight_client *client,
                                     const struct cflight_session_option *expected, size_t count,
                                     cflight_error **reterr)
{
    struct cflight_session_options *actual = NULL;

    cflight_status status = cflight_client_get_session_options(client, NULL, &actual, reterr);
    if (status == CFLIGHT_OK && actual->count != count) {
        status = cflight_error_set(reterr, ITG_MISMATCH, "%zu options are set, expected %zu",
                                   actual->count, count);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < count; i++) {
        bool is_there = false;
        for (size_t k = 0; k < actual->count; k++) {
            is_there =
                is_there || (cflight_bytes_equal(actual->options[k].name, expected[i].name) &&
                             same_value(&actual->options[k], &expected[i]));
        }
        if (!is_there) {
            status = cflight_error_set(reterr, ITG_MISMATCH, "option %.*s is missing or other",
                                       (int)expected[i].name.len_bytes,
                                       (const char *)expected[i].name.data);
        }
    }
    cflight_session_options_free(actual);
    return status;
}

/* Sets options: these errors, in any order, must come back. */
static cflight_status set_options(cflight_client *client,
                                  const struct cflight_session_option *options, size_t count,
                                  const struct cflight_session_error *expected,
                                  size_t expected_count, cflight_error **reterr)
{
    struct cflight_session_options request = {options, count};
    struct cflight_session_errors *errors = NULL;

    cflight_status status =
        cflight_client_set_session_options(client, &request, NULL, &errors, reterr);
    if (status == CFLIGHT_OK && errors->count != expected_count) {
        status = cflight_error_set(reterr, ITG_MISMATCH, "%zu options were refused, expected %zu",
                                   errors->count, expected_count);
    }
    for (size_t i = 0; status == CFLIGHT_OK && i < expected_count; i++) {
        bool is_there = false;
        for (size_t k = 0; k < errors->count; k++) {
            is_there = is_there || (errors->errors[k].code == expected[i].code &&
                                    cflight_bytes_equal(errors->errors[k].name, expected[i].name));
        }
        if (!is_there) {
            status =
                cflight_error_set(reterr, ITG_MISMATCH, "option %.*s was not refused with code %d",
                                  (int)expected[i].name.len_bytes,
                                  (const char *)expected[i].name.data, (int)expected[i].code);
        }
    }
    cflight_session_errors_free(errors);
    return status;
}

static cflight_status set_first(cflight_client *client, cflight_error **reterr)
{
    const struct cflight_session_option options[] = {FOOLONG, BARDOUBLE, INVALID_NAME,
                                                     INVALID_VALUE, BIG_LIST};
    const struct cflight_session_error errors[] = {
        {INVALID_NAME.name, CFLIGHT_SESSION_ERROR_INVALID_NAME},
        {INVALID_VALUE.name, CFLIGHT_SESSION_ERROR_INVALID_VALUE},
    };
    const struct cflight_session_option kept[] = {FOOLONG, BARDOUBLE, BIG_LIST};

    cflight_status status = set_options(client, options, 5, errors, 2, reterr);
    return status == CFLIGHT_OK ? expect_options(client, kept, 3, reterr) : status;
}

static cflight_status set_second(cflight_client *client, cflight_error **reterr)
{
    const struct cflight_session_option options[] = {NO_FOOLONG, BIG_TEXT};
    const struct cflight_session_option kept[] = {BARDOUBLE, BIG_TEXT};

    cflight_status status = set_options(client, options, 2, NULL, 0, reterr);
    return status == CFLIGHT_OK ? expect_options(client, kept, 2, reterr) : status;
}

static cflight_status close_session(cflight_client *client, cflight_error **reterr)
{
    enum cflight_close_session_status outcome = CFLIGHT_CLOSE_SESSION_UNSPECIFIED;

    cflight_status status = cflight_client_close_session(client, NULL, &outcome, reterr);
    if (status == CFLIGHT_OK && outcome != CFLIGHT_CLOSE_SESSION_CLOSED) {
        status = cflight_error_set(reterr, ITG_MISMATCH, "CloseSession gave status %d, expected %d",
                                   (int)outcome, (int)CFLIGHT_CLOSE_SESSION_CLOSED);
    }
    return status;
}

static cflight_status run_client(const struct itg_target *target, cflight_error **reterr)
{
    struct cflight_client_middleware middleware = CFLIGHT_CLIENT_MIDDLEWARE_INIT;
    struct cflight_client_options options = CFLIGHT_CLIENT_OPTIONS_INIT;
    cflight_cookie_jar *jar = NULL;
    cflight_client *client = NULL;

    cflight_status status = cflight_cookie_jar_new(NULL, &jar, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    cflight_cookie_jar_middleware(jar, &middleware);
    options.middleware = &middleware;
    options.middleware_count = 1;
    status = cflight_client_new(target->location, &options, &client, reterr);
    if (status != CFLIGHT_OK) {
        middleware.release(middleware.user_data);
    }
    if (status == CFLIGHT_OK) {
        status = expect_options(client, NULL, 0, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = set_first(client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = set_second(client, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = close_session(client, reterr);
    }
    cflight_client_free(client);
    cflight_cookie_jar_unref(jar);
    return status;
}

const struct itg_scenario itg_session_options = {"session_options", make_service, run_client};
