/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, endpoints, infos and polls: their bytes, equality and texts. Golden bytes were made
 * by pyarrow 25, but for PollInfo, which pyarrow does not offer. */
#include <stdlib.h>

#include "cflight/ipc.h"
#include "values_support.h"

#define SCHEMA_HEX                                                                                 \
    "ffffffff780000001000000000000a000c000600050008000a000000000104000c00000008000800000004000800" \
    "0"                                                                                            \
    "000040000000100000014000000100014000800060007000c00000010001000000000000102100000001c0000000" \
    "4"                                                                                            \
    "00000000000000010000006100000008000c0008000700080000000000000140000000"
#define INFO_HEX                                                                 \
    "0a8001" SCHEMA_HEX                                                          \
    "120508011a01701a140a040a02746b120c0a0a677270633a2f2f683a312001282a30013a02" \
    "6d64"
#define ENDPOINT_HEX                                                                               \
    "0a040a02746b120c0a0a677270633a2f2f683a3112100a0e677270632b746c733a2f2f683a321a0b08f0d5b5a106" \
    "10"                                                                                           \
    "959aef3a22026d64"
#define PATH_HEX "08011a01611a02c3a91a00"
#define MINIMAL_INFO_HEX "1202080220ffffffffffffffffff0128ffffffffffffffffff01"

static const struct cflight_bytes PATH[] = {
    {(const uint8_t *)"a", 1}, {(const uint8_t *)"\xC3\xA9", 2}, {NULL, 0}};
static const struct cflight_bytes LOCATIONS[] = {{(const uint8_t *)"grpc://h:1", 10},
                                                 {(const uint8_t *)"grpc+tls://h:2", 14}};

static struct cflight_descriptor path_descriptor(size_t count)
{
    struct cflight_descriptor descriptor = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = PATH, .path_count = count};
    return descriptor;
}

static struct cflight_descriptor cmd_descriptor(const char *cmd)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD, .cmd = t_text(cmd)};
    return descriptor;
}

static struct cflight_endpoint full_endpoint(void)
{
    struct cflight_endpoint endpoint = {
        .ticket = t_text("tk"),
        .locations = LOCATIONS,
        .location_count = 2,
        .expiration_time = {true, INT64_C(1680698096123456789)},
        .app_metadata = t_text("md"),
    };
    return endpoint;
}

static struct cflight_info minimal_info(void)
{
    struct cflight_info info = {
        .descriptor = cmd_descriptor(""), .total_records = -1, .total_bytes = -1};
    return info;
}

static void check_text(char *text, cflight_status status, const char *expected)
{
    CHECK_STATUS(status, CFLIGHT_OK);
    assert_string_equal(text, expected);
    cflight_text_free(text);
}

/* Goal: descriptors have the bytes that C++ gives them. Method: golden bytes, there and back. */
TEST(values, descriptors_match_golden_bytes)
{
    struct cflight_descriptor descriptor = cmd_descriptor("foo");
    t_check_golden(&cfl_value_descriptor, &descriptor, "08021203666f6f");
    descriptor = cmd_descriptor("");
    t_check_golden(&cfl_value_descriptor, &descriptor, "0802");
    descriptor = path_descriptor(3);
    t_check_golden(&cfl_value_descriptor, &descriptor, PATH_HEX);
    descriptor = path_descriptor(0);
    t_check_golden(&cfl_value_descriptor, &descriptor, "0801");
}

/* Goal: an UNKNOWN descriptor is written as a command, and never accepted. Method: write one, read
 * its forms. */
TEST(values, an_unknown_descriptor_is_sent_as_a_command_and_refused_when_received)
{
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_UNKNOWN, .cmd = t_text("x")};
    cflight_buffer *buffer = NULL;
    CHECK_STATUS(cflight_descriptor_serialize(&descriptor, &buffer, NULL), CFLIGHT_OK);
    t_check_hex(cflight_buffer_bytes(buffer), "0802120178");
    cflight_buffer_unref(buffer);
    t_check_refused(&cfl_value_descriptor, t_text(""));
    t_check_refused(&cfl_value_descriptor, cflight_bytes_make("\x08\x00", 2));
    t_check_refused(&cfl_value_descriptor, t_text("\x08\x03"));
    t_check_refused(&cfl_value_descriptor, t_text("\x08\xFF\xFF\xFF\xFF\x0F"));
}

/* Goal: texts of a peer are UTF-8 or refused, as with C++; commands are any bytes. Method: a broken
 * path element. */
