/* SPDX-License-Identifier: Apache-2.0 */
/* The cookie jar: what it takes, what it sends, when cookies end, and its bounds. The clock is
 * virtual. */
#include "flight/kit/cookies.h"

#include <stdio.h>

#include "flight/kit/cookie.h"
#include "flight/call/header_sink.h"
#include "clock.h"
#include "test.h"

struct jar {
    cflight_cookie_jar *jar;
    struct t_clock clock;
};

static void jar_open(struct jar *jar, const struct cflight_cookie_jar_options *options)
{
    memset(jar, 0, sizeof *jar);
    t_clock_init(&jar->clock);
    jar->clock.now_ns = INT64_C(1700000000) * CFL_NS_PER_S;
    CHECK_STATUS(cfl_cookie_jar_new(options, &jar->clock.clock, &jar->jar, NULL), CFLIGHT_OK);
}

static void set(struct jar *jar, const char *set_cookie)
{
    CHECK_STATUS(cflight_cookie_jar_set(jar->jar, t_text(set_cookie), NULL), CFLIGHT_OK);
}

static void check_header(struct jar *jar, const char *expected)
{
    cflight_buffer *header = NULL;
    CHECK_STATUS(cflight_cookie_jar_header(jar->jar, &header, NULL), CFLIGHT_OK);
    struct cflight_bytes bytes = cflight_buffer_bytes(header);
    if (!cflight_bytes_equal(bytes, t_text(expected))) {
        fail_msg("'%.*s' is not '%s'", (int)bytes.len_bytes, (const char *)bytes.data, expected);
    }
    cflight_buffer_unref(header);
}

/* Goal: one `set-cookie` value gives the pair that C++ clients take from it. Method: a table, each
 * with a fresh jar. */
