/* SPDX-License-Identifier: Apache-2.0 */
/* Basic credentials, bearer tokens and password files, apart from a server. The clock is virtual.
 */
#include "flight/kit/bearer_auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "cflight/ipc.h"
#include "flight/kit/bearer_tokens.h"
#include "flight/kit/secrets.h"
#include "test.h"

#define B(text) cflight_bytes_from_text(text)
#define BASIC_U_P "Basic dTpw"         /* u:p */
#define BASIC_U_WRONG "Basic dTpxeA==" /* u:qx */
#define BASIC_EMPTY_P "Basic OnA="     /* :p */
#define BASIC_COLONS "Basic dTpwOnE6"  /* u:p:q: */

struct t_auth {
    cflight_bearer_auth *auth;
    struct cfl_clock clock;
    int64_t now_ns;
    char name[64];
    char password[64];
    int call_count;
};

static int64_t read_now(void *user_data)
{
    const int64_t *now_ns = user_data;
    return *now_ns;
}

/* Takes any name with a password that begins with 'p'; the name "admin" is called "root". */
static cflight_status verify(void *user_data, struct cflight_bytes username,
                             struct cflight_bytes password, cflight_buffer **ret_identity,
                             cflight_error **reterr)
{
    struct t_auth *auth = user_data;
    auth->call_count++;
    (void)snprintf(auth->name, sizeof auth->name, "%.*s", (int)username.len_bytes,
                   (const char *)username.data);
    (void)snprintf(auth->password, sizeof auth->password, "%.*s", (int)password.len_bytes,
                   (const char *)password.data);
    if (auth->password[0] != 'p') {
        return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "wrong");
    }
    return strcmp(auth->name, "admin") == 0
               ? cflight_buffer_new_copy(B("root"), ret_identity, reterr)
               : CFLIGHT_OK;
}

static void auth_open(struct t_auth *auth, struct cflight_bearer_auth_options options)
{
    memset(auth, 0, sizeof *auth);
    auth->now_ns = 1;
    auth->clock.now_ns = read_now;
    auth->clock.user_data = &auth->now_ns;
    options.verify = verify;
    options.user_data = auth;
    CHECK_STATUS(cfl_bearer_auth_new(&options, &auth->clock, &auth->auth, NULL), CFLIGHT_OK);
}

static struct cflight_bearer_auth_options defaults(void)
{
    struct cflight_bearer_auth_options options = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
    return options;
}

/* Checks a value; `identity` NULL means that it must be refused. Returns a fresh token, if one was
 * made, in `token`. */
static void check(struct t_auth *auth, const char *authorization, const char *identity, char *token)
{
    char fresh[CFL_TOKEN_TEXT_BYTES + 1];
    cflight_buffer *actual = NULL;
    cflight_error *error = NULL;
    cflight_status status =
        cfl_bearer_auth_check(auth->auth, B(authorization), false, fresh, &actual, &error);
    CHECK_STATUS(status, identity == NULL ? CFLIGHT_UNAUTHENTICATED : CFLIGHT_OK);
    if (identity != NULL) {
        assert_true(cflight_bytes_equal(cflight_buffer_bytes(actual), B(identity)));
    }
    if (token != NULL) {
        memcpy(token, fresh, sizeof fresh);
    }
    cflight_buffer_unref(actual);
    cflight_error_free(error);
}

static void bearer(const char *token, char *target)
{
    (void)snprintf(target, 128, "Bearer %s", token);
}

