/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy leads to a host: the variables, their order, and what they may hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log_capture.h"
#include "net/proxy.h"
#include "test.h"

static const char *const VARIABLES[] = {"grpc_proxy", "https_proxy", "http_proxy", "no_grpc_proxy",
                                        "no_proxy"};

static void forget_variables(void)
{
    for (size_t i = 0; i < sizeof VARIABLES / sizeof VARIABLES[0]; i++) {
        assert_int_equal(unsetenv(VARIABLES[i]), 0);
    }
}

static void set(const char *name, const char *value)
{
    assert_int_equal(setenv(name, value, 1), 0);
}

/* "host:port authorization" of what is found, "direct" for none. */
static void expect_found(const char *uri, const char *host, const char *expected)
{
    char found[256] = "direct";
    struct cfl_proxy *proxy = NULL;
    cflight_error *error = NULL;
    CHECK_OK(cfl_proxy_find(NULL, uri, host, &proxy, &error), error);
    if (proxy != NULL) {
        (void)snprintf(found, sizeof found, "%s:%u%s%s", proxy->host, (unsigned int)proxy->port,
                       proxy->authorization == NULL ? "" : " ",
                       proxy->authorization == NULL ? "" : proxy->authorization);
    }
    cfl_proxy_free(proxy);
    assert_string_equal(found, expected);
}

/* Goal: the variables count in the order of gRPC, an empty one is none, and what a program says
 * comes before all of them. Method: set them from the last to the first. */
TEST(proxy, the_first_variable_that_is_set_counts)
{
    forget_variables();
    expect_found(NULL, "a.test", "direct");
    set("http_proxy", "http://third:3");
    expect_found(NULL, "a.test", "third:3");
    set("https_proxy", "http://second:2");
    expect_found(NULL, "a.test", "second:2");
    set("grpc_proxy", "http://first:1");
    expect_found(NULL, "a.test", "first:1");
    expect_found("http://own:4", "a.test", "own:4");
    expect_found("", "a.test", "direct");
    set("grpc_proxy", "");
    expect_found(NULL, "a.test", "direct");
    forget_variables();
}

/* Goal: no_grpc_proxy counts before no_proxy, even when it is empty, and for proxies from wherever
 * they come; this machine is no exception by itself. */
TEST(proxy, exceptions_are_what_the_variables_say)
{
    forget_variables();
    set("http_proxy", "http://proxy:1");
    expect_found(NULL, "localhost", "proxy:1");
    expect_found(NULL, "127.0.0.1", "proxy:1");
    set("no_proxy", "localhost,127.0.0.1");
    expect_found(NULL, "localhost", "direct");
    expect_found("http://own:4", "127.0.0.1", "direct");
    set("no_grpc_proxy", "");
    expect_found(NULL, "localhost", "proxy:1");
    set("no_grpc_proxy", "a.test");
    expect_found(NULL, "a.test", "direct");
    forget_variables();
}

/* Goal: a list of exceptions has ends of names, addresses, blocks of addresses and "*". */
TEST(proxy, a_list_of_exceptions_is_read_as_grpc_reads_it)
{
    static const struct {
        const char *list;
        const char *host;
        bool is_in;
    } CASES[] = {
        {"", "a.test", false},
        {",", "a.test", false},
        {" , ", "a.test", false},
        {"a.test", "a.test", true},
        {"A.Test", "a.tEST", true},
        {".test", "a.test", true},
        {"test", "a.test", true},
        {"b.test", "a.test", false},
        {"x.a.test", "a.test", false},
        {"b.test , a.test", "a.test", true},
        {"*", "a.test", true},
        {"b.test,\t* ", "10.1.2.3", true},
        {"10.0.0.0/8", "10.1.2.3", true},
        {"10.0.0.0/8", "11.1.2.3", false},
        {"10.128.0.0/9", "10.127.0.1", false},
        {"10.128.0.0/9", "10.129.0.1", true},
        {"10.1.2.3/32", "10.1.2.3", true},
        {"10.1.2.3/32", "10.1.2.2", false},
        {"0.0.0.0/0", "10.1.2.3", true},
        {"0.0.0.0/0", "::1", false},
        {"10.0.0.0/33", "10.0.0.0", false},
        {"10.0.0.0/", "10.0.0.0", false},
        {"10.0.0.0/8x", "10.0.0.0", false},
        {"/8", "10.0.0.0", false},
        {"10.0.0.0/8", "a.test", false},
        {"fd00::/8", "fd12::1", true},
        {"fd00::/8", "fe12::1", false},
        {"::1/128", "::1", true},
        {"::1", "::1", true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (cfl_proxy_is_bypassed(CASES[i].list, CASES[i].host) != CASES[i].is_in) {
            fail_msg("'%s' has %s: expected %d", CASES[i].list, CASES[i].host, CASES[i].is_in);
        }
    }
}

/* Goal: URIs of proxies are read with their parts; the port of a name without one is that of gRPC,
 * and user and password are what RFC 7617 sends. */
TEST(proxy, uris_are_read)
{
    forget_variables();
    expect_found("http://p.test:3128", "a.test", "p.test:3128");
    expect_found("HTTP://p.test:3128/", "a.test", "p.test:3128");
    expect_found("http://p.test", "a.test", "p.test:443");
    expect_found("http://10.0.0.1:8080/x?y", "a.test", "10.0.0.1:8080");
    expect_found("http://[fd00::1]:8080", "a.test", "fd00::1:8080");
    expect_found("http://[::1]", "a.test", "::1:443");
    expect_found("http://Aladdin:open%20sesame@p.test:1", "a.test",
                 "p.test:1 Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    expect_found("http://a@b:c@p.test:1", "a.test", "p.test:1 Basic YUBiOmM=");
    expect_found("http://@p.test:1", "a.test", "p.test:1");
}

static const char *const BAD_URIS[] = {
    "p.test:3128",    "https://p.test:1",    "socks5://p.test:1",    "http://",
    "http://:80",     "http://u:secret@:80", "http://p.test:0",      "http://p.test:65536",
    "http://p.test:", "http://p.test:8x",    "http://[::1",          "http://[::1]8080",
    "http://[]:1",    "http://p test:1",     "http://p.test\r\nx:1", "http://[secret.test]:1",
};

/* Goal: a URI that is no HTTP proxy is an error when a program says it, which names what is
 * expected and quotes nothing; in a variable it is a warning that names the variable. */
TEST(proxy, uris_that_cannot_be_used_are_told)
{
    struct t_capture log;
    forget_variables();
    for (size_t i = 0; i < sizeof BAD_URIS / sizeof BAD_URIS[0]; i++) {
        struct cfl_proxy *proxy = NULL;
        cflight_error *error = NULL;
        if (cfl_proxy_find(NULL, BAD_URIS[i], "a.test", &proxy, &error) !=
            CFLIGHT_INVALID_ARGUMENT) {
            fail_msg("'%s' was taken", BAD_URIS[i]);
        }
        assert_null(proxy);
        assert_non_null(strstr(cflight_error_message(error), "http://HOST:PORT is expected"));
        assert_null(strstr(cflight_error_message(error), "secret"));
        cflight_error_free(error);
    }
    set("https_proxy", "socks5://u:secret@p.test:1");
    set("http_proxy", "http://p.test:1");
    t_capture_start(&log, CFLIGHT_LOG_DEBUG);
    expect_found(NULL, "a.test", "direct");
    assert_true(t_capture_has(&log, "https_proxy is not used"));
    assert_false(t_capture_has(&log, "secret"));
    t_capture_stop(&log);
    forget_variables();
}
