/* SPDX-License-Identifier: Apache-2.0 */
/* Basic credentials, bearer tokens and password files, apart from a server. The clock is virtual.
 */
#include "flight/kit/bearer_auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/secrets.h"
#include "cflight/ipc.h"
#include "flight/kit/bearer_tokens.h"
#include "clock.h"
#include "test.h"

#define BASIC_U_P "Basic dTpw"         /* u:p */
#define BASIC_U_WRONG "Basic dTpxeA==" /* u:qx */
#define BASIC_EMPTY_P "Basic OnA="     /* :p */
#define BASIC_COLONS "Basic dTpwOnE6"  /* u:p:q: */

struct auth {
    cflight_bearer_auth *auth;
    struct t_clock clock;
    char name[64];
    char password[64];
    int call_count;
};

/* Takes any name with a password that begins with 'p'; the name "admin" is called "root". */
static cflight_status verify(void *user_data, struct cflight_bytes username,
                             struct cflight_bytes password, cflight_buffer **ret_identity,
                             cflight_error **reterr)
{
    struct auth *auth = user_data;
    auth->call_count++;
    (void)snprintf(auth->name, sizeof auth->name, "%.*s", (int)username.len_bytes,
                   (const char *)username.data);
    (void)snprintf(auth->password, sizeof auth->password, "%.*s", (int)password.len_bytes,
                   (const char *)password.data);
    if (auth->password[0] != 'p') {
        return cflight_error_set_message(reterr, CFLIGHT_UNAUTHENTICATED, "wrong");
    }
    return strcmp(auth->name, "admin") == 0
               ? cflight_buffer_new_copy(t_text("root"), ret_identity, reterr)
               : CFLIGHT_OK;
}

static void auth_open(struct auth *auth, struct cflight_bearer_auth_options options)
{
    memset(auth, 0, sizeof *auth);
    t_clock_init(&auth->clock);
    options.verify = verify;
    options.user_data = auth;
    CHECK_STATUS(cfl_bearer_auth_new(&options, &auth->clock.clock, &auth->auth, NULL), CFLIGHT_OK);
}

static struct cflight_bearer_auth_options defaults(void)
{
    struct cflight_bearer_auth_options options = CFLIGHT_BEARER_AUTH_OPTIONS_INIT;
    return options;
}

/* Does what the middleware does with a value. */
static cflight_status check_value(cflight_bearer_auth *auth, const char *authorization,
                                  bool is_handshake, char *token, cflight_buffer **ret_identity,
                                  cflight_error **reterr)
{
    struct cfl_bearer_call call = {t_text(authorization), "ipv4:192.0.2.1:1000", is_handshake};
    return cfl_bearer_auth_check(auth, &call, token, ret_identity, reterr);
}

/* Checks a value; `identity` NULL means that it must be refused. Returns a fresh token, if one was
 * made, in `token`. */
static void check(struct auth *auth, const char *authorization, const char *identity, char *token)
{
    char fresh[CFL_TOKEN_TEXT_BYTES + 1];
    cflight_buffer *actual = NULL;
    cflight_error *error = NULL;
    cflight_status status = check_value(auth->auth, authorization, false, fresh, &actual, &error);
    CHECK_STATUS(status, identity == NULL ? CFLIGHT_UNAUTHENTICATED : CFLIGHT_OK);
    if (identity != NULL) {
        assert_true(cflight_bytes_equal(cflight_buffer_bytes(actual), t_text(identity)));
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
    struct auth auth;
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
    struct auth auth;
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
    struct auth auth;
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
        struct auth auth;
        struct cflight_bearer_auth_options options = defaults();
        char token[CFL_TOKEN_TEXT_BYTES + 1];
        char value[128];
        options.token_lifetime_ms = 10;
        options.use_extends_lifetime = extends == 1;
        auth_open(&auth, options);
        check(&auth, BASIC_U_P, "u", token);
        bearer(token, value);
        auth.clock.now_ns += 10 * CFL_NS_PER_MS - 1;
        check(&auth, value, "u", NULL);
        auth.clock.now_ns += 1;
        check(&auth, value, extends == 1 ? "u" : NULL, NULL);
        auth.clock.now_ns += 10 * CFL_NS_PER_MS;
        check(&auth, value, NULL, NULL);
        cflight_bearer_auth_unref(auth.auth);
    }
    struct auth auth;
    struct cflight_bearer_auth_options options = defaults();
    char token[CFL_TOKEN_TEXT_BYTES + 1];
    char value[128];
    options.token_lifetime_ms = -1;
    auth_open(&auth, options);
    check(&auth, BASIC_U_P, "u", token);
    bearer(token, value);
    auth.clock.now_ns = INT64_MAX - 1;
    check(&auth, value, "u", NULL);
    cflight_bearer_auth_unref(auth.auth);
}

