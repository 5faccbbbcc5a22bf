/* SPDX-License-Identifier: Apache-2.0 */
/* cflight serve: starts the server over a directory and waits for signals.
 *
 * The directory is opened once, and handlers reach files only below its descriptor. Signals are
 * blocked in all threads and taken here. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cflight/log.h"
#include "cli/client/location.h"
#include "cli/commands/commands.h"
#include "cli/serve/access_log.h"
#include "cli/serve/auth.h"
#include "cli/serve/database.h"
#include "cli/serve/serve.h"
#include "cli/serve/services.h"
#include "cli/serve/tls.h"
#include "cli/system/files.h"
#include "cli/system/interrupt.h"
#include "cli/system/memory.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

enum { POLL_MS = 50, TRIM_PAUSE_MS = 10000, MIDDLEWARE_MAX = 2 };

/* What runs. */
struct serving {
    struct cli_run *run;
    const struct cli_serve_arguments *given;
    struct cli_serve serve;
    struct cli_serve_tls tls;
    struct cli_serve_auth auth;
    struct cli_serve_services services;
    bool is_database;
    struct cli_serve_database database;
    struct cli_access_log access_log;
    char *access_log_path;
    char *location;
    cflight_server *server; /* of the database, if there is one */
};

static cflight_status refuse(struct serving *serving, const char *message, cflight_error **reterr)
{
    return cli_run_refuse(serving->run, message, reterr);
}

static cflight_status choose_location(struct serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    cflight_status status = cli_location_complete(given->location, given->cert_path != NULL, true,
                                                  &serving->location, reterr);
    if (status == CFLIGHT_INVALID_ARGUMENT) {
        serving->run->exit_code = CLI_EXIT_USAGE;
    }
    return status;
}

