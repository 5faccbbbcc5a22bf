/* SPDX-License-Identifier: Apache-2.0 */
/* Errors on the wire: what is sent for each status, and what is made of what a peer sent. */
#include "flight/value/error_wire.h"

#include <stdio.h>

#include "test.h"

struct wire {
    struct cfl_buf message;
    struct cfl_metadata trailers;
};

static void wire_init(struct wire *wire)
{
    cfl_buf_init(&wire->message, NULL);
    cfl_metadata_init(&wire->trailers, NULL);
}

static void wire_done(struct wire *wire)
{
    cfl_buf_done(&wire->message);
    cfl_metadata_done(&wire->trailers);
}

static void check_bytes(struct cflight_bytes actual, const char *expected)
{
    struct cflight_bytes wanted = cflight_bytes_from_text(expected);
    if (!cflight_bytes_equal(actual, wanted)) {
        fail_msg("'%.*s' is not '%s'", (int)actual.len_bytes, (const char *)actual.data, expected);
    }
}

/* NULL `expected` means that the field must be absent. */
static void check_field(const struct wire *wire, const char *name, const char *expected)
{
    struct cflight_bytes value = {NULL, 0};
    bool found = cfl_metadata_get(&wire->trailers, name, &value);
    assert_int_equal(found, expected != NULL);
    if (found) {
        check_bytes(value, expected);
    }
}

static void send(struct wire *wire, cflight_status status, const cflight_error *error)
{
    cfl_error_to_peer(status, error, &wire->message, &wire->trailers);
}

static void add(struct cfl_metadata *metadata, const char *name, const char *value)
{
    CHECK_OK(cfl_metadata_add_unchecked(metadata, cflight_bytes_from_text(name),
                                        cflight_bytes_from_text(value), NULL),
             NULL);
}

/* Goal: a plain error arrives at a pyarrow client as the exception that fits its status.
 * Method: send one error per status and compare with the table of the C++ client. */
