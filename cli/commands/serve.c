/* SPDX-License-Identifier: Apache-2.0 */
/* cflight serve: starts the server over a directory and waits for signals.
 *
 * The directory is opened once, and handlers reach files only below its descriptor. Signals are
 * blocked in all threads and taken here. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cflight/log.h"
#include "cli/commands/commands.h"
#include "cli/client/location.h"
#include "cli/system/memory.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"
#include "cli/serve/serve.h"
#include "cli/serve/auth.h"
#include "cli/serve/limits.h"
#include "cli/serve/tls.h"
#include "cli/client/tls_policy.h"

#define DEFAULT_PLACE "localhost:32010"

enum { DEFAULT_GRACE_MS = 30000, POLL_MS = 50, TRIM_PAUSE_S = 10 };

/* What runs. */
struct serving {
    struct cli_run *run;
    struct cli_serve serve;
    struct cli_serve_tls tls;
    struct cli_serve_auth auth;
    char *location;
    struct cflight_server_options options; /* the limits; the rest is added at the start */
    cflight_server *server;
};

static cflight_status refuse(struct serving *serving, const char *message, cflight_error **reterr)
{
    serving->run->exit_code = CLI_EXIT_USAGE;
    return cflight_error_set_message(reterr, CFLIGHT_INVALID_ARGUMENT, message);
}

static cflight_status choose_location(struct serving *serving, cflight_error **reterr)
{
    const struct cli_arguments *arguments = serving->run->arguments;
    bool has_cert = cli_has(arguments, CLI_OPTION_SERVER_TLS_CERT);
    const char *location = cli_has(arguments, CLI_OPTION_LISTEN)
                               ? arguments->values[CLI_OPTION_LISTEN]
                               : DEFAULT_PLACE;
    cflight_status status =
        cli_location_complete(location, has_cert, true, &serving->location, reterr);
    if (status == CFLIGHT_INVALID_ARGUMENT) {
        serving->run->exit_code = CLI_EXIT_USAGE;
    }
    return status;
}

/* Passwords that cross a network in plain text are the user's wish, or a mistake. */
static cflight_status check_passwords(struct serving *serving, bool is_tls, cflight_error **reterr)
{
    const struct cli_arguments *arguments = serving->run->arguments;
    struct cflight_location *location = NULL;
    bool allows_plain = cli_has(arguments, CLI_OPTION_ALLOW_PLAIN_PASSWORDS);
    bool allows_writable = cli_has(arguments, CLI_OPTION_ALLOW_WRITABLE_AUTH_FILE);
    if (!cli_has(arguments, CLI_OPTION_AUTH_FILE)) {
        return !allows_plain && !allows_writable
                   ? CFLIGHT_OK
                   : refuse(serving,
                            "--allow-plain-passwords and --allow-writable-auth-file need "
                            "--auth-file",
                            reterr);
    }
    if (is_tls || allows_plain) {
        return CFLIGHT_OK;
    }
    cflight_status status =
        cflight_location_parse(cflight_bytes_from_text(serving->location), &location, reterr);
    if (status == CFLIGHT_OK && location->host[0] != '\0' && /* none: a Unix socket */
        !cli_host_is_loopback(location->host)) {
        status = refuse(serving,
                        "--auth-file on an address that other machines reach needs --tls-cert and "
                        "--tls-key, or --allow-plain-passwords, since passwords and tokens travel "
                        "as they are",
                        reterr);
    }
    cflight_location_free(location);
    return status;
}