TEST(values, a_path_must_be_utf8_in_both_directions)
{
    t_check_refused(&cfl_value_descriptor, t_text("\x08\x01\x1A\x01\xFF"));
    struct cflight_bytes element = t_text("\xC0\x80");
    struct cflight_descriptor descriptor = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = &element, .path_count = 1};
    cflight_buffer *buffer = NULL;
    CHECK_STATUS(cflight_descriptor_serialize(&descriptor, &buffer, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_null(buffer);
    descriptor = cmd_descriptor("\xC0\x80");
    t_check_golden(&cfl_value_descriptor, &descriptor, "08021202c080");
}

/* Goal: zero bytes in texts are kept. Method: a path element that has one. */
TEST(values, a_path_element_may_hold_a_zero_byte)
{
    struct cflight_bytes element = cflight_bytes_make("a\0b", 3);
    struct cflight_descriptor descriptor = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = &element, .path_count = 1};
    t_check_golden(&cfl_value_descriptor, &descriptor, "08011a03610062");
}

/* Goal: equality is by type and content, and UNKNOWN equals nothing. Method: all pairs of a few
 * descriptors. */
TEST(values, descriptors_equal_only_themselves)
{
    struct cflight_descriptor all[] = {
        cmd_descriptor(""),  cmd_descriptor("a"), path_descriptor(0),
        path_descriptor(1),  path_descriptor(2),  {.type = CFLIGHT_DESCRIPTOR_UNKNOWN},
        cmd_descriptor("b"),
    };
    const size_t count = sizeof all / sizeof all[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            bool expected = i == j && all[i].type != CFLIGHT_DESCRIPTOR_UNKNOWN;
            assert_int_equal(cflight_descriptor_equal(&all[i], &all[j]), expected);
        }
        assert_false(cflight_descriptor_equal(&all[i], NULL));
    }
    assert_true(cflight_descriptor_equal(NULL, NULL));
}

/* Goal: a copy is deep and independent. Method: copy a path whose elements are then overwritten. */
TEST(values, a_copied_descriptor_owns_its_bytes)
{
    char text[] = "name";
    struct cflight_bytes element = t_text(text);
    struct cflight_descriptor descriptor = {
        .type = CFLIGHT_DESCRIPTOR_PATH, .path = &element, .path_count = 1};
    struct cflight_descriptor *copy = NULL;
    CHECK_STATUS(cflight_descriptor_copy(&descriptor, &copy, NULL), CFLIGHT_OK);
    memset(text, 'x', sizeof text - 1);
    t_check_bytes(copy->path[0], "name");
    cflight_descriptor_free(copy);
    CHECK_STATUS(cflight_descriptor_copy(NULL, &copy, NULL), CFLIGHT_INVALID_ARGUMENT);
    descriptor.path = NULL;
    CHECK_STATUS(cflight_descriptor_copy(&descriptor, &copy, NULL), CFLIGHT_INVALID_ARGUMENT);
    descriptor.type = (enum cflight_descriptor_type)7;
    CHECK_STATUS(cflight_descriptor_copy(&descriptor, &copy, NULL), CFLIGHT_INVALID_ARGUMENT);
}

/* Goal: endpoints have the bytes that C++ gives them. Method: golden bytes, there and back. */
TEST(values, endpoints_match_golden_bytes)
{
    struct cflight_endpoint endpoint = {.ticket = t_text("")};
    t_check_golden(&cfl_value_endpoint, &endpoint, "0a00");
    endpoint = full_endpoint();
    t_check_golden(&cfl_value_endpoint, &endpoint, ENDPOINT_HEX);
    struct cflight_endpoint epoch = {.ticket = t_text("x"), .expiration_time = {true, 0}};
    t_check_golden(&cfl_value_endpoint, &epoch, "0a030a01781a00");
}

/* Goal: times before 1970 have nanos that count forward, and the C++ form is read too. Method: -1.5
 * s both ways. */
TEST(values, times_before_1970_are_rounded_down)
{
    struct cflight_endpoint endpoint = {.ticket = t_text("x"),
                                        .expiration_time = {true, INT64_C(-1500000000)}};
    t_check_golden(&cfl_value_endpoint, &endpoint,
                   "0a030a01781a1108feffffffffffffffff011080cab5ee01");
    struct t_hex upstream = t_unhex("0a030a01781a1608ffffffffffffffffff011080b6ca91feffffffff01");
    struct cflight_endpoint *parsed = NULL;
    CHECK_STATUS(cflight_endpoint_parse(HEX(upstream), &parsed, NULL), CFLIGHT_OK);
    assert_true(parsed->expiration_time.unix_ns == INT64_C(-1500000000));
    cflight_endpoint_free(parsed);
}

