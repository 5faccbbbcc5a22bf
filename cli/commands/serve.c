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
#include "cflight/version.h"
#include "cli/commands/serving.h"
#include "cli/serve/staging.h"
#include "cli/system/clock.h"
#include "cli/system/files.h"
#include "cli/system/interrupt.h"
#include "cli/system/memory.h"
#include "cli/system/message.h"
#include "cli/system/os_error.h"

enum {
    POLL_MS = 50,
    LOOK_MS = 1000,
    TRIM_PAUSE_MS = 10000,
    END_MS = 5000, /* for what comes after the last call */
    MIDDLEWARE_MAX = 2,
    CONNECTIONS_DEFAULT = 10000,
    OWN_DESCRIPTORS = 128,
    FACTS_BYTES_MAX = 32 << 20, /* of what was read of files: about 50,000 with few columns */
};

static cflight_status load_users(struct cli_serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    cflight_status status = cli_absolute_path(given->auth_path, &serving->users_path, reterr);
    if (status == CFLIGHT_OK && serving->users_path != NULL) {
        status = cli_serve_auth_init(&serving->auth, serving->users_path,
                                     given->takes_writable_auth_file, &given->auth, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = cli_absolute_path(given->rights_path, &serving->rights_path, reterr);
    }
    if (status == CFLIGHT_OK && serving->rights_path != NULL) {
        status = cli_rights_new(serving->rights_path, serving->is_database, &serving->serve.rights,
                                reterr);
    }
    return status;
}

static cflight_status open_access_log(struct cli_serving *serving, cflight_error **reterr)
{
    const char *path = serving->given->access_log_path;
    if (path != NULL && strcmp(path, "-") != 0) {
        cflight_status status = cli_absolute_path(path, &serving->access_log_path, reterr);
        if (status != CFLIGHT_OK) {
            return status;
        }
        path = serving->access_log_path;
    }
    return cli_access_log_init(&serving->access_log, path, serving->given->log_is_json, reterr);
}

/* What the library has to say about those who call, such as failed logins. */
static void print_log_line(void *user_data, enum cflight_log_level level, const char *subsystem,
                           const char *line)
{
    (void)user_data;
    (void)subsystem;
    cli_log(level == CFLIGHT_LOG_ERROR  ? CLI_LOG_ERROR
            : level == CFLIGHT_LOG_WARN ? CLI_LOG_WARN
            : level == CFLIGHT_LOG_INFO ? CLI_LOG_INFO
                                        : CLI_LOG_DEBUG,
            "%s", line);
}

static cflight_status start_log(const struct cli_serve_arguments *given, cflight_error **reterr)
{
    static const enum cflight_log_level levels[] = {[CLI_LOG_ERROR] = CFLIGHT_LOG_ERROR,
                                                    [CLI_LOG_WARN] = CFLIGHT_LOG_WARN,
                                                    [CLI_LOG_NOTICE] = CFLIGHT_LOG_WARN,
                                                    [CLI_LOG_INFO] = CFLIGHT_LOG_INFO,
                                                    [CLI_LOG_DEBUG] = CFLIGHT_LOG_DEBUG};
    cflight_status status = cli_log_start(given->log_level, given->log_is_json, reterr);
    cflight_log_set(print_log_line, NULL, levels[given->log_level]);
    return status;
}

static cflight_status load_files(struct cli_serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    const struct cli_tls_options *tls = &serving->run->arguments->tls;
    cflight_status status = cli_serving_check(serving, reterr);
    if (status == CFLIGHT_OK) {
        status = start_log(given, reterr);
    }
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
    if (status == CFLIGHT_OK) {
        status = cli_serve_metrics_init(&serving->metrics, serving->given->metrics_address, reterr);
    }
    return status;
}

static cflight_status open_source(struct cli_serving *serving, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = serving->given;
    if (serving->is_database) {
        serving->database.rights = serving->serve.rights;
        return cli_serve_database_open(&serving->database, given->source, &given->database, reterr);
    }
    cflight_status status = cli_catalog_init(&serving->serve.catalog, given->source, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_facts_table_new(FACTS_BYTES_MAX, &serving->serve.facts, reterr);
    }
    if (status == CFLIGHT_OK && given->is_writable) {
        size_t count = cli_serve_sweep(&serving->serve);
        if (count > 0) {
            cli_remark("removed %zu unfinished %s that a killed server has left", count,
                       count == 1 ? "upload" : "uploads");
        }
        cli_staging_sweep(&serving->serve);
        status = cli_staging_count(&serving->serve, reterr);
    }
    return status;
}

/* The log first: what others refuse is logged too. */
static void add_middleware(const struct cli_serving *serving,
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

static cflight_status start(struct cli_serving *serving, cflight_error **reterr)
{
    const struct cli_arguments *arguments = serving->run->arguments;
    struct cflight_server_handlers handlers = CFLIGHT_SERVER_HANDLERS_INIT;
    struct cflight_server_options options = serving->given->options;
    struct cflight_server_middleware middleware[MIDDLEWARE_MAX];
    handlers.user_data = &serving->serve;
    cli_serve_add_handlers(&handlers);
    handlers.do_put = serving->given->is_writable ? cli_serve_do_put : cli_serve_refuse_put;
    if (serving->given->is_writable) {
        handlers.do_action = cli_serve_do_action;
        handlers.list_actions = cli_serve_list_actions;
    }
    options.write_options = &arguments->write_options;
    options.read_options = &arguments->read_options;
    add_middleware(serving, middleware, &options);
    cli_serve_services_use(&serving->services, &options);
    options.metrics = serving->metrics.metrics;
    const char *location = cli_serve_places_use(&serving->places, &options);
    cli_serving_watch(serving); /* before the first reading: what changes later is seen */
    cflight_status status = cli_serve_tls_read(&serving->tls, &options.tls, reterr);
    if (status == CFLIGHT_OK && serving->is_database) {
        status = cli_serve_database_start(&serving->database, location, &options,
                                          &serving->given->database, &serving->server, reterr);
    } else if (status == CFLIGHT_OK) {
        status = cflight_server_new(location, &handlers, &options, &serving->server, reterr);
    }
    cli_serve_tls_forget_key(&serving->tls);
    return status;
}

/* Waits for SIGINT or SIGTERM; SIGHUP reads files again, and so does a change of them. Now and
 * then, what many clients left free is given back to the system. */
static void wait_for_end(struct cli_serving *serving)
{
    int64_t watchdog_ms = cli_manager_watchdog_ms();
    int64_t pause_ms = watchdog_ms > 0 && watchdog_ms / 2 < LOOK_MS ? watchdog_ms / 2 : LOOK_MS;
    int64_t trim_ns = cli_now_ns();
    size_t free_bytes = 0;
    int number = 0;
    while (number != SIGINT && number != SIGTERM) {
        number = cli_signal_wait(pause_ms);
        if (number == SIGHUP) {
            cli_serving_reload(serving);
        } else if (number == 0) {
            cli_serving_look(serving);
        }
        if (watchdog_ms > 0 && !cflight_server_wait_for(serving->server, 0)) {
            cli_manager_tell("WATCHDOG=1"); /* the server's lock can be had */
        }
        if (cli_now_ns() - trim_ns >= TRIM_PAUSE_MS * (int64_t)CLI_NS_PER_MS) {
            trim_ns = cli_now_ns();
            cli_memory_trim(&free_bytes);
            cli_message_left_out();
        }
    }
}

/* A balancer that asks for the health sends nobody any more, while all who come are served still.
 * Another signal ends that. */
static void delay(int64_t delay_ms)
{
    int64_t until_ns = cli_now_ns() + delay_ms * CLI_NS_PER_MS;
    int number = 0;
    while (number != SIGINT && number != SIGTERM && cli_now_ns() < until_ns) {
        number = cli_signal_wait((until_ns - cli_now_ns()) / CLI_NS_PER_MS + 1);
    }
}

/* Lets running calls finish; another signal cuts them. */
static void drain(const struct cli_serving *serving)
{
    const struct cli_serve_arguments *given = serving->given;
    int64_t all_ms = given->drain_delay_ms + given->grace_ms + END_MS;
    cli_manager_tell("STOPPING=1\nSTATUS=Draining\nEXTEND_TIMEOUT_USEC=%lld",
                     (long long)all_ms * 1000);
    (void)cli_serve_services_end(&serving->services, NULL);
    if (given->drain_delay_ms > 0) {
        cli_remark("not serving soon: calls are taken for %.10g s still",
                   (double)given->drain_delay_ms / 1000);
        delay(given->drain_delay_ms);
    }
    cli_remark("draining: no new calls; running ones have %.10g s", (double)given->grace_ms / 1000);
    cflight_server_shutdown(serving->server, given->grace_ms);
    while (!cflight_server_wait_for(serving->server, POLL_MS)) {
        int number = cli_signal_wait(0);
        if (number == SIGINT || number == SIGTERM) {
            cli_remark("running calls are cut");
            cflight_server_shutdown(serving->server, 0);
        }
    }
    cli_message_left_out();
    cli_remark("ended");
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
                               const struct cli_serve_metrics *metrics, cflight_error **reterr)
{
    struct cli_text lines = CLI_TEXT_INIT;
    const char *const *locations = NULL;
    size_t count = cflight_server_locations(server, &locations);
    for (size_t i = 0; i < count; i++) {
        cli_text_append_format(&lines, "Listening on %s\n", locations[i]);
    }
    if (metrics->http != NULL) {
        cli_text_append_format(&lines, "Metrics on port %d\n",
                               cflight_metrics_http_port(metrics->http));
    }
    cflight_status status = cli_run_print(run, &lines, reterr);
    cli_text_done(&lines);
    return status;
}

static void append_word(struct cli_text *line, bool is_on, const char *word)
{
    if (is_on) {
        cli_text_append_format(line, ", %s", word);
    }
}

/* One line that says what is on. */
static void describe(const struct cli_serving *serving)
{
    const struct cli_serve_arguments *given = serving->given;
    struct cli_text line = CLI_TEXT_INIT;
    struct rlimit files = {0};
    const char *const *locations = NULL;
    size_t count = cflight_server_locations(serving->server, &locations);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    cli_text_append_format(&line, "cflight %s serves '%s' on", CFLIGHT_VERSION_TEXT, given->source);
    for (size_t i = 0; i < count; i++) {
        cli_text_append_format(&line, "%s %s", i == 0 ? "" : ",", locations[i]);
    }
    cli_text_append_string(&line, " with health, reflection");
    append_word(&line, cli_serve_tls_is_on(&serving->tls), "TLS");
    append_word(&line, given->ca_path != NULL, "client certificates");
    append_word(&line, serving->auth.users != NULL, "users");
    append_word(&line, serving->serve.rights != NULL, "rights");
    append_word(&line, given->is_writable, "uploads");
    append_word(&line, cli_access_log_is_on(&serving->access_log), "access log");
    if (serving->metrics.http != NULL) {
        const char *address = given->metrics_address; /* whose port may be 0 */
        const char *colon = strrchr(address, ':');
        cli_text_append_format(&line, ", metrics on %.*s:%d",
                               colon == NULL ? 0 : (int)(colon - address), address,
                               cflight_metrics_http_port(serving->metrics.http));
    }
    cli_text_append_string(&line, "; limits:");
    cli_arguments_append_numbers(&line, serving->run->arguments);
    cli_text_append_format(&line, " open files %llu", (unsigned long long)files.rlim_cur);
    if (!line.failed) {
        cli_remark("%s", cli_text_terminated(&line));
    }
    cli_text_done(&line);
}

/* Each connection is a descriptor, and each download another one. */
static void check_descriptors(const struct cli_serve_arguments *given)
{
    struct rlimit files;
    uint32_t connections_max = given->options.connections_max;
    connections_max = connections_max == 0 ? CONNECTIONS_DEFAULT : connections_max;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY &&
        files.rlim_cur < (rlim_t)connections_max + OWN_DESCRIPTORS) {
        cli_log(CLI_LOG_WARN,
                "the limit of open files, %llu, is too small for %u connections "
                "(--connections-max) and what else is open; raise it (ulimit -Hn, LimitNOFILE= of "
                "systemd)",
                (unsigned long long)files.rlim_cur, connections_max);
    }
}

static void tell_ready(const struct cli_serving *serving)
{
    check_descriptors(serving->given);
    cli_manager_tell("READY=1\nSTATUS=Listening on %s", cflight_server_location(serving->server));
}

static cflight_status serve_until_signal(struct cli_serving *serving, cflight_error **reterr)
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
        describe(serving); /* first, as calls come when the addresses are known */
        status = announce(serving->run, serving->server, &serving->metrics, reterr);
    }
    if (status == CFLIGHT_OK) {
        tell_ready(serving);
        wait_for_end(serving);
        drain(serving);
        serving->run->exit_code = CLI_EXIT_OK;
    }
    return status;
}

