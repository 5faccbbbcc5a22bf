/* SPDX-License-Identifier: Apache-2.0 */
/* The notations of gRPC: metadata rules, base64, percent-encoding, timeouts, statuses. */
#include "grpc/wire.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/clock.h"
#include "test.h"

static void check_base64(const char *bytes, size_t len_bytes, const char *plain, const char *padded)
{
    struct cfl_buf buf;
    cfl_buf_init(&buf, NULL);
    assert_true(cfl_base64_encode(cflight_bytes_make(bytes, len_bytes), &buf));
    assert_true(cflight_bytes_equal(cfl_buf_bytes(&buf), t_text(plain)));
    cfl_buf_clear(&buf);
    assert_true(cfl_base64_encode_padded(cflight_bytes_make(bytes, len_bytes), &buf));
    assert_true(cflight_bytes_equal(cfl_buf_bytes(&buf), t_text(padded)));
    const char *forms[] = {plain, padded};
    for (int i = 0; i < 2; i++) {
        cfl_buf_clear(&buf);
        assert_true(cfl_base64_decode(t_text(forms[i]), &buf));
        assert_true(cflight_bytes_equal(cfl_buf_bytes(&buf), cflight_bytes_make(bytes, len_bytes)));
    }
    cfl_buf_done(&buf);
}

/* Goal: base64 is right, with and without padding.
 * Method: the vectors of RFC 4648 section 10 and some with all kinds of characters. */
TEST(grpc_wire, base64_follows_the_vectors)
{
    check_base64("", 0, "", "");
    check_base64("f", 1, "Zg", "Zg==");
    check_base64("fo", 2, "Zm8", "Zm8=");
    check_base64("foo", 3, "Zm9v", "Zm9v");
    check_base64("foob", 4, "Zm9vYg", "Zm9vYg==");
    check_base64("fooba", 5, "Zm9vYmE", "Zm9vYmE=");
    check_base64("foobar", 6, "Zm9vYmFy", "Zm9vYmFy");
    check_base64("\xfb\xff\xbf\0", 4, "+/+/AA", "+/+/AA==");
}

/* Goal: what is not base64 is refused.
 * Method: wrong characters, lengths and padding. */
TEST(grpc_wire, base64_refuses_other_text)
{
    const char *bad[] = {"Z",     "Zm9vY", "Z===", "Zg=",      "Zm9v=",  "Zm9v====",
                         "Zm 9v", "Zm-_",  "=",    "Zg==Zg==", "Zm\x80v"};
    struct cfl_buf buf;
    cfl_buf_init(&buf, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (cfl_base64_decode(t_text(bad[i]), &buf)) {
            fail_msg("'%s' was decoded", bad[i]);
        }
    }
    cfl_buf_done(&buf);
}

static void check_percent(const char *plain, const char *encoded)
{
    struct cfl_buf buf;
    cfl_buf_init(&buf, NULL);
    assert_true(cfl_grpc_percent_encode(t_text(plain), 1000, &buf));
    assert_true(cflight_bytes_equal(cfl_buf_bytes(&buf), t_text(encoded)));
    cfl_buf_clear(&buf);
    assert_true(cfl_grpc_percent_decode(t_text(encoded), &buf));
    assert_true(cflight_bytes_equal(cfl_buf_bytes(&buf), t_text(plain)));
    cfl_buf_done(&buf);
}

/* Goal: no message begins or ends with a blank, which strict peers reset the stream for, and none
 * is lost. Method: blanks at each edge; and a cut that falls behind some. */
TEST(grpc_wire, blanks_at_the_edges_of_messages_are_encoded)
{
    struct cfl_buf buf;
    check_percent(" a b ", "%20a b%20");
    check_percent("  ", "%20%20");
    check_percent(" ", "%20");
    cfl_buf_init(&buf, NULL);
    assert_true(cfl_grpc_percent_encode(t_text("x   and more"), 3, &buf));
    assert_true(cflight_bytes_equal(cfl_buf_bytes(&buf), t_text("x")));
    cfl_buf_done(&buf);
}

/* Goal: a text that is cut keeps its beginning and its end, between whole characters, and says how
 * much is missing. Method: every limit, for a text of characters of three bytes. */