/* Goal: a time that nanoseconds cannot hold becomes the nearest. Method: the year 9999, and its
 * mirror. */
TEST(values, times_out_of_range_are_clamped)
{
    cfl_pb_timestamp message = ARROW__FLIGHT__PROTOCOL__TIMESTAMP__INIT;
    message.seconds = INT64_C(253402300799);
    message.nanos = 999999999;
    assert_true(cfl_time_from_message(&message).unix_ns == INT64_MAX);
    message.seconds = INT64_C(-62135596800);
    message.nanos = 0;
    assert_true(cfl_time_from_message(&message).unix_ns == INT64_MIN);
    message.seconds = 9223372036;
    message.nanos = 854775807;
    assert_true(cfl_time_from_message(&message).unix_ns == INT64_MAX);
    message.nanos = 854775806;
    assert_true(cfl_time_from_message(&message).unix_ns == INT64_MAX - 1);
    assert_false(cfl_time_from_message(NULL).has_value);
}

/* Goal: endpoints are compared in every field. Method: change one field at a time. */
TEST(values, endpoints_differ_by_every_field)
{
    const struct cflight_endpoint base = full_endpoint();
    struct cflight_endpoint other = base;
    assert_true(cflight_endpoint_equal(&base, &other));
    other.ticket = t_text("tl");
    assert_false(cflight_endpoint_equal(&base, &other));
    other = base;
    other.location_count = 1;
    assert_false(cflight_endpoint_equal(&base, &other));
    other = base;
    struct cflight_bytes swapped[] = {LOCATIONS[1], LOCATIONS[0]};
    other.locations = swapped;
    assert_false(cflight_endpoint_equal(&base, &other));
    other = base;
    other.expiration_time.unix_ns++;
    assert_false(cflight_endpoint_equal(&base, &other));
    other.expiration_time.has_value = false;
    assert_false(cflight_endpoint_equal(&base, &other));
    other = base;
    other.app_metadata = t_text("");
    assert_false(cflight_endpoint_equal(&base, &other));
    assert_false(cflight_endpoint_equal(&base, NULL));
    assert_true(cflight_endpoint_equal(NULL, NULL));
}

/* Goal: infos have the bytes that C++ gives them. Method: golden bytes, there and back. */
TEST(values, infos_match_golden_bytes)
{
    struct cflight_info info = minimal_info();
    t_check_golden(&cfl_value_info, &info, MINIMAL_INFO_HEX);
    info.total_records = 0;
    info.total_bytes = 0;
    t_check_golden(&cfl_value_info, &info, "12020802");
    struct t_hex schema = t_unhex(SCHEMA_HEX);
    struct cflight_bytes path = t_text("p");
    struct cflight_endpoint endpoint = {
        .ticket = t_text("tk"), .locations = LOCATIONS, .location_count = 1};
    struct cflight_info full = {
        .schema = HEX(schema),
        .descriptor = {.type = CFLIGHT_DESCRIPTOR_PATH, .path = &path, .path_count = 1},
        .endpoints = &endpoint,
        .endpoint_count = 1,
        .total_records = 1,
        .total_bytes = 42,
        .ordered = true,
        .app_metadata = t_text("md"),
    };
    t_check_golden(&cfl_value_info, &full, INFO_HEX);
}

/* Goal: an info without a descriptor is read, one with an UNKNOWN descriptor is not. Method: both.
 */
TEST(values, an_info_may_lack_its_descriptor)
{
    struct cflight_info *info = NULL;
    CHECK_STATUS(cflight_info_parse(t_text("\x30\x01"), &info, NULL), CFLIGHT_OK);
    assert_int_equal(info->descriptor.type, CFLIGHT_DESCRIPTOR_UNKNOWN);
    assert_true(info->ordered);
    assert_true(cflight_info_equal(info, info));
    cflight_info_free(info);
    t_check_refused(&cfl_value_info, cflight_bytes_make("\x12\x00", 2));
    t_check_refused(&cfl_value_info,
                    t_text("\x1A\x05\x12\x03\x0A\x01\xFF")); /* a location that is not UTF-8 */
}

