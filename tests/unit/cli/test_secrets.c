/* SPDX-License-Identifier: Apache-2.0 */
/* What the command does with passwords, tokens and keys: nothing stays in memory that was given
 * back, and credentials are whole or not sent. The functions of the allocator are wrapped at link
 * time; each thread watches for itself. */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "certs.h"
#include "cli/client/connection.h"
#include "cli/serve/tls.h"
#include "service.h"
#include "test.h"

/* ---- the allocator ---- */

static _Thread_local struct watch {
    const char *const *marks; /* what memory that is given back must not hold; NULL for no watch */
    size_t mark_count;
    size_t found_count;
    bool is_counting;
    size_t left_count; /* of allocations that are good, while it counts */
    bool has_failed;
} watch;

void *__real_malloc(size_t len_bytes);
void *__real_calloc(size_t count, size_t len_bytes);
void *__real_realloc(void *memory, size_t len_bytes);
void __real_free(void *memory);
void *__wrap_malloc(size_t len_bytes);
void *__wrap_calloc(size_t count, size_t len_bytes);
void *__wrap_realloc(void *memory, size_t len_bytes);
void __wrap_free(void *memory);

static bool is_failed(void)
{
    if (!watch.is_counting) {
        return false;
    }
    if (watch.left_count > 0) {
        watch.left_count--;
        return false;
    }
    watch.is_counting = false; /* one alone: what follows must cope */
    watch.has_failed = true;
    return true;
}

static void look_into(void *memory)
{
    for (size_t i = 0; memory != NULL && i < watch.mark_count; i++) {
        watch.found_count += memmem(memory, malloc_usable_size(memory), watch.marks[i],
                                    strlen(watch.marks[i])) != NULL;
    }
}

void *__wrap_malloc(size_t len_bytes)
{
    return is_failed() ? NULL : __real_malloc(len_bytes);
}

void *__wrap_calloc(size_t count, size_t len_bytes)
{
    return is_failed() ? NULL : __real_calloc(count, len_bytes);
}

/* It moves always, as it may, so that what a block leaves behind is seen. */
void *__wrap_realloc(void *memory, size_t len_bytes)
{
    if (is_failed()) {
        return NULL;
    }
    if (memory == NULL || watch.marks == NULL) {
        return __real_realloc(memory, len_bytes);
    }
    void *moved = __real_malloc(len_bytes);
    if (moved != NULL) {
        size_t former_bytes = malloc_usable_size(memory);
        memcpy(moved, memory, former_bytes < len_bytes ? former_bytes : len_bytes);
        __wrap_free(memory);
    }
    return moved;
}

void __wrap_free(void *memory)
{
    look_into(memory);
    __real_free(memory);
}

static void watch_begin(const char *const *marks, size_t mark_count)
{
    watch = (struct watch){.marks = marks, .mark_count = mark_count};
}

static size_t watch_end(void)
{
    size_t found_count = watch.found_count;
    watch = (struct watch){.marks = NULL};
    return found_count;
}

/* ---- a connection ---- */

#define PASSWORD "Xyzzy-password"
#define CREDENTIALS "Ym9iOlh5enp5LXBhc3N3b3Jk" /* bob:Xyzzy-password */
static const char *const MARKS[] = {PASSWORD, CREDENTIALS};

struct setting {
    char path[64];
    struct cli_client_options given;
    struct cli_tls_options tls;
    struct cflight_ipc_read_options read_options;
    struct cli_connection connection;
};

static void write_file(const char *path, struct cflight_bytes content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.len_bytes, file), content.len_bytes);
    assert_int_equal(fclose(file), 0);
}

/* A file with the password, or a token that is the same text. */
static void setting_init(struct setting *setting, const char *uri, bool is_token)
{
    *setting = (struct setting){
        .given = {.uri = uri, .timeout_ms = -1, .options = CFLIGHT_CLIENT_OPTIONS_INIT},
        .read_options = CFLIGHT_IPC_READ_OPTIONS_INIT,
    };
    (void)snprintf(setting->path, sizeof setting->path, "/tmp/cflight-secret-%d", (int)getpid());
    write_file(setting->path, t_text(PASSWORD "\n"));
    setting->given.user = is_token ? NULL : "bob";
    *(is_token ? &setting->given.token_path : &setting->given.password_path) = setting->path;
    setting->connection.given = &setting->given;
    setting->connection.tls = &setting->tls;
    setting->connection.read_options = &setting->read_options;
}

static void setting_done(struct setting *setting)
{
    cli_connection_done(&setting->connection);
    (void)unlink(setting->path);
}

static cflight_status log_in(struct setting *setting, cflight_error **reterr)
{
    cflight_status status =
        cli_connection_open(&setting->connection, cli_connection_give_token, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_connection_find_secret(&setting->connection, reterr);
    }
    return status == CFLIGHT_OK ? cli_connection_log_in(&setting->connection, reterr) : status;
}