TEST(grpc_wire, texts_lose_their_middle)
{
    char whole[601];
    for (size_t i = 0; i < 600; i += 3) {
        memcpy(whole + i, "\xe2\x82\xac", 4);
    }
    for (size_t limit = 0; limit <= 600; limit++) {
        struct cfl_buf buf;
        struct cfl_buf encoded;
        cfl_buf_init(&buf, NULL);
        cfl_buf_init(&encoded, NULL);
        assert_true(cfl_grpc_shorten(t_text(whole), limit, &buf));
        assert_true(buf.len_bytes <= limit);
        assert_true(cfl_buf_append_u8(&buf, 0));
        assert_int_equal(limit > 80 && limit < 600,
                         strstr((const char *)buf.data, "left out") != NULL && limit > 80);
        if (limit > 80) {
            assert_memory_equal(buf.data, "\xe2\x82\xac", 3);
            assert_memory_equal(buf.data + buf.len_bytes - 4, "\xe2\x82\xac", 4);
        }
        assert_true(cfl_grpc_percent_shorten(t_text(whole), limit * 3, &encoded));
        assert_true(encoded.len_bytes <= limit * 3);
        cfl_buf_done(&buf);
        cfl_buf_done(&encoded);
    }
}

/* Goal: messages survive the way there and back.
 * Method: text with control bytes, percent signs and UTF-8. */
TEST(grpc_wire, percent_encoding_goes_both_ways)
{
    check_percent("", "");
    check_percent("plain ~ text", "plain ~ text");
    check_percent("100%", "100%25");
    check_percent("a\nb\x7f", "a%0Ab%7F");
    check_percent("\xe2\x82\xac\xf0\x9f\x98\x80", "%E2%82%AC%F0%9F%98%80");
}

/* Goal: decoding takes anything and gives UTF-8 without zero bytes.
 * Method: broken escapes, lower case, broken UTF-8. */
TEST(grpc_wire, percent_decoding_is_lenient)
{
    const char *cases[][2] = {
        {"%", "%"},
        {"%4", "%4"},
        {"%zz", "%zz"},
        {"a%2", "a%2"},
        {"%e2%82%ac", "\xe2\x82\xac"},
        {"%00x", "\xef\xbf\xbdx"},
        {"%ff", "\xef\xbf\xbd"},
        {"%c0%80", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"%ed%a0%80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc3\xb6", "\xc3\xb6"},
        {"%e2%82", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"%f4%90%80%80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cfl_buf buf;
        cfl_buf_init(&buf, NULL);
        assert_true(cfl_grpc_percent_decode(t_text(cases[i][0]), &buf));
        if (!cflight_bytes_equal(cfl_buf_bytes(&buf), t_text(cases[i][1]))) {
            fail_msg("'%s' was decoded otherwise", cases[i][0]);
        }
        cfl_buf_done(&buf);
    }
}

/* Goal: a cut message ends between characters.
 * Method: every limit over a text of characters of 1 to 4 bytes. */
TEST(grpc_wire, cuts_fall_between_characters)
{
    const char *whole = "a\xc3\xb6\xe2\x82\xac\xf0\x9f\x98\x80z";
    const size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t limit = 0; limit < sizeof ends / sizeof ends[0]; limit++) {
        assert_int_equal(cfl_grpc_utf8_cut(t_text(whole), limit), ends[limit]);
    }
    const size_t encoded_ends[] = {0, 1, 7, 16, 28, 29};
    for (size_t limit = 0; limit < 40; limit++) {
        struct cfl_buf buf;
        cfl_buf_init(&buf, NULL);
        assert_true(cfl_grpc_percent_encode(t_text(whole), limit, &buf));
        size_t expected = 0;
        for (size_t i = 0; i < 6; i++) {
            expected = encoded_ends[i] <= limit ? encoded_ends[i] : expected;
        }
        assert_int_equal(buf.len_bytes, expected);
        cfl_buf_done(&buf);
    }
}

/* Goal: timeouts are read as the specification has them.
 * Method: each unit, the largest values, and malformed ones. */
TEST(grpc_wire, timeouts_are_parsed)
{
    const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"1n", 1},
        {"0m", 0},
        {"99999999u", INT64_C(99999999000)},
        {"5m", 5 * CFL_NS_PER_MS},
        {"00000007S", 7 * CFL_NS_PER_S},
        {"2M", 120 * CFL_NS_PER_S},
        {"1H", 3600 * CFL_NS_PER_S},
        {"99999999H", CFL_TIME_NEVER},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ns = -1;
        assert_true(cfl_grpc_timeout_parse(t_text(good[i].text), &ns));
        assert_true(ns == good[i].ns);
    }
    const char *bad[] = {"",           "m",    "5",   "-1m", "1 m", "1s",
                         "123456789m", "1.5S", "1mm", "+1m", "m1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ns = -1;
        if (cfl_grpc_timeout_parse(t_text(bad[i]), &ns)) {
            fail_msg("'%s' was parsed", bad[i]);
        }
    }
}