/* Passwords that cross a network in plain text are the user's wish, or a mistake. */
static cflight_status check_passwords(struct serving *serving, bool is_tls, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    struct cflight_location *location = NULL;
    if (given->auth_path == NULL) {
        return !given->takes_plain_passwords && !given->takes_writable_auth_file
                   ? CFLIGHT_OK
                   : refuse(serving,
                            "--allow-plain-passwords and --allow-writable-auth-file need "
                            "--auth-file",
                            reterr);
    }
    if (is_tls || given->takes_plain_passwords) {
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

/* What is said of one kind of source must not be lost on the other. */
static cflight_status check_source(struct serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    const struct cli_database_options *database = &given->database;
    bool is_of_database = database->is_read_only || database->init_path != NULL ||
                          database->query_ms != 0 || database->result_rows_max != 0 ||
                          database->connections_max != 0 || database->transaction_idle_ms != 0;
    if (!serving->is_database && is_of_database) {
        return refuse(serving,
                      "--read-only, --init, --query-timeout, --transaction-timeout, "
                      "--result-rows-max and --database-connections-max are of databases, not of "
                      "a directory",
                      reterr);
    }
    if (serving->is_database && given->is_writable) {
        return refuse(serving,
                      "--writable is of directories; a database is written to unless --read-only "
                      "says otherwise",
                      reterr);
    }
    return CFLIGHT_OK;
}

/* TLS options and a location without TLS would end in plain text where the user expects none. */
static cflight_status check_options(struct serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    const struct cli_tls_options *tls = &serving->run->arguments->tls;
    bool has_cert = given->cert_path != NULL;
    if (has_cert != (given->key_path != NULL) ||
        (!has_cert && (given->ca_path != NULL || cli_tls_option_given(tls) != NULL))) {
        return refuse(serving,
                      "--tls-cert and --tls-key belong together, other TLS options need both",
                      reterr);
    }
    if (tls->crl_path != NULL && given->ca_path == NULL) {
        return refuse(serving, "--tls-crl needs --tls-ca", reterr);
    }
    if (cli_quota_is_on(&serving->serve.quota) && !given->is_writable) {
        return refuse(serving, "limits on uploads need --writable", reterr);
    }
    if (given->access_log_is_json && given->access_log_path == NULL) {
        return refuse(serving, "--access-log-json needs --access-log", reterr);
    }
    if (given->may_overwrite && !given->is_writable) {
        return refuse(serving, "--overwrite needs --writable", reterr);
    }
    cflight_status status = check_source(serving, reterr);
    if (status == CFLIGHT_OK) {
        status = choose_location(serving, reterr);
    }
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

static cflight_status load_users(struct serving *serving, cflight_error **reterr)
{
    char *path = NULL;
    cflight_status status = cli_absolute_path(serving->given->auth_path, &path, reterr);
    if (status == CFLIGHT_OK && path != NULL) {
        status = cli_serve_auth_init(&serving->auth, path, serving->given->takes_writable_auth_file,
                                     reterr);
    }
    free(path);
    return status;
}

static cflight_status open_access_log(struct serving *serving, cflight_error **reterr)
{
    const char *path = serving->given->access_log_path;
    if (path != NULL && strcmp(path, "-") != 0) {
        cflight_status status = cli_absolute_path(path, &serving->access_log_path, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        path = serving->access_log_path;
    }
    return cli_access_log_init(&serving->access_log, path, serving->given->access_log_is_json,
                               reterr);
}

static cflight_status load_files(struct serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    const struct cli_tls_options *tls = &serving->run->arguments->tls;
    cflight_status status = check_options(serving, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_serve_tls_init(&serving->tls, given->cert_path, given->key_path,
                                    given->ca_path, tls->crl_path, reterr);
    }
    if (status == CFLIGHT_OK) {
        serving->tls.policy = tls->policy;
        status = load_users(serving, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = open_access_log(serving, reterr);
    }
    return status;
}

static cflight_status open_source(struct serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    if (serving->is_database) {
        return cli_serve_database_open(&serving->database, given->source, &given->database, reterr);
    }
    cflight_status status = cli_catalog_init(&serving->serve.catalog, given->source, reterr);
    if (status == CFLIGHT_OK && given->is_writable) {
        size_t count = cli_serve_sweep(&serving->serve);
        if (count > 0) {
            cli_remark("removed %zu unfinished %s that a killed server has left", count,
                       count == 1 ? "upload" : "uploads");
        }
        status = cli_quota_count(&serving->serve.quota, &serving->serve.catalog, reterr);
    }
    return status;
}

/* The log first: what others refuse is logged too. */
static void add_middleware(const struct serving *serving,
                           struct cflight_server_middleware middleware[MIDDLEWARE_MAX],
                           struct cflight_server_options *options)
{
    options->middleware = middleware;
    if (cli_access_log_is_on(&serving->access_log)) {
        cli_access_log_middleware(&serving->access_log, &middleware[options->middleware_count++]);
    }
    if (serving->auth.kit != NULL) {
        options->auth = &serving->auth.handshake;
        middleware[options->middleware_count++] = serving->auth.middleware;
    }
}

static cflight_status start(struct serving *serving, cflight_error **reterr)
{
    const struct cli_arguments *arguments = serving->run->arguments;
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = serving->given->options;
    struct cflight_server_middleware middleware[MIDDLEWARE_MAX];
    handlers.user_data = &serving->serve;
    cli_serve_add_handlers(&handlers);
    handlers.do_put = serving->given->is_writable ? cli_serve_do_put : cli_serve_refuse_put;
    options.write_options = &arguments->write_options;
    options.read_options = &arguments->read_options;
    add_middleware(serving, middleware, &options);
    cli_serve_services_use(&serving->services, &options);
    cflight_status status = cli_serve_tls_read(&serving->tls, &options.tls, reterr);
    if (status == CFLIGHT_OK && serving->is_database) {
        status = cli_serve_database_start(&serving->database, serving->location, &options,
                                          &serving->given->database, &serving->server, reterr);
    } else if (status == CFLIGHT_OK) {
        status =
            cflight_server_new(serving->location, &handlers, &options, &serving->server, reterr);
    }
    cli_serve_tls_forget_key(&serving->tls);
    return status;
}

static void reload_certificates(struct serving *serving)
{
    cflight_error *error = NULL;
    if (!cli_serve_tls_is_on(&serving->tls)) {
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

static void reopen_access_log(struct serving *serving)
{
    cflight_error *error = NULL;
    if (cli_access_log_reopen(&serving->access_log, &error) != CFLIGHT_OK) {
        cli_message_error("the access log was not opened again, the old one goes on", error);
    }
    cflight_error_free(error);
}

/* Files that were removed by hand make room again. */
static void count_again(struct serving *serving)
{
    struct cli_serve *serve = &serving->serve;
    if (serving->is_database) {
        return;
    }
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
    if (!cli_serve_tls_is_on(&serving->tls) && serving->auth.users == NULL &&
        !cli_quota_is_on(&serving->serve.quota) && !cli_access_log_is_on(&serving->access_log)) {
        cli_message("there are no certificates and no users to read again");
    }
    reload_certificates(serving);
    reload_users(serving);
    reopen_access_log(serving);
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

/* Waits for SIGINT or SIGTERM; SIGHUP reads files again. Now and then, what many clients left free
 * is given back to the system. */
static void wait_for_end(struct serving *serving)
{
    size_t free_bytes = 0;
    int number = 0;
    while (number != SIGINT && number != SIGTERM) {
        number = cli_signal_wait(TRIM_PAUSE_MS);
        if (number == SIGHUP) {
            reload(serving);
        } else if (number == 0) {
            cli_memory_trim(&free_bytes);
            cli_message_left_out();
        }
    }
}

/* Lets running calls finish; another signal cuts them. */
static void drain(cflight_server *server, int64_t grace_ms)
{
    cflight_server_shutdown(server, grace_ms);
    while (!cflight_server_wait_for(server, POLL_MS)) {
        int number = cli_signal_wait(0);
        if (number == SIGINT || number == SIGTERM) {
            cflight_server_shutdown(server, 0);
        }
    }
}

/* Lets the process have as many descriptors as the system allows it: each connection is one, and
 * each download. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) {
        return;
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        cflight_error *error = NULL;
        (void)cli_error_from_errno(&error, errno, "raise", "the limit of open files");
        cli_message_error("fewer clients can be served than the system allows", error);
        cflight_error_free(error);
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
    cflight_status status = load_files(serving, reterr);
    if (status == CFLIGHT_OK) {
        status = open_source(serving, reterr);
    }
    if (status == CFLIGHT_OK) {
        raise_descriptors();
        status = start(serving, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = announce(serving->run, serving->server, reterr);
    }
    if (status == CFLIGHT_OK) {
        wait_for_end(serving);
        drain(serving->server, serving->given->grace_ms);
        cli_message_left_out();
        serving->run->exit_code = CLI_EXIT_OK;
    }
    return status;
}

cflight_status cli_run_serve(struct cli_run *run, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = &run->arguments->serve;
    struct serving serving = {.run = run,
                              .given = given,
                              .is_database = cli_serve_is_database(given->source),
                              .access_log = CLI_ACCESS_LOG_INIT,
                              .serve = {.catalog = CLI_CATALOG_INIT,
                                        .read_options = &run->arguments->read_options,
                                        .may_overwrite = given->may_overwrite,
                                        .quota = {.bytes_max = given->upload_bytes_max,
                                                  .files_max = given->upload_files_max,
                                                  .user_bytes_max = given->upload_user_bytes_max}}};
    int os_code = pthread_mutex_init(&serving.serve.commit_mutex, NULL);
    run->exit_code = CLI_EXIT_FAILURE; /* whatever goes wrong here, no server said it */
    if (os_code != 0) {
        return cli_error_from_errno(reterr, os_code, "make", "a lock");
    }
    cflight_log_set(print_log_line, NULL, CFLIGHT_LOG_WARN);
    cflight_status status = cli_quota_init(&serving.serve.quota, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_serve_services_init(&serving.services, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = serve_until_signal(&serving, reterr);
    }
    if (!serving.is_database) {
        cflight_server_free(serving.server);
    }
    cli_serve_database_done(&serving.database);
    cflight_log_set(NULL, NULL, CFLIGHT_LOG_OFF);
    cli_serve_services_done(&serving.services);
    cli_serve_auth_done(&serving.auth);
    cli_serve_tls_done(&serving.tls);
    cli_access_log_done(&serving.access_log);
    free(serving.access_log_path);
    free(serving.location);
    cli_catalog_done(&serving.serve.catalog);
    cli_quota_done(&serving.serve.quota);
    (void)pthread_mutex_destroy(&serving.serve.commit_mutex);
    return status;
}
