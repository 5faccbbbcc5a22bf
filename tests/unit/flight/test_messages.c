/* SPDX-License-Identifier: Apache-2.0 */
/* Actions, credentials, bodies of the standard actions, and messages of one bytes field. Golden
 * bytes were made by pyarrow 25 where it offers the message. */
#include <stdlib.h>

#include "pb/single_field.h"
#include "values_support.h"

/* Goal: actions have the bytes that C++ gives them. Method: golden bytes, there and back. */
TEST(messages, actions_match_golden_bytes)
{
    struct cflight_action action = {t_text("t"), cflight_bytes_make("\0\1", 2)};
    t_check_golden(&cfl_value_action, &action, "0a017412020001");
    struct cflight_action empty = {t_text(""), t_text("")};
    t_check_golden(&cfl_value_action, &empty, "");
    assert_false(cflight_action_equal(&action, &empty));
    assert_true(cflight_action_equal(&action, &action));
    assert_false(cflight_action_equal(&action, NULL));
    struct cflight_action other = {t_text("t"), cflight_bytes_make("\0\2", 2)};
    assert_false(cflight_action_equal(&action, &other));
    struct cflight_action_type type = {t_text("foo"), t_text("b\xC3\xA4r")};
    t_check_golden(&cfl_value_action_type, &type, "0a03666f6f120462c3a472");
    t_check_refused(&cfl_value_action, t_text("\x0A\x01\x80"));
    t_check_refused(&cfl_value_action_type, t_text("\x12\x01\x80"));
}

/* Goal: credentials keep their field numbers 2 and 3. Method: golden bytes. */
TEST(messages, basic_auth_matches_golden_bytes)
{
    struct cflight_basic_auth basic_auth = {t_text("u"), t_text("p")};
    t_check_golden(&cfl_value_basic_auth, &basic_auth, "1201751a0170");
    struct cflight_basic_auth *parsed = NULL;
    CHECK_STATUS(cflight_basic_auth_parse(t_text("\x12\x01u\x1A\x01p"), &parsed, NULL), CFLIGHT_OK);
    t_check_bytes(parsed->username, "u");
    t_check_bytes(parsed->password, "p");
    cflight_basic_auth_free(parsed);
    cflight_basic_auth_free(NULL);
    t_check_refused(&cfl_value_basic_auth, t_text("\x12\x01\xFF"));
}

/* Looks for a text in memory that was given back. */
struct wipe_check {
    struct cflight_allocator allocator;
    size_t found_count;
    size_t released_count;
};

static void *wipe_allocate(void *user_data, size_t size_bytes, size_t alignment_bytes)
{
    (void)user_data;
    (void)alignment_bytes;
    return calloc(1, size_bytes);
}

static void *wipe_reallocate(void *user_data, void *memory, size_t old_size_bytes,
                             size_t new_size_bytes)
{
    (void)user_data;
    (void)old_size_bytes;
    return realloc(memory, new_size_bytes);
}

static void wipe_release(void *user_data, void *memory, size_t size_bytes)
{
    struct wipe_check *check = user_data;
    static const char SECRET[] = "hunter2hunter2";
    const char *bytes = memory;
    for (size_t i = 0; i + sizeof SECRET - 1 <= size_bytes; i++) {
        check->found_count += memcmp(bytes + i, SECRET, sizeof SECRET - 1) == 0;
    }
    check->released_count++;
    free(memory);
}

/* Goal: no memory that held a password is given back with it. Method: an allocator that looks; a
 * user name long enough for the arena to take chunks. */
TEST(messages, passwords_are_wiped_from_memory)
{
    struct wipe_check check = {.allocator = {&check, wipe_allocate, wipe_reallocate, wipe_release}};
    static char username[5000];
    memset(username, 'u', sizeof username - 1);
    struct cflight_basic_auth basic_auth = {t_text(username), t_text("hunter2hunter2")};
    cflight_buffer *buffer = NULL;
    CHECK_STATUS(cflight_basic_auth_serialize(&basic_auth, &buffer, NULL), CFLIGHT_OK);
    void *parsed = NULL;
    CHECK_STATUS(cfl_value_parse(&cfl_value_basic_auth, &check.allocator,
                                 cflight_buffer_bytes(buffer), &parsed, NULL),
                 CFLIGHT_OK);
    cflight_basic_auth_free(parsed);
    cflight_buffer_unref(buffer);
    assert_true(check.released_count >= 2);
    assert_int_equal(check.found_count, 0);
}

/* Goal: messages of one field have the bytes that C++ gives them. Method: golden bytes, there and
 * back. */