/* Goal: infos are compared in every field. Method: change one field at a time. */
TEST(values, infos_differ_by_every_field)
{
    struct cflight_endpoint endpoint = full_endpoint();
    struct cflight_info base = minimal_info();
    base.endpoints = &endpoint;
    base.endpoint_count = 1;
    struct cflight_info other = base;
    assert_true(cflight_info_equal(&base, &other));
    other.schema = t_text("x");
    assert_false(cflight_info_equal(&base, &other));
    other = base;
    other.descriptor = cmd_descriptor("x");
    assert_false(cflight_info_equal(&base, &other));
    other = base;
    other.endpoint_count = 0;
    assert_false(cflight_info_equal(&base, &other));
    other = base;
    struct cflight_endpoint changed = endpoint;
    changed.location_count = 0;
    other.endpoints = &changed;
    assert_false(cflight_info_equal(&base, &other));
    other = base;
    other.total_records = 0;
    assert_false(cflight_info_equal(&base, &other));
    other = base;
    other.total_bytes = 0;
    assert_false(cflight_info_equal(&base, &other));
    other = base;
    other.ordered = true;
    assert_false(cflight_info_equal(&base, &other));
    other = base;
    other.app_metadata = t_text("x");
    assert_false(cflight_info_equal(&base, &other));
    assert_false(cflight_info_equal(&base, NULL));
}

/* Goal: every combination of present and absent members of a poll survives. Method: all sixteen,
 * there and back. */
TEST(values, polls_keep_what_is_present_and_what_is_not)
{
    struct cflight_info info = minimal_info();
    struct cflight_descriptor descriptor = cmd_descriptor("poll");
    for (unsigned int bits = 0; bits < 16; bits++) {
        struct cflight_poll_info poll = {
            .info = bits & 1 ? &info : NULL,
            .descriptor = bits & 2 ? &descriptor : NULL,
            .has_progress = (bits & 4) != 0,
            .expiration_time = {(bits & 8) != 0, 0},
        };
        cflight_buffer *buffer = NULL;
        struct cflight_poll_info *parsed = NULL;
        CHECK_STATUS(cflight_poll_info_serialize(&poll, &buffer, NULL), CFLIGHT_OK);
        CHECK_STATUS(cflight_poll_info_parse(cflight_buffer_bytes(buffer), &parsed, NULL),
                     CFLIGHT_OK);
        assert_true(cflight_poll_info_equal(&poll, parsed));
        assert_int_equal(parsed->has_progress, poll.has_progress);
        assert_int_equal(parsed->info != NULL, poll.info != NULL);
        assert_int_equal(parsed->descriptor != NULL, poll.descriptor != NULL);
        assert_int_equal(parsed->expiration_time.has_value, poll.expiration_time.has_value);
        for (unsigned int bit = 0; bit < 4; bit++) {
            struct cflight_poll_info other = poll;
            other.info = (bits ^ 1u << bit) & 1 ? &info : NULL;
            other.descriptor = (bits ^ 1u << bit) & 2 ? &descriptor : NULL;
            other.has_progress = ((bits ^ 1u << bit) & 4) != 0;
            other.expiration_time.has_value = ((bits ^ 1u << bit) & 8) != 0;
            assert_false(cflight_poll_info_equal(&poll, &other));
        }
        cflight_poll_info_free(parsed);
        cflight_buffer_unref(buffer);
    }
}

/* Goal: a poll's bytes follow the field table. Method: bytes written by hand from it. */
TEST(values, a_poll_matches_bytes_written_by_hand)
{
    struct cflight_info info = minimal_info();
    struct cflight_descriptor descriptor = cmd_descriptor("poll");
    struct cflight_poll_info poll = {
        .info = &info,
        .descriptor = &descriptor,
        .has_progress = true,
        .progress = 0.5,
        .expiration_time = {true, INT64_C(1000000001)},
    };
    t_check_golden(&cfl_value_poll_info, &poll,
                   "0a1a" MINIMAL_INFO_HEX "120808021204706f6c6c19000000000000e03f220408011001");
}

/* Goal: a progress that means nothing is refused when sent. Method: values outside 0 to 1. */
TEST(values, progress_goes_from_0_to_1)
{
    static const double bad[] = {-0.1, 1.1, 1e300};
    cflight_buffer *buffer = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct cflight_poll_info poll = {.has_progress = true, .progress = bad[i]};
        CHECK_STATUS(cflight_poll_info_serialize(&poll, &buffer, NULL), CFLIGHT_INVALID_ARGUMENT);
    }
}