/* Goal: a password gives a token, and the token the identity. Method: one round for two users. */
TEST(bearer_auth, a_password_is_exchanged_for_a_token)
{
    struct t_auth auth;
    char token[CFL_TOKEN_TEXT_BYTES + 1];
    char value[128];
    auth_open(&auth, defaults());
    check(&auth, BASIC_U_P, "u", token);
    assert_int_equal(strlen(token), CFL_TOKEN_TEXT_BYTES);
    bearer(token, value);
    check(&auth, value, "u", NULL);
    memcpy(value, "bEARER", 6);
    check(&auth, value, "u", NULL);
    check(&auth, "basic YWRtaW46cHc=", "root", token); /* admin:pw */
    bearer(token, value);
    check(&auth, value, "root", NULL);
    check(&auth, BASIC_COLONS, "u", NULL);
    assert_string_equal(auth.password, "p:q:");
    check(&auth, "Basic dTpxeA", NULL, NULL); /* unpadded, u:qx */
    assert_string_equal(auth.password, "qx");
    check(&auth, BASIC_EMPTY_P, "", NULL);
    cflight_bearer_auth_unref(auth.auth);
}

/* Goal: everything else is refused, and the verifier is not asked for nonsense. Method: a table. */
TEST(bearer_auth, other_values_are_refused)
{
    static const char *const bad[] = {
        "",
        "Bearer ",
        "Bearer x",
        "Bearer",
        "Digest abc",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic dXA=" /* up */,
        "Bearer 0000000000000000000000000000000000000000000000000000000000000000",
    };
    struct t_auth auth;
    auth_open(&auth, defaults());
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check(&auth, bad[i], NULL, NULL);
    }
    assert_int_equal(auth.call_count, 0);
    check(&auth, BASIC_U_WRONG, NULL, NULL);
    assert_int_equal(auth.call_count, 1);
    static char too_long[8000] = "Basic ";
    memset(too_long + 6, 'A', sizeof too_long - 7);
    check(&auth, too_long, NULL, NULL);
    assert_int_equal(auth.call_count, 1);
    cflight_bearer_auth_unref(auth.auth);
}

/* Goal: a token with any digit changed opens nothing. Method: change each. */
TEST(bearer_auth, a_token_is_compared_whole)
{
    struct t_auth auth;
    char token[CFL_TOKEN_TEXT_BYTES + 1];
    char value[128];
    auth_open(&auth, defaults());
    check(&auth, BASIC_U_P, "u", token);
    for (size_t i = 0; i < CFL_TOKEN_TEXT_BYTES; i++) {
        char former = token[i];
        token[i] = former == '0' ? '1' : '0';
        bearer(token, value);
        check(&auth, value, NULL, NULL);
        token[i] = former;
    }
    bearer(token, value);
    check(&auth, value, "u", NULL);
    value[strlen(value) - 1] = '\0';
    check(&auth, value, NULL, NULL);
    cflight_bearer_auth_unref(auth.auth);
}

/* Goal: tokens end when their time is over; use extends it only when asked to. Method: move the
 * clock. */
TEST(bearer_auth, tokens_expire)
{
    for (int extends = 0; extends < 2; extends++) {
        struct t_auth auth;
        struct cflight_bearer_auth_options options = defaults();
        char token[CFL_TOKEN_TEXT_BYTES + 1];
        char value[128];
        options.token_lifetime_ms = 10;
        options.use_extends_lifetime = extends == 1;
        auth_open(&auth, options);
        check(&auth, BASIC_U_P, "u", token);
        bearer(token, value);
        auth.now_ns += 10 * CFL_NS_PER_MS - 1;
        check(&auth, value, "u", NULL);
        auth.now_ns += 1;
        check(&auth, value, extends == 1 ? "u" : NULL, NULL);
        auth.now_ns += 10 * CFL_NS_PER_MS;
        check(&auth, value, NULL, NULL);
        cflight_bearer_auth_unref(auth.auth);
    }
    struct t_auth auth;
    struct cflight_bearer_auth_options options = defaults();
    char token[CFL_TOKEN_TEXT_BYTES + 1];
    char value[128];
    options.token_lifetime_ms = -1;
    auth_open(&auth, options);
    check(&auth, BASIC_U_P, "u", token);
    bearer(token, value);
    auth.now_ns = INT64_MAX - 1;
    check(&auth, value, "u", NULL);
    cflight_bearer_auth_unref(auth.auth);
}