/* The size at which the server cuts batches; 0 for never. */
static uint64_t batch_bytes_max(const struct cflight_server_options *options)
{
    uint64_t given = options->split_batch_bytes;
    return options->split_is_off ? 0 : given > 0 ? given : CFLIGHT_SPLIT_BATCH_BYTES_DEFAULT;
}

cflight_status cli_run_serve(struct cli_run *run, cflight_error **reterr)
{
    const struct cli_serve_arguments *given = &run->arguments->serve;
    struct cli_serving serving = {
        .run = run,
        .given = given,
        .is_database = cli_serve_is_database(given->source),
        .serve = {.catalog = CLI_CATALOG_INIT,
                  .read_options = &run->arguments->read_options,
                  .encodes_anew = cli_arguments_encode_anew(run->arguments),
                  .batch_bytes_max = batch_bytes_max(&given->options),
                  .may_overwrite = given->may_overwrite,
                  .quota = {.bytes_max = given->upload_bytes_max,
                            .files_max = given->upload_files_max,
                            .user_bytes_max = given->upload_user_bytes_max}}};
    int os_code = pthread_mutex_init(&serving.serve.commit_mutex, NULL);
    run->exit_code = CLI_EXIT_FAILURE; /* whatever goes wrong here, no server said it */
    if (os_code != 0) {
        return cli_error_from_errno(reterr, os_code, "make", "a lock");
    }
    cli_manager_find();
    cflight_status status = cli_quota_init(&serving.serve.quota, reterr);
    if (status == CFLIGHT_OK) {
        status = cli_serve_services_init(&serving.services, given->health_watchers_max, reterr);
    }
    if (status == CFLIGHT_OK) {
        status = serve_until_signal(&serving, reterr);
    }
    cli_serve_metrics_stop(&serving.metrics);
    if (!serving.is_database) {
        cflight_server_free(serving.server);
    }
    cli_serve_database_done(&serving.database);
    cflight_log_set(NULL, NULL, CFLIGHT_LOG_OFF);
    cli_serve_services_done(&serving.services);
    cli_serve_metrics_done(&serving.metrics);
    cli_serve_auth_done(&serving.auth);
    cli_serve_tls_done(&serving.tls);
    cli_access_log_done(&serving.access_log);
    free(serving.access_log_path);
    free(serving.users_path);
    free(serving.rights_path);
    cli_rights_free(serving.serve.rights);
    cli_serve_places_done(&serving.places);
    cli_passed_sockets_close(&serving.passed);
    cli_facts_table_free(serving.serve.facts);
    cli_catalog_done(&serving.serve.catalog);
    cli_quota_done(&serving.serve.quota);
    (void)pthread_mutex_destroy(&serving.serve.commit_mutex);
    cli_log_stop();
    return status;
}