/* TLS options and a location without TLS would end in plain text where the user expects none. */
static cflight_status check_options(struct serving *serving, cflight_error **reterr)
{
    const struct cli_arguments *arguments = serving->run->arguments;
    bool has_cert = cli_has(arguments, CLI_OPTION_SERVER_TLS_CERT);
    if (has_cert != cli_has(arguments, CLI_OPTION_SERVER_TLS_KEY) ||
        (!has_cert && (cli_has(arguments, CLI_OPTION_TLS_CA) || cli_has_tls_policy(arguments)))) {
        return refuse(serving,
                      "--tls-cert and --tls-key belong together, other TLS options need both",
                      reterr);
    }
    if (cli_has(arguments, CLI_OPTION_TLS_CRL) && !cli_has(arguments, CLI_OPTION_TLS_CA)) {
        return refuse(serving, "--tls-crl needs --tls-ca", reterr);
    }
    if (cli_quota_is_on(&serving->serve.quota) && !cli_has(arguments, CLI_OPTION_WRITABLE)) {
        return refuse(serving, "limits on uploads need --writable", reterr);
    }
    if (serving->serve.may_overwrite && !cli_has(arguments, CLI_OPTION_WRITABLE)) {
        return refuse(serving, "--overwrite needs --writable", reterr);
    }
    cflight_status status = cli_serve_limits(arguments, &serving->options, reterr);
    if (status != CFLIGHT_OK) {
        serving->run->exit_code = CLI_EXIT_USAGE;
        return status;
    }
    status = choose_location(serving, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    bool is_tls = strncmp(serving->location, "grpc+tls://", 11) == 0;
    if (has_cert && !is_tls) {
        return refuse(serving, "--tls-cert needs a grpc+tls:// location to listen on", reterr);
    }
    if (is_tls && !has_cert) {
        return refuse(serving, "a grpc+tls:// location needs --tls-cert and --tls-key", reterr);
    }
    return check_passwords(serving, is_tls, reterr);
}

static cflight_status keep_path(const struct serving *serving, enum cli_option_id option,
                                char **ret_path, cflight_error **reterr)
{
    const char *path = serving->run->arguments->values[option];
    return path == NULL ? CFLIGHT_OK : cli_absolute_path(path, ret_path, reterr);
}

static cflight_status load_users(struct serving *serving, cflight_error **reterr)
{
    char *path = NULL;
    cflight_status status = keep_path(serving, CLI_OPTION_AUTH_FILE, &path, reterr);
    if (status == CFLIGHT_OK && path != NULL) {
        bool may_be_writable =
            cli_has(serving->run->arguments, CLI_OPTION_ALLOW_WRITABLE_AUTH_FILE);
        status = cli_serve_auth_init(&serving->auth, path, may_be_writable, reterr);
    }
    cli_free(path);
    return status;
}

static cflight_status load_files(struct serving *serving, cflight_error **reterr)
{
    cflight_status status = check_options(serving, reterr);
    if (status == CFLIGHT_OK) {
        status = keep_path(serving, CLI_OPTION_SERVER_TLS_CERT, &serving->tls.cert_path, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = keep_path(serving, CLI_OPTION_SERVER_TLS_KEY, &serving->tls.key_path, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = keep_path(serving, CLI_OPTION_TLS_CA, &serving->tls.ca_path, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = keep_path(serving, CLI_OPTION_TLS_CRL, &serving->tls.crl_path, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_tls_policy(serving->run->arguments, &serving->tls.policy, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = load_users(serving, reterr);
    }
    return status;
}

static cflight_status open_directory(struct serving *serving, cflight_error **reterr)
{
    const struct cli_arguments *arguments = serving->run->arguments;
    cflight_status status =
        cli_catalog_init(&serving->serve.catalog, arguments->positionals[0], reterr);
    if (status == CFLIGHT_OK && cli_has(arguments, CLI_OPTION_WRITABLE)) {
        size_t count = cli_serve_sweep(&serving->serve);
        if (count > 0 && !serving->serve.is_quiet) {
            cli_message("removed %zu unfinished %s that a killed server has left", count,
                        count == 1 ? "upload" : "uploads");
        }
        status = cli_quota_count(&serving->serve.quota, &serving->serve.catalog, reterr);
    }
    return status;
}

static cflight_status start(struct serving *serving, cflight_error **reterr)
{
    const struct cli_arguments *arguments = serving->run->arguments;
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = serving->options;
    const struct cflight_ipc_write_options write_options = cli_write_options(arguments);
    handlers.user_data = &serving->serve;
    cli_serve_add_handlers(&handlers);
    handlers.do_put =
        cli_has(arguments, CLI_OPTION_WRITABLE) ? cli_serve_do_put : cli_serve_refuse_put;
    options.write_options = &write_options;
    serving->serve.read_options = cli_read_options(arguments);
    options.read_options = &serving->serve.read_options;
    cli_serve_auth_use(&serving->auth, &options);
    cflight_status status = cli_serve_tls_read(&serving->tls, &options.tls, reterr);
    if (status == CFLIGHT_OK) {
        status =
            cflight_server_new(serving->location, &handlers, &options, &serving->server, reterr);
    }
    cli_serve_tls_forget_key(&serving->tls);
    return status;
}

static void reload_certificates(struct serving *serving)
{
    cflight_error *error = NULL;
    if (serving->tls.cert_path == NULL) {
        return;
    }
    if (cli_serve_tls_reload(&serving->tls, serving->server, &error) == CFLIGHT_OK) {
        cli_message("certificates were read again");
    } else {
        cli_message_error("certificates were not taken, what was read before stays", error);
    }
    cflight_error_free(error);
}

static void reload_users(struct serving *serving)
{
    cflight_error *error = NULL;
    size_t ended_count = 0;
    if (serving->auth.users == NULL) {
        return;
    }
    if (cli_serve_auth_reload(&serving->auth, &ended_count, &error) == CFLIGHT_OK) {
        cli_message("users were read again; %zu %s ended", ended_count,
                    ended_count == 1 ? "token" : "tokens");
    } else {
        cli_message_error("users were not taken, what was read before stays", error);
    }
    cflight_error_free(error);
}

/* Files that were removed by hand make room again. */
static void count_again(struct serving *serving)
{
    struct cli_serve *serve = &serving->serve;
    (void)pthread_mutex_lock(&serve->commit_mutex);
    cflight_status status = cli_quota_count(&serve->quota, &serve->catalog, NULL);
    (void)pthread_mutex_unlock(&serve->commit_mutex);
    if (status == CFLIGHT_OK && cli_quota_is_on(&serve->quota)) {
        cli_message("flights were counted again");
    }
}

/* Each for itself: a certificate that is being renewed must not keep a user in who was removed. */
static void reload(struct serving *serving)
{
    if (serving->tls.cert_path == NULL && serving->auth.users == NULL &&
        !cli_quota_is_on(&serving->serve.quota)) {
        cli_message("there are no certificates and no users to read again");
    }
    reload_certificates(serving);
    reload_users(serving);
    count_again(serving);
}

/* What the library has to say about those who call, such as failed logins. */
static void print_log_line(void *user_data, enum cflight_log_level level, const char *subsystem,
                           const char *line)
{
    (void)user_data;
    (void)level;
    (void)subsystem;
    cli_message("%s", line);
}

static void make_signal_set(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGHUP);
}

/* Waits for SIGINT or SIGTERM; SIGHUP reads files again. Now and then, what many clients left free
 * is given back to the system. */
static void wait_for_end(struct serving *serving)
{
    const struct timespec pause = {.tv_sec = TRIM_PAUSE_S};
    size_t free_bytes = 0;
    sigset_t set;
    int number = 0;
    make_signal_set(&set);
    while (number != SIGINT && number != SIGTERM) {
        number = sigtimedwait(&set, NULL, &pause);
        if (number == SIGHUP) {
            reload(serving);
        } else if (number < 0 && errno == EAGAIN) {
            cli_memory_trim(&free_bytes);
            cli_message_left_out();
        }
    }
}

/* Lets running calls finish; another signal cuts them. */
static void drain(cflight_server *server, int64_t grace_ms)
{
    const struct timespec at_once = {0};
    sigset_t set;
    make_signal_set(&set);
    cflight_server_shutdown(server, grace_ms);
    while (!cflight_server_wait_for(server, POLL_MS)) {
        int number = sigtimedwait(&set, NULL, &at_once);
        if (number == SIGINT || number == SIGTERM) {
            cflight_server_shutdown(server, 0);
        }
    }
}

static cflight_status announce(struct cli_run *run, const cflight_server *server,
                               cflight_error **reterr)
{
    struct cli_text line = CLI_TEXT_INIT;
    cli_text_append_format(&line, "Listening on %s\n", cflight_server_location(server));
    cflight_status status = cli_run_print(run, &line, reterr);
    cli_text_done(&line);
    return status;
}

static cflight_status serve_until_signal(struct serving *serving, cflight_error **reterr)
{
    const struct cli_arguments *arguments = serving->run->arguments;
    cflight_status status = load_files(serving, reterr);
    if (status == CFLIGHT_OK) {
        status = open_directory(serving, reterr);
    }
    if (status == CFLIGHT_OK) {
        cli_serve_raise_descriptors();
        status = start(serving, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = announce(serving->run, serving->server, reterr);
    }
    if (status == CFLIGHT_OK) {
        wait_for_end(serving);
        drain(serving->server, cli_milliseconds(arguments, CLI_OPTION_GRACE, DEFAULT_GRACE_MS));
        cli_message_left_out();
        serving->run->exit_code = CLI_EXIT_OK;
    }
    return status;
}

cflight_status cli_run_serve(struct cli_run *run, cflight_error **reterr)
{
    struct serving serving = {
        .run = run, .serve.catalog = CLI_CATALOG_INIT, .options = CFLIGHT_SERVER_OPTIONS_INIT};
    serving.serve.may_overwrite = cli_has(run->arguments, CLI_OPTION_OVERWRITE);
    serving.serve.is_quiet = cli_has(run->arguments, CLI_OPTION_QUIET);
    int os_code = pthread_mutex_init(&serving.serve.commit_mutex, NULL);
    run->exit_code = CLI_EXIT_FAILURE; /* whatever goes wrong here, no server said it */
    if (os_code != 0) {
        return cli_error_from_errno(reterr, os_code, "make", "a lock");
    }
    serving.serve.quota.bytes_max = cli_size(run->arguments, CLI_OPTION_UPLOAD_MAX);
    serving.serve.quota.files_max = cli_size(run->arguments, CLI_OPTION_UPLOAD_FILES_MAX);
    serving.serve.quota.user_bytes_max = cli_size(run->arguments, CLI_OPTION_UPLOAD_USER_MAX);
    cflight_log_set(print_log_line, NULL, CFLIGHT_LOG_WARN);
    cflight_status status = cli_quota_init(&serving.serve.quota, reterr);
    if (status == CFLIGHT_OK) {
        status = serve_until_signal(&serving, reterr);
    }
    cflight_server_free(serving.server);
    cflight_log_set(NULL, NULL, CFLIGHT_LOG_OFF);
    cli_serve_auth_done(&serving.auth);
    cli_serve_tls_done(&serving.tls);
    cli_free(serving.location);
    cli_catalog_done(&serving.serve.catalog);
    cli_quota_done(&serving.serve.quota);
    (void)pthread_mutex_destroy(&serving.serve.commit_mutex);
    return status;
}