/* Goal: timeouts are written with at most 8 digits and never shorter than asked for.
 * Method: values around each change of unit, read back. */
TEST(grpc_wire, timeouts_are_rounded_up)
{
    const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {-5, "0n"},
        {0, "0n"},
        {99999999, "99999999n"},
        {100000000, "100000u"},
        {100000001, "100001u"},
        {INT64_C(99999999001), "100000m"},
        {CFL_NS_PER_S * 100000, "100000S"},
        {INT64_MAX, "2562048H"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char written[CFL_GRPC_TIMEOUT_TEXT_BYTES];
        cfl_grpc_timeout_format(cases[i].ns, written);
        int64_t ns = 0;
        assert_true(cfl_grpc_timeout_parse(t_text(written), &ns));
        assert_true(ns >= cases[i].ns);
        if (i != 6 && i != 7) {
            assert_string_equal(written, cases[i].text);
        }
    }
}

/* Goal: statuses in other notations map as the specifications say.
 * Method: the tables. */
TEST(grpc_wire, statuses_are_mapped)
{
    cflight_status status = CFLIGHT_OK;
    assert_true(cfl_grpc_status_parse(t_text("16"), &status));
    CHECK_STATUS(status, CFLIGHT_UNAUTHENTICATED);
    assert_true(cfl_grpc_status_parse(t_text("17"), &status));
    CHECK_STATUS(status, CFLIGHT_UNKNOWN);
    assert_true(cfl_grpc_status_parse(t_text("4294967295"), &status));
    CHECK_STATUS(status, CFLIGHT_UNKNOWN);
    assert_false(cfl_grpc_status_parse(t_text(""), &status));
    assert_false(cfl_grpc_status_parse(t_text("-1"), &status));
    assert_false(cfl_grpc_status_parse(t_text("1x"), &status));
    assert_false(cfl_grpc_status_parse(t_text("11111111111"), &status));
    const int http[][2] = {{400, 13}, {401, 16}, {403, 7}, {404, 12}, {429, 14}, {502, 14},
                           {503, 14}, {504, 14}, {500, 2}, {200, 2},  {418, 2}};
    for (size_t i = 0; i < sizeof http / sizeof http[0]; i++) {
        CHECK_STATUS(cfl_grpc_status_from_http(http[i][0]), http[i][1]);
    }
    const int h2[] = {13, 13, 13, 13, 13, 13, 13, 14, 1, 13, 13, 8, 7, 13, 13};
    for (uint32_t i = 0; i < sizeof h2 / sizeof h2[0]; i++) {
        CHECK_STATUS(cfl_grpc_status_from_h2(i), h2[i]);
    }
    assert_string_equal(cfl_grpc_h2_code_name(7), "REFUSED_STREAM");
    assert_string_equal(cfl_grpc_h2_code_name(99), "an unknown code");
    assert_int_equal(cfl_grpc_http_status_parse(t_text("200")), 200);
    assert_int_equal(cfl_grpc_http_status_parse(t_text("20")), -1);
    assert_int_equal(cfl_grpc_http_status_parse(t_text("2x0")), -1);
}

/* Goal: content types of gRPC are told from others.
 * Method: the ones peers send, and near misses. */
TEST(grpc_wire, content_types_are_checked)
{
    assert_true(cfl_grpc_content_type_is_valid(t_text("application/grpc")));
    assert_true(cfl_grpc_content_type_is_valid(t_text("application/grpc+proto")));
    assert_true(cfl_grpc_content_type_is_valid(t_text("application/grpc;charset=utf-8")));
    assert_true(cfl_grpc_content_type_is_valid(t_text("Application/GRPC")));
    assert_false(cfl_grpc_content_type_is_valid(t_text("application/grpc-web")));
    assert_false(cfl_grpc_content_type_is_valid(t_text("application/grpcx")));
    assert_false(cfl_grpc_content_type_is_valid(t_text("text/html")));
    assert_false(cfl_grpc_content_type_is_valid(t_text("")));
}

/* Goal: metadata of users is checked and kept in order.
 * Method: good fields, repeated names, and each kind of bad one. */