/* Goal: revoked tokens are gone. Method: one by text, then all of an identity. */
TEST(bearer_auth, tokens_can_be_revoked)
{
    struct t_auth auth;
    char token[CFL_TOKEN_TEXT_BYTES + 1];
    char value[128];
    auth_open(&auth, defaults());
    check(&auth, BASIC_U_P, "u", token);
    bearer(token, value);
    assert_true(cflight_bearer_auth_revoke(auth.auth, B(value)));
    assert_false(cflight_bearer_auth_revoke(auth.auth, B(token)));
    check(&auth, value, NULL, NULL);
    check(&auth, BASIC_U_P, "u", NULL);
    check(&auth, BASIC_U_P, "u", NULL);
    cflight_buffer *issued = NULL;
    CHECK_STATUS(cflight_bearer_auth_issue(auth.auth, B("other"), &issued, NULL), CFLIGHT_OK);
    assert_int_equal(cflight_bearer_auth_revoke_identity(auth.auth, B("u")), 2);
    assert_int_equal(cflight_bearer_auth_revoke_identity(auth.auth, B("u")), 0);
    assert_true(cflight_bearer_auth_revoke(auth.auth, cflight_buffer_bytes(issued)));
    cflight_buffer_unref(issued);
    cflight_bearer_auth_unref(auth.auth);
}

/* Goal: the table is bounded, and no user's greed costs another his token. Method: small bounds,
 * many tokens. */
TEST(bearer_auth, a_greedy_user_loses_only_his_own_tokens)
{
    struct t_auth auth;
    struct cflight_bearer_auth_options options = defaults();
    char admin[CFL_TOKEN_TEXT_BYTES + 1];
    char first[CFL_TOKEN_TEXT_BYTES + 1];
    char last[CFL_TOKEN_TEXT_BYTES + 1];
    char value[128];
    options.tokens_max = 10;
    options.tokens_per_identity_max = 3;
    auth_open(&auth, options);
    check(&auth, "Basic YWRtaW46cHc=", "root", admin);
    check(&auth, BASIC_U_P, "u", first);
    for (int i = 0; i < 100; i++) {
        check(&auth, BASIC_U_P, "u", last);
    }
    bearer(admin, value);
    check(&auth, value, "root", NULL);
    bearer(first, value);
    check(&auth, value, NULL, NULL);
    bearer(last, value);
    check(&auth, value, "u", NULL);
    assert_int_equal(cflight_bearer_auth_revoke_identity(auth.auth, B("u")), 3);
    cflight_bearer_auth_unref(auth.auth);
}