/* Goal: revoked tokens are gone. Method: one by text, then all of an identity. */
TEST(bearer_auth, tokens_can_be_revoked)
{
    struct auth auth;
    char token[CFL_TOKEN_TEXT_BYTES + 1];
    char value[128];
    auth_open(&auth, defaults());
    check(&auth, BASIC_U_P, "u", token);
    bearer(token, value);
    assert_true(cflight_bearer_auth_revoke(auth.auth, t_text(value)));
    assert_false(cflight_bearer_auth_revoke(auth.auth, t_text(token)));
    check(&auth, value, NULL, NULL);
    check(&auth, BASIC_U_P, "u", NULL);
    check(&auth, BASIC_U_P, "u", NULL);
    cflight_buffer *issued = NULL;
    CHECK_STATUS(cflight_bearer_auth_issue(auth.auth, t_text("other"), &issued, NULL), CFLIGHT_OK);
    assert_int_equal(cflight_bearer_auth_revoke_identity(auth.auth, t_text("u")), 2);
    assert_int_equal(cflight_bearer_auth_revoke_identity(auth.auth, t_text("u")), 0);
    assert_true(cflight_bearer_auth_revoke(auth.auth, cflight_buffer_bytes(issued)));
    cflight_buffer_unref(issued);
    cflight_bearer_auth_unref(auth.auth);
}

/* Goal: the table is bounded, and no user's greed costs another his token. Method: small bounds,
 * many tokens. */
TEST(bearer_auth, a_greedy_user_loses_only_his_own_tokens)
{
    struct auth auth;
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
    assert_int_equal(cflight_bearer_auth_revoke_identity(auth.auth, t_text("u")), 3);
    cflight_bearer_auth_unref(auth.auth);
}

/* Goal: options are honoured. Method: passwords with a handshake only; no verifier. */
TEST(bearer_auth, options_are_honoured)
{
    struct auth auth;
    struct cflight_bearer_auth_options options = defaults();
    options.basic_in_handshake_only = true;
    auth_open(&auth, options);
    check(&auth, BASIC_U_P, NULL, NULL);
    char token[CFL_TOKEN_TEXT_BYTES + 1];
    cflight_buffer *identity = NULL;
    CHECK_STATUS(check_value(auth.auth, BASIC_U_P, true, token, &identity, NULL), CFLIGHT_OK);
    cflight_buffer_unref(identity);
    cflight_bearer_auth_unref(auth.auth);
    options = defaults();
    CHECK_STATUS(cflight_bearer_auth_new(&options, &auth.auth, NULL), CFLIGHT_INVALID_ARGUMENT);
    CHECK_STATUS(cflight_bearer_auth_new(NULL, &auth.auth, NULL), CFLIGHT_INVALID_ARGUMENT);
}