TEST(grpc_wire, metadata_is_checked)
{
    struct cfl_metadata metadata;
    cflight_error *error = NULL;
    struct cflight_bytes value = {NULL, 0};
    cfl_metadata_init(&metadata, NULL);
    CHECK_OK(cfl_metadata_add(&metadata, t_text("X-Name_1.a"), t_text("one"), &error), error);
    CHECK_OK(cfl_metadata_add(&metadata, t_text("x-name_1.a"), t_text(""), &error), error);
    CHECK_OK(
        cfl_metadata_add(&metadata, t_text("raw-bin"), cflight_bytes_make("\0\xff", 2), &error),
        error);
    CHECK_OK(cfl_metadata_add(&metadata, t_text("grpc-status-details-bin"), t_text("x"), &error),
             error);
    assert_int_equal(metadata.count, 4);
    assert_true(cfl_metadata_get(&metadata, "x-name_1.a", &value));
    assert_true(cflight_bytes_equal(value, t_text("one")));
    assert_false(cfl_metadata_get(&metadata, "x-name", &value));
    const char *names[] = {"",   "a b",          ":path", "grpc-timeout", "GRPC-Status",
                           "te", "Content-Type", "a\n",   "\xc3\xb6",     "connection"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK_STATUS(cfl_metadata_add(&metadata, t_text(names[i]), t_text("v"), &error),
                     CFLIGHT_INVALID_ARGUMENT);
        assert_true(strlen(cflight_error_message(error)) > 10);
        cflight_error_free(error);
        error = NULL;
    }
    const char *values[] = {"a\nb", "\x7f", "\xc3\xb6", "\x01"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        CHECK_STATUS(cfl_metadata_add(&metadata, t_text("x"), t_text(values[i]), NULL),
                     CFLIGHT_INVALID_ARGUMENT);
    }
    assert_int_equal(metadata.count, 4);
    assert_true(cfl_metadata_get(&metadata, "raw-bin", &value));
    assert_int_equal(value.len_bytes, 2);
    cfl_metadata_done(&metadata);
    cfl_metadata_done(&metadata);
}

/* Goal: users find out about a header before there is a call. Method: one good one of each kind,
 * and what is wrong with the others. */
TEST(grpc_wire, a_header_is_checked_without_a_call)
{
    static const struct {
        const char *name;
        const char *value;
        const char *problem; /* NULL: none */
    } CASES[] = {
        {"x-tenant", "blue", NULL},
        {"X-Tenant", "", NULL},
        {"raw-bin", "\x01\xff", NULL},
        {"", "v", "a metadata name is empty"},
        {"a b", "v", "byte 1 of a metadata name is 0x20"},
        {"Host", "v", "metadata name 'Host' is reserved"},
        {"x", "a\nb", "byte 1 of the value of metadata 'x' is 0x0a"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        cflight_error *error = NULL;
        cflight_status status =
            cflight_header_check(t_text(CASES[i].name), t_text(CASES[i].value), &error);
        CHECK_STATUS(status, CASES[i].problem == NULL ? CFLIGHT_OK : CFLIGHT_INVALID_ARGUMENT);
        assert_true(CASES[i].problem == NULL ||
                    strstr(cflight_error_message(error), CASES[i].problem) != NULL);
        cflight_error_free(error);
    }
}

/* Goal: metadata that runs out of memory says so and leaks nothing.
 * Method: fail each allocation. */
TEST(grpc_wire, metadata_reports_missing_memory)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_metadata metadata;
        cflight_status status = CFLIGHT_OK;
        cfl_metadata_init(&metadata, &alloc->allocator);
        for (int i = 0; i < 20 && status == CFLIGHT_OK; i++) {
            status = cfl_metadata_add(&metadata, t_text("name"), t_text("value"), NULL);
        }
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        cfl_metadata_done(&metadata);
    }
}

/* Goal: copies stay where they are while others are made.
 * Method: many, from nothing to more than a block; look at all of them afterwards. */