TEST(messages, one_field_messages_match_golden_bytes)
{
    cflight_buffer *buffer = NULL;
    cflight_buffer *body = NULL;
    CHECK_STATUS(cflight_ticket_serialize(t_text("abc"), &buffer, NULL), CFLIGHT_OK);
    t_check_hex(cflight_buffer_bytes(buffer), "0a03616263");
    CHECK_STATUS(cflight_ticket_parse(cflight_buffer_bytes(buffer), &body, NULL), CFLIGHT_OK);
    t_check_bytes(cflight_buffer_bytes(body), "abc");
    cflight_buffer_unref(body);
    cflight_buffer_unref(buffer);
    CHECK_STATUS(cflight_ticket_serialize(t_text(""), &buffer, NULL), CFLIGHT_OK);
    t_check_hex(cflight_buffer_bytes(buffer), "");
    cflight_buffer_unref(buffer);
    CHECK_STATUS(cflight_result_serialize(t_text("xyz"), &buffer, NULL), CFLIGHT_OK);
    t_check_hex(cflight_buffer_bytes(buffer), "0a0378797a");
    CHECK_STATUS(cflight_result_parse(cflight_buffer_bytes(buffer), &body, NULL), CFLIGHT_OK);
    t_check_bytes(cflight_buffer_bytes(body), "xyz");
    cflight_buffer_unref(body);
    cflight_buffer_unref(buffer);
    CHECK_STATUS(cflight_schema_result_serialize(t_text("s"), &buffer, NULL), CFLIGHT_OK);
    CHECK_STATUS(cflight_schema_result_parse(cflight_buffer_bytes(buffer), &body, NULL),
                 CFLIGHT_OK);
    t_check_bytes(cflight_buffer_bytes(body), "s");
    cflight_buffer_unref(body);
    cflight_buffer_unref(buffer);
}

/* Goal: reading one field in place agrees with protobuf-c. Method: hostile and odd bytes through
 * both. */
TEST(messages, one_field_messages_agree_with_protobuf)
{
    static const char *const cases[] = {
        "",
        "0a",
        "0a0161",
        "0a0261",
        "0a01610a0162",
        "0880",
        "1200",
        "12016161",
        "0d010203",
        "0901020304050607",
        "0b0c",
        "0a00",
        "0affffffffffffffffff01",
        "0a80808080808080808080",
        "00",
        "0200",
        "1801",
        "0a0161180120022a0161",
        "fa010161",
        "0f",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct t_hex bytes = t_unhex(cases[i]);
        struct cfl_arena arena;
        const ProtobufCMessage *message = NULL;
        struct cflight_bytes body = {NULL, 0};
        cfl_arena_init(&arena, NULL, SIZE_MAX);
        cflight_status reference =
            cfl_pb_unpack(&arena, &arrow__flight__protocol__ticket__descriptor, "Ticket",
                          HEX(bytes), &message, NULL);
        cflight_status status = cfl_single_field_read(HEX(bytes), 1, "Ticket", &body, NULL);
        if (status != reference) {
            fail_msg("%s: %d, protobuf-c %d", cases[i], (int)status, (int)reference);
        }
        if (status == CFLIGHT_OK) {
            assert_true(cflight_bytes_equal(
                body, cfl_pb_to_bytes(((const cfl_pb_ticket *)message)->ticket)));
        }
        cfl_arena_done(&arena);
    }
}

/* Goal: the requests of the standard actions wrap a value in field 1. Method: bytes by hand from
 * golden ones. */
TEST(messages, requests_wrap_their_value)
{
    struct cflight_info info = {.descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD}};
    t_check_golden(&cfl_value_cancel_request, &info, "0a0412020802");
    struct cflight_endpoint endpoint = {.ticket = t_text("x")};
    t_check_golden(&cfl_value_renew_request, &endpoint, "0a050a030a0178");
    t_check_refused(&cfl_value_cancel_request, t_text(""));
    t_check_refused(&cfl_value_renew_request, t_text(""));
}

/* Goal: results that are an enumerator survive, unknown numbers become UNSPECIFIED. Method: all of
 * them, and one more. */