/* Goal: texts are one line and show what matters. Method: compare whole texts. */
TEST(values, texts_look_like_reprs)
{
    char *text = NULL;
    struct cflight_descriptor descriptor = cmd_descriptor("a'\\\n\x01\xFF");
    cflight_status status = cflight_descriptor_text(&descriptor, &text, NULL);
    check_text(text, status, "<FlightDescriptor cmd=b'a\\'\\\\\\n\\x01\\xff'>");
    descriptor = path_descriptor(3);
    status = cflight_descriptor_text(&descriptor, &text, NULL);
    check_text(text, status, "<FlightDescriptor path=[b'a', b'\\xc3\\xa9', b'']>");
    descriptor.type = CFLIGHT_DESCRIPTOR_UNKNOWN;
    status = cflight_descriptor_text(&descriptor, &text, NULL);
    check_text(text, status, "<FlightDescriptor UNKNOWN>");
    struct cflight_endpoint endpoint = full_endpoint();
    status = cflight_endpoint_text(&endpoint, &text, NULL);
    check_text(text, status,
               "<FlightEndpoint ticket=b'tk' locations=[b'grpc://h:1', b'grpc+tls://h:2'] "
               "expiration_time=2023-04-05 12:34:56.123456789+00:00 app_metadata=b'md'>");
    struct cflight_endpoint small = {.expiration_time = {true, -1}};
    struct cflight_info info = minimal_info();
    info.endpoints = &small;
    info.endpoint_count = 1;
    struct cflight_poll_info poll = {.info = &info, .has_progress = true, .progress = 0.25};
    status = cflight_poll_info_text(&poll, &text, NULL);
    check_text(text, status,
               "<PollInfo info=<FlightInfo schema=(0 bytes) descriptor=<FlightDescriptor cmd=b''> "
               "endpoints=[<FlightEndpoint ticket=b'' locations=[] "
               "expiration_time=1969-12-31 23:59:59.999999999+00:00 app_metadata=b''>] "
               "total_records=-1 total_bytes=-1 ordered=False app_metadata=b''> descriptor=None "
               "progress=0.25 expiration_time=None>");
    CHECK_STATUS(cflight_info_text(&info, &text, NULL), CFLIGHT_OK);
    cflight_text_free(text);
}

/* Goal: bytes of any size give a text of bounded size. Method: a megabyte of zeros. */
TEST(values, long_bytes_are_cut_in_texts)
{
    static uint8_t zeros[1 << 20];
    struct cflight_descriptor descriptor = {.type = CFLIGHT_DESCRIPTOR_CMD,
                                            .cmd = {zeros, sizeof zeros}};
    char *text = NULL;
    CHECK_STATUS(cflight_descriptor_text(&descriptor, &text, NULL), CFLIGHT_OK);
    assert_true(strlen(text) < 1200);
    assert_non_null(strstr(text, "... (1048576 bytes)"));
    cflight_text_free(text);
}

/* Goal: hostile bytes are refused or understood, never worse. Method: truncations and bit flips,
 * best under ASan. */
TEST(values, hostile_bytes_do_no_harm)
{
    t_check_hostile(&cfl_value_descriptor, PATH_HEX);
    t_check_hostile(&cfl_value_endpoint, ENDPOINT_HEX);
    t_check_hostile(&cfl_value_info, INFO_HEX);
    t_check_hostile(&cfl_value_poll_info,
                    "0a1a" MINIMAL_INFO_HEX "120808021204706f6c6c19000000000000e03f220408011001");
}

/* Goal: no allocation failure is more than an error. Method: fail each in turn. */
TEST(values, every_allocation_failure_is_reported)
{
    t_check_each_alloc_failure(&cfl_value_descriptor, PATH_HEX);
    t_check_each_alloc_failure(&cfl_value_endpoint, ENDPOINT_HEX);
    t_check_each_alloc_failure(&cfl_value_info, INFO_HEX);
    t_check_each_alloc_failure(&cfl_value_poll_info, "0a1a" MINIMAL_INFO_HEX);
}

/* Goal: many tiny submessages cannot take memory out of proportion. Method: megabytes of empty
 * endpoints, which protobuf makes fifty times as large, must be refused with a limit; a number that
 * a real server might send must pass. */