TEST(grpc_wire, texts_stay_where_they_are)
{
    enum { COUNT = 700 };
    static char bytes[COUNT];
    const char *copies[COUNT];
    struct cfl_texts texts;
    cfl_texts_init(&texts, NULL);
    for (size_t i = 0; i < COUNT; i++) {
        memset(bytes, 'a' + (int)(i % 26), i);
        copies[i] = cfl_texts_copy(&texts, cflight_bytes_make(bytes, i));
        assert_non_null(copies[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        memset(bytes, 'a' + (int)(i % 26), i);
        assert_int_equal(strlen(copies[i]), i);
        assert_memory_equal(copies[i], bytes, i);
    }
    cfl_texts_done(&texts);
}

/* Goal: a list of fields says what was put into it, however long it is.
 * Method: more than fit without memory, of every sort; fail each allocation. */
TEST(grpc_wire, lists_of_fields_grow)
{
    enum { COUNT = 3 * CFL_GRPC_FIELDS_FEW };
    static const struct cfl_h2_field LITERAL = CFL_GRPC_LITERAL_FIELD("te", "trailers");
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cfl_grpc_fields fields;
        cfl_grpc_fields_init(&fields, &alloc->allocator);
        for (int i = 0; i < COUNT; i += 4) {
            char number[16];
            (void)snprintf(number, sizeof number, "%d", i);
            cfl_grpc_fields_add_literal(&fields, &LITERAL);
            cfl_grpc_fields_add_copy(&fields, "number", t_text(number));
            cfl_grpc_fields_add_header(&fields, t_text("raw-bin"), t_text("abc"));
            cfl_grpc_fields_add_header(&fields, t_text("authorization"), t_text("secret"));
        }
        const struct cfl_h2_field *views = cfl_grpc_fields_views(&fields);
        assert_true((views == NULL) == alloc->did_fail);
        for (int i = 0; views != NULL && i < COUNT; i += 4) {
            char number[16];
            (void)snprintf(number, sizeof number, "%d", i);
            assert_true(views[i].is_static);
            assert_true(cflight_bytes_equal(views[i].value, t_text("trailers")));
            assert_true(cflight_bytes_equal(views[i + 1].name, t_text("number")));
            assert_true(cflight_bytes_equal(views[i + 1].value, t_text(number)));
            assert_true(cflight_bytes_equal(views[i + 2].value, t_text("YWJj")));
            assert_false(views[i + 2].is_sensitive);
            assert_true(views[i + 3].is_sensitive);
            assert_false(views[i + 3].is_static);
        }
        cfl_grpc_fields_done(&fields);
    }
}

/* Goal: fields are known by their names.
 * Method: each name that has a meaning, and ones that are as long or begin alike. */
TEST(grpc_wire, fields_are_told_apart)
{
    const struct {
        const char *name;
        enum cfl_grpc_field_kind kind;
    } cases[] = {
        {"te", CFL_GRPC_FIELD_TE},
        {"to", CFL_GRPC_FIELD_TEXT},
        {"host", CFL_GRPC_FIELD_INTERNAL},
        {"most", CFL_GRPC_FIELD_TEXT},
        {":path", CFL_GRPC_FIELD_PATH},
        {"paths", CFL_GRPC_FIELD_TEXT},
        {":method", CFL_GRPC_FIELD_METHOD},
        {":status", CFL_GRPC_FIELD_HTTP_STATUS},
        {":scheme", CFL_GRPC_FIELD_INTERNAL},
        {"methods", CFL_GRPC_FIELD_TEXT},
        {":authority", CFL_GRPC_FIELD_INTERNAL},
        {"user-agent", CFL_GRPC_FIELD_TEXT},
        {"grpc-status", CFL_GRPC_FIELD_STATUS},
        {"content-type", CFL_GRPC_FIELD_CONTENT_TYPE},
        {"grpc-message", CFL_GRPC_FIELD_MESSAGE},
        {"grpc-timeout", CFL_GRPC_FIELD_TIMEOUT},
        {"x-request-id", CFL_GRPC_FIELD_TEXT},
        {"grpc-encoding", CFL_GRPC_FIELD_ENCODING},
        {"authorization", CFL_GRPC_FIELD_TEXT},
        {"content-length", CFL_GRPC_FIELD_INTERNAL},
        {"upgrade", CFL_GRPC_FIELD_INTERNAL},
        {"connection", CFL_GRPC_FIELD_INTERNAL},
        {"keep-alive", CFL_GRPC_FIELD_INTERNAL},
        {"proxy-connection", CFL_GRPC_FIELD_INTERNAL},
        {"transfer-encoding", CFL_GRPC_FIELD_INTERNAL},
        {"auth-token-bin", CFL_GRPC_FIELD_BINARY},
        {"grpc-accept-encoding", CFL_GRPC_FIELD_INTERNAL},
        {"grpc-status-details-bin", CFL_GRPC_FIELD_BINARY},
        {"grpc-", CFL_GRPC_FIELD_INTERNAL},
        {"grp", CFL_GRPC_FIELD_TEXT},
        {"-bin", CFL_GRPC_FIELD_BINARY},
        {"", CFL_GRPC_FIELD_INTERNAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cfl_grpc_field_kind(t_text(cases[i].name)) != cases[i].kind) {
            fail_msg("%s is taken for something else", cases[i].name);
        }
    }
}