/* Goal: no memory that is given back holds a password, a token, or what was made of one.
 * Method: log in at a server without a handshake, and where nobody listens; look into each block
 * of this thread before it goes. */
TEST(cli_secrets, what_is_given_back_is_wiped)
{
    struct t_service service;
    t_service_start(&service, NULL, NULL);
    const char *const uris[] = {service.location, "grpc+unix:///no/such/socket"};
    for (int i = 0; i < 4; i++) {
        struct setting setting;
        cflight_error *error = NULL;
        setting_init(&setting, uris[i % 2], i >= 2);
        watch_begin(MARKS, sizeof MARKS / sizeof MARKS[0]);
        cflight_status status = log_in(&setting, &error);
        size_t header_count = setting.connection.header_count;
        setting_done(&setting);
        size_t found_count = watch_end();
        CHECK_STATUS(status, i == 1 ? CFLIGHT_UNAVAILABLE : CFLIGHT_OK);
        assert_int_equal(header_count, i == 1 ? 0 : 1);
        assert_int_equal(found_count, 0);
        cflight_error_free(error);
    }
    t_service_stop(&service);
}

/* Goal: running out of memory while credentials are made is an error; half of them are never sent.
 * Method: each allocation of this thread fails once. */
TEST(cli_secrets, credentials_are_whole_or_an_error)
{
    static const char *const expected[] = {"Basic " CREDENTIALS, "Bearer " PASSWORD};
    struct t_service service;
    t_service_start(&service, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        bool has_failed = true;
        size_t failure_count = 0;
        for (size_t good_count = 0; has_failed; good_count++) {
            struct setting setting;
            cflight_error *error = NULL;
            setting_init(&setting, service.location, i == 1);
            CHECK_OK(cli_connection_open(&setting.connection, cli_connection_give_token, &error),
                     error);
            watch = (struct watch){.marks = MARKS,
                                   .mark_count = sizeof MARKS / sizeof MARKS[0],
                                   .is_counting = true,
                                   .left_count = good_count};
            cflight_status status = cli_connection_find_secret(&setting.connection, &error);
            if (status == CFLIGHT_OK) {
                status = cli_connection_log_in(&setting.connection, &error);
            }
            has_failed = watch.has_failed;
            watch.is_counting = false;
            if (status == CFLIGHT_OK) {
                assert_int_equal(setting.connection.header_count, 1);
                assert_true(t_is_text(setting.connection.headers[0].value, expected[i]));
            } else {
                failure_count++;
                assert_int_equal(setting.connection.header_count, 0);
            }
            setting_done(&setting);
            assert_int_equal(watch_end(), 0);
            cflight_error_free(error);
        }
        assert_true(failure_count >= 2);
    }
    t_service_stop(&service);
}

/* Goal: the text of a private key does not stay behind. Method: the files of a client and of a
 * server, and a line of the key's text. */
TEST(cli_secrets, keys_are_wiped)
{
    struct t_cert cert = t_cert_new(&(struct t_cert_options){.common_name = "c"});
    struct setting setting;
    struct cli_serve_tls serving = {0};
    struct cflight_server_tls tls = {0};
    cflight_error *error = NULL;
    char key_path[64];
    char cert_path[64];
    char line[65] = "";
    memcpy(line, strchr(cert.key_pem, '\n') + 1, sizeof line - 1);
    const char *const marks[] = {line};
    (void)snprintf(key_path, sizeof key_path, "/tmp/cflight-key-%d", (int)getpid());
    (void)snprintf(cert_path, sizeof cert_path, "/tmp/cflight-cert-%d", (int)getpid());
    write_file(key_path, t_key_pem(&cert));
    write_file(cert_path, t_cert_pem(&cert));
    setting_init(&setting, "grpc+tls://h:1", true);
    setting.given.cert_path = cert_path;
    setting.given.key_path = key_path;

    watch_begin(marks, 1);
    CHECK_OK(cli_connection_open(&setting.connection, cli_connection_give_token, &error), error);
    setting_done(&setting);
    CHECK_OK(cli_serve_tls_init(&serving, cert_path, key_path, NULL, NULL, &error), error);
    CHECK_OK(cli_serve_tls_read(&serving, &tls, &error), error);
    assert_non_null(memmem(tls.key_pairs[0].private_key.data,
                           tls.key_pairs[0].private_key.len_bytes, line, strlen(line)));
    cli_serve_tls_forget_key(&serving);
    cli_serve_tls_done(&serving);
    assert_int_equal(watch_end(), 0);
    (void)unlink(key_path);
    (void)unlink(cert_path);
    t_cert_done(&cert);
}
