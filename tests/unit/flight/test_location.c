/* SPDX-License-Identifier: Apache-2.0 */
/* Location URIs. What is accepted and refused was compared with pyarrow 25. */
#include <stdio.h>

#include "cflight/ipc.h"
#include "values_support.h"

/* Goal: the parts of a URI come out decoded, the URI itself untouched. Method: a table. */
TEST(location, uris_are_split_and_decoded)
{
    static const struct {
        const char *uri;
        const char *scheme;
        const char *host;
        int port;
        const char *path;
    } cases[] = {
        {"grpc://localhost:32010", "grpc", "localhost", 32010, ""},
        {"grpc+tcp://127.0.0.1:0", "grpc+tcp", "127.0.0.1", 0, ""},
        {"grpc+tls://EXAMPLE.com", "grpc+tls", "EXAMPLE.com", -1, ""},
        {"grpc://[::1]:5", "grpc", "::1", 5, ""},
        {"grpc://[2001:db8::ff]/", "grpc", "2001:db8::ff", -1, "/"},
        {"grpc://h:65535", "grpc", "h", 65535, ""},
        {"grpc://h:", "grpc", "h", -1, ""},
        {"grpc://h:000080", "grpc", "h", 80, ""},
        {"grpc://a%2Db%c3%A9:1", "grpc", "a-b\xC3\xA9", 1, ""},
        {"grpc+unix:///tmp/a%20b.sock", "grpc+unix", "", -1, "/tmp/a b.sock"},
        {"grpc+unix:/tmp/s", "grpc+unix", "", -1, "/tmp/s"},
        {"grpc+unix:relative/s", "grpc+unix", "", -1, "relative/s"},
        {"grpc+unix:@name", "grpc+unix", "", -1, "@name"},
        {"grpc+unix://@name", "grpc+unix", "", -1, "@name"},
        {"grpc+unix://@name/x", "grpc+unix", "", -1, "@name/x"},
        {"grpc+unix:///@name", "grpc+unix", "", -1, "/@name"},
        {"arrow-flight-reuse-connection://?", "arrow-flight-reuse-connection", "", -1, ""},
        {"s3://bucket/a//b/", "s3", "bucket", -1, "/a//b/"},
        {"https://u:p@h:1/p?q#f", "https", "h", 1, "/p"},
        {"grpc:", "grpc", "", -1, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cflight_location *location = NULL;
        cflight_error *error = NULL;
        CHECK_OK(cflight_location_parse(t_text(cases[i].uri), &location, &error), error);
        assert_string_equal(location->uri, cases[i].uri);
        assert_string_equal(location->scheme, cases[i].scheme);
        assert_string_equal(location->host, cases[i].host);
        assert_int_equal(location->port, cases[i].port);
        assert_string_equal(location->path, cases[i].path);
        cflight_location_free(location);
    }
    cflight_location_free(NULL);
}

/* Goal: what is no location is refused with the URI and a reason. Method: a table. */
TEST(location, bad_uris_are_refused_with_a_reason)
{
    static const struct {
        const char *uri;
        const char *message;
    } cases[] = {
        {"", "Cannot parse URI: '' because it is empty"},
        {"foo", "Cannot parse URI: 'foo' because it has an empty scheme"},
        {"//foo", "Cannot parse URI: '//foo' because it has an empty scheme"},
        {":foo", "Cannot parse URI: ':foo' due to syntax error at character ':' (position 0)"},
        {"a b", "Cannot parse URI: 'a b' due to syntax error at character ' ' (position 1)"},
        {"1a://x", "Cannot parse URI: '1a://x' due to syntax error at character ':' (position 2)"},
        {"grpc://%zz",
         "Cannot parse URI: 'grpc://%zz' due to syntax error at character 'z' (position 8)"},
        {"grpc://[::1", "Cannot parse URI: 'grpc://[::1' due to a syntax error at its end"},
        {"grpc://h:70000",
         "Cannot parse URI: 'grpc://h:70000' because its port number is above 65535"},
        {"grpc://h:99999999999999999999", "Cannot parse URI: 'grpc://h:99999999999999999999' "
                                          "because its port number is above 65535"},
        {"grpc://h%00", "Cannot parse URI: 'grpc://h%00' because it holds a zero byte"},
        {"grpc://\xFF",
         "Cannot parse URI: 'grpc://\xEF\xBF\xBD' due to syntax error at byte 0xff (position 7)"},
        {"grpc+unix:///tmp/a#b", "Cannot parse URI: 'grpc+unix:///tmp/a#b' because the path of a "
                                 "socket holds '?' or '#'; write them as %3F and %23"},
        {"grpc+unix:a?b", "Cannot parse URI: 'grpc+unix:a?b' because the path of a socket holds "
                          "'?' or '#'; write them as %3F and %23"},
        {"grpc+unix:///tmp/a b",
         "Cannot parse URI: 'grpc+unix:///tmp/a b' due to syntax error at character ' ' "
         "(position 18)"},
        {"grpc://h\n",
         "Cannot parse URI: 'grpc://h\n' due to syntax error at byte 0x0a (position 8)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cflight_location *location = NULL;
        cflight_error *error = NULL;
        CHECK_STATUS(cflight_location_parse(t_text(cases[i].uri), &location, &error),
                     CFLIGHT_INVALID_ARGUMENT);
        assert_string_equal(cflight_error_message(error), cases[i].message);
        assert_null(location);
        cflight_error_free(error);
    }
}

/* Goal: a location that was made from a host names that host again, with or without the brackets of
 * IPv6, and nothing else is smuggled in. Method: tables. */
TEST(location, a_host_makes_a_location)
{
    static const struct {
        const char *host;
        const char *uri; /* NULL: refused */
    } cases[] = {
        {"localhost", "grpc+tcp://localhost:80"},
        {"127.0.0.1", "grpc+tcp://127.0.0.1:80"},
        {"::1", "grpc+tcp://[::1]:80"},
        {"[::1]", "grpc+tcp://[::1]:80"},
        {"2001:db8::ff", "grpc+tcp://[2001:db8::ff]:80"},
        {"", NULL},
        {"[::1", NULL},
        {"good.example/x", NULL},
        {"good.example:1", NULL},
        {"user@good.example", NULL},
        {"good.example?", NULL},
        {"a b", NULL},
    };
    char *uri = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cflight_error *error = NULL;
        cflight_status status =
            cflight_location_of_host("grpc+tcp", t_text(cases[i].host), 80, &uri, &error);
        if (cases[i].uri == NULL) {
            CHECK_STATUS(status, CFLIGHT_INVALID_ARGUMENT);
            assert_string_not_equal(cflight_error_message(error), "");
            cflight_error_free(error);
            continue;
        }
        CHECK_OK(status, error);
        assert_string_equal(uri, cases[i].uri);
        cflight_text_free(uri);
    }
    static const struct cflight_bytes with_nul = {(const uint8_t *)"good\0.evil", 10};
    CHECK_STATUS(cflight_location_of_host("grpc", with_nul, 80, &uri, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_location_of_host("grpc", t_text("h"), -1, &uri, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_location_of_host("grpc", t_text("h"), 65536, &uri, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_location_of_host(NULL, t_text("h"), 1, &uri, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
}

/* Goal: every path of a socket survives being made a location. Method: each byte but zero, alone
 * and between others, there and back; abstract and relative names. */
TEST(location, a_socket_path_makes_a_location)
{
    static const char *const paths[] = {"/tmp/a b#c%d?e", "@name",    "@a@b/c d",
                                        "relative/s",     "//double", "/tmp/[x]:1",
                                        "/tmp/\xC3\xA9"};
    for (size_t i = 1; i < 256 + sizeof paths / sizeof paths[0]; i++) {
        char path[64];
        char *uri = NULL;
        struct cflight_location *location = NULL;
        cflight_error *error = NULL;
        if (i < 256) {
            (void)snprintf(path, sizeof path, "/a%cb", (int)i);
        } else {
            (void)snprintf(path, sizeof path, "%s", paths[i - 256]);
        }
        CHECK_OK(cflight_location_of_socket(t_text(path), &uri, &error), error);
        CHECK_OK(cflight_location_parse(t_text(uri), &location, &error), error);
        assert_string_equal(location->path, path);
        assert_string_equal(location->host, "");
        cflight_location_free(location);
        cflight_text_free(uri);
    }
    char *uri = NULL;
    CHECK_OK(cflight_location_of_socket(t_text("/tmp/s"), &uri, NULL), NULL);
    assert_string_equal(uri, "grpc+unix:///tmp/s");
    cflight_text_free(uri);
    static const struct cflight_bytes with_nul = {(const uint8_t *)"/tmp/a\0b", 8};
    CHECK_STATUS(cflight_location_of_socket(with_nul, &uri, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_location_of_socket(t_text(""), &uri, NULL), CFLIGHT_INVALID_ARGUMENT);
}

/* Goal: every byte and every cut of a URI is safe. Method: replace each byte with each value; cut
 * everywhere. */
TEST(location, hostile_bytes_do_no_harm)
{
    static const char uri[] = "grpc+unix://@u:p@[::1]:12/a%20/b?c#d";
    for (size_t i = 0; i < sizeof uri; i++) {
        for (unsigned int byte = 0; byte < 256; byte++) {
            char text[sizeof uri];
            struct cflight_location *location = NULL;
            memcpy(text, uri, sizeof uri);
            text[i] = (char)byte;
            (void)(cflight_location_parse(cflight_bytes_make(text, sizeof uri - 1), &location,
                                          NULL) == CFLIGHT_OK);
            cflight_location_free(location);
            location = NULL;
            (void)(cflight_location_parse(cflight_bytes_make(text, i), &location, NULL) ==
                   CFLIGHT_OK);
            cflight_location_free(location);
        }
    }
}

/* Goal: long URIs are bounded, in memory and in messages. Method: a megabyte of slashes, and one
 * byte more. */
TEST(location, long_uris_are_bounded)
{
    static char text[(1 << 20) + 2];
    struct cflight_location *location = NULL;
    cflight_error *error = NULL;
    memset(text, '/', sizeof text);
    memcpy(text, "grpc:", 5);
    CHECK_OK(cflight_location_parse(cflight_bytes_make(text, 1 << 20), &location, &error), error);
    cflight_location_free(location);
    location = NULL;
    CHECK_STATUS(cflight_location_parse(cflight_bytes_make(text, (1 << 20) + 1), &location, &error),
                 CFLIGHT_INVALID_ARGUMENT);
    assert_true(strlen(cflight_error_message(error)) < 400);
    cflight_error_free(error);
    CHECK_STATUS(cflight_location_parse(cflight_bytes_make(NULL, 1), &location, NULL),
                 CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_location_parse(t_text("grpc://h"), NULL, NULL), CFLIGHT_INVALID_ARGUMENT);
}

/* Goal: no allocation failure is more than an error. Method: fail each in turn. */
TEST(location, every_allocation_failure_is_reported)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct cflight_location *location = NULL;
        cflight_error *error = NULL;
        cflight_status status = cfl_location_parse(
            &alloc->allocator, t_text("grpc+unix://[::1]:12/a/b/c"), &location, &error);
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        cflight_location_free(location);
        cflight_error_free(error);
    }
}