/* Goal: options are honoured. Method: passwords with a handshake only; no verifier. */
TEST(bearer_auth, options_are_honoured)
{
    struct t_auth auth;
    struct cflight_bearer_auth_options options = defaults();
    options.basic_in_handshake_only = true;
    auth_open(&auth, options);
    check(&auth, BASIC_U_P, NULL, NULL);
    char token[CFL_TOKEN_TEXT_BYTES + 1];
    cflight_buffer *identity = NULL;
    CHECK_STATUS(cfl_bearer_auth_check(auth.auth, B(BASIC_U_P), true, token, &identity, NULL),
                 CFLIGHT_OK);
    cflight_buffer_unref(identity);
    cflight_bearer_auth_unref(auth.auth);
    options = defaults();
    CHECK_STATUS(cflight_bearer_auth_new(&options, &auth.auth, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_bearer_auth_new(NULL, &auth.auth, NULL), CFLIGHT_INVALID_ARGUMENT);
}

/* A verifier that asks the kit again, as a second call at the same time would. */
static cflight_status verify_nested(void *user_data, struct cflight_bytes username,
                                    struct cflight_bytes password, cflight_buffer **ret_identity,
                                    cflight_error **reterr)
{
    (void)username;
    (void)password;
    (void)ret_identity;
    char token[CFL_TOKEN_TEXT_BYTES + 1];
    cflight_buffer *identity = NULL;
    struct t_auth *auth = user_data;
    auth->call_count++;
    return cfl_bearer_auth_check(auth->auth, B(BASIC_U_P), false, token, &identity, reterr);
}

/* Goal: only so many passwords are verified at once. Method: a verifier that verifies. */
TEST(bearer_auth, verifications_are_bounded)
{
    struct t_auth auth = {.call_count = 0};
    struct cflight_bearer_auth_options options = defaults();
    char token[CFL_TOKEN_TEXT_BYTES + 1];
    cflight_buffer *identity = NULL;
    options.verify = verify_nested;
    options.user_data = &auth;
    options.verifications_max = 3;
    CHECK_STATUS(cflight_bearer_auth_new(&options, &auth.auth, NULL), CFLIGHT_OK);
    CHECK_STATUS(cfl_bearer_auth_check(auth.auth, B(BASIC_U_P), false, token, &identity, NULL),
                 CFLIGHT_UNAVAILABLE);
    assert_int_equal(auth.call_count, 3);
    CHECK_STATUS(cfl_bearer_auth_check(auth.auth, B(BASIC_U_P), false, token, &identity, NULL),
                 CFLIGHT_UNAVAILABLE);
    assert_int_equal(auth.call_count, 6);
    cflight_bearer_auth_unref(auth.auth);
}

/* Goal: no allocation failure is more than an error. Method: fail each in turn. */
TEST(bearer_auth, every_allocation_failure_is_reported)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct t_auth server = {.call_count = 0};
        struct cflight_bearer_auth_options options = defaults();
        cflight_bearer_auth *auth = NULL;
        cflight_buffer *identity = NULL;
        char token[CFL_TOKEN_TEXT_BYTES + 1];
        options.allocator = &alloc->allocator;
        options.verify = verify;
        options.user_data = &server;
        cflight_status status = cflight_bearer_auth_new(&options, &auth, NULL);
        if (status == CFLIGHT_OK) {
            status = cfl_bearer_auth_check(auth, B(BASIC_U_P), false, token, &identity, NULL);
        }
        CHECK_STATUS(status, alloc->did_fail ? CFLIGHT_RESOURCE_EXHAUSTED : CFLIGHT_OK);
        cflight_buffer_unref(identity);
        cflight_bearer_auth_unref(auth);
    }
}