TEST(messages, enumerated_results_survive)
{
    for (int i = 0; i <= 3; i++) {
        cflight_buffer *buffer = NULL;
        enum cflight_cancel_status cancel_status = CFLIGHT_CANCEL_STATUS_UNSPECIFIED;
        enum cflight_close_session_status close_status = CFLIGHT_CLOSE_SESSION_UNSPECIFIED;
        CHECK_STATUS(cflight_cancel_result_serialize((enum cflight_cancel_status)i, &buffer, NULL),
                     CFLIGHT_OK);
        CHECK_STATUS(
            cflight_cancel_result_parse(cflight_buffer_bytes(buffer), &cancel_status, NULL),
            CFLIGHT_OK);
        assert_int_equal(cancel_status, i);
        cflight_buffer_unref(buffer);
        CHECK_STATUS(
            cflight_close_result_serialize((enum cflight_close_session_status)i, &buffer, NULL),
            CFLIGHT_OK);
        CHECK_STATUS(cflight_close_result_parse(cflight_buffer_bytes(buffer), &close_status, NULL),
                     CFLIGHT_OK);
        assert_int_equal(close_status, i);
        cflight_buffer_unref(buffer);
    }
    enum cflight_cancel_status status = CFLIGHT_CANCEL_STATUS_CANCELLED;
    CHECK_STATUS(cflight_cancel_result_parse(t_text("\x08\x09"), &status, NULL), CFLIGHT_OK);
    assert_int_equal(status, CFLIGHT_CANCEL_STATUS_UNSPECIFIED);
    CHECK_STATUS(cflight_cancel_result_parse(t_text("\x08"), &status, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    cflight_buffer *buffer = NULL;
    CHECK_STATUS(cflight_cancel_result_serialize((enum cflight_cancel_status)4, &buffer, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(
        cflight_close_result_serialize((enum cflight_close_session_status)4, &buffer, NULL),
        CFLIGHT_INVALID_ARGUMENT);
}

static const struct cflight_bytes LIST[] = {{(const uint8_t *)"x", 1}, {NULL, 0}};

/* Goal: every type of a session option has the right field and wire type. Method: bytes by hand
 * from the field table. */
TEST(messages, session_options_match_bytes_written_by_hand)
{
    struct cflight_session_option all[] = {
        {.name = t_text("a"), .type = CFLIGHT_SESSION_VALUE_STRING, .string_value = t_text("s")},
        {.name = t_text("b"), .type = CFLIGHT_SESSION_VALUE_BOOL, .bool_value = false},
        {.name = t_text("c"), .type = CFLIGHT_SESSION_VALUE_INT64, .int64_value = -2},
        {.name = t_text("d"), .type = CFLIGHT_SESSION_VALUE_DOUBLE, .double_value = 0.5},
        {.name = t_text("e"),
         .type = CFLIGHT_SESSION_VALUE_STRING_LIST,
         .list_values = LIST,
         .list_count = 2},
        {.name = t_text("f"), .type = CFLIGHT_SESSION_VALUE_STRING_LIST},
        {.name = t_text("g"), .type = CFLIGHT_SESSION_VALUE_NONE},
        {.name = t_text("h"), .type = CFLIGHT_SESSION_VALUE_STRING},
    };
    struct cflight_session_options options = {all, sizeof all / sizeof all[0]};
    t_check_golden(&cfl_value_session_options, &options,
                   "0a080a016112030a0173"
                   "0a070a016212021000"
                   "0a0e0a0163120919feffffffffffffff"
                   "0a0e0a0164120921000000000000e03f"
                   "0a0c0a016512072a050a01780a00"
                   "0a070a016612022a00"
                   "0a050a01671200"
                   "0a070a016812020a00");
}

/* Goal: the last of several entries with one name counts. Method: three names, doubled, in no
 * order. */
TEST(messages, the_last_of_equal_names_counts)
{
    struct t_hex bytes = t_unhex("0a070a016212021001" /* b: true */
                                 "0a070a016112021000" /* a: false */
                                 "0a070a016212021000" /* b: false */
                                 "0a070a016112021001" /* a: true */
                                 "0a0612040a02787a"); /* "": "xz" */
    struct cflight_session_options *options = NULL;
    CHECK_STATUS(cflight_session_options_parse(HEX(bytes), &options, NULL), CFLIGHT_OK);
    assert_int_equal(options->count, 3);
    t_check_bytes(options->options[0].name, "");
    t_check_bytes(options->options[0].string_value, "xz");
    t_check_bytes(options->options[1].name, "a");
    assert_true(options->options[1].bool_value);
    t_check_bytes(options->options[2].name, "b");
    assert_false(options->options[2].bool_value);
    cflight_session_options_free(options);
    t_check_refused(&cfl_value_session_options, t_text("\x0A\x03\x0A\x01\xFF"));
}

/* Goal: session errors survive; unknown codes become UNSPECIFIED. Method: all codes, and one more.
 */
TEST(messages, session_errors_match_bytes_written_by_hand)
{
    struct cflight_session_error all[] = {
        {t_text("a"), CFLIGHT_SESSION_ERROR_UNSPECIFIED},
        {t_text("b"), CFLIGHT_SESSION_ERROR_INVALID_NAME},
        {t_text("c"), CFLIGHT_SESSION_ERROR_INVALID_VALUE},
        {t_text("d"), CFLIGHT_SESSION_ERROR_ERROR},
    };
    struct cflight_session_errors errors = {all, 4};
    t_check_golden(&cfl_value_session_errors, &errors,
                   "0a050a01611200"
                   "0a070a016212020801"
                   "0a070a016312020802"
                   "0a070a016412020803");
    struct cflight_session_errors *parsed = NULL;
    CHECK_STATUS(
        cflight_session_errors_parse(t_text("\x0A\x07\x0A\x01z\x12\x02\x08\x63"), &parsed, NULL),
        CFLIGHT_OK);
    assert_int_equal(parsed->errors[0].code, CFLIGHT_SESSION_ERROR_UNSPECIFIED);
    cflight_session_errors_free(parsed);
    all[0].code = (enum cflight_session_error_code)4;
    cflight_buffer *buffer = NULL;
    CHECK_STATUS(cflight_session_errors_serialize(&errors, &buffer, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
}

/* Goal: a map with very many entries costs no quadratic time. Method: 30,000 entries of one name.
 */
TEST(messages, many_equal_names_cost_no_quadratic_time)
{
    enum { COUNT = 30000 };
    static const uint8_t one[] = {0x0A, 0x07, 0x0A, 0x01, 'k', 0x12, 0x02, 0x10, 0x01};
    uint8_t *bytes = malloc(COUNT * sizeof one);
    assert_non_null(bytes);
    for (size_t i = 0; i < COUNT; i++) {
        memcpy(bytes + i * sizeof one, one, sizeof one);
    }
    struct cflight_session_options *options = NULL;
    CHECK_STATUS(cflight_session_options_parse(cflight_bytes_make(bytes, COUNT * sizeof one),
                                               &options, NULL),
                 CFLIGHT_OK);
    assert_int_equal(options->count, 1);
    cflight_session_options_free(options);
    free(bytes);
}

/* Goal: values that cannot be sent are refused. Method: an unknown type, texts that are not UTF-8,
 * missing arrays. */
TEST(messages, invalid_session_options_are_not_sent)
{
    struct cflight_session_option option = {.name = t_text("a"),
                                            .type = (enum cflight_session_value_type)6};
    struct cflight_session_options options = {&option, 1};
    cflight_buffer *buffer = NULL;
    CHECK_STATUS(cflight_session_options_serialize(&options, &buffer, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    option.type = CFLIGHT_SESSION_VALUE_STRING;
    option.string_value = t_text("\xFF");
    CHECK_STATUS(cflight_session_options_serialize(&options, &buffer, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    option.type = CFLIGHT_SESSION_VALUE_STRING_LIST;
    option.list_count = 1;
    CHECK_STATUS(cflight_session_options_serialize(&options, &buffer, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    option.list_values = &option.string_value;
    CHECK_STATUS(cflight_session_options_serialize(&options, &buffer, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    option.type = CFLIGHT_SESSION_VALUE_NONE;
    option.name = t_text("\xFF");
    CHECK_STATUS(cflight_session_options_serialize(&options, &buffer, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    options.options = NULL;
    CHECK_STATUS(cflight_session_options_serialize(&options, &buffer, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_null(buffer);
}

#define ALL_OPTIONS_HEX                                                                            \
    "0a080a016112030a01730a070a0162120210010a0e0a0163120919feffffffffffffff0a0e0a0164120921000000" \
    "0"                                                                                            \
    "00000e03f0a0c0a016512072a050a01780a000a050a01671200"

/* Goal: hostile bytes are refused or understood, never worse. Method: truncations and bit flips,
 * best under ASan. */
TEST(messages, hostile_bytes_do_no_harm)
{
    t_check_hostile(&cfl_value_action, "0a017412020001");
    t_check_hostile(&cfl_value_action_type, "0a03666f6f120462c3a472");
    t_check_hostile(&cfl_value_basic_auth, "1201751a0170");
    t_check_hostile(&cfl_value_cancel_request, "0a0412020802");
    t_check_hostile(&cfl_value_renew_request, "0a050a030a0178");
    t_check_hostile(&cfl_value_session_options, ALL_OPTIONS_HEX);
    t_check_hostile(&cfl_value_session_errors, "0a050a016112000a070a016212020801");
}

/* Goal: no allocation failure is more than an error. Method: fail each in turn. */
TEST(messages, every_allocation_failure_is_reported)
{
    t_check_each_alloc_failure(&cfl_value_action, "0a017412020001");
    t_check_each_alloc_failure(&cfl_value_action_type, "0a03666f6f120462c3a472");
    t_check_each_alloc_failure(&cfl_value_basic_auth, "1201751a0170");
    t_check_each_alloc_failure(&cfl_value_cancel_request, "0a0412020802");
    t_check_each_alloc_failure(&cfl_value_renew_request, "0a050a030a0178");
    t_check_each_alloc_failure(&cfl_value_session_options, ALL_OPTIONS_HEX);
    t_check_each_alloc_failure(&cfl_value_session_errors, "0a050a016112000a070a016212020801");
}