TEST(error_wire, a_plain_error_sends_what_follows_from_its_status)
{
    static const struct {
        cflight_status status;
        const char *arrow_code;
        const char *detail;
    } cases[] = {
        {CFLIGHT_CANCELLED, "8", NULL},
        {CFLIGHT_UNKNOWN, "9", "Failed"},
        {CFLIGHT_INVALID_ARGUMENT, "4", NULL},
        {CFLIGHT_DEADLINE_EXCEEDED, "5", "TimedOut"},
        {CFLIGHT_NOT_FOUND, "2", NULL},
        {CFLIGHT_ALREADY_EXISTS, "45", NULL},
        {CFLIGHT_PERMISSION_DENIED, "5", "Unauthorized"},
        {CFLIGHT_RESOURCE_EXHAUSTED, NULL, NULL},
        {CFLIGHT_FAILED_PRECONDITION, NULL, NULL},
        {CFLIGHT_ABORTED, NULL, NULL},
        {CFLIGHT_OUT_OF_RANGE, NULL, NULL},
        {CFLIGHT_UNIMPLEMENTED, "10", NULL},
        {CFLIGHT_INTERNAL, "5", "Internal"},
        {CFLIGHT_UNAVAILABLE, "5", "Unavailable"},
        {CFLIGHT_DATA_LOSS, NULL, NULL},
        {CFLIGHT_UNAUTHENTICATED, "5", "Unauthenticated"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cflight_error *error = NULL;
        struct wire wire;
        wire_init(&wire);
        (void)cflight_error_set_message(&error, cases[i].status, "no such thing");
        send(&wire, cases[i].status, error);
        check_field(&wire, "x-arrow-status", cases[i].arrow_code);
        check_field(&wire, "x-arrow-status-detail-bin", cases[i].detail);
        check_field(&wire, "x-arrow-status-message-bin",
                    cases[i].arrow_code == NULL ? NULL : "no such thing");
        check_field(&wire, "grpc-status-details-bin", NULL);
        char text[64];
        (void)snprintf(text, sizeof text, "no such thing%s%s",
                       cases[i].detail == NULL ? "" : ". Detail: ",
                       cases[i].detail == NULL ? "" : cases[i].detail);
        check_bytes(cfl_buf_bytes(&wire.message), text);
        wire_done(&wire);
        cflight_error_free(error);
    }
}

/* Goal: success says nothing. Method: send OK. */
TEST(error_wire, ok_writes_nothing)
{
    struct wire wire;
    wire_init(&wire);
    send(&wire, CFLIGHT_OK, NULL);
    assert_int_equal(wire.message.len_bytes, 0);
    assert_int_equal(wire.trailers.count, 0);
    wire_done(&wire);
}

/* Goal: a handler that leaves no error still gives clients the right exception.
 * Method: send a status without an error. */
TEST(error_wire, a_missing_error_sends_codes_and_no_text)
{
    struct wire wire;
    wire_init(&wire);
    send(&wire, CFLIGHT_NOT_FOUND, NULL);
    check_bytes(cfl_buf_bytes(&wire.message), "");
    check_field(&wire, "x-arrow-status", "2");
    check_field(&wire, "x-arrow-status-message-bin", "");
    wire_done(&wire);
}

/* Goal: what a handler says explicitly wins. Method: set each setter in turn. */
TEST(error_wire, explicit_codes_win_over_the_status)
{
    struct wire wire;
    cflight_error *error = NULL;
    (void)cflight_error_set_message(&error, CFLIGHT_INTERNAL, "m");
    cflight_error_set_flight_code(error, CFLIGHT_FLIGHT_CODE_FAILED);
    wire_init(&wire);
    send(&wire, CFLIGHT_INTERNAL, error);
    check_field(&wire, "x-arrow-status", "5");
    check_field(&wire, "x-arrow-status-detail-bin", "Failed");
    wire_done(&wire);

    /* As the Python module does for a KeyError. */
    (void)cflight_error_set_message(&error, CFLIGHT_NOT_FOUND, "'k'");
    cflight_error_set_arrow_code(error, 2);
    cflight_error_set_detail(error, "Python exception: KeyError");
    wire_init(&wire);
    send(&wire, CFLIGHT_NOT_FOUND, error);
    check_field(&wire, "x-arrow-status", "2");
    check_field(&wire, "x-arrow-status-detail-bin", "Python exception: KeyError");
    check_bytes(cfl_buf_bytes(&wire.message), "'k'. Detail: Python exception: KeyError");
    wire_done(&wire);

    /* An explicit Arrow code without a detail sends none, as C++ does for a plain status. */
    (void)cflight_error_set_message(&error, CFLIGHT_UNKNOWN, "Flight error: m");
    cflight_error_set_arrow_code(error, 9);
    wire_init(&wire);
    send(&wire, CFLIGHT_UNKNOWN, error);
    check_field(&wire, "x-arrow-status", "9");
    check_field(&wire, "x-arrow-status-detail-bin", NULL);
    wire_done(&wire);
    cflight_error_free(error);
}

/* Goal: extra info travels with any status. Method: send it with one that Arrow has no code for. */
TEST(error_wire, extra_info_is_sent_with_the_nearest_code)
{
    struct wire wire;
    cflight_error *error = NULL;
    (void)cflight_error_set_message(&error, CFLIGHT_RESOURCE_EXHAUSTED, "m");
    cflight_error_set_extra_info(error, cflight_bytes_make("\0\xFFx", 3));
    wire_init(&wire);
    send(&wire, CFLIGHT_RESOURCE_EXHAUSTED, error);
    check_field(&wire, "x-arrow-status", "4");
    struct cflight_bytes value = {NULL, 0};
    assert_true(cfl_metadata_get(&wire.trailers, "grpc-status-details-bin", &value));
    assert_true(cflight_bytes_equal(value, cflight_bytes_make("\0\xFFx", 3)));
    wire_done(&wire);
    cflight_error_free(error);
}

/* Goal: the four fields of a C++ peer arrive in the error. Method: one error with all of them. */
TEST(error_wire, all_fields_of_a_peer_are_understood)
{
    struct cfl_metadata trailers;
    cfl_metadata_init(&trailers, NULL);
    add(&trailers, "x-arrow-status", "5");
    add(&trailers, "x-arrow-status-message-bin", "foo");
    add(&trailers, "x-arrow-status-detail-bin", "Unavailable");
    add(&trailers, "grpc-status-details-bin", "extra");
    add(&trailers, "x-custom", "1");
    cflight_error *error = NULL;
    CHECK_STATUS(cfl_error_from_peer(CFLIGHT_UNAVAILABLE, "foo. Detail: Unavailable", &trailers,
                                     NULL, &error),
                 CFLIGHT_UNAVAILABLE);
    CHECK_STATUS(cflight_error_status(error), CFLIGHT_UNAVAILABLE);
    assert_string_equal(cflight_error_message(error), "foo");
    assert_string_equal(cflight_error_detail(error), "Unavailable");
    assert_int_equal(cflight_error_arrow_code(error), 5);
    assert_int_equal(cflight_error_flight_code(error), CFLIGHT_FLIGHT_CODE_UNAVAILABLE);
    check_bytes(cflight_error_extra_info(error), "extra");
    assert_int_equal(cflight_error_trailer_count(error), 5);
    check_bytes(cflight_error_trailer(error, 4).name, "x-custom");
    cflight_error_free(error);
    cfl_metadata_done(&trailers);
}

/* Goal: a bare gRPC status, as Java, Go and Rust servers send, gives the code that belongs to it,
 * and extra info even so. Method: no x-arrow fields. */
TEST(error_wire, a_bare_status_gives_the_derived_code_and_keeps_extra_info)
{
    struct cfl_metadata trailers;
    cfl_metadata_init(&trailers, NULL);
    add(&trailers, "grpc-status-details-bin", "any");
    cflight_error *error = NULL;
    CHECK_STATUS(cfl_error_from_peer(CFLIGHT_NOT_FOUND, "gone", &trailers, NULL, &error),
                 CFLIGHT_NOT_FOUND);
    assert_string_equal(cflight_error_message(error), "gone");
    assert_int_equal(cflight_error_arrow_code(error), -1);
    assert_int_equal(cflight_error_flight_code(error), CFLIGHT_FLIGHT_CODE_NONE);
    check_bytes(cflight_error_extra_info(error), "any");
    cflight_error_free(error);
    error = NULL;
    CHECK_STATUS(cfl_error_from_peer(CFLIGHT_ABORTED, NULL, NULL, NULL, &error), CFLIGHT_ABORTED);
    assert_string_equal(cflight_error_message(error), "");
    assert_int_equal(cflight_error_flight_code(error), CFLIGHT_FLIGHT_CODE_INTERNAL);
    cflight_error_free(error);
    cfl_metadata_done(&trailers);
}

/* Goal: extra info of a C++ peer is a Flight error's. Method: a status that has no Flight code of
 * its own. */
TEST(error_wire, extra_info_with_an_arrow_status_makes_a_flight_error)
{
    struct cfl_metadata trailers;
    cfl_metadata_init(&trailers, NULL);
    add(&trailers, "x-arrow-status", "4");
    add(&trailers, "grpc-status-details-bin", "any");
    cflight_error *error = NULL;
    (void)cfl_error_from_peer(CFLIGHT_INVALID_ARGUMENT, "m", &trailers, NULL, &error);
    assert_int_equal(cflight_error_flight_code(error), CFLIGHT_FLIGHT_CODE_INTERNAL);
    cflight_error_free(error);
    cfl_metadata_done(&trailers);
}

/* Goal: fields that a peer put into its headers are found, those in trailers first.
 * Method: the same name in both. */
TEST(error_wire, headers_are_searched_after_trailers)
{
    struct cfl_metadata trailers;
    struct cfl_metadata headers;
    cfl_metadata_init(&trailers, NULL);
    cfl_metadata_init(&headers, NULL);
    add(&headers, "x-arrow-status", "2");
    add(&headers, "x-arrow-status-message-bin", "from headers");
    add(&trailers, "x-arrow-status", "4");
    cflight_error *error = NULL;
    (void)cfl_error_from_peer(CFLIGHT_UNKNOWN, "m", &trailers, &headers, &error);
    assert_int_equal(cflight_error_arrow_code(error), 4);
    assert_string_equal(cflight_error_message(error), "from headers");
    cflight_error_free(error);
    cfl_metadata_done(&trailers);
    cfl_metadata_done(&headers);
}

/* Goal: a peer's bytes never break the error. Method: codes that are none, texts that are not
 * UTF-8, statuses out of range. */
TEST(error_wire, hostile_fields_are_repaired_or_ignored)
{
    static const char *const bad_codes[] = {"", "0", "12", "-1", "9999999999", "4x", " 4", "46"};
    for (size_t i = 0; i < sizeof bad_codes / sizeof bad_codes[0]; i++) {
        struct cfl_metadata trailers;
        cfl_metadata_init(&trailers, NULL);
        add(&trailers, "x-arrow-status", bad_codes[i]);
        cflight_error *error = NULL;
        (void)cfl_error_from_peer(CFLIGHT_NOT_FOUND, "m", &trailers, NULL, &error);
        assert_int_equal(cflight_error_arrow_code(error), -1);
        cflight_error_free(error);
        cfl_metadata_done(&trailers);
    }
    struct cfl_metadata trailers;
    cfl_metadata_init(&trailers, NULL);
    CHECK_OK(cfl_metadata_add_unchecked(
                 &trailers, cflight_bytes_from_text("x-arrow-status-message-bin"),
                 cflight_bytes_make("a\0b\xC0\xAF\xED\xA0\x80\xE2\x82\xAC\xF0", 12), NULL),
             NULL);
    cflight_error *error = NULL;
    CHECK_STATUS(cfl_error_from_peer(99, "m", &trailers, NULL, &error), CFLIGHT_UNKNOWN);
    assert_string_equal(
        cflight_error_message(error),
        "a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xE2\x82\xAC\xEF\xBF\xBD");
    cflight_error_free(error);
    CHECK_STATUS(cfl_error_from_peer(CFLIGHT_INTERNAL, "m", &trailers, NULL, NULL),
                 CFLIGHT_INTERNAL);
    cfl_metadata_done(&trailers);
}

/* Goal: an error survives the way to a peer and back. Method: send, receive, compare. */
TEST(error_wire, what_is_sent_is_what_arrives)
{
    for (cflight_status status = CFLIGHT_CANCELLED; status <= CFLIGHT_UNAUTHENTICATED; status++) {
        cflight_error *sent = NULL;
        cflight_error *received = NULL;
        struct wire wire;
        wire_init(&wire);
        (void)cflight_error_set_message(&sent, status, "text");
        send(&wire, status, sent);
        assert_true(cfl_buf_append_u8(&wire.message, 0));
        CHECK_STATUS(cfl_error_from_peer(status, (const char *)wire.message.data, &wire.trailers,
                                         NULL, &received),
                     status);
        assert_string_equal(cflight_error_message(received), "text");
        assert_int_equal(cflight_error_flight_code(received), cfl_flight_code_of(status));
        cflight_error_free(sent);
        cflight_error_free(received);
        wire_done(&wire);
    }
}