TEST(values, amplification_is_bounded)
{
    enum { FEW = 20000, MANY = 2000000 };
    uint8_t *bytes = calloc(MANY, 2);
    assert_non_null(bytes);
    for (size_t i = 0; i < MANY; i++) {
        bytes[2 * i] = 0x1A;
    }
    cflight_error *error = NULL;
    struct cflight_info *info = NULL;
    CHECK_OK(cflight_info_parse(cflight_bytes_make(bytes, 2 * FEW), &info, &error), error);
    assert_int_equal(info->endpoint_count, FEW);
    cflight_info_free(info);
    CHECK_STATUS(cflight_info_parse(cflight_bytes_make(bytes, 2 * MANY), &info, &error),
                 CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "FlightInfo takes more than"));
    cflight_error_free(error);
    free(bytes);
}

/* Goal: what is parsed for strangers counts, while it is parsed and as long as it is there. Method:
 * a path of empty elements, which takes many times its bytes, from budgets that are too small, and
 * from one that is large enough. */
TEST(values, parsing_counts_in_a_budget)
{
    enum { COUNT = 100000, SMALL = 1 << 20, LARGE = 64 << 20 };
    struct cfl_budget budget;
    cflight_error *error = NULL;
    void *value = NULL;
    uint8_t *bytes = calloc(1 + COUNT, 2);
    assert_non_null(bytes);
    bytes[0] = 0x08; /* type: PATH */
    bytes[1] = 0x01;
    for (size_t i = 1; i <= COUNT; i++) {
        bytes[2 * i] = 0x1A;
    }
    struct cflight_bytes message = cflight_bytes_make(bytes, 2 * (size_t)(1 + COUNT));
    for (uint64_t max_bytes = SMALL; max_bytes < 4 * SMALL; max_bytes += SMALL) {
        cfl_budget_init(&budget, NULL, max_bytes);
        CHECK_STATUS(
            cfl_value_parse_counted(&cfl_value_descriptor, NULL, message, &budget, &value, &error),
            CFLIGHT_UNAVAILABLE);
        assert_non_null(strstr(cflight_error_message(error), "FlightDescriptor needs more memory"));
        cflight_error_free(error);
        error = NULL;
        assert_int_equal(atomic_load(&budget.used_bytes), 0);
    }
    cfl_budget_init(&budget, NULL, LARGE);
    CHECK_OK(cfl_value_parse_counted(&cfl_value_descriptor, NULL, message, &budget, &value, &error),
             error);
    assert_in_range(atomic_load(&budget.used_bytes), COUNT * sizeof(struct cflight_bytes),
                    SMALL * 2);
    cfl_value_free_counted(value, &budget);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
    free(bytes);
}

/* Goal: repeating a submessage, which protobuf merges, costs no quadratic time. Method: a megabyte
 * of descriptors with one path element each. The watchdog is the judge. */
TEST(values, merged_submessages_cost_no_quadratic_time)
{
    enum { COUNT = 150000 };
    static const uint8_t one[] = {0x12, 0x05, 0x08, 0x01, 0x1A, 0x01, 'p'};
    uint8_t *bytes = malloc(COUNT * sizeof one);
    assert_non_null(bytes);
    for (size_t i = 0; i < COUNT; i++) {
        memcpy(bytes + i * sizeof one, one, sizeof one);
    }
    struct cflight_info *info = NULL;
    cflight_status status =
        cflight_info_parse(cflight_bytes_make(bytes, COUNT * sizeof one), &info, NULL);
    assert_true(status == CFLIGHT_OK || status == CFLIGHT_RESOURCE_EXHAUSTED);
    cflight_info_free(info);
    free(bytes);
}

/* Goal: misuse is answered, not followed. Method: NULL for each pointer in turn. */
TEST(values, null_arguments_are_refused)
{
    struct cflight_info info = minimal_info();
    cflight_buffer *buffer = NULL;
    CHECK_STATUS(cflight_info_serialize(NULL, &buffer, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_info_serialize(&info, NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    info.endpoint_count = 1;
    CHECK_STATUS(cflight_info_serialize(&info, &buffer, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_info_parse(t_text("x"), NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    struct cflight_info *parsed = NULL;
    CHECK_STATUS(cflight_info_parse(cflight_bytes_make(NULL, 1), &parsed, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_info_text(NULL, NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
    cflight_info_free(NULL);
    cflight_descriptor_free(NULL);
    cflight_endpoint_free(NULL);
    cflight_poll_info_free(NULL);
}