/* Goal: no allocation failure is more than an error. Method: fail each in turn. */
TEST(bearer_auth, every_allocation_failure_is_reported)
{
    T_EACH_ALLOC_FAILURE(alloc) {
        struct auth server = {.call_count = 0};
        struct cflight_bearer_auth_options options = defaults();
        cflight_bearer_auth *auth = NULL;
        cflight_buffer *identity = NULL;
        char token[CFL_TOKEN_TEXT_BYTES + 1];
        options.allocator = &alloc->allocator;
        options.verify = verify;
        options.user_data = &server;
        cflight_status status = cflight_bearer_auth_new(&options, &auth, NULL);
        if (status == CFLIGHT_OK) {
            status = check_value(auth, BASIC_U_P, false, token, &identity, NULL);
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
        cflight_password_file_verify(file, t_text(name), t_text(password), &identity, NULL);
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
    CHECK_STATUS(cflight_password_file_verify(file, t_text("alice"),
                                              cflight_bytes_make("secret\0x", 8), NULL, NULL),
                 CFLIGHT_UNAUTHENTICATED);
    cflight_password_file_free(file);
    assert_int_equal(unlink(path), 0);
}

/* Goal: a byte order mark, which some editors put before a text, is no part of the first name. */
TEST(password_file, a_byte_order_mark_is_passed_over)
{
    char path[64];
    char text[512];
    cflight_password_file *file = NULL;
    (void)snprintf(text, sizeof text,
                   "\xEF\xBB\xBF"
                   "alice:%s\n",
                   SECRET_HASH);
    write_file(path, text);
    CHECK_STATUS(cflight_password_file_new(path, &file, NULL), CFLIGHT_OK);
    CHECK_STATUS(verify_in(file, "alice", "secret"), CFLIGHT_OK);
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

/* Microseconds of processor time that a verification takes, the least of some. */
static int64_t verification_us(cflight_password_file *file, const char *name)
{
    int64_t least_us = INT64_MAX;
    for (int i = 0; i < 5; i++) {
        struct timespec begin;
        struct timespec end;
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        CHECK_STATUS(verify_in(file, name, "wrong"), CFLIGHT_UNAUTHENTICATED);
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        int64_t us = (end.tv_sec - begin.tv_sec) * 1000000 + (end.tv_nsec - begin.tv_nsec) / 1000;
        least_us = us < least_us ? us : least_us;
    }
    return least_us;
}

/* Goal: the time of an answer does not tell which users there are. Method: users of methods that
 * differ tenfold, one locked, one whose hash is broken, in all orders; names beside them. */
TEST(password_file, all_names_take_the_same_time)
{
    static const char *const names[] = {"alice", "bob", "carol", "locked", "broken", "unknown"};
    char *hash = NULL;
    CHECK_STATUS(cflight_password_hash("secret", &hash, NULL), CFLIGHT_OK);
    for (int order = 0; order < 2; order++) {
        char path[64];
        char text[4096];
        char lines[5][512];
        int64_t least_us = INT64_MAX;
        int64_t most_us = 0;
        cflight_password_file *file = NULL;
        (void)snprintf(lines[0], sizeof lines[0], "alice:" SECRET_HASH);
        (void)snprintf(lines[1], sizeof lines[1], "bob:%s", hash);
        (void)snprintf(lines[2], sizeof lines[2], "carol:$1$abcdefgh$0123456789012345678901");
        (void)snprintf(lines[3], sizeof lines[3], "locked:!%s", hash);
        (void)snprintf(lines[4], sizeof lines[4], "broken:%.*s:%s", 10, hash, hash + 11);
        (void)snprintf(text, sizeof text, "%s\n%s\n%s\n%s\n%s\n", lines[order],
                       lines[(order + 1) % 5], lines[(order + 2) % 5], lines[(order + 3) % 5],
                       lines[(order + 4) % 5]);
        write_file(path, text);
        CHECK_STATUS(cflight_password_file_new(path, &file, NULL), CFLIGHT_OK);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            int64_t us = verification_us(file, names[i]);
            least_us = us < least_us ? us : least_us;
            most_us = us > most_us ? us : most_us;
        }
        assert_in_range(most_us, 0, 2 * least_us + 1000);
        cflight_password_file_free(file);
        assert_int_equal(unlink(path), 0);
    }
    cflight_text_free(hash);
}

/* Goal: a file with too many methods is refused. Method: costs that differ. */
TEST(password_file, methods_are_bounded)
{
    char path[64];
    char text[4096] = "";
    cflight_password_file *file = NULL;
    cflight_error *error = NULL;
    for (int i = 0; i < 17; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "u%d:$6$rounds=%d$saltsalt$%s\n", i,
                       1000 + i, SECRET_HASH + sizeof "$6$saltsalt$" - 1);
    }
    write_file(path, text);
    CHECK_STATUS(cflight_password_file_new(path, &file, &error), CFLIGHT_INVALID_ARGUMENT);
    assert_string_equal(cflight_error_message(error),
                        "password file: more than 16 methods and costs; make hashes with fewer");
    cflight_error_free(error);
    assert_int_equal(unlink(path), 0);
}

static void note_change(void *user_data, struct cflight_bytes username)
{
    char *names = user_data;
    size_t used = strlen(names);
    (void)snprintf(names + used, 128 - used, "%.*s,", (int)username.len_bytes,
                   (const char *)username.data);
}

static void replace_file(const char *path, const char *text)
{
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    (void)fputs(text, stream);
    assert_int_equal(fclose(stream), 0);
}

/* Goal: who is gone or has another password is told. Method: a removed, a changed, a locked, a
 * moved and a new name; then a file that is refused, which changes nothing. */
TEST(password_file, a_reload_tells_who_has_changed)
{
    char path[64];
    char names[128] = "";
    cflight_password_file *file = NULL;
    write_file(path, "dora:x\ncarl:" SECRET_HASH "\nbea:old\nbea:" SECRET_HASH "\nada:a\n");
    CHECK_STATUS(cflight_password_file_new(path, &file, NULL), CFLIGHT_OK);
    cflight_password_file_on_change(file, note_change, names);
    replace_file(path, "eve:x\nada:b\nbea:" SECRET_HASH "\ncarl:!" SECRET_HASH "\n");
    CHECK_STATUS(cflight_password_file_reload(file, NULL), CFLIGHT_OK);
    assert_string_equal(names, "ada,carl,dora,");
    replace_file(path, "nonsense\n");
    CHECK_STATUS(cflight_password_file_reload(file, NULL), CFLIGHT_INVALID_ARGUMENT);
    assert_string_equal(names, "ada,carl,dora,");
    cflight_password_file_free(file);
    assert_int_equal(unlink(path), 0);
}

/* Goal: who may write the file may let himself in, so that must be nobody else. Method: rights of
 * group and others, at first and at a reload. */
TEST(password_file, a_file_that_others_may_write_is_refused)
{
    char path[64];
    char names[128] = "";
    cflight_password_file *file = NULL;
    cflight_error *error = NULL;
    write_file(path, "bob:" SECRET_HASH "\n");
    CHECK_STATUS(cflight_password_file_new(path, &file, NULL), CFLIGHT_OK);
    cflight_password_file_on_change(file, note_change, names);
    CHECK_STATUS(cflight_password_file_refuse_writable(file, NULL), CFLIGHT_OK);
    replace_file(path, "eve:" SECRET_HASH "\n");
    assert_int_equal(chmod(path, 0620), 0);
    CHECK_STATUS(cflight_password_file_reload(file, &error), CFLIGHT_FAILED_PRECONDITION);
    assert_non_null(strstr(cflight_error_message(error), "has mode 0620"));
    cflight_error_free(error);
    CHECK_STATUS(verify_in(file, "bob", "secret"), CFLIGHT_OK);
    assert_string_equal(names, "");
    cflight_password_file_free(file);
    assert_int_equal(chmod(path, 0602), 0);
    CHECK_STATUS(cflight_password_file_new(path, &file, NULL), CFLIGHT_OK);
    CHECK_STATUS(cflight_password_file_refuse_writable(file, NULL), CFLIGHT_FAILED_PRECONDITION);
    cflight_password_file_free(file);
    assert_int_equal(unlink(path), 0);
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
