/* SPDX-License-Identifier: Apache-2.0 */
/* What a token server answers, and the names of options. */
#include <stdio.h>

#include "oauth/answer.h"
#include "oauth/json.h"
#include "oauth/options.h"
#include "test.h"

static bool read_into(const char *json, struct cfl_json_member *members, size_t count,
                      uint8_t storage[static 256])
{
    size_t len_bytes = strlen(json);
    assert_true(len_bytes <= 256);
    memcpy(storage, json, len_bytes);
    return cfl_json_read_object(storage, len_bytes, members, count);
}

/* Goal: members are found by name, of every kind. Method: one object with all of them, escapes in
 * names and values included. */
TEST(oauth_texts, members_are_found)
{
    uint8_t storage[256];
    struct cfl_json_member members[] = {
        {.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}, {.name = "e"},
    };
    assert_true(read_into(" {\"\\u0061\":\"x\\n\\u00e9\\ud83d\\ude00\\\"\",\"b\" : -1.5e+3,\n"
                          "\"z\":{\"a\":[1,{\"a\":null},[]]},\"c\":null,\"d\":[true,false]}\r\n",
                          members, 5, storage));
    assert_int_equal(members[0].kind, CFL_JSON_TEXT);
    assert_true(t_is_text(members[0].value, "x\n\xc3\xa9\xf0\x9f\x98\x80\""));
    assert_int_equal(members[1].kind, CFL_JSON_NUMBER);
    assert_true(t_is_text(members[1].value, "-1.5e+3"));
    assert_int_equal(members[2].kind, CFL_JSON_NONE);
    assert_int_equal(members[3].kind, CFL_JSON_OTHER);
    assert_int_equal(members[4].kind, CFL_JSON_NONE);
}

/* Goal: what is no object is refused, wherever it ends. Method: objects with one mistake each, and
 * every beginning of a good one. */
TEST(oauth_texts, what_is_no_object_is_refused)
{
    static const char GOOD[] = "{\"a\":\"\\u00e9\\ud83d\\ude00\",\"b\":[1.5e-2,{\"c\":true}]}";
    static const char *const BAD[] = {
        "",
        " ",
        "null",
        "[]",
        "\"a\"",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":+1}",
        "{\"a\":1e}",
        "{\"a\":-}",
        "{\"a\":tru}",
        "{\"a\":1,}",
        "{\"a\":1}x",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\" 1}",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":[1,]}",
        "{\"a\":{\"b\"}}",
        "{\"a\":\"\\",
    };
    uint8_t storage[256];
    struct cfl_json_member members[] = {{.name = "a"}};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        if (read_into(BAD[i], members, 1, storage)) {
            fail_msg("taken: %s", BAD[i]);
        }
    }
    assert_true(read_into(GOOD, members, 1, storage));
    for (size_t len_bytes = 0; len_bytes < sizeof GOOD - 1; len_bytes++) {
        memcpy(storage, GOOD, len_bytes);
        assert_false(cfl_json_read_object(storage, len_bytes, members, 1));
    }
}

/* Goal: nesting is bounded. Method: arrays in an object, just deep enough and far too deep. */
TEST(oauth_texts, nesting_is_bounded)
{
    static uint8_t json[200010];
    struct cfl_json_member members[] = {{.name = "b"}};
    for (size_t depth = 15; depth <= 100000; depth = depth == 15 ? 16 : depth * 100) {
        size_t len_bytes = (size_t)snprintf((char *)json, sizeof json, "{\"a\":");
        memset(json + len_bytes, '[', depth);
        memset(json + len_bytes + depth, ']', depth);
        json[len_bytes + 2 * depth] = '}';
        assert_int_equal(cfl_json_read_object(json, len_bytes + 2 * depth + 1, members, 1),
                         depth == 15);
        if (depth > 1000) {
            break;
        }
    }
}

static cflight_status answer_of(long http_status, const char *json, struct cfl_buf *body,
                                struct cfl_oauth_answer *ret_answer, cflight_error **reterr)
{
    static const char *const SECRETS[] = {"", "s3cret", NULL};
    cfl_buf_clear(body);
    (void)cfl_buf_append_text(body, json);
    return cfl_oauth_answer_read(http_status, body, "https://x/token", SECRETS, ret_answer, reterr);
}

/* Goal: a token is taken as servers write it. Method: answers in the forms that are about. */
TEST(oauth_texts, tokens_are_taken)
{
    static const struct {
        const char *json;
        int64_t lifetime_ms;
    } GOOD[] = {
        {"{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":3600}", 3600000},
        {"{\"access_token\":\"t\",\"token_type\":\"bearer\",\"expires_in\":\"60\"}", 60000},
        {"{\"access_token\":\"t\",\"token_type\":\"N_A\",\"expires_in\":1.9}", 1000},
        {"{\"access_token\":\"t\"}", -1},
        {"{\"access_token\":\"t\",\"expires_in\":null}", -1},
        {"{\"access_token\":\"t\",\"expires_in\":-5}", 0},
        {"{\"access_token\":\"t\",\"expires_in\":99999999999999999999}", 315360000000},
    };
    struct cfl_buf body;
    struct cfl_oauth_answer answer;
    cflight_error *error = NULL;
    cfl_buf_init(&body, NULL);
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        CHECK_OK(answer_of(200, GOOD[i].json, &body, &answer, &error), error);
        assert_true(t_is_text(answer.token, "t"));
        assert_int_equal(answer.lifetime_ms, GOOD[i].lifetime_ms);
    }
    cfl_buf_done(&body);
}