TEST(cookies, values_are_trimmed_decoded_and_unquoted)
{
    static const struct {
        const char *set_cookie;
        const char *header;
    } cases[] = {
        {"a=b", "a=b"},
        {"  a  =  b  ; Path=/", "a=b"},
        {"a=\"b c\"", "a=b c"},
        {"a=\"", "a=\""},
        {"a=", "a="},
        {"a=b=c", "a=b=c"},
        {"%61=%62%20c", "a=b c"},
        {"a=%3B", "a=%3B"},         /* decoded it would end the pair */
        {"a=%0d%0ax", "a=%0d%0ax"}, /* decoded it would end the header */
        {"a=%c3%a9", "a=%c3%a9"},
        {"a=%zz%4", "a=%zz%4"},
        {"a%3d=b", "a%3d=b"},
        {"a=b; Secure; HttpOnly; Domain=x; Path=/y; SameSite=None", "a=b"},
        {"a=b;", "a=b"},
        {"=b", ""},
        {"a", ""},
        {"", ""},
        {";a=b", ""},
        {"a\xFF=b", ""},
        {"a=b\x01", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct jar jar;
        jar_open(&jar, NULL);
        set(&jar, cases[i].set_cookie);
        check_header(&jar, cases[i].header);
        cflight_cookie_jar_unref(jar.jar);
    }
}

/* Goal: a new cookie replaces one of its name, whatever the case. Method: set three, two of one
 * name. */
TEST(cookies, names_compare_without_case_and_are_sent_in_order)
{
    struct jar jar;
    jar_open(&jar, NULL);
    set(&jar, "b=1");
    set(&jar, "A=2");
    set(&jar, "B=3");
    set(&jar, "a2=4");
    check_header(&jar, "A=2; a2=4; B=3");
    cflight_cookie_jar_clear(jar.jar);
    check_header(&jar, "");
    cflight_cookie_jar_unref(jar.jar);
}

/* Goal: cookies end when they say so. Method: let the clock pass each limit by a nanosecond. */
TEST(cookies, max_age_ends_a_cookie)
{
    struct jar jar;
    jar_open(&jar, NULL);
    set(&jar, "a=1; Max-Age=10");
    set(&jar, "b=2; max-age = \"20\" ; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    set(&jar, "c=3; Expires=Thu, 01 Jan 1970 00:00:00 GMT; MAX-AGE=30; Expires=bad");
    set(&jar, "d=4; Max-Age=99999999999999999999999999");
    set(&jar, "e=5");
    check_header(&jar, "a=1; b=2; c=3; d=4; e=5");
    jar.clock.now_ns += 10 * CFL_NS_PER_S - 1;
    check_header(&jar, "a=1; b=2; c=3; d=4; e=5");
    jar.clock.now_ns += 1;
    check_header(&jar, "b=2; c=3; d=4; e=5");
    jar.clock.now_ns += 20 * CFL_NS_PER_S;
    check_header(&jar, "d=4; e=5");
    assert_int_equal(cfl_cookie_jar_count(jar.jar), 2);
    cflight_cookie_jar_unref(jar.jar);
}

/* Goal: an expired cookie removes the one of its name. Method: every way to say "expired". */
TEST(cookies, an_expired_cookie_removes)
{
    static const char *const expired[] = {
        "a=; Max-Age=0",
        "a=x; Max-Age=-1",
        "a=x; Max-Age=1x",
        "A=x; Max-Age=",
        "a=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "a=x; Expires=yesterday",
        "a=x; Expires",
    };
    for (size_t i = 0; i < sizeof expired / sizeof expired[0]; i++) {
        struct jar jar;
        jar_open(&jar, NULL);
        set(&jar, "a=b");
        set(&jar, expired[i]);
        assert_int_equal(cfl_cookie_jar_count(jar.jar), 0);
        cflight_cookie_jar_unref(jar.jar);
    }
}

/* Goal: dates are read exactly. Method: known pairs, and texts that are no dates. */
TEST(cookies, dates_are_read_exactly)
{
    static const struct {
        const char *text;
        int64_t unix_s;
    } good[] = {
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Wed, 01 Jan 3000 22:15:36 GMT", INT64_C(32503760136)},
        {"Thu, 29 Feb 2024 12:34:56 GMT", INT64_C(1709210096)},
        {"Thu, 29-Feb-2024 12:34:56 GMT", INT64_C(1709210096)},
        {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
        {"Fri, 1 mar 2024 0:0:0 GMT", INT64_C(1709251200)},
    };
    static const char *const bad[] = {
        "",
        ",",
        "Thu, 01 Jan 1970 00:00:00",
        "Thu, 01 Foo 1970 00:00:00 GMT",
        "Thu, 00 Jan 1970 00:00:00 GMT",
        "Thu, 32 Jan 1970 00:00:00 GMT",
        "Thu, 01 Jan 1970 24:00:00 GMT",
        "Thu, 01 Jan 1970 00:60:00 GMT",
        "Thu, 01 Jan 70 00:00:00 GMT",
        "Thu, 01 Ja",
        "Thu, 01 Jan 1970 00:00:00 GMT+1",
        "01 Jan 1970 00:00:00 GMT",
        "Thu, 01 Jan 19700 00:00:00 GMT",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t unix_s = 0;
        assert_true(cfl_http_date_parse(t_text(good[i].text), &unix_s));
        assert_true(unix_s == good[i].unix_s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t unix_s = 0;
        assert_false(cfl_http_date_parse(t_text(bad[i]), &unix_s));
    }
}

/* Goal: a thousand cookies are kept, and one thousand more do not grow the jar. Method: set two
 * thousand. */
TEST(cookies, a_thousand_cookies_fit_and_more_push_out_the_oldest)
{
    struct jar jar;
    struct cflight_cookie_jar_options options = CFLIGHT_COOKIE_JAR_OPTIONS_INIT;
    options.cookies_max = 1000;
    jar_open(&jar, &options);
    for (int i = 0; i < 2000; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "name%d=value%d", i, i);
        set(&jar, text);
        assert_int_equal(cfl_cookie_jar_count(jar.jar), i < 1000 ? i + 1 : 1000);
    }
    cflight_buffer *header = NULL;
    CHECK_STATUS(cflight_cookie_jar_header(jar.jar, &header, NULL), CFLIGHT_OK);
    struct cflight_bytes bytes = cflight_buffer_bytes(header);
    struct cflight_bytes value = {NULL, 0};
    assert_true(cfl_cookie_find(bytes, "name1000", &value));
    assert_true(cfl_cookie_find(bytes, "name1999", &value));
    assert_false(cfl_cookie_find(bytes, "name999", &value));
    cflight_buffer_unref(header);
    cflight_cookie_jar_unref(jar.jar);
}

/* Goal: the header stays within its bound, and a cookie that is too large changes nothing. Method:
 * a small bound. */
TEST(cookies, sizes_are_bounded)
{
    struct jar jar;
    struct cflight_cookie_jar_options options = CFLIGHT_COOKIE_JAR_OPTIONS_INIT;
    options.cookie_bytes_max = 8;
    options.header_bytes_max = 20;
    jar_open(&jar, &options);
    set(&jar, "a=1234567");
    set(&jar, "a=12345678");
    check_header(&jar, "a=1234567");
    set(&jar, "b=12345");
    check_header(&jar, "a=1234567; b=12345");
    set(&jar, "c=");
    check_header(&jar, "b=12345; c=");
    set(&jar, "a=12345678; Max-Age=0");
    check_header(&jar, "b=12345; c=");
    cflight_cookie_jar_unref(jar.jar);
}

/* Goal: expired cookies make room before living ones are dropped. Method: fill the jar with one
 * that ends. */
TEST(cookies, expired_cookies_go_first)
{
    struct jar jar;
    struct cflight_cookie_jar_options options = CFLIGHT_COOKIE_JAR_OPTIONS_INIT;
    options.cookies_max = 2;
    jar_open(&jar, &options);
    set(&jar, "old=1");
    set(&jar, "short=1; Max-Age=1");
    jar.clock.now_ns += 2 * CFL_NS_PER_S;
    set(&jar, "new=1");
    check_header(&jar, "new=1; old=1");
    cflight_cookie_jar_unref(jar.jar);
}

/* Goal: a cookie is found in the header that servers get. Method: a table. */
TEST(cookies, a_cookie_is_found_in_a_request_header)
{
    static const struct {
        const char *header;
        const char *expected; /* NULL: not there */
    } cases[] = {
        {"id=1", "1"}, {"a=b; ID=\"x\"; c=d", "x"}, {"xid=1; id", NULL}, {"", NULL},
        {"id=", ""},   {" id = 5 ;", "5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cflight_bytes value = {NULL, 0};
        bool found = cfl_cookie_find(t_text(cases[i].header), "id", &value);
        assert_int_equal(found, cases[i].expected != NULL);
        assert_true(!found || cflight_bytes_equal(value, t_text(cases[i].expected)));
    }
}

/* Goal: hostile values do no harm. Method: every byte at every place of a cookie, and every cut. */
TEST(cookies, hostile_bytes_do_no_harm)
{
    static const char text[] = "a%20b=\"%3D\"; Max-Age=1; Expires=Wed, 01 Jan 3000 22:15:36 GMT";
    struct jar jar;
    jar_open(&jar, NULL);
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        for (unsigned int byte = 0; byte < 256; byte++) {
            char changed[sizeof text];
            memcpy(changed, text, sizeof text);
            changed[i] = (char)byte;
            CHECK_STATUS(
                cflight_cookie_jar_set(jar.jar, cflight_bytes_make(changed, sizeof text - 1), NULL),
                CFLIGHT_OK);
        }
        CHECK_STATUS(cflight_cookie_jar_set(jar.jar, cflight_bytes_make(text, i), NULL),
                     CFLIGHT_OK);
    }
    cflight_cookie_jar_unref(jar.jar);
}

/* Goal: the middleware takes cookies from what a call received and sends them with the next, also
 * from another client that shares the jar, and says that it keeps them while there are none; the
 * jar lives until the last table is released. Method: drive two tables as a client does. */
TEST(cookies, the_middleware_of_two_clients_shares_one_jar)
{
    struct jar jar;
    struct cflight_client_middleware tables[2];
    struct cfl_metadata metadata;
    struct cflight_header_sink sink = {&metadata};
    void *instance = NULL;
    const struct cflight_header received[] = {{t_text("x-other"), t_text("a=0")},
                                              {t_text("set-cookie"), t_text("a=1")},
                                              {t_text("set-cookie"), t_text("b=2")}};
    jar_open(&jar, NULL);
    cflight_cookie_jar_middleware(jar.jar, &tables[0]);
    cflight_cookie_jar_middleware(jar.jar, &tables[1]);
    cflight_cookie_jar_unref(jar.jar);
    for (size_t i = 0; i < 2; i++) {
        struct cflight_bytes value = {NULL, 0};
        cfl_metadata_init(&metadata, NULL);
        CHECK_STATUS(
            tables[i].start_call(tables[i].user_data, CFLIGHT_METHOD_DO_GET, &instance, NULL),
            CFLIGHT_OK);
        assert_non_null(instance);
        tables[i].sending_headers(tables[i].user_data, instance, &sink);
        assert_int_equal(cfl_metadata_get(&metadata, "cookie", &value), i == 1);
        assert_int_equal(cfl_metadata_get(&metadata, CFLIGHT_COOKIES_KEPT, &value), i == 0);
        (void)cfl_metadata_get(&metadata, "cookie", &value);
        assert_true(cflight_bytes_equal(value, t_text(i == 0 ? "yes" : "a=1; b=2")));
        tables[i].received_headers(tables[i].user_data, instance, received, 3);
        cfl_metadata_done(&metadata);
    }
    tables[0].release(tables[0].user_data);
    tables[1].release(tables[1].user_data);
}

/* Goal: no allocation failure is more than an error. Method: fail each in turn. */
TEST(cookies, every_allocation_failure_is_reported)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cflight_cookie_jar_options options = CFLIGHT_COOKIE_JAR_OPTIONS_INIT;
        cflight_cookie_jar *jar = NULL;
        cflight_buffer *header = NULL;
        options.allocator = &alloc->allocator;
        cflight_status status = cflight_cookie_jar_new(&options, &jar, NULL);
        if (status == CFLIGHT_OK) {
            status = cflight_cookie_jar_set(jar, t_text("a=b"), NULL);
        }
        if (status == CFLIGHT_OK) {
            status = cflight_cookie_jar_header(jar, &header, NULL);
        }
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        cflight_buffer_unref(header);
        cflight_cookie_jar_unref(jar);
    }
}