/* Writes a file under a fresh name. */
static void write_file(char *path, const char *text)
{
    (void)snprintf(path, 64, "/tmp/cflight-passwords-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

/* "secret", made by `openssl passwd -6 -salt saltsalt`. */
#define SECRET_HASH                                                                             \
    "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq." \
    "H91p5hVO1"

static cflight_status verify_in(cflight_password_file *file, const char *name, const char *password)
{
    cflight_buffer *identity = NULL;
    cflight_status status =
        cflight_password_file_verify(file, B(name), B(password), &identity, NULL);
    assert_null(identity);
    return status;
}

/* Goal: names and passwords of a file are told from others. Method: a file with comments and two
 * users. */
TEST(password_file, names_and_passwords_are_verified)
{
    char path[64];
    char text[1024];
    char *hash = NULL;
    cflight_password_file *file = NULL;
    CHECK_STATUS(cflight_password_hash("p\xC3\xA4ss", &hash, NULL), CFLIGHT_OK);
    (void)snprintf(text, sizeof text, "# users\n\nalice:%s\r\nbob:%s\nbroken:*", SECRET_HASH, hash);
    cflight_text_free(hash);
    write_file(path, text);
    CHECK_STATUS(cflight_password_file_new(path, &file, NULL), CFLIGHT_OK);
    CHECK_STATUS(verify_in(file, "alice", "secret"), CFLIGHT_OK);
    CHECK_STATUS(verify_in(file, "bob", "p\xC3\xA4ss"), CFLIGHT_OK);
    CHECK_STATUS(verify_in(file, "bob", "secret"), CFLIGHT_UNAUTHENTICATED);
    CHECK_STATUS(verify_in(file, "alice", ""), CFLIGHT_UNAUTHENTICATED);
    CHECK_STATUS(verify_in(file, "alice", SECRET_HASH), CFLIGHT_UNAUTHENTICATED);
    CHECK_STATUS(verify_in(file, "carol", "secret"), CFLIGHT_UNAUTHENTICATED);
    CHECK_STATUS(verify_in(file, "broken", "*"), CFLIGHT_UNAUTHENTICATED);
    CHECK_STATUS(verify_in(file, "", "secret"), CFLIGHT_UNAUTHENTICATED);
    static char long_password[2000];
    memset(long_password, 'x', sizeof long_password - 1);
    CHECK_STATUS(verify_in(file, "alice", long_password), CFLIGHT_UNAUTHENTICATED);
    CHECK_STATUS(cflight_password_file_verify(file, B("alice"), cflight_bytes_make("secret\0x", 8),
                                              NULL, NULL),
                 CFLIGHT_UNAUTHENTICATED);
    cflight_password_file_free(file);
    assert_int_equal(unlink(path), 0);
}

/* Goal: a reload takes effect, a bad one changes nothing. Method: write the file anew, then badly.
 */
TEST(password_file, a_reload_replaces_the_content_or_nothing)
{
    char path[64];
    cflight_password_file *file = NULL;
    write_file(path, "alice:" SECRET_HASH "\n");
    CHECK_STATUS(cflight_password_file_new(path, &file, NULL), CFLIGHT_OK);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    (void)fputs("bob:" SECRET_HASH "\n", stream);
    assert_int_equal(fclose(stream), 0);
    CHECK_STATUS(cflight_password_file_reload(file, NULL), CFLIGHT_OK);
    CHECK_STATUS(verify_in(file, "alice", "secret"), CFLIGHT_UNAUTHENTICATED);
    CHECK_STATUS(verify_in(file, "bob", "secret"), CFLIGHT_OK);
    stream = fopen(path, "w");
    assert_non_null(stream);
    (void)fputs("bob:x\nnonsense\n", stream);
    assert_int_equal(fclose(stream), 0);
    cflight_error *error = NULL;
    CHECK_STATUS(cflight_password_file_reload(file, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_string_equal(cflight_error_message(error), "password file: line 2 is not name:hash");
    cflight_error_free(error);
    CHECK_STATUS(verify_in(file, "bob", "secret"), CFLIGHT_OK);
    cflight_password_file_free(file);
    assert_int_equal(unlink(path), 0);
    CHECK_STATUS(cflight_password_file_new(path, &file, NULL), CFLIGHT_NOT_FOUND);
}

/* Goal: an empty file lets nobody in. Method: verify against it. */
TEST(password_file, an_empty_file_lets_nobody_in)
{
    char path[64];
    cflight_password_file *file = NULL;
    write_file(path, "");
    CHECK_STATUS(cflight_password_file_new(path, &file, NULL), CFLIGHT_OK);
    CHECK_STATUS(verify_in(file, "", ""), CFLIGHT_UNAUTHENTICATED);
    cflight_password_file_free(file);
    cflight_password_file_free(NULL);
    assert_int_equal(unlink(path), 0);
}

/* Goal: hexadecimal text goes both ways. Method: all bytes, and texts that are none. */
TEST(secrets, hexadecimal_goes_both_ways)
{
    uint8_t bytes[256];
    uint8_t again[256];
    char text[513];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    cfl_hex_write(bytes, sizeof bytes, text);
    assert_true(cfl_hex_read((const uint8_t *)text, 512, again, 256));
    assert_memory_equal(bytes, again, 256);
    assert_false(cfl_hex_read((const uint8_t *)"0G", 2, again, 1));
    assert_false(cfl_hex_read((const uint8_t *)"0A", 2, again, 1));
    assert_false(cfl_hex_read((const uint8_t *)"000", 3, again, 1));
    assert_true(cfl_equal_in_constant_time("abc", "abd", 2));
    assert_false(cfl_equal_in_constant_time("abc", "abd", 3));
}