/* Goal: each failure has its status and says what the server said, but never a secret or what no
 * terminal should see. Method: answers that fail, and a part of what is to be said. */
TEST(oauth_texts, failures_say_what_the_server_said)
{
    static const struct {
        long http_status;
        const char *json;
        cflight_status status;
        const char *part;
    } BAD[] = {
        {200, "hello", CFLIGHT_INTERNAL, "no JSON object"},
        {200, "{}", CFLIGHT_INTERNAL, "no access_token"},
        {200, "{\"access_token\":\"a b\"}", CFLIGHT_INTERNAL, "no header can have"},
        {200, "{\"access_token\":\"a\\u0000\"}", CFLIGHT_INTERNAL, "no header can have"},
        {200, "{\"access_token\":\"\"}", CFLIGHT_INTERNAL, "no header can have"},
        {200, "{\"access_token\":\"a\",\"token_type\":\"DPoP\"}", CFLIGHT_UNIMPLEMENTED, "'DPoP'"},
        {200, "{\"error\":\"invalid_scope\"}", CFLIGHT_UNAUTHENTICATED, "invalid_scope"},
        {204, "", CFLIGHT_INTERNAL, "answered 204; expected is 200"},
        {302, "", CFLIGHT_INTERNAL, "is not followed"},
        {400, "{\"error\":\"invalid_grant\",\"error_description\":\"it \\u001b[31mended\"}",
         CFLIGHT_UNAUTHENTICATED, "answered 400: invalid_grant: it ?[31mended"},
        {401, "<html>", CFLIGHT_UNAUTHENTICATED, "answered 401: without an OAuth error"},
        {400, "{\"error\":\"e\",\"error_description\":\"no client with s3cret\"}",
         CFLIGHT_UNAUTHENTICATED, "answered 400: e"},
        {400, "{\"error\":\"s3cret\"}", CFLIGHT_UNAUTHENTICATED, "without an OAuth error"},
        {429, "", CFLIGHT_UNAVAILABLE, "answered 429"},
        {503, "{\"error\":\"temporarily_unavailable\"}", CFLIGHT_UNAVAILABLE, "temporarily"},
    };
    struct cfl_buf body;
    struct cfl_oauth_answer answer;
    cfl_buf_init(&body, NULL);
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        cflight_error *error = NULL;
        CHECK_STATUS(answer_of(BAD[i].http_status, BAD[i].json, &body, &answer, &error),
                     BAD[i].status);
        const char *message = cflight_error_message(error);
        if (strstr(message, BAD[i].part) == NULL || strstr(message, "s3cret") != NULL ||
            strstr(message, "https://x/token") == NULL) {
            fail_msg("%s", message);
        }
        assert_int_equal(answer.is_refusal_of_client, BAD[i].http_status == 401);
        cflight_error_free(error);
    }
    cfl_buf_done(&body);
}

/* Goal: options have the names of both of Arrow's drivers. Method: set each by each name. */
TEST(oauth_texts, options_have_the_names_of_arrows_drivers)
{
    static const struct {
        const char *name;
        size_t offset;
    } NAMES[] = {
        {"adbc.flight.sql.oauth.token_uri", offsetof(struct cflight_oauth_options, token_uri)},
        {"oauth.tokenUri", offsetof(struct cflight_oauth_options, token_uri)},
        {"token_uri", offsetof(struct cflight_oauth_options, token_uri)},
        {"oauth.clientId", offsetof(struct cflight_oauth_options, client_id)},
        {"adbc.flight.sql.oauth.client_secret",
         offsetof(struct cflight_oauth_options, client_secret)},
        {"oauth.clientSecret", offsetof(struct cflight_oauth_options, client_secret)},
        {"adbc.flight.sql.oauth.scope", offsetof(struct cflight_oauth_options, scope)},
        {"adbc.flight.sql.oauth.exchange.scope", offsetof(struct cflight_oauth_options, scope)},
        {"oauth.resource", offsetof(struct cflight_oauth_options, resource)},
        {"adbc.flight.sql.oauth.exchange.resource",
         offsetof(struct cflight_oauth_options, resource)},
        {"adbc.flight.sql.oauth.exchange.aud", offsetof(struct cflight_oauth_options, audience)},
        {"oauth.exchange.aud", offsetof(struct cflight_oauth_options, audience)},
        {"adbc.flight.sql.oauth.exchange.subject_token",
         offsetof(struct cflight_oauth_options, subject_token)},
        {"oauth.exchange.subjectToken", offsetof(struct cflight_oauth_options, subject_token)},
        {"oauth.exchange.subjectTokenType",
         offsetof(struct cflight_oauth_options, subject_token_type)},
        {"adbc.flight.sql.oauth.exchange.actor_token",
         offsetof(struct cflight_oauth_options, actor_token)},
        {"oauth.exchange.actorTokenType", offsetof(struct cflight_oauth_options, actor_token_type)},
        {"adbc.flight.sql.oauth.exchange.requested_token_type",
         offsetof(struct cflight_oauth_options, requested_token_type)},
        {"oauth.exchange.requestedTokenType",
         offsetof(struct cflight_oauth_options, requested_token_type)},
    };
    cflight_error *error = NULL;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        struct cflight_oauth_options options = CFLIGHT_OAUTH_OPTIONS_INIT;
        CHECK_OK(cflight_oauth_options_set(&options, NAMES[i].name, "v", &error), error);
        assert_string_equal(*(const char **)((char *)&options + NAMES[i].offset), "v");
        CHECK_OK(cflight_oauth_options_set(&options, NAMES[i].name, "", &error), error);
        assert_null(*(const char **)((char *)&options + NAMES[i].offset));
    }
    struct cflight_oauth_options options = CFLIGHT_OAUTH_OPTIONS_INIT;
    CHECK_OK(cflight_oauth_options_set(&options, "oauth.flow", "token_exchange", &error), error);
    assert_int_equal(options.flow, CFLIGHT_OAUTH_TOKEN_EXCHANGE);
    CHECK_OK(cflight_oauth_options_set(&options, "client_auth", "form", &error), error);
    assert_int_equal(options.client_auth, CFLIGHT_OAUTH_CLIENT_AUTH_FORM);
    CHECK_OK(cflight_oauth_options_set(&options, "allow_http", "true", &error), error);
    assert_true(options.allow_http);
    CHECK_OK(cflight_oauth_options_set(&options, "adbc.flight.sql.oauth.auth_uri", "x", &error),
             error);
}

/* Goal: what does not belong together is refused before anything is asked, without a value in the
 * error. Method: options with one mistake each; every value has "s3cret" in it. */
TEST(oauth_texts, options_that_do_not_fit_are_refused)
{
    static const struct {
        const char *pairs[8]; /* name, value, and so on */
        cflight_status status;
        const char *part;
    } BAD[] = {
        {{"flow", "s3cret"}, CFLIGHT_UNIMPLEMENTED, "client_credentials and token_exchange"},
        {{"secret", "s3cret"}, CFLIGHT_NOT_FOUND, "'secret'"},
        {{"client_auth", "s3cret"}, CFLIGHT_INVALID_ARGUMENT, "either"},
        {{"allow_http", "s3cret"}, CFLIGHT_INVALID_ARGUMENT, "true or false"},
        {{"token_uri", "https://s3cret"}, CFLIGHT_INVALID_ARGUMENT, "flow"},
        {{"flow", "client_credentials"}, CFLIGHT_INVALID_ARGUMENT, "token_uri"},
        {{"flow", "client_credentials", "token_uri", "https://s3cret", "client_id", "s3cret"},
         CFLIGHT_INVALID_ARGUMENT,
         "client_secret"},
        {{"flow", "token_exchange", "token_uri", "https://s3cret"},
         CFLIGHT_INVALID_ARGUMENT,
         "exchange.subject_token"},
    };
    static const char *const URIS[] = {
        "ftp://s3cret/",        "https://",       "https:///s3cret",
        "https://s3cret@host/", "http://s3cret/", "http://localhost.s3cret/",
        "https://a b",          "s3cret",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct cflight_oauth_options options = CFLIGHT_OAUTH_OPTIONS_INIT;
        cflight_error *error = NULL;
        cflight_status status = CFLIGHT_OK;
        for (size_t j = 0; BAD[i].pairs[j] != NULL && status == CFLIGHT_OK; j += 2) {
            status =
                cflight_oauth_options_set(&options, BAD[i].pairs[j], BAD[i].pairs[j + 1], &error);
        }
        if (status == CFLIGHT_OK) {
            status = cfl_oauth_options_check(&options, &error);
        }
        CHECK_STATUS(status, BAD[i].status);
        assert_non_null(strstr(cflight_error_message(error), BAD[i].part));
        assert_null(strstr(cflight_error_message(error), "s3cret"));
        cflight_error_free(error);
    }
    for (size_t i = 0; i < sizeof URIS / sizeof *URIS; i++) {
        struct cflight_oauth_options options = CFLIGHT_OAUTH_OPTIONS_INIT;
        cflight_error *error = NULL;
        options.flow = CFLIGHT_OAUTH_CLIENT_CREDENTIALS;
        options.client_id = "a";
        options.client_secret = "b";
        options.token_uri = URIS[i];
        CHECK_STATUS(cfl_oauth_options_check(&options, &error), CFLIGHT_INVALID_ARGUMENT);
        assert_null(strstr(cflight_error_message(error), "s3cret"));
        cflight_error_free(error);
    }
}
